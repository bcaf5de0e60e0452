"""What torch's own pickles call, and its names that may stand as values, each with the reading that stands in for it.

Source: `torch/_utils.py`, `torch/_tensor.py` and `torch/storage.py` of torch 2.13, which define what each writes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from ..report import Level
from ..torch_dtypes import DTYPES, STORAGE_DTYPES
from . import torch_composites as composites
from . import torch_tensors as tensors
from .arguments import exactly
from .torch_arguments import sizes
from .torch_composites import LAYOUTS, SCHEMES
from .trust import Reading, Trusted
from .values import Described, Global, LazyBytes, Shell, Tensor, UnfitError

if TYPE_CHECKING:
    from .context import Context

__all__ = ["NAMES"]

FORMATS = ("preserve_format", "contiguous_format", "channels_last", "channels_last_3d")
TENSOR_TYPES = {("torch", "Tensor"), ("torch.nn.parameter", "Parameter"), ("torch.nn.parameter", "Buffer"),
                ("torch._tensor", "Tensor")}  # fmt: skip


def _rebuild_from_type(context: Context, arguments: tuple[Any, ...]) -> Any:
    """`_rebuild_from_type_v2(function, type, arguments, state)`: function must be one of the readings here."""
    exactly(arguments, 4)
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
        tensor = tensors.with_state(tensor, state)
        kind.as_class = True
        return _subclass(context, tensor, kind)
    return tensors.with_state(tensor, state)


def _subclass(context: Context, tensor: Any, kind: Global) -> Any:
    from .closed_names import CLOSED

    if kind.module.partition(".")[0] in CLOSED and kind.text not in context.trusted:
        raise UnfitError(f"makes it a {kind.text}, which is on no list")
    what = f"It holds a tensor of the class {kind.text}: another loader imports that and runs its own __setstate__."
    context.tell("objects", "pickle-object", what, kind.offset, name=kind.text)
    if type(tensor) is Tensor:
        tensor.state = {**(tensor.state or {}), "__class__": kind.text}
    return tensor


# A tensor or storage pickled on its own: a whole torch file as bytes


def _load_from_bytes(context: Context, arguments: tuple[Any, ...]) -> Any:
    from ..nested_torch import read_nested

    exactly(arguments, 1)
    data = arguments[0]
    if type(data) not in {bytes, LazyBytes}:
        raise UnfitError("is given what are no bytes")
    if not context.is_new(data):
        raise UnfitError("is given the same bytes again, which no library writes")
    return read_nested(data, context)


# Small values


def _size(context: Context, arguments: tuple[Any, ...]) -> Shell:
    del context
    exactly(arguments, 1)
    return _Plain("torch.Size", sizes(arguments[0], "shape"))


class _Plain(Shell):
    """A small value of torch's own, which any file of tensors may hold."""

    __slots__ = ()
    level: ClassVar[Level] = "weights"


def _device(context: Context, arguments: tuple[Any, ...]) -> Shell:
    del context
    exactly(arguments, 1, 2)
    if type(arguments[0]) is not str or (len(arguments) == 2 and type(arguments[1]) is not int):
        raise UnfitError("is given what is no device")
    return _Plain("torch.device", ":".join(str(one) for one in arguments))


def _named(kind: str, names: tuple[str, ...]) -> Reading:
    def read(context: Context, arguments: tuple[Any, ...]) -> Shell:
        del context
        exactly(arguments, 1)
        text = arguments[0]
        if type(text) is not str or text.removeprefix("torch.") not in names:
            raise UnfitError(f"is given what is no {kind}")
        return _Plain(f"torch.{kind}", text.removeprefix("torch."))

    return read


def _list_of(kind: str) -> Reading:
    def read(context: Context, arguments: tuple[Any, ...]) -> list[Any]:
        del context
        exactly(arguments, 1)
        if type(arguments[0]) is not list:
            raise UnfitError(f"is given what is no list of {kind}")
        return arguments[0]

    return read


def _tagged(context: Context, arguments: tuple[Any, ...]) -> Any:
    """`restore_type_tag(value, type)`: a container of a TorchScript program, and its type as text."""
    del context
    exactly(arguments, 2)
    if type(arguments[1]) is not str or type(arguments[0]) not in {list, dict}:
        raise UnfitError("is given what is no container and its type")
    return arguments[0]


def _typed_storage(context: Context, arguments: tuple[Any, ...]) -> Described:
    """`torch.storage.TypedStorage` is written by its persistent id alone; a call of it isn't torch's."""
    del context, arguments
    raise UnfitError("is called, which torch never writes")


TENSOR = "a tensor over a storage of the file, proven to lie within it"
REBUILDERS: dict[tuple[str, str], Reading] = {
    ("torch._utils", "_rebuild_tensor"): tensors.rebuild_tensor,
    ("torch._utils", "_rebuild_tensor_v2"): tensors.rebuild_tensor_v2,
    ("torch._utils", "_rebuild_tensor_v3"): tensors.rebuild_tensor_v3,
    ("torch._utils", "_rebuild_parameter"): tensors.rebuild_parameter,
    ("torch._utils", "_rebuild_parameter_with_state"): tensors.rebuild_parameter_with_state,
    ("torch._utils", "_rebuild_meta_tensor_no_storage"): tensors.rebuild_meta,
    ("torch._utils", "_rebuild_sparse_tensor"): composites.rebuild_sparse,
    ("torch._utils", "_rebuild_sparse_csr_tensor"): composites.rebuild_sparse,
    ("torch._utils", "_rebuild_nested_tensor"): composites.rebuild_nested,
    ("torch._utils", "_rebuild_qtensor"): composites.rebuild_quantized,
    ("torch._utils", "_rebuild_device_tensor_from_numpy"): tensors.rebuild_from_numpy,
    ("torch._utils", "_rebuild_xla_tensor"): tensors.rebuild_from_numpy,
    ("torch._utils", "_rebuild_device_tensor_from_cpu_tensor"): tensors.rebuild_from_cpu,
}
NAMES: dict[tuple[str, str], Trusted] = {
    **{key: Trusted(TENSOR, reading) for key, reading in REBUILDERS.items()},
    ("torch._tensor", "_rebuild_from_type_v2"): Trusted("a tensor with attributes", _rebuild_from_type),
    ("torch.nn.parameter", "Parameter"): Trusted("a parameter", tensors.parameter, is_value=True),
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
