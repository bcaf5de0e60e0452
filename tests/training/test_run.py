from __future__ import annotations

import math
import random
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from modelcypher_nb.errors import JobStateError, UsageError
from modelcypher_nb.store.run_store import RunStore
from modelcypher_nb.training import live
from modelcypher_nb.training.run import Run

Make = Callable[..., Any]


def train(run: Run, trainee: Any, losses: list[float], stop_after: int | None = None, epochs: int = 3) -> None:
    for batch in run.steps(trainee.loader, epochs=epochs):
        loss = trainee.step(batch)
        run.log({"train/loss": loss})
        losses.append(loss.item())
        if len(losses) == stop_after:
            run.cancel()


def events(store: RunStore, run: Run) -> list[str]:
    return [event.kind for event in store.series(run.id).events()]


def test_a_loop_that_ends_completes_the_run_with_a_checkpoint_and_all_its_series(
    store: RunStore, trainee: Make, until: Callable[..., Any]
) -> None:
    made = trainee()
    run = Run(store, "digits", config={"width": 32, "data": object}, **made.named())
    assert run.state == "queued"
    losses: list[float] = []
    train(run, made, losses)
    record = store.catalog.job(run.id)
    assert (record.state, record.step, record.total_steps, record.epoch) == ("completed", 24, 24, 3.0)
    assert record.loss == losses[-1]
    assert record.config["width"] == 32
    reader = store.series(run.id)
    assert reader.read("train/loss").values.tolist() == losses
    assert reader.read("train/learning_rate").count == 24
    assert reader.read("train/grad_norm").count == 24
    assert store.catalog.checkpoint(run.id, 24).is_best
    assert events(store, run) == ["checkpoint", "completed"]
    until(lambda: live.find(run.id) is None)


def test_the_logged_gradient_norm_is_the_one_at_the_optimizers_step(store: RunStore, trainee: Make) -> None:
    made = trainee()
    run = Run(store, **made.named())
    norms = []
    for batch in run.steps(made.loader):
        loss = torch.nn.functional.cross_entropy(made.model(batch[0]), batch[1])
        made.optimizer.zero_grad()
        loss.backward()
        norms.append(float(torch.nn.utils.clip_grad_norm_(made.model.parameters(), 1e9)))
        made.optimizer.step()
        made.optimizer.zero_grad(set_to_none=True)
        run.log(loss=loss)
    logged = store.series(run.id).read("train/grad_norm")
    assert logged.values.tolist() == pytest.approx(norms)
    assert logged.steps.tolist() == list(range(1, 9))


