"""Files and folders into safetensors beside them, or elsewhere: all of it appears, or nothing does."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from ..errors import ConflictError, MissingFileError, UsageError
from ..guard.safe_path import SafePath
from ..guard.secrets import shown
from .content import Content
from .convert import Aliases, Converted, convert
from .copying import Progress
from .digests import changed_meanwhile

__all__ = ["PARTIAL", "ConvertedFiles", "Reading", "convert_file", "convert_folder", "is_there", "output_name"]

SUFFIX = ".safetensors"
INDEX_SUFFIX = ".index.json"
PARTIAL = ".partial"
FORMAT = {"format": "pt"}  # without it transformers refuses the file

Reading = Callable[[SafePath], Content]


@dataclass(frozen=True, slots=True)
class ConvertedFiles:
    """What a conversion wrote.

    Attributes:
        files: what each new file holds, by its place in the target folder.
        index: the new index, where there is one.
    """

    files: dict[str, Converted]
    index: str | None = None


@dataclass(slots=True)
class _Work:
    """A conversion under way.

    Attributes:
        target: the folder that it writes to.
        read: describes an open file.
        metadata: texts for each header.
        aliases: how further names are written.
        total: the bytes of all files that are read.
        done: the bytes of those that are through.
        progress: told the bytes done and in all.
        written: what was written so far, by final name.
        made: device and inode of each new file, by final name; it bears that or the temporary one.
    """

    target: SafePath
    read: Reading
    metadata: Mapping[str, str] | None
    aliases: Aliases
    progress: Progress | None
    total: int = 0
    done: int = 0
    written: dict[str, Converted] = field(default_factory=dict)
    made: dict[str, tuple[int, int]] = field(default_factory=dict)


def output_name(name: str) -> str:
    """What a converted file or index is called: as the Hub's libraries name it.

    `pytorch_model-00001-of-00002.bin` becomes `model-00001-of-00002.safetensors`, `pytorch_model.bin.index.json`
    becomes `model.safetensors.index.json`, and any other `NAME.SUFFIX` becomes `NAME.safetensors`.
    """
    folder, slash, bare = name.rpartition("/")
    ending = INDEX_SUFFIX if bare.endswith(INDEX_SUFFIX) else ""
    stem, dot, suffix = bare.removesuffix(ending).rpartition(".")
    if not dot or not stem:
        stem = suffix
    if stem.startswith("pytorch_model"):
        stem = stem.removeprefix("pytorch_")
    return f"{folder}{slash}{stem}{SUFFIX}{ending}"


def convert_file(
    safe: SafePath,
    target: SafePath,
    name: str,
    read: Reading,
    *,
    metadata: Mapping[str, str] | None = None,
    aliases: Aliases = "once",
    progress: Progress | None = None,
) -> Converted:
    """Convert one open file; the new one appears whole, synced and checked, or not at all.

    Args:
        safe: the open file.
        target: the open folder to write to.
        name: the new file's name there.
        read: describes an open file, as the dispatcher does; whether it may be converted was decided before.
        metadata: texts for the new header, beside `format: pt`.
        aliases: as `convert.convert` has it.
        progress: called with the bytes done and in all, counted in values.

    Raises:
        ConflictError: the name is taken; nothing was written.
        UsageError: the file holds no tensors.
        UnreadableError: the file changed meanwhile.
        ModelCypherError: as `convert.convert` raises, or what is wrong with the file.
    """
    content = _tensors_of(safe, read)
    with target.create(name) as file:
        converted = convert(content.tensors, file, {**(metadata or {}), **FORMAT}, aliases=aliases, progress=progress)
        if not safe.unchanged():
            raise changed_meanwhile(safe)
    return converted


def convert_folder(
    folder: SafePath,
    target: SafePath,
    files: Sequence[str],
    read: Reading,
    *,
    index: str | None = None,
    metadata: Mapping[str, str] | None = None,
    aliases: Aliases = "once",
    progress: Progress | None = None,
) -> ConvertedFiles:
    """Convert several files of a folder, each to a file of its own; nothing is deleted.

    Everything is written under a temporary name (`NAME.partial`) first. Only when all of it stands do the files get
    their names, the index last, so that no loader ever finds an index whose shards aren't there. A failure takes all
    of it away again; only a kill or a power cut in between may leave temporary files.

    Args:
        folder: the open folder.
        target: the open folder to write to; it may be the same.
        files: the weight files, by their places in the folder.
        read: as `convert_file` has it.
        index: the index that joins them, by its place in the folder; it is written anew from what the new files hold.
        metadata: texts for each new header, beside `format: pt`.
        aliases: as `convert.convert` has it.
        progress: called with the bytes done and in all, counted in the files that are read.

    Raises:
        ConflictError: a new name is taken, or two files would bear one; nothing was written.
        ModelCypherError: as `convert_file` raises.
    """
    names = {file: output_name(file) for file in files}
    new_index = output_name(index) if index is not None else None
    _refuse_taken(target, [*names.values(), *([new_index] if new_index else [])])
    work = _Work(target, read, metadata, aliases, progress)
    for file in files:
        with folder / file as safe:
            work.total += safe.identity.size
    with _all_or_nothing(work):
        for file, name in names.items():
            with folder / file as safe:
                _convert_part(work, safe, name)
        if new_index is not None:
            _write_index(work, new_index)
        for name in [*names.values(), *([new_index] if new_index else [])]:
            with _parent(target, name) as place:
                place.publish(_bare(name) + PARTIAL, _bare(name))
    return ConvertedFiles(work.written, new_index)


def _tensors_of(safe: SafePath, read: Reading) -> Content:
    content = read(safe)
    if content.error is not None:
        raise content.error
    if not content.tensors:
        from shlex import quote

        raise UsageError(
            f"{safe.display} holds no tensors.", f"See what it holds with: mc model show {quote(safe.display)}"
        )
    return content


def _convert_part(work: _Work, safe: SafePath, name: str) -> None:
    size = safe.identity.size

    def counted(done: int, total: int) -> None:
        if work.progress is not None:
            work.progress(work.done + done * size // max(1, total), work.total)

    with _parent(work.target, name) as place:
        work.written[name] = convert_file(
            safe,
            place,
            _bare(name) + PARTIAL,
            work.read,
            metadata=work.metadata,
            aliases=work.aliases,
            progress=counted,
        )
        _remember(work, place, name)
    work.done += size


def _remember(work: _Work, place: SafePath, name: str) -> None:
    with place / (_bare(name) + PARTIAL) as made:
        work.made[name] = made.identity[:2]


def _write_index(work: _Work, name: str) -> None:
    """The map from tensors to files, from what was written."""
    weight_map = {
        tensor: _bare(file) for file, converted in sorted(work.written.items()) for tensor in converted.tensors
    }
    total = sum(converted.values_bytes for converted in work.written.values())
    content = {"metadata": {"total_size": total}, "weight_map": dict(sorted(weight_map.items()))}
    with _parent(work.target, name) as place:
        with place.create(_bare(name) + PARTIAL) as file:
            file.write(json.dumps(content, indent=2, ensure_ascii=False).encode() + b"\n")
        _remember(work, place, name)


def _refuse_taken(target: SafePath, names: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ConflictError(
                f"Two files would both become {shown(name, 80)}.", "Convert them one by one, each with its own name."
            )
        for taken in (name, name + PARTIAL):
            if is_there(target, taken):
                raise ConflictError(
                    f"{target.display}/{shown(taken, 80)} exists already, and an existing file is never replaced.",
                    "Move it away, or convert into another folder.",
                )


def is_there(folder: SafePath, name: str) -> bool:
    """Whether a folder holds anything of that name."""
    try:
        (folder / name).close()
    except MissingFileError:
        return False
    return True


@contextmanager
def _parent(target: SafePath, name: str) -> Iterator[SafePath]:
    """The folder that a place lies in, made where it is missing."""
    place, _, rest = name.partition("/")
    if not rest:
        yield target
        return
    with target.folder(place) as inner, _parent(inner, rest) as parent:
        yield parent


def _bare(name: str) -> str:
    return name.rpartition("/")[2]


@contextmanager
def _all_or_nothing(work: _Work) -> Iterator[None]:
    """Take everything away again that was written, unless all of it was."""
    try:
        yield
    except BaseException:
        for name, made in work.made.items():
            with _parent(work.target, name) as place:
                _forget(place, _bare(name), made)
                _forget(place, _bare(name) + PARTIAL, made)
        raise


def _forget(place: SafePath, name: str, made: tuple[int, int]) -> None:
    """Remove what this conversion made, and nothing that only bears its name."""
    try:
        with place / name as child:
            if child.identity[:2] == made:
                place.delete(child)
    except MissingFileError:
        return
