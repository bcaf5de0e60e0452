"""A sheet: what is said about facts, once, before text and HTML draw it each in their way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

__all__ = ["Block", "Cell", "Column", "Sheet", "Table", "cell", "pairs", "table", "volatile"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One text.

    Attributes:
        text: as it is; whoever draws it redacts and escapes it.
        volatile: whether it differs from one run of a notebook to the next (a time, a path, an id, a speed).
        strong: whether it is what the eye looks for.
    """

    text: str
    volatile: bool = False
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """A table's column; numbers stand right."""

    label: str
    number: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a title.

    Attributes:
        total: how many rows there are in all; `rows` may hold fewer.
        folded: whether HTML shows it only on request.
        shown: how many rows are shown where nobody asked for a number; all of them where None.
        stacked: whether its cells are sentences, which text sets below one another instead of side by side.
        empty: what is said where there is none; an empty text leaves the table out.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: int
    folded: bool = False
    empty: str = ""
    stacked: bool = False
    shown: int | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that keep their breaks: a log, a snippet to paste.

    Attributes:
        folded: whether HTML shows it only on request.
    """

    title: str
    lines: tuple[str, ...]
    volatile: bool = False
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """Everything that is said about one object.

    Attributes:
        title: its name.
        badge: its state or verdict, in one word.
        subtitle: one line under it.
        facts: labels and values; a value of None is left out.
        notes: sentences.
        picture: SVG of our own making, drawn in HTML alone.
    """

    title: str
    badge: str = ""
    subtitle: Cell | None = None
    facts: tuple[tuple[str, Cell], ...] = ()
    tables: tuple[Table, ...] = ()
    blocks: tuple[Block, ...] = ()
    notes: tuple[Cell, ...] = ()
    picture: str = field(default="", repr=False)


def cell(value: object) -> Cell:
    """A cell of a value; None is an empty one."""
    if isinstance(value, Cell):
        return value
    return Cell("" if value is None else str(value))


def volatile(value: object) -> Cell:
    """A cell that differs from run to run."""
    return Cell("" if value is None else str(value), volatile=True)


def pairs(*entries: tuple[str, object]) -> tuple[tuple[str, Cell], ...]:
    """Labels with their values, without those that have none."""
    cells = ((label, cell(value)) for label, value in entries if value is not None)
    return tuple((label, value) for label, value in cells if value.text)


def table(
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    total: int | None = None,
    folded: bool = False,
    empty: str = "",
    stacked: bool = False,
    shown: int | None = None,
) -> Table:
    """A table; a column whose label starts with `#` holds numbers."""
    made = tuple(tuple(cell(value) for value in row) for row in rows)
    heads = tuple(Column(label.lstrip("#"), label.startswith("#")) for label in columns)
    return Table(title, heads, made, len(made) if total is None else total, folded, empty, stacked, shown)
