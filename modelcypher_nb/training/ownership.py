"""Which process a run lives in, whether that process still is there, and what becomes of a run that lost it."""

from __future__ import annotations

import functools
import math
import os
import platform
import socket
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from ..errors import JobStateError
from ..store.moves import LIVE_STATES
from ..store.records import JobOwner, JobRecord
from .keeping import found_after_kill
from .recorder import FIELDS

if TYPE_CHECKING:
    from ..store.run_store import RunStore

__all__ = ["as_found", "is_alive", "recover", "this_process"]

PAGE = 500
LINUX = platform.system() == "Linux"  # mypy takes sys.platform for a constant

# An owner on another host can't be looked at; one that hasn't written for this long is taken for dead.
SILENCE_SECONDS = 60.0


def _kernel_text(path: str) -> str:
    """A small file that the kernel makes up; it names no place on a disk, so the guard has no part in it."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, 4096).decode("utf-8", "replace")
    finally:
        os.close(descriptor)


@functools.cache
def boot_id() -> str:
    """What tells this boot of the machine from every other one."""
    if LINUX:
        return _kernel_text("/proc/sys/kernel/random/boot_id").strip()
    import psutil

    return f"booted-at-{psutil.boot_time():.0f}"


def host_name() -> str:
    """The name of this host."""
    return socket.gethostname()


def start_time(pid: int) -> float | None:
    """When a process started (clock ticks since boot on Linux, else seconds since 1970).

    Returns:
        None where no such process runs; one that ended and waits for its parent to notice doesn't.
    """
    if not LINUX:
        return _start_time_elsewhere(pid)
    try:
        text = _kernel_text(f"/proc/{pid}/stat")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(")")[2].split()  # the name before it may hold anything, also spaces and brackets
    return None if fields[0] in "ZX" else float(fields[19])


def _start_time_elsewhere(pid: int) -> float | None:
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else float(process.create_time())
    except psutil.NoSuchProcess:
        return None


def this_process() -> JobOwner:
    """This process as an owner, with a fresh heartbeat."""
    pid = os.getpid()
    return JobOwner(host_name(), boot_id(), pid, start_time(pid) or 0.0, time.time())


def is_alive(owner: JobOwner) -> bool:
    """Whether the very process that took a run still is there: a later one with its number doesn't count."""
    if owner.host != host_name():
        return time.time() - owner.heartbeat < SILENCE_SECONDS
    return owner.boot_id == boot_id() and start_time(owner.pid) == owner.start_time


def is_lost(record: JobRecord) -> bool:
    """Whether a run's row says that it lives, and its process doesn't."""
    return record.state in LIVE_STATES and record.owner is not None and not is_alive(record.owner)


def as_found(record: JobRecord) -> JobRecord:
    """A row as it really is: a run whose process is gone is interrupted, whatever its last row said.

    Only the view changes; `recover` writes it down.
    """
    if not is_lost(record):
        return record
    assert record.owner is not None  # noqa: S101 - is_lost says so
    return replace(record, state="interrupted", ended_at=record.ended_at or record.owner.heartbeat)


def recover(store: RunStore) -> list[JobRecord]:
    """Write down every run whose process is gone as interrupted, with the last step that it logged.

    Returns:
        The rows of the runs that were found so, the newest first.
    """
    lost: list[JobRecord] = []
    offset, total = 0, 1
    while offset < total:
        page, total = store.catalog.jobs(LIVE_STATES, PAGE, offset)
        lost.extend(record for record in page if is_lost(record))
        offset += PAGE
    return [found for record in lost if (found := recover_one(store, record)) is not None]


def recover_one(store: RunStore, record: JobRecord) -> JobRecord | None:
    """Move one lost run to interrupted; None where another process came first."""
    try:
        store.catalog.move_job(record.id, "interrupted")
    except JobStateError:
        return None
    step, moment = _last_logged(store, record.id)
    ended = moment or (record.owner.heartbeat if record.owner is not None else None)
    store.catalog.update_job(
        record.id,
        ended_at=ended,
        step=max(record.step, step),
        checkpoint_count=found_after_kill(store, record.id),
        **_last_values(store, record.id),
    )
    return store.catalog.job(record.id)


def _last_logged(store: RunStore, job: str) -> tuple[int, float | None]:
    """The last step that a run logged and when; the row lags up to a second behind."""
    step, moment = 0, None
    reader = store.series(job)
    for name in reader.names():
        points = reader.read(name)
        if len(points.steps):
            step = max(step, int(points.steps[-1]))
            moment = max(moment or 0.0, float(points.times[-1]))
    return step, moment


def _last_values(store: RunStore, job: str) -> dict[str, object]:
    reader = store.series(job)
    names = reader.names()
    found: dict[str, object] = {"series": names}
    for name, field in FIELDS.items():
        values = reader.read(name).values.tolist() if name in names else []
        if values and math.isfinite(values[-1]):
            found[field] = values[-1]
    return found
