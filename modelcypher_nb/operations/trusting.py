"""The verb that allows a class for one content, and what every judgement asks before it calls a class dangerous."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from ..errors import ModelCypherError, UnknownIdError, UsageError
from ..formats import detect
from ..formats.readers import Terms
from ..guard.safe_path import SafePath
from ..guard.secrets import shown
from .facts import TrustList, TrustRow
from .judging import Judging
from .opening import open_model, open_registered
from .operation import Param, operation
from .paging import Cursor, Limit, following, offset_of
from .session import Call

if TYPE_CHECKING:
    from ..store.records import ModelRecord
    from ..store.tables.trust import TrustRecord

__all__: list[str] = []

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
CLASS_NAME = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)+")


@operation(effect="write", idempotent=True, people_only=True)
def model_trust(
    call: Call,
    digest: Annotated[
        str | None,
        Param("The one file that it is for: its digest (sha256:...), path or registered name.", kind="model"),
    ] = None,
    class_name: Annotated[str | None, Param("Full name of the class, as the finding gives it.", kind="name")] = None,
    *,
    remove: Annotated[bool, Param("Whether to take the allowance back.")] = False,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> TrustList:
    """Allow a class for the content of one file, take that back, or list what is allowed.

    Objects of the class then count as `objects` in that very content; they stay closed all the same. Without a class,
    what is allowed for the file is listed; without a file, everything.
    """
    if class_name is not None and digest is None:
        raise UsageError("A class is allowed for one file.", "Name both: mc model trust PATH package.Class")
    if digest is not None and not digest.startswith("sha256:"):
        return _of_file(call, digest, class_name, remove=remove)
    if digest is not None and not DIGEST.fullmatch(digest):
        raise UsageError(f"'{shown(digest, 80)}' is no digest.", "Give sha256: and 64 hexadecimal digits, or the path.")
    if digest is not None and class_name is not None:
        _change(call, digest, _checked(class_name), None, remove=remove)
    return _listed(call, digest, limit, cursor)


def _of_file(call: Call, reference: str, class_name: str | None, *, remove: bool) -> TrustList:
    with open_model(call, reference) as (record, safe):
        if safe.is_folder:
            raise UsageError(
                f"{safe.display} is a folder, and a class is allowed for one file.", "Name the file in it."
            )
        digest = detect.digest(safe)
        if class_name is not None:
            if not remove:
                _prove_use(call, safe, record, digest, _checked(class_name))
            _change(call, digest, class_name, safe.identity.size, remove=remove)
    return _listed(call, digest, 100, None)


def _prove_use(call: Call, safe: SafePath, record: ModelRecord | None, digest: str, class_name: str) -> None:
    """Allow nothing that the file doesn't hold, and nothing that would stay dangerous all the same."""
    terms = Judging(call).terms(safe, record)
    allowed = _allowed(call, digest) | {class_name}
    before = _dangerous(safe, terms)
    if class_name not in before:
        held = ", ".join(sorted(shown(name, 120) for name in before)[:8]) or "none"
        problem = f"{safe.display} has no finding that {shown(class_name, 120)} is dangerous."
        raise UsageError(problem, f"The names in its findings: {held}.")
    if class_name in _dangerous(safe, replace(terms, trusted=lambda _: allowed)):
        raise UsageError(
            f"{safe.display} does more with {shown(class_name, 120)} than to build and fill an object of it.",
            "That can't be allowed. Take its tensors alone: mc.load(path, rescue=True)",
        )


def _dangerous(safe: SafePath, terms: Terms) -> set[str]:
    """The names in the findings that make a file `code`."""
    findings = detect.examine(safe, terms).verdict.findings
    return {finding.name for finding in findings if finding.level == "code" and finding.name is not None}


def _allowed(call: Call, digest: str) -> frozenset[str]:
    return frozenset(row.class_name for row in call.catalog.allowed_classes(digest)[0])


def _checked(class_name: str) -> str:
    if len(class_name) > 500 or not CLASS_NAME.fullmatch(class_name):
        raise UsageError(
            f"'{shown(class_name, 80)}' is no full name of a class.",
            "Give it as the finding does: package.module.Class",
        )
    return class_name


def _change(call: Call, digest: str, class_name: str, size_bytes: int | None, *, remove: bool) -> None:
    if not remove:
        call.catalog.allow_class(digest, class_name, size_bytes)
    elif not call.catalog.disallow_class(digest, class_name):
        raise UnknownIdError(
            f"{shown(class_name, 120)} isn't allowed for {shown(digest, 80)}.", "List what is allowed: mc model trust"
        )
    _judge_again(call, digest)


def _judge_again(call: Call, digest: str) -> None:
    """Have the registered models of that content bear the verdict that it has now."""
    judging = Judging(call)
    for record in call.catalog.models(limit=-1)[0]:
        if record.digest != digest:
            continue
        try:
            with open_registered(call, record) as safe:
                verdict = detect.examine(safe, judging.terms(safe, record)).verdict
        except ModelCypherError:  # its files went or moved: lists say so, and opening it says why
            continue
        call.catalog.update_model(record.id, record.version, verdict=verdict)


def _listed(call: Call, digest: str | None, limit: int, cursor: str | None) -> TrustList:
    records, total = call.catalog.allowed_classes(digest, limit, offset_of(cursor))
    return TrustList(tuple(_row(one) for one in records), total, following(cursor, len(records), total), digest)


def _row(record: TrustRecord) -> TrustRow:
    return TrustRow(record.digest, record.class_name, record.allowed_at)
