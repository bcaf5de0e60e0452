"""Keeping a run's checkpoints: saving, finding the newest whole one, the best, and dropping what nothing needs."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from ..errors import JobStateError, MalformedError, MissingFileError, ModelCypherError
from ..store import checkpoints as files
from ..store.records import CheckpointRecord, JobRecord
from .state import Parts, prove

if TYPE_CHECKING:
    from ..guard.safe_path import SafePath
    from ..store.run_store import RunStore

__all__ = ["Keeper", "found_after_kill", "newest"]

MOST_ROWS = 10_000


def _rows(store: RunStore, job: str) -> dict[int, CheckpointRecord]:
    found, _ = store.catalog.checkpoints(job, MOST_ROWS, 0)
    return {record.step: record for record in found}


class Keeper:
    """The checkpoints of a run that lives in this process.

    Attributes:
        count: how many there are.
        best_step: the one with the least loss (of evaluation where there is one).
        changes: grows whenever there are others.
        last_step: the step of the one that this process saved last.
    """

    def __init__(self, store: RunStore, job: JobRecord, keep_last: int) -> None:
        self._store = store
        self._job = job.id
        self._keep_last = keep_last
        rows = _rows(store, job.id)
        self.count = len(rows)
        self.best_step = job.best_step if job.best_step in rows else None
        self.changes = 0
        self.last_step: int | None = None

    def save(self, step: int, parts: Parts, loss: float | None, eval_loss: float | None) -> CheckpointRecord:
        """Write a checkpoint, and drop those that are neither among the last, nor the best, nor pinned.

        A kill at any moment leaves the ones before whole.
        """
        tensors = {"model": parts.model, "optimizer": parts.optimizer, "rng": parts.rng}
        catalog, earlier = self._store.catalog, _rows(self._store, self._job).get(step)

        def publishing() -> None:
            # A row with the digest of the files before would call these corrupt; one that is missing is found again.
            if earlier is not None:
                catalog.remove_checkpoint(self._job, step)

        try:
            with self._store.checkpoints_folder(self._job) as folder:
                written = files.save(folder, step, tensors, parts.document, publishing)
        except BaseException:
            if earlier is not None:
                catalog.add_checkpoint(earlier)
            raise
        record = CheckpointRecord(
            job=self._job,
            step=step,
            state="complete",
            size_bytes=written.size_bytes,
            created_at=time.time(),
            files=written.files,
            digest=written.digest,
            loss=loss,
            eval_loss=eval_loss,
            pinned=earlier is not None and earlier.pinned,
        )
        catalog.add_checkpoint(record)
        self.last_step = step
        self._tidy()
        return self._store.catalog.checkpoint(self._job, step)

    def judge(self, step: int, eval_loss: float) -> None:
        """Note what an evaluation of a checkpoint's very step gave."""
        if step == self.last_step:
            self._store.catalog.update_checkpoint(self._job, step, eval_loss=eval_loss)
            self._tidy()

    def _tidy(self) -> None:
        rows = _rows(self._store, self._job)
        self._mark_best(rows)
        kept = sorted(rows)[-self._keep_last :]
        for step, record in rows.items():
            if step not in kept and step != self.best_step and not record.pinned:
                drop(self._store, record)
        self.count = len(_rows(self._store, self._job))
        self.changes += 1

    def _mark_best(self, rows: dict[int, CheckpointRecord]) -> None:
        whole = [record for record in rows.values() if record.state == "complete"]
        judged = [(record.eval_loss, record.step) for record in whole if record.eval_loss is not None] or [
            (record.loss, record.step) for record in whole if record.loss is not None
        ]
        self.best_step = min(judged)[1] if judged else None
        for step, record in rows.items():
            if record.is_best != (step == self.best_step):
                self._store.catalog.update_checkpoint(self._job, step, is_best=step == self.best_step)


def drop(store: RunStore, record: CheckpointRecord) -> None:
    """Remove a checkpoint: its row first, so that none is listed whose files are going."""
    store.catalog.remove_checkpoint(record.job, record.step)
    with store.checkpoints_folder(record.job) as folder:
        try:
            with folder / files.folder_name(record.step) as old:
                folder.delete(old)
        except MissingFileError:
            return  # another process was faster


def newest(store: RunStore, job: JobRecord) -> tuple[int, Parts, list[str]]:
    """Load the newest whole checkpoint of a run that has no living owner; one that fails its digest is passed over.

    Returns:
        Its step, its content, and what a person should know.

    Raises:
        JobStateError: there is none.
    """
    notes: list[str] = []
    found_after_kill(store, job.id)
    with store.checkpoints_folder(job.id) as folder:
        for step in reversed(files.complete_steps(folder)):
            try:
                if not store.verify_checkpoint(store.catalog.checkpoint(job.id, step)):
                    raise MalformedError("its files aren't what was written.", "")
                return step, _load(store, job.id, step), notes
            except ModelCypherError as error:
                notes.append(f"The checkpoint of step {step} was passed over: {error.problem}")
    raise JobStateError(
        f"The run '{job.id}' has no whole checkpoint to go on from.{' ' + ' '.join(notes) if notes else ''}",
        "Train anew, and give TrainingRun(checkpoint_every=...) so that the next one has some.",
    )


def found_after_kill(store: RunStore, job: str) -> int:
    """Give rows to checkpoints whose process was killed between writing them and saying so; gives how many there are.

    What it was writing at that moment is removed. Only for a run that has no living owner.
    """
    rows = _rows(store, job)
    with store.checkpoints_folder(job) as folder:
        files.remove_partials(folder)
        for step in files.complete_steps(folder):
            if step in rows:
                continue
            with contextlib.suppress(ModelCypherError):  # it holds what no run writes, so it is none: it gets no row
                store.catalog.add_checkpoint(_row_of(folder, job, step))
        return len(_rows(store, job))


def _row_of(folder: SafePath, job: str, step: int) -> CheckpointRecord:
    names, size = [], 0
    with folder / files.folder_name(step) as found:
        for entry in found.list():
            with found / entry.name as file:
                names.append(entry.name)
                size += file.identity.size
    digest = files.digest(folder, step)
    return CheckpointRecord(job, step, "complete", size, time.time(), tuple(names), digest)


def _load(store: RunStore, job: str, step: int) -> Parts:
    with store.checkpoints_folder(job) as folder:
        model, optimizer, rng = (files.load_tensors(folder, step, stem) for stem in ("model", "optimizer", "rng"))
        parts = Parts(model, optimizer, rng, files.load_document(folder, step))
    prove(parts)
    return parts
