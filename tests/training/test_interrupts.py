from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from typing import Any

import pytest

from modelcypher_nb.store.run_store import RunStore
from modelcypher_nb.training.commands import Mailbox
from modelcypher_nb.training.interrupts import Interrupts

Play = Callable[[str], dict[str, Any]]

BEFORE = """
    import json, os, signal, sys, time
    import torch
    from modelcypher_nb.guard.paths import home_guard
    from modelcypher_nb.store.catalog import Catalog
    from modelcypher_nb.store.run_store import RunStore
    from modelcypher_nb.training.run import Run

    guard = home_guard(sys.argv[1])
    home = guard.open(guard.start)
    store = RunStore(home, Catalog.open(home), guard)
    model = torch.nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    run = Run(store, "played", model=model, optimizer=optimizer)
    batches = [torch.ones(2, 4)] * 50

    def press():
        os.kill(os.getpid(), signal.SIGINT)

    def learn(batch):
        loss = model(batch).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        run.log(loss=loss)
"""


@pytest.fixture
def play(store: RunStore) -> Play:
    """Runs a script in a process of its own, and gives its run's row and how it ended."""

    def played(body: str) -> dict[str, Any]:
        script = textwrap.dedent(BEFORE) + textwrap.dedent(body)
        done = subprocess.run(
            [sys.executable, "-c", script, store.home.location],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        record = store.catalog.job("played")
        return {
            "state": record.state,
            "step": record.step,
            "error": record.error,
            "checkpoints": [row.step for row in store.catalog.checkpoints(record.id)[0]],
            "events": [event.kind for event in store.series(record.id).events()],
            "code": done.returncode,
            "out": done.stdout,
            "err": done.stderr,
        }

    return played


@pytest.mark.slow
def test_the_first_interrupt_ends_the_loop_at_the_boundary_with_a_checkpoint_and_the_script_goes_on(play: Play) -> None:
    found = play(
        """
        before = signal.getsignal(signal.SIGINT)
        for batch in run.steps(batches):
            if run.step == 7:
                press()
            learn(batch)
        print("after the loop", signal.getsignal(signal.SIGINT) is before)
        """
    )
    assert (found["state"], found["step"], found["checkpoints"]) == ("cancelled", 7, [7])
    assert (found["code"], found["out"]) == (0, "after the loop True\n")


@pytest.mark.slow
def test_the_second_interrupt_stops_within_the_step_and_no_checkpoint_of_it_is_made(play: Play) -> None:
    found = play(
        """
        for batch in run.steps(batches):
            learn(batch)
            if run.step == 7:
                press()
                press()
        """
    )
    assert (found["state"], found["checkpoints"], found["error"]) == ("cancelled", [], None)
    assert found["code"] == -signal.SIGINT
    assert "KeyboardInterrupt" in found["err"]


@pytest.mark.slow
def test_an_interrupt_reaches_a_loop_that_pause_holds(play: Play) -> None:
    found = play(
        """
        for batch in run.steps(batches):
            learn(batch)
            if run.step == 7:
                run.request("pause")
                import threading
                def later():
                    while run.state != "paused":
                        time.sleep(0.01)
                    press()
                threading.Thread(target=later).start()
        """
    )
    assert (found["state"], found["checkpoints"]) == ("cancelled", [7])
    assert found["events"] == ["pause", "checkpoint", "cancelled"]


@pytest.mark.slow
def test_an_interrupt_while_waiting_for_a_background_run_stops_that_run(play: Play) -> None:
    found = play(
        """
        def work(run):
            for batch in run.steps(batches * 10**6):
                learn(batch)
                if run.step == 7:
                    press()
        run.start(work).wait()
        print(run.state)
        """
    )
    assert (found["state"], found["out"], found["code"]) == ("cancelled", "cancelled\n", 0)
    assert found["checkpoints"] == [found["step"]]


@pytest.mark.slow
def test_a_process_that_ends_stops_its_background_run_with_a_checkpoint_as_interrupted(play: Play) -> None:
    found = play(
        """
        def work(run):
            for batch in run.steps(batches * 10**6):
                learn(batch)
        run.start(work)
        while run.step < 7:
            time.sleep(0.01)
        """
    )
    assert (found["state"], found["code"], found["err"]) == ("interrupted", 0, "")
    assert found["checkpoints"] == [found["step"]]


@pytest.mark.slow
def test_a_script_that_dies_of_an_exception_tells_its_type_and_message(play: Play) -> None:
    found = play(
        """
        for batch in run.steps(batches):
            learn(batch)
            if run.step == 3:
                torch.zeros(2) @ torch.zeros(3)
        """
    )
    assert (found["state"], found["error"].type, found["code"]) == ("failed", "RuntimeError", 1)
    assert "inconsistent tensor size" in found["error"].message
    assert found["checkpoints"] == []


def test_the_handler_before_is_back_after_restore_and_another_takers_is_left_alone() -> None:
    before = signal.getsignal(signal.SIGINT)
    mailbox = Mailbox()
    interrupts = Interrupts(mailbox)
    interrupts.install()
    os.kill(os.getpid(), signal.SIGINT)
    assert mailbox.interrupted
    interrupts.restore()
    assert signal.getsignal(signal.SIGINT) is before
    interrupts.install()
    taken = signal.signal(signal.SIGINT, signal.SIG_IGN)
    interrupts.restore()
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    assert taken == interrupts._handle
    signal.signal(signal.SIGINT, before)
