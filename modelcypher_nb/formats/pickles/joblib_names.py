"""The stand-in that joblib pickles for each array, whose bytes follow it in the file."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

from .arguments import a_flag, a_name, a_shape, a_state, made_empty
from .faults import FaultError
from .numpy_arrays import Array, array_over
from .numpy_dtypes import DType
from .trust import Trusted
from .values import Described, UnfitError

if TYPE_CHECKING:
    from .machine import Machine

__all__ = ["NAMES", "Wrapper"]

# What joblib wraps: these classes alone, never one that is derived from them.
ARRAYS = (
    "numpy.ndarray", "numpy.matrix", "numpy.memmap", "numpy.matrixlib.defmatrix.matrix", "numpy.core.memmap.memmap",
)  # fmt: skip
KEYS = {"subclass", "shape", "order", "dtype", "allow_mmap"}
ALIGNMENT = "numpy_array_alignment_bytes"
ALIGNMENTS = frozenset({8, 16, 32, 64, 128})
PADDING = b"\xff"
HARMLESS_ALIGNMENT = 64


@dataclass(slots=True, eq=False)
class Wrapper(Described):
    """What is known of an array before its bytes are read.

    Attributes:
        kind: the full name of its class.
        dtype: of an item; None until the state was given.
        shape: in items.
        is_fortran: whether the first index varies fastest.
        alignment: what its first byte's place in the file is a multiple of; None where nothing is filled in.
    """

    kind: str = "numpy.ndarray"
    dtype: DType | None = None
    shape: tuple[int, ...] = ()
    is_fortran: bool = False
    alignment: int | None = None

    level = "data"

    def build(self, state: Any) -> None:
        """Take the state that joblib writes."""
        state = a_state(state)
        if self.dtype is not None or set(state) not in (KEYS, KEYS | {ALIGNMENT}):
            raise UnfitError("is given a state that isn't joblib's")
        self.kind = a_name(state["subclass"], *ARRAYS)
        self.shape = a_shape(state["shape"])
        if type(state["order"]) is not str or state["order"] not in {"C", "F"}:
            raise UnfitError("is given an order that is none")
        self.is_fortran = state["order"] == "F"
        a_flag(state["allow_mmap"], "flag")
        alignment = state.get(ALIGNMENT)
        if alignment is not None and (type(alignment) is not int or alignment not in ALIGNMENTS):
            raise UnfitError("is given an alignment that is none")
        self.alignment = alignment
        if type(state["dtype"]) is not DType or state["dtype"].base is not None:
            raise UnfitError("is given a dtype that is none")
        self.dtype = state["dtype"].settle()

    @property
    def is_ambiguous(self) -> bool:
        """Whether `pickle.load` would take the array's bytes for opcodes: nothing that is none comes before them.

        No number up to 64 is an opcode that takes the filled in bytes for its argument; some beyond are.
        """
        if self.dtype is None:
            return False
        # The pickle of an array of objects goes on with the memo of the outer one, so that it recalls other values.
        return self.dtype.has_object or self.alignment is None or self.alignment > HARMLESS_ALIGNMENT

    def take_from(self, machine: Machine) -> Any:
        """Give the array whose bytes follow in the file; None where nothing is known of it."""
        if self.dtype is None:
            return None
        if self.dtype.has_object:
            return _objects(machine, self)
        if self.alignment is not None:
            _skip_padding(machine, self.alignment)
        taken = machine.take(prod(self.shape) * self.dtype.item_bytes)
        try:
            return array_over(taken, self.dtype, self.shape, self.is_fortran, self.kind)
        except UnfitError as error:
            raise FaultError(f"holds an array that {error}") from error


def _skip_padding(machine: Machine, alignment: int) -> None:
    """A byte that says how many more follow; only those that joblib writes, as others might be opcodes."""
    length = machine.take(1).read_at(0, 1)[0]
    if not 1 <= length <= alignment:
        raise FaultError(f"fills in {length} bytes before an array that it aligns to {alignment}")
    if machine.take(length).read_at(0, length) != PADDING * length:
        raise FaultError("fills in other bytes before an array than joblib writes")


def _objects(machine: Machine, wrapper: Wrapper) -> Any:
    """An array of Python objects is a pickle of its own between the opcodes."""
    start = machine.position
    inner = type(machine)(machine.source, machine.context.inner(machine.context.member), start)
    value = inner.run()
    machine.take(inner.position - start)
    if type(value) is not Array or value.shape != wrapper.shape:
        raise FaultError("announces an array of objects and holds something else")
    return value


_WRAPPER = Trusted("an array of joblib's, read from the bytes that follow", made_empty(Wrapper), level="data")
NAMES: dict[tuple[str, str], Trusted] = {
    ("joblib.numpy_pickle", "NumpyArrayWrapper"): _WRAPPER,
    # The copy that scikit-learn carried before 0.23.
    ("sklearn.externals.joblib.numpy_pickle", "NumpyArrayWrapper"): _WRAPPER,
}
