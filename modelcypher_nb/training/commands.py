"""Requests to a run while they wait to be obeyed: what they ask, who asks, and what came of it."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

__all__ = ["Command", "Mailbox"]


class Command:
    """One request.

    Attributes:
        verb: pause, resume, cancel, checkpoint or set.
        principal: who asks.
        sequence: its row's number in the catalog, once it has one.
        done: set at the step boundary that obeyed, or when it can't be obeyed any more.
        result: what came of it, once done; `ok` says whether it was obeyed.
    """

    def __init__(self, verb: str, arguments: dict[str, Any], principal: str, sequence: int | None = None) -> None:
        self.verb = verb
        self.arguments = arguments
        self.principal = principal
        self.sequence = sequence
        self.done = threading.Event()
        self.result: dict[str, Any] | None = None

    def finish(self, result: dict[str, Any]) -> None:
        """Say what came of it."""
        self.result = result
        self.done.set()


class Mailbox:
    """Where requests wait for the loop; putting one in never waits for anything.

    Attributes:
        interrupted: set by the signal handler, which may take no lock.
    """

    def __init__(self) -> None:
        self._waiting: deque[Command] = deque()
        self._news = threading.Event()
        self.interrupted = False

    def put(self, command: Command) -> None:
        """Add a request and wake a loop that holds."""
        self._waiting.append(command)
        self._news.set()

    def take(self) -> Command | None:
        """The oldest request, or None."""
        try:
            return self._waiting.popleft()
        except IndexError:
            return None

    def hold(self, seconds: float) -> None:
        """Wait for news; the signal handler's flag is seen within the time given."""
        self._news.wait(seconds)
        self._news.clear()

    def __bool__(self) -> bool:
        return self.interrupted or bool(self._waiting)
