"""The safetensors header, believed only where it agrees with itself and with the file's length."""

from __future__ import annotations

from collections.abc import KeysView
from typing import Any

from ..errors import MalformedError
from ..guard.secrets import shown
from ..guard.source import Source
from .header_shape import MOST_DIMENSIONS, refuse_bomb
from .remedies import FETCH_AGAIN
from .report import Finding, TensorInfo
from .safetensors_quick import quick
from .strict_json import parse

__all__ = ["DTYPE_BITS", "HEADER_LIMIT", "Header", "describe"]

# Bits for each element, in the order of the dtype enumeration of safetensors 0.8 (tensor.rs): a writer lays tensors out
# by descending position in it, so that the widest come first and every tensor stays aligned.
DTYPE_BITS: dict[str, int] = {
    "BOOL": 8,
    "F4": 4,
    "F6_E2M3": 6,
    "F6_E3M2": 6,
    "U8": 8,
    "I8": 8,
    "F8_E5M2": 8,
    "F8_E4M3": 8,
    "F8_E8M0": 8,
    "F8_E4M3FNUZ": 8,
    "F8_E5M2FNUZ": 8,
    "I16": 16,
    "U16": 16,
    "F16": 16,
    "BF16": 16,
    "I32": 32,
    "U32": 32,
    "F32": 32,
    "C64": 64,
    "F64": 64,
    "I64": 64,
    "U64": 64,
}

HEADER_LIMIT = 100_000_000  # safetensors' own
LARGEST = 2**63 - 1  # torch's dimensions and every offset are signed 64 bit
FIELDS = frozenset({"dtype", "shape", "data_offsets"})
METADATA = "__metadata__"
OURS = b"modelcypher_nb."  # how the metadata keys begin that our conversion writes


class Header:
    """What a safetensors header says, proven against the file's length.

    Attributes:
        metadata: the `__metadata__` map.
        data_start: the first byte after the header.
        findings: what is odd about names, though nothing contradicts itself.
        groups: values that several of the tensors make, as `formats.composites` has them.
        aliases: further names of tensors or groups.
    """

    __slots__ = ("_entries", "_file", "_tensors", "aliases", "data_start", "findings", "groups", "metadata")

    def __init__(self, entries: dict[str, Any], metadata: dict[str, str], data_start: int, file: str) -> None:
        self._entries = entries
        self._file = file
        self._tensors: tuple[TensorInfo, ...] | None = None
        self.metadata = metadata
        self.data_start = data_start
        self.findings: tuple[Finding, ...] = ()
        self.groups: dict[str, Any] = {}
        self.aliases: dict[str, str] = {}

    @property
    def names(self) -> KeysView[str]:
        """What the tensors are called."""
        return self._entries.keys()

    @property
    def tensors(self) -> tuple[TensorInfo, ...]:
        """The tensors in file order, with offsets from the start of the file; made when first asked for."""
        if self._tensors is None:
            file, start = self._file, self.data_start
            infos = []
            for name, entry in self._entries.items():
                begin, end = entry["data_offsets"]
                infos.append(TensorInfo(name, entry["dtype"], tuple(entry["shape"]), end - begin, file, start + begin))
            self._tensors = tuple(infos)
        return self._tensors


def describe(source: Source, file: str = "") -> Header:
    """Read a safetensors header and prove every tensor's range.

    Args:
        source: the file's bytes; only its header is read.
        file: the name that each tensor bears as its file.

    Raises:
        MalformedError: the file is cut off, or its header contradicts itself or the file's length.
    """
    length = _header_length(source)
    text = _header_text(source, length)
    proven = quick(text, DTYPE_BITS, source.size - 8 - length)
    header = Header(*proven, 8 + length, file) if proven is not None else _looked_at(source, text, length, file)
    if OURS in text:
        header.groups, header.aliases = _maps(header, source.label)
    return header


def _looked_at(source: Source, text: bytes, length: int, file: str) -> Header:
    """Prove a header tensor by tensor, so that the first lie can be told."""
    from .odd_names import odd_names  # most headers are proven in bulk

    refuse_bomb(text, source.label)
    content = parse(text, f"The header of {source.label}")
    metadata = _metadata(content.pop(METADATA, {}), source.label)
    data_start = 8 + length
    tensors = [_tensor(name, entry, data_start, source.label, file) for name, entry in content.items()]
    tensors.sort(key=lambda tensor: (tensor.offset, tensor.size_bytes))
    _prove_layout(tensors, data_start, source)
    header = Header({tensor.name: content[tensor.name] for tensor in tensors}, metadata, data_start, file)
    header.findings = tuple(odd_names((*metadata, *content), source.label))
    return header


def _maps(header: Header, label: str) -> tuple[dict[str, Any], dict[str, str]]:
    """The groups and aliases that a conversion of ours wrote; they are rare, and so is what reads them."""
    from .composites import read_aliases, read_groups

    by_name = {tensor.name: tensor for tensor in header.tensors}
    groups = read_groups(header.metadata, by_name, label)
    parts = {place["tensor"] for entry in groups.values() for place in entry["parts"].values()}
    names = dict.fromkeys((by_name.keys() - parts) | groups.keys())
    return groups, read_aliases(header.metadata, names, label)


def _fault(problem: str, remedy: str = FETCH_AGAIN) -> MalformedError:
    return MalformedError(problem, remedy)


