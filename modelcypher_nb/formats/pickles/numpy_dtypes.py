"""numpy's dtypes, described: from their text, and from the state that a pickle gives them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple

from .arguments import a_flag, a_number, a_shape, a_size, exactly
from .values import Described, Global, UnfitError

__all__ = ["LIBRARIES_OWN", "DType", "Field", "dtype_called", "read_dtype", "record_of", "subarray_of"]

# What each of numpy's type characters may take, in bytes; of the flexible ones any number.
SIZES = {
    "b": {1}, "i": {1, 2, 4, 8}, "u": {1, 2, 4, 8}, "f": {2, 4, 8, 12, 16}, "c": {8, 16, 24, 32}, "m": {8}, "M": {8},
    "O": {4, 8},
}  # fmt: skip
FLEXIBLE = frozenset("SUV")
ORDERED = frozenset("iufcmMU")  # of those the order of bytes matters
TYPE_TEXT = re.compile(
    r"([<>|=]?)([biufcmMOSUV])([0-9]{0,10})(?:\[([0-9]{0,10})([A-Za-zμ]{1,7})(?:/([0-9]{1,10}))?\])?"
)
UNITS = frozenset({"Y", "M", "W", "D", "h", "m", "s", "ms", "us", "μs", "ns", "ps", "fs", "as", "generic"})
LARGEST_ITEM = 2**31 - 1
MOST_NESTING = 32
MOST_PARTS = 100_000
# Flags by which numpy decides whether items are Python objects: an array's bytes are then pointers or a pickle to it.
# The others say what needs care, never what an item is.
DECIDING_FLAGS, OBJECT_FLAGS, RECORD_FLAGS = 0x07, 0x07, 0x03
ALIGNMENTS = frozenset({1, 2, 4, 8, 16, 32})
# What a tensor can be made of, by safetensors' names and ours; the others stay arrays of raw items.
TENSOR_DTYPES = {
    ("b", 1): "BOOL", ("i", 1): "I8", ("i", 2): "I16", ("i", 4): "I32", ("i", 8): "I64",
    ("u", 1): "U8", ("u", 2): "U16", ("u", 4): "U32", ("u", 8): "U64",
    ("f", 2): "F16", ("f", 4): "F32", ("f", 8): "F64", ("c", 8): "C64", ("c", 16): "C128",
}  # fmt: skip
RECORDS = ("numpy.record", "numpy.rec.record", "numpy.core.records.record")
LIBRARIES_OWN = {
    "bfloat16": "BF16", "float8_e4m3fn": "F8_E4M3", "float8_e5m2": "F8_E5M2", "float8_e4m3fnuz": "F8_E4M3FNUZ",
    "float8_e5m2fnuz": "F8_E5M2FNUZ", "float8_e8m0fnu": "F8_E8M0",
}  # fmt: skip


class Field(NamedTuple):
    """One field of a structured dtype; `offset` counts bytes from the item's start."""

    name: str
    dtype: DType
    offset: int
    title: str | None = None


