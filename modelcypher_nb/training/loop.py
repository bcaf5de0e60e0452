"""The iterator that a person's `for` runs over: batches, step boundaries, and how the loop was left."""

from __future__ import annotations

import opcode
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

from .interrupts import Interrupts

if TYPE_CHECKING:
    from .engine import Engine

__all__ = ["Steps"]

# What Python executes when a loop is left on purpose (break, return, a generator closed) or its iterator is dropped
# later; pairs such as STORE_FAST_LOAD_FAST (from 3.13 on) begin like the first of them. Hardly any of these raises, so
# an iterator that dies at another instruction dies because the loop's body raised. The names are Python's own affair
# and change from one version to the next: `_readable` finds out whether they still mean this.
DROPS = (
    "POP_TOP", "POP_ITER", "END_FOR", "YIELD_VALUE", "RESUME",
    *(f"{verb}_{kind}" for verb in ("STORE", "DELETE") for kind in ("FAST", "NAME", "GLOBAL", "DEREF")),
)  # fmt: skip


def _instruction(frame: FrameType) -> str:
    """The name of the instruction that a frame is at, or an empty text."""
    code = frame.f_code.co_code
    return opcode.opname[code[frame.f_lasti]] if 0 <= frame.f_lasti < len(code) else ""


class _Probe:
    """An iterator that notes how it was asked for the next item, and where the frame was when it died."""

    def __init__(self, seen: list[str]) -> None:
        self._seen = seen

    def __iter__(self) -> _Probe:
        return self

    def __next__(self) -> int:
        self._seen.append(_instruction(sys._getframe(1)))  # noqa: SLF001 - documented
        return 0

    def __del__(self) -> None:
        self._seen.append(_instruction(sys._getframe(1)))  # noqa: SLF001 - documented


def _probe_break(seen: list[str]) -> None:
    for _ in _Probe(seen):
        break


def _probe_return(seen: list[str]) -> int:
    for number in _Probe(seen):
        return number
    return 1


def _probe_call(seen: list[str]) -> None:
    for _ in _Probe(seen):
        int("")


def _probe_raise(seen: list[str]) -> None:
    for _ in _Probe(seen):
        raise ValueError


@cache
def _readable() -> bool:
    """Whether this Python's instructions tell a loop that was left from one whose body raised (3.11 to 3.13 do)."""
    for probe, raises in ((_probe_break, False), (_probe_return, False), (_probe_call, True), (_probe_raise, True)):
        seen: list[str] = []
        with suppress(ValueError):
            probe(seen)
        if len(seen) != 2 or seen[0] != "FOR_ITER" or seen[1].startswith(DROPS) == raises:
            return False
    return True


class Steps:
    """One pass over the data; hold no second reference to it, so that Python drops it the moment the loop is left.

    `break` ends the run as cancelled, with a checkpoint if the last batch was trained on. An exception in the loop's
    body ends it as failed. On a Python whose instructions can't be read, an exception counts as `break`, so that no
    step is lost: the worst that comes of it is a checkpoint too many.
    """

    def __init__(self, run: Engine, batches: Iterator[Any]) -> None:
        self._run = run
        self._batches = batches
        self._interrupts = Interrupts(run.mailbox)
        self._over = False
        self._code: CodeType | None = None
        self._thread = 0
        self._by_for = False

    def __iter__(self) -> Steps:
        return self

    def __next__(self) -> Any:
        if self._code is None:
            self._code, self._thread = sys._getframe(1).f_code, threading.get_ident()  # noqa: SLF001 - documented
            self._by_for = _instruction(sys._getframe(1)) == "FOR_ITER"  # noqa: SLF001 - documented
            self._interrupts.install()
        try:
            return next(self._batches)
        except BaseException as error:
            self._end()
            if not isinstance(error, StopIteration):
                self._run.loop_raised(error, hard=self._interrupts.hard)
            raise

    def close(self) -> None:
        """Leave the loop on purpose, as `break` does."""
        if not self._over:
            self._end()
            self._run.loop_left()

    def __del__(self) -> None:
        if self._over or self._code is None or sys.is_finalizing():
            return
        self._end()
        frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - documented
        if self._interrupts.hard or self._left_by_exception(frame):
            self._run.loop_raised(None, hard=self._interrupts.hard, frame=frame)
        else:
            self._run.loop_left()

    def _left_by_exception(self, frame: FrameType | None) -> bool:
        """Whether the loop's body raised: Python hides the exception from an iterator that dies of it."""
        if frame is None or frame.f_code is not self._code or threading.get_ident() != self._thread:
            return False
        return self._by_for and _readable() and not _instruction(frame).startswith(DROPS)

    def _end(self) -> None:
        self._over = True
        self._interrupts.restore()
