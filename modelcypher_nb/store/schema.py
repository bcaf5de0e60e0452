"""The catalog's tables, and the steps from each older version of them to the newest."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from ..errors import ConflictError

__all__ = ["MIGRATIONS", "SCHEMA_VERSION", "migrate"]

FIRST = """
CREATE TABLE models (
  id TEXT NOT NULL, version INTEGER NOT NULL, registered_at REAL NOT NULL, kind TEXT NOT NULL, digest TEXT,
  path TEXT NOT NULL, state TEXT NOT NULL, record TEXT NOT NULL, PRIMARY KEY (id, version));
CREATE TABLE model_aliases (
  id TEXT NOT NULL, alias TEXT NOT NULL, version INTEGER NOT NULL, PRIMARY KEY (id, alias));
CREATE TABLE model_tags (
  id TEXT NOT NULL, version INTEGER NOT NULL, tag TEXT NOT NULL, PRIMARY KEY (id, version, tag));
CREATE TABLE jobs (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, state TEXT NOT NULL, created_at REAL NOT NULL, record TEXT NOT NULL);
CREATE INDEX jobs_by_name ON jobs (name, created_at);
CREATE INDEX jobs_by_time ON jobs (created_at);
CREATE TABLE checkpoints (
  job TEXT NOT NULL, step INTEGER NOT NULL, state TEXT NOT NULL, created_at REAL NOT NULL, record TEXT NOT NULL,
  PRIMARY KEY (job, step));
CREATE TABLE commands (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT, job TEXT NOT NULL, verb TEXT NOT NULL, arguments TEXT NOT NULL,
  principal TEXT NOT NULL, requested_at REAL NOT NULL, received_at REAL, done_at REAL, result TEXT);
CREATE INDEX commands_by_job ON commands (job, sequence);
CREATE TABLE audit (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT, time REAL NOT NULL, principal TEXT NOT NULL, operation TEXT NOT NULL,
  arguments TEXT NOT NULL, outcome TEXT NOT NULL, milliseconds REAL NOT NULL);
CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END;
CREATE TRIGGER audit_is_fixed BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END;
"""

# An assistant reads its own calls only; without the index that is a walk over everybody's.
SECOND = "CREATE INDEX audit_by_principal ON audit (principal, sequence);"

# A class that a person allowed is allowed for one content alone.
THIRD = """
CREATE TABLE trust (
  digest TEXT NOT NULL, class_name TEXT NOT NULL, allowed_at REAL NOT NULL, size_bytes INTEGER,
  PRIMARY KEY (digest, class_name));
"""

Step = str | Callable[[sqlite3.Connection], None]

# MIGRATIONS[n] takes a catalog of version n to version n + 1.
MIGRATIONS: tuple[Step, ...] = (FIRST, SECOND, THIRD)
SCHEMA_VERSION = len(MIGRATIONS)


def _statements(script: str) -> list[str]:
    """The statements of a script; a trigger's body holds semicolons of its own."""
    found, current = [], ""
    for line in script.splitlines():
        current += line + "\n"
        if current.strip() and sqlite3.complete_statement(current):
            found.append(current)
            current = ""
    return found


def migrate(connection: sqlite3.Connection, steps: tuple[Step, ...] = MIGRATIONS) -> None:
    """Bring a catalog to the newest version, in one transaction: an interrupted migration leaves the old one.

    Raises:
        ConflictError: a newer release wrote it.
    """
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == len(steps):
        return
    if version > len(steps):
        raise ConflictError(
            f"The catalog has version {version}, and this release knows versions up to {len(steps)}.",
            "Install the newer release: pip install -U modelcypher_nb",
        )
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]  # another process may have been faster
        for step in steps[version:]:
            if callable(step):
                step(connection)
            else:
                for statement in _statements(step):
                    connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(steps)}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk has ended it already, and its reason is the one to tell
            connection.execute("ROLLBACK")
        raise
