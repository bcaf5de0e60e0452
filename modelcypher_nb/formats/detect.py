"""One door for every model: a file or a folder is recognised by its content, judged, described, digested, loaded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ..errors import UnsafeFileError, UsageError
from ..guard.safe_path import SafePath
from ..guard.secrets import shown
from .digests import changed_meanwhile, combined_digest, file_digest
from .model_file import Part, examine_file
from .model_folder import Survey, no_weights, survey
from .readers import Terms
from .report import Level, ModelReport, Verdict
from .reporting import file_report, folder_report, worst

__all__ = ["content", "describe", "digest", "examine", "exit_code", "load", "pickled", "worst"]

Progress = Callable[[int, int], None]
Warn = Callable[[tuple[str, ...]], None]


def exit_code(verdict: Verdict, *, strict: bool = False) -> int:
    """What a shell gives for a verdict: 1 means danger and nothing else.

    Args:
        verdict: of a file, a folder or several of them.
        strict: whether `objects` counts as danger.
    """
    codes: dict[Level, int] = {"code": 1, "objects": 1 if strict else 0, "malformed": 2, "unsupported": 3}
    return codes.get(verdict.level, 0)


def examine(
    safe: SafePath, terms: Terms | None = None, *, progress: Callable[[int], None] | None = None
) -> ModelReport:
    """Judge a file or a folder whatever it holds: bad content is a verdict, not an exception.

    Args:
        safe: the open file or folder.
        terms: limits, what a person allowed, and what lies beside the file.
        progress: told how many files of a folder were looked at.
    """
    if safe.is_folder:
        return folder_report(safe, survey(safe, terms, progress))
    return file_report(safe, examine_file(safe, safe.name, terms))


def describe(safe: SafePath, terms: Terms | None = None) -> ModelReport:
    """Describe a model that can be read; its verdict still says what lies beside it.

    Args:
        safe: the open file or folder.
        terms: limits, what a person allowed, and what lies beside the file.

    Raises:
        MalformedError: it contradicts itself or is cut off.
        UnreadableError: it can't be read.
        UnsupportedFormatError: its format isn't read.
        MissingFileError: the folder holds no weights.
    """
    if not safe.is_folder:
        part = examine_file(safe, safe.name, terms)
        if part.error is not None and not _is_dangerous(part):
            raise part.error
        return file_report(safe, part, whole=True)
    found = survey(safe, terms)
    _require_model(safe, found)
    return folder_report(safe, found)


def _is_dangerous(part: Part) -> bool:
    return any(finding.level == "code" for finding in part.all_findings(part.name))


def load(
    safe: SafePath,
    terms: Terms | None = None,
    *,
    mapped: bool | None = None,
    rescue: bool = False,
    warn: Warn | None = None,
) -> dict[str, Any]:
    """Load the tensors of a file, or of a folder's model with all its shards.

    Args:
        safe: the open file or folder.
        terms: limits, what a person allowed, and what lies beside the file.
        mapped: as `formats.safetensors.load` has it.
        rescue: take the tensors even where the file or folder is judged `code`; nothing of it runs.
        warn: told which files rely on pickle, before the first tensor is read.

    Returns:
        Tensors by name: torch's, or numpy's arrays where torch isn't installed and the file isn't safetensors.

    Raises:
        UnsafeFileError: it is judged `code`, and `rescue` is off.
        UsageError: the folder holds several models whose tensors bear the same names.
        ModelCypherError: as `describe` raises.
    """
    if not safe.is_folder:
        return _load_part(safe, _loadable(safe, terms, warn, rescue=rescue), mapped)
    found = survey(safe, terms)
    _require_model(safe, found)
    report = folder_report(safe, found)
    _refuse_code(safe, report.verdict, rescue=rescue)
    _warn(safe, report, warn)
    tensors: dict[str, Any] = {}
    for name in found.model:
        with safe / name as file:
            part = found.parts[name]
            if file.identity != part.identity:
                raise changed_meanwhile(file)
            _refuse_twins(safe, name, part, tensors)
            if part.header is None:  # its described ranges are of the descriptor that the survey closed
                within = replace(terms or Terms(), beside=_beside(safe, found, name))
                part = _loadable(file, within, None, rescue=rescue)
            tensors |= _load_part(file, part, mapped)
    return tensors


def _beside(folder: SafePath, found: Survey, name: str) -> frozenset[str]:
    place = name.rpartition("/")[0]
    return found.beside.get(f"{folder.location}/{place}" if place else folder.location, frozenset())


def content(
    safe: SafePath,
    terms: Terms | None = None,
    *,
    mapped: bool | None = None,
    rescue: bool = False,
    warn: Warn | None = None,
) -> Any:
    """Load everything that a file holds, nested as in the file: plain data, tensors, shells as data, opaque objects.

    Args:
        safe: the open file; a safetensors file or a folder gives its tensors by name.
        terms: limits, what a person allowed, and what lies beside the file.
        mapped: as `formats.safetensors.load` has it.
        rescue: take what can be taken even where the file is judged `code`; nothing of it runs.
        warn: told which files rely on pickle, before the first tensor is read.

    Raises:
        ModelCypherError: as `load` raises.
    """
    if safe.is_folder:
        return load(safe, terms, mapped=mapped, rescue=rescue, warn=warn)
    part = _loadable(safe, terms, warn, rescue=rescue)
    if part.content is None:
        return _load_part(safe, part, mapped)
    from .arrays import live

    return live(part.content.root, mapped=mapped, rescue=rescue)


def pickled(safe: SafePath, report: ModelReport) -> tuple[str, ...]:
    """The files of a report that rely on pickle, as paths to show."""
    return tuple(f"{safe.display}/{shown(name)}" if safe.is_folder else safe.display for name in report.pickled)


def _warn(safe: SafePath, report: ModelReport, warn: Warn | None) -> None:
    if warn is not None and report.pickled:
        warn(pickled(safe, report))


def _loadable(safe: SafePath, terms: Terms | None, warn: Warn | None, *, rescue: bool) -> Part:
    part = examine_file(safe, safe.name, terms)
    report = file_report(safe, part)
    _refuse_code(safe, report.verdict, rescue=rescue)
    if part.error is not None and not (rescue and part.content is not None and part.content.tensors):
        raise part.error
    _warn(safe, report, warn)
    return part


def _refuse_code(safe: SafePath, verdict: Verdict, *, rescue: bool) -> None:
    if verdict.level != "code" or rescue:
        return
    from shlex import quote

    reason = next(finding for finding in verdict.findings if finding.level == "code")
    raise UnsafeFileError(
        f"{safe.display} is judged code, and isn't loaded: {reason.what}",
        f"See all of it with: mc model show {quote(safe.display)}. Its tensors alone are given by "
        f"mc.load({safe.display!r}, rescue=True), which runs nothing.",
    )


def _load_part(safe: SafePath, part: Part, mapped: bool | None) -> dict[str, Any]:
    if part.content is None:
        from . import safetensors

        return dict(safetensors.load(safe, part.header, mapped=mapped))
    from .arrays import load_tensors

    return load_tensors(part.content.tensors, mapped=mapped)


def digest(safe: SafePath, progress: Progress | None = None) -> str:
    """Give `sha256:` and the digest of a file, or of a folder's model.

    A folder's is the SHA-256 of what `LC_ALL=C sha256sum NAMES` prints for its weight files, their index and
    `config.json`, sorted by name: anybody can repeat it.

    Args:
        safe: the open file or folder.
        progress: called with the bytes done and the bytes in all, after each MiB.

    Raises:
        UnreadableError: the disk refused, or the file changed while it was read.
    """
    if not safe.is_folder:
        return "sha256:" + file_digest(safe, _counted(progress, 0, safe.identity.size))
    return _folder_digest(safe, survey(safe), progress)


def _folder_digest(folder: SafePath, found: Survey, progress: Progress | None) -> str:
    names = set(found.model or found.parts)
    names |= {found.index} if found.index else set()
    names |= {name for name in found.configurations if name == f"{found.base}config.json"}
    sizes, digests = {}, {}
    for name in sorted(names):
        with folder / name as safe:
            sizes[name] = safe.identity.size
    total, before = sum(sizes.values()), 0
    for name, size in sizes.items():
        with folder / name as safe:
            digests[name] = file_digest(safe, _counted(progress, before, total))
        before += size
    return combined_digest(digests)


def _counted(progress: Progress | None, before: int, total: int) -> Callable[[int], None]:
    """Turn one file's progress into that of all of them."""
    return lambda done: progress(before + done, total) if progress is not None else None


def _require_model(folder: SafePath, found: Survey) -> None:
    if found.error is not None:
        raise found.error
    if not found.parts:
        raise no_weights(folder)
    if not found.model:
        error = next(iter(found.parts.values())).error
        assert error is not None  # noqa: S101 - a part without a header always says why
        raise error


def _refuse_twins(folder: SafePath, name: str, part: Part, tensors: dict[str, Any]) -> None:
    twin = next((name for name in part.tensor_names() if name in tensors), None)
    if twin is not None:
        raise UsageError(
            f"{folder.display} holds several models: '{shown(twin, 80)}' is in {shown(name, 80)} and in another file.",
            "Name one of the files instead of the folder.",
        )
