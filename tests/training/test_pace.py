from __future__ import annotations

import pytest

from modelcypher_nb.training import pace
from modelcypher_nb.training.pace import Pace


def test_the_pace_is_that_of_the_last_fifty_steps_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(pace.time, "perf_counter", lambda: now[0])
    measured = Pace()
    measured.start()
    assert measured.samples_per_second is None
    for number in range(200):
        now[0] += 1.0 if number < 100 else 0.5
        measured.step(8 if number < 170 else 32)
    assert measured.steps_per_second == pytest.approx(2.0)
    assert measured.samples_per_second == pytest.approx((20 * 8 + 30 * 32) / 25)


def test_a_hold_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(pace.time, "perf_counter", lambda: now[0])
    measured = Pace()
    measured.start()
    now[0] = 1000.0
    measured.start()
    now[0] = 1001.0
    measured.step(4)
    assert measured.samples_per_second == 4
