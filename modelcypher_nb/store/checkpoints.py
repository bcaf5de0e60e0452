"""Checkpoint folders: written beside, synced, renamed; safetensors and JSON only; verified by digest."""

from __future__ import annotations

import hashlib
import json
import re
import secrets as random_bits
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from ..errors import MalformedError
from ..formats import safetensors
from ..formats.digests import combined_digest, file_digest

if TYPE_CHECKING:
    import torch

    from ..guard.safe_path import SafePath

__all__ = [
    "Written",
    "complete_steps",
    "digest",
    "folder_name",
    "load_document",
    "load_tensors",
    "remove_partials",
    "save",
]

FOLDER = re.compile(r"step-([0-9]{8}|[1-9][0-9]{8,17})")  # what folder_name writes, and the catalog can count
PARTIAL = re.compile(r"\.step-[0-9]{8,}\.[0-9a-f]{12}\.partial")
DOCUMENT = "state.json"
DOCUMENT_LIMIT_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class Written:
    """What a checkpoint became: its files, their bytes, and one digest over all."""

    files: tuple[str, ...]
    size_bytes: int
    digest: str


class _Hashed:
    """A file that is hashed while it is written, so that nothing is read again."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes | memoryview) -> int:
        self._hash.update(data)
        self.size += len(data)
        return self._file.write(data)

    def writelines(self, parts: Iterable[bytes | memoryview]) -> None:
        for part in parts:
            self.write(part)

    def hexdigest(self) -> str:
        return self._hash.hexdigest()


def folder_name(step: int) -> str:
    """The folder of a step's checkpoint."""
    return f"step-{step:08d}"


def save(
    folder: SafePath,
    step: int,
    tensors: Mapping[str, Mapping[str, torch.Tensor]],
    document: Mapping[str, Any],
    publishing: Callable[[], None] | None = None,
) -> Written:
    """Write a checkpoint; it is there whole under its name, or not at all.

    Args:
        folder: the run's checkpoints folder.
        step: the step it was taken at; an older checkpoint of the same step is replaced.
        tensors: file stem (`model`, `optimizer`, `rng`) to its tensors; an empty one gets no file.
        document: everything else, plain JSON values.
        publishing: called when all is written and only the name is missing.

    Raises:
        StorageError: the disk refused; what was there before is untouched.
    """
    temporary, name = f".{folder_name(step)}.{random_bits.token_hex(6)}.partial", folder_name(step)
    digests: dict[str, str] = {}
    total = 0
    try:
        with folder.folder(temporary) as inner:
            for stem, content in tensors.items():
                if content:
                    with inner.create(f"{stem}.safetensors") as file:
                        hashed = _Hashed(file)
                        safetensors.save(content, hashed)  # type: ignore[arg-type] # it only writes
                    digests[f"{stem}.safetensors"] = hashed.hexdigest()
                    total += hashed.size
            with inner.create(DOCUMENT) as file:
                hashed = _Hashed(file)
                hashed.write(json.dumps(document, separators=(",", ":"), allow_nan=False).encode())
            digests[DOCUMENT] = hashed.hexdigest()
            total += hashed.size
        if publishing is not None:
            publishing()
        folder.publish(temporary, name, replace=True)
        _drop(folder, temporary)  # an older checkpoint of this step, if there was one
    except BaseException:
        _drop(folder, temporary)
        raise
    return Written(tuple(sorted(digests)), total, combined_digest(digests))


def _drop(folder: SafePath, name: str) -> None:
    if any(entry.name == name for entry in folder.list()):
        with folder / name as old:
            folder.delete(old)


def load_tensors(folder: SafePath, step: int, stem: str) -> dict[str, torch.Tensor]:
    """The tensors of one of a checkpoint's files, copied into memory; none where it has no such file."""
    name = f"{stem}.safetensors"
    with folder / folder_name(step) as checkpoint:
        if not any(entry.name == name for entry in checkpoint.list()):
            return {}
        with checkpoint / name as safe:
            return safetensors.load(safe, mapped=False)


def load_document(folder: SafePath, step: int) -> dict[str, Any]:
    """Everything in a checkpoint that isn't a tensor.

    Raises:
        MalformedError: it isn't the JSON that was written.
    """
    with folder / folder_name(step) as checkpoint, checkpoint / DOCUMENT as safe:
        try:
            content = json.loads(safe.read_bytes(DOCUMENT_LIMIT_BYTES))
        except (ValueError, RecursionError) as error:
            raise MalformedError(
                f"{safe.display} isn't the JSON that was written.", "Resume from another checkpoint: mc checkpoint list"
            ) from error
        if not isinstance(content, dict):
            raise MalformedError(
                f"{safe.display} holds no mapping.", "Resume from another checkpoint: mc checkpoint list"
            )
        return content


def digest(folder: SafePath, step: int) -> str:
    """Read a checkpoint's files again and give their digest, to compare with the one of writing.

    Raises:
        UnreadableError: the disk refused, or a file changed while it was read.
    """
    digests: dict[str, str] = {}
    with folder / folder_name(step) as checkpoint:
        for entry in checkpoint.list():
            with checkpoint / entry.name as safe:
                digests[entry.name] = file_digest(safe)
    return combined_digest(digests)


def complete_steps(folder: SafePath) -> tuple[int, ...]:
    """The steps whose checkpoints are whole, in order."""
    matches = (FOLDER.fullmatch(entry.name) for entry in folder.list() if entry.is_folder)
    return tuple(sorted(int(match[1]) for match in matches if match))


def remove_partials(folder: SafePath) -> int:
    """Remove what killed writers left behind; gives the freed bytes. Only the run's owner may call it."""
    freed = 0
    for entry in folder.list():
        if PARTIAL.fullmatch(entry.name):
            with folder / entry.name as left:
                freed += folder.delete(left)
    return freed
