"""What torch's own pickles call, read as descriptions: tensors over their storages, and the small values around them.

Source: `torch/_utils.py`, `torch/_tensor.py` and `torch/storage.py` of torch 2.13, which define what each writes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from ..report import Level
from .strided import dense
from .trust import Reading, Trusted
from .values import Composite, Described, Global, LazyBytes, PlainDict, Shell, Storage, Tensor, UnfitError

if TYPE_CHECKING:
    from .context import Context

__all__ = ["DTYPES", "NAMES", "STORAGE_DTYPES"]

# torch's dtypes by our names (safetensors' where it has one).
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
LAYOUTS = ("strided", "sparse_coo", "sparse_csr", "sparse_csc", "sparse_bsr", "sparse_bsc", "_mkldnn", "jagged")
FORMATS = ("preserve_format", "contiguous_format", "channels_last", "channels_last_3d")
SCHEMES = ("per_tensor_affine", "per_channel_affine", "per_tensor_symmetric", "per_channel_symmetric",
           "per_channel_affine_float_qparams")  # fmt: skip
LARGEST = 2**63 - 1
TENSOR_TYPES = {("torch", "Tensor"), ("torch.nn.parameter", "Parameter"), ("torch.nn.parameter", "Buffer"),
                ("torch._tensor", "Tensor")}  # fmt: skip
# Attributes of torch.Tensor that set more than themselves; its own pickles hold none of them.
SETTERS = frozenset({
    "data", "grad", "_grad", "grad_fn", "_grad_fn", "grad_dtype", "requires_grad", "volatile", "names", "real", "imag",
    "_backward_hooks", "_post_accumulate_grad_hooks", "_cdata", "_python_dispatch", "_typed_storage",
})  # fmt: skip


def _exactly(arguments: tuple[Any, ...], *counts: int) -> None:
    if len(arguments) not in counts:
        raise UnfitError(f"is given {len(arguments)} arguments")


def _whole(value: Any, what: str) -> int:
    if type(value) is not int or not 0 <= value <= LARGEST:
        raise UnfitError(f"is given a {what} that is no size")
    return value


def sizes(value: Any, what: str) -> tuple[int, ...]:
    """A shape or stride: a tuple, a list or a torch.Size of whole numbers."""
    if type(value) is tuple and len(value) <= 64:  # what torch writes, hundreds of times a file
        for one in value:
            if type(one) is not int or not 0 <= one <= LARGEST:
                break
        else:
            return value
    if isinstance(value, Shell) and value.kind == "torch.Size":
        value = value.value
    if type(value) not in {tuple, list}:
        raise UnfitError(f"is given a {what} that is no tuple")
    if len(value) > 64:
        raise UnfitError(f"is given a {what} of more than 64 dimensions")
    return tuple(_whole(one, what) for one in value)


def _storage(value: Any) -> Storage:
    if type(value) is not Storage:
        raise UnfitError("is given what is no storage")
    return value


def _flag(value: Any, what: str) -> bool:
    if type(value) is not bool:
        raise UnfitError(f"is given a {what} that is neither true nor false")
    return value


def dtype_of(value: Any) -> str:
    """Our name of a dtype that stands as a value."""
    if type(value) is Global and value.module == "torch" and value.name in DTYPES:
        return DTYPES[value.name]
    raise UnfitError("is given what is no dtype")


def _no_hooks(value: Any) -> None:
    """Hooks are called on every gradient: a saved tensor has none."""
    if value is not None and not (type(value) in {dict, PlainDict} and not value):
        raise UnfitError("is given hooks")


def _metadata(tensor: Tensor, value: Any) -> Tensor:
    if value is None:
        return tensor
    if type(value) not in {dict, PlainDict} or not all(
        key in {"conj", "neg"} and type(flag) is bool for key, flag in value.items()
    ):
        raise UnfitError("is given metadata beyond conj and neg")
    tensor.conj, tensor.neg = value.get("conj", False), value.get("neg", False)
    return tensor


# Tensors


def _rebuild_tensor(context: Context, arguments: tuple[Any, ...]) -> Tensor:
    _exactly(arguments, 4)
    storage, offset, shape, stride = arguments
    storage = _storage(storage)
    return dense(
        context, storage, storage.dtype, sizes(shape, "shape"), sizes(stride, "stride"), offset=_whole(offset, "offset")
    )


def _rebuild_tensor_v2(context: Context, arguments: tuple[Any, ...]) -> Tensor:
    _exactly(arguments, 5, 6, 7)  # before torch 0.4 there were no hooks, before 1.13 no metadata
    tensor = _rebuild_tensor(context, arguments[:4])
    tensor.requires_grad = _flag(arguments[4], "requires_grad")
    _no_hooks(arguments[5] if len(arguments) > 5 else None)
    return _metadata(tensor, arguments[6] if len(arguments) > 6 else None)


def _rebuild_tensor_v3(context: Context, arguments: tuple[Any, ...]) -> Tensor:
    _exactly(arguments, 7, 8)
    storage, offset, shape, stride, requires_grad, hooks, dtype = arguments[:7]
    tensor = dense(
        context,
        _storage(storage),
        dtype_of(dtype),
        sizes(shape, "shape"),
        sizes(stride, "stride"),
        offset=_whole(offset, "offset"),
    )
    tensor.requires_grad = _flag(requires_grad, "requires_grad")
    _no_hooks(hooks)
    return _metadata(tensor, arguments[7] if len(arguments) > 7 else None)


def _rebuild_parameter(context: Context, arguments: tuple[Any, ...]) -> Any:
    del context
    _exactly(arguments, 3)
    data, requires_grad, hooks = arguments
    _no_hooks(hooks)
    return _as_parameter(data, _flag(requires_grad, "requires_grad"))


def _as_parameter(data: Any, requires_grad: bool) -> Any:
    if type(data) is Composite:
        return data
    if type(data) is not Tensor:
        raise UnfitError("is given what is no tensor")
    return Tensor(
        data.storage, data.dtype, data.shape, data.stride, data.offset, data.library, data.conj, data.neg,
        is_parameter=True, requires_grad=requires_grad, state=data.state,
    )  # fmt: skip


def _rebuild_parameter_with_state(context: Context, arguments: tuple[Any, ...]) -> Any:
    _exactly(arguments, 4)
    parameter = _rebuild_parameter(context, arguments[:3])
    return _with_state(parameter, arguments[3])


def _with_state(tensor: Any, state: Any) -> Any:
    """Attributes of a tensor: a dict, or the pair of dict and slots that copyreg writes where slots are empty."""
    if type(state) is tuple and len(state) == 2 and not state[1]:
        state = state[0]
    if state is None or state == {}:
        return tensor
    if type(state) not in {dict, PlainDict} or not all(type(key) is str for key in state):
        raise UnfitError("is given attributes that are no dict of texts")
    if any(key in SETTERS or key.startswith("__") for key in state):
        raise UnfitError("is given attributes that are torch's own, which act when they are set")
    if type(tensor) is Tensor:
        tensor.state = state
    else:
        tensor.facts["state"] = state
    return tensor


def _rebuild_from_type(context: Context, arguments: tuple[Any, ...]) -> Any:
    """`_rebuild_from_type_v2(function, type, arguments, state)`: function must be one of the readings here."""
    _exactly(arguments, 4)
    function, kind, inner, state = arguments
    key = (function.module, function.name) if type(function) is Global else None
    reading = REBUILDERS.get(key) if key else None
    if reading is None or type(inner) is not tuple:
        raise UnfitError("would call what is no tensor's builder")
    if type(kind) is not Global:
        raise UnfitError("is given what is no class")
    tensor = reading(context, inner)
    if (kind.module, kind.name) not in TENSOR_TYPES:
        is_main = "__main__" in kind.module.split(".") and kind.module != "__main__"  # a package's runs when imported
        if kind.trusted is not None or "." in kind.name or is_main:
            raise UnfitError("is given a class that is no tensor's")
        tensor = _with_state(tensor, state)
        kind.as_class = True
        return _subclass(context, tensor, kind)
    return _with_state(tensor, state)


def _subclass(context: Context, tensor: Any, kind: Global) -> Any:
    from .closed_names import CLOSED

    if kind.module.partition(".")[0] in CLOSED and kind.text not in context.trusted:
        raise UnfitError(f"makes it a {kind.text}, which is on no list")
    what = f"It holds a tensor of the class {kind.text}: another loader imports that and runs its own __setstate__."
    context.tell("objects", "pickle-object", what, kind.offset, name=kind.text)
    if type(tensor) is Tensor:
        tensor.state = {**(tensor.state or {}), "__class__": kind.text}
    return tensor


def _parameter_class(context: Context, arguments: tuple[Any, ...]) -> Any:
    del context
    _exactly(arguments, 1, 2)
    return _as_parameter(arguments[0], _flag(arguments[1], "requires_grad") if len(arguments) > 1 else True)


def _meta(context: Context, arguments: tuple[Any, ...]) -> Tensor:
    del context
    _exactly(arguments, 4)
    dtype, shape, stride, requires_grad = arguments
    storage = Storage("meta", dtype_of(dtype), 0, None, device="meta")
    return Tensor(
        storage, storage.dtype, sizes(shape, "shape"), sizes(stride, "stride"),
        requires_grad=_flag(requires_grad, "requires_grad"),
    )  # fmt: skip


# Tensors made of several


def _tensor(value: Any) -> Tensor:
    if type(value) is not Tensor:
        raise UnfitError("is given what is no tensor")
    return value


def _value_name(value: Any, names: tuple[str, ...], what: str) -> str:
    if isinstance(value, Shell) and value.kind == f"torch.{what}" and value.value in names:
        return str(value.value)
    if type(value) is Global and value.module == "torch" and value.name in names:
        return value.name
    raise UnfitError(f"is given what is no {what}")


COMPRESSED = {
    "sparse_csr": ("crow_indices", "col_indices"), "sparse_csc": ("ccol_indices", "row_indices"),
    "sparse_bsr": ("crow_indices", "col_indices"), "sparse_bsc": ("ccol_indices", "row_indices"),
}  # fmt: skip


def _rebuild_sparse(context: Context, arguments: tuple[Any, ...]) -> Composite:
    del context
    _exactly(arguments, 2)
    layout = _value_name(arguments[0], LAYOUTS, "layout")
    data = arguments[1]
    if type(data) is not tuple:
        raise UnfitError("is given what are no parts")
    if layout == "sparse_coo":
        _exactly(data, 3, 4)
        indices, values = _tensor(data[0]), _tensor(data[1])
        facts = {"is_coalesced": _flag(data[3], "is_coalesced")} if len(data) == 4 and data[3] is not None else {}
        parts = {"indices": indices, "values": values}
        return Composite(layout, sizes(data[2], "shape"), values.dtype, parts, facts)
    if layout in COMPRESSED:
        _exactly(data, 4)
        first, second = COMPRESSED[layout]
        parts = {first: _tensor(data[0]), second: _tensor(data[1]), "values": _tensor(data[2])}
        return Composite(layout, sizes(data[3], "shape"), parts["values"].dtype, parts)
    raise UnfitError(f"is given the layout {layout}")


def _rebuild_nested(context: Context, arguments: tuple[Any, ...]) -> Composite:
    del context
    _exactly(arguments, 4)
    names = ("buffer", "sizes", "strides", "offsets")
    parts = {name: _tensor(value) for name, value in zip(names, arguments, strict=True)}
    return Composite("nested", (), parts["buffer"].dtype, parts)


def _rebuild_quantized(context: Context, arguments: tuple[Any, ...]) -> Composite:
    _exactly(arguments, 7)
    storage, offset, shape, stride, quantizer, _, hooks = arguments
    _flag(arguments[5], "requires_grad")
    _no_hooks(hooks)
    storage = _storage(storage)
    values = dense(
        context, storage, storage.dtype, sizes(shape, "shape"), sizes(stride, "stride"), offset=_whole(offset, "offset")
    )
    if type(quantizer) is not tuple or not quantizer:
        raise UnfitError("is given what is no quantizer")
    scheme = _value_name(quantizer[0], SCHEMES, "qscheme")
    facts: dict[str, Any] = {"qscheme": scheme}
    parts = {"int_repr": values}
    if scheme == "per_tensor_affine":
        _exactly(quantizer, 3)
        if type(quantizer[1]) is not float or type(quantizer[2]) is not int:
            raise UnfitError("is given a scale or zero point that is no number")
        facts |= {"scale": quantizer[1], "zero_point": quantizer[2]}
    else:
        _exactly(quantizer, 4)
        parts |= {"scales": _tensor(quantizer[1]), "zero_points": _tensor(quantizer[2])}
        facts["axis"] = _whole(quantizer[3], "axis")
    return Composite("quantized", values.shape, values.dtype, parts, facts)


def _from_numpy(context: Context, arguments: tuple[Any, ...]) -> Any:
    """`_rebuild_device_tensor_from_numpy(data, dtype, device, requires_grad)`: accelerators without storages."""
    del context
    _exactly(arguments, 4)
    data = getattr(arguments[0], "tensor", None)
    dtype = dtype_of(arguments[1])
    if type(data) is not Tensor or type(arguments[2]) is not str:
        raise UnfitError("is given what is no array")
    requires_grad = _flag(arguments[3], "requires_grad")
    if dtype != data.dtype:
        raise UnfitError("is given an array of another dtype, which it would convert")
    return Tensor(data.storage, dtype, data.shape, data.stride, data.offset, requires_grad=requires_grad)


def _from_cpu(context: Context, arguments: tuple[Any, ...]) -> Any:
    del context
    _exactly(arguments, 4)
    data = _tensor(arguments[0])
    dtype_of(arguments[1])
    if type(arguments[2]) is not str:
        raise UnfitError("is given what is no device")
    data.requires_grad = _flag(arguments[3], "requires_grad")
    return data


# A tensor or storage pickled on its own: a whole torch file as bytes


def _load_from_bytes(context: Context, arguments: tuple[Any, ...]) -> Any:
    from ..torch_file import read_nested

    _exactly(arguments, 1)
    data = arguments[0]
    if type(data) not in {bytes, LazyBytes}:
        raise UnfitError("is given what are no bytes")
    if not context.is_new(data):
        raise UnfitError("is given the same bytes again, which no library writes")
    return read_nested(data, context)


# Small values


def _size(context: Context, arguments: tuple[Any, ...]) -> Shell:
    del context
    _exactly(arguments, 1)
    return _Plain("torch.Size", sizes(arguments[0], "shape"))


class _Plain(Shell):
    """A small value of torch's own, which any file of tensors may hold."""

    __slots__ = ()
    level: ClassVar[Level] = "weights"


