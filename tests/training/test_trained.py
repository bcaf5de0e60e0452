from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from modelcypher_nb.errors import ConflictError
from modelcypher_nb.store.run_store import RunStore
from modelcypher_nb.training.run import Run

Make = Callable[..., Any]


@pytest.fixture
def background(store: RunStore, trainee: Make, until: Make) -> Any:
    """A run that trains in the background until the test ends, with its objects."""
    made = trainee()

    def work(run: Run) -> None:
        for batch in run.steps(made.loader, epochs=10**6):
            run.log(loss=made.model(batch[0]).mean())

    run = Run(store, "digits", model=made.model, optimizer=made.optimizer).start(work)
    until(lambda: run.step > 1)
    yield run, made
    run.cancel()
    run.wait()


@pytest.mark.parametrize("shared", ["model", "optimizer", "parameters"])
def test_a_second_run_over_what_trains_in_the_background_is_refused_and_leaves_nothing(
    store: RunStore, background: Any, shared: str
) -> None:
    run, made = background
    hooks = len(made.optimizer._optimizer_step_pre_hooks)
    named = {
        "model": {"model": made.model},
        "optimizer": {"optimizer": made.optimizer},
        "parameters": {"optimizer": torch.optim.SGD(made.model[0].parameters(), lr=0.1)},
    }[shared]
    with pytest.raises(ConflictError, match=rf"'{run.id}' is running.*run\.cancel\(\), or mc job cancel {run.id}"):
        Run(store, "other", **named)
    assert store.catalog.jobs()[1] == 1
    assert len(made.optimizer._optimizer_step_pre_hooks) == hooks


def test_a_cell_that_is_run_again_is_told_so_also_while_its_run_is_paused(store: RunStore, background: Any) -> None:
    run, made = background
    run.pause()
    with pytest.raises(ConflictError, match=r"This cell was run before: its run .* is paused"):
        Run(store, "digits", model=made.model, optimizer=made.optimizer)


def test_of_two_runs_made_before_either_started_the_second_start_is_refused(
    store: RunStore, trainee: Make, until: Make
) -> None:
    made = trainee()
    first, second = (Run(store, name, **made.named()) for name in ("first", "second"))
    first.start(lambda run: [run.log(loss=1.0) for _ in run.steps(range(10**9))])
    try:
        with pytest.raises(ConflictError, match=f"'{first.id}'"):
            second.start(print)
        with pytest.raises(ConflictError, match=f"'{first.id}'"):
            second.steps(made.loader)
        assert second.state == "queued"
    finally:
        first.cancel()
        first.wait()
    for batch in second.steps(made.loader):
        made.step(batch)
    assert second.state == "completed"


def test_resuming_into_what_trains_in_the_background_changes_no_weight(
    store: RunStore, trainee: Make, until: Make
) -> None:
    made = trainee()
    stopped = Run(store, "stopped", model=made.model)
    for _ in stopped.steps([1, 2, 3]):
        if stopped.step == 2:
            stopped.cancel()
    alive = Run(store, "alive", model=made.model).start(lambda run: [None for _ in run.steps(range(10**9))])
    try:
        until(lambda: alive.step > 1)
        with torch.no_grad():
            made.model[0].weight.fill_(5.0)
        with pytest.raises(ConflictError):
            Run(store, resume=stopped.id, model=made.model)
        assert bool((made.model[0].weight == 5.0).all())
        assert store.catalog.job(stopped.id).state == "cancelled"
    finally:
        alive.cancel()
        alive.wait()


def test_other_objects_a_frozen_part_and_a_loop_of_the_same_thread_may_train_meanwhile(
    store: RunStore, trainee: Make, background: Any
) -> None:
    run, made = background
    other = trainee()
    assert [None for _ in Run(store, "digits", **other.named()).steps([1])] == [None]
    body = torch.nn.Linear(2, 2).requires_grad_(requires_grad=False)
    heads = [torch.nn.Sequential(body, torch.nn.Linear(2, 1)) for _ in range(2)]
    outer = Run(store, "outer", model=heads[0])
    for _ in outer.steps([1, 2]):
        for _ in Run(store, "inner", model=heads[1]).steps([1]):
            pass
        for _ in Run(store, "inner", model=heads[0]).steps([1]):
            pass
    assert outer.state == "completed"
    assert run.state == "running"
    assert made.model is run.model
