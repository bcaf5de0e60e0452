"""The catalog: models, trust, jobs, checkpoints, commands and audit as rows that every process on the home shares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .connection import Connection
from .schema import MIGRATIONS, SCHEMA_VERSION
from .tables.audit import Audit
from .tables.checkpoints import Checkpoints
from .tables.commands import Commands
from .tables.jobs import Jobs
from .tables.models import Models
from .tables.trust import Trust

if TYPE_CHECKING:
    from ..guard.safe_path import SafePath

__all__ = ["MIGRATIONS", "SCHEMA_VERSION", "Catalog"]


class Catalog(Models, Trust, Jobs, Checkpoints, Commands, Audit):
    """All tables on one connection, for all threads of a process.

    Reading a home without a catalog gives nothing and makes nothing; the first write makes the file.
    """

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
        """A number that changes when another process wrote; an idle look costs next to nothing."""
        return self._connection.data_version()
