"""The verbs of the registry's models: list, show, verify, register, tag, alias."""

from __future__ import annotations

import os
import re
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from ..errors import ConflictError, UsageError
from ..formats import detect
from ..formats.report import ModelReport
from ..guard.safe_path import SafePath
from ..guard.secrets import shown
from ..store.ids import ModelSource, check_id
from .facts import ModelFacts, ModelList, ModelRow, PickleNote, VerifyFacts
from .judging import Judging, spelled_out
from .opening import DEFAULT, ModelId, open_model, open_registered, registered
from .operation import Param, operation
from .paging import Cursor, Limit, following, offset_of, page
from .remembering import seen, state_in_list
from .session import Call

if TYPE_CHECKING:
    from ..store.records import ModelRecord

__all__ = ["model_facts"]


def model_facts(
    report: ModelReport, safe: SafePath, record: ModelRecord | None, limit: int = 40, cursor: str | None = None
) -> ModelFacts:
    """What the files say, joined with what the registry knows."""
    tensors, next_cursor = page(report.tensors, limit, cursor)
    return ModelFacts(
        name=record.id if record else safe.name,
        reference=f"{record.id}@{record.version}" if record else None,
        path=shown(safe.location),
        format=report.format,
        verdict=spelled_out(report.verdict, safe.display),
        parameter_count=report.parameter_count,
        dtypes=report.dtypes,
        size_bytes=report.size_bytes,
        placement=_placement(report, safe),
        tensor_count=len(report.tensors),
        tensors=tensors,
        cursor=next_cursor,
        files=report.files[:100],
        metadata={key: shown(value, 200) for key, value in list(report.metadata.items())[:40]},
        version=record.version if record else None,
        kind=record.kind if record else None,
        state=record.state if record else None,
        managed=record.managed if record else None,
        aliases=record.aliases if record else None,
        tags=record.tags if record else None,
        architecture=report.architecture,
        digest=record.digest if record else None,
        license=report.license,
        source=_source(report, record),
        lineage=record.lineage or None if record else None,
        pickled=detect.pickled(safe, report),
        warning=_pickle_note(report, safe, record),
        tree=report.tree,
        report=report,
    )


def _pickle_note(report: ModelReport, safe: SafePath, record: ModelRecord | None) -> PickleNote | None:
    """What is told of files that rely on pickle; nothing where they weren't read, for then nothing can be converted."""
    if report.verdict.level in {"malformed", "unsupported"}:
        return None
    reference = f"{record.id}@{record.version}" if record else shown(safe.given)
    name = reference if record else shown(safe.name)  # its path stands in the command
    return PickleNote.of(reference, report.pickled, report.verdict.level, name)


def _source(report: ModelReport, record: ModelRecord | None) -> ModelSource | None:
    repo = report.source_repo or (record.source.repo if record else None)
    revision = report.source_revision or (record.source.revision if record else None)
    return ModelSource(repo, revision) if repo or revision else None


def _placement(report: ModelReport, safe: SafePath) -> str:
    count = len(report.files)
    where = "files that are only ever replaced, so they are mapped" if safe.managed else "your own files, read on load"
    return f"on this disk, in {count} {'file' if count == 1 else 'files'} ({where})"


