"""The states of a job, and which moves between them there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import JobStateError

if TYPE_CHECKING:
    from .records import JobState

__all__ = ["LIVE_STATES", "MOVES", "check_move"]

LIVE_STATES: tuple[JobState, ...] = ("queued", "running", "paused")

# A stopped job goes back to the queue only where a checkpoint exists, which the caller has looked at.
MOVES: dict[JobState, tuple[JobState, ...]] = {
    "queued": ("running", "cancelled", "failed", "interrupted"),
    "running": ("paused", "completed", "failed", "cancelled", "interrupted"),
    "paused": ("running", "completed", "failed", "cancelled", "interrupted"),
    "completed": (),
    "failed": ("queued",),
    "cancelled": ("queued",),
    "interrupted": ("queued",),
}


def check_move(job: str, now: JobState, to: JobState) -> None:
    """Pass a move that the table has.

    Raises:
        JobStateError: it hasn't; the sentence names those it has.
    """
    if to not in MOVES[now]:
        allowed = ", ".join(MOVES[now]) or "nothing: it is finished"
        raise JobStateError(
            f"Job {job} is {now} and can't become {to}.", f"From {now} it can become: {allowed}. See: mc job show {job}"
        )
