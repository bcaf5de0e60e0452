"""Writers of the files that pickles lie in: zips that may lie, torch's two layouts, npy, npz, joblib, streams."""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
import zlib
from dataclasses import dataclass, field, replace
from typing import Any

from .assembler import Built, Call, Name, New, Persistent, assembled, opcodes

__all__ = [
    "Entry",
    "float64",
    "joblib_array",
    "legacy",
    "npy",
    "tensor",
    "torch_entries",
    "torch_zip",
    "wrapped",
    "zipped",
]

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
LEGACY_PROTOCOL = 1001
SYSTEM_INFO = {
    "protocol_version": LEGACY_PROTOCOL,
    "little_endian": True,
    "type_sizes": {"short": 2, "int": 4, "long": 4},
}


@dataclass(frozen=True)
class Entry:
    """One member of a zip; what isn't None lies.

    Attributes:
        name: as the central directory gives it.
        data: what is stored.
        method: 0 stored, 8 deflated.
        flags: general-purpose flags.
        local: fields of the local header that differ: name, flags, method, crc, packed, size, extra.
        central: fields of the central entry that differ: crc, packed, size, offset, extra, attributes, disk.
        gap: bytes before the local header.
        is_hidden: whether the central directory leaves it out.
    """

    name: str | bytes
    data: bytes = b""
    method: int = 0
    flags: int = 0
    local: dict[str, Any] = field(default_factory=dict)
    central: dict[str, Any] = field(default_factory=dict)
    gap: bytes = b""
    is_hidden: bool = False

    @property
    def packed(self) -> bytes:
        """The data as it lies in the file."""
        if self.method != 8:
            return self.data
        squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
        return squeeze.compress(self.data) + squeeze.flush()


def _encoded(name: str | bytes) -> bytes:
    return name if isinstance(name, bytes) else name.encode()


def _local(entry: Entry, packed: bytes, crc: int) -> bytes:
    get = entry.local.get
    name, extra = _encoded(get("name", entry.name)), get("extra", b"")
    return (
        struct.pack(
            "<4s5H3I2H", b"PK\x03\x04", get("version", 20), get("flags", entry.flags), get("method", entry.method), 0,
            33, get("crc", crc), get("packed", len(packed)), get("size", len(entry.data)), len(name), len(extra),
        )
        + name + extra
    )  # fmt: skip


def _central(entry: Entry, packed: bytes, crc: int, offset: int) -> bytes:
    get = entry.central.get
    name, extra, comment = _encoded(entry.name), get("extra", b""), get("comment", b"")
    return (
        struct.pack(
            "<4s6H3I5H2I", b"PK\x01\x02", get("made_by", 20), 20, get("flags", entry.flags),
            get("method", entry.method), 0, 33, get("crc", crc), get("packed", len(packed)),
            get("size", len(entry.data)), len(name), len(extra), len(comment), get("disk", 0), 0,
            get("attributes", 0), get("offset", offset),
        )
        + name + extra + comment
    )  # fmt: skip


def _end(count: int, size: int, offset: int, comment: bytes = b"") -> bytes:
    return struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, count, count, size, offset, len(comment)) + comment


def zipped(*entries: Entry, prefix: bytes = b"", comment: bytes = b"", end: dict[str, int] | None = None) -> bytes:
    """A zip of entries in that order.

    Args:
        entries: its members, lies and all.
        prefix: bytes before everything; offsets count them.
        comment: the archive's comment.
        end: fields of the end record that differ: count, size, offset.
    """
    body, directory, count = bytearray(prefix), bytearray(), 0
    for entry in entries:
        packed, crc = entry.packed, zlib.crc32(entry.data)
        body += entry.gap
        offset = len(body)
        body += _local(entry, packed, crc) + packed
        if not entry.is_hidden:
            directory += _central(entry, packed, crc, offset)
            count += 1
    fields = {"count": count, "size": len(directory), "offset": len(body)} | (end or {})
    return bytes(body + directory) + _end(fields["count"], fields["size"], fields["offset"], comment)


