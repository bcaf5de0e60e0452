"""TrainingRun: a run as a person holds it, with its live panel, its picture and what a saved notebook keeps of it."""

from __future__ import annotations

import contextvars
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from ..errors import UsageError
from ..operations.facts import JobEvent, SeriesFacts
from ..operations.person import as_person
from ..operations.session import current
from ..store.moves import LIVE_STATES
from ..store.records import JobRecord
from ..training import live as living
from ..training.loop import Steps
from ..training.run import Run
from . import output
from .curves import curves, finite, ordered
from .hub import hub
from .run_source import RunSource
from .sheet import Sheet
from .sheets_runs import run_sheet
from .widget import View

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["TrainingRun"]

LOOK_SECONDS = 0.1  # between two looks at a run that another process owns
UPDATE_SECONDS = 30.0  # between two updates of the notebook's output
SHEET_POINTS = 400
CHECKPOINTS_SHOWN = 10

logger = logging.getLogger(__name__)


class _Watched(Run):
    """A run that tells its panel when it is about to be over, while whoever waits for it still waits."""

    ended: Callable[[], None] | None = None

    def close(self) -> None:
        if self.ended is not None:
            try:
                self.ended()
            except Exception:  # a picture that can't be drawn must not keep a run from ending
                logger.exception("The last output of %s could not be written", self.id)
        super().close()


def _with_logger(method: Any) -> Any:
    """Let `log` be a run's verb and still serve ipywidgets, which writes warnings to `self.log` of every widget."""
    method.warning, method.error = logger.warning, logger.error
    return method


