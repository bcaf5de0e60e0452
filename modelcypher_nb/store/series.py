"""A run's metric series and events: one process appends, any number of others read along."""

from __future__ import annotations

import os
import struct
import threading
import time as clock
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..errors import StorageError, UsageError
from ..guard.secrets import shown
from .cells import (
    MOST_NAMES,
    Event,
    event_cells,
    file_name,
    header,
    name_cells,
    point_head,
    point_packer,
    segment_number,
)
from .segment import Segment

if TYPE_CHECKING:
    import numpy as np

    from ..guard.safe_path import SafePath

    Array = np.ndarray[Any, Any]

__all__ = ["Event", "Last", "Points", "SeriesReader", "SeriesWriter", "Tail"]

FEWEST_POINTS = 4
LONGEST_EVENT = 2000
MOST_ROWS = 256  # different sets of names whose packing is remembered


@dataclass(frozen=True, slots=True)
class _Row:
    """A record of certain names, prepared: packing is most of what logging costs.

    Attributes:
        heads: the part of each cell that doesn't change.
        pack: makes the cells of heads, steps, times and values.
        names: the cells of the names that it introduced.
        numbers: all names' numbers, with its own.
    """

    heads: tuple[bytes, ...]
    pack: Callable[..., bytes]
    names: bytes
    numbers: dict[str, int]


class SeriesWriter:
    """Appends to one segment: each call is one write, so a process that is killed has lost nothing.

    A disk that is full is said once; from then on nothing is written, and whoever logs goes on.

    Args:
        folder: the run's series folder.
        segment: the number of this process among those that worked on the run, from 1; a number that is taken (a start
            that was tried before) is passed over, because a file that another process left may end in a torn cell.

    Attributes:
        failed: whether the disk refused.
    """

    def __init__(self, folder: SafePath, segment: int) -> None:
        taken = {segment_number(entry.name) for entry in folder.list()}
        while segment in taken:
            segment += 1
        self.segment = segment
        self.failed = False
        self._numbers: dict[str, int] = {}
        self._rows: dict[tuple[str, ...], _Row] = {}
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._file = folder.append(file_name(segment))
        self._write(header(segment, clock.time()))

    def append(self, step: int, values: Mapping[str, float], time: float | None = None) -> None:
        """Add a point to each named series.

        Args:
            step: the step they belong to.
            values: numbers by series' name; NaN and infinity are kept as they are.
            time: seconds since 1970; now where None.

        Raises:
            StorageError: the disk refused; said once.
            UsageError: a step or a value is no number; nothing is written.
        """
        now = clock.time() if time is None else time
        with self._lock:
            names = tuple(values)
            row = self._rows.get(names)
            fresh = row is None
            if row is None:
                row = self._row(names)
            cells: list[Any] = []
            for head, value in zip(row.heads, values.values(), strict=True):
                cells += head, step, now, value
            try:
                data = row.pack(*cells)
            except (struct.error, OverflowError, TypeError) as error:
                raise UsageError(
                    f"Step {shown(step, 40)} can't be logged with {shown(dict(values), 120)}: {shown(error)}.",
                    "Give a whole number as step and one number a name.",
                ) from error
            if fresh:
                self._write(row.names + data)
                self._keep(row, names)
            else:
                self._write(data)

    def event(self, step: int, kind: str, text: str, time: float | None = None) -> None:
        """Add an event.

        Raises:
            StorageError: the disk refused; said once.
        """
        now = clock.time() if time is None else time
        with self._lock:
            self._write(event_cells(step, now, kind, shown(text, LONGEST_EVENT)))

    def sync(self) -> None:
        """Wait until the disk has everything: what a power failure then can't take."""
        if not self.failed:
            self._file.sync()

    def close(self) -> None:
        """Give the file back; harmless when done twice."""
        self._file.close()

    def _row(self, names: tuple[str, ...]) -> _Row:
        """How a record of these names is packed; those that are new get numbers and the cells that say so."""
        numbers = dict(self._numbers)
        for name in names:
            numbers.setdefault(name, len(numbers))
        if len(numbers) > MOST_NAMES:
            raise UsageError(
                f"This run has {len(self._numbers)} series already.", "Log under fewer names: each is a curve."
            )
        introduced = b"".join(name_cells(numbers[name], name) for name in names if name not in self._numbers)
        heads = tuple(point_head(numbers[name]) for name in names)
        return _Row(heads, point_packer(len(names)), introduced, numbers)

    def _keep(self, row: _Row, names: tuple[str, ...]) -> None:
        """Remember how a record is packed, now that the file has its names."""
        self._numbers = row.numbers
        if len(self._rows) >= MOST_ROWS:
            self._rows.clear()
        self._rows[names] = row

    def _write(self, data: bytes) -> None:
        if self.failed:
            return
        if os.getpid() != self._process:
            # A forked worker has a copy of the table of names, which would part from the file's.
            raise UsageError(
                f"Process {os.getpid()} logs to a run of process {self._process}.",
                "Log in the process that trains: give values back from a worker instead of logging there.",
            )
        try:
            self._file.write(data)
        except StorageError:
            self.failed = True
            raise


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
    """What was added since the last look: steps and values by series, events, and whether a segment began.

    After a new segment began, earlier points may be superseded: read the series anew.
    """

    points: dict[str, tuple[Array, Array]] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    new_segment: bool = False


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
        fresh = bool(self._seen) and bool(self._segments.keys() - self._seen.keys())
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
        return Tail(arrays, tuple(events), fresh)

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
