"""The catalog: models, jobs, checkpoints, commands and audit as rows that every process on the home shares."""

from __future__ import annotations

import dataclasses
import difflib
import json
import time
from typing import TYPE_CHECKING, Any

from ..errors import JobStateError, UnknownIdError
from ..guard.secrets import shown
from .connection import Connection
from .moves import LIVE, check_move
from .records import AuditRecord, CheckpointRecord, CommandRecord, JobError, JobRecord, JobState, ModelRecord
from .rows import audit_row, checkpoint_row, command_row, dump, job_row, model_row
from .schema import SCHEMA_VERSION

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from ..guard.safe_path import SafePath

__all__ = ["SCHEMA_VERSION", "Catalog"]


def _near(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=3, cutoff=0.5)
    return f" Did you mean {' or '.join(close)}?" if close else ""


class Catalog:
    """The registry's rows. Reading a home without a catalog gives empty lists and makes nothing."""

    def __init__(self, home: SafePath) -> None:
        self._connection = Connection(home)

    @classmethod
    def open(cls, home: SafePath) -> Catalog:
        """The catalog of a home folder; the file is opened at the first use."""
        return cls(home)

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        self._connection.close()

    def data_version(self) -> int:
        """A number that changes when another process wrote."""
        return self._connection.data_version()

    # ── models

    def _models(self, rows: list[sqlite3.Row]) -> list[ModelRecord]:
        query = self._connection.rows
        found = []
        for row in rows:
            aliases = query(
                "SELECT alias FROM model_aliases WHERE id=? AND version=? ORDER BY alias", (row["id"], row["version"])
            )
            tags = query(
                "SELECT tag FROM model_tags WHERE id=? AND version=? ORDER BY tag", (row["id"], row["version"])
            )
            found.append(model_row(row, tuple(r["alias"] for r in aliases), tuple(r["tag"] for r in tags)))
        return found

    def add_model(self, record: ModelRecord) -> ModelRecord:
        """Add the next version of a name; the latest one again where path and digest are the same."""
        known = self.versions(record.id)
        if known and (known[-1].path, known[-1].digest) == (record.path, record.digest):
            return known[-1]
        with self._connection.writing() as connection:
            last = connection.execute("SELECT MAX(version) FROM models WHERE id=?", (record.id,)).fetchone()[0] or 0
            record = dataclasses.replace(record, version=last + 1)
            connection.execute(
                "INSERT INTO models VALUES (?,?,?,?,?,?,?,?)",
                (record.id, record.version, record.registered_at, record.kind, record.digest, record.path, record.state,
                 dump(record)),
            )  # fmt: skip
            tags = [(record.id, record.version, tag) for tag in record.tags]
            connection.executemany("INSERT INTO model_tags VALUES (?,?,?)", tags)
        return record

    def models(
        self, kind: str | None = None, tag: str | None = None, limit: int = 100, offset: int = 0
    ) -> tuple[list[ModelRecord], int]:
        """A page of models, the newest first, and how many there are."""
        where, values = ["state != 'deleted'"], []
        if kind is not None:
            where.append("kind = ?")
            values.append(kind)
        if tag is not None:
            where.append(
                "EXISTS (SELECT 1 FROM model_tags t WHERE t.id = m.id AND t.version = m.version AND t.tag = ?)"
            )
            values.append(tag)
        clause = " AND ".join(where)
        total = self._count(f"SELECT COUNT(*) FROM models m WHERE {clause}", tuple(values))  # noqa: S608 - our own words
        rows = self._connection.rows(
            f"SELECT * FROM models m WHERE {clause} ORDER BY registered_at DESC, version DESC LIMIT ? OFFSET ?",  # noqa: S608
            (*values, limit, offset),
        )
        return self._models(rows), total

    def versions(self, name: str) -> list[ModelRecord]:
        """All versions of a name, the oldest first."""
        query = "SELECT * FROM models WHERE id = ? AND state != 'deleted' ORDER BY version"
        return self._models(self._connection.rows(query, (name,)))

    def model(self, reference: str) -> ModelRecord:
        """The model of a reference: `name` (its latest version), `name@3` or `name@alias`.

        Raises:
            UnknownIdError: there is none.
        """
        name, at, which = reference.partition("@")
        versions = self.versions(name)
        if versions and not at:
            return versions[-1]
        for record in versions:
            if which in record.aliases or which == str(record.version):
                return record
        if versions:
            have = ", ".join(
                [f"@{r.version}" for r in versions] + [f"@{alias}" for r in versions for alias in r.aliases]
            )
            raise UnknownIdError(f"The model {shown(name, 80)} has no '@{shown(which, 80)}'.", f"It has: {have}.")
        known = [row["id"] for row in self._connection.rows("SELECT DISTINCT id FROM models WHERE state != 'deleted'")]
        raise UnknownIdError(
            f"There is no model '{shown(reference, 80)}'.{_near(name, known)}", "List them with: mc model list"
        )

    def update_model(self, name: str, version: int, **fields: Any) -> None:
        """Change fields of a version."""
        tags = fields.pop("tags", None)
        with self._connection.writing() as connection:
            row = connection.execute("SELECT * FROM models WHERE id=? AND version=?", (name, version)).fetchone()
            if row is None:
                raise UnknownIdError(
                    f"There is no model '{shown(name, 80)}@{version}'.", "List them with: mc model list"
                )
            content = {**json.loads(row["record"]), **fields}
            connection.execute(
                "UPDATE models SET state=?, digest=?, path=?, record=? WHERE id=? AND version=?",
                (content["state"], content["digest"], content["path"], dump(content), name, version),
            )
            if tags is not None:
                connection.execute("DELETE FROM model_tags WHERE id=? AND version=?", (name, version))
                connection.executemany("INSERT INTO model_tags VALUES (?,?,?)", [(name, version, tag) for tag in tags])

    def set_alias(self, name: str, version: int, alias: str) -> None:
        """Point an alias at a version; it leaves the one that had it."""
        with self._connection.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO model_aliases VALUES (?,?,?)", (name, alias, version))

    # ── jobs

    def add_job(self, record: JobRecord) -> None:
        """Add a job."""
        with self._connection.writing() as connection:
            connection.execute(
                "INSERT INTO jobs VALUES (?,?,?,?,?)",
                (record.id, record.name, record.state, record.created_at, dump(record)),
            )

    def job(self, reference: str) -> JobRecord:
        """The job of an id, or the newest of a name.

        Raises:
            UnknownIdError: there is none.
        """
        query = "SELECT * FROM jobs WHERE id = ? OR name = ? ORDER BY id = ? DESC, created_at DESC, rowid DESC LIMIT 1"
        rows = self._connection.rows(query, (reference,) * 3)
        if rows:
            return job_row(rows[0])
        known = self._connection.rows("SELECT id, name FROM jobs ORDER BY created_at DESC LIMIT 1000")
        near = _near(reference, {word for row in known for word in (row["id"], row["name"])})
        raise UnknownIdError(f"There is no job '{shown(reference, 80)}'.{near}", "List them with: mc job list")

    def live_jobs_named(self, name: str) -> list[JobRecord]:
        """The jobs of a name that are queued, running or paused, the newest first."""
        marks = ",".join("?" * len(LIVE))
        query = f"SELECT * FROM jobs WHERE name = ? AND state IN ({marks}) ORDER BY created_at DESC"  # noqa: S608
        return [job_row(row) for row in self._connection.rows(query, (name, *LIVE))]

    def jobs(
        self, states: Iterable[str] | None = None, limit: int = 100, offset: int = 0
    ) -> tuple[list[JobRecord], int]:
        """A page of jobs, the newest first, and how many there are."""
        chosen = tuple(states) if states is not None else ()
        clause = f"WHERE state IN ({','.join('?' * len(chosen))})" if states is not None else ""
        total = self._count(f"SELECT COUNT(*) FROM jobs {clause}", chosen)  # noqa: S608
        rows = self._connection.rows(
            f"SELECT * FROM jobs {clause} ORDER BY created_at DESC, rowid DESC LIMIT ? OFFSET ?",  # noqa: S608
            (*chosen, limit, offset),
        )
        return [job_row(row) for row in rows], total

    def update_job(self, job: str, **fields: Any) -> None:
        """Change fields of a job; its state moves by `move_job` only."""
        if "state" in fields:
            raise JobStateError("A state is moved, not set.", "Use move_job.")
        plain = {
            key: dataclasses.asdict(value) if dataclasses.is_dataclass(value) and not isinstance(value, type) else value
            for key, value in fields.items()
        }
        with self._connection.writing() as connection:
            row = self._job_row(connection, job)
            content = {**json.loads(row["record"]), **plain}
            connection.execute("UPDATE jobs SET name=?, record=? WHERE id=?", (content["name"], dump(content), job))

    def move_job(self, job: str, to: JobState, *, error: JobError | None = None) -> JobRecord:
        """Move a job to another state, if the state it is in has that move; reading and writing are one.

        Raises:
            JobStateError: the move isn't allowed; the sentence names those that are.
        """
        with self._connection.writing() as connection:
            row = self._job_row(connection, job)
            check_move(job, row["state"], to)
            content = json.loads(row["record"])
            now = time.time()
            if to == "running" and content.get("started_at") is None:
                content["started_at"] = now
            content["ended_at"] = None if to in LIVE else now
            content["error"] = dataclasses.asdict(error) if error is not None else None
            connection.execute("UPDATE jobs SET state=?, record=? WHERE id=?", (to, dump(content), job))
            return job_row(self._job_row(connection, job))

    def _job_row(self, connection: sqlite3.Connection, job: str) -> sqlite3.Row:
        row: sqlite3.Row | None = connection.execute("SELECT * FROM jobs WHERE id=?", (job,)).fetchone()
        if row is None:
            raise UnknownIdError(f"There is no job '{shown(job, 80)}'.", "List them with: mc job list")
        return row

    # ── checkpoints

    def add_checkpoint(self, record: CheckpointRecord) -> None:
        """Add a checkpoint, or replace the one of the same job and step."""
        with self._connection.writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO checkpoints VALUES (?,?,?,?,?)",
                (record.job, record.step, record.state, record.created_at, dump(record)),
            )

    def update_checkpoint(self, job: str, step: int, **fields: Any) -> None:
        """Change fields of a checkpoint."""
        record = dataclasses.replace(self.checkpoint(job, step), **fields)
        self.add_checkpoint(record)

    def remove_checkpoint(self, job: str, step: int) -> None:
        """Forget a checkpoint whose files are gone."""
        with self._connection.writing() as connection:
            connection.execute("DELETE FROM checkpoints WHERE job=? AND step=?", (job, step))

    def checkpoints(
        self, job: str | None = None, limit: int = 100, offset: int = 0
    ) -> tuple[list[CheckpointRecord], int]:
        """A page of checkpoints, the newest first, and how many there are."""
        clause, values = ("WHERE job = ?", (job,)) if job is not None else ("", ())
        total = self._count(f"SELECT COUNT(*) FROM checkpoints {clause}", values)  # noqa: S608
        rows = self._connection.rows(
            f"SELECT * FROM checkpoints {clause} ORDER BY created_at DESC, step DESC LIMIT ? OFFSET ?",  # noqa: S608
            (*values, limit, offset),
        )
        return [checkpoint_row(row) for row in rows], total

    def checkpoint(self, job: str, step: int) -> CheckpointRecord:
        """One checkpoint.

        Raises:
            UnknownIdError: the job has none at that step.
        """
        rows = self._connection.rows("SELECT * FROM checkpoints WHERE job=? AND step=?", (job, step))
        if not rows:
            steps = [str(record.step) for record in self.checkpoints(job, 10)[0]]
            have = f"It has checkpoints at steps {', '.join(steps)}." if steps else "It has none yet."
            raise UnknownIdError(f"Job {shown(job, 80)} has no checkpoint at step {step}.", have)
        return checkpoint_row(rows[0])

    # ── commands

    def request(self, job: str, verb: str, arguments: dict[str, Any], principal: str) -> int:
        """Ask the owner of a job for something; gives the command's sequence number."""
        with self._connection.writing() as connection:
            cursor = connection.execute(
                "INSERT INTO commands (job, verb, arguments, principal, requested_at) VALUES (?,?,?,?,?)",
                (job, verb, dump(arguments), principal, time.time()),
            )
            return int(cursor.lastrowid or 0)

    def commands(self, job: str, after: int = 0, *, open_only: bool = True) -> list[CommandRecord]:
        """The commands for a job, in order."""
        clause = "AND done_at IS NULL" if open_only else ""
        query = f"SELECT * FROM commands WHERE job = ? AND sequence > ? {clause} ORDER BY sequence"  # noqa: S608
        return [command_row(row) for row in self._connection.rows(query, (job, after))]

    def command(self, sequence: int) -> CommandRecord:
        """One command."""
        rows = self._connection.rows("SELECT * FROM commands WHERE sequence = ?", (sequence,))
        if not rows:
            raise UnknownIdError(f"There is no command {sequence}.", "Give the command again.")
        return command_row(rows[0])

    def receive(self, sequence: int) -> None:
        """The owner has seen a command."""
        with self._connection.writing() as connection:
            connection.execute(
                "UPDATE commands SET received_at=? WHERE sequence=? AND received_at IS NULL", (time.time(), sequence)
            )

    def finish(self, sequence: int, result: dict[str, Any]) -> None:
        """The owner obeyed a command, or says why not."""
        now = time.time()
        with self._connection.writing() as connection:
            connection.execute(
                "UPDATE commands SET received_at=COALESCE(received_at, ?), done_at=?, result=? WHERE sequence=?",
                (now, now, dump(result), sequence),
            )

    # ── audit

    def add_audit(self, record: AuditRecord) -> None:
        """Append to the audit log, which nothing shortens."""
        with self._connection.writing() as connection:
            connection.execute(
                "INSERT INTO audit (time, principal, operation, arguments, outcome, milliseconds) VALUES (?,?,?,?,?,?)",
                (record.time, record.principal, record.operation, dump(record.arguments), record.outcome,
                 record.milliseconds),
            )  # fmt: skip

    def audit(self, limit: int = 100, principal: str | None = None) -> list[AuditRecord]:
        """The newest rows of the audit log, the newest first."""
        clause, values = ("WHERE principal = ?", (principal,)) if principal is not None else ("", ())
        query = f"SELECT * FROM audit {clause} ORDER BY sequence DESC LIMIT ?"  # noqa: S608
        return [audit_row(row) for row in self._connection.rows(query, (*values, limit))]

    def _count(self, query: str, values: tuple[Any, ...]) -> int:
        rows = self._connection.rows(query, values)
        return int(rows[0][0]) if rows else 0
