from __future__ import annotations

import json
import random
from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from modelcypher_nb.errors import MalformedError, UsageError
from modelcypher_nb.training.state import (
    capture,
    join,
    restore,
    restore_generators,
    seed_generators,
    split,
)

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(st.text() | st.integers() | st.tuples(st.integers(), st.text()), inner)
    ),
    max_leaves=20,
)


@given(plain)
def test_plain_state_survives_json_to_the_type(value: Any) -> None:
    tensors: dict[str, torch.Tensor] = {}
    document = json.loads(json.dumps(split(value, "x", tensors), allow_nan=False))
    found = join(document, tensors)
    assert repr(found) == repr(value)  # tells 1 from True and a tuple from a list


def test_tensors_and_counters_survive_and_nothing_hangs_on_the_file() -> None:
    tensors: dict[str, torch.Tensor] = {}
    weight = torch.arange(3)
    document = split({"a": [weight, Counter({3: 2})]}, "x", tensors)
    found = join(json.loads(json.dumps(document)), tensors)
    assert torch.equal(found["a"][0], weight)
    assert found["a"][0].data_ptr() != tensors["x.a.0"].data_ptr()
    assert isinstance(found["a"][1], Counter)


def test_what_would_need_pickling_is_refused_by_its_path() -> None:
    with pytest.raises(UsageError, match=r"scheduler\.rule.*function"):
        split({"rule": lambda step: step}, "scheduler", {})


@pytest.mark.parametrize("document", [{"$tensor": "gone"}, {"$new": 1}, {"$float": "1.0"}, {"$items": 3}])
def test_a_document_with_unknown_words_is_malformed(document: dict[str, Any]) -> None:
    with pytest.raises(MalformedError):
        join(document, {})


def built() -> tuple[torch.nn.Module, torch.optim.Optimizer, Any]:
    model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.BatchNorm1d(8), torch.nn.Linear(8, 2))
    optimizer = torch.optim.AdamW(
        [{"params": model[0].parameters(), "lr": 0.1}, {"params": [*model[1].parameters(), *model[2].parameters()]}]
    )
    schedulers = [
        torch.optim.lr_scheduler.LinearLR(optimizer, total_iters=3),
        torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[2, 5]),
    ]
    return model, optimizer, torch.optim.lr_scheduler.SequentialLR(optimizer, schedulers, milestones=[3])


def trained(model: torch.nn.Module, optimizer: torch.optim.Optimizer, scheduler: Any, steps: int) -> list[float]:
    losses = []
    for _ in range(steps):
        loss = model(torch.randn(6, 4)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        losses.append(loss.item())
    return losses


def test_restored_objects_train_on_to_the_last_bit() -> None:
    objects = built()
    trained(*objects, steps=4)
    parts = capture(objects[0], {"optimizer": objects[1], "scheduler": objects[2]})
    parts.document = json.loads(json.dumps(parts.document, allow_nan=False))
    parts.model = {name: tensor.clone() for name, tensor in parts.model.items()}
    parts.optimizer = {name: tensor.clone() for name, tensor in parts.optimizer.items()}
    expected = trained(*objects, steps=5)
    others = built()
    assert restore(parts, others[0], {"optimizer": others[1], "scheduler": others[2]}) == []
    restore_generators(parts)
    assert trained(*others, steps=5) == expected


def test_a_model_of_another_shape_is_refused_with_the_reason() -> None:
    objects = built()
    parts = capture(objects[0], {})
    with pytest.raises(UsageError, match=r"The model isn't built.*size mismatch|The model isn't built"):
        restore(parts, torch.nn.Linear(3, 3), {})


def test_an_object_that_was_not_saved_is_refused_and_one_left_out_is_named() -> None:
    model, optimizer, scheduler = built()
    with pytest.raises(UsageError, match="holds no optimizer"):
        restore(capture(model, {}), model, {"optimizer": optimizer})
    assert restore(capture(model, {"scheduler": scheduler}), model, {}) == ["scheduler"]


def test_all_three_generators_go_on_where_they_were() -> None:
    seed_generators(5)
    random.gauss(0, 1)  # leaves a second value behind, which belongs to the state
    np.random.randn()  # noqa: NPY002 - the global generator is the subject
    parts = capture(torch.nn.Linear(1, 1), {})
    parts.rng = {name: tensor.clone() for name, tensor in parts.rng.items()}

    def drawn() -> list[float]:
        numpy_draws = [np.random.randn() for _ in range(3)]  # noqa: NPY002
        return [*(random.gauss(0, 1) for _ in range(3)), *numpy_draws, *torch.randn(3).tolist()]

    expected = drawn()
    seed_generators(6)
    restore_generators(parts)
    assert drawn() == expected
