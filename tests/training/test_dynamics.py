from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from modelcypher_nb.training import dynamics

losses = st.lists(st.floats(0.01, 100), min_size=16, max_size=64)


@given(losses, st.floats(0, 1000))
def test_the_robust_score_is_what_numpy_computes(window: list[float], value: float) -> None:
    middle = np.median(window)
    scale = max(1.4826 * np.median(np.abs(np.array(window) - middle)), 1e-3 * abs(middle), 1e-12)
    assert dynamics.robust_score(value, window) == pytest.approx((value - middle) / scale, rel=1e-9, abs=1e-9)


def test_a_few_losses_are_no_basis_for_a_spike() -> None:
    assert dynamics.robust_score(1e9, [1.0] * 15) == 0


def test_a_jump_is_a_spike_and_noise_is_none() -> None:
    noise = np.random.default_rng(0).normal(1.0, 0.1, 64).tolist()
    assert dynamics.is_spike(2.5, noise)
    assert not dynamics.is_spike(1.25, noise)
    assert not dynamics.is_spike(0.01, noise)


def test_rounding_on_a_flat_curve_is_no_spike() -> None:
    assert not dynamics.is_spike(0.5 + 1e-7, [0.5] * 64)


@pytest.mark.parametrize(("value", "word"), [(math.nan, "NaN"), (math.inf, "infinite")])
def test_the_verdict_on_a_broken_loss_names_step_last_loss_norm_and_rate(value: float, word: str) -> None:
    verdict = dynamics.loss_verdict(value, 42, [2.5, 2.31], 1.2e5, 0.1)
    assert verdict is not None
    kind, text = verdict
    assert kind == "nan"
    for part in (word, "step 42", "2.31", "1.2e+05", "learning rate 0.1"):
        assert part in text


def test_the_verdict_on_a_spike_names_the_median_before() -> None:
    verdict = dynamics.loss_verdict(9.0, 70, [1.0, 1.1] * 32, None, None)
    assert verdict is not None
    assert verdict[0] == "spike"
    assert "1.05" in verdict[1]
    assert "step 70" in verdict[1]


def test_there_is_no_verdict_on_a_sound_loss() -> None:
    assert dynamics.loss_verdict(1.0, 3, [1.0, 1.1] * 32, 1.0, 0.1) is None


def test_gradient_norms_are_those_of_each_tensor_alone() -> None:
    gradients = [torch.randn(3, 4), torch.randn(7), torch.randn(2, 2, 2).half()]
    expected = torch.stack([torch.sqrt((g.double() ** 2).sum()) for g in gradients])
    torch.testing.assert_close(dynamics.grad_norms(gradients).double(), expected, rtol=1e-3, atol=0)


def test_the_total_norm_is_the_one_that_clipping_compares() -> None:
    model = torch.nn.Linear(5, 3)
    model(torch.randn(4, 5)).square().sum().backward()
    found = dynamics.total_norm(p.grad for p in model.parameters())
    torch.testing.assert_close(found, torch.nn.utils.clip_grad_norm_(model.parameters(), 1e9))


def test_the_total_norm_counts_sparse_gradients_and_skips_missing_ones() -> None:
    table = torch.nn.Embedding(10, 4, sparse=True)
    table(torch.tensor([1, 1, 3])).sum().backward()
    dense = table.weight.grad.to_dense()  # type: ignore[union-attr]
    torch.testing.assert_close(dynamics.total_norm([None, table.weight.grad]), dense.norm())
    assert dynamics.total_norm([None]) is None


def test_accuracy_is_the_share_of_right_classes_also_over_time() -> None:
    outputs = torch.tensor([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4]])
    assert float(dynamics.accuracy(outputs, torch.tensor([1, 0, 0, 0]))) == 0.75
    over_time = torch.randn(2, 5, 3)
    targets = torch.randint(0, 5, (2, 3))
    right = sum(int(over_time[b, :, t].argmax() == targets[b, t]) for b in range(2) for t in range(3))
    assert float(dynamics.accuracy(over_time, targets)) == pytest.approx(right / 6)


@pytest.mark.parametrize(
    ("batch", "count"),
    [
        (torch.zeros(8, 3), 8),
        ((torch.zeros(5, 2), torch.zeros(5)), 5),
        ({"input_ids": torch.zeros(4, 9), "labels": torch.zeros(4)}, 4),
        ([{"x": np.zeros((6, 2))}, 1], 6),
        (["a", "b", "c"], 3),
        (torch.tensor(1.0), 1),
        (object(), 1),
    ],
)
def test_the_samples_of_a_batch_are_counted(batch: object, count: int) -> None:
    assert dynamics.samples_in(batch) == count


def test_the_time_left_follows_the_pace_and_is_unknown_without_one() -> None:
    assert dynamics.seconds_left(25, 100, 5.0) == 15.0
    assert dynamics.seconds_left(120, 100, 5.0) == 0.0
    assert dynamics.seconds_left(25, None, 5.0) is None
    assert dynamics.seconds_left(25, 100, None) is None
