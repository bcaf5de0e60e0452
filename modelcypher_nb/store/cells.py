"""The layout of a series file: a header, then cells of 32 bytes that hold a point, or a part of a name or an event.

All cells have one size, so that a million points are read as one array, and a file that was cut anywhere loses at most
its last cell. A point stands in one cell: marker, kind, number of the name, step, time, value. A name or an event is a
head cell that tells the length of its text, and cells with that text. Values bear no checksum: a bit that flips in one
changes a point of a curve and nothing else.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import ConflictError, MalformedError

__all__ = [
    "CELL",
    "CELL_BYTES",
    "HEADER_BYTES",
    "MOST_NAMES",
    "Event",
    "check_header",
    "event_cells",
    "file_name",
    "header",
    "name_cells",
    "point_head",
    "point_packer",
    "segment_number",
]

VERSION = 1
MAGIC = b"\x89MCS\r\n\x1a\n"
HEADER = struct.Struct("<8sHHId8x")
CELL = struct.Struct("<BBHIqdd")  # marker, kind, name, text bytes, step, time, value
TEXT = struct.Struct("<BBHI24s")
HEADER_BYTES = CELL_BYTES = 32
TEXT_BYTES = 24
POINT_HEAD_BYTES = 8

MARKER = 0xA7  # a block that a power failure left as zeros has none
POINT, NAME, EVENT, WORDS = 1, 2, 3, 4
MOST_NAMES = 1 << 16

PREFIX, SUFFIX = "segment-", ".mcs"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in a run; `segment` counts the processes that worked on it, from 1."""

    step: int
    time: float
    kind: str
    text: str
    segment: int = 1


def file_name(segment: int) -> str:
    """The name of a segment's file."""
    return f"{PREFIX}{segment:04d}{SUFFIX}"


def segment_number(name: str) -> int | None:
    """The number of a segment's file, or None for another file."""
    digits = name[len(PREFIX) : -len(SUFFIX)]
    ours = name.startswith(PREFIX) and name.endswith(SUFFIX) and digits.isascii() and digits.isdigit()
    return int(digits) if ours else None


def header(segment: int, time: float) -> bytes:
    """How a file begins."""
    return HEADER.pack(MAGIC, VERSION, CELL_BYTES, segment, time)


def check_header(data: bytes, label: str) -> None:
    """Pass the beginning of a file that this release can read.

    Raises:
        MalformedError: it is no series file.
        ConflictError: a newer release wrote it.
    """
    magic, version, size, _, _ = HEADER.unpack(data)
    if magic != MAGIC:
        raise MalformedError(f"{label} doesn't begin as a series file does.", "Move it out of the run's folder.")
    if version > VERSION or size != CELL_BYTES:
        raise ConflictError(
            f"{label} has version {version}, and this release knows versions up to {VERSION}.",
            "Install the newer release: pip install -U modelcypher_nb",
        )


def point_head(number: int) -> bytes:
    """What all points of a series begin with."""
    return CELL.pack(MARKER, POINT, number, 0, 0, 0.0, 0.0)[:POINT_HEAD_BYTES]


def point_packer(count: int) -> Callable[..., bytes]:
    """Makes cells of that many points: for each its head, step, time and value."""
    return struct.Struct("<" + f"{POINT_HEAD_BYTES}sqdd" * count).pack


def _text_cells(text: bytes) -> bytes:
    parts = range(0, len(text), TEXT_BYTES)
    return b"".join(TEXT.pack(MARKER, WORDS, 0, 0, text[start : start + TEXT_BYTES]) for start in parts)


def name_cells(number: int, name: str) -> bytes:
    """The cells that give a series' name its number."""
    text = name.encode("utf-8", "replace")
    return CELL.pack(MARKER, NAME, number, len(text), 0, 0.0, 0.0) + _text_cells(text)


def event_cells(step: int, time: float, kind: str, text: str) -> bytes:
    """The cells of an event."""
    words = f"{kind}\0{text}".encode("utf-8", "replace")
    return CELL.pack(MARKER, EVENT, 0, len(words), step, time, 0.0) + _text_cells(words)
