from __future__ import annotations

import os
import random
import signal
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelcypher_nb.errors import ConflictError, JobStateError, NotAllowedError, PathRefusedError
from modelcypher_nb.store.records import JobRecord
from modelcypher_nb.store.run_store import RunStore
from modelcypher_nb.training.child import launch_script
from modelcypher_nb.training.control import allowed_moves, control
from modelcypher_nb.training.ownership import as_found, is_alive, recover

pytestmark = pytest.mark.slow
Until = Callable[..., Any]

# What a person writes, but for the surfaces' `TrainingRun`, which is a floor above.
SCRIPT = """
    import sys
    import torch
    from modelcypher_nb.guard.paths import home_guard
    from modelcypher_nb.store.catalog import Catalog
    from modelcypher_nb.store.run_store import RunStore
    from modelcypher_nb.training.run import Run
    import os

    guard = home_guard(os.environ["MODELCYPHER_NB_HOME"])
    home = guard.open(guard.start)
    store = RunStore(home, Catalog.open(home), guard)
    torch.manual_seed(0)
    inputs = torch.randn(64, 8)
    data = torch.utils.data.TensorDataset(inputs, (inputs.sum(1) > 0).long())
    loader = torch.utils.data.DataLoader(data, batch_size=8, shuffle=True)
    model = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.Dropout(0.2), torch.nn.Linear(8, 2))
    optimizer = torch.optim.Adam(model.parameters())
    run = Run(store, "child", model=model, optimizer=optimizer, seed=1, checkpoint_every=5)
    print("training with", sys.argv[1:])
    for batch in run.steps(loader, epochs=int(sys.argv[1])):
        loss = torch.nn.functional.cross_entropy(model(batch[0]), batch[1])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        run.log(loss=loss)
"""


@pytest.fixture
def script(store: RunStore) -> str:
    path = Path(store.guard.start) / "train_it.py"
    path.write_text(textwrap.dedent(SCRIPT))
    return str(path)


def step_of(store: RunStore, job: str) -> int:
    """The last step on disk, which the row follows within a second."""
    reader = store.series(job)
    points = reader.read("train/loss").steps if "train/loss" in reader.names() else ()
    return int(points[-1]) if len(points) else 0


def killed(store: RunStore, record: JobRecord, until: Until) -> JobRecord:
    owner = store.catalog.job(record.id).owner
    assert owner is not None
    os.kill(owner.pid, signal.SIGKILL)
    until(lambda: not is_alive(owner))
    return store.catalog.job(record.id)


def test_a_script_runs_in_its_own_process_and_its_run_is_the_job(store: RunStore, script: str, until: Until) -> None:
    record = launch_script(store, script, ("2",), None)
    assert (record.name, record.recipe["arguments"]) == ("train_it", ["2"])
    ended = until(lambda: (found := as_found(store.catalog.job(record.id))).state == "completed" and found)
    assert (ended.step, ended.segments, ended.total_steps) == (16, 1, 16)
    assert ended.owner is not None
    assert ended.owner.pid != os.getpid()
    assert store.log_tail(record.id)[0] == "training with ['2']\n"
    assert store.catalog.jobs()[1] == 1


def test_it_is_controlled_from_here_by_rows_that_are_acknowledged(store: RunStore, script: str, until: Until) -> None:
    record = launch_script(store, script, ("1000000",), "far")
    until(lambda: step_of(store, record.id) > 5)
    job, command, outcome = control(store, "far", "pause", {}, "assistant:test", wait=30)
    assert (job.state, outcome) == ("paused", "done")
    assert command is not None
    assert command.received_at is not None
    assert command.result == {"ok": True, "step": job.step, "state": "paused"}
    held = step_of(store, record.id)
    assert control(store, "far", "set", {"learning_rate": 0.5}, "person", wait=30).outcome == "done"
    saved = control(store, "far", "checkpoint", {}, "person", wait=30).command
    assert saved is not None
    assert saved.result is not None
    assert saved.result["checkpoint"] == held == step_of(store, record.id)
    assert control(store, "far", "resume", {}, "person", wait=30).job.state == "running"
    until(lambda: step_of(store, record.id) > held)
    assert control(store, "far", "cancel", {}, "person", wait=30).job.state == "cancelled"
    texts = [event.text for event in store.series(record.id).events() if event.kind == "pause"]
    assert texts[0].startswith("Paused by assistant:test")


def test_kill_minus_9_is_found_to_the_last_step_and_resumed_by_recipe_to_the_same_losses(
    store: RunStore, script: str, until: Until
) -> None:
    whole = launch_script(store, script, ("8",), "whole")
    record = launch_script(store, script, ("1000000",), "parts")
    until(lambda: step_of(store, record.id) >= 7 and store.catalog.checkpoints(record.id)[1])
    killed(store, record, until)
    last = step_of(store, record.id)
    assert as_found(store.catalog.job(record.id)).state == "interrupted"
    (found,) = recover(store)
    assert (found.id, found.state, found.step) == (record.id, "interrupted", last)
    assert allowed_moves(found) == ("resume",)
    with pytest.raises(NotAllowedError, match="only a person"):
        control(store, record.id, "resume", {}, "assistant:test")
    control(store, record.id, "resume", {}, "person")
    until(lambda: step_of(store, record.id) > max(last, 64))
    control(store, record.id, "cancel", {}, "person", wait=30)
    until(lambda: store.catalog.job(whole.id).state == "completed")
    assert store.catalog.job(record.id).segments == 2
    for name in ("train/loss", "train/grad_norm"):
        one, other = (store.series(job).read(name) for job in (record.id, whole.id))
        assert one.steps.tolist()[:64] == other.steps.tolist() == list(range(1, 65))
        assert one.values.tolist()[:64] == other.values.tolist()


