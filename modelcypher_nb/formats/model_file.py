"""One file of a model, judged by its content."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import MalformedError, ModelCypherError, UnreadableError, UnsupportedFormatError
from ..guard.safe_path import Identity, SafePath
from ..guard.secrets import shown
from ..guard.source import Source
from .content import Content
from .magic import EMPTY, PICKLE, SAFETENSORS, TAR, TEXT_PICKLE, UNKNOWN, Kind, is_tar, recognise
from .readers import Terms, read_content, unsupported
from .remedies import FETCH_AGAIN, FIND_SAFETENSORS
from .report import Finding, Level
from .safetensors_header import Header, describe

__all__ = ["WEIGHT_SUFFIXES", "Part", "counts_in_a_folder", "examine_file", "finding_of"]

# Names that some loader hands to a pickle reader, whatever they hold.
PICKLE_SUFFIXES = (
    ".bin", ".pt", ".pth", ".pt2", ".ckpt", ".checkpoint", ".pkl", ".pickle", ".p", ".dill", ".joblib", ".npy", ".npz",
    ".model", ".dat", ".sav", ".t7",
)  # fmt: skip
# Names that some loader opens as weights: under one of these, whatever the content is, it is judged.
WEIGHT_SUFFIXES = (
    ".safetensors", ".bin", ".pt", ".pth", ".pt2", ".pte", ".ckpt", ".checkpoint", ".pkl", ".pickle", ".p", ".dill",
    ".joblib", ".npy", ".npz", ".gguf", ".ggml", ".h5", ".hdf5", ".keras", ".onnx", ".tflite", ".pb", ".msgpack",
    ".ot", ".mar", ".nemo", ".skops", ".mlmodel", ".t7",
)  # fmt: skip


# What each opcode takes of the bytes that follow, so much at least; of a text line or a long string: any number.
ARGUMENT_BYTES: dict[int, int] = {
    **dict.fromkeys(b"N\x88\x89()]}\x8f012\x85\x86\x87tlde\x94\x81\x92\x93bRosua\x90\x91.Q", 0),
    **dict.fromkeys(b"\x80Khq\x82", 1), **dict.fromkeys(b"M\x83", 2), **dict.fromkeys(b"Jjr\x84", 4),
    **dict.fromkeys(b"G\x95", 8), **dict.fromkeys(b"XBTUC\x8a\x8b\x8c\x8d\x8e\x96VSILFcigpP", 9),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Part:
    """One weight file as it was found.

    Attributes:
        name: its place in the model's folder.
        kind: what its content was recognised as.
        identity: which state of which file that was.
        header: its header, where it is a sound safetensors file.
        content: what it holds, where it is of another format that is read.
        error: why neither is there, or why the content is refused.
        findings: what else was found, beside those of header and content.
    """

    name: str
    kind: Kind
    identity: Identity
    header: Header | None = None
    content: Content | None = None
    error: ModelCypherError | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def format(self) -> str:
        """What it is called."""
        return self.content.format if self.content is not None else self.kind.name

    def tensor_names(self) -> set[str]:
        """The names of its tensors."""
        if self.header is not None:
            return set(self.header.names)
        return set(self.content.tensors) if self.content is not None else set()

    def all_findings(self, where: str) -> list[Finding]:
        """Every reason for its verdict; `where` names the file for an error without one."""
        found = list(self.findings)
        found += self.header.findings if self.header is not None else ()
        found += self.content.findings if self.content is not None else ()
        told = self.content is not None and any(one.level in {"malformed", "unsupported"} for one in found)
        if self.error is not None and not told:
            found.append(finding_of(self.error, where))
        return found


def examine_file(safe: SafePath, name: str, terms: Terms | None = None, source: Source | None = None) -> Part:
    """Recognise a file and describe it; what is wrong with it stands in the result.

    Args:
        safe: the open file.
        name: what to call it.
        terms: limits, what a person allowed, what lies beside it.
        source: its bytes, where some of them were read already.
    """
    kind, terms = UNKNOWN, terms or Terms()
    try:
        source = source or safe.source()
        kind = _kind(source, name)
        if kind.name != TAR.name and is_tar(source) and kind.reader not in {"zip_file", "compressed_file"}:
            what = f"{source.label} is also a tar archive, which torch.load would open instead of what is seen here."
            return Part(name, kind, safe.identity, error=MalformedError(what, FETCH_AGAIN))
        if kind is SAFETENSORS:
            hidden = _hidden_pickle(source, terms) if _may_go_on(source) else ()
            return Part(name, kind, safe.identity, describe(source, name), findings=hidden)
        if kind.reader is None:
            return _unmarked(source, name, kind, safe, terms)
        content = read_content(
            source, kind, source.label, terms.limits, beside=terms.beside, trusted=terms.trusted_for(safe)
        )
        error = content.error or _refusal(content)
        hidden = _hidden_pickle(source, terms) if kind.reader == "gguf" else ()
        return Part(name, kind, safe.identity, content=content, error=error, findings=hidden)
    except (MalformedError, UnreadableError, UnsupportedFormatError) as error:
        return Part(name, kind, safe.identity, error=error)


def _unmarked(source: Source, name: str, kind: Kind, safe: SafePath, terms: Terms) -> Part:
    """A file without a reader; a pickle of the old protocols bears no mark, and counts where it is one to its end."""
    refused = unsupported(source.label, kind)
    if not (name.lower().endswith(PICKLE_SUFFIXES) and source.size):
        return Part(name, kind, safe.identity, error=refused)
    content = _as_pickle(source, terms)
    if kind is UNKNOWN and content.error is None:
        trusted = terms.trusted_for(safe)
        return Part(name, PICKLE, safe.identity, content=_as_pickle(source, terms, trusted) if trusted else content)
    return Part(name, kind, safe.identity, error=refused, findings=_dangers(content))


def _kind(source: Source, name: str) -> Kind:
    kind = recognise(source)
    if kind is not UNKNOWN and kind is not EMPTY:
        return kind
    # A safetensors file that was cut before its header shows no mark of its own any more.
    return SAFETENSORS if name.lower().endswith(".safetensors") else kind


def _refusal(content: Content) -> ModelCypherError | None:
    """The error of a content that was recognised and isn't read."""
    for finding in content.findings:
        if finding.level == "unsupported":
            return UnsupportedFormatError(finding.what, finding.remedy or FIND_SAFETENSORS)
    return None


