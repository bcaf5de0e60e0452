"""Live onlookers of a run: what is new, ten times a second, from one thread for all of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..guard.secrets import shown
from . import live
from .recorder import Points

if TYPE_CHECKING:
    from .run import Run

__all__ = ["attach"]

TICK_SECONDS = 0.1
Callback = Callable[[Points, dict[str, Any]], None]

_onlookers: list[Onlooker] = []
_lock = threading.Lock()


class Onlooker:
    """One callback and what it hasn't been told yet."""

    def __init__(self, run: Run, callback: Callback) -> None:
        self.run = run
        self._callback = callback
        self._points = run.recorder.look_on()
        self._job: dict[str, Any] = {}
        self._counts = (-1, -1)

    def tell(self) -> bool:
        """Tell what is new; gives whether there will be more."""
        more = not self.run.over.is_set()  # asked first: what comes after is told by the next round
        points = self.run.recorder.fetch(self._points)
        facts = self._facts()
        if points or facts:
            try:
                self._callback(points, facts)
            except Exception as error:  # noqa: BLE001 - a view's fault must reach neither training nor other views
                self.run.event("view", f"A live view was given up: {type(error).__name__}: {shown(error)}")
                return False
        return more

    def _facts(self) -> dict[str, Any]:
        """The top-level keys of the view's data that changed."""
        from .snapshot import changing, job_data

        facts: dict[str, Any] = {}
        job = job_data(self.run.record, in_main=self.run.in_main_thread)
        if job != self._job:
            self._job = facts["job"] = job
        counts = (self.run.recorder.event_count, self.run.keeper.changes)
        if counts != self._counts:
            self._counts = counts
            facts |= changing(self.run.store, self.run.id, self.run.recorder.unwritten)
        return facts

    def close(self) -> None:
        """Collect no more."""
        self.run.recorder.look_away(self._points)


def attach(run: Run, callback: Callback) -> Callable[[], None]:
    """Have a callback told of a run's new points and changed facts until the run ends or the result is called."""
    onlooker = Onlooker(run, callback)
    with _lock:
        _onlookers.append(onlooker)
    live.serve("pump", _pump)
    return lambda: _detach(onlooker)


def _detach(onlooker: Onlooker) -> None:
    with _lock:
        if onlooker in _onlookers:
            _onlookers.remove(onlooker)
    onlooker.close()


def _pump() -> None:
    while True:
        time.sleep(TICK_SECONDS)
        for onlooker in _onlookers:
            if not onlooker.tell():
                _detach(onlooker)
        if live.retire("pump", lambda: not _onlookers):
            return
