"""Pages of a list: a cursor is the offset of the next page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypeVar

from ..errors import UsageError
from ..guard.secrets import shown
from .operation import Param

__all__ = ["Cursor", "Limit", "following", "offset_of", "page"]

Item = TypeVar("Item")

Limit = Annotated[int, Param("How many at most.", ge=1, le=1_000_000)]
Cursor = Annotated[str | None, Param("Where the page before this one ended.")]


def offset_of(cursor: str | None) -> int:
    """The offset that a cursor names."""
    if cursor is None:
        return 0
    if not cursor.isascii() or not cursor.isdigit() or len(cursor) > 12:
        raise UsageError(f"'{shown(cursor, 40)}' is no cursor.", "Give the cursor of the page before, or leave it out.")
    return int(cursor)


def following(cursor: str | None, count: int, total: int) -> str | None:
    """The cursor of the next page, or None after the last."""
    end = offset_of(cursor) + count
    return str(end) if end < total else None


def page(items: Sequence[Item], limit: int, cursor: str | None) -> tuple[tuple[Item, ...], str | None]:
    """One page of a whole list, and the cursor of the next."""
    start = offset_of(cursor)
    taken = tuple(items[start : start + limit])
    return taken, following(cursor, len(taken), len(items))