def _may_go_on(source: Source) -> bool:
    """Whether a pickle reader gets beyond the length that a safetensors file begins with; hardly ever, and then seldom.

    The length ends in zeros, which are no opcode: one before them has to take them for its argument.
    """
    head, at = source.read_at(0, min(source.size, 9)), 0
    while at < len(head):
        size = ARGUMENT_BYTES.get(head[at])
        if size is None:
            return False
        at += 1 + size
    return True


def _hidden_pickle(source: Source, terms: Terms) -> tuple[Finding, ...]:
    """What a pickle reader would run in a file that looks like something else.

    A file can be both: a sound header of another format can read as opcodes. It counts whatever the file's name, as
    that is easily another, and only where there is danger.
    """
    return _dangers(_as_pickle(source, terms))


def _as_pickle(source: Source, terms: Terms, trusted: frozenset[str] = frozenset()) -> Content:
    return read_content(source, PICKLE, source.label, terms.limits, beside=terms.beside, trusted=trusted)


def _dangers(content: Content) -> tuple[Finding, ...]:
    return tuple(finding for finding in content.findings if finding.level == "code")


def finding_of(error: ModelCypherError, where: str) -> Finding:
    """The finding that an error becomes where a verdict is asked for."""
    level: Level = "malformed" if isinstance(error, MalformedError | UnreadableError) else "unsupported"
    return Finding(level, error.problem, shown(where), error.remedy, level)


def counts_in_a_folder(part: Part) -> bool:
    """Whether a file under no weight's name is a model's after all: a mere container counts by what is in it."""
    if part.kind.is_model:
        return True
    dangers = [finding for finding in part.all_findings(part.name) if finding.level == "code"]
    # A list of words can read as the beginning of a pickle that imports one of them.
    if part.kind is TEXT_PICKLE and part.error is not None:
        dangers = [finding for finding in dangers if finding.rule != "pickle-name"]
    if dangers:
        return True
    return part.content is not None and part.error is None and part.kind is not TEXT_PICKLE
