"""Every tensor of a file's content by a dotted name; a whole module's names are those of its state dict."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..limits import LIMITS, Limits
from .values import Composite, Described, Opaque, PlainDict, Shell, Tensor

__all__ = ["flatten"]

LONGEST_NAME = 4096
MOST_REVISITS = 20_000  # a file may hold one value under many names, or under exponentially many
ALONE = "data"
LEAVES = frozenset({type(None), str, int, float, bool, bytes})
CONTAINERS = frozenset({list, tuple, dict})
# Where a module keeps its tensors and its parts: no part of their names.
MODULE_KEYS = frozenset({"_parameters", "_buffers", "_modules"})


def flatten(root: Any, limits: Limits = LIMITS) -> dict[str, Tensor | Composite]:
    """Name every tensor within a value.

    Args:
        root: what a file holds.
        limits: for how deep it may nest.

    Returns:
        Tensors by name, in the file's order; a name that two would bear gets a number behind it.
    """
    found: dict[str, Tensor | Composite] = {}
    numbers: dict[str, int] = {}
    seen: set[int] = set()
    revisits = 0
    # Of what is open: its name, its identity, and what of it is still to come.
    walks: list[tuple[str, int, Iterator[tuple[Any, Any]]]] = [("", 0, iter([("", root)]))]
    is_open: set[int] = set()
    while walks:
        outer, identity, rest = walks[-1]
        key, value = next(rest, (None, rest))
        if value is rest:
            walks.pop()
            is_open.discard(identity)
            continue
        kind = type(value)
        if kind in LEAVES or (kind in CONTAINERS and not value) or len(walks) > limits.nesting + 1:
            continue
        name = _joined(outer, key)
        if isinstance(value, Tensor | Composite):
            found[_free(found, numbers, name or ALONE)] = value
            continue
        if id(value) in is_open:  # a circle
            continue
        if id(value) in seen:
            revisits += 1
            if revisits > MOST_REVISITS:
                continue
        seen.add(id(value))
        is_open.add(id(value))
        walks.append((name, id(value), _items(value)))
    return found


def _items(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(item, str | int | float | None):
                yield key, item
        if type(value) is PlainDict and value.attributes:
            # Classes that give each key as an attribute too say every tensor twice.
            yield "", {key: item for key, item in value.attributes.items() if value.get(key) is not item}
    elif isinstance(value, list | tuple):
        yield from enumerate(value)
    elif type(value) is Opaque:
        yield from _opaque(value)
    elif isinstance(value, Shell):
        yield "", value.value
    elif isinstance(value, Described):
        for part in value.parts():
            yield "", part


def _opaque(value: Opaque) -> Iterator[tuple[Any, Any]]:
    for item in (*value.arguments, *value.items):
        yield "", item
    if isinstance(value.state, dict):
        for key, item in value.state.items():
            yield ("" if key in MODULE_KEYS else key), item
    else:
        yield "", value.state


def _joined(name: str, key: Any) -> str:
    part = key if type(key) is str else str(key) if type(key) in {int, bool, float} and len(repr(key)) < 40 else "?"
    if key == "":
        return name
    joined = f"{name}.{part}" if name else part
    return joined if len(joined) <= LONGEST_NAME else joined[: LONGEST_NAME - 3] + "..."


def _free(found: dict[str, Tensor | Composite], numbers: dict[str, int], name: str) -> str:
    """The name, or the name with the first free number; the last given one is kept, so that each is tried once."""
    candidate = name
    while candidate in found:
        numbers[name] = numbers.get(name, 1) + 1
        candidate = f"{name}#{numbers[name]}"
    return candidate
