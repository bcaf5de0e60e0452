from __future__ import annotations

import dataclasses
import io
import sys
from typing import Any

import pytest

from modelcypher_nb.formats.report import ModelReport, TensorInfo, Verdict
from modelcypher_nb.operations import facts
from modelcypher_nb.views.curves import curves
from modelcypher_nb.views.figures import metrics_png, model_figure, png, run_figure, small_png

PNG = b"\x89PNG\r\n\x1a\n"


def run(**changed: Any) -> dict[str, Any]:
    """A run's data with a spike, a gap, a checkpoint and an event."""
    values: list[float | None] = [1.0, 0.5, None, 100.0, 0.25]
    loss = {"name": "train/loss", "count": 5, "steps": [1, 2, 3, 4, 5], "values": values}
    band = {**loss, "name": "train/$x_1$", "low": values, "high": values, "superseded": {"steps": [4], "values": [2.0]}}
    return {
        "job": {"id": "r-1", "name": "r", "state": "running", "step": 5},
        "series": [loss, band],
        "events": [{"step": 4, "kind": "spike", "text": "a spike"}],
        "checkpoints": [{"step": 5, "isBest": True, "sizeBytes": 1, "state": "complete", "pinned": False}],
        **changed,
    }


def test_a_run_s_figure_can_be_saved_for_a_paper() -> None:
    figure = run_figure(run())
    for kind, magic in (("png", PNG), ("pdf", b"%PDF"), ("svg", b"<?xml")):
        target = io.BytesIO()
        figure.savefig(target, format=kind)
        assert target.getvalue().startswith(magic)
    assert "matplotlib.pyplot" not in sys.modules


def test_a_figure_shows_each_series_with_its_events_and_checkpoints() -> None:
    loss, other = run_figure(run()).axes
    assert loss.get_title(loc="left") == "train/loss"
    assert loss.get_yscale() == "log"
    spike = [line for line in loss.get_lines() if list(line.get_xdata()) == [4, 4]]
    best = [line for line in loss.get_lines() if line.get_marker() == "o"]
    assert len(spike) == 1
    assert list(best[0].get_ydata()) == [0.25]
    assert len(other.collections) == 1


def test_a_run_that_logged_nothing_still_has_a_figure() -> None:
    assert png(run_figure(run(series=[]))).startswith(PNG)


def test_the_same_data_draws_the_same_picture() -> None:
    assert png(run_figure(run())) == png(run_figure(run()))


def test_a_picture_that_is_too_large_is_left_out() -> None:
    assert small_png(run(), most_bytes=100) is None
    assert (small_png(run()) or b"").startswith(PNG)


def test_metrics_have_a_picture_beside_their_numbers() -> None:
    series = facts.SeriesFacts("train/loss", 2, (1, 2), (1.0, 0.5), 0.5, 0.5, 1.0)
    made = facts.JobMetrics("r-1", "running", 2, (series,), (facts.JobEvent(1, 0.0, "spike", "a spike"),))
    assert metrics_png(made).startswith(PNG)


def test_a_model_s_figure_names_its_largest_tensors() -> None:
    tensors = tuple(TensorInfo(f"t${i}$", "F32", (i,), 4 * i) for i in range(1, 41))
    report = ModelReport("safetensors", Verdict("weights"), (), tensors)
    made = facts.ModelFacts(
        name="net", path="", format="safetensors", verdict=report.verdict, parameter_count=820, dtypes=report.dtypes,
        size_bytes=3280, placement="", tensor_count=40, tensors=tensors, report=report,
    )  # fmt: skip
    _, bottom = model_figure(made).axes
    names = [label.get_text() for label in bottom.get_yticklabels()]
    assert names[0] == "t$40$"
    assert len(names) == 20
    assert png(model_figure(dataclasses.replace(made, tensors=(), report=None, dtypes={}))).startswith(PNG)


def test_svg_curves_break_at_gaps_and_tell_their_last_values() -> None:
    drawn = curves(run()["series"])
    assert drawn.count("<polyline") == 4
    assert "train/loss ends at 0.25" in drawn
    assert drawn.count("<polygon") == 1


@pytest.mark.parametrize("values", [[], [None], [float("nan")]])
def test_svg_of_no_finite_value_is_empty(values: list[float | None]) -> None:
    one: Any = {"name": "x", "count": len(values), "steps": list(range(len(values))), "values": values}
    assert curves([one]) == ""


def test_svg_of_many_points_stays_small() -> None:
    points = 2000
    one = {"count": points, "steps": list(range(points)), "values": [float(i % 7) for i in range(points)]}
    series: list[Any] = [{"name": f"s{i}", **one, "low": one["values"], "high": one["values"]} for i in range(20)]
    assert len(curves(series)) < 45_000
