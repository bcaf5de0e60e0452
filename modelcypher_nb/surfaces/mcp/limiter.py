"""The limiter: calls beyond the rate are delayed, because an instant refusal only makes the client ask again."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

__all__ = ["Limiter"]

WAITING_CALLS = 8
# Instant refusals cost training more than the calls themselves would (the client just retries), so they are held too.
REFUSAL_SECONDS = 1.0
HELD_REFUSALS = 64
PRINCIPALS = 1024
ROUNDING_SECONDS = 1e-6  # what adding intervals up may be off by


@dataclass
class _Lane:
    """One principal's place: when its next call would be due, and who waits."""

    due: float = float("-inf")
    waiting: int = 0
    held: int = 0


async def _asleep(seconds: float) -> None:
    import anyio

    await anyio.sleep(seconds)


class Limiter:
    """Admits `burst` calls of a principal at once and then `rate` a second, each later one after its own wait.

    Args:
        rate: calls a second.
        burst: calls before the rate counts.
        clock: seconds that only grow.
        sleep: waits so many seconds.
    """

    def __init__(
        self,
        rate: float,
        burst: int,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = _asleep,
    ) -> None:
        self._interval = 1.0 / rate
        self._tolerance = (burst - 1) * self._interval
        self._clock = clock
        self._sleep = sleep
        self._lanes: dict[str, _Lane] = {}

    async def admit(self, principal: str) -> bool:
        """Wait until a call may go on; False, after a wait as well, where too many wait already."""
        lane = self._lane(principal)
        now = self._clock()
        due = max(lane.due, now)
        delay = due - self._tolerance - now
        late = delay > ROUNDING_SECONDS
        if late and lane.waiting >= WAITING_CALLS:
            await self._hold(lane)
            return False
        lane.due = due + self._interval
        if late:
            lane.waiting += 1
            try:
                await self._sleep(delay)
            finally:
                lane.waiting -= 1
        return True

    async def _hold(self, lane: _Lane) -> None:
        """Keep a refusal back for a moment, unless so many are held that holding them would itself be a burden."""
        if lane.held >= HELD_REFUSALS:
            return
        lane.held += 1
        try:
            await self._sleep(REFUSAL_SECONDS)
        finally:
            lane.held -= 1

    def _lane(self, principal: str) -> _Lane:
        if principal not in self._lanes and len(self._lanes) >= PRINCIPALS:
            now = self._clock()  # a lane whose calls are long paid for says nothing that a fresh one doesn't
            idle = [name for name, lane in self._lanes.items() if lane.due <= now and not lane.waiting + lane.held]
            for name in idle:
                del self._lanes[name]
        return self._lanes.setdefault(principal, _Lane())
