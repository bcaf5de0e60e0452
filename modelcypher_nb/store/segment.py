"""One segment of a run's series while it is read: its points, names and events as far as they are written."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from ..guard.secrets import shown
from .cells import CELL, CELL_BYTES, EVENT, HEADER_BYTES, MARKER, NAME, POINT, TEXT_BYTES, Event, check_header

if TYPE_CHECKING:
    import numpy as np

    from ..guard.safe_path import SafePath

__all__ = ["Segment"]

LATEST = 1e11  # seconds since 1970 that no clock gives, and calendars still hold

# The same layout as CELL, for arrays.
FIELDS = [("marker", "u1"), ("kind", "u1"), ("name", "<u2"), ("text", "<u4"), ("step", "<i8"), ("time", "<f8"),
          ("value", "<f8")]  # fmt: skip


class Segment:
    """What one process wrote.

    Attributes:
        number: counts from 1.
        names: numbers of the file's names, in the order of their first use.
        events: what happened.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.names: dict[str, int] = {}
        self.events: list[Event] = []
        self._parts: list[bytes] = []
        self._offset = 0

    def refresh(self, safe: SafePath) -> int:
        """Take in what was added since the last time; gives how many cells that was.

        A cell that is cut off, or the rest of a text that isn't there yet, is left for the next time: where the writer
        was killed, for ever.
        """
        source = safe.source()
        if source.size < HEADER_BYTES:
            return 0
        if not self._offset:
            check_header(source.read_at(0, HEADER_BYTES), safe.display)
            self._offset = HEADER_BYTES
        size = max(0, source.size - self._offset) // CELL_BYTES * CELL_BYTES
        data = source.read_at(self._offset, size)
        count = self._take_texts(data)
        if count:
            self._parts.append(data[: count * CELL_BYTES])
            self._offset += count * CELL_BYTES
        return count

    def _take_texts(self, data: bytes) -> int:
        """Take names and events out of cells; gives how many cells from the first are whole."""
        markers, kinds = data[0::CELL_BYTES], data[1::CELL_BYTES]
        count = len(markers) - len(markers.lstrip(bytes([MARKER])))
        heads = sorted(index for kind in (NAME, EVENT) for index in _find_all(kinds[:count], kind))
        for index, following in itertools.zip_longest(heads, heads[1:], fillvalue=count):
            _, kind, number, length, step, time, _ = CELL.unpack_from(data, index * CELL_BYTES)
            cells = -(-length // TEXT_BYTES)
            if index + 1 + cells > following < count:
                continue  # damaged: another text begins within it
            if index + 1 + cells > count:
                return index
            text = _text(data, index + 1, length)
            if kind == NAME:
                self.names[text] = number
            elif 0 <= time < LATEST:
                what, _, words = text.partition("\0")
                self.events.append(Event(step, time, what, shown(words, 2000), self.number))
        return count

    def cells(self) -> np.ndarray[Any, Any]:
        """Every cell as one array, without a copy where it was read in one go."""
        import numpy as np

        if len(self._parts) > 1:
            self._parts = [b"".join(self._parts)]
        return np.frombuffer(self._parts[0] if self._parts else b"", dtype=FIELDS)

    def points(self, name: str, first: int = 0) -> np.ndarray[Any, Any]:
        """The cells of one series, from the given cell on."""
        cells = self.cells()[first:]
        if name not in self.names:
            return cells[:0]
        chosen: np.ndarray[Any, Any] = cells[(cells["kind"] == POINT) & (cells["name"] == self.names[name])]
        return chosen

    @property
    def cell_count(self) -> int:
        """How many cells were taken in."""
        return (max(self._offset, HEADER_BYTES) - HEADER_BYTES) // CELL_BYTES


def _find_all(kinds: bytes, kind: int) -> list[int]:
    found, at = [], kinds.find(kind)
    while at >= 0:
        found.append(at)
        at = kinds.find(kind, at + 1)
    return found


def _text(data: bytes, cell: int, length: int) -> str:
    raw = bytearray()
    while len(raw) < length:
        start = (cell + 1) * CELL_BYTES - TEXT_BYTES
        raw += data[start : start + TEXT_BYTES]
        cell += 1
    return raw[:length].decode("utf-8", "replace")
