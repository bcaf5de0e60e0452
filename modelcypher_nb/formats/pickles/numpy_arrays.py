"""numpy's arrays and scalars, described: numbers become tensors, other items stay raw bytes or a list of values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import prod
from typing import Any

from ...guard.source import BytesSource, Source
from .arguments import a_flag, a_number, a_shape, bytes_source, old_bytes
from .numpy_dtypes import DType
from .strided import strides_of
from .values import Described, LazyBytes, LieError, Shell, Storage, Tensor, UnfitError

__all__ = ["Array", "MaskedArray", "Scalar", "array_over", "empty_array", "tensor_over"]

LARGEST = 2**63 - 1
MOST_EMPTY_ITEMS = 1 << 26  # items of no bytes cost a file nothing, and whoever shows them something


def prove_addressable(shape: tuple[int, ...], item_bytes: int) -> None:
    """Prove that numpy could make an array of that shape, which an empty one or one of empty items may lie about.

    Raises:
        LieError: it couldn't.
    """
    size = max(item_bytes, 1)
    for dimension in shape:
        size *= max(dimension, 1)
    if size > (LARGEST if item_bytes else MOST_EMPTY_ITEMS):
        raise LieError("has a shape that no memory holds")


def tensor_over(source: Source, dtype: DType, shape: tuple[int, ...], strides: tuple[int, ...]) -> Tensor | None:
    """A tensor over a whole source; None where the items are no plain numbers."""
    name = dtype.tensor_dtype
    if name is None or dtype.base is not None or dtype.fields:
        return None
    storage = Storage("", name, source.size, source, dtype.big_endian)
    return Tensor(storage, name, shape, strides, library="numpy")


@dataclass(slots=True, eq=False, repr=False)
class Array(Described):
    """An array of numpy's.

    Attributes:
        label: what to call its bytes in messages.
        kind: the full name of its class.
        dtype: of an item.
        shape: in items.
        is_fortran: whether the first index varies fastest.
        tensor: its numbers, where its items are plain numbers.
        items: its values in row-major order, where they are Python objects.
        raw: the bytes of all items, where they are neither.
        is_built: whether its state was given.
    """

    label: str
    kind: str = "numpy.ndarray"
    dtype: DType = field(default_factory=lambda: DType("i", 1, is_settled=True))
    shape: tuple[int, ...] = (0,)
    is_fortran: bool = False
    tensor: Tensor | None = None
    items: list[Any] | None = None
    raw: Source | None = None
    is_built: bool = False

    level = "data"
    asks_parts = True

    def __repr__(self) -> str:
        return f"<{self.kind} {self.dtype.text} {self.shape}>"

    def parts(self) -> Iterable[Any]:
        """Its tensor or its items, and what was attached to its dtype."""
        if self.tensor is not None:
            yield self.tensor
        elif self.items is not None:
            yield self.items
        yield from self.dtype.parts()

    def build(self, state: Any) -> None:
        """Take the state that numpy writes: version, shape, dtype, order and items."""
        if type(state) is not tuple or len(state) != 5:
            raise UnfitError("is given a state that is no array's")
        version, shape, dtype, is_fortran, items = state
        a_number(version, "version", 0, 1)
        self._begin(shape, dtype, is_fortran)
        if self.dtype.has_object:
            self.take_items(items)
        else:
            self.take_bytes(bytes_source(old_bytes(items), self.label))

    def _begin(self, shape: Any, dtype: Any, is_fortran: Any) -> None:
        if self.is_built:
            raise UnfitError("is given a second state")
        if type(dtype) is not DType:
            raise UnfitError("is given a dtype that is none")
        self.is_built = True
        self.shape, self.is_fortran = a_shape(shape), a_flag(is_fortran, "order")
        self.dtype = dtype.settle()
        if self.dtype.base is not None:
            raise UnfitError("is made of small arrays, which are never items")

    def take_items(self, items: Any) -> None:
        """Hold Python objects."""
        prove_addressable(self.shape, self.dtype.item_bytes)
        if type(items) is not list or len(items) != prod(self.shape):
            raise LieError(f"is given no list of {prod(self.shape)} items")
        if self.dtype.code != "O" and not all(_is_record(self.dtype, item) for item in items):
            raise UnfitError("is given items that numpy would have to convert")
        self.items, self.tensor = items, None

    def take_bytes(self, source: Source) -> None:
        """Hold the bytes of all items, once their number is proven."""
        prove_addressable(self.shape, self.dtype.item_bytes)
        if source.size != prod(self.shape) * self.dtype.item_bytes:
            raise LieError(f"has {source.size} bytes for {prod(self.shape)} items of {self.dtype.item_bytes} bytes")
        self.tensor = tensor_over(source, self.dtype, self.shape, strides_of(self.shape, is_fortran=self.is_fortran))
        self.raw = None if self.tensor is not None else source


@dataclass(slots=True, eq=False, repr=False)
class MaskedArray(Array):
    """An array some of whose items count as missing.

    Attributes:
        mask: a byte for each item, or for each field of an item: whether it is missing.
        fill_value: what stands in for a missing item.
    """

    mask: Tensor | None = None
    fill_value: Any = None

    def parts(self) -> Iterable[Any]:
        """Its values, its mask, and what stands in for what is missing."""
        yield from Array.parts(self)
        if self.mask is not None:
            yield {"mask": self.mask}
        if self.fill_value is not None:
            yield self.fill_value

    def build(self, state: Any) -> None:
        """Take the state that numpy writes: an array's, the mask's bytes and the fill value."""
        if type(state) is not tuple or len(state) != 7:
            raise UnfitError("is given a state that is no masked array's")
        Array.build(self, state[:5])
        mask = bytes_source(old_bytes(state[5]), self.label)
        leaves = _leaves(self.dtype)
        if mask.size != prod(self.shape) * leaves:
            raise LieError(f"has a mask of {mask.size} bytes for {prod(self.shape)} items")
        shape = self.shape if leaves == 1 else (*self.shape, leaves)
        boolean = DType("b", 1, is_settled=True)
        self.mask = tensor_over(mask, boolean, shape, strides_of(shape, is_fortran=self.is_fortran and leaves == 1))
        if self.mask is not None:
            self.mask.storage.key = "mask"
        if not _is_fill_value(state[6]):
            raise UnfitError("is given a fill value that numpy would have to convert")
        self.fill_value = state[6]


def _is_plain(value: Any) -> bool:
    """Whether numpy makes a number or text of a value without calling methods of its class."""
    kind = type(value)
    return value is None or kind in {bool, int, float, complex, str, bytes} or (kind is Scalar and not value.is_mixed)


def _is_fill_value(value: Any) -> bool:
    return _is_plain(value) or (type(value) is Array and value.items is None and value.is_built)


def _is_record(dtype: DType, item: Any) -> bool:
    """Whether an item is as numpy writes it: a tuple of its fields, objects only where objects belong."""
    if dtype.base is not None:
        return type(item) is Array and item.is_built and (item.items is None or dtype.base.code == "O")
    if dtype.fields:
        return (
            type(item) is tuple
            and len(item) == len(dtype.fields)
            and all(_is_record(one.dtype, part) for one, part in zip(dtype.fields, item, strict=True))
        )
    if dtype.code == "O":
        return True
    return _is_plain(item) or (isinstance(item, Shell) and not item.asks_parts)  # a date, a number beyond Python's


def _leaves(dtype: DType) -> int:
    """How many values an item has, each with a mask of its own."""
    if dtype.base is not None:
        return prod(dtype.shape) * _leaves(dtype.base)
    return sum(_leaves(one.dtype) for one in dtype.fields) if dtype.fields else 1


@dataclass(slots=True, eq=False)
class Scalar(Shell):
    """One item of numpy's.

    Attributes:
        dtype: what it is.
        raw: its bytes, from which its value can be made again bit for bit.
    """

    dtype: DType = field(default_factory=lambda: DType("i", 1, is_settled=True))
    raw: bytes | LazyBytes = b""

    level = "data"

    @property
    def is_mixed(self) -> bool:
        """Whether it holds Python objects."""
        return self.dtype.has_object

    def parts(self) -> Iterable[Any]:
        """Its value, and what was attached to its dtype."""
        return (self.value, *self.dtype.parts())


def array_over(
    source: Source, dtype: DType, shape: tuple[int, ...], is_fortran: bool, kind: str = "numpy.ndarray"
) -> Array:
    """An array over a whole source.

    Raises:
        UnfitError: its items take more or fewer bytes than the source has.
    """
    array = Array(source.label, kind, dtype.settle(), shape, is_fortran, is_built=True)
    array.take_bytes(source)
    return array


def empty_array(label: str, kind: str = "numpy.ndarray") -> Array:
    """What numpy makes before its state is given: no items."""
    array = Array(label, kind)
    array.tensor = tensor_over(BytesSource(b"", label), array.dtype, (0,), (1,))
    return array
