"""Checkpoints: what the catalog knows of each; their files are `store/checkpoints.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...errors import UnknownIdError
from ...guard.secrets import shown
from ..rows import checkpoint_row, dump
from .table import Table, changed

if TYPE_CHECKING:
    import sqlite3

    from ..records import CheckpointRecord

__all__ = ["Checkpoints"]

FIXED = frozenset({"job", "step"})


class Checkpoints(Table):
    """The checkpoints of a catalog."""

    def add_checkpoint(self, record: CheckpointRecord) -> CheckpointRecord:
        """Add a checkpoint, in the place of an earlier one of the same job and step."""
        with self._connection.writing() as connection:
            _put(connection, record)
        return record

    def update_checkpoint(self, job: str, step: int, **fields: Any) -> CheckpointRecord:
        """Change fields of a checkpoint.

        Raises:
            UnknownIdError: the job has none at that step.
        """
        with self._connection.writing() as connection:
            record = changed(_known(connection, job, step), fields, FIXED)
            _put(connection, record)
        return record

    def remove_checkpoint(self, job: str, step: int) -> None:
        """Forget a checkpoint whose files are gone."""
        with self._connection.writing() as connection:
            connection.execute("DELETE FROM checkpoints WHERE job=? AND step=?", (job, step))

    def checkpoints(
        self, job: str | None = None, limit: int = 100, offset: int = 0
    ) -> tuple[list[CheckpointRecord], int]:
        """A page of checkpoints, the newest first, and how many there are."""
        where, values = ("WHERE job = ?", (job,)) if job is not None else ("", ())
        total = self._count(f"SELECT COUNT(*) FROM checkpoints {where}", values)  # noqa: S608 - our own words
        query = f"SELECT * FROM checkpoints {where} ORDER BY created_at DESC, step DESC LIMIT ? OFFSET ?"  # noqa: S608
        return [checkpoint_row(row) for row in self._connection.rows(query, (*values, limit, offset))], total

    def checkpoint(self, job: str, step: int) -> CheckpointRecord:
        """One checkpoint.

        Raises:
            UnknownIdError: the job has none at that step; the sentence has the steps it has.
        """
        with self._connection.reading() as connection:
            return _known(connection, job, step)


def _put(connection: sqlite3.Connection, record: CheckpointRecord) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO checkpoints VALUES (?,?,?,?,?)",
        (record.job, record.step, record.state, record.created_at, dump(record)),
    )


def _known(connection: sqlite3.Connection | None, job: str, step: int) -> CheckpointRecord:
    rows: list[sqlite3.Row] = []
    if connection is not None:
        query = "SELECT * FROM checkpoints WHERE job=? ORDER BY step DESC"
        rows = connection.execute(query, (job,)).fetchall()
    for row in rows:
        if row["step"] == step:
            return checkpoint_row(row)
    have = ", ".join(str(row["step"]) for row in rows[:10])
    raise UnknownIdError(
        f"The job {shown(job, 80)} has no checkpoint at step {step}.",
        f"It has checkpoints at the steps {have}." if have else f"Save one with: mc job checkpoint {shown(job, 80)}",
    )
