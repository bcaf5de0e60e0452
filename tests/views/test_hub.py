from __future__ import annotations

from array import array
from typing import Any

import pytest

from modelcypher_nb.operations.session import Session
from modelcypher_nb.views import channel as channels
from modelcypher_nb.views import hub as hubs
from modelcypher_nb.views.channel import SILENCE_SECONDS, Channel, points_message, unbind
from modelcypher_nb.views.hub import Hub
from modelcypher_nb.views.live import Shown


class Counter(Shown):
    """A displayed number."""

    def __init__(self, key: str) -> None:
        super().__init__("registry", key)
        self.value = 0

    def now(self, *, whole: bool) -> tuple[channels.Points, dict[str, Any]]:
        del whole
        return {}, {"value": self.value, "fixed": ["x"]}


class Wire(Channel):
    """A channel that keeps what was sent."""

    def __init__(self, client: str = "") -> None:
        self.sent: list[dict[str, Any]] = []
        super().__init__(lambda message, _: self.sent.append(message), client)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time that channels see, to be moved by hand."""
    now = [1000.0]
    monkeypatch.setattr(channels.time, "monotonic", lambda: now[0])
    return now


def test_only_what_changed_is_sent_and_in_sequence() -> None:
    counter, wire = Counter("a"), Wire()
    counter.join(wire)
    counter.push()
    counter.value = 5
    counter.push()
    assert wire.sent == [
        {"type": "snapshot", "data": {"value": 0, "fixed": ["x"]}, "actions": [], "seq": 1},
        {"type": "facts", "data": {"value": 5}, "seq": 2},
    ]


def test_a_view_that_joins_late_costs_the_others_no_change() -> None:
    counter, first = Counter("a"), Wire("first")
    counter.join(first)
    counter.value = 5
    counter.join(Wire("second"))
    assert first.sent[-1] == {"type": "facts", "data": {"value": 5}, "seq": 2}


def test_a_client_that_opens_anew_takes_the_place_of_its_old_wire() -> None:
    counter, old, new = Counter("a"), Wire("same"), Wire("same")
    counter.join(old)
    counter.join(new)
    assert counter.channels == [new]


def test_a_silent_view_is_given_up_and_gets_a_snapshot_when_it_wakes(clock: list[float]) -> None:
    counter, wire = Counter("a"), Wire()
    counter.join(wire)
    counter.receive(wire, {"type": "ack", "seq": 1})
    clock[0] += 10 * SILENCE_SECONDS  # nothing was sent meanwhile, so nothing had to be acknowledged
    counter.value = 1
    counter.push()
    clock[0] += SILENCE_SECONDS + 1
    counter.value = 2
    counter.push()
    assert [message["type"] for message in wire.sent] == ["snapshot", "facts"]
    counter.receive(wire, {"type": "ack", "seq": 2})
    assert wire.sent[-1]["data"]["value"] == 2
    assert wire.sent[-1]["type"] == "snapshot"


def test_points_lie_in_one_buffer_steps_before_values() -> None:
    message, buffer = points_message({"a": ([1, 2], [0.5, float("nan")]), "none": ([], []), "b": ([7], [3.0])})
    assert message == {"type": "points", "series": [{"name": "a", "count": 2}, {"name": "b", "count": 1}]}
    numbers = array("d", buffer)
    assert list(numbers[:3]) == [1, 2, 0.5]
    assert numbers[3] != numbers[3]
    assert list(numbers[4:]) == [7, 3]


def test_a_comm_of_another_ipykernel_is_left_as_it_is() -> None:
    class Old:
        pass

    comm = Old()
    unbind(comm)
    assert vars(comm) == {}


@pytest.mark.parametrize(
    ("view", "key", "nonce"),
    [
        ("registry", "a", "0" * 32),
        ("server", "a", None),
        ("registry", "b", None),
        ("registry", ["a"], None),
        (None, "a", None),
    ],
)
def test_nothing_is_found_without_the_right_view_id_and_nonce(
    session: Session, view: object, key: object, nonce: str | None
) -> None:
    made = Hub(session)
    counter = made.add(Counter("a"))
    assert made.find("registry", "a", session.nonce) is counter
    assert made.find(view, key, session.nonce if nonce is None else nonce) is None


def test_the_table_of_displayed_objects_is_bounded_and_keeps_what_is_looked_at(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hubs, "MOST_SHOWN", 3)
    made = Hub(session)
    watched = made.add(Counter("watched"))
    watched.join(Wire())
    for name in "abcd":
        made.add(Counter(name))
    assert made.known("watched") is watched
    assert [name for name in "abcd" if made.known(name)] == ["c", "d"]
