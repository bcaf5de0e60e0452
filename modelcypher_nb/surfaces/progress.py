"""How far a long work is: a line of a terminal that goes away at the end, or an output of the cell that does."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

from ..operations.session import Tell
from ..views import numbers

__all__ = ["in_cell", "on_terminal"]

PATIENCE_SECONDS = 0.5  # work that is done sooner needs no line
CELL_PATIENCE_SECONDS = 2.0  # a stored notebook keeps what was shown
EVERY_SECONDS = 0.1


@contextlib.contextmanager
def on_terminal(what: str) -> Iterator[Tell]:
    """Show it on stderr, on one line that is taken away at the end."""
    width = 0

    def write(text: str) -> None:
        with contextlib.suppress(OSError):  # a terminal that went away is no reason to stop working
            sys.stderr.write(text)
            sys.stderr.flush()

    def show(text: str) -> None:
        nonlocal width
        write("\r" + text.ljust(width))
        width = max(width, len(text))

    try:
        yield _paced(what, PATIENCE_SECONDS, show)
    finally:
        if width:
            write(f"\r{' ' * width}\r")


@contextlib.contextmanager
def in_cell(what: str) -> Iterator[Tell]:
    """Show it under the cell that is running."""
    from IPython.display import publish_display_data

    publish: Callable[..., None] = publish_display_data
    transient = {"display_id": f"progress-{time.monotonic_ns()}"}
    shown = False

    def show(text: str) -> None:
        nonlocal shown
        publish({"text/plain": text}, transient=transient, update=shown)
        shown = True

    try:
        yield _paced(what, CELL_PATIENCE_SECONDS, show)
    finally:
        if shown:
            show("")


def _paced(what: str, patience: float, show: Callable[[str], None]) -> Tell:
    """Show not too soon and not too often."""
    due = time.monotonic() + patience

    def tell(done: int, total: int) -> None:
        nonlocal due
        now = time.monotonic()
        if now >= due:
            due = now + EVERY_SECONDS
            show(_line(what, done, total))

    return tell


def _line(what: str, done: int, total: int) -> str:
    """`scanned 120 of 2,000 files (6.0 %)`; without the rest where nobody knows how many there are."""
    verb, _, unit = what.partition(" ")
    written = numbers.size if unit == "bytes" else numbers.whole
    named = "" if unit == "bytes" else f" {unit}"
    if not total:
        return f"{verb} {written(done)}{named}"
    return f"{verb} {written(done)} of {written(total)}{named} ({numbers.percent(done / total)})"
