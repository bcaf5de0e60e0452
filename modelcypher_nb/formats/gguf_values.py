"""The metadata of a GGUF header, read through a window that moves forward and never holds more than it needs."""

from __future__ import annotations

import struct
from typing import Any

from ..errors import MalformedError
from ..guard.secrets import shown
from ..guard.source import Source
from .pickles.values import LazyBytes
from .remedies import FETCH_AGAIN

__all__ = ["Cursor", "read_value"]

WINDOW_BYTES = 1 << 20
HEADER_LIMIT = 512 << 20  # metadata and tensor descriptions; the largest vocabularies take some 15 MB
LONGEST_TEXT = 512 << 10  # read as a value; of a longer one only the place is kept
KEPT_BYTES = 32 << 20  # of all texts that are read as values
LONGEST_LIST = 64  # items that are read as values; of longer arrays only the place is kept
MOST_WALKED = 4_000_000  # texts and inner arrays, whose ends only a walk over them finds
DEEPEST = 4  # GGML writes no array of arrays at all

STRING, ARRAY, BOOL = 8, 9, 7
SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", BOOL: "B", 10: "Q", 11: "q", 12: "d"}
TYPE_NAMES = {0: "uint8", 1: "int8", 2: "uint16", 3: "int16", 4: "uint32", 5: "int32", 6: "float32", BOOL: "bool",
              STRING: "string", ARRAY: "array", 10: "uint64", 11: "int64", 12: "float64"}  # fmt: skip


class Cursor:
    """A place in the header that only moves forward.

    Attributes:
        source: the whole file.
        at: the next byte.
        order: "<" or ">", as `struct` spells the byte order.
    """

    def __init__(self, source: Source, order: str, at: int = 0) -> None:
        self.source = source
        self.order = order
        self.at = at
        self.end = min(source.size, HEADER_LIMIT)
        self._window = b""
        self._begin = 0
        self._left = MOST_WALKED
        self._kept = KEPT_BYTES
        self._length = struct.Struct(f"{order}Q")
        self._scalars = {kind: struct.Struct(order + code) for kind, code in SCALARS.items()}

    def fault(self, problem: str) -> MalformedError:
        """The error for what is wrong here."""
        return MalformedError(f"{self.source.label} {problem}.", FETCH_AGAIN)

    def require(self, size: int, what: str) -> None:
        """Refuse what can't fit in the rest of the header.

        Raises:
            MalformedError: the file ends before, or the header would be larger than any real one.
        """
        if size > self.end - self.at:
            limit = "" if self.end == self.source.size else f", or its header is larger than {HEADER_LIMIT} bytes"
            raise self.fault(f"is cut off at byte {self.at}, where {what} of {size} bytes should follow{limit}")

    def take(self, size: int, what: str) -> bytes:
        """The next bytes."""
        self.require(size, what)
        begin = self._reach(size)
        self.at += size
        return self._window[begin : begin + size]

    def skip(self, size: int, what: str) -> None:
        """Move past bytes without reading them."""
        self.require(size, what)
        self.at += size

    def number(self, kind: int, what: str = "a number") -> Any:
        """A scalar of one of the metadata types."""
        packed = self._scalars[kind]
        self.require(packed.size, what)
        begin = self._reach(packed.size)
        self.at += packed.size
        return packed.unpack_from(self._window, begin)[0]

    def name(self, what: str, longest: int) -> str:
        """A name behind its length; what isn't UTF-8 in it is escaped."""
        size = self.number(10, what)
        if size > min(longest, self._kept):
            raise self.fault(f"has {what} of {size} bytes at byte {self.at}, beyond any real one")
        self._kept -= size
        return self.take(size, what).decode("utf-8", "backslashreplace")

    def text(self) -> str | LazyBytes:
        """A text behind its length; of a long one, or of one too many, only the place."""
        size = self.number(10, "the length of a text")
        if size <= min(LONGEST_TEXT, self._kept):
            self._kept -= size
            return self.take(size, "a text").decode("utf-8", "backslashreplace")
        place = self.at
        self.skip(size, "a text")
        return LazyBytes(self.source, place, size)

    def skip_texts(self, count: int) -> None:
        """Walk over texts, whose lengths alone tell where they end; a vocabulary has some 300,000 of them."""
        self.require(8 * count, f"an array of {count} texts")
        self.walked(count)
        unpack = self._length.unpack_from
        while count:
            self.require(8, "the length of a text")
            at = self._reach(8)
            window, end = self._window, self.end - self._begin
            try:
                while count:
                    at += 8 + unpack(window, at)[0]
                    count -= 1
            except (struct.error, OverflowError):  # the window's end, or far beyond any file's
                pass
            if at > end:
                raise self.fault(
                    f"holds a text that ends at byte {self._begin + at}, beyond the file or any real header"
                )
            self.at = self._begin + at

    def walked(self, count: int) -> None:
        """Count what has to be walked over.

        Raises:
            MalformedError: it is more than any real header holds.
        """
        self._left -= count
        if self._left < 0:
            raise self.fault(f"holds more than {MOST_WALKED} texts in its metadata, beyond any vocabulary")

    def _reach(self, size: int) -> int:
        """Have the next bytes in the window, and say where in it they begin."""
        begin = self.at - self._begin
        if begin < 0 or begin + size > len(self._window):
            self._begin, begin = self.at, 0
            self._window = self.source.read_at(self.at, min(max(size, WINDOW_BYTES), self.source.size - self.at))
        return begin


