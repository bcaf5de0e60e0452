"""Any described tensors into safetensors: streamed, without torch, without numpy where nothing has to be gathered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Literal

from ..errors import MalformedError, StorageError, UsageError
from ..guard.secrets import shown
from ..guard.source import Source
from .composites import ALIASES, GROUPS, Written, grouped, is_plain, written
from .copying import Copier, Progress
from .gather import gathered, is_direct, source_of
from .limits import LIMITS, Limits
from .pickles.strided import bytes_of
from .pickles.values import Composite, Tensor
from .safetensors_header import describe
from .safetensors_layout import Entry, header_bytes, in_order, is_name

__all__ = ["Aliases", "Converted", "convert"]

Aliases = Literal["once", "full"]


@dataclass(frozen=True, slots=True)
class Converted:
    """What was written.

    Attributes:
        tensors: the names in the file's header.
        size_bytes: the file's length.
        values_bytes: what the values in it take.
        aliases: further names of the same bytes, which only the metadata holds.
        groups: the names of values that were written as groups of tensors.
        checked: how many storages were compared with the CRC-32 of their archive.
    """

    tensors: tuple[str, ...]
    size_bytes: int
    values_bytes: int
    aliases: dict[str, str] = field(default_factory=dict)
    groups: tuple[str, ...] = ()
    checked: int = 0


@dataclass(slots=True)
class _Plan:
    """What is to be written under which name."""

    tensors: dict[str, Written] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    groups: dict[str, Any] = field(default_factory=dict)


def convert(
    tensors: Mapping[str, Tensor | Composite],
    file: BinaryIO,
    metadata: Mapping[str, str] | None = None,
    *,
    aliases: Aliases = "once",
    progress: Progress | None = None,
    limits: Limits = LIMITS,
) -> Converted:
    """Write tensors as safetensors; of dense ones byte for byte what `safetensors.torch.save_file` writes.

    Every value comes back bit for bit from `formats.safetensors.load`: strided views are gathered, lazy conjugates and
    negatives resolved, big-endian numbers swapped, and what safetensors has no type for becomes a group of tensors
    (`formats.composites`).

    Names of the very same values (tied weights) are written once, the first of them in the file's order, and the others
    stand in the metadata `modelcypher_nb.aliases`. Our loader gives them all, over the same memory as before; other
    loaders see the first name only, as with files of `safetensors.torch.save_model` and transformers. `aliases="full"`
    writes each name in full, for loaders that want every name. Views that only overlap are always written in full.

    What this verifies: each storage of a zip archive has the CRC-32 that the archive promises, computed over the bytes
    that were written; and the header that stands in the file says what was planned, of a file of that length. The
    written bytes aren't read again from the disk.

    Args:
        tensors: described tensors by name.
        file: where to, empty, seekable and readable; `guard.create` gives one, which syncs and publishes.
        metadata: texts for `__metadata__`.
        aliases: "once" or "full".
        progress: called with the bytes of values done and in all.
        limits: for how much more than their storages the values may take.

    Raises:
        MalformedError: the source is damaged, or claims far more values than it has bytes for.
        UnsupportedFormatError: a value can't be written.
        UsageError: a name can't be a tensor's.
        StorageError: what was written isn't what was meant.
    """
    plan = _planned(tensors, aliases)
    texts = _with_maps(plan, metadata)
    entries = in_order(
        Entry(name, one.dtype, one.shape, one.tensor.element_count * bytes_of(one.tensor.dtype))
        for name, one in plan.tensors.items()
    )
    total = sum(entry.size_bytes for entry in entries)
    _refuse_bomb(plan, total, limits)
    header = header_bytes(entries, texts)
    file.write(header)
    checked: set[int] = set()
    with Copier(file, total, progress) as copier:
        for entry in entries:
            _write(copier, entry, plan.tensors[entry.name].tensor, checked)
    _prove(file, header, total)
    names = tuple(entry.name for entry in entries)
    return Converted(names, len(header) + total, total, plan.aliases, tuple(plan.groups), len(checked))


def _planned(tensors: Mapping[str, Tensor | Composite], aliases: Aliases) -> _Plan:
    plan, first = _Plan(), dict[tuple[Any, ...], str]()
    taken = dict(tensors)
    for name, value in tensors.items():
        if not is_name(name):
            raise UsageError(f"{shown(repr(name), 80)} can't be a tensor's name.", "Rename the tensor in its file.")
        same = first.setdefault(_identity(value), name)
        if same != name and aliases == "once":
            plan.aliases[name] = same
        elif is_plain(value):
            assert isinstance(value, Tensor)  # noqa: S101 - a composite is never plain
            plan.tensors[name] = written(value)
        else:
            plan.groups[name], parts = grouped(name, value, taken)
            taken |= dict.fromkeys(parts)  # type: ignore[arg-type] # only its keys are looked at
            plan.tensors |= parts
    return plan


def _identity(value: Tensor | Composite) -> tuple[Any, ...]:
    """Equal for values that are the very same bytes, read in the same way."""
    if isinstance(value, Composite) or not value.element_count or value.storage.device == "meta":
        return (id(value),)
    return (
        id(value.storage), value.dtype, value.shape, value.stride, value.offset, value.conj, value.neg,
    )  # fmt: skip


def _with_maps(plan: _Plan, metadata: Mapping[str, str] | None) -> Mapping[str, str] | None:
    maps = {key: _json(content) for key, content in ((ALIASES, plan.aliases), (GROUPS, plan.groups)) if content}
    texts = {key: value for key, value in (metadata or {}).items() if key not in {ALIASES, GROUPS}}
    return {**texts, **maps} if metadata is not None or maps else None


def _json(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _refuse_bomb(plan: _Plan, total: int, limits: Limits) -> None:
    """A thousand views of one storage are honest; values that take far more than all storages are a bomb."""
    storages = {id(one.tensor.storage): one.tensor.storage.size_bytes for one in plan.tensors.values()}
    if total > limits.expanded(sum(storages.values())):
        raise MalformedError(
            f"The values take {total} bytes, over storages of {sum(storages.values())}.",
            "If you trust it and have the room, allow more: MC_LIMIT_EXPANDED_RATIO.",
        )


def _write(copier: Copier, entry: Entry, tensor: Tensor, checked: set[int]) -> None:
    if not entry.size_bytes:
        return
    source, storage = source_of(tensor, entry.name), tensor.storage
    crc = None if id(storage) in checked else _promised(source)
    checked |= {id(storage)} if crc is not None else set()
    if not is_direct(tensor):
        if crc is not None:
            copier.verify(source, crc)
        for piece in gathered(tensor, entry.name):
            copier.write(piece)
        return
    begin = tensor.offset * bytes_of(tensor.dtype)
    is_whole = not begin and entry.size_bytes == source.size
    if crc is not None and not is_whole:
        copier.verify(source, crc)
    copier.copy(source, begin, entry.size_bytes, crc if is_whole else None)


def _promised(source: Source) -> int | None:
    crc: int | None = getattr(source, "crc", None)
    return crc


class _Written:
    """What stands in the file, read through the file itself."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.label = "the new file"
        self.size = file.seek(0, 2)

    def read_at(self, offset: int, size: int) -> bytes:
        """Give what stands there."""
        self._file.seek(offset)
        return self._file.read(size)

    def read_into(self, offset: int, target: memoryview) -> None:
        """Fill memory with what stands there."""
        target[:] = self.read_at(offset, len(target))


def _prove(file: BinaryIO, header: bytes, total: int) -> None:
    file.flush()
    found = _Written(file)
    if found.size != len(header) + total or found.read_at(0, len(header)) != header:
        raise StorageError(
            f"The new file has {found.size} bytes or another header than was written, {len(header) + total} bytes.",
            "Check the disk, then convert again.",
        )
    describe(found)  # by the rules of our own reader, whatever wrote it
