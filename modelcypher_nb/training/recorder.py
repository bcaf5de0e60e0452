"""What a run logs: written at once, watched for NaN and spikes, and handed to whoever looks on."""

from __future__ import annotations

import math
import threading
import time
from array import array
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..errors import ModelCypherError, UsageError
from ..guard.secrets import shown
from .dynamics import WINDOW, loss_verdict

if TYPE_CHECKING:
    from ..store.series import SeriesWriter

__all__ = ["FIELDS", "Points", "Recorder", "series_name"]

# series -> the field of the job's row that shows its last value
FIELDS = {
    "train/loss": "loss",
    "eval/loss": "eval_loss",
    "train/learning_rate": "learning_rate",
    "train/grad_norm": "grad_norm",
    "train/samples_per_second": "samples_per_second",
}

# What a person may write short.
SHORT = {
    **{name: f"train/{name}" for name in ("loss", "accuracy", "learning_rate", "grad_norm", "samples_per_second")},
    **{f"{prefix}_{name}": f"eval/{name}" for prefix in ("eval", "val") for name in ("loss", "accuracy")},
}

LONGEST_NAME = 200
MOST_SERIES = 1000

_known: dict[str, str] = {}  # names that were checked already: the same few come at every step

# The points of one series since they were last fetched: steps and values.
Points = dict[str, tuple["array[float]", "array[float]"]]


def series_name(name: object) -> str:
    """The full name of a series: `loss` stands for `train/loss`, `eval_loss` for `eval/loss`.

    Raises:
        UsageError: it is no text, empty or too long.
    """
    known = _known.get(name) if type(name) is str else None
    if known is not None:
        return known
    if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise UsageError(
            f"{shown(repr(name), 60)} can't be a series' name.",
            'Name it by a short text, as in run.log({"train/loss": loss}).',
        )
    if len(_known) >= MOST_SERIES:
        _known.clear()
    return _known.setdefault(name, SHORT.get(name, name))


def _number(name: str, value: Any) -> Any:
    """A float, or a detached tensor on an accelerator that nothing waits for yet."""
    if isinstance(value, int | float):
        return float(value)
    if getattr(value, "numel", None) is not None and callable(value.numel) and value.numel() == 1:
        value = value.detach()
        return value if value.device.type not in {"cpu", "meta"} else float(value.item())
    if not hasattr(value, "__float__"):
        raise _no_number(name, value)
    try:
        return float(value)  # NumPy's scalars and arrays of one element
    except (TypeError, ValueError, RuntimeError) as error:
        raise _no_number(name, value) from error


def _no_number(name: str, value: object) -> UsageError:
    return UsageError(
        f"'{shown(name, 60)}' was given a {type(value).__name__}, which isn't one number.",
        "Log one number a name; take the mean of a tensor first, as in loss.mean().",
    )


