"""NumPy's .npy files: one array, or several one after another; what holds Python objects is walked as a pickle."""

from __future__ import annotations

from math import prod
from typing import Any

from ..errors import MalformedError
from ..guard.source import RangeSource, Source
from .content import Content
from .npy_header import Header, read_header
from .pickle_file import finished
from .pickles.context import Context
from .pickles.numpy_arrays import Array, array_over
from .pickles.values import UnfitError
from .remedies import FETCH_AGAIN

__all__ = ["read", "read_arrays"]

FORMAT = "NumPy array (npy)"
MOST_ARRAYS = 10_000


def read(source: Source, context: Context) -> Content:
    """Describe a .npy file.

    Args:
        source: the file's bytes.
        context: the surroundings; findings go there.

    Raises:
        MalformedError: it lies before anything in it was judged.
    """
    content = Content(FORMAT)
    content.root, content.pickled, content.error = read_arrays(source, context)
    if content.error is not None and not content.pickled:
        raise content.error
    return finished(content, context)


def read_arrays(source: Source, context: Context) -> tuple[Any, bool, MalformedError | None]:
    """Describe every array of a source.

    Returns:
        The array, or a list where there are several; whether a pickle is among them; the fault that ended the reading.
    """
    arrays: list[Any] = []
    is_pickled, position = False, 0
    error: MalformedError | None = None
    try:
        while position < source.size or not arrays:
            header = read_header(source, position)
            is_pickled = is_pickled or header.dtype.has_object
            array, position = _array(source, header, context)
            arrays.append(array)
            _prove_few(arrays, source)
    except MalformedError as fault:
        error = fault
    return arrays[0] if len(arrays) == 1 else arrays, is_pickled, error


def _prove_few(arrays: list[Any], source: Source) -> None:
    if len(arrays) > MOST_ARRAYS:
        raise MalformedError(f"{source.label} holds more than {MOST_ARRAYS} arrays.", FETCH_AGAIN)


def _array(source: Source, header: Header, context: Context) -> tuple[Any, int]:
    """What one header announces, and where it ends."""
    if header.dtype.has_object:
        return _objects(source, header, context)
    size = prod(header.shape) * header.dtype.item_bytes
    if size > source.size - header.data_start:
        raise MalformedError(
            f"{source.label} announces {size} bytes of items, but only {source.size - header.data_start} follow.",
            FETCH_AGAIN,
        )
    items = RangeSource(source, header.data_start, size)
    try:
        array = array_over(items, header.dtype, header.shape, header.is_fortran)
    except UnfitError as error:
        raise MalformedError(f"The array in {source.label} {error}.", FETCH_AGAIN) from error
    if array.tensor is not None:
        return array.tensor, header.data_start + size
    what = f"It holds an array of {header.dtype.text} items, which is shown as its bytes."
    context.tell("data", "npy-array", what, header.data_start, name=header.dtype.text)
    return array, header.data_start + size


def _objects(source: Source, header: Header, context: Context) -> tuple[Any, int]:
    """The pickle that stands for the items; numpy then gives the header's shape to whatever it holds."""
    from .pickles.machine import Machine

    machine = Machine(source, context, header.data_start)
    value = machine.run()
    if type(value) is not Array or prod(value.shape) != prod(header.shape):
        what = f"The array of {context.where} is pickled as something else than its header says."
        context.tell("malformed", "npy-objects", what, header.data_start, remedy=FETCH_AGAIN)
    return value, machine.position
