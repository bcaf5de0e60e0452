"""What every table of the catalog shares: the connection, counting, and the wording of an unknown id."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from ...errors import InternalError, UnknownIdError
from ...guard.secrets import shown

if TYPE_CHECKING:
    from ..connection import Connection

__all__ = ["Table", "changed", "unknown"]

Record = TypeVar("Record")


class Table:
    """A table on the catalog's connection."""

    _connection: Connection

    def _count(self, query: str, values: tuple[Any, ...]) -> int:
        rows = self._connection.rows(query, values)
        return int(rows[0][0]) if rows else 0


def changed(record: Record, fields: dict[str, Any], fixed: frozenset[str]) -> Record:
    """A record with other values in some fields.

    Raises:
        InternalError: it has no such field, or one that an update must not touch.
    """
    known = {item.name for item in dataclasses.fields(record)}  # type: ignore[arg-type]
    wrong = sorted(fields.keys() - known | fields.keys() & fixed)
    if wrong:
        kind = type(record).__name__
        raise InternalError(
            f"An update of a {kind} named {', '.join(wrong)}, which it can't change.",
            "Report this with the command that you gave.",
        )
    return dataclasses.replace(record, **fields)  # type: ignore[type-var]


def unknown(what: str, reference: str, known: Iterable[str]) -> UnknownIdError:
    """The error for an id that isn't there, with the names near it."""
    import difflib  # only a mistake needs it

    near = difflib.get_close_matches(reference[:200], list(known), n=3, cutoff=0.5)
    meant = f", did you mean {' or '.join(near)}?" if near else "."
    return UnknownIdError(
        f"There is no {what} '{shown(reference, 80)}'{meant}", f"List what there is with: mc {what} list"
    )
