"""Numpy's own values of described ones: arrays of numbers, records, texts and objects; scalars; dtypes."""

from __future__ import annotations

from typing import Any

from ..errors import MalformedError, UnsupportedFormatError
from ..guard.secrets import shown
from .pickles.numpy_arrays import Array, MaskedArray, Scalar
from .pickles.numpy_dtypes import DType
from .pickles.values import LazyBytes
from .remedies import FETCH_AGAIN
from .tensors_numpy import NumpyMaker

__all__ = ["made_array", "made_scalar", "numpy_dtype"]


def numpy_dtype(dtype: DType) -> Any:
    """The type itself; the description where numpy alone has none (those of other libraries, texts of any length)."""
    import numpy as np

    if dtype.extension is not None or dtype.code == "T":
        return dtype
    try:
        return np.dtype(dtype.description())
    except (TypeError, ValueError):
        return dtype


def made_array(array: Array, numbers: Any) -> Any:
    """An array of its own class's plain kind.

    Args:
        array: its description.
        numbers: its values, where they are plain numbers. Python objects aren't filled in.

    Raises:
        UnsupportedFormatError: numpy alone has no such type.
    """
    import numpy as np

    if numbers is None and array.items is not None:
        return np.empty(array.shape, object)
    if numbers is None:
        numbers = _raw(np, array)
    if not isinstance(array, MaskedArray) or array.mask is None or len(array.mask.shape) != len(array.shape):
        return numbers
    mask = NumpyMaker().make("mask", array.mask)
    return np.ma.MaskedArray(numbers, mask=mask)


def _raw(np: Any, array: Array) -> Any:
    dtype = numpy_dtype(array.dtype)
    if isinstance(dtype, DType) or dtype.hasobject:
        raise UnsupportedFormatError(
            f"An array of {shown(array.dtype.text, 40)} is in the file, which numpy alone has no type for.",
            "Load the file's tensors instead of its whole content.",
        )
    source = array.raw
    if source is None:
        raise MalformedError(f"An array in {shown(array.label, 200)} has no items.", FETCH_AGAIN)
    data = np.empty(source.size, np.uint8)
    source.read_into(0, memoryview(data))
    try:
        return np.ndarray(array.shape, dtype, data, order="F" if array.is_fortran else "C")
    except (TypeError, ValueError) as error:  # items of no bytes, which numpy makes wider
        raise MalformedError(
            f"An array in {shown(array.label, 200)} has fewer bytes than items: {shown(error, 120)}.", FETCH_AGAIN
        ) from error


def made_scalar(scalar: Scalar) -> Any:
    """One item, bit for bit."""
    import numpy as np

    if scalar.kind == "numpy.ma.masked":
        return np.ma.masked
    dtype = numpy_dtype(scalar.dtype)
    data = scalar.raw.read() if isinstance(scalar.raw, LazyBytes) else scalar.raw
    if isinstance(dtype, DType) or not data or len(data) != dtype.itemsize:
        return scalar
    return np.frombuffer(data, dtype)[0]
