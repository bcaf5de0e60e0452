"""Registered models: versions of names, with aliases and tags."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from ...errors import UnknownIdError
from ...guard.secrets import shown
from ..rows import dump, model_row
from .table import Table, changed, unknown

if TYPE_CHECKING:
    import sqlite3

    from ..records import ModelRecord

__all__ = ["Models"]

# Aliases and tags ride along as JSON lists, so that a page of models is one query.
SELECT = """
SELECT m.*,
  (SELECT json_group_array(alias) FROM (SELECT alias FROM model_aliases a
     WHERE a.id = m.id AND a.version = m.version ORDER BY alias)) AS aliases,
  (SELECT json_group_array(tag) FROM (SELECT tag FROM model_tags t
     WHERE t.id = m.id AND t.version = m.version ORDER BY tag)) AS tags
FROM models m"""
FIXED = frozenset({"id", "version", "aliases", "registered_at"})


class Models(Table):
    """The models of a catalog."""

    def add_model(self, record: ModelRecord) -> ModelRecord:
        """Add the next version of a name, whatever version the record bears.

        Returns:
            The record as it was added; the latest version as it is where path and digest are the same.
        """
        with self._connection.writing() as connection:
            last = connection.execute("SELECT MAX(version) FROM models WHERE id=?", (record.id,)).fetchone()[0] or 0
            latest = self._one(connection, record.id, last)
            if latest is not None and _same(latest, record):
                return latest
            added = dataclasses.replace(record, version=last + 1, aliases=())
            connection.execute(
                "INSERT INTO models VALUES (?,?,?,?,?,?,?,?)",
                (added.id, added.version, added.registered_at, *_columns(added)),
            )
            _set_tags(connection, added)
        for alias in record.aliases:
            self.set_alias(added.id, added.version, alias)
        return dataclasses.replace(added, aliases=record.aliases)

    def models(
        self, kind: str | None = None, tag: str | None = None, limit: int = 100, offset: int = 0
    ) -> tuple[list[ModelRecord], int]:
        """A page of all versions of models, the newest first, and how many there are."""
        conditions, values = ["m.state != 'deleted'"], []
        if kind is not None:
            conditions.append("m.kind = ?")
            values.append(kind)
        if tag is not None:
            conditions.append(
                "EXISTS (SELECT 1 FROM model_tags t WHERE t.id = m.id AND t.version = m.version AND t.tag = ?)"
            )
            values.append(tag)
        where = " AND ".join(conditions)
        total = self._count(f"SELECT COUNT(*) FROM models m WHERE {where}", tuple(values))  # noqa: S608 - our own words
        query = f"{SELECT} WHERE {where} ORDER BY m.registered_at DESC, m.rowid DESC LIMIT ? OFFSET ?"
        return [model_row(row) for row in self._connection.rows(query, (*values, limit, offset))], total

    def versions(self, name: str) -> list[ModelRecord]:
        """All versions of a name, the oldest first."""
        query = f"{SELECT} WHERE m.id = ? AND m.state != 'deleted' ORDER BY m.version"
        return [model_row(row) for row in self._connection.rows(query, (name,))]

    def model(self, reference: str) -> ModelRecord:
        """The model of a reference: `name` (its latest version), `name@3` or `name@alias`.

        Raises:
            UnknownIdError: there is none; the sentence has names near it.
        """
        name, at, which = reference.partition("@")
        versions = self.versions(name)
        if not versions:
            rows = self._connection.rows("SELECT DISTINCT id FROM models WHERE state != 'deleted'")
            raise unknown("model", name, (row["id"] for row in rows))
        if not at:
            return versions[-1]
        for record in versions:
            if which in record.aliases or which == str(record.version):
                return record
        have = [str(record.version) for record in versions] + [alias for record in versions for alias in record.aliases]
        raise UnknownIdError(
            f"The model {shown(name, 80)} has no version or alias '{shown(which, 80)}'.",
            f"It has {', '.join(f'{name}@{one}' for one in have[-20:])}.",
        )

    def update_model(self, name: str, version: int, **fields: Any) -> ModelRecord:
        """Change fields of a version; tags are replaced as a whole.

        Raises:
            UnknownIdError: there is no such version.
        """
        with self._connection.writing() as connection:
            record = changed(self._known(connection, name, version), fields, FIXED)
            connection.execute(
                "UPDATE models SET kind=?, digest=?, path=?, state=?, record=? WHERE id=? AND version=?",
                (*_columns(record), name, version),
            )
            _set_tags(connection, record)
        return record

    def set_alias(self, name: str, version: int, alias: str) -> None:
        """Point an alias at a version; it leaves the one that had it.

        Raises:
            UnknownIdError: there is no such version.
        """
        with self._connection.writing() as connection:
            self._known(connection, name, version)
            connection.execute("INSERT OR REPLACE INTO model_aliases VALUES (?,?,?)", (name, alias, version))

    def _one(self, connection: sqlite3.Connection, name: str, version: int) -> ModelRecord | None:
        row = connection.execute(f"{SELECT} WHERE m.id=? AND m.version=?", (name, version)).fetchone()
        return None if row is None else model_row(row)

    def _known(self, connection: sqlite3.Connection, name: str, version: int) -> ModelRecord:
        record = self._one(connection, name, version)
        if record is None:
            raise unknown("model", f"{name}@{version}", ())
        return record


def _same(latest: ModelRecord, record: ModelRecord) -> bool:
    return latest.state != "deleted" and (latest.path, latest.digest) == (record.path, record.digest)


def _columns(record: ModelRecord) -> tuple[str | None, ...]:
    return record.kind, record.digest, record.path, record.state, dump(record)


def _set_tags(connection: sqlite3.Connection, record: ModelRecord) -> None:
    connection.execute("DELETE FROM model_tags WHERE id=? AND version=?", (record.id, record.version))
    rows = [(record.id, record.version, tag) for tag in sorted(set(record.tags))]
    connection.executemany("INSERT INTO model_tags VALUES (?,?,?)", rows)
