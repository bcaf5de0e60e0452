"""The verbs of checkpoints: list, show, verify."""

from __future__ import annotations

from typing import Annotated

from ..guard.secrets import shown
from .facts import CheckpointFacts, CheckpointList
from .operation import Param, operation
from .paging import Cursor, Limit, following, offset_of
from .session import Call

__all__: list[str] = []

JobId = Annotated[str, Param("Id of the job, or its name for the newest run.", kind="job")]
Step = Annotated[int, Param("The checkpoint's step.", ge=0)]


@operation(effect="read", profiles=("assistant", "training", "monitoring"))
def checkpoint_list(
    call: Call,
    job_id: Annotated[str | None, Param("Only of this job (id or name).", kind="job")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> CheckpointList:
    """List the checkpoints of a job, or of all jobs, the newest first."""
    job = call.catalog.job(job_id).id if job_id is not None else None
    records, total = call.catalog.checkpoints(job, limit, offset_of(cursor))
    return CheckpointList(tuple(records), total, following(cursor, len(records), total))


@operation(effect="read", profiles=("training", "monitoring"))
def checkpoint_show(call: Call, job_id: JobId, step: Step) -> CheckpointFacts:
    """Show one checkpoint: its files, size, loss and digest."""
    record = call.catalog.checkpoint(call.catalog.job(job_id).id, step)
    return CheckpointFacts(record, shown(call.session.store.checkpoint_location(record.job, record.step)))


@operation(effect="write", idempotent=True, profiles=("training",))
def checkpoint_verify(call: Call, job_id: JobId, step: Step) -> CheckpointFacts:
    """Read a checkpoint's files again and compare them with the digest they were written with."""
    store = call.session.store
    before = call.catalog.checkpoint(call.catalog.job(job_id).id, step)
    intact = store.verify_checkpoint(before)
    record = call.catalog.checkpoint(before.job, step)
    return CheckpointFacts(record, shown(store.checkpoint_location(record.job, record.step)), intact)
