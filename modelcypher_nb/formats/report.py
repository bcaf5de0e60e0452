"""What a model file says about itself, as frozen facts."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import Literal

__all__ = [
    "VERDICTS",
    "FileInfo",
    "Finding",
    "JudgedFile",
    "Level",
    "ModelReport",
    "TensorInfo",
    "TreeNode",
    "Verdict",
]

Level = Literal["weights", "data", "objects", "code", "malformed", "unsupported"]

# From harmless to refused; a folder is the worst of its files by the order of EXIT_CODES (contracts: 1, 2, 3, 0).
VERDICTS: tuple[Level, ...] = ("weights", "data", "objects", "unsupported", "malformed", "code")


# Not frozen, and never changed all the same: making fifty thousand frozen ones takes three times as long.
@dataclass(slots=True, unsafe_hash=True)
class TensorInfo:
    """One stored tensor.

    Attributes:
        name: its key.
        dtype: as safetensors spells it (F32, BF16, I64, ...).
        shape: its dimensions; empty for a scalar.
        size_bytes: what its values take.
        file: the file in the model's folder that holds it.
        offset: the first byte in that file, where the values lie there as one range.
        layout: "dense", or what it is made of: "sparse_coo", "quantized", "meta" and the like.
        strides: in elements, where the values don't lie one after the other.
        alias_of: the earlier tensor that is the same bytes.
        storage: what the file calls the bytes behind it, where several tensors may share them.
        storage_bytes: the length of all of those bytes.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    size_bytes: int
    file: str = ""
    offset: int = 0
    layout: str = "dense"
    strides: tuple[int, ...] | None = None
    alias_of: str | None = None
    storage: str | None = None
    storage_bytes: int | None = None

    @property
    def parameter_count(self) -> int:
        """How many numbers it holds."""
        return prod(self.shape)


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason for a verdict: what was found, where, and what to do about it.

    Attributes:
        level: what it makes of the file.
        what: one sentence.
        where: the file.
        remedy: what to do next.
        rule: a stable name for this kind of finding, such as `pickle-call`.
        member: the archive member within the file.
        offset: the byte in the file, or in that member, at which it stands.
        excerpt: a readable piece of the content there.
        name: the full name that the file would import, where it is about one.
    """

    level: Level
    what: str
    where: str
    remedy: str | None = None
    rule: str | None = None
    member: str | None = None
    offset: int | None = None
    excerpt: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a file holds, as loader and scanner agree, with its reasons."""

    level: Level
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class TreeNode:
    """One value of what a file holds beside and around its tensors, to be shown.

    Attributes:
        key: under which it stands in what holds it.
        kind: its class in words ("dict", "tensor", "datetime.datetime", "opaque torch.nn.Linear").
        text: a short text of it.
        children: the values within.
        omitted: how many more there are than are shown.
    """

    key: str
    kind: str
    text: str = ""
    children: tuple[TreeNode, ...] = ()
    omitted: int = 0


@dataclass(frozen=True, slots=True)
class FileInfo:
    """One file of a model; the digest is there where it was computed."""

    name: str
    size_bytes: int
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class JudgedFile:
    """One weight file of a folder, whether it is part of the model or lies beside it, and its own verdict."""

    name: str
    format: str
    level: Level
    size_bytes: int


@dataclass(frozen=True, slots=True)
class ModelReport:
    """Everything that reading a model's headers tells.

    Attributes:
        format: "safetensors", or what the content was recognised as.
        verdict: the level and its reasons.
        files: the weight files.
        tensors: every tensor, in file order.
        metadata: the safetensors `__metadata__` map, merged over shards.
        architecture: as the folder's configuration names it.
        license: as the folder's model card names it.
        source_repo: the Hub repository, where the path or the card tells.
        source_revision: the commit in the Hub's cache, where the path tells.
        base_model: the model it was made from, as the folder's model card names it.
        pipeline: the task it is for, as the folder's model card names it.
        tree: what the file holds beside and around its tensors.
        pickled: the files that rely on pickle.
        judged: of a folder, every weight file with its own verdict.
    """

    format: str
    verdict: Verdict
    files: tuple[FileInfo, ...] = ()
    tensors: tuple[TensorInfo, ...] = ()
    metadata: dict[str, str] = field(default_factory=dict)
    architecture: str | None = None
    license: str | None = None
    source_repo: str | None = None
    source_revision: str | None = None
    base_model: str | None = None
    pipeline: str | None = None
    tree: TreeNode | None = None
    pickled: tuple[str, ...] = ()
    judged: tuple[JudgedFile, ...] = ()

    @property
    def parameter_count(self) -> int:
        """How many numbers all tensors hold."""
        return sum(tensor.parameter_count for tensor in self.tensors)

    @property
    def size_bytes(self) -> int:
        """What the weight files take."""
        return sum(file.size_bytes for file in self.files)

    @property
    def dtypes(self) -> dict[str, int]:
        """Parameters for each dtype, the most frequent first."""
        counts: dict[str, int] = {}
        for tensor in self.tensors:
            counts[tensor.dtype] = counts.get(tensor.dtype, 0) + tensor.parameter_count
        return dict(sorted(counts.items(), key=lambda item: -item[1]))