def _device(context: Context, arguments: tuple[Any, ...]) -> Shell:
    del context
    _exactly(arguments, 1, 2)
    if type(arguments[0]) is not str or (len(arguments) == 2 and type(arguments[1]) is not int):
        raise UnfitError("is given what is no device")
    return _Plain("torch.device", ":".join(str(one) for one in arguments))


def _named(kind: str, names: tuple[str, ...]) -> Reading:
    def read(context: Context, arguments: tuple[Any, ...]) -> Shell:
        del context
        _exactly(arguments, 1)
        text = arguments[0]
        if type(text) is not str or text.removeprefix("torch.") not in names:
            raise UnfitError(f"is given what is no {kind}")
        return _Plain(f"torch.{kind}", text.removeprefix("torch."))

    return read


def _list_of(kind: str) -> Reading:
    def read(context: Context, arguments: tuple[Any, ...]) -> list[Any]:
        del context
        _exactly(arguments, 1)
        if type(arguments[0]) is not list:
            raise UnfitError(f"is given what is no list of {kind}")
        return arguments[0]

    return read


def _tagged(context: Context, arguments: tuple[Any, ...]) -> Any:
    """`restore_type_tag(value, type)`: a container of a TorchScript program, and its type as text."""
    del context
    _exactly(arguments, 2)
    if type(arguments[1]) is not str or type(arguments[0]) not in {list, dict}:
        raise UnfitError("is given what is no container and its type")
    return arguments[0]


