"""What a listed call of a closed package says of itself, and small proofs about arguments and states."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .numpy_arrays import Array
from .values import Composite, Global, Tensor

__all__ = ["Key", "ObjectCall", "is_array", "is_class", "is_size", "is_tensor", "nothing", "numbers"]

Key = tuple[str, str]
LARGEST = 2**31 - 1


@dataclass(frozen=True, slots=True)
class ObjectCall:
    """A constructor or class of a closed package that objects need, with the shapes that its library writes.

    Attributes:
        reason: what it makes, and what was read of it.
        arguments: whether these arguments are its library's own.
        state: whether such a state is; None where it takes none.
    """

    reason: str
    arguments: Callable[[tuple[Any, ...]], bool]
    state: Callable[[Any], bool] | None = None

    def accepts(self, arguments: tuple[Any, ...]) -> bool:
        """Whether a call with these arguments makes an object and does nothing else."""
        return self.arguments(arguments)

    def accepts_state(self, state: Any) -> bool:
        """Whether filling the object with this state does nothing else."""
        return self.state is not None and self.state(state)


def nothing(arguments: tuple[Any, ...]) -> bool:
    """No arguments."""
    return not arguments


def numbers(count: int) -> Callable[[tuple[Any, ...]], bool]:
    """So many numbers."""
    return lambda arguments: len(arguments) == count and all(type(one) in {float, int} for one in arguments)


def is_size(value: Any, lowest: int = 0) -> bool:
    """A whole number that C code takes."""
    return type(value) is int and lowest <= value <= LARGEST


def is_array(value: Any, dimensions: int, codes: str = "iufbS") -> bool:
    """A filled array of plain numbers (of records: code "V")."""
    if type(value) is not Array or not value.is_built or len(value.shape) != dimensions or value.items is not None:
        return False
    return value.dtype.code in codes and not value.dtype.has_object


def is_class(value: Any, *keys: Key) -> bool:
    """One of these names, standing as a value."""
    return type(value) is Global and (value.module, value.name) in keys


def is_tensor(value: Any) -> bool:
    """A tensor, or one made of several."""
    return type(value) is Tensor or type(value) is Composite
