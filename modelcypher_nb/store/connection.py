"""The catalog's SQLite connection: one a process, under a lock, reopened after a fork."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..errors import MalformedError, StorageError
from ..guard.secrets import shown
from .network_home import is_on_network
from .schema import migrate

if TYPE_CHECKING:
    from ..guard.safe_path import SafePath

__all__ = ["FILE_NAME", "Connection"]

FILE_NAME = "catalog.sqlite3"
BUSY_MILLISECONDS = 10_000


class Connection:
    """Runs statements; a missing catalog reads as empty and is made by the first write.

    SQLite opens by name, so this is the one place that hands it one: the home folder, which was opened and checked,
    and a fixed file name in it.
    """

    def __init__(self, home: SafePath) -> None:
        self._home = home
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._process = os.getpid()

    @property
    def path(self) -> str:
        """Where the file is."""
        return os.path.join(self._home.location, FILE_NAME)  # noqa: PTH118

    def _exists(self) -> bool:
        return any(entry.name == FILE_NAME and entry.is_file for entry in self._home.list())

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None and self._process == os.getpid():
            return self._connection
        # A connection must not cross a fork: the child forgets the parent's without closing it, which would
        # release the parent's locks.
        self._process = os.getpid()
        if not self._exists():
            self._home.append(FILE_NAME).close()  # mode 0600, never through a link
        connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=0)
        connection.row_factory = sqlite3.Row
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
        if not is_on_network(self._home.location):
            connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        migrate(connection)
        self._connection = connection
        return connection

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection | None]:
        """The connection, or None where there is no catalog yet."""
        with self._lock, self._explained():
            if self._connection is None and not self._exists():
                yield None
            else:
                yield self._open()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """The connection within a transaction that is committed as a whole or not at all."""
        with self._lock, self._explained():
            connection = self._open()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise StorageError(
                f"The catalog {shown(self.path)} can't be used: {shown(error)}.",
                "Free some disk space, or stop the process that holds it, then try again.",
            ) from error
        except sqlite3.DatabaseError as error:
            raise MalformedError(
                f"The catalog {shown(self.path)} is damaged: {shown(error)}.",
                "Move it aside and register the models again; runs and checkpoints beside it are untouched.",
            ) from error

    def rows(self, query: str, values: tuple[Any, ...] = ()) -> list[sqlite3.Row]:
        """What a query gives; nothing where there is no catalog yet."""
        with self.reading() as connection:
            return [] if connection is None else connection.execute(query, values).fetchall()

    def data_version(self) -> int:
        """A number that changes when another connection wrote; an idle look costs next to nothing."""
        with self.reading() as connection:
            return 0 if connection is None else int(connection.execute("PRAGMA data_version").fetchone()[0])

    def close(self) -> None:
        """Close it; the next use opens it again."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None and self._process == os.getpid():
                connection.close()
