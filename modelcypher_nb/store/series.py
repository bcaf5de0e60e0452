"""A run's metric series and events: one process appends, any number of others read along."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .cells import Event, segment_number
from .segment import Segment
from .series_writer import SeriesWriter

if TYPE_CHECKING:
    import numpy as np

    from ..guard.safe_path import SafePath

    Array = np.ndarray[Any, Any]

__all__ = ["Event", "Last", "Points", "SeriesReader", "SeriesWriter", "Tail"]

FEWEST_POINTS = 4


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Points of one series, in order.

    Attributes:
        name: the series.
        count: how many points were logged, whatever was asked for (without superseded ones).
        steps: (points,) int64.
        values: (points,) float64.
        times: (points,) float64, seconds since 1970.
        low, high: (points,) lowest and highest value of the stretch that each point stands for; None where all are
            given.
        superseded_steps, superseded_values: points of earlier segments that a resumed run has gone over again.
    """

    name: str
    count: int
    steps: Array
    values: Array
    times: Array
    superseded_steps: Array
    superseded_values: Array
    low: Array | None = None
    high: Array | None = None


@dataclass(frozen=True, slots=True)
class Tail:
    """What was added since the last look: steps and values by series, and events."""

    points: dict[str, tuple[Array, Array]] = field(default_factory=dict)
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class Last:
    """The end of what was logged: the newest step and time, and each series' last step and value."""

    step: int
    time: float
    values: dict[str, tuple[int, float]]


class SeriesReader:
    """Reads what a run's processes wrote, also while they write.

    Args:
        folder: the run's series folder; None for a run that has logged nothing yet.
    """

    def __init__(self, folder: SafePath | None) -> None:
        self._folder = folder
        self._segments: dict[int, Segment] = {}
        self._seen: dict[int, tuple[int, int]] = {}

    def refresh(self) -> None:
        """Take in what was added."""
        if self._folder is None:
            return
        for entry in self._folder.list():
            number = segment_number(entry.name)
            if number is not None:
                segment = self._segments.setdefault(number, Segment(number))
                with self._folder / entry.name as safe:
                    segment.refresh(safe)
        self._segments = dict(sorted(self._segments.items()))

    def names(self) -> tuple[str, ...]:
        """The series, in the order of their first point."""
        self.refresh()
        return tuple(dict.fromkeys(name for segment in self._segments.values() for name in segment.names))

    def events(self) -> tuple[Event, ...]:
        """What happened, in order."""
        self.refresh()
        return tuple(event for segment in self._segments.values() for event in segment.events)

    def read(self, name: str, points: int | None = None, since: int = 0) -> Points:
        """The points of a series.

        The later segment wins: from the first step that it has of this series, points of earlier ones are superseded.

        Args:
            name: the series; one that wasn't logged has no points.
            points: how many at most (4 where less is asked for): the lowest and the highest of each stretch. All where
                None.
            since: the first step.
        """
        import numpy as np

        self.refresh()
        kept, old = self._told_apart(name)
        cells = np.concatenate(kept) if len(kept) > 1 else kept[0]
        superseded = np.concatenate(old) if len(old) > 1 else old[0]
        cells, superseded = cells[cells["step"] >= since], superseded[superseded["step"] >= since]
        count, low, high = len(cells), None, None
        if points is not None:
            from .decimate import extremes

            most = max(points, FEWEST_POINTS)
            if count > most:
                chosen, low, high = extremes(cells["value"], most)
                cells = cells[chosen]
            if len(superseded) > most:
                superseded = superseded[extremes(superseded["value"], most)[0]]
        return Points(
            name=name,
            count=count,
            # Copies, which are contiguous, and hang on no buffer of the whole file.
            steps=cells["step"].copy(),
            values=cells["value"].copy(),
            times=cells["time"].copy(),
            superseded_steps=superseded["step"].copy(),
            superseded_values=superseded["value"].copy(),
            low=low,
            high=high,
        )

    def _told_apart(self, name: str) -> tuple[list[Array], list[Array]]:
        """The points of each segment that count, and those that a later one replaced."""
        kept: list[Array] = []
        old: list[Array] = []
        border: int | None = None
        for segment in reversed(self._segments.values()):
            cells = segment.points(name)
            if not len(cells):
                continue
            beyond = cells["step"] >= border if border is not None else cells["step"] != cells["step"]
            kept.insert(0, cells[~beyond])
            old.insert(0, cells[beyond])
            first = int(cells["step"].min())
            border = first if border is None else min(border, first)
        nothing = Segment(0).cells()
        return kept or [nothing], old or [nothing]

    def tail(self) -> Tail:
        """What was added since the last call, the first time everything; for views that follow a run elsewhere."""
        import numpy as np

        self.refresh()
        points: dict[str, list[Array]] = {}
        events: list[Event] = []
        for number, segment in self._segments.items():
            cells_seen, events_seen = self._seen.get(number, (0, 0))
            for name in segment.names:
                cells = segment.points(name, cells_seen)
                if len(cells):
                    points.setdefault(name, []).append(cells)
            events.extend(segment.events[events_seen:])
            self._seen[number] = segment.cell_count, len(segment.events)
        joined = {name: np.concatenate(parts) for name, parts in points.items()}
        arrays = {name: (cells["step"].copy(), cells["value"].copy()) for name, cells in joined.items()}
        return Tail(arrays, tuple(events))

    def last(self) -> Last | None:
        """Where the logging ended; None where nothing was logged."""
        self.refresh()
        values: dict[str, tuple[int, float]] = {}
        step, time = 0, 0.0
        for segment in self._segments.values():
            for name in segment.names:
                cells = segment.points(name)
                if len(cells):
                    end = cells[-1]
                    values[name] = int(end["step"]), float(end["value"])
                    if end["time"] >= time:
                        step, time = int(end["step"]), float(end["time"])
        return Last(step, time, values) if values else None
