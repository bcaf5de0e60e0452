"""What torch calls the dtypes of safetensors, and of our own names; whether it is installed at all."""

from __future__ import annotations

from importlib.util import find_spec

__all__ = ["TORCH_NAMES", "has_torch"]

# torch spells the packed and the 8-bit types its own way; the rest map by one rule each.
TORCH_NAMES = {
    "BOOL": "bool",
    "BF16": "bfloat16",
    "C32": "complex32",
    "C64": "complex64",
    "C128": "complex128",
    "F4": "float4_e2m1fn_x2",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E5M2": "float8_e5m2",
    "F8_E5M2FNUZ": "float8_e5m2fnuz",
    "F8_E8M0": "float8_e8m0fnu",
    **{f"BITS{size}": f"bits{size.lower()}" for size in ("8", "16", "1X8", "2X4", "4X2")},
    "QI8": "qint8",
    "QU8": "quint8",
    "QI32": "qint32",
    "QU4": "quint4x2",
    "QU2": "quint2x4",
    **{
        f"{letter}{bits}": f"{kind}{bits}" for letter, kind in (("U", "uint"), ("I", "int")) for bits in (8, 16, 32, 64)
    },
    **{f"F{bits}": f"float{bits}" for bits in (16, 32, 64)},
}


def has_torch() -> bool:
    """Whether torch is installed; it isn't imported to find out."""
    return find_spec("torch") is not None
