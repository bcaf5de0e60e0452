"""The engine of a run: its loop, its step boundaries, and what each way of leaving the loop means."""

from __future__ import annotations

import os
import threading
from collections.abc import Generator, Iterable, Iterator
from types import FrameType
from typing import Any

from ..errors import UsageError
from ..guard.secrets import shown
from ..store.moves import LIVE_STATES
from ..store.records import JobError
from .dynamics import samples_in
from .failures import when_reported
from .feed import Feed, drawn_seed, feed_of
from .life import Life
from .loop import Steps
from .obeying import obey
from .state import restore_generators, seed_generators
from .trained import STARTING, refuse_trained

__all__ = ["Engine"]


class Engine(Life):
    """A run that loops."""

    _next_epoch = 0

    def steps(self, loader: Iterable[Any], epochs: int = 1) -> Steps:
        """Batches to train on; requests are obeyed, and checkpoints saved, between two of them.

        The order is the run's own for a map-style DataLoader with torch's samplers (see `feed`). The first Ctrl-C, or
        press of the toolbar's square, ends the loop at the next boundary with a checkpoint; the second raises
        KeyboardInterrupt. `break` ends the run too.
        """
        if isinstance(epochs, bool) or not isinstance(epochs, int) or epochs < 1:
            raise UsageError(
                f"epochs is {epochs!r}.", "Give a whole number from 1 on, as in run.steps(loader, epochs=3)."
            )
        if self._scopes and self.state in {"cancelled", "interrupted"}:
            return Steps(self, iter(()))  # stopped: the later loops of the block give nothing
        self._check_live()
        refuse_trained(self.objects, self.record.name, self)
        return Steps(self, self._batches(loader, epochs))

    def _batches(self, loader: Iterable[Any], epochs: int) -> Iterator[Any]:
        self._enter_loop()
        try:
            feed = self._feed(loader, epochs)
            try:
                stopped = yield from self._epochs(feed, epochs)
            finally:
                feed.close()
        finally:
            self._looping = False
        if not stopped and not self._scopes:
            self.finish()

    def _enter_loop(self) -> None:
        if self._looping:
            raise UsageError(f"The run '{self.id}' is in a loop already.", "Make a run of its own for the inner loop.")
        with STARTING:
            refuse_trained(self.objects, self.record.name, self)
            self._begin()
            self._loop_thread = threading.get_ident()
            self._looping = self._looped = True
        self.in_main_thread = threading.current_thread() is threading.main_thread()
        self.pace.start()

    def _feed(self, loader: Iterable[Any], epochs: int) -> Feed:
        if self.position.seed is None:
            self.position.seed = drawn_seed()
        elif self._seed_given:
            self._seed_given = False
            seed_generators(self.position.seed)
        feed = feed_of(loader, self.position.seed)
        self._length = feed.length
        if self.total_steps is None and self._length is not None and not self._scopes:
            self.total_steps = self._length * epochs
        return feed

    def _epochs(self, feed: Feed, epochs: int) -> Generator[Any, None, bool]:
        for _ in range(epochs):
            number, self._next_epoch = self._next_epoch, self._next_epoch + 1
            if number < self.position.epoch:
                continue  # done before the run was resumed
            batches = feed.epoch(number, self.position.batch)
            if self._resumed is not None:
                restore_generators(self._resumed)
                self._resumed = None
            if obey(self):
                return True
            for batch in batches:
                self._open_step()
                yield batch
                self._close_step(samples_in(batch))
                if obey(self):
                    return True
            self.position.epoch, self.position.batch = number + 1, 0
        return False

    def _open_step(self) -> None:
        self._open = True
        self.measure.begin(self.step)

    def _close_step(self, samples: int) -> None:
        self.pace.step(samples)
        values = self.measure.take()  # mostly none: run.log took them
        if values:
            self.recorder.log(self.step, values)
        self._open = False
        self.position.step += 1
        self.position.batch += 1
        if self.checkpoint_every and self.position.step % self.checkpoint_every == 0:
            self.save_if_possible()

    def is_past(self, epoch: int) -> bool:
        """Whether an epoch was done before the run was resumed."""
        return epoch < self.position.epoch

    def loop_left(self) -> None:
        """`break`: the step counts if the optimizer stepped in it."""
        if self._open and (self.measure.stepped or self.optimizer is None):
            self._close_step(0)
        self._open = False
        if self._scopes or self.state not in LIVE_STATES:
            return
        self.save_if_possible()
        self.end("cancelled", f"The loop was left after step {self.position.step}.")
        self.close()

    def loop_raised(self, error: BaseException | None, *, hard: bool, frame: FrameType | None = None) -> None:
        """The loop raised, or its body did (then Python doesn't say what)."""
        if hard:
            self.fail(KeyboardInterrupt())
        elif self._scopes:
            self._open = False  # whoever opened the scope sees the exception
        elif error is not None:
            self.fail(error)
        elif frame is not None and self.state in LIVE_STATES:
            place = f"{shown(os.path.basename(frame.f_code.co_filename), 80)}, line {frame.f_lineno}"  # noqa: PTH119
            self._end_failed(
                JobError("Exception", f"The loop's body raised in {place}, and the exception was caught outside.")
            )
            when_reported(frame.f_code, self._explain)
