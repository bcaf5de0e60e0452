"""The audit log: one row a use, only ever added to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..rows import audit_row, dump
from .table import Table

if TYPE_CHECKING:
    from ..audit_record import AuditRecord

__all__ = ["Audit"]


class Audit(Table):
    """The audit log of a catalog."""

    def add_audit(self, record: AuditRecord) -> None:
        """Add a row; the tables' triggers refuse to change or remove one."""
        with self._connection.writing() as connection:
            connection.execute(
                "INSERT INTO audit (time, principal, operation, arguments, outcome, milliseconds) VALUES (?,?,?,?,?,?)",
                (record.time, record.principal, record.operation, dump(record.arguments), record.outcome,
                 record.milliseconds),
            )  # fmt: skip

    def audit(self, limit: int = 100, principal: str | None = None) -> list[AuditRecord]:
        """The newest rows, the newest first, of all or of one principal."""
        where, values = ("WHERE principal = ?", (principal,)) if principal is not None else ("", ())
        query = f"SELECT * FROM audit {where} ORDER BY sequence DESC LIMIT ?"  # noqa: S608 - our own words
        return [audit_row(row) for row in self._connection.rows(query, (*values, limit))]
