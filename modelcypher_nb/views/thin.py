"""A displayed object's data made to fit into a notebook: thinned the same way each time, saying what was left out."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from ..guard.secrets import shown

__all__ = ["MOST_POINTS", "bounded", "encoded", "thinned"]

MOST_POINTS = 2000  # of a series in a saved notebook; the store keeps all
LONGEST = 400  # characters of one text
# What may become shorter, by the name of its key; the first of a list are kept, the last of events.
LISTS = frozenset(
    {"tensors", "files", "findings", "events", "checkpoints", "models", "jobs", "storage", "tools"}
    | {"calls", "clients", "roots", "aliases", "tags"}
)
MAPS = frozenset({"metadata", "lineage", "config", "dtypes"})
NEWEST_LAST = frozenset({"events"})
FEW_CHILDREN = 4  # within one value of a tree, below which the depth gives way instead


def encoded(value: Any) -> bytes:
    """The JSON that a notebook holds of a value."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def bounded(value: Any) -> Any:
    """JSON values whose texts are redacted, escaped and at most 400 characters long; what isn't a number is null."""
    if isinstance(value, str):
        return (
            "\n".join(shown(line, LONGEST) for line in value.splitlines()[:60])
            if "\n" in value
            else shown(value, LONGEST)
        )
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {shown(key, 200): bounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [bounded(item) for item in value]
    return value


def thinned(data: Mapping[str, Any], limit: int) -> dict[str, Any]:
    """The data in at most `limit` bytes of JSON.

    What was left out is counted under `leftOut`, by the name of its list; a series says it by its `count`.
    """
    result: dict[str, Any] = bounded(data)
    left: dict[str, int] = dict(result.pop("leftOut", {}))  # of an earlier, larger thinning
    for one in result.get("series", ()):
        if len(one["steps"]) > MOST_POINTS:
            decimate(one, MOST_POINTS)
    while len(encoded(result)) + 100 > limit and _shorten_largest(result, left):
        pass
    if left:
        result["leftOut"] = left
    return result


def _shorten_largest(result: dict[str, Any], left: dict[str, int]) -> bool:
    """Halve whatever takes the most; False where nothing is left to halve."""
    found = [(len(encoded(item)), place, key) for place, key, item in _shrinkable(result)]
    if not found:
        return False
    _, holder, key = max(found, key=lambda entry: entry[0])
    item = holder[key]
    if key == "series":
        for one in item:
            decimate(one, max(len(one["steps"]) // 2, 1))
        if all(len(one["steps"]) <= 1 for one in item):
            left["series"] = left.get("series", 0) + len(item)
            holder[key] = []
        return True
    if key == "tree":
        _shorten_tree(item)
        return True
    keep = len(item) // 2
    left[key] = left.get(key, 0) + len(item) - keep
    if isinstance(item, dict):
        holder[key] = dict(list(item.items())[:keep])
    else:
        holder[key] = item[len(item) - keep :] if key in NEWEST_LAST else item[:keep]
    return True


def _shrinkable(value: dict[str, Any]) -> list[tuple[dict[str, Any], str, Any]]:
    found = []
    for key, item in value.items():
        if item and (
            key == "series"
            or (key == "tree" and item.get("children"))
            or (key in LISTS and isinstance(item, list))
            or (key in MAPS and isinstance(item, dict))
        ):
            found.append((value, key, item))
        elif isinstance(item, dict) and key != "tree":
            found += _shrinkable(item)
    return found


def _shorten_tree(root: dict[str, Any]) -> None:
    """Halve the longest lists of a tree of values; where all are short, leave out what lies deepest.

    So the first values of each kind and the way to them stay; every node counts what it lacks.
    """
    nodes = _with_children(root, 0)
    longest = max(len(node["children"]) for _, node in nodes)
    deepest = max(depth for depth, _ in nodes)
    for depth, node in nodes:
        kept = node["children"]
        keep = min(len(kept), longest // 2) if longest > FEW_CHILDREN else 0 if depth == deepest else len(kept)
        if keep < len(kept):
            node["omitted"] = node.get("omitted", 0) + len(kept) - keep
            node["children"] = kept[:keep]


def _with_children(node: dict[str, Any], depth: int) -> list[tuple[int, dict[str, Any]]]:
    if not node.get("children"):
        return []
    return [(depth, node), *(found for child in node["children"] for found in _with_children(child, depth + 1))]


def decimate(one: dict[str, Any], points: int) -> None:
    """Keep `points` of a series at most: the last of each bucket, and the bucket's extremes as low and high."""
    superseded = one.get("superseded")
    if superseded is not None:
        stride = math.ceil(len(superseded["steps"]) / max(points // 4, 1))
        one["superseded"] = {key: values[::stride] for key, values in superseded.items()} if stride else superseded
    steps, values = one["steps"], one["values"]
    low, high = one.get("low", values), one.get("high", values)
    size = math.ceil(len(steps) / points) if points else 1
    if size <= 1:
        return
    buckets = [slice(max(end - size, 0), end) for end in range(len(steps), 0, -size)][::-1]
    one["steps"] = [steps[bucket.stop - 1] for bucket in buckets]
    one["values"] = [values[bucket.stop - 1] for bucket in buckets]
    one["low"] = [min((v for v in low[bucket] if v is not None), default=None) for bucket in buckets]
    one["high"] = [max((v for v in high[bucket] if v is not None), default=None) for bucket in buckets]
