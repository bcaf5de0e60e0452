"""A strided tensor, believed only where it lies within its storage and doesn't claim to be far bigger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..safetensors_header import DTYPE_BITS
from .values import EXTRA_DTYPE_BITS, LieError, Storage, Tensor, UnfitError

if TYPE_CHECKING:
    from .context import Context

__all__ = ["bytes_of", "dense", "strides_of"]

LARGEST = 2**63 - 1
# Sub-byte types come packed in bytes: torch counts those, not the values in them.
ELEMENT_BYTES = {name: max(1, bits // 8) for name, bits in (DTYPE_BITS | EXTRA_DTYPE_BITS).items()}


def bytes_of(dtype: str) -> int:
    """What one element of a dtype takes, a packed pair counting as one."""
    return ELEMENT_BYTES[dtype]


def strides_of(shape: tuple[int, ...], *, is_fortran: bool = False) -> tuple[int, ...]:
    """The strides, in elements, of values that lie one after the other: in row-major order, or in column-major."""
    step, steps = 1, []
    for dimension in shape if is_fortran else reversed(shape):
        steps.append(step)
        step *= dimension
    return tuple(steps if is_fortran else reversed(steps))


def dense(
    context: Context,
    storage: Storage,
    dtype: str,
    shape: tuple[int, ...],
    stride: tuple[int, ...],
    *,
    offset: int = 0,
    library: str = "torch",
) -> Tensor:
    """A view of a storage.

    Args:
        context: for its limits.
        storage: the bytes.
        dtype: of an element.
        shape: in elements.
        stride: in elements, one for each dimension.
        offset: the first element.
        library: what wrote it.

    Raises:
        UnfitError: it has another number of strides than dimensions.
        LieError: it would reach beyond its storage, or its values would take far more than the storage has.
    """
    if len(shape) != len(stride):
        raise UnfitError(f"has {len(shape)} dimensions and {len(stride)} strides")
    size = ELEMENT_BYTES[dtype]
    count, last = 1, offset
    for dimension, step in zip(shape, stride, strict=True):
        count *= dimension
        last += (dimension - 1) * step
    stored = storage.size_bytes
    if storage.device != "meta" and ((count and (last + 1) * size > stored) or offset * size > stored):
        raise LieError(f"reaches to byte {(last + 1) * size} of a storage that has {stored}")
    if count * size > LARGEST or count * size > context.limits.expanded(stored):
        raise LieError(f"claims {count * size} bytes of values over a storage of {stored}")
    return Tensor(storage, dtype, shape, stride, offset, library)
