"""A model's facts in the shape of the card's view."""

from __future__ import annotations

from typing import Any

from ..formats.report import TensorInfo
from ..guard.secrets import shown
from ..operations.facts import ModelFacts
from ..operations.wire import plain
from .sheets_models import IN_MEMORY, source_text

__all__ = ["card_data"]

MOST_TENSORS = 20_000  # of a live snapshot; a list that long is searched, not read


def card_data(facts: ModelFacts, *, stale: bool = False) -> dict[str, Any]:
    """The card's data, with every tensor that was read."""
    everything = facts.report.tensors if facts.report is not None else facts.tensors
    row: dict[str, Any] = plain(facts)
    data = {
        key: row[key]
        for key in (
            *("name", "reference", "format", "architecture", "parameterCount", "dtypes", "sizeBytes", "digest"),
            *("license", "source", "verdict", "version", "aliases", "tags", "state", "files", "metadata", "lineage"),
        )
        if row.get(key) not in (None, "", [])
    }
    data |= {
        "dtypes": row["dtypes"],
        "verdict": {"level": facts.verdict.level, "findings": row["verdict"]["findings"]},
        "bytes": facts.placement,
        "tensorCount": len(everything) if facts.report is not None else facts.tensor_count,
        "tensors": [_tensor(tensor, with_file=len(facts.files) > 1) for tensor in everything[:MOST_TENSORS]],
    }
    if facts.format != IN_MEMORY:
        data |= {"path": facts.path, **_provenance(facts)}
    if stale:
        data["stale"] = True
    return data


def _tensor(tensor: TensorInfo, *, with_file: bool) -> dict[str, Any]:
    row = {
        "name": shown(tensor.name, 400),
        "dtype": tensor.dtype,
        "shape": list(tensor.shape),
        "sizeBytes": tensor.size_bytes,
    }
    return {**row, "file": shown(tensor.file)} if with_file else row


def _provenance(facts: ModelFacts) -> dict[str, str]:
    """Where the files came from, in words, where they tell."""
    told = []
    if facts.report is not None and facts.report.base_model:
        told.append(f"made from {facts.report.base_model}")
    if facts.report is not None and facts.report.pipeline:
        told.append(f"for {facts.report.pipeline}")
    if source_text(facts) and facts.source is not None and facts.source.revision:
        told.append("the revision is the one in the path of the Hub's cache")
    return {"provenance": "; ".join(told)} if told else {}
