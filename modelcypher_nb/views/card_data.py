"""A model's facts in the shape of the card's view."""

from __future__ import annotations

from typing import Any

from ..formats.report import TensorInfo, TreeNode
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
    report = facts.report
    if report is not None and report.tree is not None and report.tree.children:
        data["tree"] = _node(report.tree)
    if facts.warning is not None:
        data["warning"] = {"text": facts.warning.text, "command": facts.warning.command}
    if facts.format != IN_MEMORY:
        data |= {"path": facts.path, **_provenance(facts)}
    if stale:
        data["stale"] = True
    return data


def _tensor(tensor: TensorInfo, *, with_file: bool) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": shown(tensor.name, 400),
        "dtype": tensor.dtype,
        "shape": list(tensor.shape),
        "sizeBytes": tensor.size_bytes,
    }
    if tensor.layout != "dense":
        row["layout"] = tensor.layout
    if tensor.strides is not None:
        row["strides"] = list(tensor.strides)
    if tensor.alias_of is not None:
        row["aliasOf"] = shown(tensor.alias_of, 400)
    if tensor.storage_bytes is not None and tensor.storage_bytes > tensor.size_bytes:
        row["storageBytes"] = tensor.storage_bytes
    return {**row, "file": shown(tensor.file)} if with_file else row


def _node(node: TreeNode) -> dict[str, Any]:
    """A value of the tree; its texts were escaped when it was made."""
    row: dict[str, Any] = {"key": node.key, "kind": node.kind}
    if node.text:
        row["text"] = node.text
    if node.children:
        row["children"] = [_node(child) for child in node.children]
    if node.omitted:
        row["omitted"] = node.omitted
    return row


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
