"""Ctrl-C and the toolbar's square while a loop runs in the main thread: first a graceful stop, then a hard one."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any

from .commands import Mailbox

__all__ = ["Interrupts"]


class Interrupts:
    """The SIGINT handler of one loop, in force from `install` to `restore`.

    The first signal only sets a flag, which the loop sees at its next step boundary; the second raises
    KeyboardInterrupt at once, for a step that doesn't end.

    Attributes:
        hard: whether the second signal came.
    """

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        self._previous: Any = None
        self._installed = False
        self.hard = False

    def install(self) -> None:
        """Take SIGINT over; does nothing outside the main thread, which is the only one that gets signals."""
        if threading.current_thread() is threading.main_thread() and not self._installed:
            self._previous = signal.signal(signal.SIGINT, self._handle)
            self._installed = True

    def restore(self) -> None:
        """Give SIGINT back to whoever had it; harmless when done twice."""
        if not self._installed or threading.current_thread() is not threading.main_thread():
            return
        self._installed = False
        if signal.getsignal(signal.SIGINT) == self._handle:  # someone may have taken it since
            signal.signal(signal.SIGINT, self._previous if self._previous is not None else signal.SIG_DFL)

    def _handle(self, signum: int, frame: FrameType | None) -> None:
        del signum, frame
        if self._mailbox.interrupted:
            self.hard = True
            raise KeyboardInterrupt
        self._mailbox.interrupted = True
