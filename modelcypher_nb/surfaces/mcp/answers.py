"""Answers that stay small: a page is cut and its cursor moved, anything else is thinned and says so under `trimmed`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ...errors import UsageError

__all__ = ["ANSWER_BYTES", "fitted", "serialised"]

ANSWER_BYTES = 8_000
ENVELOPE_BYTES = 400  # JSON-RPC, the content block, the server's name
# Where a list operation keeps its page.
PAGES = ("items", "tensors", "rows", "objects")
LONGEST_TEXT = 200

Facts = dict[str, Any]


def serialised(facts: Any) -> str:
    """Compact JSON, as it goes over the wire."""
    return json.dumps(facts, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _size(facts: Any, *, structured: bool) -> int:
    """Bytes of the whole answer, where the facts stand as text within JSON and, in a tool's, once more as they are."""
    text = serialised(facts)
    quoted = len(json.dumps(text, ensure_ascii=False).encode())
    return quoted + ENVELOPE_BYTES + (len(text.encode()) if structured else 0)


def fitted(facts: Facts, cursor: str | None = None, *, structured: bool = True) -> Facts:
    """The facts in an answer of at most ANSWER_BYTES.

    Args:
        facts: an answer as `wire` made it.
        cursor: where its page began.
        structured: whether they stand in the answer twice, as a tool's do (the text is for clients of before 2025).

    Raises:
        UsageError: nothing is left to leave out.
    """
    if _size(facts, structured=structured) <= ANSWER_BYTES:
        return facts
    small: Facts = dict(facts)
    page = next((name for name in PAGES if isinstance(small.get(name), list)), None)
    trimmed: dict[str, int] = {}
    while _size({**small, "trimmed": trimmed} if trimmed else small, structured=structured) > ANSWER_BYTES:
        name = _largest(small, page)
        if name is None:
            raise UsageError(
                "The answer is larger than an assistant gets.",
                "Ask for less: a smaller limit, fewer names, fewer points.",
            )
        whole = small[name]
        small[name] = _less(whole)
        if name != page:
            trimmed.setdefault(name, len(facts[name]))
        elif "total" in small or "tensorCount" in small:
            small["cursor"] = str(int(cursor or 0) + len(small[name]))
    return {**small, "trimmed": trimmed} if trimmed else small


def _largest(facts: Facts, page: str | None) -> str | None:
    """The field to make smaller: the largest that still can be; a page keeps at least one of its items."""
    sizes = {
        name: len(serialised(value))
        for name, value in facts.items()
        if _reducible(value) and not (name == page and len(value) == 1 and _less(value) == value)
    }
    return max(sizes, key=lambda name: sizes[name]) if sizes else None


def _reducible(value: Any) -> bool:
    return isinstance(value, (list, dict)) and bool(value) and _less(value) != value


def _less(value: Any) -> Any:
    """About half of a value: of a series its extremes, of a list its beginning, of a text its beginning."""
    if isinstance(value, list):
        if value and all(isinstance(item, dict) and {"steps", "values"} <= item.keys() for item in value):
            thinner = [_thinner(item) for item in value]
            return thinner if thinner != value else value[: len(value) // 2] or value
        return value[: (len(value) + 1) // 2] if len(value) > 1 else [_less(item) for item in value]
    if isinstance(value, dict):
        return _less_of_mapping(value)
    if isinstance(value, str) and len(value) > LONGEST_TEXT:
        return value[: max(LONGEST_TEXT, len(value) // 2) - 1] + "…"
    return value


def _less_of_mapping(value: Facts) -> Facts:
    """Its largest part made smaller, or dropped where that part is plain and the mapping has many."""
    by_size = sorted(value, key=lambda name: len(serialised(value[name])), reverse=True)
    for name in by_size:
        less = _less(value[name])
        if less != value[name]:
            return {**value, name: less}
    if len(value) > 40:  # no facts of ours have as many fields: these are a caller's own names
        return dict(list(value.items())[: len(value) // 2])
    return value


def _thinner(series: Facts) -> Facts:
    """A series with about half of its points: of each few neighbours the lowest and the highest stay."""
    steps, values = series["steps"], series["values"]
    if len(steps) <= 4:
        return series
    kept = sorted(set(_extremes(values)) | {0, len(values) - 1})
    return {**series, "steps": [steps[index] for index in kept], "values": [values[index] for index in kept]}


def _extremes(values: list[float | None]) -> Iterator[int]:
    for start in range(0, len(values), 4):
        known = [index for index in range(start, min(start + 4, len(values))) if values[index] is not None]
        if known:
            yield min(known, key=lambda index: values[index] or 0.0)
            yield max(known, key=lambda index: values[index] or 0.0)
