"""The verb that makes safetensors of any checkpoint: streamed, checked, whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Annotated

from ..errors import ConflictError, NotAllowedError, UsageError
from ..formats.conversion import Conversion, convert_model
from ..formats.convert_files import PARTIAL, is_there
from ..formats.report import FileInfo
from ..guard.paths import Guard
from ..guard.safe_path import SafePath
from ..guard.secrets import shown
from .facts import ConvertFacts
from .judging import Judging, is_safetensors
from .opening import ModelId, open_model
from .operation import Param, operation
from .session import Call

__all__: list[str] = []

SUFFIX = ".safetensors"
FOLDER_SUFFIX = "-safetensors"


@operation(effect="write", profiles=("assistant", "training"))
def model_convert(
    call: Call,
    model_id: ModelId,
    output: Annotated[str | None, Param("The new file or folder; beside the model where left out.")] = None,
    *,
    rescue: Annotated[bool, Param("Whether to take the tensors of a model judged code; nothing of it runs.")] = False,
) -> ConvertFacts:
    """Convert a model to safetensors, into a new file or folder; the model itself stays as it is.

    A folder's weight files are converted one by one, their index is written anew, and what loaders read beside them is
    copied. Whatever isn't a tensor is left out and listed.
    """
    if rescue and call.is_assistant:
        raise NotAllowedError(
            "Taking the tensors of a dangerous model is for people only.",
            f"Ask the person to run it: %mc model convert --rescue {shown(model_id, 200)}",
        )
    with open_model(call, model_id) as (record, safe):
        terms = Judging(call).terms(safe, record)
        guard, place = _writing(call), _place(call, safe, output)
        with _target(guard, safe, place) as (target, name), call.progress("converted bytes") as tell:
            done = convert_model(safe, target, name, terms, rescue=rescue, progress=tell)
        return _facts(safe, place, done)


def _writing(call: Call) -> Guard:
    """Where the caller may write: an assistant beneath the working folder alone."""
    guard = call.guard
    if call.is_assistant:
        guard = replace(guard, roots=tuple(root for root in guard.roots if root.kind == "working"))
    return guard


def _place(call: Call, safe: SafePath, output: str | None) -> str:
    """Where the new file or folder is to be, as a path; named so that nobody takes it for something else."""
    ending = FOLDER_SUFFIX if safe.is_folder else SUFFIX
    if output is None:
        stem = safe.name if safe.is_folder else os.path.splitext(safe.name)[0]  # noqa: PTH122
        # What lies in the toolkit's home or the Hub's cache belongs to these alone.
        folder = call.session.start if safe.managed else os.path.dirname(safe.given)  # noqa: PTH120
        return os.path.join(folder, stem + ending)  # noqa: PTH118
    if not output.endswith(ending) and (call.is_assistant or not safe.is_folder):
        name = shown(output.rstrip("/"), 200)
        raise UsageError(f"'{name}' doesn't end with {ending}.", f"Name it '{name}{ending}'.")
    return os.path.normpath(os.path.join(call.session.start, os.path.expanduser(output)))  # noqa: PTH111, PTH118


@contextmanager
def _target(guard: Guard, safe: SafePath, place: str) -> Iterator[tuple[SafePath, str]]:
    """The open folder that is written to, and a new file's name in it; a new folder appears whole or not at all."""
    folder, name = os.path.split(place)
    if safe.is_folder and place == safe.location:
        with guard.folder(place) as target:
            yield target, ""
        return
    with guard.folder(folder) as parent:
        if not safe.is_folder:
            if not is_safetensors(safe):  # which needs no other name, but no conversion
                _refuse_taken(parent, name)  # before the work, not after it
            yield parent, name
            return
        with _new_folder(parent, name) as target:
            yield target, ""


@contextmanager
def _new_folder(parent: SafePath, name: str) -> Iterator[SafePath]:
    temporary = name + PARTIAL
    for taken in (name, temporary):
        _refuse_taken(parent, taken)
    try:
        with parent.folder(temporary) as target:
            yield target
        parent.publish(temporary, name)
    except BaseException:
        with parent / temporary as unfinished:
            parent.delete(unfinished)
        raise


def _refuse_taken(parent: SafePath, name: str) -> None:
    if is_there(parent, name):
        raise ConflictError(
            f"{parent.display}/{shown(name, 80)} exists already, and nothing that exists is replaced.",
            "Move it away, or give another one with: --output PATH",
        )


def _facts(safe: SafePath, place: str, done: Conversion) -> ConvertFacts:
    written = done.written.files
    return ConvertFacts(
        input=shown(safe.given),
        output=shown(place),
        files=tuple(FileInfo(name, one.size_bytes) for name, one in written.items()),
        tensor_count=sum(len(one.tensors) for one in written.values()),
        size_bytes=sum(one.size_bytes for one in written.values()),
        checked=sum(one.checked for one in written.values()),
        index=done.written.index,
        aliases={shown(name, 200): shown(same, 200) for one in written.values() for name, same in one.aliases.items()},
        groups=tuple(shown(name, 200) for one in written.values() for name in one.groups),
        copied=tuple(shown(name) for name in done.copied),
        left_out=tuple(shown(name, 200) for name in done.left_out),
    )
