"""How fast a run is, over its last steps."""

from __future__ import annotations

import time
from collections import deque

__all__ = ["Pace"]

STEPS = 50


class Pace:
    """Steps and samples a second over the last 50 steps, without the time in which the run held."""

    def __init__(self) -> None:
        self._marks: deque[tuple[float, int]] = deque()
        self._samples = 0

    def start(self) -> None:
        """Begin to measure, at the start and after a hold."""
        self._marks.clear()
        self._samples = 0
        self._marks.append((time.perf_counter(), 0))

    def step(self, samples: int) -> None:
        """Count a step that ended now."""
        self._marks.append((time.perf_counter(), samples))
        self._samples += samples
        if len(self._marks) > STEPS + 1:
            self._marks.popleft()
            self._samples -= self._marks[0][1]  # what is left as the beginning counts by its time alone

    @property
    def steps_per_second(self) -> float | None:
        """None until a step is done."""
        seconds = self._seconds()
        return (len(self._marks) - 1) / seconds if seconds > 0 else None

    @property
    def samples_per_second(self) -> float | None:
        """None until a step is done."""
        seconds = self._seconds()
        return self._samples / seconds if seconds > 0 else None

    def _seconds(self) -> float:
        return self._marks[-1][0] - self._marks[0][0] if len(self._marks) > 1 else 0.0
