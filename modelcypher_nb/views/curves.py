"""Small multiples of a run's curves as SVG: sharp, a few kilobytes, and in the colours of the page around them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from . import numbers as n
from .markup import Markup, element
from .messages import RunEvent, Series

__all__ = ["MARKED", "curves", "finite", "ordered"]

WIDTH, HEIGHT = 260.0, 110.0
LEFT, TOP, RIGHT, BOTTOM = 4.0, 18.0, 4.0, 14.0
ACROSS = 3
MOST_CURVES = 9
MOST_POINTS = 130  # a point every two pixels
LABEL: dict[str, str | float | bool] = {"font-size": "10", "fill": "currentColor", "opacity": "0.75"}
BLUE = "#3b82c4"
MARKED = frozenset({"nan", "spike", "resumed", "resume", "learning_rate", "error", "pause", "paused"})


def finite(values: Iterable[float | None]) -> list[float]:
    """The numbers among values."""
    return [value for value in values if value is not None and math.isfinite(value)]


# What a person looks at first; the rest follows by name, as in the front end.
FIRST = (
    *("train/loss", "eval/loss", "train/accuracy", "eval/accuracy"),
    *("train/learning_rate", "train/grad_norm"),
)


def ordered(series: Iterable[Any]) -> list[Any]:
    """Series in the order that people look at them."""
    names = {name: place for place, name in enumerate(FIRST)}
    return sorted(series, key=lambda one: (names.get(one["name"], len(FIRST)), one["name"]))


def curves(series: Sequence[Series], events: Sequence[RunEvent] = ()) -> Markup:
    """One picture of up to nine series; empty where none has a finite value."""
    drawn = [one for one in ordered(series) if finite(one["values"])][:MOST_CURVES]
    if not drawn:
        return Markup("")
    across = min(ACROSS, len(drawn))
    width, height = across * (WIDTH + 12), math.ceil(len(drawn) / across) * (HEIGHT + 10)
    panels = [
        element(
            "g",
            {"transform": f"translate({(place % across) * (WIDTH + 12):g},{(place // across) * (HEIGHT + 10):g})"},
            *_panel(one, events),
        )
        for place, one in enumerate(drawn)
    ]
    head: dict[str, str | float | bool] = {
        "xmlns": "http://www.w3.org/2000/svg",
        "viewBox": f"0 0 {width:g} {height:g}",
        "role": "img",
        "style": f"width:100%;max-width:{width:g}px;font-family:inherit",
    }
    names = ", ".join(f"{one['name']} ends at {n.metric(finite(one['values'])[-1])}" for one in drawn)
    return element("svg", head, element("title", None, f"Curves: {names}"), *panels)


class _Scale:
    """Steps and values to places in a panel."""

    def __init__(self, one: Series) -> None:
        values = finite(one["values"]) + finite(one.get("low", [])) + finite(one.get("high", []))
        self.low, self.high = min(values), max(values)
        steps = one["steps"]
        self.first, self.last = min(steps), max(steps)

    def x(self, step: float) -> float:
        span = (self.last - self.first) or 1
        return LEFT + (step - self.first) / span * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        span = self.high - self.low
        share = (self.high - value) / span if span else 0.5  # what never changes is drawn in the middle
        return TOP + share * (HEIGHT - TOP - BOTTOM)


def _panel(one: Series, events: Sequence[RunEvent]) -> list[Markup]:
    scale = _Scale(one)
    stride = max(1, math.ceil(len(one["steps"]) / MOST_POINTS))
    parts = [_frame()]
    parts += [_mark(scale.x(event["step"])) for event in events if _is_marked(event, scale)][-20:]
    if "low" in one and "high" in one:
        parts.append(_band(one, scale, stride))
    parts += _lines(one, scale, stride)
    last = finite(one["values"])[-1]
    parts += [
        element("text", {"x": LEFT, "y": 12.0, "font-size": "11", "fill": "currentColor"}, one["name"], limit=36),
        _right(12.0, n.metric(last)),
        element("text", {**LABEL, "x": LEFT, "y": HEIGHT - 2}, f"{n.metric(scale.low)} to {n.metric(scale.high)}"),
        _right(HEIGHT - 2, f"step {n.whole(scale.last)}"),
    ]
    return parts


def _right(y: float, text: str) -> Markup:
    return element("text", {**LABEL, "x": WIDTH - RIGHT, "y": y, "text-anchor": "end"}, text)


def _frame() -> Markup:
    box: dict[str, str | float | bool] = {"x": LEFT, "y": TOP, "width": WIDTH - LEFT - RIGHT}
    return element(
        "rect",
        {**box, "height": HEIGHT - TOP - BOTTOM, "fill": "none", "stroke": "currentColor", "stroke-opacity": "0.2"},
    )


def _is_marked(event: RunEvent, scale: _Scale) -> bool:
    return event["kind"] in MARKED and scale.first <= event["step"] <= scale.last


def _mark(x: float) -> Markup:
    ends: dict[str, str | float | bool] = {"x1": x, "x2": x, "y1": TOP, "y2": HEIGHT - BOTTOM}
    return element("line", {**ends, "stroke": "currentColor", "stroke-opacity": "0.35", "stroke-dasharray": "2 2"})


def _band(one: Series, scale: _Scale, stride: int) -> Markup:
    """The extremes behind each point, so that a spike isn't lost by thinning."""
    upper, lower = [], []
    for start in range(0, len(one["steps"]), stride):
        end = start + stride
        lows, highs = finite(one["low"][start:end]), finite(one["high"][start:end])
        if lows and highs:
            x = scale.x(one["steps"][start])
            upper.append(f"{x:.1f},{scale.y(max(highs)):.1f}")
            lower.append(f"{x:.1f},{scale.y(min(lows)):.1f}")
    return element("polygon", {"points": " ".join(upper + lower[::-1]), "fill": BLUE, "fill-opacity": "0.2"})


def _lines(one: Series, scale: _Scale, stride: int) -> list[Markup]:
    """The curve, broken where a value is missing."""
    pieces: list[list[str]] = [[]]
    for step, value in list(zip(one["steps"], one["values"], strict=True))[::stride]:
        if value is None or not math.isfinite(value):
            pieces.append([])
        else:
            pieces[-1].append(f"{scale.x(step):.1f},{scale.y(value):.1f}")
    style: dict[str, str | float | bool] = {"fill": "none", "stroke": BLUE, "stroke-width": "1.4"}
    return [element("polyline", {"points": " ".join(piece), **style}) for piece in pieces if piece]
