"""What is said about runs and checkpoints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from . import numbers as n
from .sheet import Block, Cell, Sheet, Table, pairs, table, volatile

if TYPE_CHECKING:
    from ..operations.facts import (
        CheckpointFacts,
        CheckpointList,
        JobEvent,
        JobFacts,
        JobList,
        JobLog,
        JobMetrics,
        SeriesFacts,
    )
    from ..store.records import CheckpointRecord, JobRecord

__all__ = ["checkpoints_table", "job_sheet", "jobs_table", "metrics_table", "run_sheet"]

OUTCOMES = {
    "received": "Its process has the request and obeys at the next step.",
    "requested": "The request waits for the run's process.",
}
EVENTS_SHOWN = 10


def step_text(job: JobRecord) -> str:
    """`120 of 400`."""
    return f"{n.whole(job.step)} of {n.whole(job.total_steps)}" if job.total_steps else n.whole(job.step)


def job_facts(job: JobRecord) -> tuple[tuple[str, Cell], ...]:
    """A run's numbers; speeds and times differ from run to run."""
    took = job.ended_at - job.started_at if job.ended_at is not None and job.started_at is not None else None
    live = job.state in {"queued", "running", "paused"}
    return pairs(
        ("Step", step_text(job)),
        ("Epoch", _metric(None if job.epoch is None else round(job.epoch, 3))),
        ("Loss", _metric(job.loss)),
        ("Eval loss", _metric(job.eval_loss)),
        ("Best step", n.whole(job.best_step) if job.best_step is not None else None),
        ("Learning rate", _metric(job.learning_rate)),
        ("Gradient norm", _metric(job.grad_norm)),
        ("Samples a second", _speed(job.samples_per_second)),
        ("Tokens a second", _speed(job.tokens_per_second)),
        ("Left", volatile(n.duration(job.eta_seconds)) if job.eta_seconds is not None and live else None),
        ("Took", volatile(n.duration(took)) if took is not None else None),
        ("Device", job.device),
        ("Model", volatile(job.model)),
        ("Data set", volatile(job.dataset)),
        ("Configuration", ", ".join(f"{key}={value}" for key, value in job.config.items())),
        ("Started", volatile(n.moment(job.started_at)) if job.started_at else None),
        ("Id", volatile(job.id)),
    )


def _metric(value: float | None) -> str | None:
    return None if value is None else n.metric(value)


def job_sheet(facts: JobFacts) -> Sheet:
    """A run, with what came of a command."""
    return run_sheet(facts.job, (), facts.events, facts.checkpoints, outcome=facts.outcome, moves=facts.moves)


def run_sheet(
    job: JobRecord,
    series: Sequence[SeriesFacts] = (),
    events: Sequence[JobEvent] = (),
    checkpoints: Sequence[CheckpointRecord] = (),
    *,
    outcome: str | None = None,
    moves: tuple[str, ...] = (),
    picture: str = "",
) -> Sheet:
    """A run with its series, events and checkpoints."""
    tables = (metrics_table(series), events_table(events), run_checkpoints(checkpoints))
    notes = [Cell(OUTCOMES[outcome])] if outcome in OUTCOMES else []
    if job.error is not None:
        notes.insert(0, Cell(f"{job.error.type}: {job.error.message}", volatile=True))
    facts = (*job_facts(job), *pairs(("May now", ", ".join(moves))))
    return Sheet(job.name, job.state, None, facts, tables, notes=tuple(notes), picture=picture)


def metrics_table(series: Sequence[SeriesFacts]) -> Table:
    """Every metric's last value and range, over all points that were logged."""
    rows = [
        (
            one.name,
            _measured(one.name, n.whole(one.count)),
            *(_measured(one.name, n.metric(value)) for value in (one.last, one.low, one.high)),
        )
        for one in series
    ]
    return table("Metrics", ("name", "#points", "#last", "#lowest", "#highest"), rows)


def _measured(name: str, text: str) -> Cell:
    """What was measured of a metric; a speed, and when there was one, is another each time."""
    return Cell(text, volatile="per_second" in name)


# Events whose step is when somebody asked, not what the training did.
COMMANDED = frozenset({"pause", "resume", "learning_rate", "cancel"})


