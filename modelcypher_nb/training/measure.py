"""What a run logs by itself: learning rate, gradient norm and samples a second of each step."""

from __future__ import annotations

from typing import Any

from .dynamics import total_norm
from .pace import Pace
from .recorder import Recorder

__all__ = ["Measure", "learning_rate_of"]


def learning_rate_of(optimizer: Any) -> float | None:
    """The learning rate of an optimizer's first group."""
    groups = getattr(optimizer, "param_groups", None)
    return float(groups[0]["lr"]) if groups and "lr" in groups[0] else None


class Measure:
    """The measures of the step at hand.

    Args:
        recorder: where they are logged.
        pace: counts the samples.
        optimizer: watched when it steps, the moment at which its gradients are whole.

    Attributes:
        stepped: whether the optimizer stepped since the batch was given out.
    """

    def __init__(self, recorder: Recorder, pace: Pace, optimizer: Any) -> None:
        self._recorder = recorder
        self._pace = pace
        self._optimizer = optimizer
        self._values: dict[str, Any] = {}
        self._step = 0
        self._failed = self._taken = self.stepped = False
        self._hook: Any = None
        if hasattr(optimizer, "register_step_pre_hook"):
            self._hook = optimizer.register_step_pre_hook(self._before_step)

    def begin(self, step: int) -> None:
        """Begin a step."""
        self._step = step
        self._values = {}
        self._taken = self.stepped = False

    def _before_step(self, optimizer: Any, args: object, kwargs: object) -> None:
        del args, kwargs
        self.stepped = True
        rate = learning_rate_of(optimizer)
        if rate is not None:
            self._values["train/learning_rate"] = rate
        if self._failed:
            return
        try:
            norm = total_norm(p.grad for group in optimizer.param_groups for p in group["params"])
        except (RuntimeError, TypeError) as error:  # exotic tensors: the measure is given up, never the training
            self._failed = True
            self._recorder.event(self._step, "diagnostic", f"The gradient norm can't be measured here: {error}")
            return
        if norm is not None:
            self._values["train/grad_norm"] = norm

    def take(self) -> dict[str, Any]:
        """What is known and not logged yet; each value is given once."""
        if not self.stepped and self._optimizer is not None:
            return {}
        values, self._values = self._values, {}
        if values or not self._taken:
            self._taken = True
            rate = self._pace.samples_per_second
            if rate is not None:
                values["train/samples_per_second"] = rate
        return values

    def close(self) -> None:
        """Stop watching the optimizer."""
        if self._hook is not None:
            self._hook.remove()
            self._hook = None
