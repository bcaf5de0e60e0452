"""What numpy's own pickles call, read as descriptions: arrays, scalars, dtypes, masked arrays.

Source: numpy's `__reduce__` methods, from 1.6 to 2.4, which define what each writes.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from .arguments import a_name, a_number, a_shape, bytes_source, exactly, made_empty, old_bytes
from .numpy_arrays import Array, MaskedArray, Scalar, array_over, empty_array
from .numpy_dtypes import LIBRARIES_OWN, DType, dtype_called
from .strided import strides_of
from .trust import Reading, Trusted
from .values import LazyBytes, LieError, UnfitError

if TYPE_CHECKING:
    from .context import Context

__all__ = ["NAMES"]

ARRAYS = (
    "numpy.ndarray", "numpy.matrix", "numpy.memmap", "numpy.recarray", "numpy.rec.recarray", "numpy.chararray",
    "numpy.char.chararray", "numpy.core.records.recarray", "numpy.core.defchararray.chararray",
    "numpy.matrixlib.defmatrix.matrix", "numpy.core.memmap.memmap",
)  # fmt: skip
MASKED = ("numpy.ma.MaskedArray", "numpy.ma.core.MaskedArray")
SCALARS = (
    "bool_", "bool", "bool8", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "intc", "uintc",
    "int_", "uint", "long", "ulong", "longlong", "ulonglong", "intp", "uintp", "byte", "ubyte", "short", "ushort",
    "float16", "float32", "float64", "float96", "float128", "longdouble", "float_", "half", "single", "double",
    "complex64", "complex128", "complex192", "complex256", "clongdouble", "complex_", "csingle", "cdouble",
    "singlecomplex", "str_", "unicode_", "bytes_", "string_", "void", "object_", "datetime64", "timedelta64", "record",
    "generic", "number", "integer", "signedinteger", "unsignedinteger", "inexact", "floating", "complexfloating",
    "flexible", "character",
)  # fmt: skip
DTYPE_CLASSES = (
    "Bool", "Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Long", "ULong", "LongLong",
    "ULongLong", "IntC", "UIntC", "Int", "UInt", "Byte", "UByte", "Short", "UShort", "Float16", "Float32", "Float64",
    "LongDouble", "Complex64", "Complex128", "CLongDouble", "Object", "Bytes", "Str", "Void", "DateTime64",
    "TimeDelta64", "String",
)  # fmt: skip
# How a number's bytes are read, by numpy's character and size.
NUMBERS = {
    ("b", 1): "?", ("i", 1): "b", ("i", 2): "h", ("i", 4): "i", ("i", 8): "q", ("u", 1): "B", ("u", 2): "H",
    ("u", 4): "I", ("u", 8): "Q", ("f", 2): "e", ("f", 4): "f", ("f", 8): "d", ("c", 8): "ff", ("c", 16): "dd",
    ("M", 8): "q", ("m", 8): "q",
}  # fmt: skip
NAMES_OF_KINDS = {
    "b": "bool", "i": "int", "u": "uint", "f": "float", "c": "complex", "M": "datetime64", "m": "timedelta64",
    "S": "bytes_", "U": "str_", "V": "void", "O": "object_",
}  # fmt: skip


def _reconstruct(context: Context, arguments: tuple[Any, ...]) -> Array:
    exactly(arguments, 3)
    kind = a_name(arguments[0], *ARRAYS)
    if arguments[1] != (0,) or type(arguments[1]) is not tuple or arguments[2] not in (b"b", "b"):
        raise UnfitError("makes an array that isn't empty at first")
    return empty_array(context.where, kind)


def _frombuffer(context: Context, arguments: tuple[Any, ...]) -> Array:
    exactly(arguments, 4, 5)
    data, dtype, shape, order = arguments[:4]
    if type(data) not in {bytes, bytearray, LazyBytes} or type(dtype) is not DType or dtype.has_object:
        raise UnfitError("makes an array of what are no bytes of its dtype")
    shape = a_shape(shape)
    axes = arguments[4] if len(arguments) == 5 else None
    if type(order) is not str or order not in {"C", "F", "K"} or (axes is not None) != (order == "K"):
        raise UnfitError("makes an array in an order that is none")
    source = bytes_source(old_bytes(data), context.where)
    if dtype.base is not None:
        raise UnfitError("is made of small arrays, which are never items")
    array = array_over(source, dtype, shape, order == "F")
    return array if axes is None else _transposed(array, axes)


def _transposed(array: Array, axes: Any) -> Array:
    if type(axes) is not tuple or sorted(a_number(one, "axis") for one in axes) != list(range(len(array.shape))):
        raise UnfitError("makes an array with axes that are none")
    strides = strides_of(array.shape)
    shape = tuple(array.shape[one] for one in axes)
    if array.tensor is None:
        raise UnfitError("turns an array whose items are no numbers")
    array.shape = array.tensor.shape = shape
    array.tensor.stride = tuple(strides[one] for one in axes)
    return array


def _dtype(context: Context, arguments: tuple[Any, ...]) -> DType:
    del context
    return dtype_called(arguments)


def _string_dtype(context: Context, arguments: tuple[Any, ...]) -> DType:
    del context
    exactly(arguments, 1, 2)
    a_number(arguments[0], "flag", 0, 1)
    metadata = None
    if len(arguments) == 2:
        if arguments[1] is not None and type(arguments[1]) not in {float, str}:
            raise UnfitError("is given a missing value that is none")
        metadata = {"na_object": arguments[1]}
    return DType("T", 16, metadata=metadata, has_object=True, is_settled=True)


def _scalar(context: Context, arguments: tuple[Any, ...]) -> Scalar:
    del context
    exactly(arguments, 2)
    dtype, content = arguments
    if type(dtype) is not DType or dtype.base is not None:
        raise UnfitError("is given a dtype that is none")
    dtype.settle()
    kind = _kind(dtype)
    if dtype.has_object:
        if not dtype.fields or type(content) is not Array or content.shape != () or content.items is None:
            raise UnfitError("holds an object as a number")
        if content.dtype.description() != dtype.description():
            raise UnfitError("is given an item of another type")
        return Scalar(kind, content, dtype)
    data = old_bytes(content)
    if len(data) != dtype.item_bytes:
        raise LieError(f"has {len(data)} bytes for an item of {dtype.item_bytes}")
    return Scalar(kind, _value(dtype, data) if isinstance(data, bytes) else data, dtype, data)


def _kind(dtype: DType) -> str:
    if dtype.extension is not None:
        return dtype.extension
    bits = dtype.item_bytes * 8 if dtype.code in "iufc" else ""
    unit = f"[{dtype.unit}]" if dtype.unit else ""
    return f"numpy.{NAMES_OF_KINDS[dtype.code]}{bits}{unit}"


def _value(dtype: DType, data: bytes) -> Any:
    """The value as plain data; what Python has no type for stays bytes."""
    layout = NUMBERS.get((dtype.code, dtype.item_bytes))
    if layout is not None:
        numbers = struct.unpack((">" if dtype.big_endian else "<") + layout, data)
        return complex(*numbers) if dtype.code == "c" else numbers[0]
    if dtype.code == "U":
        try:
            return data.decode("utf-32-be" if dtype.big_endian else "utf-32-le", "surrogatepass").rstrip("\0")
        except UnicodeDecodeError as error:
            raise UnfitError("holds a text that is none") from error
    return data.rstrip(b"\0") if dtype.code == "S" else data


def _masked(context: Context, arguments: tuple[Any, ...]) -> MaskedArray:
    exactly(arguments, 4)
    kind = a_name(arguments[0], *MASKED)
    a_name(arguments[1], "numpy.ndarray")
    if arguments[2] != (0,) or type(arguments[2]) is not tuple or arguments[3] not in (b"b", "b"):
        raise UnfitError("makes an array that isn't empty at first")
    return MaskedArray(context.where, kind)


def _masked_constant() -> Scalar:
    return Scalar("numpy.ma.masked", None, DType("f", 8, is_settled=True), bytes(8))


def _in_core(name: str, trusted: Trusted) -> dict[tuple[str, str], Trusted]:
    """The same name under numpy 1's module and numpy 2's."""
    module, _, bare = name.rpartition(".")
    return {(f"numpy.core.{module}", bare): trusted, (f"numpy._core.{module}", bare): trusted}


def _shell(reason: str, call: Reading, *, is_value: bool = False) -> Trusted:
    return Trusted(reason, call, is_value, "data")


def _values(reason: str, *names: str) -> dict[tuple[str, str], Trusted]:
    trusted = Trusted(reason, is_value=True)
    return {(name.rpartition(".")[0], name.rpartition(".")[2]): trusted for name in names}


NAMES: dict[tuple[str, str], Trusted] = {
    **_in_core("multiarray._reconstruct", _shell("an array, read from its bytes", _reconstruct)),
    **_in_core("multiarray.scalar", _shell("a number, read from its bytes", _scalar)),
    **_in_core("numeric._frombuffer", _shell("an array, read from its bytes", _frombuffer)),
    **_in_core("_internal._convert_to_stringdtype_kwargs", _shell("the type of an array of texts", _string_dtype)),
    ("numpy", "dtype"): _shell("the type of an array's items", _dtype, is_value=True),
    ("numpy.ma.core", "_mareconstruct"): _shell("an array with a mask, read from its bytes", _masked),
    ("numpy.ma.core", "MaskedConstant"): _shell("the sign of a missing number", made_empty(_masked_constant)),
    # As values alone: a call of numpy.memmap creates or cuts a file.
    **_values("a class of arrays, as a value only", *ARRAYS, *MASKED),
    **_values("a type of numbers, as a value only", *(f"numpy.{name}" for name in SCALARS)),
    **_values("a type of records, as a value only", "numpy.rec.record", "numpy.core.records.record"),
    **_values("a class of dtypes, as a value only", *(f"numpy.dtypes.{name}DType" for name in DTYPE_CLASSES)),
    **_values("a type of numbers, as a value only", *(f"ml_dtypes.{name}" for name in LIBRARIES_OWN)),
}
