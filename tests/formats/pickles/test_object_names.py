"""What torch and scikit-learn save whole opens as `objects`: every class of theirs, new, trained and fitted."""

from __future__ import annotations

import inspect
import io
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import scipy.stats
import sklearn.ensemble
import sklearn.frozen
import sklearn.gaussian_process
import sklearn.linear_model
import sklearn.metrics
import sklearn.model_selection
import sklearn.neighbors
import sklearn.preprocessing
import torch
from sklearn.utils import all_estimators
from torch import nn

from modelcypher_nb.formats import pickle_file, torch_zip
from modelcypher_nb.formats.content import Content
from modelcypher_nb.formats.pickles.context import Context
from modelcypher_nb.guard.source import BytesSource

PROTOCOLS = (2, 4)


def dangers(content: Content) -> list[str]:
    return [f"{finding.rule}: {finding.what}" for finding in content.findings if finding.level in {"code", "malformed"}]


def is_objects(content: Content) -> bool:
    return any(finding.level == "objects" for finding in content.findings)


def assert_objects(value: Any, where: str) -> None:
    """Neither its pickle nor its torch file is more than `objects`."""
    for protocol in PROTOCOLS:
        content = pickle_file.read(BytesSource(pickle.dumps(value, protocol), where), Context(where))
        assert not dangers(content)
        assert is_objects(content)


def assert_saved_objects(value: Any, where: str) -> None:
    for protocol in PROTOCOLS:
        buffer = io.BytesIO()
        torch.save(value, buffer, pickle_protocol=protocol)
        content = torch_zip.read(BytesSource(buffer.getvalue(), where), Context(where))
        assert not dangers(content)
        assert is_objects(content)


# torch.nn

LAYER = nn.Linear(2, 2)
ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "AdaptiveLogSoftmaxWithLoss": (4, 6, [2, 4]), "MultiheadAttention": (4, 2), "Transformer": (4, 2, 1, 1, 4),
    "TransformerEncoderLayer": (4, 2, 4), "TransformerDecoderLayer": (4, 2, 4),
    "TransformerEncoder": (nn.TransformerEncoderLayer(4, 2, 4), 1, None, False),
    "TransformerDecoder": (nn.TransformerDecoderLayer(4, 2, 4), 1), "Unflatten": (1, (2, 2)), "GroupNorm": (2, 4),
    "FractionalMaxPool2d": (2, 1), "FractionalMaxPool3d": (2, 1), "Sequential": (LAYER, nn.ReLU()),
    "ModuleList": ([LAYER],), "ModuleDict": ({"a": LAYER},), "ParameterList": ([nn.Parameter(torch.ones(1))],),
    "ParameterDict": ({"a": nn.Parameter(torch.ones(1))},), "RNNBase": ("LSTM", 2, 3), "RNNCellBase": (2, 3, True, 4),
    "DataParallel": (LAYER,), "Fold": ((4, 4), 2),
}  # fmt: skip
GUESSES: tuple[tuple[Any, ...], ...] = ((), (2,), (2, 3), (2, 3, 2), (2, 2, 2), (4, 2), ([2],))


def made(kind: type, name: str) -> Any:
    for arguments in [ARGUMENTS[name]] if name in ARGUMENTS else GUESSES:
        try:
            return kind(*arguments)
        except TypeError:
            continue
    raise AssertionError(f"nobody said how to make a {name}")


MODULES = {
    name: kind
    for name, kind in vars(nn).items()
    if inspect.isclass(kind) and issubclass(kind, nn.Module) and kind is not nn.Module
}


