"""What the operations of models give."""

from __future__ import annotations

from dataclasses import dataclass, field
from shlex import quote
from typing import TYPE_CHECKING, Any

from ...formats.report import FileInfo, JudgedFile, Level, ModelReport, TensorInfo, TreeNode, Verdict
from ...store.ids import ModelSource

if TYPE_CHECKING:
    from ...store.records import ModelRecord

__all__ = [
    "ConvertFacts",
    "ModelFacts",
    "ModelList",
    "ModelRow",
    "PickleNote",
    "ScanFacts",
    "ScanResult",
    "TrustList",
    "TrustRow",
    "VerifyFacts",
]


@dataclass(frozen=True, slots=True)
class PickleNote:
    """What is told of files that rely on pickle: one sentence, and the command that converts them."""

    text: str
    command: str

    @classmethod
    def of(
        cls, reference: str, pickled: tuple[str, ...], level: Level = "data", name: str | None = None
    ) -> PickleNote | None:
        """The note on a model of that verdict, if it is known; None where nothing of it relies on pickle.

        Args:
            reference: what the command calls it.
            pickled: the files that rely on pickle.
            level: the verdict.
            name: what the sentence calls it, where that isn't the reference.
        """
        if not pickled:
            return None
        name = name or reference
        several = f"{len(pickled)} files of {name} rely on pickle"
        what = f"{name} relies on pickle" if len(pickled) == 1 else several
        does = "would" if level == "code" else "can"
        take = "Take its tensors alone:" if level == "code" else "Convert it once:"
        text = f"{what}, which {does} run code in other loaders; here nothing runs. {take}"
        return cls(text, f"mc model convert {'--rescue ' if level == 'code' else ''}{quote(reference)}")


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """A model: what its files say, and what the registry knows.

    Attributes:
        reference: `name@version` where it is registered.
        tensors: one page of its tensors; `tensor_count` counts all.
        placement: where the bytes are, in words.
        pickled: the files that rely on pickle.
        warning: what is told of them, with the command that converts them.
        tree: what a file holds beside and around its tensors.
        report: everything that was read; stays in the process.
    """

    name: str
    path: str
    format: str
    verdict: Verdict
    parameter_count: int
    dtypes: dict[str, int]
    size_bytes: int
    placement: str
    tensor_count: int
    tensors: tuple[TensorInfo, ...]
    files: tuple[FileInfo, ...] = ()
    metadata: dict[str, str] = field(default_factory=dict)
    cursor: str | None = None
    reference: str | None = None
    version: int | None = None
    kind: str | None = None
    state: str | None = None
    managed: bool | None = None
    aliases: tuple[str, ...] | None = None
    tags: tuple[str, ...] | None = None
    architecture: str | None = None
    digest: str | None = None
    license: str | None = None
    source: ModelSource | None = None
    lineage: dict[str, Any] | None = None
    pickled: tuple[str, ...] = ()
    warning: PickleNote | None = None
    tree: TreeNode | None = None
    report: ModelReport | None = field(default=None, repr=False, compare=False, metadata={"wire": False})


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A model in a list; its state is "changed" where a look at its files tells that they aren't what was judged."""

    id: str
    version: int
    kind: str
    path: str
    state: str
    format: str
    verdict: str
    parameter_count: int
    size_bytes: int
    registered_at: float
    aliases: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    architecture: str | None = None

    @classmethod
    def of(cls, record: ModelRecord) -> ModelRow:
        """The row of a record."""
        return cls(
            id=record.id,
            version=record.version,
            kind=record.kind,
            path=record.path,
            state=record.state,
            format=record.format,
            verdict=record.verdict.level,
            parameter_count=record.parameter_count,
            size_bytes=record.size_bytes,
            registered_at=record.registered_at,
            aliases=record.aliases,
            tags=record.tags,
            architecture=record.architecture,
        )


@dataclass(frozen=True, slots=True)
class ModelList:
    """A page of models; `total` counts all."""

    items: tuple[ModelRow, ...]
    total: int
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class ScanResult:
    """The verdict on one file or model folder.

    Attributes:
        files: of a folder, every weight file with its own verdict.
        pickled: the files that rely on pickle.
    """

    path: str
    format: str
    verdict: Verdict
    size_bytes: int
    parameter_count: int
    tensor_count: int
    files: tuple[JudgedFile, ...] = ()
    pickled: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ScanFacts:
    """The verdicts on what was scanned; `exit_code` is what a shell gives for the worst of them.

    Attributes:
        strict: whether objects counted as danger.
        counts: how many files there are of each verdict, a folder's counted one by one.
    """

    results: tuple[ScanResult, ...]
    worst: str
    exit_code: int
    strict: bool = False
    counts: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        """Count the files."""
        counts: dict[str, int] = {}
        for one in self.results:
            for level in [file.level for file in one.files] or [one.verdict.level]:
                counts[level] = counts.get(level, 0) + 1
        object.__setattr__(self, "counts", counts)


@dataclass(frozen=True, slots=True)
class VerifyFacts:
    """Whether a registered model's files still are what was registered."""

    reference: str
    path: str
    intact: bool
    expected: str | None
    found: str | None
    state: str

    @property
    def exit_code(self) -> int:
        """What a shell gives: 2 for files that aren't what was registered, 66 for none."""
        return 0 if self.intact else 66 if self.state == "missing" else 2


@dataclass(frozen=True, slots=True)
class TrustRow:
    """A class that a person allowed for the content of one file; `allowed_at` is seconds since 1970, UTC."""

    digest: str
    class_name: str
    allowed_at: float


@dataclass(frozen=True, slots=True)
class TrustList:
    """A page of allowed classes; `total` counts all, `digest` is the content that was asked for."""

    items: tuple[TrustRow, ...]
    total: int
    cursor: str | None = None
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class ConvertFacts:
    """What a conversion to safetensors wrote.

    Attributes:
        files: the new files, by their names in the output.
        checked: how many pieces of the old files were compared with the checksums that they bear.
        index: the new index, where there are several files.
        aliases: names of the very bytes of another name, which are written once.
        groups: values that safetensors has no type for, written as several tensors each.
        copied: what else the new folder got.
        left_out: places of what isn't a tensor and stays in the old file alone, the first hundred.
    """

    input: str
    output: str
    files: tuple[FileInfo, ...]
    tensor_count: int
    size_bytes: int
    checked: int = 0
    index: str | None = None
    aliases: dict[str, str] = field(default_factory=dict)
    groups: tuple[str, ...] = ()
    copied: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
