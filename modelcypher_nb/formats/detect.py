"""One door for every model: a file or a folder is recognised by its content, judged, described, digested, loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from ..errors import MissingFileError, UsageError
from ..guard.safe_path import SafePath
from ..guard.secrets import shown
from . import safetensors
from .digests import changed_meanwhile, combined_digest, file_digest
from .folder import FolderFacts, describe_folder, hub_source
from .model_file import Part, examine_file, finding_of
from .model_folder import Survey, survey
from .report import VERDICTS, FileInfo, Finding, Level, ModelReport, Verdict

if TYPE_CHECKING:
    import torch

__all__ = ["describe", "digest", "examine", "exit_code", "load", "worst"]

Progress = Callable[[int, int], None]


def worst(levels: Iterable[Level]) -> Level:
    """The level that decides for several files; `weights` where there is none."""
    return max(levels, key=VERDICTS.index, default="weights")


def exit_code(verdict: Verdict, *, strict: bool = False) -> int:
    """What a shell gives for a verdict: 1 means danger and nothing else.

    Args:
        verdict: of a file, a folder or several of them.
        strict: whether `objects` counts as danger.
    """
    codes: dict[Level, int] = {"code": 1, "objects": 1 if strict else 0, "malformed": 2, "unsupported": 3}
    return codes.get(verdict.level, 0)


def examine(safe: SafePath) -> ModelReport:
    """Judge a file or a folder whatever it holds: bad content is a verdict, not an exception."""
    if safe.is_folder:
        return _folder_report(safe, survey(safe))
    return _file_report(safe, examine_file(safe, safe.name))


def describe(safe: SafePath) -> ModelReport:
    """Describe a model that can be read; its verdict still says what lies beside it.

    Raises:
        MalformedError: it contradicts itself or is cut off.
        UnreadableError: it can't be read.
        UnsupportedFormatError: its format isn't read.
        MissingFileError: the folder holds no weights.
    """
    if not safe.is_folder:
        part = examine_file(safe, safe.name)
        if part.error is not None:
            raise part.error
        return _file_report(safe, part)
    found = survey(safe)
    _require_model(safe, found)
    return _folder_report(safe, found)


def load(safe: SafePath, *, mapped: bool | None = None) -> dict[str, torch.Tensor]:
    """Load the tensors of a file, or of a folder's model with all its shards.

    Args:
        safe: the open file or folder.
        mapped: as `formats.safetensors.load` has it.

    Raises:
        UsageError: the folder holds several models whose tensors bear the same names.
        ModelCypherError: as `describe` raises.
    """
    if not safe.is_folder:
        part = examine_file(safe, safe.name)
        if part.error is not None:
            raise part.error
        return safetensors.load(safe, part.header, mapped=mapped)
    found = survey(safe)
    _require_model(safe, found)
    tensors: dict[str, torch.Tensor] = {}
    for name in found.model:
        with safe / name as file:
            part = found.parts[name]
            if file.identity != part.identity:
                raise changed_meanwhile(file)
            _refuse_twins(safe, name, part, tensors)
            tensors |= safetensors.load(file, part.header, mapped=mapped)
    return tensors


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
        raise MissingFileError(
            f"There are no model weights in {folder.display}.", "Name the file, or the folder that holds the weights."
        )
    if not found.model:
        error = next(iter(found.parts.values())).error
        assert error is not None  # noqa: S101 - a part without a header always says why
        raise error


def _refuse_twins(folder: SafePath, name: str, part: Part, tensors: dict[str, torch.Tensor]) -> None:
    twin = (
        next((tensor.name for tensor in part.header.tensors if tensor.name in tensors), None) if part.header else None
    )
    if twin is not None:
        raise UsageError(
            f"{folder.display} holds several models: '{shown(twin, 80)}' is in {shown(name, 80)} and in another file.",
            "Name one of the files instead of the folder.",
        )


def _file_report(safe: SafePath, part: Part) -> ModelReport:
    repo, revision = hub_source(safe.given)
    findings = list(part.header.findings) if part.header else []
    if part.error is not None:
        findings.append(finding_of(part.error, safe.location))
    return ModelReport(
        part.kind.name,
        _verdict(findings),
        (FileInfo(part.name, part.identity.size),),
        part.header.tensors if part.header else (),
        part.header.metadata if part.header else {},
        source_repo=repo,
        source_revision=revision,
    )


def _folder_report(folder: SafePath, found: Survey) -> ModelReport:
    facts, headers = describe_folder(folder, found.base, found.configurations), found.headers()
    chosen = [headers[name] for name in found.model if name in headers]
    metadata: dict[str, str] = {}
    for header in chosen:
        metadata = header.metadata | metadata
    repo, revision = hub_source(folder.given)
    return ModelReport(
        found.parts[found.model[0]].kind.name if found.model else _kinds(found),
        _verdict(_all_findings(folder, found, facts)),
        tuple(FileInfo(name, found.parts[name].identity.size) for name in found.model or found.parts),
        tuple(tensor for header in chosen for tensor in header.tensors),
        metadata,
        facts.architecture,
        facts.license,
        repo,
        revision,
        facts.base_model,
        facts.pipeline,
    )


def _kinds(found: Survey) -> str:
    return ", ".join(dict.fromkeys(part.kind.name for part in found.parts.values())) or "no weights"


def _all_findings(folder: SafePath, found: Survey, facts: FolderFacts) -> list[Finding]:
    findings = [*found.findings, *facts.findings]
    for name, part in found.parts.items():
        findings.extend(part.header.findings if part.header else ())
        if part.error is not None:
            findings.append(finding_of(part.error, f"{folder.display}/{name}"))
    if not found.parts:
        what, remedy = f"There are no model weights in {folder.display}.", "Name the folder that holds the weights."
        findings.append(Finding("unsupported", what, folder.display, remedy))
    return findings


def _verdict(findings: list[Finding]) -> Verdict:
    findings.sort(key=lambda finding: -VERDICTS.index(finding.level))
    return Verdict(worst(finding.level for finding in findings), tuple(findings))