def test_there_are_as_many_modules_as_torch_has() -> None:
    assert len(MODULES) > 130


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("name", MODULES)
def test_a_new_module_is_objects(name: str) -> None:
    module = made(MODULES[name], name)
    assert_objects(module, name)
    assert_saved_objects(module, name)


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_a_module_with_hooks_is_objects() -> None:
    module, before = nn.Linear(2, 2), nn.Linear(2, 2)
    handle = module.register_forward_hook(nn.functional.relu)
    before.register_load_state_dict_pre_hook(nn.functional.relu)
    assert_saved_objects((module, handle, before), "hooks.pt")
    assert_saved_objects(nn.utils.weight_norm(nn.Linear(2, 2)), "weight_norm.pt")
    assert_saved_objects(nn.utils.spectral_norm(nn.Linear(2, 2)), "spectral_norm.pt")


def test_a_pruned_module_and_packed_sequences_are_objects() -> None:
    from torch.nn.utils import prune

    assert_saved_objects(prune.l1_unstructured(nn.Linear(2, 2), "weight", 1), "pruned.pt")
    assert_saved_objects(nn.utils.rnn.pack_sequence([torch.ones(2), torch.ones(1)]), "packed.pt")


ACTIVATIONS = (nn.functional.relu, nn.functional.gelu, nn.functional.softplus, torch.relu, torch.tanh)


@pytest.mark.parametrize("function", ACTIVATIONS, ids=lambda one: one.__name__)
def test_a_module_that_holds_an_activation_is_objects(function: Callable[..., Any]) -> None:
    module = nn.Linear(2, 2)
    module.activation = function
    assert_saved_objects(module, "activation.pt")


def test_distributions_datasets_and_loaders_are_objects() -> None:
    data = torch.utils.data.TensorDataset(torch.ones(2))
    assert_saved_objects(torch.utils.data.DataLoader(torch.utils.data.Subset(data, [0])), "loader.pt")
    assert_saved_objects(torch.distributions.Normal(torch.zeros(1), torch.ones(1)), "normal.pt")
    assert_saved_objects(torch.amp.GradScaler("cpu"), "scaler.pt")


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning", "ignore::FutureWarning")
def test_a_quantized_module_is_objects() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.LSTM(2, 2))
    assert_saved_objects(torch.ao.quantization.quantize_dynamic(model, {nn.Linear, nn.LSTM}), "quantized.pt")


# torch.optim

OPTIMIZERS = {
    name: kind
    for name, kind in vars(torch.optim).items()
    if inspect.isclass(kind) and issubclass(kind, torch.optim.Optimizer) and kind is not torch.optim.Optimizer
}


