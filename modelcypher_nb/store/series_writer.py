"""The writing side of a run's series: every call is one system call at the end of a file."""

from __future__ import annotations

import os
import struct
import threading
import time as clock
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import StorageError, UsageError
from ..guard.secrets import shown
from .cells import (
    MOST_NAMES,
    event_cells,
    file_name,
    header,
    name_cells,
    point_head,
    point_packer,
    segment_number,
)

if TYPE_CHECKING:
    from ..guard.safe_path import SafePath

__all__ = ["SeriesWriter"]

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
