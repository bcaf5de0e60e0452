"""What a file's content is described as: plain Python data, tensors over byte ranges, harmless shells, opaque objects.

Plain data is itself: None, bool, int, float, complex, str, bytes, list, tuple, dict, set, frozenset. Everything else is
one of the classes below. None of them ever holds a live object of a class that the file names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar

from ...guard.source import Source
from ..report import Level

if TYPE_CHECKING:
    from .trust import Trusted

__all__ = [
    "Composite",
    "Described",
    "Global",
    "LazyBytes",
    "LieError",
    "Opaque",
    "PlainDict",
    "Shell",
    "Storage",
    "Tensor",
    "UnfitError",
]

# A value: plain Python data or a Described. (Recursive, and the machine's hot loop: Any says it as well.)
Value = Any

# Bits for each element, by the names of safetensors, and our own names for what it has none for.
EXTRA_DTYPE_BITS = {
    "C32": 32, "C128": 128, "QI8": 8, "QU8": 8, "QI32": 32, "QU4": 4, "QU2": 2, "BITS8": 8, "BITS16": 16,
    "BITS1X8": 8, "BITS2X4": 8, "BITS4X2": 8,
}  # fmt: skip

# The parts of a compressed sparse layout beside its values.
COMPRESSED = {
    "sparse_csr": ("crow_indices", "col_indices"), "sparse_csc": ("ccol_indices", "row_indices"),
    "sparse_bsr": ("crow_indices", "col_indices"), "sparse_bsc": ("ccol_indices", "row_indices"),
}  # fmt: skip


class UnfitError(Exception):
    """A trusted name was used in a way in which its own library never writes it; the text says how."""


class LieError(UnfitError):
    """A size, stride or offset that the file's own bytes contradict; the text says how.

    Attributes:
        stands_for: what the walk goes on with, so that what follows is judged all the same.
    """

    def __init__(self, text: str, stands_for: Value = None) -> None:
        super().__init__(text)
        self.stands_for = stands_for


class Described:
    """A value that isn't plain data; beyond building it a pickle may do nothing to it, unless a subclass reads that."""

    __slots__ = ()

    level: ClassVar[Level] = "weights"
    asks_parts: ClassVar[bool] = False  # whether its hash would be that of what it holds, if it has any

    def build(self, state: Value) -> None:  # noqa: ARG002 - a subclass reads it
        """Take the state that BUILD gives."""
        raise UnfitError("is given a state, which it has none of")

    def set_items(self, pairs: list[tuple[Value, Value]]) -> None:  # noqa: ARG002 - a subclass reads it
        """Take what SETITEM and SETITEMS give."""
        raise UnfitError("is assigned items, which would call its own methods")

    def extend(self, items: list[Value]) -> None:  # noqa: ARG002 - a subclass reads it
        """Take what APPEND, APPENDS and ADDITEMS give."""
        raise UnfitError("is appended to, which would call its own methods")

    def parts(self) -> Iterable[Value]:
        """The values within, for whoever walks a file's content."""
        return ()


class PlainDict(dict[Any, Any]):
    """A dict that its file wrote as one of the standard dict classes; it may bear attributes, as a state dict does.

    Attributes:
        kind: the class's name, such as `collections.OrderedDict`.
        attributes: what BUILD gave it (a state dict's `_metadata`).
    """

    __slots__ = ("attributes", "kind")

    def __init__(self, kind: str, content: Any = ()) -> None:
        super().__init__(content)
        self.kind = kind
        self.attributes: dict[str, Value] = {}


@dataclass(slots=True, eq=False)
class Global(Described):
    """A name that the file would import.

    Attributes:
        module: as the file spells it, Python 2's names mapped to Python 3's.
        name: may hold dots.
        offset: where in the pickle it is pushed.
        as_class: whether an instance of the shape that is only built and filled was made of it.
        as_called: whether it was called, and has a finding for that.
        trusted: its entry on the allow-list.
    """

    module: str
    name: str
    offset: int
    as_class: bool = False
    as_called: bool = False
    trusted: Trusted | None = None

    @property
    def text(self) -> str:
        """`module.name`."""
        return f"{self.module}.{self.name}"


@dataclass(slots=True, eq=False)
class LazyBytes(Described):
    """A byte string too big to hold, still in the file."""

    source: Source
    offset: int
    size: int
    is_mutable: bool = False  # a bytearray to Python

    def __len__(self) -> int:
        return self.size

    def read(self) -> bytes | bytearray:
        """All of it."""
        data = self.source.read_at(self.offset, self.size)
        return bytearray(data) if self.is_mutable else data


