"""From described tensors to torch's or numpy's, and from a file's described content to the content itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .live import Live, tensors_in
from .pickles.values import Composite, Tensor
from .tensors_numpy import NumpyMaker
from .tensors_torch import TorchMaker
from .torch_dtypes import has_torch

if TYPE_CHECKING:
    import numpy as np
    import torch

__all__ = ["live", "load_tensors", "to_numpy", "to_torch"]


def to_torch(tensors: Mapping[str, Tensor | Composite], *, mapped: bool | None = None) -> dict[str, torch.Tensor]:
    """Make torch's tensors, values and strides bit for bit as `torch.load` gives them.

    Tensors over one storage share it, and a tensor that stands under two names is one object. All are plain and lie in
    this machine's memory: parameters and devices belong to the whole content (`live`).

    Args:
        tensors: described tensors by name; the files that they lie in must still be open.
        mapped: map files instead of reading them. None maps those that are only ever replaced, never rewritten in
            place (the toolkit's own and the Hub's): a mapped file that is cut short kills the process, and one that is
            overwritten changes loaded tensors. Writing to a mapped tensor stays private to this process.

    Raises:
        MalformedError: a value's parts contradict each other, or the file was cut.
        UnreadableError: the disk refused.
        UnsupportedFormatError: this torch has no such type.
    """
    maker = TorchMaker(mapped=mapped)
    maker.prepare(tensors.values())
    return {name: maker.make(name, value) for name, value in tensors.items()}


def to_numpy(tensors: Mapping[str, Tensor | Composite]) -> dict[str, np.ndarray[Any, Any]]:
    """Make numpy's arrays, without torch; arrays over one storage share it.

    Args:
        tensors: described tensors by name; the files that they lie in must still be open.

    Raises:
        MalformedError: the file was cut.
        UnreadableError: the disk refused.
        UnsupportedFormatError: a value is of a type that numpy lacks, such as bfloat16.
    """
    maker = NumpyMaker()
    return {name: maker.make(name, value) for name, value in tensors.items()}


def load_tensors(tensors: Mapping[str, Tensor | Composite], *, mapped: bool | None = None) -> dict[str, Any]:
    """Make torch's tensors, or numpy's arrays where torch isn't installed; as `to_torch` and `to_numpy`."""
    return to_torch(tensors, mapped=mapped) if has_torch() else to_numpy(tensors)


def live(root: Any, *, mapped: bool | None = None, rescue: bool = False) -> Any:
    """Make a file's whole content, nested as it is there: plain data, tensors, numpy's arrays, and values of ours.

    torch's tensors become torch's, parameters among them; arrays that numpy wrote become numpy's. Of the harmless
    shells those become what they were whose class the standard library has (dates, paths, exact numbers, namespaces,
    ordered dicts); others stay a `Shell`. An object of any other class stays an `Opaque`, its state made like
    everything else: nothing of it is alive. Shared values stay shared, and cycles stay cycles.

    Args:
        root: the content as it is described; the files that it lies in must still be open.
        mapped: as `to_torch` has it.
        rescue: whether content that would run code in another loader is given too, as Opaques.

    Raises:
        UnsafeFileError: the content would run code in another loader, and `rescue` is off.
        ModelCypherError: as `to_torch` and `to_numpy` raise.
    """
    made = Live(mapped=mapped, rescue=rescue)
    made.prepare(tensors_in(root))
    return made.value(root)
