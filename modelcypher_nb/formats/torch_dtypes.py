"""torch's dtypes and storages by our names (safetensors' where it has one); whether torch is installed at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import UnsupportedFormatError
from ..guard.secrets import shown

if TYPE_CHECKING:
    import torch

__all__ = ["DTYPES", "STORAGE_DTYPES", "TORCH_NAMES", "dtype_named", "has_torch"]

# Of several names of one type the first is torch's own.
DTYPES = {
    "float32": "F32", "float": "F32", "float64": "F64", "double": "F64", "float16": "F16", "half": "F16",
    "bfloat16": "BF16", "float8_e4m3fn": "F8_E4M3", "float8_e5m2": "F8_E5M2", "float8_e4m3fnuz": "F8_E4M3FNUZ",
    "float8_e5m2fnuz": "F8_E5M2FNUZ", "float8_e8m0fnu": "F8_E8M0", "float4_e2m1fn_x2": "F4",
    "uint8": "U8", "uint16": "U16", "uint32": "U32", "uint64": "U64",
    "int8": "I8", "int16": "I16", "short": "I16", "int32": "I32", "int": "I32", "int64": "I64", "long": "I64",
    "bool": "BOOL", "complex32": "C32", "chalf": "C32", "complex64": "C64", "cfloat": "C64", "complex128": "C128",
    "cdouble": "C128", "qint8": "QI8", "quint8": "QU8", "qint32": "QI32", "quint4x2": "QU4", "quint2x4": "QU2",
    "bits8": "BITS8", "bits16": "BITS16", "bits1x8": "BITS1X8", "bits2x4": "BITS2X4", "bits4x2": "BITS4X2",
}  # fmt: skip
STORAGE_DTYPES = {
    "FloatStorage": "F32", "DoubleStorage": "F64", "HalfStorage": "F16", "BFloat16Storage": "BF16",
    "ByteStorage": "U8", "CharStorage": "I8", "ShortStorage": "I16", "IntStorage": "I32", "LongStorage": "I64",
    "BoolStorage": "BOOL", "ComplexFloatStorage": "C64", "ComplexDoubleStorage": "C128", "QInt8Storage": "QI8",
    "QUInt8Storage": "QU8", "QInt32Storage": "QI32", "QUInt4x2Storage": "QU4", "QUInt2x4Storage": "QU2",
    "UntypedStorage": "U8",
}  # fmt: skip
# What torch calls each of ours.
TORCH_NAMES = {ours: name for name, ours in reversed(DTYPES.items())}


def has_torch() -> bool:
    """Whether torch is installed; it isn't imported to find out."""
    from importlib.util import find_spec

    return find_spec("torch") is not None


def dtype_named(torch: Any, dtype: str, name: str, label: str = "") -> torch.dtype:
    """The type of torch's that one of our names stands for.

    Args:
        torch: the library.
        dtype: our name.
        name: the tensor's, for messages.
        label: the file's, where it is known.

    Raises:
        UnsupportedFormatError: this torch has none.
    """
    found: Any = getattr(torch, TORCH_NAMES.get(dtype, ""), None)
    if found is None:
        place = f" of {label}" if label else ""
        raise UnsupportedFormatError(
            f"Tensor '{shown(name, 80)}'{place} is {shown(dtype, 20)}, which this torch has no type for.",
            "Name a newer torch's environment, or load the other tensors from a file without it.",
        )
    return found  # type: ignore[no-any-return] # torch itself is imported untyped here
