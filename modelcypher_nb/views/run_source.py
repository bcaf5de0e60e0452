"""A run's live side: this process's own from memory, another process's by following its files and rows."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..operations.facts import JobFacts
from ..operations.person import as_person
from ..operations.session import current
from ..store.moves import LIVE_STATES
from ..store.records import JobRecord
from ..training.control import allowed_moves, as_found
from ..training.snapshot import changing, job_data, run_data
from .channel import Channel, Points
from .live import Shown
from .sheets_runs import OUTCOMES

if TYPE_CHECKING:
    from ..training.run import Run

__all__ = ["RunSource"]

BUTTONS = ("pause", "resume", "cancel", "checkpoint")
LOOK_SECONDS = 0.5  # between two looks at another process's rows
SNAPSHOT_POINTS = 2000


class RunSource(Shown):
    """One job of the catalog.

    Args:
        job: its id.
        run: the live run where it is this process's.

    Attributes:
        tender: looks after the run's output at each tick; gives whether that is needed again.
    """

    def __init__(self, job: str, run: Run | None = None) -> None:
        super().__init__("training_run", job)
        self.run = run
        self.tender: Callable[[], bool] = lambda: False
        self._store = current().store
        self._reader: Any = None
        self._collection: Points | None = None
        self._pending: dict[str, Any] = {}
        self._record: JobRecord | None = None
        self._looked_at = 0.0
        self._counts: tuple[int, int] = (-1, -1)
        self._changing: dict[str, Any] = {}

    def bind(self, run: Run) -> None:
        """The job goes on in this process: follow this run from now on."""
        with self.lock:
            self._look_away()
            self.run = run
            if self.channels:
                self._fresh()

    def record(self, *, fresh: bool = False) -> JobRecord:
        """The run's row: from memory, or as found in the catalog, now or at most half a second ago."""
        if self.run is not None:
            return self.run.record
        now = time.monotonic()
        if fresh or self._record is None or now - self._looked_at > LOOK_SECONDS:
            self._record, self._looked_at = as_found(self._store.catalog.job(self.key)), now
        return self._record

    def whole(self, points: int = SNAPSHOT_POINTS) -> dict[str, Any]:
        """The view's data with every series."""
        if self.run is not None:
            return self.run.snapshot(points)
        return run_data(self._store, self.record(), points)

    def now(self, *, whole: bool) -> tuple[Points, dict[str, Any]]:
        """Points since the last call, and the data."""
        points = self._fresh()
        if not whole:
            return points, self._facts()
        data = self.whole()
        # What was logged while the snapshot was read is told to everybody next, so the snapshot must end before it.
        self._pending = dict(self._fresh())
        for one in data["series"]:
            if one["name"] in self._pending:
                _end_before(one, self._pending[one["name"]][0])
        return points, data

    def actions(self) -> list[str]:
        """The buttons that would change something."""
        record = self.record()
        moves = allowed_moves(record)
        if record.state not in LIVE_STATES and not record.recipe:
            return []  # only the notebook that made its objects can go on with it
        return [verb for verb in BUTTONS if verb in moves]

    def act(self, action: str, arguments: dict[str, Any]) -> str | None:
        """Ask the run, wherever it lives."""
        del arguments
        facts: JobFacts = as_person(f"job_{action}", job_id=self.key)
        self._looked_at = 0.0
        return OUTCOMES.get(facts.outcome or "")

    def tend(self) -> bool:
        """Look after the output."""
        return self.tender()

    def leave(self, channel: Channel) -> None:
        """Forget a view, and after the last one collect no more."""
        with self.lock:
            super().leave(channel)
            if not self.channels:
                self._look_away()

    def _look_away(self) -> None:
        if self.run is not None and self._collection is not None:
            self.run.recorder.look_away(self._collection)  # type: ignore[arg-type]
        self._collection, self._reader, self._pending = None, None, {}

    def _fresh(self) -> Points:
        """Points that nobody was told of; the first call begins to collect."""
        found, self._pending = self._pending, {}
        for name, (steps, values) in self._collected().items():
            before = found.get(name, ([], []))
            found[name] = ([*before[0], *steps], [*before[1], *values])
        return found

    def _collected(self) -> Points:
        if self.run is not None:
            if self._collection is None:
                self._collection = self.run.recorder.look_on()
            return self.run.recorder.fetch(self._collection)  # type: ignore[arg-type]
        if self._reader is None:
            self._reader = self._store.series(self.key)
            self._reader.tail()
            return {}
        if not self._reader.names():  # its process may have made the folder since
            self._reader = self._store.series(self.key)
        told = self._reader.tail()
        return {name: (steps.tolist(), values.tolist()) for name, (steps, values) in told.points.items()}

    def _facts(self) -> dict[str, Any]:
        run, record = self.run, self.record()
        if run is not None:
            counts = (run.recorder.event_count, run.keeper.changes)
        else:
            counts = (len(self._reader.events()) if self._reader is not None else 0, record.checkpoint_count)
        if counts != self._counts:
            self._counts = counts
            self._changing = changing(self._store, self.key, run.recorder.unwritten if run is not None else ())
        return {"job": job_data(record, in_main=run is not None and run.in_main_thread), **self._changing}


def _end_before(one: dict[str, Any], coming: Any) -> None:
    """Cut a snapshot's series where the points begin that will follow it."""
    steps = one["steps"]
    if not steps or not len(coming):
        return
    one["count"] -= sum(coming[0] <= step <= steps[-1] for step in coming)
    keep = next((place for place, step in enumerate(steps) if step >= coming[0]), len(steps))
    for key in ("steps", "values", "low", "high"):
        if key in one:
            one[key] = one[key][:keep]
