"""Answers that stay small: a page is cut and its cursor moved, anything else is thinned and says so under `trimmed`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any, NamedTuple

from ...errors import UsageError
from ...guard.secrets import shown

__all__ = ["ANSWER_BYTES", "fitted", "harmless", "serialised"]

ANSWER_BYTES = 8_000
ENVELOPE_BYTES = 400  # JSON-RPC, the content block, the server's name
# Where a list operation keeps its page, which is cut last: what is left out of it isn't lost, the cursor leads there.
PAGES = ("items", "tensors", "rows", "objects")
# Mappings whose keys are a caller's or a file's own; every other mapping is facts, and keeps all its fields.
FREE = frozenset({"arguments", "config", "details", "dtypes", "libraries", "lineage", "metadata", "recipe", "result"})
LONGEST_TEXT = 200
LONGEST_FIELD = 2_000
FEWEST_POINTS = 4

Facts = dict[str, Any]


def serialised(facts: Any) -> str:
    """Compact JSON, as it goes over the wire."""
    return json.dumps(facts, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def harmless(value: Any) -> Any:
    """JSON values whose texts, keys included, can neither deceive a reader nor go on without end.

    Names and messages in them come from files and runs, and a model reads them beside its person's words.
    """
    if isinstance(value, str):
        return shown(value, LONGEST_FIELD)
    if isinstance(value, dict):
        return {shown(key, LONGEST_TEXT): harmless(item) for key, item in value.items()}
    return [harmless(item) for item in value] if isinstance(value, list) else value


def _size(facts: Any, *, structured: bool) -> int:
    """Bytes of the whole answer, where the facts stand as text within JSON and, in a tool's, once more as they are."""
    text = serialised(facts)
    quoted = len(json.dumps(text, ensure_ascii=False).encode())
    return quoted + ENVELOPE_BYTES + (len(text.encode()) if structured else 0)


class _Part(NamedTuple):
    """A part of an answer that can be made smaller: where it stands, and in what."""

    path: str
    holder: Any
    key: Any

    @property
    def value(self) -> Any:
        return self.holder[self.key]


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
    small = deepcopy(facts)
    counted = "total" in facts or "tensorCount" in facts
    page = next((name for name in PAGES if counted and isinstance(facts.get(name), list)), None)
    trimmed: dict[str, int] = {}
    while _size(small, structured=structured) > ANSWER_BYTES:
        part = max(_parts(small), key=lambda part: len(serialised(part.value)), default=None)
        if part is None:
            raise UsageError(
                "The answer is larger than an assistant gets.",
                "Ask for less: a smaller limit, fewer names, fewer points.",
            )
        before = len(part.value)
        part.holder[part.key] = _less(part.value)
        if part.path == page:
            small["cursor"] = str(int(cursor or 0) + len(small[page]))
        else:
            trimmed.setdefault(part.path, before)
            small["trimmed"] = trimmed
    return small


def _parts(holder: Any, path: str = "") -> Iterator[_Part]:
    """Everything that can be made smaller; within a list that can, nothing else."""
    for key, value in list(holder.items() if isinstance(holder, dict) else enumerate(holder)):
        part = _Part(f"{path}.{key}".lstrip("."), holder, key)
        if part.path == "trimmed":
            continue
        if _reducible(key, value):
            yield part
        elif isinstance(value, (dict, list)):
            yield from _parts(value, part.path)


def _reducible(name: Any, value: Any) -> bool:
    if isinstance(value, str):
        return len(value) > LONGEST_TEXT
    if isinstance(value, dict):
        return name in FREE and len(value) > 1
    return isinstance(value, list) and (len(value) > 1 or _is_series(value))


def _is_series(value: list[Any]) -> bool:
    """Whether it is metrics that can still be thinned."""
    return any(_is_long(item) for item in value)


def _is_long(item: Any) -> bool:
    """Whether it is one metric, numbers by step, with more than the fewest points."""
    if not isinstance(item, dict):
        return False
    steps, values = item.get("steps"), item.get("values")
    if not isinstance(steps, list) or not isinstance(values, list) or len(steps) != len(values):
        return False
    return len(steps) > FEWEST_POINTS and all(value is None or isinstance(value, (int, float)) for value in values)


def _less(value: Any) -> Any:
    """About half of it: of metrics the extremes, of anything else the beginning."""
    if isinstance(value, str):
        return value[: max(LONGEST_TEXT, len(value) // 2) - 1] + "…"
    if isinstance(value, dict):
        return dict(list(value.items())[: len(value) // 2])
    if _is_series(value):
        return [_thinner(item) for item in value]
    return value[: (len(value) + 1) // 2]


def _thinner(series: Any) -> Any:
    """A series with about half of its points: of each few neighbours the lowest and the highest stay."""
    if not _is_long(series):
        return series
    steps, values = series["steps"], series["values"]
    kept = sorted({*_extremes(values), 0, len(values) - 1})
    return {**series, "steps": [steps[index] for index in kept], "values": [values[index] for index in kept]}


def _extremes(values: list[float | None]) -> Iterator[int]:
    width = 6  # two of six stay, so that the ends, which stay too, don't make up for what goes
    for start in range(0, len(values), width):
        known = [index for index in range(start, min(start + width, len(values))) if values[index] is not None]
        if known:
            yield min(known, key=lambda index: values[index] or 0.0)
            yield max(known, key=lambda index: values[index] or 0.0)
