"""From what was found in a file or a folder to the report that is shown: its verdict, its tensors, its facts."""

from __future__ import annotations

from collections.abc import Iterable

from ..guard.safe_path import SafePath
from ..guard.secrets import shown
from .content_facts import tensor_infos, tree_of
from .folder import FolderFacts, describe_folder, hub_source
from .model_file import Part, finding_of
from .model_folder import Survey, no_weights
from .report import VERDICTS, FileInfo, Finding, JudgedFile, Level, ModelReport, TensorInfo, Verdict

__all__ = ["file_report", "folder_report", "worst"]


def worst(levels: Iterable[Level]) -> Level:
    """The level that decides for several files; `weights` where there is none."""
    return max(levels, key=VERDICTS.index, default="weights")


def file_report(safe: SafePath, part: Part, *, whole: bool = False) -> ModelReport:
    """What is told of one file; of a whole one everything that it holds, too."""
    repo, revision = hub_source(safe.given)
    metadata = _metadata_of(part)
    return ModelReport(
        part.format,
        _verdict(part.all_findings(safe.location)),
        (FileInfo(part.name, part.identity.size),),
        _tensors_of(part),
        metadata,
        metadata.get("general.architecture"),  # GGUF keeps both in its header
        metadata.get("general.license"),
        source_repo=repo,
        source_revision=revision,
        tree=tree_of(part.content.root) if whole and part.content is not None else None,
        pickled=(part.name,) if part.content is not None and part.content.pickled else (),
    )


def _tensors_of(part: Part) -> tuple[TensorInfo, ...]:
    if part.header is not None:
        return part.header.tensors
    return tensor_infos(part.content.tensors, part.name) if part.content is not None else ()


def _metadata_of(part: Part) -> dict[str, str]:
    if part.header is not None:
        return part.header.metadata
    return part.content.metadata if part.content is not None else {}


def folder_report(folder: SafePath, found: Survey) -> ModelReport:
    """What is told of a folder: its model, and the verdict over everything in it."""
    facts = describe_folder(folder, found.base, found.configurations)
    chosen = [found.parts[name] for name in found.model]
    metadata: dict[str, str] = {}
    for part in chosen:
        metadata = _metadata_of(part) | metadata
    repo, revision = hub_source(folder.given)
    where = folder.display
    return ModelReport(
        found.parts[found.model[0]].format if found.model else _kinds(found),
        _verdict(_findings_of(folder, found, facts)),
        tuple(FileInfo(name, found.parts[name].identity.size) for name in found.model or found.parts),
        tuple(tensor for part in chosen for tensor in _tensors_of(part)),
        metadata,
        facts.architecture,
        facts.license,
        repo,
        revision,
        facts.base_model,
        facts.pipeline,
        pickled=tuple(name for name, part in found.parts.items() if part.content is not None and part.content.pickled),
        judged=tuple(_judged(where, name, part) for name, part in found.parts.items()),
    )


def _judged(where: str, name: str, part: Part) -> JudgedFile:
    level = worst(finding.level for finding in part.all_findings(f"{where}/{name}"))
    return JudgedFile(shown(name), part.format, level, part.identity.size)


def _kinds(found: Survey) -> str:
    return ", ".join(dict.fromkeys(part.kind.name for part in found.parts.values())) or "no weights"


def _findings_of(folder: SafePath, found: Survey, facts: FolderFacts) -> list[Finding]:
    findings = [*found.findings, *facts.findings]
    where = folder.display
    for name, part in found.parts.items():
        findings.extend(part.all_findings(f"{where}/{name}"))
    if not found.parts:
        findings.append(finding_of(no_weights(folder), folder.display))
    return findings


def _verdict(findings: list[Finding]) -> Verdict:
    findings.sort(key=lambda finding: -VERDICTS.index(finding.level))
    return Verdict(worst(finding.level for finding in findings), tuple(findings))