def test_a_script_that_raises_is_a_failed_job_with_its_error_and_traceback_in_the_log(
    store: RunStore, until: Until
) -> None:
    path = Path(store.guard.start) / "broken.py"
    path.write_text("import sys\nraise ValueError('no such column')\n")
    record = launch_script(store, "broken.py", (), None)
    ended = until(lambda: (found := store.catalog.job(record.id)).state == "failed" and found)
    assert (ended.error.type, ended.error.message) == ("ValueError", "no such column")
    until(lambda: "ValueError: no such column" in store.log_tail(record.id)[0])


def test_an_exception_in_a_scripts_loop_is_told_with_its_type(store: RunStore, script: str, until: Until) -> None:
    path = Path(script)
    path.write_text(path.read_text() + "    if run.step == 3:\n        raise KeyError('label')\n")
    record = launch_script(store, script, ("2",), None)
    ended = until(
        lambda: (found := store.catalog.job(record.id)).error is not None and found.error.type != "Exception" and found
    )
    assert (ended.state, ended.error.type) == ("failed", "KeyError")


def test_a_function_of_an_installed_module_gets_the_arguments_as_texts(store: RunStore, until: Until) -> None:
    record = launch_script(store, "textwrap:dedent", ("  x",), None)
    assert record.name == "dedent"
    assert until(lambda: (found := store.catalog.job(record.id)).state == "completed" and found)


def test_a_folder_beside_the_script_replaces_no_installed_package(store: RunStore, until: Until) -> None:
    working = Path(store.guard.start)
    (working / "json.py").write_text("raise SystemExit('shadowed')")
    (working / "sibling.py").write_text("VALUE = 3")
    (working / "script.py").write_text("import json, click, sibling\nprint(json.dumps(sibling.VALUE))\n")
    (working / "click.py").write_text("raise SystemExit('shadowed')")
    record = launch_script(store, "script.py", (), None)
    until(lambda: store.catalog.job(record.id).state == "completed")
    assert store.log_tail(record.id)[0] == "3\n"


def test_a_script_outside_the_allowed_folders_is_refused_and_makes_no_job(store: RunStore, tmp_path: Path) -> None:
    outside = tmp_path / "outside.py"
    outside.write_text("")
    with pytest.raises(PathRefusedError):
        launch_script(store, str(outside), (), None)
    assert store.catalog.jobs()[1] == 0


def test_a_name_that_two_live_runs_bear_is_refused_with_their_ids(store: RunStore, script: str, until: Until) -> None:
    records = [launch_script(store, script, ("1000000",), "twin") for _ in range(2)]
    with pytest.raises(ConflictError) as caught:
        control(store, "twin", "pause", {}, "person")
    assert all(record.id in caught.value.remedy for record in records)
    for record in records:
        until(lambda job=record.id: step_of(store, job) > 0)
        control(store, record.id, "cancel", {}, "person", wait=30)


def test_a_request_to_a_run_whose_process_is_gone_recovers_it_and_is_refused(
    store: RunStore, script: str, until: Until
) -> None:
    record = launch_script(store, script, ("1000000",), None)
    until(lambda: step_of(store, record.id) > 0)
    killed(store, record, until)
    with pytest.raises(JobStateError, match="is interrupted"):
        control(store, record.id, "pause", {}, "person")
    assert store.catalog.job(record.id).state == "interrupted"


def test_ten_kills_at_random_moments_lose_no_logged_step_and_no_checkpoint(
    store: RunStore, script: str, until: Until
) -> None:
    path = Path(script)
    told = "    print(run.step, flush=True)\n"
    path.write_text(path.read_text().replace("checkpoint_every=5", "checkpoint_every=1") + told)
    record = launch_script(store, script, ("1000000",), None)
    last = 0
    for kill in range(10):
        reached = max(last, 1)  # the first step's checkpoint is whole once the second is logged
        until(lambda before=reached: step_of(store, record.id) > before)
        time.sleep(random.uniform(0, 0.05))  # noqa: S311 - the random moment
        killed(store, record, until)
        (found,) = recover(store)
        # What the log tells was logged before; its last line may be torn, and others write to it too.
        told_steps = [int(line) for line in store.log_tail(record.id)[0].split("\n")[:-1] if line.isdecimal()]
        assert found.step >= max(told_steps, default=0)
        newest = max(store.catalog.checkpoints(record.id)[0], key=lambda checkpoint: checkpoint.step)
        assert found.step - 1 <= newest.step <= found.step
        assert store.verify_checkpoint(newest)
        last = found.step
        control(store, record.id, "resume", {}, "person")
        assert store.catalog.job(record.id).state in {"queued", "running"}, kill
    until(lambda: step_of(store, record.id) > last)
    assert control(store, record.id, "cancel", {}, "person", wait=30).job.segments == 11
    points = store.series(record.id).read("train/loss")
    assert points.steps.tolist() == list(range(1, len(points.steps) + 1))