@operation(effect="read", profiles=DEFAULT)
def model_list(
    call: Call,
    kind: Annotated[str | None, Param("Only models of this kind (base, adapter, merged).")] = None,
    tag: Annotated[str | None, Param("Only models with this tag.")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> ModelList:
    """List the registered models, the newest first."""
    records, total = call.catalog.models(kind, tag, limit, offset_of(cursor))
    rows = tuple(ModelRow.of(replace(record, state=state_in_list(record))) for record in records)
    return ModelList(rows, total, following(cursor, len(records), total))


@operation(effect="read", profiles=DEFAULT)
def model_show(
    call: Call,
    model_id: ModelId,
    limit: Annotated[int, Param("How many tensors at most.", ge=1, le=1_000_000)] = 40,
    cursor: Cursor = None,
) -> ModelFacts:
    """Show what a model is: architecture, parameters, tensors, verdict and where it came from.

    Only headers are read; nothing in the files is executed.
    """
    with open_model(call, model_id) as (record, safe):
        judging = Judging(call)
        report = detect.describe(safe, judging.terms(safe, record))
        judging.prove()
        return model_facts(report, safe, record, limit, cursor)


@operation(effect="write", idempotent=True, profiles=("training",))
def model_verify(call: Call, model_id: ModelId) -> VerifyFacts:
    """Read a registered model's files again and compare them with the digest it was registered with."""
    record = registered(call, model_id)
    if record is None:
        raise UsageError(
            f"{shown(model_id)} is a path, and only a registered model has a digest to compare with.",
            "Register it first: mc model register PATH",
        )
    reference = f"{record.id}@{record.version}"
    try:
        with open_registered(call, record) as safe:
            found = detect.digest(safe)
            now = _seen(call, safe, record) if found == record.digest else record.seen
    except FileNotFoundError:
        found, now = None, record.seen
    state = "missing" if found is None else "registered" if found == record.digest else "quarantined"
    if (state, now) != (record.state, record.seen):
        call.catalog.update_model(record.id, record.version, state=state, seen=now)
    return VerifyFacts(reference, shown(record.path), state == "registered", record.digest, found, state)


def _seen(call: Call, safe: SafePath, record: ModelRecord) -> dict[str, str]:
    """What the same bytes look like now: the verdict on them still stands."""
    return seen(safe, detect.examine(safe, Judging(call).terms(safe, record)))


def _name_for(safe: SafePath) -> str:
    base = safe.name if safe.is_folder else os.path.splitext(safe.name)[0]  # noqa: PTH122
    slug = re.sub(r"[^a-z0-9._-]+", "-", base.lower()).strip("-._")[:64]
    return slug or "model"


@operation(effect="write", idempotent=True, profiles=("training",))
def model_register(
    call: Call,
    path: Annotated[str, Param("File or folder of the model.", kind="path")],
    name: Annotated[str | None, Param("Name in the registry; the file's or folder's own where left out.")] = None,
) -> ModelFacts:
    """Keep a model in the registry under a name, with its digest; the files stay where they are."""
    with call.guard.open(path) as safe:
        report = detect.describe(safe, Judging(call).terms(safe))
        chosen = check_id(name, "model name") if name is not None else _name_for(safe)
        known = call.catalog.versions(chosen)
        digest = detect.digest(safe)
        same = [record for record in known if record.digest == digest and record.path == safe.location]
        if call.is_assistant and known and not same:
            raise ConflictError(
                f"The name {chosen} is taken, and assistants only register new names.", "Choose another name."
            )
        record = same[-1] if same else call.catalog.add_model(_record(chosen, report, safe, digest))
        return model_facts(report, safe, record)


def _record(name: str, report: ModelReport, safe: SafePath, digest: str) -> ModelRecord:
    from ..store.records import ModelRecord

    return ModelRecord(
        id=name,
        version=0,
        path=safe.location,
        format=report.format,
        parameter_count=report.parameter_count,
        dtypes=report.dtypes,
        size_bytes=report.size_bytes,
        verdict=report.verdict,
        registered_at=time.time(),
        managed=safe.managed,
        architecture=report.architecture,
        digest=digest,
        source=ModelSource(report.source_repo, report.source_revision),
        license=report.license,
        seen=seen(safe, report),
    )


def _known(call: Call, model_id: str) -> ModelRecord:
    record = registered(call, model_id)
    if record is None:
        raise UsageError(f"{shown(model_id)} is a path, not a registered model.", "Register it: mc model register PATH")
    return record


@operation(effect="write", idempotent=True, profiles=("training",))
def model_tag(
    call: Call,
    model_id: ModelId,
    add: Annotated[list[str] | None, Param("Tags to add.")] = None,
    remove: Annotated[list[str] | None, Param("Tags to take off.")] = None,
) -> ModelRow:
    """Add tags to a registered model, or take them off."""
    record = _known(call, model_id)
    tags = sorted({*record.tags, *(check_id(tag, "tag") for tag in add or ())} - set(remove or ()))
    call.catalog.update_model(record.id, record.version, tags=tuple(tags))
    return ModelRow.of(call.catalog.model(f"{record.id}@{record.version}"))


@operation(effect="write", idempotent=True, people_only=True)
def model_alias(
    call: Call,
    model_id: ModelId,
    alias: Annotated[str, Param("The alias; it moves here from another version.")],
) -> ModelRow:
    """Point an alias (as in name@alias) at this version of a model."""
    record = _known(call, model_id)
    if alias.isdigit():
        raise UsageError(f"The alias '{alias}' would read as a version.", "Choose a word, for example: production")
    call.catalog.set_alias(record.id, record.version, check_id(alias, "alias"))
    return ModelRow.of(call.catalog.model(f"{record.id}@{record.version}"))
