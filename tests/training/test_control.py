from __future__ import annotations

import dataclasses
import sqlite3
import threading
from collections.abc import Callable
from typing import Any

import pytest

from modelcypher_nb.errors import JobStateError, UnknownIdError, UsageError
from modelcypher_nb.store.records import JobRecord
from modelcypher_nb.store.run_store import RunStore
from modelcypher_nb.training import live
from modelcypher_nb.training.control import allowed_moves, check_verb, control
from modelcypher_nb.training.ownership import this_process
from modelcypher_nb.training.run import Run

Make = Callable[..., Any]


def endless(store: RunStore, until: Make, name: str = "here", **options: Any) -> Run:
    def work(run: Run) -> None:
        for _ in run.steps([1] * 10**8):
            run.log(loss=1.0)

    run = Run(store, name, **options).start(work)
    until(lambda: run.step > 0)
    return run


def test_a_run_in_this_process_is_paused_by_an_event_and_the_row_follows(store: RunStore, until: Make) -> None:
    run = endless(store, until)
    job, command, outcome = control(store, "here", "pause", {}, "assistant:a")
    assert (job.state, outcome) == ("paused", "done")
    assert command is not None
    assert (command.verb, command.principal, command.result["ok"]) == ("pause", "assistant:a", True)  # type: ignore[index]
    assert store.catalog.job(run.id).state == "paused"
    assert control(store, run.id, "cancel", {}, "person").job.state == "cancelled"


def test_a_row_that_another_process_wrote_is_received_and_done(store: RunStore, until: Make) -> None:
    run = endless(store, until)
    sequence = store.catalog.request(run.id, "pause", {}, "person")
    row = until(lambda: (found := store.catalog.command(sequence)).done_at is not None and found)
    assert row.received_at is not None
    assert row.received_at <= row.done_at
    assert store.catalog.job(run.id).state == "paused"
    run.cancel()


def test_a_verb_that_is_given_twice_is_done_twice_to_the_same_effect(store: RunStore, until: Make) -> None:
    run = endless(store, until)
    assert [control(store, run.id, "pause", {}, "person").job.state for _ in range(2)] == ["paused", "paused"]
    assert [event.kind for event in store.series(run.id).events()] == ["pause"]
    run.cancel()


@pytest.mark.parametrize(
    ("state", "verb"),
    [
        ("queued", "pause"),
        ("completed", "cancel"),
        ("completed", "resume"),
        ("failed", "pause"),
        ("cancelled", "checkpoint"),
        ("interrupted", "set"),
    ],
)
def test_a_state_that_refuses_a_verb_says_what_it_allows(store: RunStore, state: Any, verb: str) -> None:
    store.catalog.add_job(JobRecord("a-1", "a", state, 1.0, checkpoint_count=1, owner=this_process()))
    with pytest.raises(JobStateError, match=f"is {state}") as caught:
        control(store, "a", verb, {}, "person")
    for move in allowed_moves(store.catalog.job("a")):
        assert f"mc job {move} a-1" in caught.value.remedy


@pytest.mark.parametrize("state", ["interrupted", "cancelled", "failed"])
def test_resume_of_a_notebooks_run_is_refused_with_the_very_line(store: RunStore, state: Any) -> None:
    store.catalog.add_job(JobRecord("a-1", "a", state, 1.0, checkpoint_count=1))
    with pytest.raises(JobStateError) as caught:
        control(store, "a", "resume", {}, "person")
    assert 'TrainingRun(resume="a-1", model=..., optimizer=...)' in caught.value.remedy


def test_a_stopped_run_without_a_checkpoint_has_no_move_left() -> None:
    record = JobRecord("a-1", "a", "cancelled", 1.0)
    assert allowed_moves(record) == ()
    assert allowed_moves(dataclasses.replace(record, checkpoint_count=1)) == ("resume",)


