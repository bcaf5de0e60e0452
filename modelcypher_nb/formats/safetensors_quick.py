"""The common safetensors header proven in bulk; what isn't plainly sound is left to who can say what is wrong with it.

A model of a thousand shards is described in little more than its headers take to parse: no object is made for each
tensor until somebody asks, and most properties are proven of all tensors by one call.
"""

from __future__ import annotations

import json
from math import prod
from typing import Any, NoReturn

from .header_shape import MOST_DIMENSIONS, SMALL_BYTES

__all__ = ["quick"]

QUOTES_OF_A_TENSOR = 10  # around its name, its three fields' names and its dtype
QUOTES_OF_A_TEXT = 4  # around a key and its value
METADATA = "__metadata__"


def _refuse(text: str) -> NoReturn:
    raise ValueError(text)


DECODER = json.JSONDecoder(parse_float=_refuse)  # NaN and infinity equal no size


def quick(text: bytes, bits: dict[str, int], data_bytes: int) -> tuple[dict[str, Any], dict[str, str]] | None:
    """Prove a header as `safetensors_header.describe` does.

    Args:
        text: the header without its padding.
        bits: of an element of each dtype.
        data_bytes: how many bytes follow the header.

    Returns:
        The tensors' entries in file order, and the metadata; None where a closer look is needed.
    """
    # An escape, a control character that JSON allows, perhaps a negative number, perhaps what Python takes for 0 or 1.
    if b"\\" in text or b"\x7f" in text or b"-" in text or b"true" in text or b"false" in text:
        return None
    if len(text) > SMALL_BYTES:
        return None
    try:
        content = DECODER.decode(text.decode("ascii"))
        metadata = content.pop(METADATA, None)
        expected = QUOTES_OF_A_TENSOR * len(content)
        if metadata is not None:
            expected += 2 + QUOTES_OF_A_TEXT * len(metadata)
        # Without a backslash each quote bounds a text. As many as a sound header has means that no key stands twice and
        # that there is no further field: what a parser drops or adds has quotes as well.
        if text.count(b'"') != expected or not _are_texts(metadata):
            return None
        if not _are_sound(content, bits, data_bytes):
            content = dict(sorted(content.items(), key=lambda item: item[1]["data_offsets"]))
            if not _are_sound(content, bits, data_bytes):
                return None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return content, metadata or {}


def _are_texts(metadata: Any) -> bool:
    return metadata is None or (type(metadata) is dict and set(map(type, metadata.values())) <= {str})


def _are_sound(content: dict[str, Any], bits: dict[str, int], data_bytes: int) -> bool:
    """Whether every byte is in exactly one tensor, in the order of the header, of the size that it needs."""
    reached = 0
    for one in content.values():
        begin, end = one["data_offsets"]
        shape = one["shape"]
        if begin != reached or 8 * (end - begin) != bits[one["dtype"]] * prod(shape):
            return False
        if begin == end or len(shape) > MOST_DIMENSIONS or type(shape) is not list:
            return False  # an empty tensor's other dimensions are looked at one by one
        reached = end
    return bool(reached == data_bytes)
