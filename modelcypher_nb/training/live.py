"""The runs that live in this process, found by id, and the one thread that controls them all."""

from __future__ import annotations

import atexit
import os
import threading
import time
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from .life import Life
    from .run import Run

__all__ = ["add", "find", "remove", "runs", "wake"]

TICK_SECONDS = 0.1
LEAVE_SECONDS = 3.0  # Jupyter kills a kernel that takes 5 s to shut down

_runs: dict[str, Run] = {}
_lock = threading.Lock()
_thread: threading.Thread | None = None
_bell = threading.Event()


def add(run: Life) -> None:
    """Let a run be found, tended and shown live from now on."""
    with _lock:
        _runs[run.id] = cast("Run", run)  # nobody makes a bare Life
        _have_thread()


def _have_thread() -> None:
    """Have the control thread running; after a fork the child starts its own."""
    global _thread  # noqa: PLW0603 - one a process
    if _thread is None or not _thread.is_alive():
        _thread = threading.Thread(target=_tend, name="modelcypher-control", daemon=True)
        _thread.start()


def remove(run: Run) -> None:
    """Forget a run that ended and whose rows are written."""
    with _lock:
        if _runs.get(run.id) is run:
            del _runs[run.id]


def find(job: str) -> Run | None:
    """The run of that id, if it lives in this process."""
    run = _runs.get(job)
    return run if run is not None and run.pid == os.getpid() else None


def runs() -> list[Run]:
    """Every run that lives in this process, the oldest first."""
    with _lock:
        return [run for run in _runs.values() if run.pid == os.getpid()]


def wake() -> None:
    """Have the control thread look now instead of at its next tick."""
    _bell.set()


def _tend() -> None:
    """The control thread: ten times a second, rows that arrived and rows that are due, for every run."""
    while True:
        _bell.wait(TICK_SECONDS)
        _bell.clear()
        for run in runs():
            run.desk.tend(run.attend)
            if run.desk.finished:
                remove(run)
        if _may_rest():
            return


def _may_rest() -> bool:
    """Whether the thread may end, having nothing to do; the next run starts another."""
    global _thread  # noqa: PLW0603 - one a process
    with _lock:
        if not _runs:
            _thread = None
        return not _runs


@atexit.register
def _leave() -> None:
    """The interpreter ends: background loops stop with a checkpoint, and whatever is left is interrupted."""
    for run in runs():
        run.leave()
    deadline = time.monotonic() + LEAVE_SECONDS
    for run in runs():
        run.over.wait(max(0.0, deadline - time.monotonic()))
        run.abandon()


def _after_fork() -> None:
    """A child has neither the threads nor the runs, and a lock may have been held by a thread that it lacks."""
    global _lock, _bell, _thread
    _lock, _bell, _thread = threading.Lock(), threading.Event(), None
    _runs.clear()


os.register_at_fork(after_in_child=_after_fork)
