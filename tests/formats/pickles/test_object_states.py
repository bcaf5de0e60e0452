"""Filling stays filling: a state that makes a library's own `__setstate__` call what the file holds is `code`."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import pytest
import sklearn
import sklearn.isotonic
import torch
from torch import nn

from modelcypher_nb.formats.pickles.context import Context
from modelcypher_nb.formats.pickles.machine import Machine
from modelcypher_nb.formats.pickles.object_states import CALLED, MOST_LOOKED_AT, NEVER_HELD, USED, StateJudge
from modelcypher_nb.formats.pickles.values import Opaque
from modelcypher_nb.guard.source import BytesSource
from tests.samples.assembler import Built, Call, Name, New, assembled

# Callable when it is loaded: a layer, whose hooks may chain any other listed function and class.
CALLABLE = New(Name("torch.nn.modules.linear", "Identity"))
LINEAR, LSTM = Name("torch.nn.modules.linear", "Linear"), Name("torch.nn.modules.rnn", "LSTM")
ADAM, FOREIGN = Name("torch.optim.adam", "Adam"), Name("net", "Net")
ISOTONIC = Name("sklearn.isotonic", "IsotonicRegression")
EMPTY: dict[str, Any] = {"_parameters": {}, "_buffers": {}, "_modules": {}}


def verdict(value: Any, protocol: int = 2) -> str:
    context = Context("a.pkl")
    Machine(BytesSource(assembled(value, protocol), "a.pkl"), context).run()
    found = {finding.level for finding in context.findings}
    return next((level for level in ("code", "malformed", "objects", "data") if level in found), "weights")


class Told(Exception):  # noqa: N818 - raised to tell that it was called
    def __call__(self, *_: Any, **__: Any) -> Any:
        raise self


# That the libraries really do it, as the rules say


def test_a_module_calls_what_its_state_puts_in_place_of_register_parameter() -> None:
    state = {"_parameters": {"_is_full_backward_hook": None}, "_modules": {}, "_buffers": {}}
    with pytest.raises(Told):
        nn.Linear.__new__(nn.Linear).__setstate__({**state, "register_parameter": Told()})


def test_a_module_uses_a_set_of_names_that_its_state_gives() -> None:
    class Names(set[str]):
        discard = add = Told()

    state = {"_parameters": {}, "_modules": {}, "_buffers": {"_is_full_backward_hook": None}}
    with pytest.raises(Told):
        nn.Linear.__new__(nn.Linear).__setstate__({**state, "_non_persistent_buffers_set": Names()})


def test_an_optimizer_calls_what_its_state_puts_in_place_of_its_patch() -> None:
    with pytest.raises(Told):
        torch.optim.SGD.__new__(torch.optim.SGD).__setstate__({"_patch_step_function": Told()})


def test_an_estimator_calls_what_its_state_puts_in_place_of_its_builder_with_arguments_of_the_state() -> None:
    state = {"_sklearn_version": sklearn.__version__, "_build_f": Told(), "X_thresholds_": 1, "y_thresholds_": 2}
    with pytest.raises(Told):
        sklearn.isotonic.IsotonicRegression.__new__(sklearn.isotonic.IsotonicRegression).__setstate__(state)


def test_weights_of_a_recurrent_layer_are_taken_by_index_from_what_the_state_gives() -> None:
    layers = nn.Sequential.__new__(nn.Sequential)
    layers.__dict__.update({"_modules": OrderedDict(), "_get_item_by_idx": Told()})
    state = {"_parameters": {}, "_modules": {}, "_buffers": {}, "all_weights": layers}
    with pytest.raises(Told):
        nn.LSTM.__new__(nn.LSTM).__setstate__(state)


# That each is refused


@pytest.mark.parametrize("owner", [LINEAR, ADAM, ISOTONIC, FOREIGN, Name("__main__", "Net")], ids=lambda one: one.name)
@pytest.mark.parametrize("key", sorted(CALLED | USED))
def test_an_object_where_a_library_would_call_or_use_it_is_code(key: str, owner: Name) -> None:
    assert verdict(Built(New(owner), {key: CALLABLE})) == "code"
    assert verdict(Built(New(owner), {key: Name("torch.nn.functional", "relu")}), 4) == "code"
    assert verdict(Built(New(owner), {"a": CALLABLE})) == "objects"


@pytest.mark.parametrize("key", sorted(CALLED))
def test_plain_data_under_such_a_name_is_objects(key: str) -> None:
    assert verdict(Built(New(FOREIGN), {key: [1.0, "text"]})) == "objects"


@pytest.mark.parametrize("holder", ["_parameters", "_buffers", "_modules"])
@pytest.mark.parametrize("key", sorted(NEVER_HELD))
def test_a_module_that_would_answer_with_a_part_of_that_name_is_code(key: str, holder: str) -> None:
    assert verdict(Built(New(LINEAR), {**EMPTY, holder: {key: CALLABLE}})) == "code"


@pytest.mark.parametrize("holder", ["_parameters", "_buffers", "_modules"])
def test_a_module_whose_dicts_are_none_is_code(holder: str) -> None:
    assert verdict(Built(New(FOREIGN), {**EMPTY, holder: [CALLABLE]})) == "code"
    assert verdict(Built(New(FOREIGN), {**EMPTY, holder: "text"})) == "code"


def test_a_text_that_scipy_would_execute_is_code_in_somebody_elses_distribution() -> None:
    assert verdict(Built(New(FOREIGN), {"_parse_arg_template": "import os"})) == "code"
    assert verdict(Built(New(Name("scipy.stats._continuous_distns", "norm_gen")), {"a": 1})) == "code"


@pytest.mark.parametrize("key", ["param_groups", "state", "defaults"])
def test_an_object_deep_in_an_optimizers_groups_is_code(key: str) -> None:
    plain: dict[str, Any] = {"param_groups": [{"params": [], "lr": 0.1}], "state": {}, "defaults": {"lr": 0.1}}
    deep: dict[str, Any] = {
        "param_groups": [{"params": [CALLABLE]}], "state": {0: {"step": CALLABLE}}, "defaults": {"lr": CALLABLE},
    }  # fmt: skip
    assert verdict(Built(New(ADAM), plain)) == "objects"
    assert verdict(Built(New(ADAM), {**plain, key: deep[key]})) == "code"
    assert verdict(Built(New(ADAM), {**EMPTY, **plain, key: deep[key]})) == "code"


COUNTED_OR_TAKEN = ("all_weights", "_all_weights", "_flat_weights_names", "num_layers", "bidirectional", "bias")


@pytest.mark.parametrize("key", COUNTED_OR_TAKEN)
def test_an_object_among_what_a_recurrent_layer_counts_is_code(key: str) -> None:
    plain = {**EMPTY, "_all_weights": [["weight_ih_l0"]], "num_layers": 1, "bias": True}
    assert verdict(Built(New(LSTM), plain)) == "objects"
    assert verdict(Built(New(LSTM), {**plain, key: [[CALLABLE]]})) == "code"


def test_a_part_named_like_a_count_is_code_only_in_a_recurrent_layer() -> None:
    named = {**EMPTY, "_modules": {"bias": CALLABLE}}
    assert verdict(Built(New(FOREIGN), named)) == "objects"
    assert verdict(Built(New(LSTM), {**named, "_all_weights": [["weight_ih_l0"]]})) == "code"


@pytest.mark.parametrize("key", ["X_thresholds_", "y_thresholds_", "_necessary_X_", "_necessary_y_"])
def test_an_object_among_an_isotonic_regressions_thresholds_is_code(key: str) -> None:
    assert verdict(Built(New(ISOTONIC), {key: [0.5, 1.0]})) == "objects"
    assert verdict(Built(New(ISOTONIC), {key: [CALLABLE]})) == "code"


def test_a_state_that_is_no_dict_of_texts_is_code() -> None:
    for state in (None, [], "text", 1, (1, 2), {1: 2}, (None, {"slot": 1})):
        assert verdict(Built(New(LINEAR), state)) == "code"


def test_a_second_state_is_code() -> None:
    assert verdict(Built(Built(New(LINEAR), {"a": 1}), {"b": 1})) == "code"


# Listed calls take only their own shapes


def test_a_tree_takes_only_its_own_arguments() -> None:
    tree = Name("sklearn.tree._tree", "Tree")
    for arguments in ((), (1, 2, 3), (1, [1], 1), (1, CALLABLE, 1), (-1, [1], 1), ("a", None, 1)):
        assert verdict(Call(tree, arguments)) == "code"


def test_a_distance_is_made_of_its_own_classes_alone() -> None:
    module = "sklearn.metrics._dist_metrics"
    maker = Name(module, "newObj")
    euclidean = Call(maker, (Name(module, "EuclideanDistance64"),))
    assert verdict(euclidean) == "objects"
    for kind in (Name(module, "PyFuncDistance64"), Name("net", "Net"), Name("builtins", "type")):
        assert verdict(Call(maker, (kind,))) == "code"
    assert verdict(Built(euclidean, (2.0, [], []))) == "code"


def test_a_handle_of_a_hook_takes_only_dicts_and_a_number() -> None:
    handle = New(Name("torch.utils.hooks", "RemovableHandle"))
    ordered = Call(Name("collections", "OrderedDict"))
    assert verdict(Built(handle, (ordered, 0))) == "objects"
    assert verdict(Built(handle, (None, 3, (ordered,)))) == "objects"
    for state in ((CALLABLE, 0), (ordered, CALLABLE), (ordered, 0, [CALLABLE]), (ordered,), {"id": 0}):
        assert verdict(Built(handle, state)) == "code"


def test_a_wrapped_hook_is_asked_for_a_plain_flag() -> None:
    hook = New(Name("torch.nn.modules.module", "_WrappedHook"))
    assert verdict(Built(hook, {"hook": CALLABLE, "with_module": False})) == "objects"
    assert verdict(Built(hook, {"hook": CALLABLE, "with_module": CALLABLE})) == "code"
    assert verdict(Built(hook, {"hook": CALLABLE, "with_module": False, "more": 1})) == "code"


def test_quantized_weights_are_of_torchs_own_classes_alone() -> None:
    weights = New(Name("torch", "ScriptObject"))
    known = "__torch__.torch.classes.quantized.LinearPackedParamsBase"
    assert verdict(Built(weights, ((1.0, None), known))) == "objects"
    assert verdict(Built(weights, ((1.0, None), "__torch__.torch.classes.somebody.Reader"))) == "code"
    assert verdict(Built(weights, ((CALLABLE, None), known))) == "code"
    assert verdict(Built(weights, ((1.0, None), known, 1))) == "code"


def test_a_loss_takes_numbers_alone() -> None:
    hinge = Name("sklearn.linear_model._sgd_fast", "Hinge")
    assert verdict(Call(hinge, (1.0,))) == "objects"
    for arguments in ((), ("1.0",), (CALLABLE,), (1.0, 2.0)):
        assert verdict(Call(hinge, arguments)) == "code"
    assert verdict(Built(Call(hinge, (1.0,)), {"a": 1})) == "code"


def test_a_bunch_is_a_dict() -> None:
    bunch = New(Name("sklearn.utils._bunch", "Bunch"))
    assert verdict(bunch) == "data"
    assert verdict(Call(Name("sklearn.utils._bunch", "Bunch"), (1,))) == "code"


def test_a_bunch_of_the_first_protocols_is_a_dict() -> None:
    base = Name("__builtin__", "dict")
    rebuilt = Name("copy_reg", "_reconstructor")
    assert verdict(Call(rebuilt, (Name("sklearn.utils", "Bunch"), base, {"a": 1})), 0) == "data"
    assert verdict(Call(rebuilt, (Name("sklearn.utils", "Bunch"), base, [1])), 0) == "code"
    assert verdict(Call(rebuilt, (Name("net", "Net"), base, {"a": 1})), 0) == "code"
    assert verdict(Call(rebuilt, (Name("numpy", "ndarray"), base, {"a": 1})), 0) == "code"


# Bounds


def test_a_long_list_given_to_many_instances_is_looked_at_only_so_often() -> None:
    judge, shared = StateJudge(), {"param_groups": [1] * 1000}
    judged = [judge.is_inert(shared) for _ in range(MOST_LOOKED_AT // 1000 + 1)]
    assert (judged[0], judged[-1]) == (True, False)


def test_a_list_that_holds_itself_is_judged() -> None:
    endless: list[Any] = []
    endless.append(endless)
    assert StateJudge().is_inert({"param_groups": endless})
    endless.append(Opaque("net.Net"))
    assert not StateJudge().is_inert({"param_groups": endless})


# What earlier releases wrote

EARLIER = (
    ("sklearn.svm.classes", "SVC"),
    ("sklearn.ensemble.forest", "RandomForestClassifier"),
    ("sklearn.linear_model.logistic", "LogisticRegression"),
    ("sklearn.tree.tree", "DecisionTreeRegressor"),
    ("sklearn.preprocessing.imputation", "Imputer"),
    ("sklearn.ensemble._gb_losses", "BinomialDeviance"),
    ("torch.nn.quantized.modules.linear", "LinearPackedParams"),
    ("scipy.sparse.csr", "csr_matrix"),
)


@pytest.mark.parametrize(("module", "name"), EARLIER, ids=lambda text: text)
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_class_that_has_moved_since_is_objects(module: str, name: str, protocol: int) -> None:
    kind = Name(module, name)
    base = (kind, Name("__builtin__", "object"), None)
    made = Call(Name("copy_reg", "_reconstructor"), base) if protocol == 0 else New(kind)
    assert verdict(Built(made, {"C": 1.0, "kernel": "rbf"}), protocol) == "objects"


def test_a_loss_of_an_earlier_release_is_made_of_its_own_class_alone() -> None:
    module = "sklearn._loss._loss"
    maker, own = Name(module, "__pyx_unpickle_CyHalfGammaLoss"), Name(module, "CyHalfGammaLoss")
    assert verdict(Call(maker, (own, 222419149, ()))) == "objects"
    for arguments in ((own, 1, (own,)), (Name("net", "Net"), 1, ()), (own, own, ()), (own, 1, "text"), (own, 1)):
        assert verdict(Call(maker, arguments)) == "code"


def test_a_search_tree_of_an_earlier_release_is_made_of_its_own_class_alone() -> None:
    maker = Name("sklearn.neighbors.kd_tree", "newObj")
    assert verdict(Call(maker, (Name("sklearn.neighbors.kd_tree", "BinaryTree"),))) == "objects"
    assert verdict(Call(maker, (Name("sklearn.neighbors.ball_tree", "BallTree"),))) == "code"
    assert verdict(Call(maker, (New(Name("sklearn.neighbors.kd_tree", "BinaryTree")),))) == "code"
