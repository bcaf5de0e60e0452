"""The values of any strided tensor in row-major order, read from its storage a bounded piece at a time."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

from ..errors import MalformedError, UnsupportedFormatError
from ..guard.secrets import shown
from ..guard.source import Source
from .pickles.strided import bytes_of
from .pickles.values import Tensor
from .remedies import FETCH_AGAIN

__all__ = ["component_bytes", "gathered", "is_direct", "source_of", "swap_bytes"]

CHUNK_BYTES = 8 << 20  # of values in row-major order
SPAN_BYTES = 64 << 10  # of storage that are read at once however few of them are needed
DENSE_SPAN_BYTES = 4 << 20  # that are read at once where at least half of them are needed
FLOATS = frozenset({"F16", "BF16", "F32", "F64"})
COMPLEX = frozenset({"C32", "C64", "C128"})
WHOLE = frozenset({"I8", "I16", "I32", "I64", "U8", "U16", "U32", "U64"})


def component_bytes(dtype: str) -> int:
    """What one number of an element takes: half of a complex one."""
    size = bytes_of(dtype)
    return size // 2 if dtype in COMPLEX else size


def swap_bytes(tensor: Tensor) -> int:
    """How many bytes each number has whose bytes lie in the other order; 1 where nothing has to be swapped.

    As torch does it: by the element type of the storage, whatever the tensor makes of it.
    """
    return component_bytes(tensor.storage.dtype) if tensor.storage.big_endian else 1


def is_direct(tensor: Tensor) -> bool:
    """Whether its values are one range of its storage as it is."""
    return not tensor.conj and not tensor.neg and swap_bytes(tensor) == 1 and tensor.is_contiguous


def source_of(tensor: Tensor, name: str) -> Source:
    """The bytes of its storage.

    Raises:
        MalformedError: the file doesn't hold them.
    """
    if tensor.storage.source is None:
        raise MalformedError(
            f"The file doesn't hold the bytes of tensor '{shown(name, 80)}'.",
            FETCH_AGAIN,
        )
    return tensor.storage.source


def gathered(tensor: Tensor, name: str) -> Iterator[memoryview]:
    """Give a tensor's values in row-major order, little-endian, conjugates and negatives resolved.

    Memory stays below some 16 MiB whatever the tensor's size; a storage that lies the other way round is read in
    short stretches, so that costs time. Each piece is only good until the next one is asked for.

    Args:
        tensor: of any strides.
        name: its name, for messages.

    Raises:
        UnsupportedFormatError: its negatives can't be told from its bytes.
    """
    import numpy as np

    if not tensor.element_count:
        return
    size, unit = bytes_of(tensor.dtype), swap_bytes(tensor)
    if size % unit:
        raise UnsupportedFormatError(
            f"Tensor '{shown(name, 80)}' views big-endian numbers of {unit} bytes as {tensor.dtype}.",
            "Ask its maker to save it on a little-endian machine.",
        )
    sign = _sign(tensor, name) if tensor.conj or tensor.neg else ()
    source, kind = source_of(tensor, name), np.dtype(f"u{size}" if size <= 8 else "c16")
    most = max(1, CHUNK_BYTES // size)
    memory = np.empty(min(most, tensor.element_count), kind)
    for starts, shape in _boxes(tensor.shape, most):
        offset = tensor.offset + sum(start * step for start, step in zip(starts, tensor.stride, strict=True))
        chunk = memory[: prod(shape)].reshape(shape)
        _fill(np, chunk, source, offset, tensor.stride)
        flat = chunk.reshape(-1).view(np.uint8)
        if unit > 1:
            flat.view(f"u{unit}").byteswap(inplace=True)
        _change_signs(flat, tensor, sign)
        yield memoryview(flat)  # type: ignore[arg-type] # numpy arrays are buffers


def _sign(tensor: Tensor, name: str) -> tuple[bool, ...]:
    """Which numbers of an element change their sign."""
    if tensor.dtype in COMPLEX:
        return (tensor.neg, tensor.neg != tensor.conj)
    if tensor.conj or tensor.dtype not in FLOATS | WHOLE:
        raise UnsupportedFormatError(
            f"Tensor '{shown(name, 80)}' is the conjugate or negative of {tensor.dtype}, which has none.",
            "Ask its maker to save it anew.",
        )
    return (tensor.neg,)


def _change_signs(flat: Any, tensor: Tensor, sign: tuple[bool, ...]) -> None:
    size = component_bytes(tensor.dtype)
    for place, is_changed in enumerate(sign):
        if not is_changed:
            continue
        if tensor.dtype in WHOLE:
            numbers = flat.view(f"i{size}")
            numbers *= -1  # as two's complement has it: the smallest stays itself
        else:  # the sign's bit alone, so that a NaN keeps its payload
            flat.view(f"u{size}")[place :: len(sign)] ^= 1 << (8 * size - 1)


def _boxes(shape: tuple[int, ...], most: int) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Split a shape into stretches of at most `most` values each, in row-major order."""
    total = prod(shape)
    if total <= most:
        yield (0,) * len(shape), shape
        return
    inner = total // shape[0]
    if inner > most:
        for index in range(shape[0]):
            for starts, part in _boxes(shape[1:], most):
                yield (index, *starts), (1, *part)
        return
    rows = most // inner
    for start in range(0, shape[0], rows):
        yield (start, *(0,) * (len(shape) - 1)), (min(rows, shape[0] - start), *shape[1:])


def _fill(np: Any, chunk: Any, source: Source, offset: int, stride: tuple[int, ...]) -> None:
    """Fill an array from a storage, reading no more than a span at a time; splits what reaches further."""
    todo = [(chunk, offset)]
    while todo:
        part, first = todo.pop()
        reach = [(length - 1) * step for length, step in zip(part.shape, stride, strict=True)]
        elements = 1 + sum(reach)
        span = elements * part.itemsize
        if span <= SPAN_BYTES or (span <= DENSE_SPAN_BYTES and 2 * part.size >= elements):
            data = source.read_at(first * part.itemsize, span)
            part[...] = np.ndarray(part.shape, part.dtype, data, 0, [step * part.itemsize for step in stride])
            continue
        axis = reach.index(max(reach))
        middle = part.shape[axis] // 2
        before = (slice(None),) * axis
        todo.append((part[(*before, slice(middle, None))], first + middle * stride[axis]))
        todo.append((part[(*before, slice(None, middle))], first))
