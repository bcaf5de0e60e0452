"""What is said about models: cards, lists, verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..formats.report import VERDICTS
from . import numbers as n
from .sheet import Block, Cell, Sheet, Table, pairs, table, volatile

if TYPE_CHECKING:
    from ..formats.report import Finding, TensorInfo, TreeNode
    from ..operations.facts import (
        ConvertFacts,
        ModelFacts,
        ModelList,
        ModelRow,
        ScanFacts,
        ScanResult,
        TrustList,
        VerifyFacts,
    )

__all__ = ["IN_MEMORY", "MEANINGS", "model_sheet", "models_table"]

IN_MEMORY = "in memory"
TENSORS_SHOWN = 12
FINDINGS_SHOWN = 20
FILES_SHOWN = 40
LEFT_OUT_SHOWN = 12
TREE_LINES, TREE_DEPTH = 40, 4
EMPTY = frozenset({"{}", "[]", "()", "None"})

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
        tables=(findings_table(facts.verdict.findings, facts.path), files_table(facts), tensors_table(facts)),
        blocks=_content_blocks(facts.tree),
        picture=picture,
    )


def _content_blocks(tree: TreeNode | None) -> tuple[Block, ...]:
    """What a file holds, where that is more than the tensors that are listed anyway."""
    if tree is None or all(child.kind == "parameter" or child.kind.endswith("tensor") for child in tree.children):
        return ()
    lines = _tree_lines(tree, 0)
    more = [f"… and {n.plural(len(lines) - TREE_LINES, 'more line')}"] if len(lines) > TREE_LINES else []
    return (Block("Everything in the file", (*lines[:TREE_LINES], *more), folded=True),)


def _tree_lines(node: TreeNode, depth: int) -> list[str]:
    """A file's content as an indented list, as deep and long as a page takes."""
    text = f"{'  ' * depth}{node.key}{': ' if node.key else ''}{node.kind}{f' {node.text}' if node.text else ''}"
    if depth >= TREE_DEPTH:
        return [text]
    told = [child for child in node.children if not _is_empty_attribute(child)]
    lines = [line for child in told for line in _tree_lines(child, depth + 1)]
    empty = len(node.children) - len(told)
    more = [f"{n.whole(empty)} that hold nothing"] if empty else []
    more += [f"{n.whole(node.omitted)} more"] if node.omitted else []
    return [text, *lines, *(f"{'  ' * (depth + 1)}… and {one}" for one in more)]


def _is_empty_attribute(node: TreeNode) -> bool:
    """Whether it is one of the many empty hooks that each module bears."""
    return node.key.startswith("_") and not node.children and node.text in EMPTY


