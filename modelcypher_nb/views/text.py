"""Facts as text for terminals: aligned, compact, and the same each time where volatile values are left out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..guard.secrets import shown
from .sheet import Block, Cell, Sheet, Table
from .sheets import sheet_of

__all__ = ["draw", "render", "sheet_of"]

LONGEST = 120  # characters of one cell; whoever needs all of it asks for --json
SENTENCE = 2000  # of one sentence: a reason that is cut off is none
ELLIPSIS = "…"


def render(facts: Any, *, volatile: bool = True, every_row: bool = False) -> str:
    """The text of any operation's facts.

    Args:
        facts: what the operation gave.
        volatile: whether times, paths, ids and speeds are shown; a notebook's stored text is compared without them.
        every_row: whether tables show all they hold, as after a question for a number of them.
    """
    return draw(sheet_of(facts), volatile=volatile, every_row=every_row)


def draw(sheet: Sheet, *, volatile: bool = True, every_row: bool = False) -> str:
    """The text of a sheet."""
    tables = sheet.tables if every_row else [replace(table, rows=table.rows[: table.shown]) for table in sheet.tables]
    parts = [_heading(sheet, volatile=volatile)]
    facts = [(label, value) for label, value in sheet.facts if volatile or not value.volatile]
    if facts:
        width = max(len(label) for label, _ in facts)
        parts.append("\n".join(f"  {label.ljust(width)}  {_text(value)}" for label, value in facts))
    parts += [drawn for table in tables if (drawn := _table(table, volatile=volatile))]
    parts += [_block(block) for block in sheet.blocks if volatile or not block.volatile]
    parts += [_text(note, 2000) for note in sheet.notes if volatile or not note.volatile]
    return "\n\n".join(part for part in parts if part)


def _text(cell: Cell, limit: int = LONGEST) -> str:
    return shown(cell.text, limit)


def _heading(sheet: Sheet, *, volatile: bool) -> str:
    first = shown(sheet.title, LONGEST) + (f"  [{shown(sheet.badge, 40)}]" if sheet.badge else "")
    if sheet.subtitle is None or (sheet.subtitle.volatile and not volatile):
        return first
    return f"{first}\n{_text(sheet.subtitle, 200)}"


def _table(table: Table, *, volatile: bool) -> str:
    if not table.rows:
        return f"{table.title}: {table.empty}" if table.empty else ""
    kept = [
        index
        for index in range(len(table.columns))
        if volatile or not all(row[index].volatile or not row[index].text for row in table.rows)
    ]
    if not kept:
        return ""
    if table.stacked:
        return _stack(table, kept, volatile=volatile)
    rows = [
        [ELLIPSIS if row[index].volatile and not volatile else _text(row[index]) for index in kept]
        for row in table.rows
    ]
    heads = [table.columns[index].label for index in kept]
    numbers = [table.columns[index].number for index in kept]
    widths = [max(len(line[place]) for line in [heads, *rows]) for place in range(len(kept))]
    lines = [_line(line, widths, numbers) for line in ([heads, *rows] if any(heads) else rows)]
    return _titled(table, lines)


def _stack(table: Table, kept: list[int], *, volatile: bool) -> str:
    """Rows of sentences: the first cell, and beside it the others, one below another."""
    width = max(len(_text(row[kept[0]])) for row in table.rows)
    lines = []
    for row in table.rows:
        cells = (row[index] for index in kept)
        first, *sentences = (_text(cell, SENTENCE) if volatile or not cell.volatile else "" for cell in cells)
        said = [text for text in sentences if text and not any(text in other for other in sentences if other != text)]
        lines.append(f"  {first.ljust(width)}  {said[0] if said else ''}".rstrip())
        lines += [f"  {' ' * width}  {text}" for text in said[1:]]
    return _titled(table, lines)


def _titled(table: Table, lines: list[str]) -> str:
    more = table.total - len(table.rows)
    title = f"{table.title} ({table.total:,})" if table.title else ""
    tail = [f"  … and {more:,} more"] if more > 0 else []
    return "\n".join(([title] if title else []) + lines + tail)


def _line(cells: list[str], widths: list[int], numbers: list[bool]) -> str:
    parts = (
        text.rjust(width) if number else text.ljust(width)
        for text, width, number in zip(cells, widths, numbers, strict=True)
    )
    return ("  " + "  ".join(parts)).rstrip()


def _block(block: Block) -> str:
    lines = "\n".join(shown(line, 2000) for line in block.lines)
    return f"{block.title}\n{lines}" if block.title else lines