class TrainingRun(View):
    """A training run with its panel: charts, progress, Pause, Stop.

    Loop over `run.steps(loader)` in the cell, or train in the background with `fit` or `start`; the panel shows itself.

        run = mc.TrainingRun("digits", model=model, optimizer=optimizer)
        for inputs, targets in run.steps(loader, epochs=3):
            ...
            run.log(loss=loss)

    Args:
        name: its name; the id is the name and six random characters.
        options: as `training.run.Run` has them: model, optimizer, scheduler, scaler, config, dataset, model_name,
            total_steps, resume (id or name of a stopped run, which goes on from its last checkpoint),
            checkpoint_every, keep_last, seed.
        job: instead of all that, the id or name of a run of the registry to show, also one of another process.
    """

    view = "training_run"

    def __init__(self, name: str | None = None, *, job: str | None = None, **options: Any) -> None:
        self._shown_in: object = None
        self._updated_at = 0.0
        self._context = contextvars.copy_context()
        self._updating = threading.Lock()
        if job is not None:
            key = current().catalog.job(job).id
            run = living.find(key)
        else:
            run = _Watched(current().store, name, **options)
            key = run.id
            current().runs[key] = run
        self._job = hub().add(RunSource(key, run))
        if run is not None and self._job.run is not run:
            self._job.bind(run)
        self._run = self._job.run
        super().__init__(self._job)
        if isinstance(self._run, _Watched):
            self._run.ended = self._last_update

    @classmethod
    def attach(cls, reference: str) -> Self:
        """Show any run of the registry by id or name, also one of another process; its buttons work there too."""
        return cls(job=reference)

    @property
    def id(self) -> str:
        """Its id in the registry."""
        return self._job.key

    @property
    def record(self) -> JobRecord:
        """Its row as of now."""
        return self._job.record(fresh=True)

    @property
    def state(self) -> str:
        """queued, running, paused, completed, failed, cancelled or interrupted."""
        return self._run.state if self._run is not None else self.record.state

    @property
    def step(self) -> int:
        """The step at hand."""
        return self._run.step if self._run is not None else self.record.step

    @property
    def model(self) -> Any:
        """The model that it trains."""
        return self._own("model").model

    @property
    def optimizer(self) -> Any:
        """The optimizer that it was given."""
        return self._own("optimizer").optimizer

    def _own(self, verb: str) -> Run:
        if self._run is None:
            raise UsageError(
                f"The run '{self.id}' isn't this process's, which has no {verb} of it.",
                f'Go on with it here once it has stopped: TrainingRun(resume="{self.id}", model=..., optimizer=...)',
            )
        return self._run

    def steps(self, loader: Iterable[Any], epochs: int = 1) -> Steps:
        """Batches to train on; Pause, Stop and checkpoints happen between two of them.

        The first press of the toolbar's square (or Ctrl-C) ends the loop at the next step with a checkpoint.
        """
        made = self._own("steps").steps(loader, epochs)
        self._show_once()
        return made

    @_with_logger
    def log(self, values: Mapping[str, Any] | None = None, step: int | None = None, **named: Any) -> None:
        """Log numbers of this step: `run.log(loss=loss)`, or `run.log({"train/loss": loss})`."""
        self._own("log").log(values, step, **named)

    def fit(self, model: Any, loader: Any, loss_fn: Callable[..., Any], **options: Any) -> Self:
        """Train a supervised model in the background; with `wait=True` stay until it is done."""
        if options.get("wait"):
            self._show_once()
        self._own("fit").fit(model, loader, loss_fn, **options)
        return self

    def start(self, function: Callable[..., object], *arguments: Any, wait: bool = False) -> Self:
        """Run `function(run, *arguments)` in a background thread; with `wait=True` stay until it is done."""
        if wait:
            self._show_once()
        self._own("start").start(function, *arguments, wait=wait)
        return self

    def wait(self, timeout: float | None = None) -> Self:
        """Stay until the run has ended, here or in its own process; the toolbar's square stops one of this process."""
        if self._run is not None:
            self._run.wait(timeout)
            return self
        deadline = None if timeout is None else time.monotonic() + timeout
        while self.record.state in LIVE_STATES and (deadline is None or time.monotonic() < deadline):
            time.sleep(LOOK_SECONDS)
        return self

    def finish(self) -> None:
        """Complete a run whose loop doesn't use `steps`."""
        self._own("finish").finish()

    def __enter__(self) -> Self:
        self._own("steps").__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._own("steps").__exit__(kind, error, traceback)

    def pause(self) -> Self:
        """Hold it at its next step."""
        return self._ask("pause")

    def resume(self) -> Self:
        """Let it go on."""
        return self._ask("resume")

    def cancel(self) -> Self:
        """Stop it at its next step, with a checkpoint to go on from."""
        return self._ask("cancel")

    def checkpoint(self) -> Self:
        """Save a checkpoint at its next step."""
        return self._ask("checkpoint")

    def set_learning_rate(self, rate: float) -> Self:
        """Change its learning rate at its next step."""
        if self._run is not None:
            self._run.set_learning_rate(rate)
        else:
            as_person("job_set", job_id=self.id, learning_rate=rate)
        return self

    def _ask(self, verb: str) -> Self:
        if self._run is not None:
            getattr(self._run, verb)()
        else:
            as_person(f"job_{verb}", job_id=self.id)
        return self

    def figure(self) -> Figure:
        """Its curves as a matplotlib Figure for a paper: `run.figure().savefig("run.pdf")`."""
        from .figures import run_figure

        return run_figure(self._job.whole())

    def data(self) -> dict[str, Any]:
        """The view's data."""
        return self._job.whole()

    def sheet(self) -> Sheet:
        """What HTML and text say."""
        data = self._job.whole(SHEET_POINTS)
        checkpoints, _ = current().catalog.checkpoints(self.id, CHECKPOINTS_SHOWN, 0)
        return run_sheet(
            self.record,
            [_series_facts(one) for one in ordered(data["series"])],
            [_event(one) for one in data["events"]],
            checkpoints,
            picture=curves(data["series"], data["events"]),
        )

    def picture(self) -> bytes | None:
        """A small PNG of the curves, once the run has ended: drawing it costs a running one too much."""
        if self.state in LIVE_STATES:
            return None
        from .figures import small_png

        data = self._job.whole(SHEET_POINTS)
        return small_png(data) if any(finite(one["values"]) for one in data["series"]) else None

    def summary(self) -> dict[str, Any]:
        """What `kernel show` tells of it."""
        return {"job": self.id, "state": self.state, "step": self.step}

    def _show_once(self) -> None:
        """Show the panel in the cell that begins to train, unless it is shown there already."""
        if hub().session.in_kernel and threading.current_thread() is threading.main_thread():
            self._ipython_display_()

    def _ipython_display_(self) -> None:
        here = output.cell()
        if here == self._shown_in:
            return
        self._shown_in, self._updated_at = here, time.monotonic()
        self._context = contextvars.copy_context()
        output.publish(self.bundle(), self._display_id)
        if hub().session.in_kernel and self.state in LIVE_STATES:
            self._job.tender = self._tend
            hub().tend(self._job)

    @property
    def _display_id(self) -> str:
        return f"modelcypher-{self.id}"

    def _tend(self) -> bool:
        """At each tick: an update of the output every 30 s, and one when a run of another process has ended."""
        over = self.state not in LIVE_STATES
        if over and self._run is not None:
            return False  # the run itself saw to its last update
        if over or time.monotonic() - self._updated_at > UPDATE_SECONDS:
            self._updated_at = time.monotonic()
            threading.Thread(target=self._update, name="modelcypher-output", daemon=True).start()
        return not over

    def _last_update(self) -> None:
        if self._shown_in is not None and hub().session.in_kernel:
            self._update()

    def _update(self) -> None:
        """Replace the output in the notebook, so that a tab closed now keeps what is known now."""
        with self._updating:
            self._context.copy().run(self._refresh)
            bundle = self.bundle()
            try:  # as a message of the cell that runs now: whoever executes a notebook listens to that one alone
                output.publish(bundle, self._display_id, update=True)
            except LookupError:  # ipykernel 7.0 knows of no cell in other threads
                self._context.copy().run(output.publish, bundle, self._display_id, update=True)

    def _refresh(self) -> None:
        self.payload = dict(self.saved())


def _series_facts(one: dict[str, Any]) -> SeriesFacts:
    values = finite(one["values"])
    low, high = finite(one.get("low", values)), finite(one.get("high", values))
    last = one["values"][-1] if one["values"] else None
    steps, kept = tuple(one["steps"]), tuple(one["values"])
    return SeriesFacts(one["name"], one["count"], steps, kept, last, min(low, default=None), max(high, default=None))


def _event(one: dict[str, Any]) -> JobEvent:
    return JobEvent(one["step"], datetime.fromisoformat(one["time"]).timestamp(), one["kind"], one["text"])
