"""The verbs of models: list, show, scan, verify, register, tag, alias."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from ..errors import ConflictError, PathRefusedError, UnknownIdError, UsageError
from ..formats import detect
from ..formats.report import ModelReport, Verdict
from ..guard.paths import Guard
from ..guard.roots import Root
from ..guard.safe_path import SafePath
from ..guard.secrets import shown
from ..store.ids import ModelSource, check_id
from .facts import ModelFacts, ModelList, ModelRow, ScanFacts, ScanResult, VerifyFacts
from .operation import Param, operation
from .paging import Cursor, Limit, following, offset_of, page
from .session import Call

if TYPE_CHECKING:
    from ..store.records import ModelRecord

__all__ = ["model_facts", "open_model"]

ModelId = Annotated[str, Param("Name, name@version, name@alias, or path of the model.", kind="model")]
DEFAULT = ("assistant", "training", "inference", "monitoring")


def is_path(reference: str) -> bool:
    """Whether a reference can only be a path; a bare name is a registered name first."""
    return "/" in reference or reference.startswith((".", "~")) or "\0" in reference


def registered(call: Call, reference: str) -> ModelRecord | None:
    """The registered model of that reference, or None for a path or an unknown name that is a file."""
    if is_path(reference):
        return None
    there = os.path.lexists(os.path.join(call.session.start, reference))  # noqa: PTH118
    if there and "@" not in reference and not call.catalog.versions(reference):
        return None
    try:
        return call.catalog.model(reference)
    except UnknownIdError as error:
        if there:
            return None
        if "@" not in reference:  # whoever misspelt a file's name looks for no registered model
            error.remedy = "Check the path if a file is meant, or list the registered models with: mc model list"
        raise


def _guard_for(call: Call, record: ModelRecord) -> Guard:
    """Registering a model allowed its own files for good; nothing beside them.

    A link in the model's folder may lead where the caller may go, and from the Hub's cache into the Hub's cache.
    """
    guard = call.guard
    if call.is_assistant:
        hubs = (root for root in call.session.guard.roots if root.kind == "hub")
        for hub in hubs:
            guard = guard.with_root(hub) if hub.relative(record.path) is not None else guard
    folder = record.path if os.path.isdir(record.path) else os.path.dirname(record.path)  # noqa: PTH112, PTH120
    return replace(guard, roots=(Root.known(folder, "registered"), *guard.roots))


@contextmanager
def _registered_files(call: Call, record: ModelRecord) -> Iterator[SafePath]:
    """Open a registered model where it was registered, and nowhere that a link leads since.

    Raises:
        PathRefusedError: a link took the place of the model, or of a folder above it.
    """
    moved = PathRefusedError(
        f"{shown(record.path)} leads elsewhere since the model '{record.id}' was registered.",
        "Register it anew where it is now: mc model register PATH",
    )
    if os.path.realpath(record.path) != record.path:
        raise moved
    with _guard_for(call, record).open_resolved(record.path, typed=False) as safe:
        if safe.location != record.path:
            raise moved
        yield safe


@contextmanager
def open_model(call: Call, reference: str) -> Iterator[tuple[ModelRecord | None, SafePath]]:
    """Open the files of a model by name or path.

    Raises:
        UnknownIdError: no model of that name, and no file.
        MissingFileError: its files are gone.
    """
    record = registered(call, reference)
    with call.guard.open(reference) if record is None else _registered_files(call, record) as safe:
        yield record, safe


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
        verdict=report.verdict,
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
        report=report,
    )


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
    return ModelList(tuple(ModelRow.of(record) for record in records), total, following(cursor, len(records), total))


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
        return model_facts(detect.describe(safe), safe, record, limit, cursor)


@operation(effect="read", profiles=DEFAULT)
def model_scan(
    call: Call,
    path: Annotated[list[str], Param("Files or folders to judge.", kind="path")],
    strict: Annotated[bool, Param("Whether objects count as danger too.")] = False,
) -> ScanFacts:
    """Judge files without running anything in them; the exit code is that of the worst."""
    results = []
    for one in path:
        with open_model(call, one) as (_, safe):
            report = detect.examine(safe)
            results.append(
                ScanResult(
                    shown(safe.location),
                    report.format,
                    report.verdict,
                    report.size_bytes,
                    report.parameter_count,
                    len(report.tensors),
                )
            )
    worst = detect.worst(result.verdict.level for result in results)
    return ScanFacts(tuple(results), worst, detect.exit_code(Verdict(worst), strict=strict))


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
        with _registered_files(call, record) as safe:
            found = detect.digest(safe)
    except FileNotFoundError:
        found = None
    state = "missing" if found is None else "registered" if found == record.digest else "quarantined"
    if state != record.state:
        call.catalog.update_model(record.id, record.version, state=state)
    return VerifyFacts(reference, shown(record.path), state == "registered", record.digest, found, state)


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
        report = detect.describe(safe)
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
