"""The verbs of jobs: list, show, metrics, logs, and control (pause, resume, cancel, checkpoint, set)."""

from __future__ import annotations

from typing import Annotated, Any

from ..guard.secrets import shown
from ..store.moves import LIVE_STATES, MOVES
from ..store.records import CommandRecord, JobRecord
from ..training.control import allowed_moves, as_found, control
from .facts import JobEvent, JobFacts, JobList, JobLog, JobMetrics, SeriesFacts
from .operation import Param, operation
from .paging import Cursor, Limit, following, offset_of
from .session import Call

__all__ = ["job_facts"]

JobId = Annotated[str, Param("Id of the job, or its name for the newest run.", kind="job")]
DEFAULT = ("assistant", "training", "monitoring")
CONTROL = ("assistant", "training")
EVENTS_SHOWN = 40


def _events(call: Call, job: str, count: int) -> tuple[JobEvent, ...]:
    events = call.session.store.series(job).events()
    return tuple(JobEvent(event.step, event.time, event.kind, shown(event.text)) for event in events[-count:])


def job_facts(
    call: Call, record: JobRecord, command: CommandRecord | None = None, outcome: str | None = None
) -> JobFacts:
    """A run with its newest checkpoints and events, and what may be done to it."""
    checkpoints, _ = call.catalog.checkpoints(record.id, 10, 0)
    return JobFacts(
        job=record,
        moves=allowed_moves(record),
        checkpoints=tuple(checkpoints),
        events=_events(call, record.id, 10),
        outcome=outcome,
        command=command,
    )


@operation(effect="read", profiles=DEFAULT)
def job_list(
    call: Call,
    status: Annotated[str | None, Param("Only runs in this state.", choices=tuple(MOVES))] = None,
    active_only: Annotated[bool, Param("Only runs that are queued, running or paused.")] = False,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> JobList:
    """List training runs, the newest first."""
    states = (status,) if status is not None else LIVE_STATES if active_only else None
    records, total = call.catalog.jobs(states, limit, offset_of(cursor))
    return JobList(tuple(as_found(record) for record in records), total, following(cursor, len(records), total))


@operation(effect="read", profiles=DEFAULT)
def job_show(call: Call, job_id: JobId) -> JobFacts:
    """Show a run: state, step, loss, learning rate, throughput, time left, checkpoints and events."""
    return job_facts(call, as_found(call.catalog.job(job_id)))


@operation(effect="read", profiles=DEFAULT)
def job_metrics(
    call: Call,
    job_id: JobId,
    names: Annotated[list[str] | None, Param("Only these series.")] = None,
    points: Annotated[int, Param("Points a series at most; extremes are kept.", ge=8, le=2000)] = 40,
) -> JobMetrics:
    """Give a run's metrics as numbers: loss, learning rate, gradient norm and whatever it logs."""
    record = as_found(call.catalog.job(job_id))
    reader = call.session.store.series(record.id)
    chosen = [name for name in reader.names() if names is None or name in names]
    series = tuple(_series(reader, name, points) for name in chosen)
    return JobMetrics(record.id, record.state, record.step, series, _events(call, record.id, EVENTS_SHOWN))


def _series(reader: Any, name: str, points: int) -> SeriesFacts:
    found = reader.read(name, points=points)
    values = tuple(float(value) if value == value else None for value in found.values)  # noqa: PLR0124 - NaN
    finite = [value for value in values if value is not None]
    return SeriesFacts(
        name=name,
        count=found.count,
        steps=tuple(int(step) for step in found.steps),
        values=values,
        last=values[-1] if values else None,
        low=min(finite, default=None),
        high=max(finite, default=None),
    )


@operation(effect="read", profiles=("training", "monitoring"))
def job_logs(
    call: Call,
    job_id: JobId,
    lines: Annotated[int, Param("How many of the last lines.", ge=1, le=1000)] = 40,
) -> JobLog:
    """Show the last lines that a run's process wrote."""
    record = call.catalog.job(job_id)
    text, size = call.session.store.log_tail(record.id)
    return JobLog(record.id, tuple(shown(line) for line in text.splitlines()[-lines:]), size)


def _command(call: Call, job_id: str, verb: str, **arguments: Any) -> JobFacts:
    record, command, outcome = control(call.session.store, job_id, verb, arguments, call.principal)
    return job_facts(call, record, command, outcome)


@operation(effect="write", idempotent=True, profiles=CONTROL)
def job_pause(call: Call, job_id: JobId) -> JobFacts:
    """Pause a running job at its next step."""
    return _command(call, job_id, "pause")


@operation(effect="write", idempotent=True, profiles=CONTROL)
def job_resume(call: Call, job_id: JobId) -> JobFacts:
    """Go on with a paused job; one that stopped goes on from its last checkpoint where it can be started again."""
    return _command(call, job_id, "resume")


@operation(effect="write", idempotent=True, profiles=CONTROL)
def job_cancel(call: Call, job_id: JobId) -> JobFacts:
    """Stop a job at its next step, after saving a checkpoint."""
    return _command(call, job_id, "cancel")


@operation(effect="write", idempotent=True, profiles=("training",))
def job_checkpoint(call: Call, job_id: JobId) -> JobFacts:
    """Save a checkpoint of a running job at its next step."""
    return _command(call, job_id, "checkpoint")


@operation(effect="write", idempotent=True, profiles=("training",))
def job_set(
    call: Call,
    job_id: JobId,
    learning_rate: Annotated[float, Param("The new learning rate.", ge=0, le=1000)],
) -> JobFacts:
    """Change a running job's learning rate at its next step."""
    return _command(call, job_id, "set", learning_rate=learning_rate)
