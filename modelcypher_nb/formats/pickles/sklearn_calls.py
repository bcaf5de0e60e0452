"""What fitted estimators of scikit-learn call when they are loaded: trees, search trees, distances, losses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .numpy_arrays import Array
from .object_shapes import Key, ObjectCall, is_array, is_class, is_size, nothing, numbers
from .values import Opaque, PlainDict

__all__ = ["CALLS", "HELD"]

# Trees


def _tree_arguments(arguments: tuple[Any, ...]) -> bool:
    """`Tree(n_features, n_classes, n_outputs)`, which reads as many classes as there are outputs."""
    if len(arguments) != 3 or not is_size(arguments[0]) or not is_size(arguments[2], 1):
        return False
    return is_array(arguments[1], 1, "i") and arguments[1].shape[0] == arguments[2]


def _tree_state(state: Any) -> bool:
    """Two arrays, which it compares with its own layout and copies, and numbers."""
    if type(state) not in {dict, PlainDict} or not {"node_count", "nodes", "values"} <= state.keys():
        return False
    if not state.keys() <= {"max_depth", "node_count", "nodes", "values", "max_n_classes", "n_features", "n_outputs"}:
        return False
    counts = [value for key, value in state.items() if key not in {"nodes", "values"}]
    if not all(is_size(count) for count in counts) or not is_array(state["nodes"], 1, "V"):
        return False
    if not is_array(state["values"], 3, "f") or state["values"].shape[0] != state["nodes"].shape[0]:
        return False
    return bool(state["node_count"] <= state["nodes"].shape[0])


def _predictor_state(state: Any) -> bool:
    """`TreePredictor`: arrays alone."""
    if type(state) not in {dict, PlainDict} or "nodes" not in state or not is_array(state["nodes"], 1, "V"):
        return False
    return all(type(key) is str and type(value) is Array and value.items is None for key, value in state.items())


# Neighbours

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
    **{(module, "newObj"): tuple((module, name) for name in ("KDTree", "KDTree64", "KDTree32", "BinaryTree"))
       for module in ("sklearn.neighbors._kd_tree", "sklearn.neighbors.kd_tree")},
    **{(module, "newObj"): tuple((module, name) for name in ("BallTree", "BallTree64", "BallTree32", "BinaryTree"))
       for module in ("sklearn.neighbors._ball_tree", "sklearn.neighbors.ball_tree")},
}  # fmt: skip


def _one_of(keys: tuple[Key, ...]) -> Callable[[tuple[Any, ...]], bool]:
    return lambda arguments: len(arguments) == 1 and is_class(arguments[0], *keys)


def _metric_state(state: Any) -> bool:
    """A power and two arrays; that of a distance in Python would also hold a function."""
    if type(state) is not tuple or len(state) not in {3, 4} or type(state[0]) is not float:
        return False
    arrays = is_array(state[1], 1, "f") and is_array(state[2], 2, "f")
    return arrays and (len(state) == 3 or is_size(state[3]))


def _search_tree_state(state: Any) -> bool:
    """Four arrays, seven numbers, a distance, and weights or nothing."""
    if type(state) is not tuple or len(state) not in {12, 13}:
        return False
    data, indexes, nodes, bounds, *counts = state[:11]
    if not (is_array(data, 2, "f") and is_array(indexes, 1, "i") and is_array(nodes, 1, "V")):
        return False
    if not is_array(bounds, 3, "f") or not all(is_size(one) for one in counts):
        return False
    metric, weights = state[11], state[12] if len(state) == 13 else None
    made = type(metric) is Opaque and not metric.is_code and metric.kind in METRIC_MAKERS
    return made and (weights is None or is_array(weights, 1, "f"))


METRIC_MAKERS = frozenset(f"{module}.newObj" for module in METRIC_MODULES)

# Losses, which are made of at most one number

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
LOSS_MODULE = "sklearn._loss._loss"


def _unpickled_loss(name: str) -> Callable[[tuple[Any, ...]], bool]:
    """`__pyx_unpickle_NAME(class, checksum, state)`, as scikit-learn wrote losses until 1.3, and this one still."""

    def is_own(arguments: tuple[Any, ...]) -> bool:
        if len(arguments) != 3 or not is_class(arguments[0], (LOSS_MODULE, name)) or type(arguments[1]) is not int:
            return False
        state = arguments[2]
        return state is None or (type(state) is tuple and len(state) < 2 and all(type(one) is float for one in state))

    return is_own


def _triplet(arguments: tuple[Any, ...]) -> bool:
    """`_ImputerTriplet`, a tuple of a column, its neighbours and an estimator; a tuple only holds."""
    return len(arguments) == 3


def _no_state(state: Any) -> bool:
    return type(state) is tuple and not state


CALLS: dict[Key, ObjectCall] = {
    ("sklearn.tree._tree", "Tree"): ObjectCall("a decision tree over arrays", _tree_arguments, _tree_state),
    ("sklearn.ensemble._hist_gradient_boosting.predictor", "TreePredictor"): ObjectCall(
        "casts an array to its own layout", nothing, _predictor_state
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
        (module, name): ObjectCall("a loss with a number at most", numbers(count))
        for module in LOSS_MODULES
        for name, count in LOSSES.items()
    },
    **{
        (LOSS_MODULE, name): ObjectCall("a loss with a number at most", numbers(count))
        for name, count in COMPILED_LOSSES.items()
    },
    **{
        (LOSS_MODULE, f"__pyx_unpickle_{name}"): ObjectCall("a loss", _unpickled_loss(name), _no_state)
        for name in COMPILED_LOSSES
    },
    ("sklearn.impute._iterative", "_ImputerTriplet"): ObjectCall("a tuple", _triplet),
    ("sklearn.impute", "_ImputerTriplet"): ObjectCall("a tuple", _triplet),
}
# The classes that newObj and its like are given, which stand as values.
HELD: frozenset[Key] = frozenset(METRIC_CLASSES).union(
    *SEARCH_TREES.values(), ((LOSS_MODULE, name) for name in COMPILED_LOSSES)
)
