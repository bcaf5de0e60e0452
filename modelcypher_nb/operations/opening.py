"""From a reference to open files: a registered name, or a path that the caller may touch."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from ..errors import PathRefusedError, UnknownIdError
from ..guard.paths import Guard
from ..guard.roots import Root
from ..guard.safe_path import SafePath
from ..guard.secrets import shown
from .operation import Param
from .session import Call

if TYPE_CHECKING:
    from ..store.records import ModelRecord

__all__ = ["DEFAULT", "ModelId", "guard_for", "is_path", "open_model", "open_registered", "registered"]

ModelId = Annotated[str, Param("Name, name@version, name@alias, or path of the model.", kind="model")]
# The profiles of assistants that offer what only looks at models.
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


def guard_for(call: Call, record: ModelRecord | None) -> Guard:
    """What a caller may touch for the sake of a registered model: registering it allowed its own files for good.

    A link in the model's folder may lead where the caller may go, and from the Hub's cache into the Hub's cache.
    """
    guard = call.guard
    if record is None:
        return guard
    if call.is_assistant:
        hubs = (root for root in call.session.guard.roots if root.kind == "hub")
        for hub in hubs:
            guard = guard.with_root(hub) if hub.relative(record.path) is not None else guard
    folder = record.path if os.path.isdir(record.path) else os.path.dirname(record.path)  # noqa: PTH112, PTH120
    return replace(guard, roots=(Root.known(folder, "registered"), *guard.roots))


@contextmanager
def open_registered(call: Call, record: ModelRecord) -> Iterator[SafePath]:
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
    with guard_for(call, record).open_resolved(record.path, typed=False) as safe:
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
    with call.guard.open(reference) if record is None else open_registered(call, record) as safe:
        yield record, safe