@dataclass(slots=True, eq=False, repr=False)
class DType(Described):
    """What one item of an array is.

    Attributes:
        code: numpy's type character: b, i, u, f, c, m, M, O, S, U, V; T for texts of any length.
        item_bytes: what one item takes.
        big_endian: whether its most significant byte lies first.
        unit: of a date or a duration, such as `25us`.
        fields: of a structured one, in order.
        base: of a fixed small array in each item, what that is made of; its shape is `shape`.
        shape: of that small array.
        extension: safetensors' name of a type that another library added to numpy, such as BF16.
        metadata: what was attached to it.
        is_record: whether its items are made as numpy's records.
        has_object: whether an item holds Python objects, so that its bytes say nothing.
        depth: how deep dtypes nest in it.
        count: how many dtypes it is made of, one that is used twice counted twice.
        is_settled: whether it may no longer change.
    """

    code: str
    item_bytes: int
    big_endian: bool = False
    unit: str = ""
    fields: tuple[Field, ...] = ()
    base: DType | None = None
    shape: tuple[int, ...] = ()
    extension: str | None = None
    metadata: Any = None
    is_record: bool = False
    has_object: bool = False
    depth: int = 1
    count: int = 1
    is_settled: bool = False

    level = "data"

    def __repr__(self) -> str:
        return f"<dtype {self.text}>"

    @property
    def tensor_dtype(self) -> str | None:
        """The name of a tensor's dtype, where it is one."""
        if self.extension is not None:
            return self.extension
        return TENSOR_DTYPES.get((self.code, self.item_bytes))

    @property
    def text(self) -> str:
        """Numpy's short text, such as `<f8`."""
        if self.extension is not None:
            return self.extension
        order = (">" if self.big_endian else "<") if self.code in ORDERED and self.item_bytes > 1 else "|"
        if self.code in "OT":
            return order + self.code
        size = self.item_bytes // 4 if self.code == "U" else self.item_bytes
        return f"{order}{self.code}{size}" + (f"[{self.unit}]" if self.unit else "")

    def description(self) -> Any:
        """What `numpy.dtype()` makes the same of; of one that holds nothing of numpy's own."""
        if self.base is not None:
            return (self.base.description(), self.shape)
        if not self.fields:
            return self.text
        return {
            "names": [one.name for one in self.fields],
            "formats": [one.dtype.description() for one in self.fields],
            "offsets": [one.offset for one in self.fields],
            "titles": [one.title for one in self.fields],
            "itemsize": self.item_bytes,
        }

    def parts(self) -> Iterable[Any]:
        """What was attached to it and to its fields."""
        inner = [one.dtype for one in self.fields]
        return (
            *inner,
            *(() if self.base is None else (self.base,)),
            *(() if self.metadata is None else (self.metadata,)),
        )

    def settle(self) -> DType:
        """Itself, from now on fixed: an array relies on it."""
        self.is_settled = True
        return self

    def build(self, state: Any) -> None:
        """Take the state that numpy writes right after making it: byte order, fields, size, unit."""
        if self.is_settled:
            raise UnfitError("is changed after it was used")
        self.is_settled = True
        if (
            type(state) is not tuple
            or len(state) not in {8, 9}
            or state[0] != len(state) - 5
            or type(state[0]) is not int
        ):
            raise UnfitError("is given a state of no version that is known")
        _, order, subarray, names, fields, size, alignment, flags = state[:8]
        self.big_endian = _order(order) == ">"
        self._resize(a_number(size, "size", -1, LARGEST_ITEM), a_number(alignment, "alignment", -1, 1 << 20))
        if subarray is not None:
            self._take_subarray(subarray)
        if names is not None or fields is not None:
            self._take_fields(names, fields)
        self._prove_flags(a_number(flags, "set of flags", -128, 255))
        if len(state) == 9:
            self._take_metadata(state[8])

    def _resize(self, size: int, alignment: int) -> None:
        """Of a flexible type numpy takes both numbers from the state, whatever they are."""
        is_flexible = self.code in FLEXIBLE
        if is_flexible and alignment not in ALIGNMENTS:
            raise UnfitError(f"is given an alignment of {alignment}")
        if size == self.item_bytes or (size == -1 and not is_flexible):
            return
        if not self.is_record or self.item_bytes:
            raise UnfitError(f"is given a size of {size}, its text says {self.item_bytes}")
        self.item_bytes = a_size(size, "size")

    def _prove_flags(self, flags: int) -> None:
        item = self
        while item.base is not None:
            item = item.base
        expected = 0 if not item.has_object else RECORD_FLAGS if item.fields else OBJECT_FLAGS
        if flags & DECIDING_FLAGS != expected:
            raise UnfitError(f"is given the flags {flags}, which tell numpy of other items than its type")

    def _take_subarray(self, subarray: Any) -> None:
        if type(subarray) is not tuple or len(subarray) != 2 or type(subarray[0]) is not DType or self.code != "V":
            raise UnfitError("is given a small array that is none")
        made = subarray_of(subarray[0].settle(), a_shape(subarray[1]))
        if made.item_bytes != self.item_bytes:
            raise UnfitError(f"is {self.item_bytes} bytes and holds small arrays of {made.item_bytes}")
        self.base, self.shape = made.base, made.shape
        self.has_object, self.depth, self.count = made.has_object, made.depth, made.count

    def _take_fields(self, names: Any, fields: Any) -> None:
        if type(names) is not tuple or not all(type(name) is str for name in names):
            raise UnfitError("is given names that are no texts")
        if type(fields) is not dict or self.code != "V" or self.base is not None:
            raise UnfitError("is given fields that are none")
        taken = [_field(name, fields.get(name)) for name in names]
        known = {one.name for one in taken} | {one.title for one in taken if one.title is not None}
        if len({one.name for one in taken}) != len(taken) or known != set(fields):
            raise UnfitError("is given fields that its names don't name")
        made = record_of(taken, self.item_bytes)
        self.fields = made.fields
        self.has_object, self.depth, self.count = made.has_object, made.depth, made.count

    def _take_metadata(self, metadata: Any) -> None:
        if self.code in "mM":
            if type(metadata) is not tuple or len(metadata) != 2:
                raise UnfitError("is given a unit that is none")
            metadata, unit = metadata
            self.unit = _unit(unit)
        if metadata is not None and type(metadata) is not dict:
            raise UnfitError("is given metadata that is no dict")
        self.metadata = metadata


def _order(value: Any) -> str:
    text = _text(value, "order of bytes")
    if text not in {"<", ">", "|", "="}:
        raise UnfitError("is given an order of bytes that is none")
    return text


