"""Described tensors as numpy's arrays, without torch: storages read once and shared, strides as in the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import MalformedError, UnsupportedFormatError
from ..guard.secrets import shown
from .gather import component_bytes, gathered, source_of
from .pickles.values import Composite, Tensor
from .remedies import FETCH_AGAIN

if TYPE_CHECKING:
    import numpy as np

__all__ = ["NUMPY_NAMES", "NumpyMaker"]

NUMPY_NAMES = {
    "BOOL": "?", "C64": "c8", "C128": "c16",
    **{f"{letter}{bits}": f"{letter.lower()}{bits // 8}" for letter in "UI" for bits in (8, 16, 32, 64)},
    **{f"F{bits}": f"f{bits // 8}" for bits in (16, 32, 64)},
}  # fmt: skip


class NumpyMaker:
    """Makes numpy's arrays of described tensors: one of each description, over one memory for each storage."""

    def __init__(self) -> None:
        self._storages: dict[int, Any] = {}
        self._made: dict[int, Any] = {}
        self._kept: list[object] = []  # what the numbers above are the ids of

    def make(self, name: str, value: Tensor | Composite) -> np.ndarray[Any, Any]:
        """The array of a description.

        Raises:
            UnsupportedFormatError: numpy has no such array.
            MalformedError: its bytes are missing.
        """
        made = self._made.get(id(value))
        if made is None:
            made = self._made[id(value)] = self._array(name, value)
            self._kept.append(value)
        return made  # type: ignore[no-any-return] # arrays of any type share one map

    def _array(self, name: str, value: Tensor | Composite) -> Any:
        import numpy as np

        if isinstance(value, Composite) or value.storage.device == "meta" or value.dtype not in NUMPY_NAMES:
            raise _untyped(name, value)
        order = ">" if value.storage.big_endian and component_bytes(value.dtype) > 1 else "<"
        dtype = np.dtype(order + NUMPY_NAMES[value.dtype])
        if value.conj or value.neg or (order == ">" and value.library != "numpy"):
            return self._resolved(np, name, value)
        data = self._storage(np, name, value)
        strides = [step * dtype.itemsize for step in value.stride]
        try:
            return np.ndarray(value.shape, dtype, data, value.offset * dtype.itemsize, strides)
        except (TypeError, ValueError) as error:
            raise MalformedError(
                f"Tensor '{shown(name, 80)}' reaches beyond the {value.storage.size_bytes} bytes of its storage.",
                FETCH_AGAIN,
            ) from error

    def _storage(self, np: Any, name: str, tensor: Tensor) -> Any:
        storage = tensor.storage
        found = self._storages.get(id(storage))
        if found is None:
            found = np.empty(storage.size_bytes, np.uint8)
            if storage.size_bytes:
                source_of(tensor, name).read_into(0, memoryview(found))
            self._storages[id(storage)] = found
            self._kept.append(storage)
        return found

    def _resolved(self, np: Any, name: str, tensor: Tensor) -> Any:
        """What numpy can't say lazily: an array of its own with the values themselves."""
        made = np.empty(tensor.shape, "<" + NUMPY_NAMES[tensor.dtype])
        if tensor.element_count:
            flat, place = made.reshape(-1).view(np.uint8), 0
            for piece in gathered(tensor, name):
                flat[place : place + len(piece)] = piece
                place += len(piece)
        return made


def _untyped(name: str, value: Tensor | Composite) -> UnsupportedFormatError:
    what = value.layout if isinstance(value, Composite) else value.dtype
    if isinstance(value, Tensor) and value.storage.device == "meta":
        what = "meta"
    return UnsupportedFormatError(
        f"Tensor '{shown(name, 80)}' is {shown(what, 40)}, which numpy has no type for.",
        "Install torch, which has: pip install 'modelcypher_nb[torch]'",
    )