@pytest.mark.parametrize("is_trained", [False, True], ids=["new", "trained"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_is_objects(name: str, is_trained: bool) -> None:
    layer = nn.Embedding(3, 2, sparse=True) if name == "SparseAdam" else nn.Linear(2, 2, bias=False)
    optimizer = OPTIMIZERS[name](layer.parameters(), lr=0.1)
    given = torch.tensor([1]) if name == "SparseAdam" else torch.ones(1, 2)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = layer(given).pow(2).sum()
        loss.backward()
        return loss

    if is_trained:
        optimizer.step(closure)
    assert_objects(optimizer, name)
    assert_saved_objects(optimizer, name)


SCHEDULERS: dict[str, tuple[Any, ...]] = {
    "StepLR": (1,), "MultiStepLR": ([1],), "CosineAnnealingLR": (2,), "ReduceLROnPlateau": (), "CyclicLR": (0.1, 0.2),
    "CosineAnnealingWarmRestarts": (2,), "OneCycleLR": (0.1, 5), "ExponentialLR": (0.1,), "LinearLR": (),
    "ConstantLR": (), "PolynomialLR": (),
}  # fmt: skip


@pytest.mark.parametrize("name", SCHEDULERS)
def test_a_scheduler_is_objects(name: str) -> None:
    optimizer = torch.optim.SGD(LAYER.parameters(), lr=0.1, momentum=0.9)
    assert_saved_objects(getattr(torch.optim.lr_scheduler, name)(optimizer, *SCHEDULERS[name]), name)


def test_chained_and_averaging_schedulers_are_objects() -> None:
    optimizer = torch.optim.SGD(LAYER.parameters(), lr=0.1)
    one, other = torch.optim.lr_scheduler.ConstantLR(optimizer), torch.optim.lr_scheduler.StepLR(optimizer, 1)
    assert_saved_objects(torch.optim.lr_scheduler.SequentialLR(optimizer, [one, other], [1]), "sequential.pt")
    assert_saved_objects(torch.optim.swa_utils.SWALR(optimizer, 0.1), "swa.pt")
    assert_saved_objects(torch.optim.swa_utils.AveragedModel(nn.Linear(1, 1)), "averaged.pt")


# scikit-learn

CLASSIFIER, REGRESSOR = sklearn.linear_model.LogisticRegression, sklearn.linear_model.Ridge
NEEDED: dict[str, Callable[[bool], Any]] = {
    "estimator": lambda is_regressor: REGRESSOR() if is_regressor else CLASSIFIER(),
    "base_estimator": lambda is_regressor: REGRESSOR() if is_regressor else CLASSIFIER(),
    "estimators": lambda is_regressor: [("one", REGRESSOR() if is_regressor else CLASSIFIER())],
    "steps": lambda _: [("one", sklearn.linear_model.Ridge())],
    "transformer_list": lambda _: [("one", sklearn.preprocessing.StandardScaler())],
    "transformers": lambda _: [("one", sklearn.preprocessing.StandardScaler(), [0])],
    "param_grid": lambda _: {"fit_intercept": [True, False]},
    "param_distributions": lambda _: {"fit_intercept": [True, False]},
    "dictionary": lambda _: np.ones((2, 4)),
}
SMALLER = {
    "n_components": 2, "n_best": 2, "n_estimators": 3, "max_iter": 5, "n_iter": 2, "min_resources": 10, "n_clusters": 2,
}  # fmt: skip
ASKS_LATER = "SelfTrainingClassifier"  # for its estimator, when it is fitted


def instance(kind: type) -> Any:
    parameters = inspect.signature(kind).parameters
    is_regressor = kind.__name__.endswith("Regressor") or kind.__name__ == "RegressorChain"
    wanted = {name for name, one in parameters.items() if one.default is one.empty}
    wanted |= {"estimator"} if kind.__name__ == ASKS_LATER else set()
    made_one = kind(**{name: NEEDED[name](is_regressor) for name in wanted})
    if kind.__name__ == "TSNE":
        return made_one.set_params(max_iter=250, perplexity=2.0)
    for name, value in SMALLER.items():
        if type(getattr(made_one, name, None)) in {int, float, str}:
            setattr(made_one, name, value)
    return made_one


def tries() -> Iterator[tuple[Any, ...]]:
    """Tiny data of each kind that some estimator takes."""
    numbers = np.abs(np.random.RandomState(0).randn(30, 4)) + 0.1
    labels = np.arange(30) % 2
    yield numbers, labels
    yield numbers, numbers[:, 0] + 1.0
    yield numbers, np.c_[labels, 1 - labels]
    yield numbers, numbers[:, :2]
    yield numbers[:, 0], numbers[:, 1]
    yield numbers @ numbers.T, labels
    yield numbers.astype(int), labels
    yield ["alpha beta", "gamma delta", "alpha gamma"] * 10, labels
    yield [{"a": 1.0, "b": 2.0}] * 30, labels
    yield (labels,)
    yield ([("a", "b"), ("c",)],)
    yield np.random.RandomState(0).randn(2, 6, 6), labels[:2]


def fitted(kind: type) -> Iterator[Any]:
    for data in tries():
        estimator = instance(kind)
        if isinstance(estimator, sklearn.frozen.FrozenEstimator):
            estimator.estimator.fit(*data)
        try:
            estimator.fit(*data)
        except (TypeError, ValueError, AttributeError, IndexError):
            continue
        yield estimator
        return


ESTIMATORS = dict(all_estimators())


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_new_estimator_is_objects(name: str) -> None:
    assert_objects(instance(ESTIMATORS[name]), name)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_fitted_estimator_is_objects(name: str) -> None:
    estimators = list(fitted(ESTIMATORS[name]))
    assert estimators, "nothing that it takes was tried"
    assert_objects(estimators[0], name)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("algorithm", ["kd_tree", "ball_tree"])
@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "chebyshev", "minkowski"])
def test_a_search_tree_of_any_distance_is_objects(algorithm: str, metric: str) -> None:
    numbers = np.random.RandomState(0).randn(30, 4)
    neighbours = sklearn.neighbors.NearestNeighbors(algorithm=algorithm, metric=metric, p=3).fit(numbers)
    density = sklearn.neighbors.KernelDensity(algorithm=algorithm).fit(numbers, sample_weight=np.ones(30))
    assert_objects((neighbours, density), algorithm)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "loss", ["hinge", "log_loss", "modified_huber", "squared_hinge", "perceptron", "squared_error", "huber"]
)
def test_a_linear_classifier_of_any_loss_is_objects(loss: str) -> None:
    numbers, labels, *_ = next(tries())
    assert_objects(sklearn.linear_model.SGDClassifier(loss=loss).fit(numbers, labels), loss)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "gamma", "poisson", "quantile"])
