from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader

from modelcypher_nb.errors import UsageError
from modelcypher_nb.store.run_store import RunStore
from modelcypher_nb.training.fit import evaluate
from modelcypher_nb.training.run import Run

Make = Callable[..., Any]
cross_entropy = torch.nn.functional.cross_entropy


def test_fit_learns_digits_and_logs_loss_accuracy_and_evaluation(store: RunStore, trainee: Make, digits: Any) -> None:
    made = trainee()
    made.optimizer.param_groups[0]["lr"] = 1e-2
    run = Run(store, seed=0, model=made.model, optimizer=made.optimizer)
    held_out = DataLoader(digits, batch_size=100)
    run.fit(made.model, made.loader, cross_entropy, epochs=10, eval_loader=held_out, wait=True)
    reader = store.series(run.id)
    assert {"train/loss", "eval/loss", "train/accuracy", "train/samples_per_second"} <= set(reader.names())
    assert reader.read("eval/accuracy").values[-1] > 0.9
    evaluated = reader.read("eval/accuracy")
    assert evaluated.steps.tolist() == list(range(8, 81, 8))
    made.model.eval()
    inputs, targets = digits.tensors
    with torch.no_grad():
        outputs = made.model(inputs)
    assert evaluated.values[-1] == pytest.approx(float((outputs.argmax(1) == targets).float().mean()))
    assert reader.read("eval/loss").values[-1] == pytest.approx(float(cross_entropy(outputs, targets)), rel=1e-5)
    assert (run.state, run.record.total_steps) == ("completed", 80)


@pytest.mark.parametrize("stop_at", [5, 8, 11])
def test_a_stopped_fit_resumes_to_the_losses_of_an_uninterrupted_one(
    store: RunStore, trainee: Make, digits: Any, stop_at: int
) -> None:
    def stop_once(run: Run, stop: int) -> None:
        if run.step == stop:
            run.request("cancel")

    def fitted(stop: int | None, **which: Any) -> Run:
        made = trainee()
        scheduler = torch.optim.lr_scheduler.ExponentialLR(made.optimizer, 0.5)
        run = Run(store, model=made.model, optimizer=made.optimizer, scheduler=scheduler, **which)
        if stop is not None:
            made.model[0].register_forward_pre_hook(lambda *_: stop_once(run, stop))
        held_out = DataLoader(digits, batch_size=64, shuffle=True)
        return run.fit(made.model, made.loader, cross_entropy, epochs=3, eval_loader=held_out, wait=True)

    whole = fitted(None, name="whole", seed=2)
    assert fitted(stop_at, name="parts", seed=2).state == "cancelled"
    resumed = fitted(None, resume="parts")
    assert (resumed.state, resumed.step) == ("completed", 24)
    for name in ("train/loss", "train/learning_rate", "eval/loss"):
        one, other = (store.series(run.id).read(name) for run in (resumed, whole))
        assert one.steps.tolist() == other.steps.tolist()
        assert one.values.tolist() == other.values.tolist()


def test_a_regression_has_no_accuracy(store: RunStore) -> None:
    model = torch.nn.Linear(3, 1)
    run = Run(store, model=model, optimizer=torch.optim.SGD(model.parameters(), lr=0.01))
    run.fit(model, [(torch.ones(4, 3), torch.ones(4, 1))] * 3, torch.nn.functional.mse_loss, clip_norm=0.5, wait=True)
    reader = store.series(run.id)
    assert "train/accuracy" not in reader.names()
    assert max(reader.read("train/grad_norm").values) <= 0.5 + 1e-6


def test_evaluation_leaves_the_mode_and_the_generator_as_they_were(digits: Any) -> None:
    model = torch.nn.Sequential(torch.nn.Dropout(0.5), torch.nn.Linear(64, 10))
    torch.manual_seed(1)
    expected = torch.rand(2)
    torch.manual_seed(1)
    evaluate(model, DataLoader(digits, batch_size=50, shuffle=True), cross_entropy, None)
    assert torch.equal(torch.rand(2), expected)
    assert model.training


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"optimizer": False}, "needs an optimizer"),
        ({"other_model": True}, "another model than the run"),
        ({"schedule": "hour"}, "schedule is 'hour'"),
    ],
)
def test_a_fit_that_makes_no_sense_is_refused_before_it_starts(
    store: RunStore, trainee: Make, arguments: dict[str, Any], words: str
) -> None:
    made = trainee()
    optimizer = made.optimizer if arguments.get("optimizer", True) else None
    run = Run(store, model=made.model, optimizer=optimizer)
    model = torch.nn.Linear(1, 1) if "other_model" in arguments else made.model
    with pytest.raises(UsageError, match=words):
        run.fit(model, made.loader, cross_entropy, schedule=arguments.get("schedule", "epoch"))
    run.cancel()


def test_batches_that_are_no_pairs_fail_the_run_with_the_way_out(store: RunStore, trainee: Make) -> None:
    made = trainee()
    run = Run(store, model=made.model, optimizer=made.optimizer)
    with pytest.raises(UsageError, match="Write the loop yourself"):
        run.fit(made.model, [torch.zeros(2, 64)], cross_entropy, wait=True)
    assert run.state == "failed"
