"""A run as the plain data of its view: from the catalog and the series on disk, for a live run and an old one."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ..guard.secrets import shown
from ..store.records import CheckpointRecord, JobRecord

if TYPE_CHECKING:
    from ..store.run_store import RunStore

__all__ = ["changing", "job_data", "run_data"]

EVENTS = 200
CHECKPOINTS = 100
# What stays in the process: a recipe holds a person's paths and arguments.
LEFT_OUT = frozenset({"owner", "recipe", "series"})
TIMES = frozenset({"created_at", "started_at", "ended_at"})
Event = tuple[int, float, str, str]


def _moment(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="milliseconds")


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def job_data(record: JobRecord, *, in_main: bool = False) -> dict[str, Any]:
    """The row of a run for its view; what isn't known is left out."""
    data: dict[str, Any] = {}
    for item in dataclasses.fields(record):
        value = getattr(record, item.name)
        if value is None or item.name in LEFT_OUT or (isinstance(value, float) and not math.isfinite(value)):
            continue
        if item.name == "error":
            data["error"] = {"type": value.type, "message": shown(value.message)}
        else:
            data[_camel(item.name)] = _moment(value) if item.name in TIMES else _plain(value)
    if in_main:
        data["inMainCell"] = True
    return data


def _numbers(values: Iterable[Any]) -> list[float | None]:
    return [float(value) if math.isfinite(value) else None for value in values]


def _series_data(reader: Any, name: str, points: int) -> dict[str, Any]:
    found = reader.read(name, points=points)
    data: dict[str, Any] = {
        "name": name,
        "count": int(found.count),
        "steps": [int(step) for step in found.steps],
        "values": _numbers(found.values),
    }
    if found.low is not None and found.high is not None:
        data |= {"low": _numbers(found.low), "high": _numbers(found.high)}
    if len(found.superseded_steps):
        steps = [int(step) for step in found.superseded_steps]
        data["superseded"] = {"steps": steps, "values": _numbers(found.superseded_values)}
    return data


def _checkpoint_data(record: CheckpointRecord) -> dict[str, Any]:
    data = {
        "step": record.step,
        "loss": record.loss,
        "evalLoss": record.eval_loss,
        "sizeBytes": record.size_bytes,
        "state": record.state,
        "isBest": record.is_best,
        "pinned": record.pinned,
    }
    return {key: value for key, value in data.items() if value is not None}


def changing(store: RunStore, job: str, unwritten: Iterable[Event] = ()) -> dict[str, Any]:
    """The parts of a run's data that change now and then: events and checkpoints, the oldest first."""
    read = [(event.step, event.time, event.kind, event.text) for event in store.series(job).events()]
    events = sorted([*read, *unwritten], key=lambda event: event[1])[-EVENTS:]
    checkpoints, _ = store.catalog.checkpoints(job, CHECKPOINTS, 0)
    return {
        "events": [
            {"step": step, "time": _moment(when), "kind": kind, "text": shown(text)}
            for step, when, kind, text in events
        ],
        "checkpoints": [_checkpoint_data(record) for record in sorted(checkpoints, key=lambda record: record.step)],
    }


def run_data(
    store: RunStore, record: JobRecord, points: int = 2000, *, unwritten: Iterable[Event] = (), in_main: bool = False
) -> dict[str, Any]:
    """Everything that a view of a run shows, as plain JSON values.

    Args:
        store: the home that it is kept in.
        record: its row.
        points: how many a series at most; extremes are kept.
        unwritten: events that only this process knows.
        in_main: whether its loop is in the main cell, where Pause keeps the kernel busy.
    """
    reader = store.series(record.id)
    return {
        "job": job_data(record, in_main=in_main),
        "series": [_series_data(reader, name, points) for name in reader.names()],
        **changing(store, record.id, unwritten),
    }