def events_table(events: Sequence[JobEvent]) -> Table:
    """What happened, the newest last."""
    rows = [
        (
            Cell(n.whole(event.step), volatile=event.kind in COMMANDED),
            event.kind,
            Cell(event.text, volatile=event.kind in COMMANDED or "MB" in event.text),
            volatile(n.moment(event.time)),
        )
        for event in events[-EVENTS_SHOWN:]
    ]
    return table("Events", ("#step", "event", "", "time"), rows, total=len(events))


def _marks(record: CheckpointRecord) -> str:
    marks = [record.state, "best" if record.is_best else "", "pinned" if record.pinned else ""]
    return ", ".join(mark for mark in marks if mark)


def run_checkpoints(records: Sequence[CheckpointRecord]) -> Table:
    """One run's checkpoints."""
    rows = [
        (
            n.whole(record.step),
            _metric(record.loss),
            _metric(record.eval_loss),
            volatile(n.size(record.size_bytes)),
            _marks(record),
            volatile(n.moment(record.created_at)),
        )
        for record in records
    ]
    return table("Checkpoints", ("#step", "#loss", "#eval loss", "#size", "state", "time"), rows)


def jobs_table(records: Sequence[JobRecord], total: int) -> Table:
    """Runs."""
    rows = [
        (
            Cell(record.name, strong=True),
            record.state,
            step_text(record),
            _metric(record.loss),
            _metric(record.eval_loss),
            volatile(n.moment(record.started_at or record.created_at)),
            volatile(record.id),
        )
        for record in records
    ]
    columns = ("run", "state", "#step", "#loss", "#eval loss", "started", "id")
    return table("Runs", columns, rows, total=total, empty="none has been recorded yet")


def job_list_sheet(facts: JobList) -> Sheet:
    """A page of runs."""
    return Sheet("Training runs", tables=(jobs_table(facts.items, facts.total),))


def metrics_sheet(facts: JobMetrics, picture: str = "") -> Sheet:
    """A run's metrics."""
    return Sheet(
        "Metrics",
        badge=facts.state,
        facts=pairs(("Run", volatile(facts.job)), ("Step", n.whole(facts.step))),
        tables=(metrics_table(facts.series), events_table(facts.events)),
        picture=picture,
    )


def log_sheet(facts: JobLog) -> Sheet:
    """The end of a run's log."""
    block = Block(f"Last {n.plural(len(facts.lines), 'line')}", facts.lines, volatile=True)
    return Sheet(
        "Log", facts=pairs(("Run", volatile(facts.job)), ("Size", volatile(n.size(facts.total_bytes)))), blocks=(block,)
    )


def checkpoints_table(records: Sequence[CheckpointRecord], total: int) -> Table:
    """Checkpoints of any run."""
    rows = [
        (
            volatile(record.job),
            n.whole(record.step),
            _metric(record.loss),
            volatile(n.size(record.size_bytes)),
            _marks(record),
        )
        for record in records
    ]
    columns = ("run", "#step", "#loss", "#size", "state")
    return table("Checkpoints", columns, rows, total=total, empty="none has been saved yet")


def checkpoint_list_sheet(facts: CheckpointList) -> Sheet:
    """A page of checkpoints."""
    return Sheet("Saved checkpoints", tables=(checkpoints_table(facts.items, facts.total),))


def checkpoint_sheet(facts: CheckpointFacts) -> Sheet:
    """One checkpoint, and whether it is intact where that was asked."""
    record, words = facts.checkpoint, {None: "", True: "intact", False: "not what was written"}
    entries: list[tuple[str, Any]] = [
        ("Run", volatile(record.job)),
        ("State", _marks(record)),
        ("Loss", _metric(record.loss)),
        ("Eval loss", _metric(record.eval_loss)),
        ("Size", volatile(n.size(record.size_bytes))),
        ("Digest", volatile(record.digest)),
        ("Files", ", ".join(record.files)),
        ("Path", volatile(facts.path)),
        ("Written", volatile(n.moment(record.created_at))),
    ]
    return Sheet(f"Checkpoint at step {n.whole(record.step)}", words[facts.intact], facts=pairs(*entries))


def _speed(value: float | None) -> Cell | None:
    return None if value is None else volatile(n.metric(value))