@dataclass(slots=True, eq=False)
class Storage(Described):
    """The bytes behind one or several tensors.

    Attributes:
        key: what the file calls it.
        dtype: the element type that its own declaration gives; "U8" for untyped bytes.
        size_bytes: its length as declared and proven.
        source: its bytes, from 0 to `size_bytes`; None where it holds none (meta tensors), or they are missing.
        big_endian: whether elements lie with the most significant byte first.
        device: where it lay when it was saved.
    """

    key: str
    dtype: str
    size_bytes: int
    source: Source | None
    big_endian: bool = False
    device: str = "cpu"


@dataclass(slots=True, eq=False)
class Tensor(Described):
    """A strided view of a storage, proven to lie within it.

    Attributes:
        storage: the bytes.
        dtype: of an element, by safetensors' names and `EXTRA_DTYPE_BITS`.
        shape: in elements.
        stride: in elements; never negative.
        offset: the first element, counted in elements of `dtype`.
        library: "torch" or "numpy": what wrote it.
        conj: whether the values are the conjugates of what is stored.
        neg: whether the values are the negatives of what is stored.
        is_parameter: whether it was saved as a parameter.
        requires_grad: as saved.
        state: attributes that were saved with it, a subclass's name among them.
    """

    storage: Storage
    dtype: str
    shape: tuple[int, ...]
    stride: tuple[int, ...]
    offset: int = 0
    library: str = "torch"
    conj: bool = False
    neg: bool = False
    is_parameter: bool = False
    requires_grad: bool = False
    state: Value = None

    def parts(self) -> Iterable[Value]:
        """Its saved attributes."""
        return () if self.state is None else (self.state,)

    @property
    def element_count(self) -> int:
        """How many values it has."""
        return prod(self.shape)

    @property
    def is_contiguous(self) -> bool:
        """Whether its values lie one after the other in row-major order."""
        expected = 1
        for dimension, step in zip(reversed(self.shape), reversed(self.stride), strict=True):
            if dimension != 1 and step != expected and self.element_count:
                return False
            expected *= dimension
        return True


@dataclass(slots=True, eq=False)
class Composite(Described):
    """A tensor that is made of several: sparse, quantized, nested, masked.

    Attributes:
        layout: "sparse_coo", "sparse_csr", "sparse_csc", "sparse_bsr", "sparse_bsc", "quantized", "nested", "masked".
        shape: of the whole, where it has one.
        dtype: of the values.
        tensors: its parts by the names of torch's own accessors (indices, values, crow_indices, int_repr, scales ...).
        facts: plain numbers and texts that belong to it (is_coalesced, scale, zero_point, axis, qscheme).
    """

    layout: str
    shape: tuple[int, ...]
    dtype: str
    tensors: dict[str, Tensor] = field(default_factory=dict)
    facts: dict[str, Value] = field(default_factory=dict)

    def parts(self) -> Iterable[Value]:
        """Its tensors."""
        return self.tensors.values()


@dataclass(slots=True, eq=False)
class Shell(Described):
    """A harmless value of a known class, as data of our own reading.

    Attributes:
        kind: the class's full name, such as `datetime.datetime`.
        value: what it holds, as plain data.
    """

    kind: str
    value: Value = None

    level: ClassVar[Level] = "data"

    def parts(self) -> Iterable[Value]:
        """What it holds."""
        return (self.value,)


@dataclass(slots=True, eq=False)
class Opaque(Described):
    """An object of a class that isn't read: its name and its state, and nothing of it is alive.

    Attributes:
        kind: the full name of its class, or of what would have been called.
        arguments: what it would have been called with.
        state: the dict that would have filled it.
        offset: where in the pickle it is made.
        is_code: whether making it is more than building and filling an instance.
        is_built: whether it was given its state.
        items: what was appended or assigned to it.
        accepts: which states a listed class takes, where that isn't just one dict with texts as keys.
    """

    kind: str
    arguments: tuple[Value, ...] = ()
    state: Value = None
    offset: int = 0
    is_code: bool = False
    is_built: bool = False
    accepts: Callable[[Value], bool] | None = None
    items: list[Value] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"<Opaque {self.kind}>"

    def parts(self) -> Iterable[Value]:
        """Arguments, state and items."""
        return (*self.arguments, self.state, *self.items)