def test_an_unknown_run_and_an_unknown_verb_are_sentences(store: RunStore) -> None:
    with pytest.raises(UnknownIdError):
        control(store, "nobody", "pause", {}, "person")
    with pytest.raises(UsageError, match="no request"):
        check_verb(JobRecord("a-1", "a", "running", 1.0), "delete")


def test_an_owner_that_does_not_look_leaves_the_request_waiting(store: RunStore) -> None:
    store.catalog.add_job(JobRecord("a-1", "a", "running", 1.0, owner=this_process()))
    assert control(store, "a", "pause", {}, "person", wait=0).outcome == "requested"


def test_a_loop_that_is_busy_has_received_the_request(store: RunStore, until: Make) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def work(run: Run) -> None:
        for _ in run.steps([1, 2]):
            begun.set()
            go_on.wait(60)

    run = Run(store, "busy").start(work)
    begun.wait(60)
    assert control(store, "busy", "pause", {}, "person", wait=0.05).outcome == "received"
    go_on.set()
    until(lambda: run.state == "paused")
    run.cancel()


def test_a_rate_that_is_no_rate_is_refused_by_the_run_itself(store: RunStore, until: Make) -> None:
    run = endless(store, until)
    with pytest.raises(JobStateError, match="no number from 0 on"):
        control(store, run.id, "set", {"learning_rate": "much"}, "person")
    with pytest.raises(JobStateError, match="without optimizer="):
        control(store, run.id, "set", {"learning_rate": 0.1}, "person")
    run.cancel()


def test_a_request_that_comes_too_late_is_answered(store: RunStore, until: Make) -> None:
    run = endless(store, until)
    sequence = store.catalog.request(run.id, "cancel", {}, "person")
    late = store.catalog.request(run.id, "pause", {}, "person")
    until(lambda: store.catalog.command(late).done_at is not None)
    assert store.catalog.command(sequence).result == {"ok": True, "step": run.step, "state": "cancelled"}
    answer = store.catalog.command(late).result
    assert answer is not None
    assert not answer["ok"]
    assert "ended before" in answer["problem"]


def test_a_catalog_that_is_locked_holds_up_neither_pause_nor_stop(store: RunStore, until: Make) -> None:
    run = endless(store, until)
    path = store.catalog._connection.path
    other = sqlite3.connect(path, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        assert run.request("pause").done.wait(5)
        assert run.state == "paused"
        assert run.request("resume").done.wait(5)
    finally:
        other.execute("ROLLBACK")
        other.close()
    run.cancel()
    run.wait()
    until(lambda: live.find(run.id) is None)
    verbs = [(row.verb, row.done_at is not None) for row in store.catalog.commands(run.id, open_only=False)]
    assert verbs == [("pause", True), ("resume", True), ("cancel", True)]


def test_a_full_disk_holds_up_neither_pause_nor_stop_and_is_told_once(store: RunStore, until: Make) -> None:
    run = endless(store, until)
    with store.catalog._connection.writing() as connection:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")  # SQLite's own word for a disk that is full
    assert run.request("pause", {"note": "x" * 500_000}).done.wait(60)
    assert run.state == "paused"
    until(lambda: "storage" in [event.kind for event in store.series(run.id).events()])
    assert store.catalog.job(run.id).state == "running"
    with store.catalog._connection.writing() as connection:
        connection.execute("PRAGMA max_page_count = 1000000")
    until(lambda: store.catalog.job(run.id).state == "paused")
    run.cancel()
    run.wait()
    assert [event.kind for event in store.series(run.id).events()].count("storage") == 1


def test_the_row_follows_the_run_within_its_heartbeat(store: RunStore, until: Make) -> None:
    run = endless(store, until)
    first = store.catalog.job(run.id).owner
    assert first is not None
    until(lambda: store.catalog.job(run.id).step > 0)
    until(lambda: (owner := store.catalog.job(run.id).owner) is not None and owner.heartbeat > first.heartbeat)
    run.cancel()
