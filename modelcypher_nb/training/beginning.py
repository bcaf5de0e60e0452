"""How a run begins: as a new row, as the row that a child process was started for, or where an earlier one stopped."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..errors import JobStateError, UsageError
from ..guard.secrets import shown
from ..store.records import JobRecord, check_id
from .ownership import is_lost, recover_one, this_process
from .state import Parts, restore
from .trained import refuse_trained

if TYPE_CHECKING:
    from ..store.run_store import RunStore

__all__ = ["JOB_VARIABLE", "Beginning", "Objects", "Position", "begin", "new_id", "plain_config"]

# Names the job that a child process was started for; the first run that it makes becomes that job.
JOB_VARIABLE = "MODELCYPHER_NB_JOB"
ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # without what a person misreads
LONGEST_TEXT = 500


@dataclass
class Position:
    """How far a run is: steps done, epochs done, batches done of the epoch at hand, and the seed of its order."""

    step: int = 0
    epoch: int = 0
    batch: int = 0
    seed: int | None = None

    def facts(self) -> dict[str, int | None]:
        """For JSON."""
        return {"step": self.step, "epoch": self.epoch, "batch": self.batch, "seed": self.seed}


@dataclass
class Objects:
    """The caller's objects."""

    model: Any = None
    optimizer: Any = None
    scheduler: Any = None
    scaler: Any = None

    def others(self) -> dict[str, Any]:
        """What is saved beside the model."""
        named = {"optimizer": self.optimizer, "scheduler": self.scheduler, "scaler": self.scaler}
        return {name: thing for name, thing in named.items() if thing is not None}

    def device(self) -> str | None:
        """Where the model's first parameter lies."""
        parameters = getattr(self.model, "parameters", None)
        first = next(iter(parameters()), None) if callable(parameters) else None
        return str(first.device) if first is not None else None


def plain_config(value: Any, depth: int = 0) -> Any:
    """A configuration as JSON: what is no plain data is kept as its text."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping) and depth < 4:
        return {str(key): plain_config(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple) and depth < 4:
        return [plain_config(item, depth + 1) for item in value]
    return shown(value, LONGEST_TEXT)


@dataclass
class Beginning:
    """The row of a run that begins, and where it begins.

    Attributes:
        parts: the checkpoint that was restored; the random generators are set from it when the loop begins.
        bound: whether the process was started for it, so that requests may wait for it already.
        notes: what a person should know of it.
    """

    record: JobRecord
    position: Position = field(default_factory=Position)
    parts: Parts | None = None
    bound: bool = False
    notes: list[str] = field(default_factory=list)


def begin(
    store: RunStore,
    name: str | None,
    objects: Objects,
    *,
    resume: str | None,
    seed: int | None,
    facts: dict[str, Any],
) -> Beginning:
    """Take a row for a run.

    Raises:
        ConflictError: another run of this process trains the objects in another thread.
        JobStateError: the run to resume lives elsewhere, is completed, or has no checkpoint.
        UsageError: the caller's objects don't fit the checkpoint.
    """
    refuse_trained(objects, name or "run")  # before anything is restored into them, or hooked to them
    bound = os.environ.pop(JOB_VARIABLE, None)  # only the first run of a child is the job
    if resume is not None:
        return _resumed(store, resume, objects)
    if bound is not None:
        return _bound(store, bound, objects, facts, seed)
    return Beginning(_new(store, name, objects, facts), Position(seed=seed))


def new_id(name: str) -> str:
    """The name and six random characters."""
    return f"{name[:57]}-{''.join(secrets.choice(ALPHABET) for _ in range(6))}"


def _new(store: RunStore, name: str | None, objects: Objects, facts: dict[str, Any]) -> JobRecord:
    chosen = check_id(name or "run", "run name")
    record = JobRecord(
        id=new_id(chosen),
        name=chosen,
        state="queued",
        created_at=time.time(),
        device=objects.device(),
        owner=this_process(),
        segments=1,
        **facts,
    )
    store.catalog.add_job(record)
    return record


def _bound(store: RunStore, job: str, objects: Objects, facts: dict[str, Any], seed: int | None) -> Beginning:
    """The job that this process was started for: from its last checkpoint, where it has one."""
    record = store.catalog.job(job)
    known = {key: value for key, value in facts.items() if value}
    store.catalog.update_job(job, device=objects.device(), **known)
    if not record.checkpoint_count:
        return Beginning(store.catalog.job(job), Position(seed=seed), bound=True)
    beginning = _restored(store, record, objects)
    beginning.bound = True
    return beginning


def _resumed(store: RunStore, reference: str, objects: Objects) -> Beginning:
    record = store.catalog.job(reference)
    if is_lost(record):
        record = recover_one(store, record) or store.catalog.job(reference)
    if record.state not in {"interrupted", "cancelled", "failed"}:
        raise JobStateError(
            f"The run '{record.id}' is {record.state}: only an interrupted, cancelled or failed run can be resumed.",
            "Stop it first with mc job cancel, or make a new run."
            if record.state != "completed"
            else "Make a new run.",
        )
    beginning = _restored(store, record, objects)  # before the row moves: objects that don't fit change nothing
    store.catalog.move_job(record.id, "queued")
    store.catalog.update_job(record.id, owner=this_process(), segments=record.segments + 1, error=None, ended_at=None)
    beginning.record = store.catalog.job(record.id)
    return beginning


def _restored(store: RunStore, record: JobRecord, objects: Objects) -> Beginning:
    from .keeping import newest

    if objects.model is None:
        raise UsageError(
            f"Resuming '{record.id}' needs the model to restore into.",
            f'Give it the objects: TrainingRun(resume="{record.id}", model=..., optimizer=...)',
        )
    step, parts, notes = newest(store, record)
    missing = restore(parts, objects.model, objects.others())
    notes.extend(f"The checkpoint's {name} was left out: no {name}= was given." for name in missing)
    place = parts.document.get("position", {})
    position = Position(step, place.get("epoch", 0), place.get("batch", 0), place.get("seed"))
    return Beginning(record, position, parts, notes=notes)
