"""Figures fit for a paper: a run's curves, a model's tensors; matplotlib's Figure alone, never pyplot."""

from __future__ import annotations

import io
import math
import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..guard.secrets import shown
from . import numbers as n
from .bundle import MOST_PICTURE_BYTES
from .curves import MARKED, finite, ordered

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..operations.facts import JobMetrics, ModelFacts

__all__ = ["metrics_png", "model_figure", "png", "run_figure", "small_png"]

ACROSS = 3
MOST_CURVES = 12
LOGARITHMIC = 100.0  # a loss that spans more than this is drawn on a logarithmic axis
BLUE, ORANGE, GREY = "#3b6fb6", "#c4622d", "#8a8a8a"

# matplotlib's font and text caches aren't made for two threads.
_drawing = threading.Lock()


def run_figure(data: Mapping[str, Any]) -> Figure:
    """A run's series as small multiples: curve, min-max band, superseded points, events, checkpoints.

    Args:
        data: of the training_run view.
    """
    from matplotlib.figure import Figure

    series = [one for one in ordered(data["series"]) if finite(one["values"])][:MOST_CURVES]
    across = min(ACROSS, max(len(series), 1))
    down = max(1, math.ceil(len(series) / across))
    figure = Figure(figsize=(3.2 * across, 2.3 * down + 0.4), layout="constrained")
    job = data["job"]
    figure.suptitle(f"{shown(job['name'], 80)}, {job['state']} at step {n.whole(job['step'])}", fontsize=10)
    for place, one in enumerate(series):
        axes = figure.add_subplot(down, across, place + 1)
        _curve(axes, one)
        _events(axes, data.get("events", ()), one["steps"])
        if "loss" in one["name"]:
            _checkpoints(axes, data.get("checkpoints", ()), one)
    if not series:
        figure.text(0.5, 0.5, "nothing was logged", ha="center", va="center", color=GREY)
    return figure


def _numbers(values: Sequence[float | None]) -> list[float]:
    return [math.nan if value is None else value for value in values]


def _curve(axes: Axes, one: Mapping[str, Any]) -> None:
    values = _numbers(one["values"])
    if "superseded" in one:
        old = one["superseded"]
        axes.plot(old["steps"], _numbers(old["values"]), color=GREY, linewidth=0.8, alpha=0.5)
    if "low" in one and "high" in one:
        low, high = _numbers(one["low"]), _numbers(one["high"])
        axes.fill_between(one["steps"], low, high, color=BLUE, alpha=0.2, linewidth=0)
    axes.plot(one["steps"], values, color=BLUE, linewidth=1.1, marker="." if len(values) == 1 else None)
    seen = finite(values)
    if "loss" in one["name"] and min(seen) > 0 and max(seen) > LOGARITHMIC * min(seen):
        axes.set_yscale("log")
    axes.set_title(shown(one["name"], 40), fontsize=9, loc="left")
    axes.set_xlabel(f"step ({n.plural(one['count'], 'point')})", fontsize=7)
    axes.tick_params(labelsize=7)
    axes.grid(visible=True, alpha=0.25, linewidth=0.5)
    axes.spines[["top", "right"]].set_visible(False)


def _events(axes: Axes, events: Sequence[Mapping[str, Any]], steps: Sequence[float]) -> None:
    """Thin lines where something happened within the curve."""
    for event in events:
        if event["kind"] in MARKED and steps[0] <= event["step"] <= steps[-1]:
            color = ORANGE if event["kind"] in {"nan", "spike", "error"} else GREY
            axes.axvline(event["step"], color=color, linewidth=0.7, linestyle=(0, (3, 2)))


def _checkpoints(axes: Axes, checkpoints: Sequence[Mapping[str, Any]], one: Mapping[str, Any]) -> None:
    """A dot on the curve at each saved step, filled where it is the best."""
    for checkpoint in checkpoints:
        place = max((index for index, step in enumerate(one["steps"]) if step <= checkpoint["step"]), default=None)
        value = one["values"][place] if place is not None else None
        if value is None or not math.isfinite(value):
            continue
        fill = ORANGE if checkpoint.get("isBest") else "white"
        axes.plot([checkpoint["step"]], [value], "o", color=ORANGE, markerfacecolor=fill, markersize=4)


def model_figure(facts: ModelFacts, most: int = 20) -> Figure:
    """A model's data types as one bar, and its largest tensors as bars."""
    from matplotlib.figure import Figure

    everything = facts.report.tensors if facts.report is not None else facts.tensors
    largest = sorted(everything, key=lambda tensor: (-tensor.size_bytes, tensor.name))[:most]
    figure = Figure(figsize=(6.4, 1.6 + 0.19 * max(len(largest), 1)), layout="constrained")
    figure.suptitle(f"{shown(facts.name, 80)}: {n.count(facts.parameter_count)} parameters", fontsize=10)
    top, bottom = figure.subplots(2, 1, height_ratios=[0.5, 0.19 * max(len(largest), 1)])
    left, total = 0.0, sum(facts.dtypes.values()) or 1
    for index, (dtype, parameters) in enumerate(facts.dtypes.items()):
        share = parameters / total
        top.barh([0], [share], left=[left], color=f"C{index}", label=f"{shown(dtype, 20)} {n.percent(share)}")
        left += share
    top.axis("off")
    if facts.dtypes:
        top.legend(fontsize=7, ncols=4, frameon=False, loc="upper left", bbox_to_anchor=(0, 0.1))
    names = [shown(tensor.name, 50) for tensor in largest]
    bottom.barh(range(len(largest)), [tensor.size_bytes / 1e6 for tensor in largest], color=BLUE, height=0.7)
    bottom.set_yticks(range(len(largest)), names, fontsize=7, parse_math=False)
    bottom.invert_yaxis()
    bottom.set_xlabel("MB", fontsize=7)
    bottom.tick_params(labelsize=7)
    bottom.spines[["top", "right"]].set_visible(False)
    return figure


def png(figure: Figure, dpi: int = 100) -> bytes:
    """A figure as PNG, without the date and version that would make two drawings differ."""
    target = io.BytesIO()
    with _drawing:
        figure.savefig(target, format="png", dpi=dpi, metadata={"Software": None})
    return target.getvalue()


def small_png(data: Mapping[str, Any], most_bytes: int = MOST_PICTURE_BYTES) -> bytes | None:
    """A run's figure as a PNG that a notebook can carry; None where even a coarse one is too large."""
    figure = run_figure(data)
    for dpi in (80, 60, 45):
        drawn = png(figure, dpi)
        if len(drawn) <= most_bytes:
            return drawn
    return None


def metrics_png(facts: JobMetrics, dpi: int = 100) -> bytes:
    """The picture beside the numbers of `job metrics`."""
    series = [{"name": one.name, "count": one.count, "steps": one.steps, "values": one.values} for one in facts.series]
    events = [{"step": event.step, "kind": event.kind, "text": event.text} for event in facts.events]
    job = {"name": facts.job, "state": facts.state, "step": facts.step}
    return png(run_figure({"job": job, "series": series, "events": events}), dpi)
