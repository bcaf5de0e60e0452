from __future__ import annotations

import math
import os
import re
from typing import Any

import numpy as np
import pytest
import torch

from modelcypher_nb.errors import UsageError
from modelcypher_nb.store.run_store import RunStore
from modelcypher_nb.training.recorder import Recorder, series_name


@pytest.fixture
def recorder(store: RunStore) -> Any:
    made = Recorder(store.series_writer("job", 1))
    yield made
    made.close()


def test_what_is_logged_is_read_back_at_once(store: RunStore, recorder: Recorder) -> None:
    recorder.log(1, {"train/loss": 0.5, "x": 3})
    recorder.log(2, {"train/loss": torch.tensor([0.25], requires_grad=True), "x": np.float32(4)})
    points = store.series("job").read("train/loss")
    assert points.steps.tolist() == [1, 2]
    assert points.values.tolist() == [0.5, 0.25]
    assert store.series("job").read("x").values.tolist() == [3, 4]


def test_the_short_names_stand_for_the_usual_series() -> None:
    assert [series_name(name) for name in ("loss", "accuracy", "eval_loss", "val_accuracy", "my/own")] == [
        "train/loss",
        "train/accuracy",
        "eval/loss",
        "eval/accuracy",
        "my/own",
    ]


@pytest.mark.parametrize("name", ["", "a\nb", "x" * 201, 3])
def test_a_senseless_name_is_refused(name: object) -> None:
    with pytest.raises(UsageError):
        series_name(name)


@pytest.mark.parametrize("value", ["0.5", None, torch.zeros(2), [1, 2], 1j])
def test_what_is_no_single_number_is_refused_and_nothing_is_written(
    store: RunStore, recorder: Recorder, value: object
) -> None:
    with pytest.raises(UsageError, match=r"'y' was given a"):
        recorder.log(1, {"x": 1.0, "y": value})
    assert store.series("job").names() == ()


def test_a_stretch_of_nan_is_one_event_and_the_next_stretch_another(store: RunStore, recorder: Recorder) -> None:
    for step, loss in enumerate([1.0, math.nan, math.nan, 0.9, math.inf], 1):
        recorder.log(step, {"train/loss": loss, "train/grad_norm": 7.5})
    events = [event for event in store.series("job").events() if event.kind == "nan"]
    assert [event.step for event in events] == [2, 5]
    assert "7.5" in events[0].text
    assert recorder.fields().get("loss") is None


def test_a_spike_is_an_event_with_its_numbers(store: RunStore, recorder: Recorder) -> None:
    for step in range(1, 65):
        recorder.log(step, {"train/loss": 1 + 0.01 * (step % 5)})
    recorder.log(65, {"train/loss": 4.0})
    assert [(event.step, event.kind) for event in store.series("job").events()] == [(65, "spike")]


def test_spikes_that_follow_each_other_are_told_once_a_window(store: RunStore, recorder: Recorder) -> None:
    for step in range(1, 200):
        recorder.log(step, {"train/loss": 4.0 if step > 64 and step % 9 == 0 else 1 + 0.01 * (step % 5)})
    assert [event.step for event in store.series("job").events()] == [72, 144]


def test_a_full_disk_ends_the_logging_once_and_visibly_and_never_the_run(store: RunStore, recorder: Recorder) -> None:
    recorder.log(1, {"train/loss": 1.0})
    appended = recorder._writer._file  # type: ignore[union-attr]
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, appended.descriptor)
    os.close(full)
    recorder.log(2, {"train/loss": 0.5})
    recorder.log(3, {"train/loss": math.nan})
    recorder.event(3, "pause", "Paused.")
    assert [(step, kind) for step, _, kind, _ in recorder.unwritten] == [(2, "storage"), (3, "nan"), (3, "pause")]
    assert re.search("No space left", recorder.unwritten[0][3])
    assert store.series("job").read("train/loss").steps.tolist() == [1]
    assert recorder.latest["train/loss"][0] == 3


def test_an_onlooker_gets_every_point_once(recorder: Recorder) -> None:
    recorder.log(1, {"x": 1.0})
    points = recorder.look_on()
    recorder.log(2, {"x": 2.0, "y": 5.0})
    recorder.log(3, {"x": 3.0})
    first = recorder.fetch(points)
    assert (list(first["x"][0]), list(first["x"][1]), list(first["y"][1])) == ([2, 3], [2, 3], [5])
    assert recorder.fetch(points) == {}
    recorder.look_away(points)
    recorder.log(4, {"x": 4.0})
    assert recorder.fetch(points) == {}


def test_a_value_on_an_accelerator_is_read_a_step_later(store: RunStore, recorder: Recorder) -> None:
    class Elsewhere:
        """Stands for a tensor on an accelerator, which this machine may lack; notes when somebody waits for it."""

        read = 0

        class device:  # noqa: N801 - torch's own name
            type = "cuda"

        def numel(self) -> int:
            return 1

        def detach(self) -> Elsewhere:
            return self

        def __float__(self) -> float:
            self.read += 1
            return 0.5

    value = Elsewhere()
    recorder.log(1, {"train/loss": value})
    assert value.read == 0
    recorder.log(2, {"train/loss": 0.25})
    assert value.read == 1
    assert store.series("job").read("train/loss").values.tolist() == [0.5, 0.25]
