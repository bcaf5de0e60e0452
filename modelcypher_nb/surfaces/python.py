"""The Python functions that are no operations, and the short names of those that are."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..errors import ModelCypherError, UsageError
from ..guard.secrets import shown
from ..operations.person import as_person
from ..operations.session import PERSON, Session, current

if TYPE_CHECKING:
    import os

    import torch

    from ..operations.facts import DoctorFacts, InventoryFacts, ServerFacts, SettingsFacts, StatusFacts

__all__ = ["allow", "doctor", "inventory", "load", "save", "serve", "session", "status"]

SUFFIX = ".safetensors"


def session() -> Session:
    """The process's session: settings, guard, registry, live runs."""
    return current()


def serve() -> ServerFacts:
    """Start the MCP server in this kernel, so that an assistant can act on the same state."""
    return as_person("mcp_start")  # type: ignore[no-any-return]


def allow(path: str | os.PathLike[str], *, lasting: bool = False) -> SettingsFacts:
    """Allow a folder, or the folder of a file, for this session; of a file in your home itself, that file alone.

    Args:
        path: the folder, or a file in it.
        lasting: keep it in the settings file for later sessions too.
    """
    return as_person("settings_allow", path=path, lasting=lasting)  # type: ignore[no-any-return]


def status() -> StatusFacts:
    """Show what is going on: live runs, registry, server, allowed folders and the security posture."""
    return as_person("system_status")  # type: ignore[no-any-return]


def inventory() -> InventoryFacts:
    """Show what this machine has: processors, accelerators, memory, disk and library versions."""
    return as_person("system_inventory")  # type: ignore[no-any-return]


def doctor() -> DoctorFacts:
    """Look for missing and mismatched parts, and name the command that mends each."""
    return as_person("system_doctor")  # type: ignore[no-any-return]


def load(
    model: str | os.PathLike[str], *, mapped: bool | None = None, whole: bool = False, rescue: bool = False
) -> Any:
    """Load a model's state dict without running anything in its files.

    Args:
        model: a registered name (also `name@3`, `name@alias`), or the path of a file or folder.
        mapped: map the files instead of reading them; None maps what is only ever replaced (the toolkit's own files
            and the Hub's). A mapped file that is cut short ends the process; one that is overwritten changes tensors.
        whole: give everything that a file holds, nested as it is there: plain data, tensors, and what would be an
            object in another loader as an inert description of it.
        rescue: load what can be loaded from a file judged `code`, or damaged; nothing of it runs.

    Returns:
        Tensors by name, in file order: torch's, or numpy's arrays where torch isn't installed.

    Raises:
        UnsafeFileError: it is judged `code`.
        ModelCypherError: it isn't there, isn't allowed, contradicts itself, or is of a format that isn't read.

    Warns:
        PickleWarning: it relies on pickle; once for each file.
    """
    import os

    from ..operations.loading import load_model

    call = current().person()
    try:
        return load_model(call, os.fspath(model), mapped=mapped, whole=whole, rescue=rescue)
    except ModelCypherError as error:
        call.refused(error)
        raise


def save(
    state_dict: Mapping[str, torch.Tensor], path: str | os.PathLike[str], metadata: Mapping[str, str] | None = None
) -> str:
    """Save a state dict as a new safetensors file, whole or not at all; an existing file is never replaced.

    Args:
        state_dict: tensors by name.
        path: where to; its name ends with `.safetensors`.
        metadata: texts to keep in the file's header.

    Returns:
        The path that was written.

    Raises:
        ConflictError: the file exists.
        PathRefusedError: the folder isn't allowed.
        UsageError: the name has another suffix, or a value is no tensor.
    """
    import os

    from ..formats import safetensors
    from ..store.audit_record import AuditRecord

    text = os.fspath(path)
    if not text.endswith(SUFFIX):
        problem = f"'{shown(text, 200)}' doesn't end with {SUFFIX}, the one format that is written."
        raise UsageError(problem, f"Name it '{shown(os.path.splitext(text)[0], 200)}{SUFFIX}'.")  # noqa: PTH122
    call, started = current().person(), time.perf_counter()
    try:
        with call.guard.create(text) as file:
            safetensors.save(state_dict, file, metadata)
    except ModelCypherError as error:
        call.refused(error)
        raise
    milliseconds = round((time.perf_counter() - started) * 1000, 3)
    arguments = {"path": shown(text, 200)}
    call.catalog.add_audit(AuditRecord(time.time(), PERSON, "save", arguments, "done", milliseconds))
    return text
