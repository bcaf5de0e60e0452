"""Records to and from the JSON that the catalog's rows hold; a field of a newer release is left out when read."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from typing import TYPE_CHECKING, Any

from ..formats.report import Finding, Verdict
from .ids import ModelSource

if TYPE_CHECKING:  # made of their classes only when a row is there: a command that finds none starts sooner
    from .audit_record import AuditRecord
    from .records import CheckpointRecord, CommandRecord, JobRecord, ModelRecord

__all__ = ["audit_row", "checkpoint_row", "command_row", "dump", "job_row", "model_row"]


def dump(record: Any) -> str:
    """A record, or a plain value, as JSON."""
    content = (
        dataclasses.asdict(record) if dataclasses.is_dataclass(record) and not isinstance(record, type) else record
    )
    return json.dumps(content, separators=(",", ":"), default=str)


def _known(kind: type[Any], content: dict[str, Any]) -> dict[str, Any]:
    names = {item.name for item in dataclasses.fields(kind)}
    return {name: value for name, value in content.items() if name in names}


def model_row(row: sqlite3.Row) -> ModelRecord:
    """A row of `models` with the JSON lists of its aliases and tags."""
    from .records import ModelRecord

    content = _known(ModelRecord, json.loads(row["record"]))
    verdict = content["verdict"]
    findings = tuple(Finding(**_known(Finding, item)) for item in verdict["findings"])
    content["verdict"] = Verdict(verdict["level"], findings)
    content["source"] = ModelSource(**_known(ModelSource, content.get("source") or {}))
    content |= {"aliases": tuple(json.loads(row["aliases"])), "tags": tuple(json.loads(row["tags"]))}
    content |= {"state": row["state"], "version": row["version"]}
    return ModelRecord(**content)


def job_row(row: sqlite3.Row) -> JobRecord:
    """A row of `jobs`."""
    from .records import JobError, JobOwner, JobRecord

    content = _known(JobRecord, json.loads(row["record"]))
    if content.get("error"):
        content["error"] = JobError(**_known(JobError, content["error"]))
    if content.get("owner"):
        content["owner"] = JobOwner(**_known(JobOwner, content["owner"]))
    content |= {"series": tuple(content.get("series") or ()), "state": row["state"]}
    return JobRecord(**content)


def checkpoint_row(row: sqlite3.Row) -> CheckpointRecord:
    """A row of `checkpoints`."""
    from .records import CheckpointRecord

    content = _known(CheckpointRecord, json.loads(row["record"]))
    content |= {"files": tuple(content.get("files") or ()), "state": row["state"]}
    return CheckpointRecord(**content)


def command_row(row: sqlite3.Row) -> CommandRecord:
    """A row of `commands`."""
    from .records import CommandRecord

    content = dict(row)
    content["arguments"] = json.loads(content["arguments"])
    content["result"] = json.loads(content["result"]) if content["result"] else None
    return CommandRecord(**content)


def audit_row(row: sqlite3.Row) -> AuditRecord:
    """A row of `audit`."""
    from .audit_record import AuditRecord

    content = {name: row[name] for name in row.keys() if name != "sequence"}  # noqa: SIM118 - a Row iterates its values
    return AuditRecord(**{**content, "arguments": json.loads(content["arguments"])})