def read_value(cursor: Cursor, key: str, depth: int = 0) -> Any:
    """One metadata value behind its type: plain data, or for a long array its type, its length and its place.

    Raises:
        MalformedError: it has no known type, or doesn't fit in the file.
    """
    return _typed(cursor, cursor.number(4, "a type"), key, depth)


def _typed(cursor: Cursor, kind: int, key: str, depth: int) -> Any:
    if kind == ARRAY:
        return _array(cursor, key, depth + 1)
    if kind == STRING:
        return cursor.text()
    if kind not in SCALARS:
        raise cursor.fault(f"gives '{shown(key, 80)}' the type {kind}, which is unknown")
    value = cursor.number(kind)
    if kind == BOOL:
        if value > 1:
            raise cursor.fault(f"gives '{shown(key, 80)}' the truth value {value}, which is neither 0 nor 1")
        return bool(value)
    return value


def _array(cursor: Cursor, key: str, depth: int) -> Any:
    kind, count = cursor.number(4, "a type"), cursor.number(10, "a length")
    if depth > DEEPEST:
        raise cursor.fault(f"nests arrays deeper than {DEEPEST} in '{shown(key, 80)}'")
    if kind not in TYPE_NAMES:
        raise cursor.fault(f"gives '{shown(key, 80)}' an array of the type {kind}, which is unknown")
    smallest = 12 if kind == ARRAY else 8 if kind == STRING else struct.calcsize("=" + SCALARS[kind])
    cursor.require(smallest * count, f"an array of {count} items")
    if count <= LONGEST_LIST and kind != ARRAY:
        return [_typed(cursor, kind, key, depth) for _ in range(count)]
    begin = cursor.at
    first = _first(cursor, kind, key, depth)
    cursor.at = begin
    if kind == STRING:
        cursor.skip_texts(count)
    elif kind == ARRAY:
        cursor.walked(count)
        for _ in range(count):
            _array(cursor, key, depth + 1)
    else:
        cursor.skip(smallest * count, "an array")
    place = LazyBytes(cursor.source, begin, cursor.at - begin)
    return {"type": TYPE_NAMES[kind], "count": count, "first": first, "place": place}


def _first(cursor: Cursor, kind: int, key: str, depth: int) -> list[Any]:
    """The beginning of a long array, to be shown."""
    return [] if kind == ARRAY else [_typed(cursor, kind, key, depth) for _ in range(4)]
