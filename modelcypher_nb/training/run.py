"""The Run that a person holds: log, train in the background or in the cell, pause, stop, look on; no widgets."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

from ..errors import JobStateError, UsageError
from ..guard.secrets import shown
from ..store.ids import PERSON
from ..store.moves import LIVE_STATES
from . import live
from .commands import Command
from .control import WAIT_SECONDS, check_verb
from .engine import Engine
from .interrupts import Interrupts
from .obeying import obey
from .recorder import series_name
from .trained import STARTING, refuse_trained

__all__ = ["Run"]


class Run(Engine):
    """A training run; see `Life` for its arguments, and `Engine` for its loop.

    In a background thread (`start`, `fit`) Pause hands the kernel back, and Stop ends the thread at its next step. In
    the main cell Pause holds the loop where it is.
    """

    def log(self, values: Mapping[str, Any] | None = None, step: int | None = None, **named: Any) -> None:
        """Log numbers of this step: `run.log({"train/loss": loss})`, or short `run.log(loss=loss)`.

        Tensors with one element are detached and read; on an accelerator a step later, so that nothing waits for it.
        Learning rate, gradient norm and samples a second of the step are logged with them. In a loop that doesn't use
        `steps`, this is where requests are obeyed: Pause holds here, and after Stop the next call raises JobStateError.

        Args:
            values: numbers by the name of their series.
            step: which step they belong to; the one at hand where left out. Outside of `steps` each call is a step.
            named: more numbers; `loss` stands for `train/loss`, `eval_loss` for `eval/loss`.
        """
        if values is not None and not isinstance(values, Mapping):
            raise UsageError(
                f"run.log was given a {type(values).__name__}.", 'Give numbers by name: run.log({"train/loss": loss})'
            )
        record = {series_name(name): value for name, value in {**(values or {}), **named}.items()}
        if not self._looped:
            self._begin()
        at = self._logged_step(step)
        if (self._open and at == self.step) or not self._looped:
            record = {**self.measure.take(), **record}
        self.recorder.log(at, record)
        if "eval/loss" in record:
            self.judge(at)
        if not self._looped:
            obey(self)

    def _logged_step(self, step: int | None) -> int:
        if step is None:
            if not self._looped and self.state in LIVE_STATES:
                self.position.step += 1
            return self.step
        if isinstance(step, bool) or not isinstance(step, int) or step < 0:
            raise UsageError(f"step is {shown(repr(step), 60)}.", "Give a whole number from 0 on, or leave it out.")
        if not self._looped:
            self.position.step = max(self.position.step, step)
        return step

    def start(self, function: Callable[..., object], *arguments: Any, wait: bool = False) -> Self:
        """Run `function(run, *arguments)` in a background thread, which may loop over `run.steps` more than once.

        Args:
            function: trains; what it raises ends the run as failed and is raised again by `wait`.
            arguments: what else it gets.
            wait: whether to stay here until it is done.
        """
        if not callable(function):
            raise UsageError(
                f"run.start was given a {type(function).__name__}.", "Give it a function that takes the run."
            )
        if self._thread is not None:
            raise JobStateError(f"The run '{self.id}' was started already.", "Make another run for another training.")
        with STARTING:
            refuse_trained(self.objects, self.record.name, self)
            self._begin()
            self._thread = threading.Thread(
                target=self._background, args=(function, arguments), name=f"run-{self.id}", daemon=True
            )
            self._thread.start()
        return self.wait() if wait else self

    def _background(self, function: Callable[..., object], arguments: tuple[Any, ...]) -> None:
        try:
            with self:
                function(self, *arguments)
        except BaseException as error:  # noqa: BLE001 - kept for wait(), shown as the run's error
            self._error = error

    def wait(self, timeout: float | None = None) -> Self:
        """Stay here until the run has ended.

        Ctrl-C, or the toolbar's square, stops the run at its next step, with a checkpoint; pressed again, it only ends
        the waiting.

        Args:
            timeout: seconds; the run goes on where they are over.
        """
        interrupts = Interrupts(self.mailbox)
        interrupts.install()
        try:
            if self._thread is not None:
                self._thread.join(timeout)
            else:
                self.over.wait(timeout)
        finally:
            interrupts.restore()
        if self._error is not None:
            raise self._error
        return self

    def __enter__(self) -> Self:
        """Several loops in one run: it is completed, or failed, when the block is left."""
        self._check_live()
        self._scopes += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._scopes -= 1
        if self._scopes or self.state not in LIVE_STATES:
            return
        if error is not None:
            self.fail(error)
        else:
            self.finish()

    def fit(self, model: Any, loader: Any, loss_fn: Callable[..., Any], **options: Any) -> Self:
        """Train a supervised model in the background: see `training.fit.fit` for the options."""
        from .fit import fit

        fit(self, model, loader, loss_fn, **options)
        return self

    def request(self, verb: str, arguments: dict[str, Any] | None = None, principal: str = PERSON) -> Command:
        """Ask the loop to do something at its next step boundary; never waits for anything, not even a disk.

        Raises:
            JobStateError: the run's state has no such move.
        """
        check_verb(self.record, verb)
        command = Command(verb, arguments or {}, principal)
        self.desk.requested(command)
        self.mailbox.put(command)
        self.attend()
        live.wake()
        return command

    def _ask(self, verb: str, arguments: dict[str, Any] | None = None) -> Self:
        """Ask, and stay until it is obeyed, at most 2 s; never in the loop's own thread, which is the one to obey."""
        command = self.request(verb, arguments)
        if threading.get_ident() != self._loop_thread:
            command.done.wait(WAIT_SECONDS)
        result = command.result
        if result is not None and not result.get("ok"):
            raise UsageError(result["problem"], result["remedy"])
        return self

    def pause(self) -> Self:
        """Hold the loop at its next step boundary; a background run hands the kernel back."""
        return self._ask("pause")

    def resume(self) -> Self:
        """Let a paused loop go on."""
        return self._ask("resume")

    def cancel(self) -> Self:
        """Stop at the next step boundary, with a checkpoint; TrainingRun(resume=...) goes on from it."""
        return self._ask("cancel")

    def checkpoint(self) -> Self:
        """Save a checkpoint at the next step boundary."""
        return self._ask("checkpoint")

    def set_learning_rate(self, rate: float) -> Self:
        """Change the learning rate at the next step boundary; other groups and the scheduler's base scale with it."""
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not (math.isfinite(rate) and rate >= 0):
            raise UsageError(
                f"The learning rate {shown(repr(rate), 60)} is no number from 0 on.", "Give one, such as 0.001."
            )
        return self._ask("set", {"learning_rate": float(rate)})

    def snapshot(self, points: int = 2000) -> dict[str, Any]:
        """Everything that a view shows, as plain JSON values.

        What is logged from now on is collected by `recorder.look_on()` and taken by `recorder.fetch()`.

        Args:
            points: how many a series at most; extremes are kept.
        """
        from .snapshot import run_data

        return run_data(self.store, self.record, points, unwritten=self.recorder.unwritten, in_main=self.in_main_thread)