def _model_facts(facts: ModelFacts) -> tuple[tuple[str, Cell], ...]:
    on_disk = facts.format != IN_MEMORY
    return pairs(
        ("Verdict", verdict_text(facts)),
        *_pickle_facts(facts),
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


def _pickle_facts(facts: ModelFacts) -> tuple[tuple[str, object], ...]:
    """That it relies on pickle, and what makes safetensors of it."""
    if facts.warning is None:
        return ()
    does = "would" if facts.verdict.level == "code" else "can"
    pickle = f"it relies on pickle, which {does} run code in other loaders; here nothing runs"
    return ("Pickle", pickle), ("Convert", volatile(facts.warning.command))


def findings_table(findings: Sequence[Finding], path: str = "") -> Table:
    """The reasons of a verdict on what lies at a path, which isn't named again."""
    rows = [
        (
            item.level,
            _sentence(item.what),
            volatile(place_text(item, path)),
            _sentence(item.excerpt),
            _sentence(item.remedy),
        )
        for item in findings[:FINDINGS_SHOWN]
    ]
    columns = ("level", "what", "where", "excerpt", "next")
    return table("Findings", columns, rows, total=len(findings), stacked=True)


def _sentence(text: str | None) -> Cell:
    """A sentence, which is another one in another place where it names a path."""
    return Cell(text or "", volatile="/" in (text or ""))


def place_text(finding: Finding, path: str = "") -> str:
    """The file, the member within it and the byte, as far as they are known and differ from `path`."""
    member = None if finding.member is None else f"member {finding.member}"
    byte = None if finding.offset is None else f"byte {n.whole(finding.offset)}"
    within = [part for part in (member, byte) if part]
    where = finding.where.removeprefix(f"{path}/") if path else finding.where
    return ", ".join(within if within and where == path else [where, *within])


def files_table(facts: ModelFacts) -> Table:
    """The weight files, where there are several."""
    files = facts.files if len(facts.files) > 1 else ()
    rows = [(file.name, n.size(file.size_bytes)) for file in files[:TENSORS_SHOWN]]
    return table("Files", ("name", "#size"), rows, total=len(files), folded=True)


def tensor_row(tensor: TensorInfo) -> tuple[Any, ...]:
    """A tensor's line."""
    return tensor.name, tensor.dtype, n.shape(tensor.shape), n.size(tensor.size_bytes)


def tensor_story(tensor: TensorInfo) -> str:
    """What is special about where its values lie; empty where nothing is."""
    whole = tensor.storage_bytes if (tensor.storage_bytes or 0) > tensor.size_bytes else None
    told = (
        None if tensor.layout == "dense" else tensor.layout,
        None if tensor.alias_of is None else f"the same bytes as {tensor.alias_of}",
        None if tensor.strides is None else f"strides {', '.join(map(str, tensor.strides))}",
        None if whole is None else f"part of {n.size(whole)}",
    )
    return "; ".join(part for part in told if part)


def tensors_table(facts: ModelFacts) -> Table:
    """The tensors in file order."""
    columns: tuple[str, ...] = ("name", "dtype", "#shape", "#size")
    rows = [tensor_row(tensor) for tensor in facts.tensors]
    stories = [tensor_story(tensor) for tensor in facts.tensors]
    if any(stories):
        columns += ("note",)
        rows = [(*row, story) for row, story in zip(rows, stories, strict=True)]
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
    """Verdicts with their reasons, the worst first where there are many."""
    results = facts.results
    if len(results) > FILES_SHOWN:
        results = tuple(sorted(results, key=lambda one: -VERDICTS.index(one.verdict.level)))
    rows = [_scanned_row(one) for one in results[:FILES_SHOWN]]
    columns = ("verdict", "format", "#parameters", "#size", "#tensors", "path")
    return Sheet(
        "Scan",
        facts.worst,
        Cell(_scan_summary(facts)),
        tables=(
            table("Scanned", columns, rows, total=len(facts.results)),
            _scanned_files(facts.results),
            findings_table(_told_fairly(facts.results)),
        ),
    )


def _told_fairly(results: Sequence[ScanResult]) -> list[Finding]:
    """The reasons, the worst first; each file's first before any file's second, so that none fills the page alone."""
    turns: Counter[tuple[str, str]] = Counter()
    queue: list[tuple[int, int, Finding]] = []
    for finding in (finding for one in results for finding in one.verdict.findings):
        turn = turns[finding.level, finding.where]
        turns[finding.level, finding.where] = turn + 1
        queue.append((-VERDICTS.index(finding.level), turn, finding))
    return [finding for _, _, finding in sorted(queue, key=lambda one: one[:2])]


def _scan_summary(facts: ScanFacts) -> str:
    total = sum(facts.counts.values())
    if total == 1:
        return MEANINGS[facts.worst]
    told = ", ".join(f"{n.whole(facts.counts[level])} {level}" for level in reversed(VERDICTS) if level in facts.counts)
    return f"{MEANINGS[facts.worst]} · {n.plural(total, 'file')}: {told}"


def _scanned_row(one: ScanResult) -> tuple[object, ...]:
    return (
        Cell(one.verdict.level, strong=True),
        one.format,
        n.count(one.parameter_count),
        n.size(one.size_bytes),
        n.whole(one.tensor_count),
        volatile(one.path),
    )


def _scanned_files(results: Sequence[ScanResult]) -> Table:
    """The files of scanned folders, the worst first."""
    files = [(one.path, file) for one in results if len(one.files) > 1 for file in one.files]
    files.sort(key=lambda pair: -VERDICTS.index(pair[1].level))
    rows = [
        (Cell(file.level, strong=True), file.format, n.size(file.size_bytes), volatile(f"{folder}/{file.name}"))
        for folder, file in files[:FILES_SHOWN]
    ]
    return table("Files", ("verdict", "format", "#size", "path"), rows, total=len(files), folded=True)


def convert_sheet(facts: ConvertFacts) -> Sheet:
    """What a conversion wrote, and what it left out."""
    what = (
        f"{n.plural(facts.tensor_count, 'tensor')} · {n.size(facts.size_bytes)} · {n.plural(len(facts.files), 'file')}"
    )
    checked = f"{n.plural(facts.checked, 'checksum')} of the old files compared" if facts.checked else None
    left_out = ", ".join(facts.left_out[:LEFT_OUT_SHOWN])
    more = len(facts.left_out) - LEFT_OUT_SHOWN
    files = [(file.name, n.size(file.size_bytes)) for file in facts.files] if len(facts.files) > 1 else []
    return Sheet(
        "Converted",
        subtitle=Cell(what),
        facts=pairs(
            ("From", volatile(facts.input)),
            ("To", volatile(facts.output)),
            ("Index", facts.index),
            ("Checked", checked),
            (
                "Same bytes",
                ", ".join(f"{name} = {same}" for name, same in list(facts.aliases.items())[:LEFT_OUT_SHOWN]),
            ),
            ("In pieces", ", ".join(facts.groups[:LEFT_OUT_SHOWN])),
            ("Copied", ", ".join(facts.copied)),
            ("Left out", f"{left_out} and {more} more" if more > 0 else left_out),
        ),
        tables=(table("Files", ("name", "#size"), files),),
    )


def trust_sheet(facts: TrustList) -> Sheet:
    """The classes that a person allowed."""
    rows = [(one.class_name, volatile(one.digest), volatile(n.moment(one.allowed_at))) for one in facts.items]
    empty = "none; a finding of code tells which class it is about, and then: mc model trust PATH package.Class"
    allowed = table("Allowed", ("class", "content", "since"), rows, total=facts.total, empty=empty)
    return Sheet(
        "Allowed classes", facts=pairs(("Content", volatile(facts.digest) if facts.digest else None)), tables=(allowed,)
    )


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
