"""A large header looked at before it is parsed: parsing what was made for it costs up to thirty times its bytes."""

from __future__ import annotations

import re

from ..errors import MalformedError
from .remedies import FETCH_AGAIN

__all__ = ["MOST_DIMENSIONS", "SMALL_BYTES", "refuse_bomb"]

SMALL_BYTES = 4 << 20  # some 40,000 tensors; parsing this much costs 120 MB at worst
MOST_DIMENSIONS = 64  # what NumPy and torch compute with

# Nothing is ever tried twice (`+` after a repetition), so the time is that of one pass, whatever the text. Commas are
# left to the parser.
GAP = rb"[ \t\r\n]*+"
TEXT = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
NUMBERS = rb"\[" + GAP + rb"(?:[0-9]{1,20}+" + GAP + rb",?+" + GAP + rb"){0,%d}+\]" % MOST_DIMENSIONS
TENSOR = rb'"(?:dtype|shape|data_offsets)"' + GAP + b":" + GAP + rb"(?:" + TEXT + rb"|" + NUMBERS + rb")"
FACT = TEXT + GAP + b":" + GAP + TEXT


def _entry(name: bytes, field: bytes, count: bytes) -> bytes:
    fields = rb"\{" + GAP + rb"(?:" + field + GAP + rb",?+" + GAP + rb")" + count + rb"\}"
    return name + GAP + b":" + GAP + fields


METADATA, DESCRIPTION = _entry(rb'"__metadata__"', FACT, b"*+"), _entry(TEXT, TENSOR, b"{3}+")
ENTRY = re.compile(GAP + rb"(?:" + METADATA + rb"|" + DESCRIPTION + rb")" + GAP + rb",?+", re.DOTALL)


def refuse_bomb(text: bytes, label: str) -> None:
    """Refuse a large header that isn't built of tensors' descriptions.

    Args:
        text: the header, not yet known to be JSON; it begins and ends with a brace.
        label: the file's.

    Raises:
        MalformedError: it holds what no tensor's description does.
    """
    if len(text) <= SMALL_BYTES:
        return
    place, match = 1, ENTRY.match(text, 1)
    while match is not None:
        place = match.end()
        match = ENTRY.match(text, place)
    if text[place:].strip() != b"}":
        raise MalformedError(
            f"The header of {label} isn't built of tensors' descriptions from byte {place} on.", FETCH_AGAIN
        )
