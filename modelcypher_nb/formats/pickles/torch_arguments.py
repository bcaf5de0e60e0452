"""Small proofs about the arguments of torch's builders: shapes, storages, dtypes, flags."""

from __future__ import annotations

from typing import Any

from ..torch_dtypes import DTYPES
from .arguments import LARGEST, MOST_DIMENSIONS, a_size
from .values import Global, PlainDict, Shell, Storage, Tensor, UnfitError

__all__ = ["a_boolean", "a_dtype", "a_named_value", "a_storage", "a_tensor", "no_hooks", "sizes"]


def sizes(value: Any, what: str) -> tuple[int, ...]:
    """A shape or stride: a tuple, a list or a torch.Size of whole numbers."""
    if type(value) is tuple and len(value) <= MOST_DIMENSIONS:  # what torch writes, hundreds of times a file
        for one in value:
            if type(one) is not int or not 0 <= one <= LARGEST:
                break
        else:
            return value
    if isinstance(value, Shell) and value.kind == "torch.Size":
        value = value.value
    if type(value) not in {tuple, list}:
        raise UnfitError(f"is given a {what} that is no tuple")
    if len(value) > MOST_DIMENSIONS:
        raise UnfitError(f"is given a {what} of more than {MOST_DIMENSIONS} dimensions")
    return tuple(a_size(one, what) for one in value)


def a_storage(value: Any) -> Storage:
    """A storage of the file."""
    if type(value) is not Storage:
        raise UnfitError("is given what is no storage")
    return value


def a_boolean(value: Any, what: str) -> bool:
    """True or false, and no number."""
    if type(value) is not bool:
        raise UnfitError(f"is given a {what} that is neither true nor false")
    return value


def a_dtype(value: Any) -> str:
    """Our name of a dtype that stands as a value."""
    if type(value) is Global and value.module == "torch" and value.name in DTYPES:
        return DTYPES[value.name]
    raise UnfitError("is given what is no dtype")


def no_hooks(value: Any) -> None:
    """Hooks are called on every gradient: a saved tensor has none."""
    if value is not None and not (type(value) in {dict, PlainDict} and not value):
        raise UnfitError("is given hooks")


def a_tensor(value: Any) -> Tensor:
    """A tensor that isn't made of several."""
    if type(value) is not Tensor:
        raise UnfitError("is given what is no tensor")
    return value


def a_named_value(value: Any, names: tuple[str, ...], what: str) -> str:
    """The name of one of torch's own small values, such as a layout."""
    if isinstance(value, Shell) and value.kind == f"torch.{what}" and value.value in names:
        return str(value.value)
    if type(value) is Global and value.module == "torch" and value.name in names:
        return value.name
    raise UnfitError(f"is given what is no {what}")
