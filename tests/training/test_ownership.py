from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import time

import pytest

from modelcypher_nb.store.records import JobOwner, JobRecord
from modelcypher_nb.store.run_store import RunStore
from modelcypher_nb.training.ownership import as_found, is_alive, recover, start_time, this_process


def a_dead_owner() -> JobOwner:
    child = subprocess.Popen([sys.executable, "-c", ""])
    owner = dataclasses.replace(this_process(), pid=child.pid, start_time=start_time(child.pid) or 0.0)
    child.wait()
    return owner


def test_this_process_is_alive_and_an_ended_one_is_not() -> None:
    assert is_alive(this_process())
    assert not is_alive(a_dead_owner())


def test_a_later_process_with_the_same_number_is_another_one() -> None:
    assert not is_alive(dataclasses.replace(this_process(), start_time=this_process().start_time - 1))


def test_a_process_of_an_earlier_boot_is_gone() -> None:
    assert not is_alive(dataclasses.replace(this_process(), boot_id="another"))


def test_a_killed_child_that_nobody_reaped_is_dead() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    owner = dataclasses.replace(this_process(), pid=child.pid, start_time=start_time(child.pid) or 0.0)
    assert is_alive(owner)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # dead, and still in the process table
    assert not is_alive(owner)
    child.communicate()


def test_another_host_is_believed_while_its_heart_beats() -> None:
    away = dataclasses.replace(this_process(), host="elsewhere", pid=1)
    assert is_alive(away)
    assert not is_alive(dataclasses.replace(away, heartbeat=time.time() - 3600))


def test_a_run_without_its_process_is_shown_as_interrupted_before_anyone_writes_it() -> None:
    record = JobRecord("a-1", "a", "running", 1.0, owner=a_dead_owner())
    assert as_found(record).state == "interrupted"
    assert as_found(dataclasses.replace(record, owner=this_process())).state == "running"
    assert as_found(dataclasses.replace(record, state="completed")).state == "completed"


@pytest.mark.parametrize("state", ["queued", "running", "paused"])
def test_recover_finds_a_lost_run_and_shows_it_to_its_last_logged_step(store: RunStore, state: str) -> None:
    store.catalog.add_job(JobRecord("lost-1", "lost", state, 1.0, step=3, owner=a_dead_owner()))  # type: ignore[arg-type]
    store.catalog.add_job(JobRecord("mine-1", "mine", "running", 1.0, owner=this_process()))
    writer = store.series_writer("lost-1", 1)
    writer.append(8, {"train/loss": 0.75}, 1000.0)
    writer.append(9, {"train/loss": 0.5, "train/learning_rate": 0.1}, 1001.0)
    writer.close()
    (found,) = recover(store)
    assert (found.id, found.state, found.step, found.loss, found.learning_rate) == (
        "lost-1",
        "interrupted",
        9,
        0.5,
        0.1,
    )
    assert found.ended_at == 1001.0
    assert store.catalog.job("mine-1").state == "running"
    assert recover(store) == []