def _header_length(source: Source) -> int:
    if source.size < 8:
        raise _fault(f"{source.label} has {source.size} bytes, but a safetensors file starts with an 8-byte length.")
    length = int.from_bytes(source.read_at(0, 8), "little")
    if length > HEADER_LIMIT:
        raise _fault(f"{source.label} announces a header of {length} bytes; at most {HEADER_LIMIT} are allowed.")
    if 8 + length > source.size:
        raise _fault(
            f"{source.label} announces a header of {length} bytes, but only {source.size - 8} follow: it is cut off."
        )
    return length


def _header_text(source: Source, length: int) -> bytes:
    text = source.read_at(8, length)
    if not text.startswith(b"{"):
        raise _fault(f"The header of {source.label} doesn't start with '{{'.")
    stripped = text.rstrip(b" ")
    if not stripped.endswith(b"}"):
        raise _fault(f"The header of {source.label} doesn't end with '}}' and spaces.")
    return stripped


def _metadata(value: Any, label: str) -> dict[str, str]:
    if not isinstance(value, dict):
        raise _fault(f"The {METADATA} of {label} is a {type(value).__name__}, not a map of texts.")
    for key, text in value.items():
        if not isinstance(text, str):
            raise _fault(f"The {METADATA} entry '{shown(key, 80)}' of {label} is a {type(text).__name__}, not a text.")
    return value


def _tensor(name: str, entry: Any, data_start: int, label: str, file: str) -> TensorInfo:
    if type(entry) is not dict or entry.keys() != FIELDS:
        raise _wrong_fields(name, entry, label)
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    bits = DTYPE_BITS.get(dtype) if type(dtype) is str else None
    if bits is None:
        raise _fault(f"Tensor '{shown(name, 80)}' of {label} has the dtype {shown(repr(dtype), 80)}, which is unknown.")
    if type(shape) is not list:
        raise _fault(f"Tensor '{shown(name, 80)}' of {label} has the shape {shown(repr(shape), 80)}, which is no list.")
    if len(shape) > MOST_DIMENSIONS:
        raise _fault(f"Tensor '{shown(name, 80)}' of {label} has {len(shape)} dimensions, beyond any program's.")
    for dimension in shape:
        if type(dimension) is not int or not 0 <= dimension <= LARGEST:  # type() because True is an int
            raise _fault(f"Tensor '{shown(name, 80)}' of {label} has the impossible dimension {shown(dimension, 80)}.")
    begin, end = _range(name, offsets, label)
    if 8 * (end - begin) != _bits(name, shape, bits, label):
        raise _wrong_size(name, entry, label)
    return TensorInfo(name, dtype, tuple(shape), end - begin, file, data_start + begin)


def _wrong_fields(name: str, entry: Any, label: str) -> MalformedError:
    who = f"Tensor '{shown(name, 80)}' of {label}"
    if not isinstance(entry, dict):
        return _fault(f"{who} is described by a {type(entry).__name__}, not by dtype, shape and data_offsets.")
    missing = sorted(FIELDS - entry.keys())
    if missing:
        return _fault(f"{who} lacks the field '{missing[0]}'.")
    unknown = sorted(entry.keys() - FIELDS)
    return _fault(f"{who} has the unknown field '{shown(unknown[0], 80)}', which no reader looks at.")


def _range(name: str, offsets: Any, label: str) -> tuple[int, int]:
    if type(offsets) is list and len(offsets) == 2:
        begin, end = offsets
        if type(begin) is int and type(end) is int and 0 <= begin <= end <= LARGEST:
            return begin, end
    raise _fault(f"Tensor '{shown(name, 80)}' of {label} has the impossible data_offsets {shown(offsets, 80)}.")


def _bits(name: str, shape: list[int], bits: int, label: str) -> int:
    total = bits
    for dimension in shape:
        total *= dimension
        if total > 8 * LARGEST:
            raise _fault(f"Tensor '{shown(name, 80)}' of {label} has the shape {shown(shape, 80)}, beyond any memory.")
    return total


def _wrong_size(name: str, entry: dict[str, Any], label: str) -> MalformedError:
    dtype, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
    needed = _bits(name, shape, DTYPE_BITS[dtype], label)
    need = f"{needed // 8} bytes" if needed % 8 == 0 else f"{needed} bits, no whole number of bytes"
    return _fault(
        f"Tensor '{shown(name, 80)}' of {label} is {dtype} {shown(shape, 80)} and needs {need}, "
        f"but its data_offsets [{begin}, {end}] hold {end - begin} bytes."
    )


def _prove_layout(tensors: list[TensorInfo], data_start: int, source: Source) -> None:
    """Every byte after the header belongs to exactly one tensor."""
    reached, before = data_start, None
    for tensor in tensors:
        if tensor.offset < reached and before is not None:
            raise _fault(
                f"Tensors '{shown(before.name, 80)}' and '{shown(tensor.name, 80)}' of {source.label} overlap: "
                f"one ends at byte {reached}, the other starts at {tensor.offset}."
            )
        if tensor.offset > reached:
            raise _fault(
                f"Bytes {reached} to {tensor.offset} of {source.label}, before tensor '{shown(tensor.name, 80)}', "
                "belong to no tensor."
            )
        reached, before = tensor.offset + tensor.size_bytes, tensor
        if reached > source.size:
            raise _fault(
                f"Tensor '{shown(tensor.name, 80)}' of {source.label} ends at byte {reached}, "
                f"but the file has {source.size}: it is cut off."
            )
    if reached < source.size:
        raise _fault(f"{source.size - reached} bytes at the end of {source.label} belong to no tensor.")