class Noisy(torch.utils.data.Dataset[Any]):
    """Digits with noise from all three generators."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def __len__(self) -> int:
        return len(self.inner)

    def __getitem__(self, index: int) -> Any:
        inputs, target = self.inner[index]
        noise = random.random() + float(np.random.rand()) + float(torch.rand(()))  # noqa: NPY002, S311
        return inputs + 0.01 * noise, target


@pytest.mark.parametrize("stop_after", [1, 5, 8, 16, 23])
def test_a_resumed_run_has_the_losses_of_an_uninterrupted_one_to_the_last_bit(
    store: RunStore, trainee: Make, digits: Any, stop_after: int
) -> None:
    made, whole = trainee(Noisy(digits)), []
    train(Run(store, "whole", seed=3, **made.named()), made, whole)
    made, parts = trainee(Noisy(digits)), []
    stopped = Run(store, "parts", seed=3, **made.named())
    train(stopped, made, parts, stop_after)
    assert (stopped.state, len(parts)) == ("cancelled", stop_after)
    made = trainee(Noisy(digits))
    torch.manual_seed(12345)
    resumed = Run(store, resume="parts", **made.named())
    train(resumed, made, parts)
    assert parts == whole
    assert (resumed.id, resumed.state, store.catalog.job(resumed.id).segments) == (stopped.id, "completed", 2)
    assert store.series(resumed.id).read("train/loss").values.tolist() == whole


@pytest.mark.slow
def test_resuming_is_exact_with_workers_too(store: RunStore, trainee: Make, digits: Any) -> None:
    def made() -> Any:
        return trainee(Noisy(digits), num_workers=2, persistent_workers=True)

    whole: list[float] = []
    first = made()
    train(Run(store, "whole", seed=3, **first.named()), first, whole)
    parts: list[float] = []
    second, third = made(), made()
    train(Run(store, "parts", seed=3, **second.named()), second, parts, 11)
    train(Run(store, resume="parts", **third.named()), third, parts)
    assert parts == whole


def test_the_order_follows_the_persons_own_seed_and_changes_without_one(store: RunStore, trainee: Make) -> None:
    def seen(seed: int) -> list[int]:
        made = trainee()
        torch.manual_seed(seed)
        return [int(batch[1][0]) for batch in Run(store, **made.named()).steps(made.loader)]

    assert seen(1) == seen(1)
    assert seen(1) != seen(2)


def test_several_loops_are_one_run_within_with(store: RunStore, trainee: Make) -> None:
    made = trainee()
    losses: list[float] = []
    with Run(store, **made.named()) as run:
        for epoch in range(3):
            train(run, made, losses, epochs=1)
            run.log(eval_loss=3.0 - epoch)
        assert run.state == "running"
    assert (run.state, run.step) == ("completed", 24)
    assert store.series(run.id).read("eval/loss").steps.tolist() == [8, 16, 24]


def test_several_loops_resume_where_the_stopped_one_was(store: RunStore, trainee: Make) -> None:
    def looped(run: Run, made: Any, losses: list[float], stop_after: int | None = None) -> None:
        with run:
            for _ in range(3):
                train(run, made, losses, stop_after, epochs=1)

    whole: list[float] = []
    made = trainee()
    looped(Run(store, "whole", seed=1, **made.named()), made, whole)
    parts: list[float] = []
    made = trainee()
    looped(Run(store, "parts", seed=1, **made.named()), made, parts, 13)
    assert len(parts) == 13
    made = trainee()
    looped(Run(store, resume="parts", **made.named()), made, parts)
    assert parts == whole


def test_a_second_loop_after_the_first_completed_is_refused_with_both_ways_out(store: RunStore, trainee: Make) -> None:
    made = trainee()
    run = Run(store, **made.named())
    train(run, made, [], epochs=1)
    with pytest.raises(JobStateError, match=r"epochs=3.*with run:"):
        run.steps(made.loader)


def test_break_after_the_optimizers_step_cancels_with_a_checkpoint_of_that_step(store: RunStore, trainee: Make) -> None:
    made = trainee()
    run = Run(store, **made.named())
    for batch in run.steps(made.loader):
        run.log(loss=made.step(batch))
        if run.step == 3:
            break
    assert (run.state, run.step) == ("cancelled", 3)
    assert store.catalog.checkpoint(run.id, 3).state == "complete"


def test_break_before_the_optimizers_step_keeps_the_step_before(store: RunStore, trainee: Make) -> None:
    made = trainee()
    run = Run(store, **made.named())
    for batch in run.steps(made.loader):
        if run.step == 3:
            break
        made.step(batch)
    assert [record.step for record in store.catalog.checkpoints(run.id)[0]] == [2]


def test_an_exception_in_the_body_fails_the_run_without_a_checkpoint_and_propagates(
    store: RunStore, trainee: Make
) -> None:
    made = trainee()
    run = Run(store, **made.named())

    def loop() -> None:
        for batch in run.steps(made.loader):
            made.step(batch)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        loop()
    record = store.catalog.job(run.id)
    assert record.state == "failed"
    assert record.error is not None
    assert "test_run.py, line" in record.error.message
    assert record.checkpoint_count == 0


def test_an_exception_within_with_is_kept_with_type_and_message(store: RunStore, trainee: Make) -> None:
    made = trainee()
    run = Run(store, **made.named())

    def dry() -> None:
        with run:
            for _ in run.steps(made.loader):
                raise ValueError("ran dry")

    with pytest.raises(ValueError, match="ran dry"):
        dry()
    error = store.catalog.job(run.id).error
    assert error is not None
    assert (error.type, error.message) == ("ValueError", "ran dry")


def test_an_exception_of_the_loader_fails_the_run_with_its_type(store: RunStore, trainee: Make) -> None:
    def broken() -> Any:
        yield torch.zeros(1)
        raise OSError("the share is gone")

    made = trainee()
    run = Run(store, **made.named())
    with pytest.raises(OSError, match="share is gone"):
        for _ in run.steps(broken()):
            pass
    error = store.catalog.job(run.id).error
    assert error is not None
    assert error.type == "OSError"


def test_a_background_run_hands_the_thread_back_and_completes(store: RunStore, trainee: Make) -> None:
    made = trainee()
    threads: list[int] = []

    def work(run: Run) -> None:
        threads.append(threading.get_ident())
        train(run, made, [])

    run = Run(store, **made.named()).start(work).wait()
    assert threads != [threading.get_ident()]
    assert store.catalog.job(run.id).state == "completed"


def test_an_exception_in_the_background_is_kept_and_raised_by_wait(store: RunStore, trainee: Make) -> None:
    def work(run: Run) -> None:
        for _ in run.steps(trainee().loader):
            raise RuntimeError("no memory")

    run = Run(store, **trainee().named()).start(work)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="no memory"):
            run.wait()
    error = store.catalog.job(run.id).error
    assert error is not None
    assert (run.state, error.type, error.message) == ("failed", "RuntimeError", "no memory")


def test_pause_holds_a_background_run_until_resume_and_the_rate_can_change_between(
    store: RunStore, trainee: Make, until: Make
) -> None:
    made = trainee()
    run = Run(store, model=made.model, optimizer=made.optimizer)
    run.start(lambda run: train(run, made, [], epochs=10**6))
    until(lambda: run.step > 5)
    run.pause()
    held = run.step
    assert run.state == "paused"
    before = [parameter.clone() for parameter in run.model.parameters()]
    run.set_learning_rate(0.125)
    run.checkpoint()
    assert all(torch.equal(a, b) for a, b in zip(before, run.model.parameters(), strict=True))
    assert run.step == held
    assert made.optimizer.param_groups[0]["lr"] == 0.125
    assert store.catalog.checkpoint(run.id, held).state == "complete"
    run.resume()
    until(lambda: run.step > held)
    run.cancel()
    run.wait()
    until(lambda: live.find(run.id) is None)
    kinds = events(store, run)
    assert [kind for kind in kinds if kind != "checkpoint"] == ["pause", "learning_rate", "resume", "cancelled"]
    assert store.catalog.job(run.id).state == "cancelled"


def test_ten_runs_at_once_obey_each_on_its_own(store: RunStore, trainee: Make, until: Make) -> None:
    makes = [trainee() for _ in range(10)]
    runs = [Run(store, f"run-{index}", **made.named()) for index, made in enumerate(makes)]

    def work(run: Run, made: Any) -> None:
        for batch in run.steps([(torch.zeros(2, 64), torch.zeros(2, dtype=torch.long))] * 10**6):
            torch.nn.functional.cross_entropy(made.model(batch[0]), batch[1])
            run.log(loss=1.0)

    for run, made in zip(runs, makes, strict=True):
        run.start(work, made)
    until(lambda: runs[3].step > 0)  # one that is paused before its first step has none
    runs[3].pause()
    until(lambda: all(run.step > 0 for run in runs))
    assert [run.state for run in runs].count("paused") == 1
    for run in runs:
        run.cancel()
    for run in runs:
        run.wait()
    assert {store.catalog.job(run.id).state for run in runs} == {"cancelled"}


def test_a_run_that_lives_a_completed_one_and_one_without_checkpoint_are_not_resumed(
    store: RunStore, trainee: Make
) -> None:
    made = trainee()
    alive = Run(store, "alive", **made.named())
    with pytest.raises(JobStateError, match="is queued"):
        Run(store, resume=alive.id, **made.named())
    alive.cancel()
    with pytest.raises(JobStateError, match="no whole checkpoint"):
        Run(store, resume=alive.id, **made.named())
    done = Run(store, "done", **made.named())
    train(done, made, [], epochs=1)
    with pytest.raises(JobStateError, match="is completed"):
        Run(store, resume=done.id, **made.named())


def test_a_checkpoint_that_fails_its_digest_is_passed_over_for_the_one_before(store: RunStore, trainee: Make) -> None:
    made = trainee()
    run = Run(store, checkpoint_every=4, **made.named())
    train(run, made, [], stop_after=8)
    with store.checkpoints_folder(run.id) as folder, folder / "step-00000008" as checkpoint:
        with checkpoint / "model.safetensors" as old:
            changed = bytearray(old.read_bytes(1 << 20))
        changed[-1] ^= 1
        with checkpoint.replace("model.safetensors") as file:
            file.write(changed)
    resumed = Run(store, resume=run.id, **made.named())
    assert resumed.step == 4
    assert store.catalog.checkpoint(run.id, 8).state == "corrupt"
    assert "note" in events(store, resumed)
    resumed.cancel()


def test_the_last_the_best_and_the_pinned_checkpoints_stay(store: RunStore, trainee: Make) -> None:
    made = trainee()
    run = Run(store, checkpoint_every=1, keep_last=2, **made.named())
    for _ in run.steps([torch.zeros(1)] * 8):
        run.log(loss=abs(run.step - 3) + 1.0)
        if run.step == 6:
            store.catalog.update_checkpoint(run.id, 5, pinned=True)
    steps = sorted(record.step for record in store.catalog.checkpoints(run.id)[0])
    assert steps == [3, 5, 7, 8]
    assert run.record.best_step == 3
    with store.checkpoints_folder(run.id) as folder:
        assert len(folder.list()) == 4


def test_an_evaluation_after_a_checkpoint_of_the_same_step_is_noted_with_it(store: RunStore, trainee: Make) -> None:
    made = trainee()
    with Run(store, checkpoint_every=8, **made.named()) as run:
        train(run, made, [], epochs=1)
        run.log(eval_loss=0.5)
        assert store.catalog.checkpoint(run.id, 8).eval_loss == 0.5


def test_a_loop_of_ones_own_counts_logs_as_steps_and_is_finished_by_hand(store: RunStore) -> None:
    run = Run(store, "own")
    for value in (3.0, 2.0, 1.0):
        run.log(loss=value)
    run.finish()
    assert (run.state, run.step) == ("completed", 3)
    assert store.series(run.id).read("train/loss").steps.tolist() == [1, 2, 3]


def test_stop_ends_a_loop_of_ones_own_at_its_next_log(store: RunStore) -> None:
    run = Run(store, "own")
    run.log(loss=1.0)
    run.request("cancel")
    run.log(loss=0.5)
    assert run.state == "cancelled"
    with pytest.raises(JobStateError, match="is cancelled"):
        run.log(loss=0.25)


def test_a_stop_before_the_first_step_ends_the_run(store: RunStore, trainee: Make) -> None:
    run = Run(store, **trainee().named())
    run.cancel()
    assert store.catalog.job(run.id).state == "cancelled"
    with pytest.raises(JobStateError):
        run.steps([1])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda run: run.steps([1], epochs=0), "epochs is 0"),
        (lambda run: run.log(3), "given a int"),
        (lambda run: run.log(loss=1, step=-1), "step is -1"),
        (lambda run: run.set_learning_rate(math.nan), "learning rate nan"),
        (lambda run: run.start(3), "given a int"),
        (lambda run: run.request("explode"), "no request"),
    ],
)
def test_a_senseless_argument_is_a_sentence(store: RunStore, call: Callable[[Run], Any], words: str) -> None:
    run = Run(store, "a")
    with pytest.raises(UsageError, match=words):
        call(run)
    run.cancel()


def test_a_run_without_a_model_says_so_when_asked_for_a_checkpoint(store: RunStore) -> None:
    run = Run(store, "bare")
    run.start(lambda run: [None for _ in run.steps([1] * 10**7)])
    with pytest.raises(UsageError, match="without model="):
        run.checkpoint()
    run.cancel()
    run.wait()


def test_a_name_that_is_no_id_and_a_model_that_does_not_fit_leave_nothing_behind(
    store: RunStore, trainee: Make
) -> None:
    with pytest.raises(UsageError):
        Run(store, "No Name!")
    assert store.catalog.jobs()[1] == 0
    made = trainee()
    run = Run(store, **made.named())
    train(run, made, [], stop_after=2)
    with pytest.raises(UsageError, match="isn't built as"):
        Run(store, resume=run.id, model=torch.nn.Linear(2, 2))
    assert store.catalog.job(run.id).state == "cancelled"


def test_a_snapshot_is_plain_json_at_every_moment(store: RunStore, trainee: Make) -> None:
    import json

    made = trainee()
    run = Run(store, config={"bad": math.inf}, **made.named())
    json.dumps(run.snapshot(), allow_nan=False)
    for batch in run.steps(made.loader):
        run.log(loss=math.nan if run.step == 4 else made.step(batch))
        data = run.snapshot(points=4)
        json.dumps(data, allow_nan=False)
        assert data["job"]["step"] == run.step
    loss = next(series for series in data["series"] if series["name"] == "train/loss")
    assert loss["count"] == 8
    assert len(loss["steps"]) <= 4
    assert data["job"]["inMainCell"]
    assert [event["kind"] for event in run.snapshot()["events"]] == ["nan", "checkpoint", "completed"]


def test_the_optimizer_is_left_as_it_was_given(store: RunStore, trainee: Make) -> None:
    made = trainee()
    run = Run(store, **made.named())
    assert made.optimizer._optimizer_step_pre_hooks
    train(run, made, [], epochs=1)
    assert not made.optimizer._optimizer_step_pre_hooks


def test_an_exception_in_a_notebook_cell_is_told_with_its_type(store: RunStore, trainee: Make) -> None:
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    made = trainee()
    run = Run(store, **made.named())
    try:
        shell.user_ns.update(run=run, made=made)
        shell.run_cell("for batch in run.steps(made.loader):\n    made.step(batch)\n    {}['label']")
    finally:
        InteractiveShell.clear_instance()
    error = store.catalog.job(run.id).error
    assert error is not None
    assert (error.type, error.message) == ("KeyError", "'label'")


def test_a_checkpoint_that_is_saved_again_keeps_its_pin(store: RunStore, trainee: Make) -> None:
    run = Run(store, checkpoint_every=3, keep_last=1, **trainee().named())
    for _ in run.steps([torch.zeros(1)] * 3):
        if run.step == 3:
            run.log(loss=1.0)
    before = store.catalog.update_checkpoint(run.id, 3, pinned=True)
    again = run.save()
    assert again.pinned
    assert again.created_at > before.created_at
    assert store.verify_checkpoint(again)


def test_a_kill_between_replacing_a_checkpoint_and_its_row_loses_neither(
    store: RunStore, trainee: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = trainee()
    run = Run(store, checkpoint_every=4, **made.named())
    train(run, made, [], stop_after=4)

    def killed(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(type(store.catalog), "add_checkpoint", killed)
        made.scheduler.last_epoch += 1  # so that the files differ from the ones before
        with pytest.raises(SystemExit):
            run.save()
    resumed = Run(store, resume=run.id, **trainee().named())
    assert resumed.step == 4
    assert store.catalog.checkpoint(run.id, 4).state == "complete"
    resumed.cancel()
