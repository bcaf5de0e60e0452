"""Progress: nothing for short work, a line that goes away for long work, and never a reason to fail."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from typing import Any

import pytest

from modelcypher_nb.surfaces import progress

Told = pytest.CaptureFixture[str]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """A clock that goes on when it is told to."""
    now = [1000.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])

    def wait(seconds: float) -> None:
        now[0] += seconds

    return wait


def test_short_work_shows_nothing(capsys: Told, clock: Callable[[float], None]) -> None:
    with progress.on_terminal("scanned files") as tell:
        for done in range(100):
            clock(0.004)
            tell(done, 100)
    assert capsys.readouterr().err == ""


def test_long_work_shows_a_line_now_and_then_and_takes_it_away(capsys: Told, clock: Callable[[float], None]) -> None:
    with progress.on_terminal("scanned files") as tell:
        clock(1)
        for done in range(1, 101):
            clock(0.01)
            tell(done, 2000)
    written = capsys.readouterr().err
    shown = written.split("\r")
    assert shown[1] == "scanned 1 of 2,000 files (<0.1 %)"
    assert 5 <= len([text for text in shown if text.startswith("scanned")]) <= 15
    assert "\n" not in written
    assert shown[-2].isspace()  # blanks over the line
    assert not shown[-1]  # and the cursor at its beginning


def test_the_line_goes_away_also_when_the_work_fails(capsys: Told, clock: Callable[[float], None]) -> None:
    line = progress.on_terminal("scanned files")
    clock(1)
    tell = line.__enter__()
    clock(1)
    tell(1, 2)
    assert not line.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert capsys.readouterr().err.endswith(" \r")


def test_bytes_are_told_as_sizes(capsys: Told, clock: Callable[[float], None]) -> None:
    with progress.on_terminal("converted bytes") as tell:
        clock(1)
        tell(500_000_000, 1_000_000_000)
    assert "converted 500 MB of 1.00 GB (50.0 %)" in capsys.readouterr().err


def test_work_without_a_known_end_counts(capsys: Told, clock: Callable[[float], None]) -> None:
    with progress.on_terminal("scanned files") as tell:
        clock(1)
        tell(1234, 0)
    assert "\rscanned 1,234 files" in capsys.readouterr().err


def test_a_terminal_that_went_away_stops_nothing(
    clock: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(5, text)

    monkeypatch.setattr(sys, "stderr", Gone())
    with progress.on_terminal("scanned files") as tell:
        clock(1)
        tell(1, 2)


def test_a_cell_keeps_one_output_up_to_date(clock: Callable[[float], None], monkeypatch: pytest.MonkeyPatch) -> None:
    published: list[tuple[str, bool, str]] = []

    def publish(data: dict[str, str], *, transient: dict[str, Any], update: bool) -> None:
        published.append((data["text/plain"], update, transient["display_id"]))

    monkeypatch.setattr("IPython.display.publish_display_data", publish)
    with progress.in_cell("converted bytes") as tell:
        tell(1, 10)
        clock(5)
        tell(5, 10)
        clock(5)
        tell(10, 10)
    assert [(text, update) for text, update, _ in published] == [
        ("converted 5 B of 10 B (50.0 %)", False),
        ("converted 10 B of 10 B (100 %)", True),
        ("", True),
    ]
    assert len({display for _, _, display in published}) == 1


def test_a_shell_shows_it_on_a_terminal_alone(mc: Callable[..., Any], small_model: Any) -> None:
    assert mc("model", "scan", small_model.name).stderr == ""
