"""The rows of the catalog as frozen facts: models, jobs, checkpoints, commands, audit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from ..formats.report import Verdict
from .ids import ID, ModelSource, check_id

__all__ = [
    "ID",
    "CheckpointRecord",
    "CommandRecord",
    "JobError",
    "JobOwner",
    "JobRecord",
    "JobState",
    "ModelRecord",
    "ModelSource",
    "check_id",
]

JobState = Literal["queued", "running", "paused", "completed", "failed", "cancelled", "interrupted"]
CheckpointState = Literal["writing", "complete", "corrupt"]


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """One registered version of a model.

    Attributes:
        id: its name in the registry.
        version: counts from 1 within the name.
        managed: whether the files lie in the toolkit's home.
        dtypes: parameters for each dtype.
        digest: `sha256:` and hexadecimal digits.
        lineage: what it was made from (base, job, step, parents, recipe).
        state: registered, missing, quarantined or deleted.
        registered_at: seconds since 1970, UTC.
        seen: device, inode, size and times of each file when its verdict was given; what lists compare with.
    """

    id: str
    version: int
    path: str
    format: str
    parameter_count: int
    dtypes: dict[str, int]
    size_bytes: int
    verdict: Verdict
    registered_at: float
    kind: str = "base"
    aliases: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    managed: bool = False
    architecture: str | None = None
    digest: str | None = None
    source: ModelSource = field(default_factory=ModelSource)
    license: str | None = None
    lineage: dict[str, Any] = field(default_factory=dict)
    state: str = "registered"
    seen: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class JobOwner:
    """The process that a job runs in, told apart from a later one with the same number."""

    host: str
    boot_id: str
    pid: int
    start_time: float
    heartbeat: float


@dataclass(frozen=True, slots=True)
class JobError:
    """Why a job failed."""

    type: str
    message: str


@dataclass(frozen=True, slots=True)
class JobRecord:
    """A training run as the catalog knows it; times are seconds since 1970, UTC.

    Attributes:
        id: the name and six random characters.
        recipe: how the job can be started again without its caller's objects (script, arguments), else empty.
        segments: how many processes have worked on it.
    """

    id: str
    name: str
    state: JobState
    created_at: float
    model: str | None = None
    dataset: str | None = None
    config: dict[str, Any] = field(default_factory=dict)
    device: str | None = None
    step: int = 0
    total_steps: int | None = None
    epoch: float | None = None
    loss: float | None = None
    eval_loss: float | None = None
    learning_rate: float | None = None
    grad_norm: float | None = None
    samples_per_second: float | None = None
    tokens_per_second: float | None = None
    eta_seconds: float | None = None
    series: tuple[str, ...] = ()
    best_step: int | None = None
    checkpoint_count: int = 0
    error: JobError | None = None
    owner: JobOwner | None = None
    started_at: float | None = None
    ended_at: float | None = None
    segments: int = 0
    recipe: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CheckpointRecord:
    """One saved state of a job; `files` are names below the checkpoint's folder."""

    job: str
    step: int
    state: CheckpointState
    size_bytes: int
    created_at: float
    files: tuple[str, ...] = ()
    digest: str | None = None
    loss: float | None = None
    eval_loss: float | None = None
    is_best: bool = False
    pinned: bool = False


@dataclass(frozen=True, slots=True)
class CommandRecord:
    """A request to the process that owns a job (pause, resume, cancel, checkpoint, set)."""

    sequence: int
    job: str
    verb: str
    arguments: dict[str, Any]
    principal: str
    requested_at: float
    received_at: float | None = None
    done_at: float | None = None
    result: dict[str, Any] | None = None
