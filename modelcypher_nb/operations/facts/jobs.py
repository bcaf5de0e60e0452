"""What the operations of runs give."""

from __future__ import annotations

from dataclasses import dataclass

from ...store.records import CheckpointRecord, CommandRecord, JobRecord

__all__ = ["JobEvent", "JobFacts", "JobList", "JobLog", "JobMetrics", "SeriesFacts"]


@dataclass(frozen=True, slots=True)
class JobEvent:
    """Something that happened in a run: pause, resume, checkpoint, nan, spike, learning_rate, error, ..."""

    step: int
    time: float
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class JobFacts:
    """A run.

    Attributes:
        outcome: of the command that was given: done, received (the owner has it), requested (it waits for its owner).
        moves: what may be done to it now.
    """

    job: JobRecord
    moves: tuple[str, ...]
    checkpoints: tuple[CheckpointRecord, ...] = ()
    events: tuple[JobEvent, ...] = ()
    outcome: str | None = None
    command: CommandRecord | None = None


@dataclass(frozen=True, slots=True)
class JobList:
    """A page of runs, the newest first."""

    items: tuple[JobRecord, ...]
    total: int
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class SeriesFacts:
    """One metric: `count` points were logged, `steps` and `values` are at most as many as asked for."""

    name: str
    count: int
    steps: tuple[int, ...]
    values: tuple[float | None, ...]
    last: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class JobMetrics:
    """The metrics of a run."""

    job: str
    state: str
    step: int
    series: tuple[SeriesFacts, ...]
    events: tuple[JobEvent, ...] = ()


@dataclass(frozen=True, slots=True)
class JobLog:
    """The last lines that a run's process wrote."""

    job: str
    lines: tuple[str, ...]
    total_bytes: int
