"""The catalog's SQLite connection: one a process, under a lock, opened anew after a fork."""

from __future__ import annotations

import os
import sqlite3
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..errors import ConflictError, MalformedError, StorageError
from ..guard.safe_path import REGISTRY
from ..guard.secrets import shown
from .host_claim import HostClaim
from .network_home import is_on_network
from .schema import migrate

if TYPE_CHECKING:
    from ..guard.safe_path import SafePath

__all__ = ["FILE_NAME", "Connection"]

FILE_NAME = REGISTRY
BUSY_MILLISECONDS = 10_000

_connections: weakref.WeakSet[Connection] = weakref.WeakSet()
# A child that closed its parent's connections could take the parent's locks with them: it keeps them and looks away.
_inherited: list[sqlite3.Connection | None] = []


def _forget_after_fork() -> None:
    for connection in _connections:
        connection.forget()


os.register_at_fork(after_in_child=_forget_after_fork)


class Connection:
    """Runs statements; a missing catalog reads as empty and is made by the first write."""

    def __init__(self, home: SafePath) -> None:
        self._home = home
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._claim: HostClaim | None = None
        _connections.add(self)

    @property
    def path(self) -> str:
        """Where the file is."""
        return os.path.join(self._home.location, FILE_NAME)  # noqa: PTH118

    def forget(self) -> None:
        """Begin anew in a child process, also with the lock, which a thread of the parent may have held."""
        _inherited.append(self._connection)
        self._lock = threading.RLock()
        self._connection = None

    def _exists(self) -> bool:
        return any(entry.name == FILE_NAME and entry.is_file for entry in self._home.list())

    def _opened(self) -> sqlite3.Connection:
        if self._claim is not None:
            self._claim.renew()
        if self._connection is not None:
            return self._connection
        on_network = is_on_network(self._home.location)
        if on_network:
            self._claim = HostClaim(self._home)
            self._claim.renew()
        if not self._exists():
            self._home.append(FILE_NAME).close()  # mode 0600, never through a link
        # SQLite opens by name, also the files it keeps beside this one. The guard resolved and opened the folder, the
        # file in it is an ordinary one, and nobody but the person may write there.
        connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        try:
            connection.row_factory = sqlite3.Row
            connection.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
            # WAL needs shared memory, which a network file system has not.
            connection.execute(f"PRAGMA journal_mode = {'DELETE' if on_network else 'WAL'}")
            # With WAL a power failure may take the last transactions, never the catalog; without, each commit waits.
            connection.execute(f"PRAGMA synchronous = {'FULL' if on_network else 'NORMAL'}")
            migrate(connection)
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return connection

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection | None]:
        """The connection, or None where there is no catalog yet."""
        with self._lock, self._explained():
            if self._connection is None and not self._exists():
                yield None
            else:
                yield self._opened()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """The connection within a transaction that is committed as a whole or not at all."""
        with self._lock, self._explained():
            connection = self._opened()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:  # something was raised, the disk's refusal of the commit included
                    connection.execute("ROLLBACK")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.IntegrityError as error:
            raise ConflictError(
                f"The catalog refuses the row: {shown(error)}.", "Choose another id, or look at the one that is there."
            ) from error
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
            if connection is not None:
                connection.close()
