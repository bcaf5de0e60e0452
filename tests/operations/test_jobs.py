"""The verbs of jobs, checkpoints and storage on a real run, finished and live."""

from __future__ import annotations

import math
import subprocess
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

import modelcypher_nb as mc
from modelcypher_nb.errors import ConflictError, JobStateError, NotAllowedError, UnknownIdError, UsageError
from modelcypher_nb.operations.operation import find, run
from modelcypher_nb.operations.session import Session
from modelcypher_nb.training.run import Run

Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def finished(session: Session) -> Run:
    """A run of twenty steps on a small network, the fifth of which logged a NaN."""
    torch.manual_seed(0)
    network = torch.nn.Linear(4, 2)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01)
    made = Run(session.store, "done", model=network, optimizer=optimizer, seed=0)
    for batch in made.steps([torch.ones(2, 4)] * 20):
        loss = network(batch).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        made.log(loss=math.nan if made.step == 5 else loss)
    return made


@pytest.fixture
def live(session: Session) -> Iterator[Callable[[], Run]]:
    """Makes runs that go on until they are stopped, each at its second step or beyond."""
    made: list[Run] = []

    def start() -> Run:
        network = torch.nn.Linear(4, 2)
        one = Run(session.store, "live", model=network)
        begun = threading.Event()

        def work(inner: Run) -> None:
            for batch in inner.steps([torch.ones(2, 4)] * 4, epochs=10_000_000):
                inner.log(loss=network(batch).sum())
                if inner.step >= 2:
                    begun.set()

        one.start(work)
        made.append(one)
        assert begun.wait(30)
        return one

    yield start
    for one in made:
        if one.state in {"running", "paused"}:
            one.cancel()
        one.wait(30)


def test_a_finished_run_is_shown_with_its_checkpoints_and_no_moves(finished: Run) -> None:
    facts = mc.job_show("done")
    assert (facts.job.id, facts.job.state, facts.job.step, facts.moves) == (finished.id, "completed", 20, ())
    assert [record.step for record in facts.checkpoints] == [20]
    assert mc.job_show(finished.id) == facts


def test_metrics_are_numbers_and_nan_is_no_number(finished: Run) -> None:
    (loss,) = mc.job_metrics("done", names=["train/loss"]).series
    assert (loss.count, len(loss.values), loss.values.count(None)) == (20, 20, 1)
    assert loss.low == min(value for value in loss.values if value is not None)
    assert mc.job_metrics("done", names=["absent"]).series == ()
    thin = mc.job_metrics("done", names=["train/loss"], points=8).series[0]
    assert thin.count == 20
    assert len(thin.values) <= 8


def test_checkpoints_are_listed_shown_and_verified(finished: Run, session: Session) -> None:
    assert mc.checkpoint_list("done").total == 1
    shown = mc.checkpoint_show("done", 20)
    assert shown.checkpoint.state == "complete"
    assert mc.checkpoint_verify("done", 20).intact
    weights = next(name for name in shown.checkpoint.files if name.startswith("model"))
    with open(f"{shown.path}/{weights}", "r+b") as file:  # noqa: PTH123
        file.seek(-1, 2)
        file.write(b"\x55")
    damaged = mc.checkpoint_verify("done", 20)
    assert (damaged.intact, damaged.checkpoint.state, damaged.exit_code) == (False, "corrupt", 2)


def test_unknown_jobs_and_steps_are_errors(finished: Run) -> None:
    for call in (
        lambda: mc.job_show("absent"),
        lambda: mc.job_metrics("absent"),
        lambda: mc.job_logs("absent"),
        lambda: mc.job_pause("absent"),
        lambda: mc.checkpoint_list("absent"),
        lambda: mc.checkpoint_show("done", 7),
    ):
        with pytest.raises(UnknownIdError) as caught:
            call()
        assert caught.value.remedy


def test_a_finished_run_refuses_to_move(finished: Run) -> None:
    for verb in (mc.job_pause, mc.job_resume, mc.job_cancel, mc.job_checkpoint):
        with pytest.raises(JobStateError, match="completed"):
            verb("done")
    with pytest.raises(UsageError, match="learning_rate"):
        mc.job_set("done", -1)


def test_a_live_run_obeys_each_verb(live: Callable[[], Run]) -> None:
    one = live()
    assert mc.job_pause("live").job.state == "paused"
    assert one.state == "paused"
    assert mc.job_resume(one.id).job.state == "running"
    assert mc.job_checkpoint("live").outcome == "done"
    assert mc.checkpoint_list(one.id).total >= 1
    assert mc.job_cancel("live").job.state == "cancelled"
    assert [row.id for row in mc.job_list(active_only=True).items] == []


def test_a_name_that_two_live_runs_bear_is_refused_with_their_ids(live: Callable[[], Run]) -> None:
    first, second = live(), live()
    with pytest.raises(ConflictError) as caught:
        mc.job_pause("live")
    assert first.id in str(caught.value)
    assert second.id in str(caught.value)
    assert mc.job_pause(first.id).job.state == "paused"
    assert second.state == "running"


@pytest.mark.slow
def test_a_shell_pauses_and_stops_a_run_of_another_process(live: Callable[[], Run], mc_shell: Command) -> None:
    one = live()
    paused = mc_shell("job", "pause", "live", "--json")
    assert (paused.returncode, one.state) == (0, "paused")
    assert mc_shell("job", "resume", one.id).returncode == 0
    assert mc_shell("job", "cancel", one.id).returncode == 0
    one.wait(30)
    assert one.state == "cancelled"
    assert mc_shell("job", "pause", one.id).returncode == 65


@pytest.fixture
def mc_shell(mc: Command) -> Command:
    """The command of tests/conftest.py, whose name this module's import takes."""
    return mc


def test_an_assistant_resumes_only_what_is_paused_and_alive(
    session: Session, live: Callable[[], Run], finished: Run
) -> None:
    one = live()
    assistant = session.assistant("helper")
    one.pause()
    assert run(find("job_resume"), assistant, {"job_id": one.id}).job.state == "running"
    mc.job_cancel(one.id)
    with pytest.raises((NotAllowedError, JobStateError)):
        run(find("job_resume"), assistant, {"job_id": one.id})


def test_storage_says_what_everything_takes(finished: Run, small_model: Any) -> None:
    mc.model_register(small_model, "kept")
    facts = mc.storage_usage()
    rows = {row.category: row for row in facts.rows}
    assert {"model", "checkpoint", "run", "catalog"} <= set(rows)
    assert facts.total_bytes == sum(row.bytes for row in facts.rows)
    assert facts.total == len(facts.rows)
    assert facts.disk_free_bytes <= facts.disk_total_bytes
