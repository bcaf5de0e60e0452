"""How safetensors lays a file out: the order of its tensors and the bytes of its header, as its own writer has them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ..errors import UsageError
from ..guard.secrets import shown
from .safetensors_header import DTYPE_BITS, METADATA

__all__ = ["Entry", "header_bytes", "in_order", "is_name"]

RANKS = {name: rank for rank, name in enumerate(DTYPE_BITS)}


class Entry(NamedTuple):
    """One tensor of a file that is to be written.

    Attributes:
        name: its key.
        dtype: by safetensors' names.
        shape: as the header says it; a packed pair counts as two.
        size_bytes: what its values take.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    size_bytes: int


def in_order(entries: Iterable[Entry]) -> list[Entry]:
    """The entries in the order in which safetensors writes them: the widest dtypes first, then by name."""
    return sorted(entries, key=lambda entry: (-RANKS[entry.dtype], entry.name))


def header_bytes(entries: Sequence[Entry], metadata: Mapping[str, str] | None) -> bytes:
    """The length field and the header of a file whose tensors follow in that order.

    Args:
        entries: what follows.
        metadata: texts for `__metadata__`, written in order of their keys.

    Raises:
        UsageError: a key or a value of the metadata is no text.
    """
    content: dict[str, Any] = {}
    if metadata is not None:
        for key, value in metadata.items():
            if not (is_text(key) and is_text(value)):
                raise UsageError(f"The metadata entry {shown(repr(key), 80)} is no text.", "Give str(value) instead.")
        content[METADATA] = dict(sorted(metadata.items()))
    begin = 0
    for entry in entries:
        end = begin + entry.size_bytes
        content[entry.name] = {"dtype": entry.dtype, "shape": list(entry.shape), "data_offsets": [begin, end]}
        begin = end
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def is_name(name: object) -> bool:
    """Whether a tensor can bear it."""
    return is_text(name) and name != METADATA


def is_text(value: object) -> bool:
    """Whether it is a text that UTF-8 can write: half of a surrogate pair is none."""
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