def tensor(key: str = "0", count: int = 4, **changed: Any) -> Call:
    """A tensor of floats as torch writes it into data.pkl; any of its fields may be changed."""
    fields = {
        "kind": Name("torch", "FloatStorage"),
        "numel": count,
        "location": "cpu",
        "offset": 0,
        "shape": (count,),
        "stride": (1,),
        "hooks": Call(Name("collections", "OrderedDict")),
        "tag": "storage",
    } | changed
    identity = (fields["tag"], fields["kind"], key, fields["location"], fields["numel"])
    arguments = (Persistent(identity), fields["offset"], fields["shape"], fields["stride"], False, fields["hooks"])
    return Call(Name("torch._utils", "_rebuild_tensor_v2"), arguments)


def torch_entries(pickled: bytes, storages: dict[str, bytes] | None = None, folder: str = "archive") -> list[Entry]:
    """The members of a torch checkpoint."""
    storages = {"0": struct.pack("<4f", 1, 2, 3, 4)} if storages is None else storages
    return [
        Entry(f"{folder}/data.pkl", pickled),
        Entry(f"{folder}/byteorder", b"little"),
        *(Entry(f"{folder}/data/{key}", data) for key, data in storages.items()),
        Entry(f"{folder}/version", b"3\n"),
    ]


def torch_zip(pickled: bytes, storages: dict[str, bytes] | None = None, **changed: Any) -> bytes:
    """A torch checkpoint; `changed` replaces fields of the entry that holds the pickle."""
    first, *others = torch_entries(pickled, storages)
    return zipped(replace(first, **changed), *others)


def legacy(*, after: bytes = b"", **pickles: bytes) -> bytes:
    """Torch's old layout: five pickles and the storages; any of them may be replaced.

    Args:
        after: bytes behind the storages.
        pickles: magic, version, info, content, keys, storages.
    """
    identity = ("storage", Name("torch", "FloatStorage"), "0", "cpu", 4, None)
    arguments = (Persistent(identity), 0, (4,), (1,), False, Call(Name("collections", "OrderedDict")))
    parts = {
        "magic": assembled(LEGACY_MAGIC),
        "version": assembled(LEGACY_PROTOCOL),
        "info": assembled(SYSTEM_INFO),
        "content": assembled({"weight": Call(Name("torch._utils", "_rebuild_tensor_v2"), arguments)}),
        "keys": assembled(["0"]),
        "storages": struct.pack("<q4f", 4, 1, 2, 3, 4),
    } | pickles
    return b"".join(parts.values()) + after


def npy(data: bytes, descr: str = "'|O'", shape: str = "(1,)", version: int = 1, **changed: Any) -> bytes:
    """A NumPy array file whose header says what it is told."""
    text = changed.get("text", f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}").encode("latin-1")
    size = 2 if version == 1 else 4
    text += b" " * (-(6 + 2 + size + len(text) + 1) % 64) + b"\n"
    length = changed.get("length", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + length.to_bytes(size, "little") + text + data


def joblib_array(dtype: Any = None, shape: tuple[int, ...] = (4,), data: bytes = bytes(32), **changed: Any) -> bytes:
    """A joblib file of one array: its bytes lie behind the wrapper's BUILD; `changed` is for its state."""
    state = {
        "subclass": Name("numpy", "ndarray"),
        "shape": shape,
        "order": "C",
        "dtype": float64() if dtype is None else dtype,
        "allow_mmap": True,
        "numpy_array_alignment_bytes": 16,
    } | changed
    head = b"\x80\x04" + opcodes(Built(New(Name("joblib.numpy_pickle", "NumpyArrayWrapper")), state), 4)
    if dtype is not None:
        return head + data + b"."  # objects: a pickle of their own follows at once
    padding = 16 - (len(head) + 1) % 16
    return head + bytes([padding]) + b"\xff" * padding + data + b"."


def float64() -> Built:
    """The dtype of doubles, as numpy pickles it."""
    return Built(Call(Name("numpy", "dtype"), ("f8", False, True)), (3, "<", None, None, None, -1, -1, 0))


def wrapped(data: bytes, how: str) -> bytes:
    """A compressed stream around a file."""
    match how:
        case "gz":
            return gzip.compress(data, mtime=0)
        case "bz2":
            return bz2.compress(data)
        case "xz":
            return lzma.compress(data)
        case "lzma":
            return lzma.compress(data, lzma.FORMAT_ALONE)
        case _:
            return zlib.compress(data)
