"""The trust ledger: which class a person allowed for which content, never for any other."""

from __future__ import annotations

import time
from dataclasses import dataclass

from .table import Table

__all__ = ["Trust", "TrustRecord"]


@dataclass(frozen=True, slots=True)
class TrustRecord:
    """One allowance.

    Attributes:
        digest: `sha256:` and hexadecimal digits of the one file that it is for.
        class_name: the full name of the class, as the file spells it.
        allowed_at: seconds since 1970, UTC.
        size_bytes: how large that file is, where it was there: files of other sizes needn't be hashed.
    """

    digest: str
    class_name: str
    allowed_at: float
    size_bytes: int | None = None


class Trust(Table):
    """The allowed classes of a catalog."""

    def allow_class(self, digest: str, class_name: str, size_bytes: int | None) -> None:
        """Allow a class for one content; allowing it again changes nothing but a size that wasn't known."""
        with self._connection.writing() as connection:
            connection.execute(
                "INSERT INTO trust (digest, class_name, allowed_at, size_bytes) VALUES (?,?,?,?) "
                "ON CONFLICT (digest, class_name) DO UPDATE SET size_bytes = COALESCE(size_bytes, excluded.size_bytes)",
                (digest, class_name, time.time(), size_bytes),
            )

    def disallow_class(self, digest: str, class_name: str) -> bool:
        """Take an allowance back; gives whether there was one."""
        with self._connection.writing() as connection:
            done = connection.execute("DELETE FROM trust WHERE digest=? AND class_name=?", (digest, class_name))
            return done.rowcount > 0

    def allowed_classes(
        self, digest: str | None = None, limit: int = -1, offset: int = 0
    ) -> tuple[list[TrustRecord], int]:
        """The allowances, of all contents or of one, the newest first, and how many there are."""
        where, values = ("WHERE digest = ?", (digest,)) if digest is not None else ("", ())
        total = self._count(f"SELECT COUNT(*) FROM trust {where}", values)  # noqa: S608 - our own words
        query = f"SELECT * FROM trust {where} ORDER BY allowed_at DESC, class_name LIMIT ? OFFSET ?"  # noqa: S608
        rows = self._connection.rows(query, (*values, limit, offset))
        return [TrustRecord(**dict(row)) for row in rows], total
