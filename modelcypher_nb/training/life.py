"""What a run is at every moment: its state, its place, its rows, its checkpoints, and its end."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..errors import JobStateError, ModelCypherError, StorageError, UsageError
from ..guard.secrets import shown
from ..store.moves import LIVE_STATES
from ..store.records import CheckpointRecord, JobError, JobRecord, JobState
from . import live
from .beginning import Objects, begin, plain_config
from .commands import Command, Mailbox
from .desk import Desk
from .dynamics import seconds_left
from .keeping import Keeper
from .measure import Measure, learning_rate_of
from .obeying import obey
from .pace import Pace
from .recorder import Recorder
from .state import capture

if TYPE_CHECKING:
    from ..store.run_store import RunStore

__all__ = ["Life"]


class Life:
    """One training run: give it the model and the optimizer, loop over `steps`, log what matters.

    A loop over `steps` that ends completes the run. To loop several times (with work between the epochs), put the loops
    into `with run:`, or into a function that `start` runs.

    Args:
        store: where it is kept.
        name: its name; the id is the name and six random characters.
        model: an `nn.Module`; without one there are no checkpoints.
        optimizer: its gradient norm and learning rate are logged when it steps.
        scheduler, scaler: saved and restored with the rest.
        config: what to remember of how it was made, plain data.
        dataset, model_name: names to show.
        total_steps: for the progress; worked out from the loader's length where it has one.
        resume: id or name of an interrupted, cancelled or failed run, which goes on from its last checkpoint.
        checkpoint_every: steps between checkpoints; else one is saved when the run stops, completes, or is asked to.
        keep_last: how many checkpoints stay, beside the best and the pinned ones.
        seed: orders the data; where it is given, also seeds Python's, NumPy's and torch's generators at the start.
    """

    def __init__(
        self,
        store: RunStore,
        name: str | None = None,
        *,
        model: Any = None,
        optimizer: Any = None,
        scheduler: Any = None,
        scaler: Any = None,
        config: Mapping[str, Any] | None = None,
        dataset: str | None = None,
        model_name: str | None = None,
        total_steps: int | None = None,
        resume: str | None = None,
        checkpoint_every: int | None = None,
        keep_last: int = 2,
        seed: int | None = None,
    ) -> None:
        _check(checkpoint_every=checkpoint_every, keep_last=keep_last, total_steps=total_steps)
        facts = {
            "config": plain_config(config or {}),
            "dataset": dataset,
            "model": model_name,
            "total_steps": total_steps,
        }
        self.pid = os.getpid()
        self.objects = Objects(model, optimizer, scheduler, scaler)
        beginning = begin(store, name, self.objects, resume=resume, seed=seed, facts=facts)
        self.store = store
        self._record = beginning.record
        self._resumed = beginning.parts
        self._seed_given = seed is not None and beginning.parts is None
        self.position = beginning.position
        self.state: JobState = beginning.record.state
        self.total_steps = total_steps or beginning.record.total_steps
        self.checkpoint_every = checkpoint_every
        self.mailbox = Mailbox()
        self.recorder = Recorder(store.series_writer(self.id, self._record.segments))
        self.keeper = Keeper(store, self._record, keep_last)
        self.pace = Pace()
        self.measure = Measure(self.recorder, self.pace, optimizer)
        self.desk = Desk(store.catalog, self.id, self.mailbox, self._progress, self._troubled)
        self.in_main_thread = False
        self._loop_thread = 0
        self._scopes = 0
        self._looping = self._looped = self._open = False
        self._length: int | None = None
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None
        self._lock = threading.RLock()
        self.over = threading.Event()
        for note in beginning.notes:
            self.event("note", note)
        if self._resumed is not None:
            self.event("resume", f"Goes on from the checkpoint of step {self.position.step}.")
        if not beginning.bound:
            self.desk.open()
        live.add(self)

    def __repr__(self) -> str:
        return f"<Run {self.id}: {self.state}, step {self.step}>"

    def __del__(self) -> None:
        if "recorder" in self.__dict__:  # a run that could not begin has none
            self.recorder.close()

    @property
    def id(self) -> str:
        """Its id in the registry."""
        return self._record.id

    @property
    def model(self) -> Any:
        """The caller's model."""
        return self.objects.model

    @property
    def optimizer(self) -> Any:
        """The caller's optimizer."""
        return self.objects.optimizer

    @property
    def step(self) -> int:
        """The step at hand while a batch is trained on, else the last one that was done."""
        return self.position.step + (1 if self._open else 0)

    @property
    def record(self) -> JobRecord:
        """Its row, as of now: the catalog's follows within a second."""
        return replace(self._record, state=self.state, **self._progress())

    @property
    def trains_elsewhere(self) -> bool:
        """Whether a loop of it may step its optimizer in another thread; a paused one may at any moment."""
        if self.state not in LIVE_STATES:
            return False
        if self._looping and self._loop_thread != threading.get_ident():
            return True
        return self._thread is not None and self._thread.is_alive() and self._thread is not threading.current_thread()

    def _check_live(self) -> None:
        if self.state in LIVE_STATES:
            return
        remedy = (
            "Give all epochs to one loop, run.steps(loader, epochs=3), or put several loops into 'with run:'."
            if self.state == "completed"
            else f'Go on with TrainingRun(resume="{self.id}", model=..., optimizer=...)'
        )
        raise JobStateError(f"The run '{self.id}' is {self.state}, so it trains no further.", remedy)

    def _begin(self) -> None:
        with self._lock:
            self._check_live()
            if self.state == "queued":
                self._record = replace(self._record, started_at=self._record.started_at or time.time())
                self.move("running")

    def fail(self, error: BaseException) -> None:
        """End the run because of an exception: as cancelled for a hard interrupt, else as failed.

        No checkpoint is made: the step was not done.
        """
        if self.state not in LIVE_STATES:
            return
        if isinstance(error, KeyboardInterrupt):
            self._open = False
            self.end("cancelled", f"Interrupted within step {self.position.step + 1}, without a checkpoint of it.")
            self.close()
        else:
            self._end_failed(JobError(type(error).__name__, shown(error)))

    def _end_failed(self, error: JobError) -> None:
        self._open = False
        self.end("failed", f"{error.type}: {error.message}", error)
        self.close()

    def _explain(self, error: BaseException) -> None:
        known = JobError(type(error).__name__, shown(error))
        self._record = replace(self._record, error=known)
        self.desk.amend(error=known)

    def finish(self) -> None:
        """Complete the run; `steps` does it at its end, a loop of one's own calls it."""
        self._check_live()
        self._begin()
        self.save_if_possible()
        self.end("completed", f"Completed after step {self.position.step}.")
        self.close()

    def move(self, state: JobState, error: JobError | None = None) -> None:
        """Change the state, here at once and in the catalog as soon as it takes it."""
        self.state = state
        self.desk.moved(state, error)
        live.wake()

    def end(self, state: JobState, text: str, error: JobError | None = None) -> None:
        """Reach a final state; `close` follows."""
        self.recorder.settle()
        self.event("error" if state == "failed" else state, text)
        self.measure.close()
        self._record = replace(self._record, ended_at=time.time(), error=error)
        self.move(state, error)

    def close(self) -> None:
        """Write the last rows and let whoever waits go on."""
        self.desk.close()
        self.over.set()

    def attend(self) -> None:
        """Stop a run whose loop never began: there is no boundary that would."""
        with self._lock:
            if self.state != "queued" or not self.mailbox:
                return
            obey(self)

    def leave(self) -> None:
        """Have a loop in another thread stop with a checkpoint: the process ends."""
        if self._looping and not self.in_main_thread:
            self.mailbox.put(Command("leave", {}, "the process"))

    def abandon(self) -> None:
        """The process ends and nothing more will come: an unfinished run is interrupted."""
        if self.state in LIVE_STATES:
            self.end("interrupted", f"Its process ended after step {self.position.step}.")
        self.close()

    def event(self, kind: str, text: str) -> None:
        """Note that something happened at this step."""
        self.recorder.event(self.step, kind, text)

    def _troubled(self, error: Exception) -> None:
        kind = "storage" if isinstance(error, StorageError) else "error"
        self.event(kind, f"The run's row isn't kept up, training goes on. {type(error).__name__}: {shown(error)}")

    def save(self) -> CheckpointRecord:
        """Save a checkpoint of the step that was done last; only the loop's own thread may.

        Raises:
            UsageError: the run has no model.
            StorageError: the disk refused; the checkpoints before are whole.
        """
        if self.model is None:
            raise UsageError(
                f"The run '{self.id}' was made without model=, so there is nothing to save.",
                "Give it one: TrainingRun(model=model)",
            )
        parts = capture(self.model, self.objects.others())
        parts.document["position"] = self.position.facts()
        record = self.keeper.save(
            self.position.step, parts, self.recorder.at(self.position.step, "train/loss"),
            self.recorder.at(self.position.step, "eval/loss"),
        )  # fmt: skip
        self.event("checkpoint", f"Saved a checkpoint of step {record.step} ({record.size_bytes / 1e6:.3g} MB).")
        self.pace.start()
        return record

    def save_if_possible(self) -> CheckpointRecord | None:
        """Save a checkpoint where the run has a model and a step to save; what the disk refuses is an event."""
        if self.model is None or not self.position.step:
            return None
        try:
            return self.save()
        except ModelCypherError as error:
            self.event("storage", f"The checkpoint of step {self.position.step} wasn't saved: {error}")
            return None

    def judge(self, step: int) -> None:
        """Note the evaluation of a step with the checkpoint that was saved at it, if one was."""
        loss = self.recorder.at(step, "eval/loss")
        if loss is None:
            return
        try:
            self.keeper.judge(step, loss)
        except ModelCypherError as error:
            self.event("storage", f"The evaluation of step {step} wasn't noted with its checkpoint: {error}")

    def _progress(self) -> dict[str, Any]:
        """The fields of the row that change while it runs."""
        logged = self.recorder.fields()
        rate = logged.get("learning_rate") or learning_rate_of(self.optimizer)
        pace = self.pace.steps_per_second if self.state in LIVE_STATES else None
        return {
            **logged,
            "series": tuple(sorted({*self._record.series, *logged["series"]})),
            "step": self.step,
            "epoch": self._epoch(),
            "total_steps": self.total_steps,
            "learning_rate": rate,
            "eta_seconds": seconds_left(self.step, self.total_steps, pace),
            "best_step": self.keeper.best_step,
            "checkpoint_count": self.keeper.count,
            "started_at": self._record.started_at,
            "ended_at": self._record.ended_at,
        }

    def _epoch(self) -> float:
        return self.position.epoch + (self.position.batch / self._length if self._length else 0.0)


def _check(**numbers: int | None) -> None:
    for name, value in numbers.items():
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
            raise UsageError(f"{name} is {shown(repr(value), 60)}.", f"Give a whole number from 1 on, as in {name}=2.")