def test_a_boosted_regressor_of_any_loss_is_objects(loss: str) -> None:
    numbers, labels, *_ = next(tries())
    boosted = sklearn.ensemble.HistGradientBoostingRegressor(loss=loss, quantile=0.5, max_iter=2, min_samples_leaf=2)
    assert_objects(boosted.fit(numbers, labels + 1.0), loss)


@pytest.mark.filterwarnings("ignore")
def test_a_boosted_classifier_of_three_classes_is_objects() -> None:
    numbers = np.random.RandomState(0).randn(60, 4)
    boosted = sklearn.ensemble.HistGradientBoostingClassifier(max_iter=2, min_samples_leaf=2)
    assert_objects(boosted.fit(numbers, np.arange(60) % 3), "three classes")
    assert_objects(sklearn.ensemble.GradientBoostingClassifier(n_estimators=2).fit(numbers, np.arange(60) % 3), "three")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("function", [np.log1p, np.sqrt, np.abs, np.mean], ids=lambda one: one.__name__)
def test_a_transformer_by_a_function_of_numpy_is_objects(function: Callable[..., Any]) -> None:
    assert_objects(sklearn.preprocessing.FunctionTransformer(function), "function")


@pytest.mark.filterwarnings("ignore")
def test_a_scorer_and_a_kernel_are_objects() -> None:
    assert_objects(sklearn.metrics.make_scorer(sklearn.metrics.f1_score), "scorer")
    assert_objects(sklearn.metrics.get_scorer("neg_log_loss"), "scorer")
    kernels = sklearn.gaussian_process.kernels
    assert_objects(kernels.ConstantKernel(1.0) * kernels.RBF(1.0) + kernels.WhiteKernel(), "kernel")


def test_a_sparse_matrix_is_objects() -> None:
    import scipy.sparse

    for kind in ("csr", "csc", "coo", "bsr", "dia", "lil"):
        assert_objects(getattr(scipy.sparse, f"{kind}_matrix")(np.eye(2)), kind)
        assert_objects(getattr(scipy.sparse, f"{kind}_array")(np.eye(2)), kind)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_search_over_a_distribution_of_scipy_stays_code(protocol: int) -> None:
    search = sklearn.model_selection.RandomizedSearchCV(REGRESSOR(), {"alpha": scipy.stats.uniform(0, 1)})
    content = pickle_file.read(BytesSource(pickle.dumps(search, protocol), "search.pkl"), Context("search.pkl"))
    assert any("scipy.stats" in fault for fault in dangers(content))
