"""Described arrays as numpy's, made again from nothing but their description and their bytes."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from modelcypher_nb.formats.pickles.numpy_arrays import Array
from modelcypher_nb.formats.pickles.numpy_dtypes import DType
from modelcypher_nb.formats.pickles.values import Tensor

__all__ = ["ARRAYS", "arrays_equal", "made"]

NAMES = {
    "BOOL": "?", "I8": "i1", "I16": "i2", "I32": "i4", "I64": "i8", "U8": "u1", "U16": "u2", "U32": "u4", "U64": "u8",
    "F16": "f2", "F32": "f4", "F64": "f8", "C64": "c8", "C128": "c16",
}  # fmt: skip
STRUCTURED = np.dtype([("a", "<i4"), ("b", ">f8", (2,)), ("c", [("d", "U3"), ("e", "S2")])])
NUMBERS = (
    "?",
    "i1",
    "i2",
    "i4",
    "i8",
    "u1",
    "u2",
    "u4",
    "u8",
    "f2",
    "f4",
    "f8",
    "c8",
    "c16",
    ">i4",
    ">f8",
    ">c8",
    ">u2",
)


def _arrays() -> dict[str, Any]:
    found: dict[str, Any] = {f"numbers {name}": np.arange(6).astype(name).reshape(2, 3) for name in NUMBERS}
    titled = np.dtype([(("a title", "it's"), "i1"), ('"\\é', "f4")])
    return {
        **found,
        "nothing": np.zeros(0),
        "no rows": np.zeros((0, 3), "f4"),
        "one number": np.array(5.0),
        "Fortran's order": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "Fortran's order, big-endian": np.asfortranarray(np.arange(6).reshape(2, 3).astype(">i2")),
        "every second": np.arange(10)[::2],
        "turned": np.arange(24.0).reshape(2, 3, 4).transpose(1, 0, 2),
        "texts": np.array(["a", "bcd", "ü€"]),
        "big-endian texts": np.array(["a", "bcd"]).astype(">U3"),
        "byte strings": np.array([b"x", b"yz"]),
        "dates": np.array(["2020-01-01", "NaT"], "M8[D]"),
        "durations": np.array([3, 4], "m8[25us]"),
        "raw bytes": np.frombuffer(b"abcdef", "V3"),
        "structured": np.ones(2, STRUCTURED),
        "aligned": np.zeros(2, np.dtype([("a", "i1"), ("b", "f8")], align=True)),
        "titled": np.ones(2, titled),
        "nothing in each": np.zeros(3, "V0"),
        "long doubles": np.array([1, 2], "g"),
        "objects": np.array([1, "a", None, b"b"], dtype=object),
        "rows of objects": np.array([[1, 2.5], ["a", None]], dtype=object),
    }


ARRAYS = _arrays()


def made(value: Any) -> Any:
    """The array that a description stands for."""
    if isinstance(value, Tensor):
        dtype = np.dtype(NAMES[value.dtype]).newbyteorder(">" if value.storage.big_endian else "<")
        assert value.storage.source is not None
        flat = np.frombuffer(value.storage.source.read_at(0, value.storage.size_bytes), dtype)
        return np.lib.stride_tricks.as_strided(flat, value.shape, [step * dtype.itemsize for step in value.stride])
    if isinstance(value, Array) and value.tensor is not None:
        return made(value.tensor)
    if isinstance(value, Array) and value.items is not None:
        flat = np.empty(len(value.items), dtype=object)
        for index, item in enumerate(value.items):
            flat[index] = item
        return flat.reshape(value.shape)
    assert isinstance(value, Array)
    assert value.raw is not None
    dtype = dtype_of(value.dtype)
    if not dtype.itemsize:
        return np.zeros(value.shape, dtype)
    flat = np.frombuffer(value.raw.read_at(0, value.raw.size), dtype)
    return flat.reshape(value.shape, order="F" if value.is_fortran else "C")


def dtype_of(dtype: DType) -> Any:
    """The dtype of numpy that a description stands for."""
    return np.dtype(dtype.description())


def arrays_equal(found: Any, expected: Any) -> bool:
    """Whether two arrays have the same shape, the same dtype but for the order of bytes, and the same values."""
    if found.shape != expected.shape:
        return False
    if expected.dtype.hasobject:
        return bool(found.tolist() == expected.tolist())
    if found.dtype.newbyteorder("=") != expected.dtype.newbyteorder("="):
        return False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy compares structured dtypes with a warning
        return bool(np.array_equal(found, expected.astype(found.dtype), equal_nan=found.dtype.kind in "fcM"))
