"""What torch's whole modules call when they are loaded: hooks, lazy parameters, quantized weights, methods by name."""

from __future__ import annotations

import re
from typing import Any

from .object_shapes import Key, ObjectCall, is_size, is_tensor, nothing
from .values import Global, Opaque, PlainDict

__all__ = ["CALLS", "METHODS"]


def _handle_state(state: Any) -> bool:
    """`torch.utils.hooks.RemovableHandle`: the dict of hooks, a number, and more such dicts."""
    if type(state) is not tuple or len(state) not in {2, 3} or not is_size(state[1]):
        return False
    more = state[2] if len(state) == 3 else None
    dicts = [state[0], *(more if type(more) is tuple else ())]
    return (more is None or type(more) is tuple) and all(one is None or type(one) in {dict, PlainDict} for one in dicts)


def _hook_state(state: Any) -> bool:
    """`torch.nn.modules.module._WrappedHook`: a hook, and weakly the module that it belongs to."""
    if type(state) not in {dict, PlainDict} or not {"hook", "with_module"} <= state.keys():
        return False
    return state.keys() <= {"hook", "with_module", "module"} and type(state["with_module"]) is bool


def _flags(arguments: tuple[Any, ...]) -> bool:
    return len(arguments) == 1 and type(arguments[0]) is bool


def _packed(arguments: tuple[Any, ...]) -> bool:
    """`torch.nn.utils.rnn.PackedSequence`: tensors or nothing; an earlier one had two."""
    if len(arguments) not in {2, 4} or not all(is_tensor(one) for one in arguments[:2]):
        return False
    return all(one is None or is_tensor(one) for one in arguments[2:])


# Methods that pickle writes as getattr(owner, name): functions of torch, which are methods of a class in C, and static
# methods as protocols 0 to 3 write them.
VARIABLE_FUNCTIONS = (("torch._C", "_VariableFunctions"), ("torch._C", "_VariableFunctionsClass"))
FUNCTIONS = frozenset({
    "relu", "tanh", "sigmoid", "softmax", "log_softmax", "celu", "selu", "rrelu", "prelu", "exp", "sin", "cos", "abs",
    "sqrt", "log", "square", "erf", "hardshrink", "threshold", "layer_norm", "batch_norm", "group_norm", "dropout",
    "cosine_similarity", "pairwise_distance", "max_pool1d", "avg_pool1d", "conv1d", "conv2d", "conv3d", "bilinear",
    "pixel_shuffle", "channel_shuffle", "adaptive_avg_pool1d", "add", "mul", "sub", "div", "mean", "sum", "max", "min",
})  # fmt: skip
METHODS: dict[Key, frozenset[str]] = {
    **dict.fromkeys(VARIABLE_FUNCTIONS, FUNCTIONS),
    ("torch.optim.lr_scheduler", "CyclicLR"): frozenset({"_triangular_scale_fn", "_triangular2_scale_fn"}),
    ("torch.optim.swa_utils", "SWALR"): frozenset({"_cosine_anneal", "_linear_anneal"}),
}
# Methods of an instance: the hooks of Lazy modules. An attribute of that name in the instance would be given instead.
BOUND = frozenset({"_infer_parameters", "_lazy_load_hook"})
LAZY = re.compile(r"torch\.nn\.modules\.\w+\.Lazy\w+")


def _method(arguments: tuple[Any, ...]) -> bool:
    if len(arguments) != 2 or type(arguments[1]) is not str:
        return False
    owner, name = arguments
    if type(owner) is Opaque:
        return not owner.is_code and name in BOUND and LAZY.fullmatch(owner.kind) is not None
    return type(owner) is Global and name in METHODS.get((owner.module, owner.name), ())


# What torch._C registers for quantized weights; each has a __setstate__ in C++ that takes tensors and numbers.
PACKED_CLASSES = frozenset(
    f"__torch__.torch.classes.{name}"
    for name in (
        "quantized.LinearPackedParamsBase", "quantized.Conv2dPackedParamsBase", "quantized.Conv3dPackedParamsBase",
        "quantized.EmbeddingPackedParamsBase", "rnn.CellParamsBase",
    )
)  # fmt: skip


def _packed_weights(state: Any) -> bool:
    """`torch.ScriptObject`: what its class takes, and which class that is."""
    if type(state) is not tuple or len(state) != 2 or type(state[1]) is not str or state[1] not in PACKED_CLASSES:
        return False
    return _is_numeric(state[0], 0)


def _is_numeric(value: Any, nesting: int) -> bool:
    if value is None or type(value) in {int, float, bool, str} or is_tensor(value):
        return True
    if type(value) is Opaque:  # the packed weights of each gate
        return not value.is_code and value.kind == "torch.ScriptObject"
    return nesting < 4 and type(value) in {tuple, list} and all(_is_numeric(one, nesting + 1) for one in value)


CALLS: dict[Key, ObjectCall] = {
    ("torch.utils.hooks", "RemovableHandle"): ObjectCall(
        "keeps weak references to dicts, and counts on from a number", nothing, _handle_state
    ),
    ("torch.nn.modules.module", "_WrappedHook"): ObjectCall("keeps what it is given", nothing, _hook_state),
    ("torch.nn.parameter", "UninitializedParameter"): ObjectCall("a parameter without a shape", _flags),
    ("torch.nn.parameter", "UninitializedBuffer"): ObjectCall("a buffer without a shape", _flags),
    ("torch.nn.utils.rnn", "PackedSequence"): ObjectCall("a tuple of tensors", _packed),
    ("torch.nn.backends.thnn", "_get_thnn_function_backend"): ObjectCall("a table of torch before 1.5", nothing),
    ("torch", "ScriptObject"): ObjectCall("quantized weights", nothing, _packed_weights),
    ("builtins", "getattr"): ObjectCall("a method by its name, of a class that was read", _method),
}
