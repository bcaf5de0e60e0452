"""A short, bounded text of any described value, for findings and trees."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...guard.secrets import shown
from .values import Composite, Global, LazyBytes, Opaque, Storage, Tensor

__all__ = ["brief", "kind_of"]

LONGEST_TEXT = 120
MOST_ITEMS = 4
LONGEST_NUMBER_BITS = 256


def brief(value: Any, depth: int = 3) -> str:
    """At most some hundred characters of a value, escaped."""
    if isinstance(value, str | bytes | bytearray):
        longest = LONGEST_TEXT if isinstance(value, str) else LONGEST_TEXT // 2
        return shown(repr(value[:longest]) + ("..." if len(value) > longest else ""), 2 * LONGEST_TEXT)
    if isinstance(value, int) and value.bit_length() > LONGEST_NUMBER_BITS:
        return f"an int of {value.bit_length()} bits"
    if value is None or isinstance(value, bool | int | float | complex):
        return repr(value)
    if isinstance(value, dict | list | tuple | set | frozenset):
        return _container(value, depth)
    describe = DESCRIBED.get(type(value))
    return describe(value, depth) if describe is not None else kind_of(value)


def _container(value: Any, depth: int) -> str:
    opening, closing = "[]" if isinstance(value, list) else "()" if isinstance(value, tuple) else "{}"
    if not value:
        return opening + closing
    if depth <= 0:
        return f"{opening}{len(value)} ...{closing}"
    if isinstance(value, dict):
        pairs = zip(range(MOST_ITEMS), value.items(), strict=False)
        texts = [f"{brief(key, depth - 1)}: {brief(item, depth - 1)}" for _, (key, item) in pairs]
    else:
        texts = [brief(item, depth - 1) for _, item in zip(range(MOST_ITEMS), value, strict=False)]
    return opening + ", ".join(texts) + (", ..." if len(value) > MOST_ITEMS else "") + closing


def _called(value: Opaque, depth: int) -> str:
    arguments = ", ".join(brief(one, depth - 1) for one in value.arguments[:MOST_ITEMS]) if depth > 0 else "..."
    return f"{shown(value.kind, LONGEST_TEXT)}({arguments})"


DESCRIBED: dict[type, Callable[[Any, int], str]] = {
    Tensor: lambda value, _: f"tensor {value.dtype} {list(value.shape)[:8]}",
    Composite: lambda value, _: f"{value.layout} tensor {value.dtype} {list(value.shape)[:8]}",
    Storage: lambda value, _: f"storage of {value.size_bytes} bytes",
    LazyBytes: lambda value, _: f"{value.size} bytes",
    Global: lambda value, _: shown(value.text, LONGEST_TEXT),
    Opaque: _called,
}


def kind_of(value: Any) -> str:
    """What a value is, in words."""
    if isinstance(value, Tensor):
        return "parameter" if value.is_parameter else "tensor"
    if isinstance(value, Composite):
        return f"{value.layout} tensor"
    words = {Global: "name", LazyBytes: "bytes", type(None): "None"}.get(type(value))
    return words or shown(str(getattr(value, "kind", type(value).__name__)), LONGEST_TEXT)
