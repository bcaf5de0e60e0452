"""On what terms files are judged: the limits, what a person allowed, and the modules that lie beside them."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from ..errors import MissingFileError, PathRefusedError, UnreadableError
from ..formats import detect
from ..formats.magic import SAFETENSORS, recognise
from ..formats.readers import Terms
from ..formats.report import Verdict
from ..guard.safe_path import REGISTRY, Identity, SafePath
from ..guard.secrets import shown
from .opening import guard_for
from .session import Call, Session

if TYPE_CHECKING:
    from ..store.records import ModelRecord
    from ..store.tables.trust import TrustRecord

__all__ = ["Judging", "is_safetensors", "spelled_out"]


PLACE = "PATH"  # in a remedy that a format gives: it doesn't know how its file was reached


class Judging:
    """The terms of one call; what many files share is looked up once."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._limits = call.session.limits
        self._trusted = trusted_names(call.session)
        self._beside: dict[str, frozenset[str]] = {}

    def terms(self, safe: SafePath, record: ModelRecord | None = None) -> Terms:
        """The terms for an open file or folder, of a registered model where its record is given."""
        beside = frozenset[str]()
        if not (safe.is_folder or is_safetensors(safe)):  # a folder's own are looked up where it is read
            # A file of the Hub is a blob that a link leads to, and the code lies where the link does.
            for place in dict.fromkeys((safe.given, safe.location)):
                beside |= self._modules(os.path.dirname(place), record)  # noqa: PTH120
        return Terms(self._limits, self._trusted, beside)

    def prove(self) -> None:
        """After a judgement: what was allowed was allowed for the bytes that were judged.

        Raises:
            UnreadableError: a file changed between the digest that its classes are allowed for and the judgement.
        """
        if self._trusted is not None:
            self._trusted.prove()

    def _modules(self, folder: str, record: ModelRecord | None) -> frozenset[str]:
        """What Python would import from a folder; nothing where the caller may see no more than the file itself."""
        from ..formats.beside import beside

        if folder not in self._beside:
            try:
                with guard_for(self._call, record).open_resolved(folder, typed=False) as safe:
                    self._beside[folder] = beside(safe)
            except (PathRefusedError, MissingFileError):
                self._beside[folder] = frozenset()
        return self._beside[folder]


def spelled_out(verdict: Verdict, path: str) -> Verdict:
    """A verdict whose remedies name the very commands for its files.

    Args:
        verdict: of a file or a folder.
        path: of that, as it is shown; a finding without a whole path of its own is about it.
    """
    from shlex import quote

    findings = tuple(
        replace(one, remedy=one.remedy.replace(PLACE, quote(one.where if one.where.startswith("/") else path)))
        if one.remedy is not None and PLACE in one.remedy
        else one
        for one in verdict.findings
    )
    return replace(verdict, findings=findings)


def is_safetensors(safe: SafePath) -> bool:
    """Whether it is safetensors by name and by content: nothing would be imported for it."""
    return safe.name.lower().endswith(".safetensors") and recognise(safe.source()) is SAFETENSORS


def trusted_names(session: Session) -> _Ledger | None:
    """What gives the names that are allowed for an open file's content; None where nothing ever was."""
    if not os.path.exists(os.path.join(session.home_path, REGISTRY)):  # noqa: PTH110, PTH118 - and none is made
        return None
    return _Ledger(session)


class _Ledger:
    """The allowances, read at the first file that asks; only a file of a size that they know is hashed."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._records: list[TrustRecord] | None = None
        self._granted: list[tuple[str, Identity]] = []

    def __call__(self, safe: SafePath) -> frozenset[str]:
        if self._records is None:
            self._records, _ = self._session.catalog.allowed_classes()
        near = [one for one in self._records if one.size_bytes in {None, safe.identity.size}]
        if not near:
            return frozenset()
        digest = detect.digest(safe)
        names = frozenset(one.class_name for one in near if one.digest == digest)
        if names:
            self._granted.append((safe.location, safe.identity))
        return names

    def prove(self) -> None:
        """Compare the files that something was allowed for with what they were when they were opened."""
        granted, self._granted = self._granted, []
        for location, identity in granted:
            try:
                now = Identity.of(os.stat(location))  # noqa: PTH116
            except OSError:
                now = None
            if now != identity:
                raise UnreadableError(
                    f"{shown(location)} changed while it was judged.", "Wait until nobody writes it, then try again."
                )
