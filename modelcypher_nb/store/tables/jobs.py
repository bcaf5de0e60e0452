"""Jobs: training runs and the moves between their states."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ..moves import LIVE_STATES, check_move
from ..rows import dump, job_row
from .table import Table, changed, unknown

if TYPE_CHECKING:
    import sqlite3

    from ..records import JobError, JobRecord, JobState

__all__ = ["Jobs"]

FIXED = frozenset({"id", "state", "created_at"})  # a state is moved, not set


class Jobs(Table):
    """The jobs of a catalog."""

    def add_job(self, record: JobRecord) -> JobRecord:
        """Add a job; its id must be new."""
        with self._connection.writing() as connection:
            connection.execute(
                "INSERT INTO jobs VALUES (?,?,?,?,?)",
                (record.id, record.name, record.state, record.created_at, dump(record)),
            )
        return record

    def job(self, reference: str) -> JobRecord:
        """The job of an id, or the newest run of a name.

        Raises:
            UnknownIdError: there is none; the sentence has ids and names near it.
        """
        query = (
            "SELECT * FROM jobs WHERE id = ?1 OR name = ?1 ORDER BY id = ?1 DESC, created_at DESC, rowid DESC LIMIT 1"
        )
        rows = self._connection.rows(query, (reference,))
        if not rows:
            newest = self._connection.rows("SELECT id, name FROM jobs ORDER BY created_at DESC LIMIT 1000")
            raise unknown("job", reference, dict.fromkeys(word for row in newest for word in row))
        return job_row(rows[0])

    def live_jobs_named(self, name: str) -> list[JobRecord]:
        """The jobs of a name that are queued, running or paused, the newest first."""
        query = "SELECT * FROM jobs WHERE name = ? AND state IN (?,?,?) ORDER BY created_at DESC, rowid DESC"
        return [job_row(row) for row in self._connection.rows(query, (name, *LIVE_STATES))]

    def jobs(
        self, states: Iterable[str] | None = None, limit: int = 100, offset: int = 0
    ) -> tuple[list[JobRecord], int]:
        """A page of jobs, the newest first, and how many there are."""
        chosen = tuple(states) if states is not None else ()
        where = f"WHERE state IN ({','.join('?' * len(chosen))})" if states is not None else ""
        total = self._count(f"SELECT COUNT(*) FROM jobs {where}", chosen)  # noqa: S608 - question marks only
        query = f"SELECT * FROM jobs {where} ORDER BY created_at DESC, rowid DESC LIMIT ? OFFSET ?"  # noqa: S608
        return [job_row(row) for row in self._connection.rows(query, (*chosen, limit, offset))], total

    def update_job(self, job: str, **fields: Any) -> None:
        """Change fields of a job; its state moves by `move_job` only.

        Raises:
            UnknownIdError: there is no such job.
        """
        with self._connection.writing() as connection:
            record = changed(_known(connection, job), fields, FIXED)
            connection.execute("UPDATE jobs SET name=?, record=? WHERE id=?", (record.name, dump(record), job))

    def move_job(self, job: str, to: JobState, *, error: JobError | None = None) -> JobRecord:
        """Move a job to another state if the state it is in has that move; looking and moving are one transaction.

        Raises:
            JobStateError: it hasn't; the sentence names the moves that there are.
            UnknownIdError: there is no such job.
        """
        with self._connection.writing() as connection:
            record = _known(connection, job)
            check_move(job, record.state, to)
            now = time.time()
            moved = dataclasses.replace(
                record,
                state=to,
                error=error,
                started_at=record.started_at or (now if to == "running" else None),
                ended_at=None if to in LIVE_STATES else now,
            )
            connection.execute("UPDATE jobs SET state=?, record=? WHERE id=?", (to, dump(moved), job))
        return moved


def _known(connection: sqlite3.Connection, job: str) -> JobRecord:
    row = connection.execute("SELECT * FROM jobs WHERE id=?", (job,)).fetchone()
    if row is None:
        raise unknown("job", job, ())
    return job_row(row)
