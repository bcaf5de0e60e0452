"""The iterator that a person's `for` runs over: batches, step boundaries, and how the loop was left."""

from __future__ import annotations

import opcode
import sys
import threading
from collections.abc import Iterator
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

from .interrupts import Interrupts

if TYPE_CHECKING:
    from .engine import Engine

__all__ = ["Steps"]

# What Python executes when a loop is left on purpose (break, return, a generator closed) or its iterator is dropped
# later. None of these raises, so an iterator that dies at any other instruction dies because the loop's body raised.
DROPS = frozenset(
    {"POP_TOP", "POP_ITER", "END_FOR", "YIELD_VALUE", "RESUME"}
    | {f"{verb}_{kind}" for verb in ("STORE", "DELETE") for kind in ("FAST", "NAME", "GLOBAL")}
)


class Steps:
    """One pass over the data; hold no second reference to it, so that Python drops it the moment the loop is left.

    `break` ends the run as cancelled, with a checkpoint if the last batch was trained on. An exception in the loop's
    body ends it as failed.
    """

    def __init__(self, run: Engine, batches: Iterator[Any]) -> None:
        self._run = run
        self._batches = batches
        self._interrupts = Interrupts(run.mailbox)
        self._over = False
        self._code: CodeType | None = None
        self._thread = 0

    def __iter__(self) -> Steps:
        return self

    def __next__(self) -> Any:
        if self._code is None:
            self._code, self._thread = sys._getframe(1).f_code, threading.get_ident()  # noqa: SLF001 - documented
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
        code = frame.f_code.co_code
        return not 0 <= frame.f_lasti < len(code) or opcode.opname[code[frame.f_lasti]] not in DROPS

    def _end(self) -> None:
        self._over = True
        self._interrupts.restore()