def _typed_storage(context: Context, arguments: tuple[Any, ...]) -> Described:
    """`torch.storage.TypedStorage` is written by its persistent id alone; a call of it isn't torch's."""
    del context, arguments
    raise UnfitError("is called, which torch never writes")


TENSOR = "a tensor over a storage of the file, proven to lie within it"
REBUILDERS: dict[tuple[str, str], Reading] = {
    ("torch._utils", "_rebuild_tensor"): _rebuild_tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor_v2,
    ("torch._utils", "_rebuild_tensor_v3"): _rebuild_tensor_v3,
    ("torch._utils", "_rebuild_parameter"): _rebuild_parameter,
    ("torch._utils", "_rebuild_parameter_with_state"): _rebuild_parameter_with_state,
    ("torch._utils", "_rebuild_meta_tensor_no_storage"): _meta,
    ("torch._utils", "_rebuild_sparse_tensor"): _rebuild_sparse,
    ("torch._utils", "_rebuild_sparse_csr_tensor"): _rebuild_sparse,
    ("torch._utils", "_rebuild_nested_tensor"): _rebuild_nested,
    ("torch._utils", "_rebuild_qtensor"): _rebuild_quantized,
    ("torch._utils", "_rebuild_device_tensor_from_numpy"): _from_numpy,
    ("torch._utils", "_rebuild_xla_tensor"): _from_numpy,
    ("torch._utils", "_rebuild_device_tensor_from_cpu_tensor"): _from_cpu,
}
NAMES: dict[tuple[str, str], Trusted] = {
    **{key: Trusted(TENSOR, reading) for key, reading in REBUILDERS.items()},
    ("torch._tensor", "_rebuild_from_type_v2"): Trusted("a tensor with attributes", _rebuild_from_type),
    ("torch.nn.parameter", "Parameter"): Trusted("a parameter", _parameter_class, is_value=True),
    ("torch.nn.parameter", "Buffer"): Trusted("a buffer's class", is_value=True),
    ("torch", "Tensor"): Trusted("the tensor's class", is_value=True),
    ("torch._tensor", "Tensor"): Trusted("the tensor's class", is_value=True),
    ("torch.storage", "_load_from_bytes"): Trusted("a torch file within the pickle", _load_from_bytes),
    ("torch", "Size"): Trusted("a shape", _size, is_value=True),
    ("torch", "device"): Trusted("a device's name", _device, is_value=True),
    ("torch.serialization", "_get_layout"): Trusted("a layout's name", _named("layout", LAYOUTS)),
    ("torch.storage", "TypedStorage"): Trusted("a storage's class", _typed_storage, is_value=True),
    ("torch.storage", "UntypedStorage"): Trusted("a storage's class", _typed_storage, is_value=True),
    **{("torch", name): Trusted("a storage's class", _typed_storage, is_value=True) for name in STORAGE_DTYPES},
    **{("torch.cuda", name): Trusted("a storage's class", _typed_storage, is_value=True) for name in STORAGE_DTYPES},
    **{
        ("torch.jit._pickle", f"build_{kind}list"): Trusted("a list of a TorchScript program", _list_of(kind))
        for kind in ("int", "double", "bool", "tensor")
    },
    ("torch.jit._pickle", "restore_type_tag"): Trusted("a container of a TorchScript program", _tagged),
    **{("torch", name): Trusted("a dtype", is_value=True) for name in DTYPES},
    **{("torch", name): Trusted("a layout", is_value=True) for name in LAYOUTS},
    **{("torch", name): Trusted("a quantization scheme", is_value=True) for name in SCHEMES},
    **{("torch", name): Trusted("a memory format", is_value=True) for name in FORMATS},
}  # fmt: skip