def _text(value: Any, what: str) -> str:
    if type(value) is bytes:
        return value.decode("latin-1")
    if type(value) is not str:
        raise UnfitError(f"is given a {what} that is no text")
    return value


def _field(name: str, entry: Any) -> Field:
    if type(entry) is not tuple or len(entry) not in {2, 3} or type(entry[0]) is not DType:
        raise UnfitError("is given a field that is none")
    title = _text(entry[2], "title") if len(entry) == 3 and entry[2] is not None else None
    return Field(name, entry[0].settle(), a_size(entry[1], "offset"), title)


def _unit(value: Any) -> str:
    if type(value) is not tuple or len(value) != 4:
        raise UnfitError("is given a unit that is none")
    name = _text(value[0], "unit")
    count, *others = (a_number(one, "unit", 1, LARGEST_ITEM) for one in value[1:])
    if name not in UNITS or others != [1, 1]:
        raise UnfitError("is given a unit that is none")
    return "" if name == "generic" else name if count == 1 else f"{count}{name}"


def record_of(fields: list[Field], size: int) -> DType:
    """A structured dtype.

    Raises:
        UnfitError: a field reaches beyond the item, or it nests too deep.
    """
    for one in fields:
        if one.offset + one.dtype.item_bytes > size:
            raise UnfitError(f"has a field that ends at byte {one.offset + one.dtype.item_bytes} of {size}")
    if any(one.dtype.has_object for one in fields):
        _prove_apart(fields)
    return _made_of(DType("V", size, fields=tuple(fields)), [one.dtype for one in fields])


def _prove_apart(fields: list[Field]) -> None:
    """Where an object lies a number may not: it would be taken for the object's address."""
    end = 0
    for one in sorted(fields, key=lambda field: field.offset):
        if one.offset < end:
            raise UnfitError("has fields that lie over an object")
        end = one.offset + one.dtype.item_bytes


def subarray_of(base: DType, shape: tuple[int, ...]) -> DType:
    """A small array in each item.

    Raises:
        UnfitError: it is bigger than an item may be, or it nests too deep.
    """
    size = base.item_bytes * prod(shape)
    if size > LARGEST_ITEM:
        raise UnfitError(f"has items of {size} bytes")
    return _made_of(DType("V", size, base=base, shape=shape), [base])


def _made_of(dtype: DType, inner: list[DType]) -> DType:
    """Count what it is made of: shared parts make a short text stand for an endless structure."""
    dtype.has_object = any(one.has_object for one in inner)
    dtype.depth = 1 + max((one.depth for one in inner), default=0)
    dtype.count = 1 + sum(one.count for one in inner)
    if dtype.depth > MOST_NESTING or dtype.count > MOST_PARTS:
        raise UnfitError(f"nests more than {MOST_NESTING} dtypes, or is made of more than {MOST_PARTS}")
    return dtype


def read_dtype(text: str) -> DType:
    """The dtype of a short text, such as `<f8`, `S5` or `<M8[D]`.

    Raises:
        UnfitError: it is no such text.
    """
    match = TYPE_TEXT.fullmatch(text)
    if match is None:
        raise UnfitError(f"names a type that isn't one of numpy's: {text[:40]!r}")
    order, code, digits, count, unit, divisor = match.groups()
    size = int(digits) if digits else {"O": 8, "V": 0, "S": 0, "U": 0}.get(code, -1)
    if code == "U":
        size *= 4
    if code == "O" and size == 4:
        size = 8  # as numpy takes it: what a pointer has here, whatever the text says
    fits = 0 <= size <= LARGEST_ITEM if code in FLEXIBLE else size in SIZES[code]
    is_dated = code in "mM"
    if not fits or (unit and (not is_dated or unit not in UNITS)) or count == "0":
        raise UnfitError(f"names a type that isn't one of numpy's: {text[:40]!r}")
    whole = (count or "") + (unit or "") + (f"/{divisor}" if divisor else "")
    return DType(code, size, order == ">", "" if whole == "generic" else whole, has_object=code == "O")


def extension_dtype(name: Global) -> DType | None:
    """A type that the library `ml_dtypes` adds to numpy, by the name of its class."""
    known = LIBRARIES_OWN.get(name.name) if name.module == "ml_dtypes" else None
    return None if known is None else DType("V", 2 if known == "BF16" else 1, extension=known)


def dtype_called(arguments: tuple[Any, ...]) -> DType:
    """What `numpy.dtype(text, align, copy)` makes; a state follows."""
    exactly(arguments, 3)
    a_flag(arguments[1], "flag")
    if not a_flag(arguments[2], "flag"):
        raise UnfitError("changes a dtype that everybody shares")
    what = arguments[0]
    if type(what) is Global and what.text in RECORDS:
        return DType("V", 0, is_record=True)
    if type(what) is Global and (extended := extension_dtype(what)) is not None:
        return extended
    return read_dtype(_text(what, "type"))
