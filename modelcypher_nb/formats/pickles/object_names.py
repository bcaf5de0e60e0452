"""The second list: what may stand in a file judged `objects` though its package is closed, and with which arguments.

A listed class is only made and filled, a listed value only held, a listed call has exactly the arguments and the state
that its own library writes. Nothing here is ever imported or called by us.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .numpy_arrays import Array
from .object_tables import CLASSES, EARLIER_CLASSES, EARLIER_VALUES, VALUES
from .values import Composite, Global, Opaque, PlainDict, Tensor

__all__ = ["OBJECT_CALLS", "OBJECT_CLASSES", "OBJECT_VALUES", "ObjectCall"]

Key = tuple[str, str]
LARGEST = 2**31 - 1


@dataclass(frozen=True, slots=True)
class ObjectCall:
    """A constructor or class of a closed package that objects need, with the shapes that its library writes.

    Attributes:
        reason: what it makes, and what was read of it.
        arguments: whether these arguments are its library's own.
        state: whether such a state is; None where it takes none.
    """

    reason: str
    arguments: Callable[[tuple[Any, ...]], bool]
    state: Callable[[Any], bool] | None = None

    def accepts(self, arguments: tuple[Any, ...]) -> bool:
        """Whether a call with these arguments makes an object and does nothing else."""
        return self.arguments(arguments)

    def accepts_state(self, state: Any) -> bool:
        """Whether filling the object with this state does nothing else."""
        return self.state is not None and self.state(state)


def _keys(*tables: dict[str, str]) -> frozenset[Key]:
    return frozenset((module, name) for table in tables for module, names in table.items() for name in names.split())


# Small shapes


def _nothing(arguments: tuple[Any, ...]) -> bool:
    return not arguments


def _numbers(count: int) -> Callable[[tuple[Any, ...]], bool]:
    return lambda arguments: len(arguments) == count and all(type(one) in {float, int} for one in arguments)


def _is_size(value: Any, lowest: int = 0) -> bool:
    return type(value) is int and lowest <= value <= LARGEST


def _is_array(value: Any, dimensions: int, codes: str = "iufbS") -> bool:
    """A filled array of plain numbers (of records: code "V")."""
    if type(value) is not Array or not value.is_built or len(value.shape) != dimensions or value.items is not None:
        return False
    return value.dtype.code in codes and not value.dtype.has_object


def _is_class(value: Any, *keys: Key) -> bool:
    return type(value) is Global and (value.module, value.name) in keys


def _is_tensor(value: Any) -> bool:
    return type(value) is Tensor or type(value) is Composite


# torch


def _handle_state(state: Any) -> bool:
    """`torch.utils.hooks.RemovableHandle`: the dict of hooks, a number, and more such dicts."""
    if type(state) is not tuple or len(state) not in {2, 3} or not _is_size(state[1]):
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
    if len(arguments) not in {2, 4} or not all(_is_tensor(one) for one in arguments[:2]):
        return False
    return all(one is None or _is_tensor(one) for one in arguments[2:])


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
    if value is None or type(value) in {int, float, bool, str} or _is_tensor(value):
        return True
    if type(value) is Opaque:  # the packed weights of each gate
        return not value.is_code and value.kind == "torch.ScriptObject"
    return nesting < 4 and type(value) in {tuple, list} and all(_is_numeric(one, nesting + 1) for one in value)


TORCH_CALLS: dict[Key, ObjectCall] = {
    ("torch.utils.hooks", "RemovableHandle"): ObjectCall(
        "keeps weak references to dicts, and counts on from a number", _nothing, _handle_state
    ),
    ("torch.nn.modules.module", "_WrappedHook"): ObjectCall("keeps what it is given", _nothing, _hook_state),
    ("torch.nn.parameter", "UninitializedParameter"): ObjectCall("a parameter without a shape", _flags),
    ("torch.nn.parameter", "UninitializedBuffer"): ObjectCall("a buffer without a shape", _flags),
    ("torch.nn.utils.rnn", "PackedSequence"): ObjectCall("a tuple of tensors", _packed),
    ("torch.nn.backends.thnn", "_get_thnn_function_backend"): ObjectCall("a table of torch before 1.5", _nothing),
    ("torch", "ScriptObject"): ObjectCall("quantized weights", _nothing, _packed_weights),
    ("builtins", "getattr"): ObjectCall("a method by its name, of a class that was read", _method),
}

# scikit-learn: trees


def _tree_arguments(arguments: tuple[Any, ...]) -> bool:
    """`Tree(n_features, n_classes, n_outputs)`, which reads as many classes as there are outputs."""
    if len(arguments) != 3 or not _is_size(arguments[0]) or not _is_size(arguments[2], 1):
        return False
    return _is_array(arguments[1], 1, "i") and arguments[1].shape[0] == arguments[2]


def _tree_state(state: Any) -> bool:
    """Two arrays, which it compares with its own layout and copies, and numbers."""
    if type(state) not in {dict, PlainDict} or not {"node_count", "nodes", "values"} <= state.keys():
        return False
    if not state.keys() <= {"max_depth", "node_count", "nodes", "values", "max_n_classes", "n_features", "n_outputs"}:
        return False
    numbers = [value for key, value in state.items() if key not in {"nodes", "values"}]
    if not all(_is_size(number) for number in numbers) or not _is_array(state["nodes"], 1, "V"):
        return False
    if not _is_array(state["values"], 3, "f") or state["values"].shape[0] != state["nodes"].shape[0]:
        return False
    return bool(state["node_count"] <= state["nodes"].shape[0])


def _predictor_state(state: Any) -> bool:
    """`TreePredictor`: arrays alone."""
    if type(state) not in {dict, PlainDict} or "nodes" not in state or not _is_array(state["nodes"], 1, "V"):
        return False
    return all(type(key) is str and type(value) is Array and value.items is None for key, value in state.items())


# scikit-learn: neighbours

METRICS = (
    "Euclidean", "SEuclidean", "Manhattan", "Chebyshev", "Minkowski", "WMinkowski", "Mahalanobis", "Hamming",
    "Canberra", "BrayCurtis", "Jaccard", "Matching", "Dice", "Kulsinski", "RogersTanimoto", "RussellRao",
    "SokalMichener", "SokalSneath", "Haversine",
)  # fmt: skip
METRIC_MODULES = (
    "sklearn.metrics._dist_metrics", "sklearn.neighbors._dist_metrics", "sklearn.neighbors.dist_metrics",
)  # fmt: skip
METRIC_CLASSES = tuple(
    (module, f"{name}Distance{bits}") for module in METRIC_MODULES for name in METRICS for bits in ("", "64", "32")
)
SEARCH_TREES = {
    **{(module, "newObj"): tuple((module, f"KDTree{bits}") for bits in ("", "64", "32"))
       for module in ("sklearn.neighbors._kd_tree", "sklearn.neighbors.kd_tree")},
    **{(module, "newObj"): tuple((module, f"BallTree{bits}") for bits in ("", "64", "32"))
       for module in ("sklearn.neighbors._ball_tree", "sklearn.neighbors.ball_tree")},
}  # fmt: skip


def _one_of(keys: tuple[Key, ...]) -> Callable[[tuple[Any, ...]], bool]:
    return lambda arguments: len(arguments) == 1 and _is_class(arguments[0], *keys)


def _metric_state(state: Any) -> bool:
    """A power and two arrays; that of a distance in Python would also hold a function."""
    if type(state) is not tuple or len(state) not in {3, 4} or type(state[0]) is not float:
        return False
    arrays = _is_array(state[1], 1, "f") and _is_array(state[2], 2, "f")
    return arrays and (len(state) == 3 or _is_size(state[3]))


def _search_tree_state(state: Any) -> bool:
    """Four arrays, seven numbers, a distance, and weights or nothing."""
    if type(state) is not tuple or len(state) not in {12, 13}:
        return False
    data, indexes, nodes, bounds, *counts = state[:11]
    if not (_is_array(data, 2, "f") and _is_array(indexes, 1, "i") and _is_array(nodes, 1, "V")):
        return False
    if not _is_array(bounds, 3, "f") or not all(_is_size(one) for one in counts):
        return False
    metric, weights = state[11], state[12] if len(state) == 13 else None
    made = type(metric) is Opaque and not metric.is_code and metric.kind in METRIC_MAKERS
    return made and (weights is None or _is_array(weights, 1, "f"))


METRIC_MAKERS = frozenset(f"{module}.newObj" for module in METRIC_MODULES)

# scikit-learn: losses, which are made of at most one number

LOSS_MODULES = ("sklearn.linear_model._sgd_fast", "sklearn.linear_model.sgd_fast")
LOSSES = {
    "Hinge": 1, "SquaredHinge": 1, "EpsilonInsensitive": 1, "SquaredEpsilonInsensitive": 1, "Huber": 1,
    "ModifiedHuber": 0, "Log": 0, "SquaredLoss": 0,
}  # fmt: skip
COMPILED_LOSSES = {
    "CyHalfSquaredError": 0, "CyAbsoluteError": 0, "CyHalfPoissonLoss": 0, "CyHalfGammaLoss": 0,
    "CyHalfBinomialLoss": 0, "CyExponentialLoss": 0, "CyHalfMultinomialLoss": 0, "CyPinballLoss": 1, "CyHuberLoss": 1,
    "CyHalfTweedieLoss": 1, "CyHalfTweedieLossIdentity": 1,
}  # fmt: skip
MULTINOMIAL = ("sklearn._loss._loss", "CyHalfMultinomialLoss")


def _unpickled_loss(arguments: tuple[Any, ...]) -> bool:
    """`__pyx_unpickle_CyHalfMultinomialLoss(class, checksum, None or no state)`."""
    if len(arguments) != 3 or not _is_class(arguments[0], MULTINOMIAL) or type(arguments[1]) is not int:
        return False
    return arguments[2] is None or arguments[2] == ()


def _no_state(state: Any) -> bool:
    return type(state) is tuple and not state


SKLEARN_CALLS: dict[Key, ObjectCall] = {
    ("sklearn.tree._tree", "Tree"): ObjectCall("a decision tree over arrays", _tree_arguments, _tree_state),
    ("sklearn.ensemble._hist_gradient_boosting.predictor", "TreePredictor"): ObjectCall(
        "casts an array to its own layout", _nothing, _predictor_state
    ),
    **{
        (module, "newObj"): ObjectCall("cls.__new__(cls) of a distance", _one_of(METRIC_CLASSES), _metric_state)
        for module in METRIC_MODULES
    },
    **{
        key: ObjectCall("cls.__new__(cls) of a search tree", _one_of(kinds), _search_tree_state)
        for key, kinds in SEARCH_TREES.items()
    },
    **{
        (module, name): ObjectCall("a loss with a number at most", _numbers(count))
        for module in LOSS_MODULES
        for name, count in LOSSES.items()
    },
    **{
        ("sklearn._loss._loss", name): ObjectCall("a loss with a number at most", _numbers(count))
        for name, count in COMPILED_LOSSES.items()
    },
    ("sklearn._loss._loss", "__pyx_unpickle_CyHalfMultinomialLoss"): ObjectCall(
        "a loss without a state", _unpickled_loss, _no_state
    ),
}

OBJECT_CALLS: dict[Key, ObjectCall] = {**TORCH_CALLS, **SKLEARN_CALLS}
OBJECT_CLASSES: frozenset[Key] = _keys(CLASSES, EARLIER_CLASSES) - OBJECT_CALLS.keys()
# The classes that newObj and its like are given stand as values too.
OBJECT_VALUES: frozenset[Key] = _keys(VALUES, EARLIER_VALUES).union(
    METRIC_CLASSES, *SEARCH_TREES.values(), METHODS, (MULTINOMIAL,)
)
