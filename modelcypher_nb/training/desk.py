"""A run's paperwork: what the catalog is to know, written by the control thread so that the loop waits for no disk."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..errors import JobStateError
from .commands import Command, Mailbox
from .ownership import this_process

if TYPE_CHECKING:
    from ..store.catalog import Catalog
    from ..store.records import JobError, JobState

__all__ = ["Desk", "answer_late"]

HEARTBEAT_SECONDS = 1.0


class Desk:
    """The rows of one run.

    Args:
        catalog: where they are written.
        job: the run's id.
        mailbox: where requests from other processes go.
        progress: gives the fields of the row as of now.
        trouble: is told once what the disk refused.
    """

    def __init__(
        self,
        catalog: Catalog,
        job: str,
        mailbox: Mailbox,
        progress: Callable[[], dict[str, Any]],
        trouble: Callable[[Exception], None],
    ) -> None:
        self._catalog = catalog
        self._job = job
        self._mailbox = mailbox
        self._progress = progress
        self._trouble = trouble
        self._due: deque[Callable[[], None]] = deque()
        self._writing = threading.Lock()
        self._own: set[int] = set()
        self._last = 0
        self._version = -1
        self._next_heartbeat = 0.0
        self._retry_at = 0.0
        self._troubled = False
        self._closed = False

    @property
    def finished(self) -> bool:
        """Whether the run ended and everything is written."""
        return self._closed and not self._due

    def open(self) -> None:
        """Take the run over: requests that an earlier process never obeyed are answered now, not obeyed late."""
        answer_late(self._catalog, self._job)

    def requested(self, command: Command) -> None:
        """Have the row of a request that was made in this process written."""

        def write() -> None:
            sequence = self._catalog.request(self._job, command.verb, command.arguments, command.principal)
            self._own.add(sequence)
            self._catalog.receive(sequence)
            command.sequence = sequence

        self._due.append(write)

    def finish(self, command: Command, result: dict[str, Any]) -> None:
        """Say what came of a request, here and in its row."""

        def write() -> None:
            if command.sequence is not None:
                self._catalog.finish(command.sequence, result)

        self._due.append(write)
        command.finish(result)

    def moved(self, state: JobState, error: JobError | None = None) -> None:
        """Have a move of the state machine written."""

        def write() -> None:
            self._catalog.update_job(self._job, **self._progress())  # first: who sees the move sees its last step
            self._catalog.move_job(self._job, state, error=error)

        self._due.append(write)

    def amend(self, **fields: Any) -> None:
        """Have fields of the row changed, also after the end."""
        self._due.append(lambda: self._catalog.update_job(self._job, **fields))
        self.flush()

    def close(self) -> None:
        """Write what is due; the run has ended, and whoever still asks is told so."""
        self._due.append(self._refuse_the_rest)
        self._closed = True
        self._retry_at = 0.0
        self.flush()

    def tend(self, attend: Callable[[], None]) -> None:
        """One look: have a run that doesn't loop attended to, write what is due, take in what arrived, show life.

        Whatever goes wrong is told to the run and stays here: the same thread tends every other run.
        """
        try:
            attend()
        except Exception as error:  # noqa: BLE001 - see above
            self._trouble(error)
        self.flush()
        if not self._closed:
            self._guarded(self._look)

    def flush(self) -> None:
        """Write what is due, in order; after a refusal of the disk again a second later."""
        self._guarded(self._write_due)

    def _write_due(self) -> None:
        while self._due and time.monotonic() >= self._retry_at:
            try:
                self._due[0]()
            except JobStateError as error:  # another process moved it: ours has no right to insist
                self._trouble(error)
            self._due.popleft()

    def _guarded(self, work: Callable[[], None]) -> None:
        with self._writing:
            try:
                work()
            except Exception as error:  # noqa: BLE001 - the disk's refusal, or what nobody thought of
                self._retry_at = time.monotonic() + HEARTBEAT_SECONDS
                if not self._troubled:
                    self._troubled = True
                    self._trouble(error)
            else:
                self._troubled = self._troubled and bool(self._due)

    def _look(self) -> None:
        now = time.monotonic()
        version = self._catalog.data_version()
        if version != self._version or now >= self._next_heartbeat:
            self._version = version
            self._take_in()
        if now >= self._next_heartbeat:
            self._next_heartbeat = now + HEARTBEAT_SECONDS
            self._catalog.update_job(self._job, owner=this_process(), **self._progress())

    def _take_in(self) -> None:
        for row in self._catalog.commands(self._job, self._last):
            self._last = max(self._last, row.sequence)
            if row.sequence in self._own:
                self._own.discard(row.sequence)
                continue
            self._catalog.receive(row.sequence)
            self._mailbox.put(Command(row.verb, row.arguments, row.principal, row.sequence))

    def _refuse_the_rest(self) -> None:
        self._take_in()
        while (command := self._mailbox.take()) is not None:
            result = _too_late(self._job, command.verb)
            if command.sequence is not None:
                self._catalog.finish(command.sequence, result)
            command.finish(result)


def _too_late(job: str, verb: str) -> dict[str, Any]:
    return {
        "ok": False,
        "problem": f"The run '{job}' ended before it could obey '{verb}'.",
        "remedy": f"See what became of it: mc job show {job}",
    }


def answer_late(catalog: Catalog, job: str) -> None:
    """Answer every open request to a run whose process is gone."""
    for row in catalog.commands(job):
        catalog.finish(row.sequence, _too_late(job, row.verb))
