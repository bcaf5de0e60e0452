"""Loading for the person at the keyboard: the tensors, or all that a file holds, with a warning about pickle."""

from __future__ import annotations

import inspect
import warnings
from typing import TYPE_CHECKING, Any

from ..errors import PickleWarning
from ..formats import detect
from ..guard.safe_path import SafePath
from ..guard.secrets import shown
from .facts import PickleNote
from .judging import Judging
from .opening import open_model
from .session import Call

if TYPE_CHECKING:
    from ..store.records import ModelRecord

__all__ = ["load_model", "load_opened"]

PACKAGE = __name__.partition(".")[0]


def load_model(call: Call, reference: str, *, mapped: bool | None, whole: bool, rescue: bool) -> Any:
    """Load a model by name or path, as `surfaces.python.load` has it."""
    with open_model(call, reference) as (record, safe):
        return load_opened(call, safe, record, mapped=mapped, whole=whole, rescue=rescue)


def load_opened(
    call: Call,
    safe: SafePath,
    record: ModelRecord | None,
    *,
    mapped: bool | None = None,
    whole: bool = False,
    rescue: bool = False,
) -> Any:
    """Load what is open already, of a registered model where its record is given."""

    def warn(files: tuple[str, ...]) -> None:
        _warn_once(call, safe, record, files)

    terms = Judging(call).terms(safe, record)
    load = detect.content if whole else detect.load
    return load(safe, terms, mapped=mapped, rescue=rescue, warn=warn)


def _warn_once(call: Call, safe: SafePath, record: ModelRecord | None, files: tuple[str, ...]) -> None:
    """Warn of a file's content once a session, where it is loaded again as where it is named otherwise."""
    note = PickleNote.of(f"{record.id}@{record.version}" if record else shown(safe.given), files)
    if note is None or safe.identity in call.session.warned:
        return
    call.session.warned.add(safe.identity)
    warnings.warn(f"{note.text} {note.command}", PickleWarning, stacklevel=_level_of_caller())


def _level_of_caller() -> int:
    """How many frames above `_warn_once` the first line stands that isn't ours."""
    level, frame = 1, inspect.currentframe()
    frame = frame.f_back if frame is not None else None
    while frame is not None and str(frame.f_globals.get("__name__")).partition(".")[0] == PACKAGE:
        level, frame = level + 1, frame.f_back
    return level
