"""What of a file or a folder is converted, and on what terms: judged and written from one reading."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from shlex import quote

from ..errors import UnsafeFileError, UsageError
from ..guard.safe_path import SafePath
from ..guard.secrets import shown
from .content import Content
from .content_facts import ATTRIBUTES, tree_of
from .convert_files import ConvertedFiles, convert_file, convert_folder
from .copying import Progress
from .folder import CONFIGURATIONS
from .model_file import Part, examine_file
from .model_folder import Survey, no_weights, survey
from .readers import Terms, unsupported
from .report import TreeNode

__all__ = ["Conversion", "convert_model"]

# What a model's loaders read beside its weights, by name: whatever else lies in the folder is its owner's.
COMPANIONS = frozenset(CONFIGURATIONS) | {
    "tokenizer.json", "tokenizer.model", "tekken.json", "spiece.model", "sentencepiece.bpe.model", "source.spm",
    "target.spm", "vocab.json", "vocab.txt", "merges.txt", "bpe.codes", "added_tokens.json", "special_tokens_map.json",
    "normalizer.json", "chat_template.jinja", "README.md",
}  # fmt: skip
LEGAL = ("LICENSE", "NOTICE")
COMPANION_BYTES = 64 << 20
MOST_LEFT_OUT = 100
EMPTY = frozenset({"None", "{}", "[]", "()", "set {}"})  # a value that is nothing isn't missed


@dataclass(frozen=True, slots=True)
class Conversion:
    """What was written.

    Attributes:
        written: the new files and their index.
        copied: what else the new folder got: configurations, tokenizers, texts.
        left_out: the places of values that aren't tensors, the first so many of them.
    """

    written: ConvertedFiles
    copied: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


class _Reader:
    """Describes each file as it is opened for its conversion, and refuses what is dangerous there."""

    def __init__(self, terms: Terms, *, rescue: bool) -> None:
        self.terms = terms
        self.rescue = rescue
        self.left_out: list[str] = []

    def __call__(self, safe: SafePath) -> Content:
        part = examine_file(safe, safe.name, self.terms)
        refuse(part, safe.display, rescue=self.rescue)
        if part.header is not None:
            raise UsageError(f"{safe.display} is safetensors already.", "Load it as it is: mc.load(path)")
        if part.content is None:
            raise part.error or unsupported(safe.display, part.kind)
        self.left_out += _not_tensors(tree_of(part.content.root))
        if self.rescue and part.content.tensors:
            return replace(part.content, error=None)
        return part.content


def refuse(part: Part, where: str, *, rescue: bool) -> None:
    """Refuse a file that is judged `code`, unless its tensors alone are wanted.

    Raises:
        UnsafeFileError: it is.
    """
    reason = next((one for one in part.all_findings(where) if one.level == "code"), None)
    if reason is not None and not rescue:
        raise UnsafeFileError(
            f"{where} is judged code, and isn't converted: {reason.what}",
            f"Look at it first: mc model show {quote(where)}. Its tensors alone are taken by: "
            f"mc model convert --rescue {quote(where)}",
        )


def convert_model(
    safe: SafePath, target: SafePath, name: str, terms: Terms, *, rescue: bool = False, progress: Progress | None = None
) -> Conversion:
    """Convert a file, or the model of a folder with its index and what its loaders read beside it.

    Args:
        safe: the open file or folder.
        target: the open folder that gets the new file; of a folder, the new folder's content.
        name: the new file's name; unused for a folder.
        terms: limits, what a person allowed, and what lies beside the file.
        rescue: take the tensors even of a file judged `code`; nothing of it runs.
        progress: called with the bytes done and in all.

    Raises:
        UnsafeFileError: it is judged `code`, and `rescue` is off.
        ConflictError: a new name is taken.
        UsageError: it is safetensors already, or holds no tensors.
        ModelCypherError: as `convert_files` raises.
    """
    reader = _Reader(terms, rescue=rescue)
    if not safe.is_folder:
        written = ConvertedFiles({name: convert_file(safe, target, name, reader, progress=progress)})
        return Conversion(written, left_out=tuple(reader.left_out[:MOST_LEFT_OUT]))
    found = survey(safe, terms)
    files = _chosen(safe, found, rescue=rescue)
    reader.terms = replace(terms, beside=frozenset().union(*found.beside.values()))
    written = convert_folder(safe, target, files, reader, index=found.index, progress=progress)
    copied = () if safe.location == target.location else tuple(_copied(safe, target, found))
    return Conversion(written, copied, tuple(reader.left_out[:MOST_LEFT_OUT]))


def _chosen(folder: SafePath, found: Survey, *, rescue: bool) -> tuple[str, ...]:
    """The files that are the model, judged before the first is written."""
    if not found.parts:
        raise no_weights(folder)
    for name in found.model:
        refuse(found.parts[name], f"{folder.display}/{shown(name)}", rescue=rescue)
    if found.error is not None and not rescue:
        raise found.error
    files = tuple(name for name in found.model if found.parts[name].header is None)
    if not files:
        raise UsageError(f"{folder.display} is safetensors already.", "Load it as it is: mc.load(path)")
    return files


def _copied(folder: SafePath, target: SafePath, found: Survey) -> Iterator[str]:
    """Copy what a loader of the model reads beside its weights."""
    for entry in folder.list():
        name = entry.name
        is_companion = name in COMPANIONS or name.partition(".")[0] in LEGAL
        if not is_companion or entry.is_folder or name in found.parts:
            continue
        with folder / name as safe:
            if safe.is_folder or safe.identity.size > COMPANION_BYTES:
                continue
            content = safe.read_bytes(COMPANION_BYTES)
        with target.create(name) as file:
            file.write(content)
        yield name


def _not_tensors(node: TreeNode, place: str = "") -> list[str]:
    """The places of a content's values that aren't tensors."""
    if node.kind == "parameter" or node.kind.endswith("tensor") or node.key == ATTRIBUTES:
        return []
    if not node.children:
        return [place] if place and node.text not in EMPTY else []
    return [
        name for child in node.children for name in _not_tensors(child, f"{place}.{child.key}" if place else child.key)
    ]
