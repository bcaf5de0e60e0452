"""torch's tensors, described from what their builders are given: views of storages, parameters, meta tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .arguments import a_size, exactly
from .strided import dense
from .torch_arguments import a_boolean, a_dtype, a_storage, a_tensor, no_hooks, sizes
from .values import Composite, PlainDict, Storage, Tensor, UnfitError

if TYPE_CHECKING:
    from .context import Context

__all__ = [
    "parameter", "rebuild_from_cpu", "rebuild_from_numpy", "rebuild_meta", "rebuild_parameter",
    "rebuild_parameter_with_state", "rebuild_tensor", "rebuild_tensor_v2", "rebuild_tensor_v3", "with_state",
]  # fmt: skip

# Attributes of torch.Tensor that set more than themselves; its own pickles hold none of them.
SETTERS = frozenset({
    "data", "grad", "_grad", "grad_fn", "_grad_fn", "grad_dtype", "requires_grad", "volatile", "names", "real", "imag",
    "_backward_hooks", "_post_accumulate_grad_hooks", "_cdata", "_python_dispatch", "_typed_storage",
})  # fmt: skip


def _metadata(tensor: Tensor, value: Any) -> Tensor:
    if value is None:
        return tensor
    if type(value) not in {dict, PlainDict} or not all(
        key in {"conj", "neg"} and type(flag) is bool for key, flag in value.items()
    ):
        raise UnfitError("is given metadata beyond conj and neg")
    tensor.conj, tensor.neg = value.get("conj", False), value.get("neg", False)
    return tensor


def rebuild_tensor(context: Context, arguments: tuple[Any, ...]) -> Tensor:
    """`_rebuild_tensor(storage, offset, shape, stride)`, of any torch."""
    exactly(arguments, 4)
    storage, offset, shape, stride = arguments
    storage = a_storage(storage)
    return dense(
        context, storage, storage.dtype, sizes(shape, "shape"), sizes(stride, "stride"), offset=a_size(offset, "offset")
    )


def rebuild_tensor_v2(context: Context, arguments: tuple[Any, ...]) -> Tensor:
    """`_rebuild_tensor_v2`: as the first, then whether it asks for gradients, hooks and metadata."""
    exactly(arguments, 5, 6, 7)  # before torch 0.4 there were no hooks, before 1.13 no metadata
    tensor = rebuild_tensor(context, arguments[:4])
    tensor.requires_grad = a_boolean(arguments[4], "requires_grad")
    no_hooks(arguments[5] if len(arguments) > 5 else None)
    return _metadata(tensor, arguments[6] if len(arguments) > 6 else None)


def rebuild_tensor_v3(context: Context, arguments: tuple[Any, ...]) -> Tensor:
    """`_rebuild_tensor_v3`: as the second, with a dtype of its own over untyped bytes."""
    exactly(arguments, 7, 8)
    storage, offset, shape, stride, requires_grad, hooks, dtype = arguments[:7]
    tensor = dense(
        context,
        a_storage(storage),
        a_dtype(dtype),
        sizes(shape, "shape"),
        sizes(stride, "stride"),
        offset=a_size(offset, "offset"),
    )
    tensor.requires_grad = a_boolean(requires_grad, "requires_grad")
    no_hooks(hooks)
    return _metadata(tensor, arguments[7] if len(arguments) > 7 else None)


def rebuild_parameter(context: Context, arguments: tuple[Any, ...]) -> Any:
    """`_rebuild_parameter(data, requires_grad, hooks)`."""
    del context
    exactly(arguments, 3)
    data, requires_grad, hooks = arguments
    no_hooks(hooks)
    return _as_parameter(data, a_boolean(requires_grad, "requires_grad"))


def _as_parameter(data: Any, requires_grad: bool) -> Any:
    if type(data) is Composite:
        return data
    if type(data) is not Tensor:
        raise UnfitError("is given what is no tensor")
    return Tensor(
        data.storage, data.dtype, data.shape, data.stride, data.offset, data.library, data.conj, data.neg,
        is_parameter=True, requires_grad=requires_grad, state=data.state,
    )  # fmt: skip


def rebuild_parameter_with_state(context: Context, arguments: tuple[Any, ...]) -> Any:
    """`_rebuild_parameter_with_state`: as the parameter, then attributes."""
    exactly(arguments, 4)
    parameter = rebuild_parameter(context, arguments[:3])
    return with_state(parameter, arguments[3])


def with_state(tensor: Any, state: Any) -> Any:
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


def parameter(context: Context, arguments: tuple[Any, ...]) -> Any:
    """`Parameter(data, requires_grad)`, as the class itself is called."""
    del context
    exactly(arguments, 1, 2)
    return _as_parameter(arguments[0], a_boolean(arguments[1], "requires_grad") if len(arguments) > 1 else True)


def rebuild_meta(context: Context, arguments: tuple[Any, ...]) -> Tensor:
    """`_rebuild_meta_tensor_no_storage(dtype, shape, stride, requires_grad)`: a tensor without values."""
    del context
    exactly(arguments, 4)
    dtype, shape, stride, requires_grad = arguments
    storage = Storage("meta", a_dtype(dtype), 0, None, device="meta")
    return Tensor(
        storage, storage.dtype, sizes(shape, "shape"), sizes(stride, "stride"),
        requires_grad=a_boolean(requires_grad, "requires_grad"),
    )  # fmt: skip


def rebuild_from_numpy(context: Context, arguments: tuple[Any, ...]) -> Any:
    """`_rebuild_device_tensor_from_numpy(data, dtype, device, requires_grad)`: accelerators without storages."""
    del context
    exactly(arguments, 4)
    data = getattr(arguments[0], "tensor", None)
    dtype = a_dtype(arguments[1])
    if type(data) is not Tensor or type(arguments[2]) is not str:
        raise UnfitError("is given what is no array")
    requires_grad = a_boolean(arguments[3], "requires_grad")
    if dtype != data.dtype:
        raise UnfitError("is given an array of another dtype, which it would convert")
    return Tensor(data.storage, dtype, data.shape, data.stride, data.offset, requires_grad=requires_grad)


def rebuild_from_cpu(context: Context, arguments: tuple[Any, ...]) -> Any:
    """`_rebuild_device_tensor_from_cpu_tensor(data, dtype, device, requires_grad)`: the same without numpy."""
    del context
    exactly(arguments, 4)
    data = a_tensor(arguments[0])
    a_dtype(arguments[1])
    if type(arguments[2]) is not str:
        raise UnfitError("is given what is no device")
    data.requires_grad = a_boolean(arguments[3], "requires_grad")
    return data