class Recorder:
    """The series of one run in this process.

    Args:
        writer: appends to the run's segment.

    Attributes:
        latest: step and value that each series has last.
        unwritten: events that the disk had no room for.
        event_count: how many events there were.
    """

    def __init__(self, writer: SeriesWriter) -> None:
        self._writer: SeriesWriter | None = writer
        self._lock = threading.RLock()
        self._held: list[tuple[int, float, dict[str, Any]]] = []
        self._window: deque[float] = deque(maxlen=WINDOW)
        self._finite = True
        self._calm = WINDOW  # losses since the last spike that was told
        self._onlookers: list[Points] = []
        self.latest: dict[str, tuple[int, float]] = {}
        self.unwritten: list[tuple[int, float, str, str]] = []
        self.event_count = 0

    def event(self, step: int, kind: str, text: str) -> None:
        """Note that something happened: pause, resume, checkpoint, learning_rate, nan, spike, storage, error, ..."""
        now = time.time()
        with self._lock:
            self.event_count += 1
            if self._writer is not None:
                try:
                    self._writer.event(step, kind, text, now)
                except ModelCypherError as error:
                    self._lose(step, error)
                else:
                    return
            self.unwritten.append((step, now, kind, text))

    def _lose(self, step: int, error: ModelCypherError) -> None:
        """Give up writing: a full disk ends the logging, visibly, and never the run."""
        self._writer = None
        self.event(step, "storage", f"Logging ended at step {step}, training goes on: {error}")

    def log(self, step: int, values: Mapping[str, Any]) -> None:
        """Write one record.

        Values on an accelerator are read with the next record, a step later, so that logging waits for no device.

        Raises:
            UsageError: a name or a value can't be logged; nothing is written.
        """
        record: dict[str, Any] = {}
        there = True  # whether every value is here to be written, and none on an accelerator
        for name, value in values.items():
            number = value if type(value) is float else _number(name, value)
            there = there and type(number) is float
            record[name] = number
        if not record:
            return
        with self._lock:
            if len(self.latest) + len(record) > MOST_SERIES < len(self.latest.keys() | record.keys()):
                raise UsageError(
                    f"This run would have more than {MOST_SERIES} series.",
                    "Log under fewer names: a name is a curve, and what changes each step is a value.",
                )
            if self._held:
                self.settle()
            now = time.time()
            if there:
                self._write(step, now, record)
            else:
                self._held.append((step, now, record))

    def settle(self) -> None:
        """Read what was left on an accelerator, and write it."""
        with self._lock:
            held, self._held = self._held, []
            for step, when, record in held:
                self._write(step, when, {name: float(value) for name, value in record.items()})

    def _write(self, step: int, when: float, record: dict[str, float]) -> None:
        if self._writer is not None:
            try:
                self._writer.append(step, record, when)
            except ModelCypherError as error:
                self._lose(step, error)
        for name, value in record.items():
            self.latest[name] = (step, value)
            for points in self._onlookers:
                steps, numbers = points.setdefault(name, (array("d"), array("d")))
                steps.append(step)
                numbers.append(value)
        if "train/loss" in record:
            self._judge(step, record["train/loss"])

    def _judge(self, step: int, loss: float) -> None:
        """Tell of a loss that is wrong: once for a stretch of NaN, and of spikes once for as long as a window is."""
        finite = math.isfinite(loss)
        self._calm += 1
        if self._calm > WINDOW if finite else self._finite:
            verdict = loss_verdict(
                loss, step, self._window, self.at(step, "train/grad_norm"), self.at(step, "train/learning_rate")
            )
            if verdict is not None:
                self.event(step, *verdict)
                self._calm = 0 if finite else self._calm
        self._finite = finite
        if finite:
            self._window.append(loss)

    def at(self, step: int, name: str) -> float | None:
        """The finite value that a series has at this very step, if it is its last."""
        found = self.latest.get(name)
        return found[1] if found is not None and found[0] == step and math.isfinite(found[1]) else None

    def fields(self) -> dict[str, Any]:
        """The last values, under the names of the job's row; what isn't finite is left out."""
        latest = dict(self.latest)
        found: dict[str, Any] = {
            field: latest[name][1]
            for name, field in FIELDS.items()
            if name in latest and math.isfinite(latest[name][1])
        }
        return {**found, "series": tuple(sorted(latest))}

    def look_on(self) -> Points:
        """Collect every point from now on; `fetch` empties it, `look_away` ends it."""
        points: Points = {}
        with self._lock:
            self._onlookers.append(points)
        return points

    def fetch(self, points: Points) -> Points:
        """What an onlooker's collection holds, which is empty afterwards."""
        with self._lock:
            taken = dict(points)
            points.clear()
            return taken

    def look_away(self, points: Points) -> None:
        """End a collection."""
        with self._lock:
            self._onlookers = [other for other in self._onlookers if other is not points]

    def close(self) -> None:
        """Write the rest and give the file back."""
        with self._lock:
            self.settle()
            writer, self._writer = self._writer, None
            if writer is not None:
                writer.close()
