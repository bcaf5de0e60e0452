"""What is said about models: cards, lists, verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from . import numbers as n
from .sheet import Cell, Sheet, Table, pairs, table, volatile

if TYPE_CHECKING:
    from ..formats.report import Finding, TensorInfo
    from ..operations.facts import ModelFacts, ModelList, ModelRow, ScanFacts, VerifyFacts

__all__ = ["IN_MEMORY", "MEANINGS", "model_sheet", "models_table"]

IN_MEMORY = "in memory"
TENSORS_SHOWN = 12

# What each verdict means to the person who is about to load the file.
MEANINGS = {
    "weights": "tensors and plain data, nothing else",
    "data": "tensors, plain data and harmless containers",
    "objects": "holds objects that are only built and filled; they stay closed",
    "code": "another loader would run code from this file",
    "malformed": "not read: the file contradicts itself",
    "unsupported": "not read: no reader for this format",
}


def dtype_text(dtypes: dict[str, int]) -> str | None:
    """`F32 22.7 M (100 %)`."""
    total = sum(dtypes.values()) or 1
    return ", ".join(f"{name} {n.count(number)} ({n.percent(number / total)})" for name, number in dtypes.items())


def source_text(facts: ModelFacts) -> str | None:
    """The repository, and the commit where it is known."""
    if facts.source is None or facts.source.repo is None:
        return None
    revision = facts.source.revision
    return f"{facts.source.repo} @ {revision[:12]}" if revision else facts.source.repo


def verdict_text(facts: ModelFacts) -> str:
    """The verdict in words; a live object has none, because nothing was read from a file."""
    if facts.format == IN_MEMORY:
        return "live object, nothing was read from a file"
    return f"{facts.verdict.level}: {MEANINGS[facts.verdict.level]}"


def model_sheet(facts: ModelFacts, picture: str = "") -> Sheet:
    """A model's card."""
    parts = [
        facts.architecture,
        f"{n.count(facts.parameter_count)} parameters",
        n.size(facts.size_bytes),
        n.plural(facts.tensor_count, "tensor"),
        facts.format,
    ]
    return Sheet(
        title=facts.name,
        badge="" if facts.format == IN_MEMORY else facts.verdict.level,
        subtitle=Cell(" · ".join(part for part in parts if part)),
        facts=_model_facts(facts),
        tables=(findings_table(facts.verdict.findings), files_table(facts), tensors_table(facts)),
        picture=picture,
    )


def _model_facts(facts: ModelFacts) -> tuple[tuple[str, Cell], ...]:
    on_disk = facts.format != IN_MEMORY
    return pairs(
        ("Verdict", verdict_text(facts)),
        ("Data types", dtype_text(facts.dtypes)),
        ("Reference", facts.reference),
        ("State", facts.state if facts.state != "registered" else None),
        ("Aliases", ", ".join(facts.aliases or ())),
        ("Tags", ", ".join(facts.tags or ())),
        ("Digest", facts.digest or ("not computed" if on_disk else None)),
        ("License", facts.license or ("not stated" if on_disk else None)),
        ("Source", source_text(facts)),
        ("Made from", ", ".join(f"{key} {value}" for key, value in (facts.lineage or {}).items())),
        ("Path", volatile(facts.path) if on_disk else None),
        ("Bytes", facts.placement),
        ("Metadata", ", ".join(f"{key}={value}" for key, value in facts.metadata.items())),
    )


def findings_table(findings: Sequence[Finding]) -> Table:
    """The reasons of a verdict."""
    rows = [
        (item.level, volatile(item.what), volatile(item.where), volatile(item.remedy or "")) for item in findings[:20]
    ]
    return table("Findings", ("level", "what", "where", "remedy"), rows, total=len(findings), stacked=True)


def files_table(facts: ModelFacts) -> Table:
    """The weight files, where there are several."""
    files = facts.files if len(facts.files) > 1 else ()
    rows = [(file.name, n.size(file.size_bytes)) for file in files[:TENSORS_SHOWN]]
    return table("Files", ("name", "#size"), rows, total=len(files), folded=True)


def tensor_row(tensor: TensorInfo) -> tuple[Any, ...]:
    """A tensor's line."""
    return tensor.name, tensor.dtype, n.shape(tensor.shape), n.size(tensor.size_bytes)


def tensors_table(facts: ModelFacts) -> Table:
    """The tensors in file order."""
    columns: tuple[str, ...] = ("name", "dtype", "#shape", "#size")
    rows = [tensor_row(tensor) for tensor in facts.tensors]
    if len(facts.files) > 1:  # several files may well hold tensors of one name
        columns += ("file",)
        rows = [(*row, tensor.file) for row, tensor in zip(rows, facts.tensors, strict=True)]
    return table("Tensors", columns, rows, total=facts.tensor_count, folded=True, shown=TENSORS_SHOWN)


def models_table(rows: Sequence[ModelRow], total: int) -> Table:
    """Registered models."""
    columns = ("model", "kind", "architecture", "format", "#parameters", "#size", "verdict", "path")
    made = [
        (
            Cell(_reference(row), strong=True),
            row.kind,
            row.architecture or "",
            row.format,
            n.count(row.parameter_count),
            n.size(row.size_bytes),
            row.verdict if row.state == "registered" else f"{row.verdict}, {row.state}",
            volatile(row.path),
        )
        for row in rows
    ]
    return table("Models", columns, made, total=total, empty="none is registered yet; add one: mc model register PATH")


def _reference(row: ModelRow) -> str:
    return " ".join([f"{row.id}@{row.version}", *(f"@{alias}" for alias in row.aliases)])


def model_list_sheet(facts: ModelList) -> Sheet:
    """A page of models."""
    return Sheet("Registered models", tables=(models_table(facts.items, facts.total),))


def model_row_sheet(facts: ModelRow) -> Sheet:
    """One registered model, after its tags or aliases changed."""
    return Sheet(
        f"{facts.id}@{facts.version}",
        badge=facts.verdict,
        facts=pairs(
            ("Kind", facts.kind),
            ("State", facts.state),
            ("Aliases", ", ".join(facts.aliases) or "none"),
            ("Tags", ", ".join(facts.tags) or "none"),
            ("Path", volatile(facts.path)),
            ("Registered", volatile(n.moment(facts.registered_at))),
        ),
    )


def scan_sheet(facts: ScanFacts) -> Sheet:
    """Verdicts with their reasons."""
    rows = [
        (
            Cell(one.verdict.level, strong=True),
            one.format,
            n.count(one.parameter_count),
            n.size(one.size_bytes),
            n.whole(one.tensor_count),
            volatile(one.path),
        )
        for one in facts.results
    ]
    reasons = [finding for one in facts.results for finding in one.verdict.findings]
    scanned = table("Scanned", ("verdict", "format", "#parameters", "#size", "#tensors", "path"), rows)
    return Sheet("Scan", facts.worst, Cell(MEANINGS[facts.worst]), tables=(scanned, findings_table(reasons)))


def verify_sheet(facts: VerifyFacts) -> Sheet:
    """Whether the files are what was registered."""
    what = "The files are what was registered." if facts.intact else "The files are not what was registered."
    return Sheet(
        facts.reference,
        badge="intact" if facts.intact else facts.state,
        subtitle=Cell(what),
        facts=pairs(
            ("Registered", facts.expected or "without a digest"),
            ("Found", facts.found or "no file"),
            ("Path", volatile(facts.path)),
        ),
    )
