"""Facts as small self-contained HTML: for closed notebooks, exported pages and code hosts, in light and dark."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .markup import Markup, element, joined
from .sheet import Block, Cell, Sheet, Table
from .sheets import sheet_of

__all__ = ["draw", "render"]

# Every colour comes from the text's own, so that a page in the dark needs no second set.
EDGE = "color-mix(in srgb,currentColor 25%,transparent)"
BOX = (
    f"font-size:13px;line-height:1.45;max-width:860px;border:1px solid {EDGE};border-radius:6px;"
    "padding:10px 14px;margin:4px 0"
)
BADGE = f"border:1px solid {EDGE};border-radius:9px;padding:0 8px;font-size:12px;font-weight:400;margin-left:8px"
FAINT = "opacity:.7"
TABLE = "border-collapse:collapse;margin:2px 0 6px;font-size:12px"
LABEL = "text-align:left;vertical-align:top;font-weight:400;opacity:.7;padding:1px 14px 1px 0;white-space:nowrap"
VALUE = "text-align:left;vertical-align:top;padding:1px 0;overflow-wrap:anywhere"
RULE = f"border-bottom:1px solid {EDGE}"
NUMBER = "text-align:right;font-variant-numeric:tabular-nums;padding:1px 14px 1px 0;white-space:nowrap"
WORD = "text-align:left;padding:1px 14px 1px 0;white-space:nowrap"
LONG = "text-align:left;padding:1px 14px 1px 0;overflow-wrap:anywhere"  # gives way when the place is narrow
LONG_CHARACTERS = 32
STACKED = f"display:flex;gap:12px;padding:3px 0;font-size:12px;{RULE}"  # no table: pages set the width of their columns
MOST_ROWS = 40
SENTENCE = 2000  # characters of one sentence: a reason that is cut off is none


def render(facts: Any) -> str:
    """The HTML of any operation's facts."""
    return draw(sheet_of(facts))


def draw(sheet: Sheet, most_rows: int = MOST_ROWS) -> str:
    """The HTML of a sheet; at most `most_rows` of each table."""
    parts = [_heading(sheet)]
    if sheet.picture:
        parts.append(element("div", {"data-volatile": True, "style": "margin:6px 0"}, Markup(sheet.picture)))
    if sheet.facts:
        rows = [
            element("tr", None, element("th", {"style": LABEL}, label), _cell("td", value, VALUE))
            for label, value in sheet.facts
        ]
        parts.append(element("table", {"style": TABLE}, element("tbody", None, *rows)))
    parts += [_table(table, most_rows) for table in sheet.tables if table.rows or table.empty]
    parts += [_block(block, most_rows) for block in sheet.blocks]
    parts += [_cell("p", note, "margin:4px 0") for note in sheet.notes]
    return str(element("div", {"style": BOX}, *parts))


def _heading(sheet: Sheet) -> Markup:
    badge = element("span", {"style": BADGE}, sheet.badge) if sheet.badge else Markup("")
    title = element("div", {"style": "font-size:15px;font-weight:600"}, sheet.title, badge)
    return joined(title, _cell("div", sheet.subtitle, FAINT)) if sheet.subtitle else title


def _cell(tag: str, value: Cell, style: str) -> Markup:
    strong = ";font-weight:600" if value.strong else ""
    return element(tag, {"style": style + strong, "data-volatile": value.volatile}, value.text)


def _table(table: Table, most_rows: int) -> Markup:
    if not table.rows:
        return element("div", {"style": FAINT}, f"{table.title}: {table.empty}")
    if table.stacked:
        return _stack(table, most_rows)
    head = [
        element("th", {"style": f"{RULE};{NUMBER if column.number else WORD};font-weight:600"}, column.label)
        for column in table.columns
    ]
    rows = [
        element("tr", None, *(
            _cell("td", value, NUMBER if column.number else WORD if len(value.text) < LONG_CHARACTERS else LONG)
            for column, value in zip(table.columns, row, strict=True)
        ))
        for row in table.rows[: table.shown][:most_rows]
    ]  # fmt: skip
    named = any(column.label for column in table.columns)
    top = element("thead", None, element("tr", None, *head)) if named else Markup("")
    grid = element("table", {"style": TABLE}, top, element("tbody", None, *rows))
    return _titled(table, grid, len(rows))


def _stack(table: Table, most_rows: int) -> Markup:
    """Rows of sentences: the first cell, and beside it the others, one below another."""
    rows = [
        element(
            "div",
            {"style": STACKED},
            element("div", {"style": "min-width:64px;font-weight:600"}, first.text),
            element("div", {"style": "flex:1;min-width:0;overflow-wrap:anywhere"}, *_sentences(rest)),
        )
        for first, *rest in table.rows[:most_rows]
    ]
    return _titled(table, joined(*rows), len(rows))


def _sentences(cells: Sequence[Cell]) -> list[Markup]:
    """The cells that say something of their own: the first as it is, the others in smaller voice."""
    told = [cell for cell in cells if cell.text]
    kept = [cell for cell in told if not any(cell.text in other.text for other in told if other.text != cell.text)]
    return [
        element("div", {"style": FAINT if place else "", "data-volatile": cell.volatile}, cell.text, limit=SENTENCE)
        for place, cell in enumerate(kept)
    ]


def _titled(table: Table, grid: Markup, shown: int) -> Markup:
    more = table.total - shown
    tail = element("div", {"style": FAINT}, f"… and {more:,} more") if more > 0 else Markup("")
    title = f"{table.title} ({table.total:,})"
    if table.folded:
        return element("details", None, element("summary", None, title), grid, tail)
    return joined(element("div", {"style": "font-weight:600;margin-top:6px"}, title), grid, tail)


def _block(block: Block, most_rows: int) -> Markup:
    lines = Markup("\n").join(element("span", None, line, limit=2000) for line in block.lines[-most_rows * 5 :])
    body = element("pre", {"style": "margin:4px 0;overflow-x:auto", "data-volatile": block.volatile}, Markup(lines))
    if block.folded:
        return element("details", None, element("summary", None, block.title), body)
    return joined(element("div", {"style": "font-weight:600"}, block.title), body) if block.title else body
