"""Commands: requests to the process that a job runs in, and what came of them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ...errors import UnknownIdError
from ..rows import command_row, dump
from .table import Table

if TYPE_CHECKING:
    from ..records import CommandRecord

__all__ = ["Commands"]


class Commands(Table):
    """The commands of a catalog."""

    def request(self, job: str, verb: str, arguments: dict[str, Any], principal: str) -> int:
        """Ask the owner of a job for something; gives the command's sequence number."""
        with self._connection.writing() as connection:
            cursor = connection.execute(
                "INSERT INTO commands (job, verb, arguments, principal, requested_at) VALUES (?,?,?,?,?)",
                (job, verb, dump(arguments), principal, time.time()),
            )
            return int(cursor.lastrowid or 0)

    def commands(self, job: str, after: int = 0, *, open_only: bool = True) -> list[CommandRecord]:
        """The commands for a job in the order they were given, beyond a sequence number."""
        still_open = "AND done_at IS NULL" if open_only else ""
        query = f"SELECT * FROM commands WHERE job = ? AND sequence > ? {still_open} ORDER BY sequence"  # noqa: S608
        return [command_row(row) for row in self._connection.rows(query, (job, after))]

    def command(self, sequence: int) -> CommandRecord:
        """One command.

        Raises:
            UnknownIdError: there is none of that number.
        """
        rows = self._connection.rows("SELECT * FROM commands WHERE sequence = ?", (sequence,))
        if not rows:
            raise UnknownIdError(f"There is no command {sequence}.", "Give the command again.")
        return command_row(rows[0])

    def receive(self, sequence: int) -> None:
        """Note that the owner has seen a command."""
        with self._connection.writing() as connection:
            connection.execute(
                "UPDATE commands SET received_at=? WHERE sequence=? AND received_at IS NULL", (time.time(), sequence)
            )

    def finish(self, sequence: int, result: dict[str, Any]) -> None:
        """Note that the owner obeyed a command, or why not; the first answer stays."""
        now = time.time()
        with self._connection.writing() as connection:
            connection.execute(
                "UPDATE commands SET received_at=COALESCE(received_at, ?1), done_at=?1, result=?2 "
                "WHERE sequence=?3 AND done_at IS NULL",
                (now, dump(result), sequence),
            )
