"""Small proofs about arguments and states: what a library never writes is refused with a reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from ...guard.source import BytesSource, RangeSource, Source
from .values import Global, LazyBytes, Opaque, PlainDict, UnfitError

if TYPE_CHECKING:
    from .context import Context
    from .trust import Reading

__all__ = [
    "a_flag", "a_name", "a_number", "a_shape", "a_size", "a_state", "bytes_source", "exactly", "inert_attributes",
    "made_empty", "old_bytes",
]  # fmt: skip

LARGEST = 2**63 - 1
MOST_DIMENSIONS = 64  # numpy's own bound
# What pickle, dict() and update() look up on an instance before its class, and call; so do names with underscores.
CALLED = frozenset({
    "add", "append", "clear", "copy", "extend", "fromkeys", "get", "items", "keys", "move_to_end", "pop", "popitem",
    "setdefault", "update", "values",
})  # fmt: skip


def exactly(arguments: tuple[Any, ...], *counts: int) -> None:
    """Prove the number of arguments."""
    if len(arguments) not in counts:
        raise UnfitError(f"is given {len(arguments)} arguments")


def made_empty(make: Callable[[], Any]) -> Reading:
    """A reading of what is made without arguments, and filled afterwards if at all."""

    def read(context: Context, arguments: tuple[Any, ...]) -> Any:
        del context
        exactly(arguments, 0)
        return make()

    return read


def a_number(value: Any, what: str, lowest: int = -LARGEST - 1, highest: int = LARGEST) -> int:
    """A whole number within bounds."""
    if type(value) is not int or not lowest <= value <= highest:
        raise UnfitError(f"is given a {what} that is no number from {lowest} to {highest}")
    return value


def a_size(value: Any, what: str) -> int:
    """A whole number that isn't negative."""
    if type(value) is not int or not 0 <= value <= LARGEST:
        raise UnfitError(f"is given a {what} that is no size")
    return value


def a_shape(value: Any) -> tuple[int, ...]:
    """A tuple of sizes."""
    if type(value) is not tuple or len(value) > MOST_DIMENSIONS:
        raise UnfitError(f"is given a shape that is no tuple of at most {MOST_DIMENSIONS} sizes")
    return tuple(a_size(one, "shape") for one in value)


def a_flag(value: Any, what: str) -> bool:
    """True or false; Python 2 wrote them as 1 and 0."""
    if type(value) is bool or (type(value) is int and value in {0, 1}):
        return bool(value)
    raise UnfitError(f"is given a {what} that is neither true nor false")


def a_name(value: Any, *texts: str) -> str:
    """One of these names, standing as a value."""
    if type(value) is Global and value.text in texts:
        return value.text
    raise UnfitError("is given what is none of the classes that it makes")


def a_state(value: Any) -> dict[str, Any]:
    """The attributes of an instance: a dict whose keys are texts."""
    if type(value) not in {dict, PlainDict} or not all(type(key) is str for key in value):
        raise UnfitError("is given a state that is no dict of attributes")
    return value  # type: ignore[no-any-return] # proven a line above


def inert_attributes(pairs: Iterable[tuple[Any, Any]]) -> None:
    """Prove that none of these attributes is what the next opcode would call, such as an own `__setstate__`.

    Raises:
        UnfitError: a name or an object, which may be callable, stands where a method is looked up.
    """
    for key, value in pairs:
        if type(value) in {Opaque, Global} and type(key) is str and (key.startswith("__") or key in CALLED):
            raise UnfitError(f"is given something to call as its {key[:40]}")


def old_bytes(value: Any) -> bytes | LazyBytes:
    """A byte string; what Python 2 wrote may have been read as text."""
    if type(value) is bytes or type(value) is LazyBytes:
        return value
    if type(value) is bytearray:
        return bytes(value)
    if type(value) is str:
        return value.encode("utf-8", "surrogatepass")
    raise UnfitError("is given what are no bytes")


def bytes_source(value: bytes | LazyBytes, label: str) -> Source:
    """Bytes as something to read from."""
    if isinstance(value, LazyBytes):
        return RangeSource(value.source, value.offset, value.size, label)
    return BytesSource(value, label)
