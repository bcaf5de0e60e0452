"""Archives and streams that lie about what they hold, so that two readers see two files."""

from __future__ import annotations

import io
import struct
import tarfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from modelcypher_nb.formats.report import Level

from .assembler import Call, Name, assembled
from .containers import Entry, joblib_array, legacy, npy, tensor, torch_entries, torch_zip, wrapped, zipped
from .sample import CODE, MALFORMED, REFUSED, Sample, file_maker

__all__ = ["SAMPLES"]

UNREAD: frozenset[Level] = frozenset({"unsupported"})
NOT_CLEAN: frozenset[Level] = frozenset({"unsupported", "malformed", "code"})
Content = Callable[[str], bytes]
_GOOD = assembled({"weight": tensor()})


def _bad(marker: str, protocol: int = 2) -> bytes:
    """A pickle that runs the command when it is loaded."""
    return assembled({"weight": tensor(), "x": Call(Name("posix", "system"), (f"touch {marker}",))}, protocol)


def _call(marker: str, protocol: int = 2) -> bytes:
    """The same without a tensor, for formats whose pickles refer to nothing outside of them."""
    return assembled([Call(Name("posix", "system"), (f"touch {marker}",))], protocol)


def _of_same_size(marker: str) -> tuple[bytes, bytes]:
    """A harmless and a harmful pickle of the same length."""
    bad = _bad(marker)
    room = len(bad) - len(assembled({"weight": tensor(), "x": ""}))
    return assembled({"weight": tensor(), "x": "-" * room}), bad


def _changed(marker: str, **changed: Any) -> bytes:
    return torch_zip(_bad(marker), **changed)


def _two_directories(marker: str) -> bytes:
    """Python's zipfile derives the directory's place from the end record, torch trusts the offset in it."""
    good, bad = _of_same_size(marker)
    entries = torch_entries(good)
    first, *others = entries
    whole = zipped(first, *others)
    at = whole.rindex(b"PK\x05\x06")
    size, offset = struct.unpack("<2I", whole[at + 12 : at + 20])
    body, directory, end = whole[:offset], whole[offset : offset + size], whole[at:]
    hidden = zipped(Entry("archive/data.pkl", bad))
    hidden_at = hidden.rindex(b"PK\x05\x06")
    hidden_offset = struct.unpack("<I", hidden[hidden_at + 16 : hidden_at + 20])[0]
    crc, length = zlib.crc32(bad), len(bad)
    twin = bytearray(directory)
    twin[16:28] = struct.pack("<3I", crc, length, length)
    twin[42:46] = struct.pack("<I", len(body))
    moved = len(body) + hidden_offset
    return body + hidden[:hidden_offset] + directory + bytes(twin) + end[:16] + struct.pack("<I", moved) + end[20:]


def _behind(first: bytes, second: bytes) -> bytes:
    return first + second


def _case_twins(marker: str) -> bytes:
    good, bad = _of_same_size(marker)
    first, *others = torch_entries(good)
    return zipped(first, Entry("archive/DATA.PKL", bad), *others)


def _twins(marker: str) -> bytes:
    good, bad = _of_same_size(marker)
    first, *others = torch_entries(good)
    return zipped(first, *others, Entry("archive/data.pkl", bad))


def _two_folders(marker: str) -> bytes:
    return zipped(*torch_entries(_GOOD), *torch_entries(_bad(marker), folder="other"))


def _renamed(marker: str, name: str | bytes) -> bytes:
    """A checkpoint with one more member of a bad name."""
    return zipped(*torch_entries(_GOOD), Entry(name, _bad(marker)))


def _extra(kind: int, data: bytes) -> bytes:
    return struct.pack("<2H", kind, len(data)) + data


def _unicode_path(marker: str) -> bytes:
    """An extra field that gives the pickle another name to readers that look there."""
    name = b"archive/data.pkl"
    field = _extra(0x7075, b"\x01" + struct.pack("<I", zlib.crc32(b"archive/x")) + name)
    first, *others = torch_entries(_GOOD)
    return zipped(first, *others, Entry("archive/x", _bad(marker), central={"extra": field}))


def _wide(marker: str) -> bytes:
    field = _extra(1, struct.pack("<QQ", 1 << 40, 1 << 40))
    return _changed(marker, central={"extra": field, "size": 0xFFFFFFFF, "packed": 0xFFFFFFFF})


ZIPS: dict[str, Content] = {
    "an encrypted pickle": lambda marker: _changed(marker, flags=1),
    "encrypted in the directory alone": lambda marker: _changed(marker, central={"flags": 1}),
    "encrypted in the local header alone": lambda marker: _changed(marker, local={"flags": 1}),
    "strong encryption": lambda marker: _changed(marker, flags=0x41),
    "a masked local header": lambda marker: _changed(marker, flags=0x2000),
    "patched data": lambda marker: _changed(marker, flags=0x20),
    "unused flags": lambda marker: _changed(marker, flags=0x7080),
    "a wrong checksum": lambda marker: _changed(marker, local={"crc": 1}, central={"crc": 1}),
    "a wrong checksum in the directory": lambda marker: _changed(marker, central={"crc": 1}),
    "a wrong checksum in the local header": lambda marker: _changed(marker, local={"crc": 1}),
    "another local name": lambda marker: _changed(marker, local={"name": b"archive/readme.1"}),
    "a local name of the pickle": lambda marker: zipped(
        *torch_entries(_GOOD), Entry("archive/readme.1", _bad(marker), local={"name": b"archive/data.pkl"})
    ),
    "another local size": lambda marker: _changed(marker, local={"size": 5, "packed": 5}),
    "another local method": lambda marker: _changed(marker, local={"method": 8}),
    "another method in the directory": lambda marker: _changed(marker, central={"method": 8}),
    "a size that is too small": lambda marker: _changed(marker, central={"size": 4}),
    "a size that is too big": lambda marker: _changed(marker, central={"size": 1 << 30, "packed": 1 << 30}),
    "a size of zero": lambda marker: _changed(marker, central={"size": 0, "packed": 0}),
    "an offset behind the file": lambda marker: _changed(marker, central={"offset": 0x7FFFFFF0}),
    "an offset into another member": lambda marker: zipped(
        *torch_entries(_bad(marker)), Entry("archive/x", b"x", central={"offset": 0})
    ),
    "another disk": lambda marker: _changed(marker, central={"disk": 1}),
    "a size of 2^40": _wide,
    "a Unicode path field": _unicode_path,
    "two directories of one size": _two_directories,
    "two archives in a row": lambda marker: _behind(torch_zip(_GOOD), torch_zip(_bad(marker))),
    "two archives in a row, the first bad": lambda marker: _behind(torch_zip(_bad(marker)), torch_zip(_GOOD)),
    "an archive in the comment": lambda marker: zipped(*torch_entries(_GOOD), comment=torch_zip(_bad(marker))),
    "an end record in the comment": lambda marker: zipped(
        *torch_entries(_bad(marker)), comment=b"PK\x05\x06" + bytes(18)
    ),
    "a comment": lambda marker: zipped(*torch_entries(_bad(marker)), comment=b"hello"),
    "bytes behind the end": lambda marker: torch_zip(_bad(marker)) + b"hello",
    "zeros behind the end": lambda marker: torch_zip(_bad(marker)) + bytes(100_000),
    "a gap with another pickle": lambda marker: zipped(
        torch_entries(_GOOD)[0], *(replace(entry, gap=_bad(marker)) for entry in torch_entries(_GOOD)[1:2])
    ),
    "a hidden member": lambda marker: zipped(
        Entry("archive/data.pkl", _bad(marker), is_hidden=True), *torch_entries(_GOOD)
    ),
    "a hidden member at the end": lambda marker: zipped(
        *torch_entries(_GOOD), Entry("archive/data.pkl", _bad(marker), is_hidden=True)
    ),
    "twins": _twins,
    "twins but for case": _case_twins,
    "two folders with a pickle each": _two_folders,
    "a name above the archive": lambda marker: _renamed(marker, "../data.pkl"),
    "an absolute name": lambda marker: _renamed(marker, "/archive/x.pkl"),
    "a name with backslashes": lambda marker: _renamed(marker, "archive\\x.pkl"),
    "a name on a drive": lambda marker: _renamed(marker, "C:/x.pkl"),
    "a name with a NUL": lambda marker: _renamed(marker, b"archive/data.pkl\0.txt"),
    "a name that isn't UTF-8": lambda marker: _renamed(marker, b"archive/\xff\xfe.pkl"),
    "a name with dots within": lambda marker: _renamed(marker, "archive/./x.pkl"),
    "an empty name": lambda marker: _renamed(marker, ""),
    "a link": lambda marker: zipped(
        *torch_entries(_bad(marker)),
        Entry("archive/data/9", b"/etc/passwd", central={"attributes": 0xA1FF0000, "made_by": 0x31E}),
    ),
    "fewer members than told": lambda marker: zipped(*torch_entries(_bad(marker)), end={"count": 3}),
    "more members than told": lambda marker: zipped(*torch_entries(_bad(marker)), end={"count": 9}),
    "a directory size of zero": lambda marker: zipped(*torch_entries(_bad(marker)), end={"size": 0}),
    "a directory offset of zero": lambda marker: zipped(*torch_entries(_bad(marker)), end={"offset": 0}),
    "a directory behind the file": lambda marker: zipped(*torch_entries(_bad(marker)), end={"offset": 0xFFFFFFF0}),
    "cut behind the members": lambda marker: torch_zip(_bad(marker)).partition(b"PK\x01\x02")[0],
    "cut in the directory": lambda marker: torch_zip(_bad(marker))[:-60],
    "cut in the end record": lambda marker: torch_zip(_bad(marker))[:-4],
    "a deflated member that is cut": lambda marker: _changed(marker, method=8, central={"packed": 20}),
}
DANGEROUS: dict[str, tuple[str, Content]] = {
    "a pickle in capitals": (
        "model.pt",
        lambda marker: zipped(Entry("archive/DATA.PKL", _bad(marker)), *torch_entries(_GOOD)[1:]),
    ),
    "another extension": ("holiday.jpg", lambda marker: torch_zip(_bad(marker))),
    "no extension": ("model", lambda marker: torch_zip(_bad(marker))),
    "a text's extension": ("notes.txt", lambda marker: _call(marker, 4)),
    "a folder's name of zeros": ("model.pt", lambda marker: zipped(*torch_entries(_bad(marker), folder="0"))),
    "gz of two streams, the second bad": (
        "model.pkl.gz",
        lambda marker: wrapped(assembled({"a": 1}), "gz") + wrapped(_call(marker), "gz"),
    ),
    "gz of a legacy file": ("model.gz", lambda marker: wrapped(legacy(content=_bad(marker)), "gz")),
    "xz of an npz": ("a.xz", lambda marker: wrapped(zipped(Entry("a.npy", _call(marker))), "xz")),
    "npz in an npz": (
        "a.npz",
        lambda marker: zipped(Entry("a.npz", zipped(Entry("a.npy", npy(_call(marker)))))),
    ),
    "npz member without an ending": (
        "a.npz",
        lambda marker: zipped(Entry("a.npy", npy(bytes(8), "'<f8'")), Entry("b", _call(marker))),
    ),
    "npy of nested records": (
        "a.npy",
        lambda marker: npy(_call(marker), "[('a', [('b', '|O')])]"),
    ),
    "npy of sub-arrays of objects": ("a.npy", lambda marker: npy(_call(marker), "[('a', '|O', (2,))]")),
    "npy of objects in Fortran's order": (
        "a.npy",
        lambda marker: npy(_call(marker), text="{'descr': '|O', 'fortran_order': True, 'shape': (1,), }"),
    ),
    "npy of objects with no elements": ("a.npy", lambda marker: npy(_call(marker), shape="(0,)")),
    "joblib with an array before the call": (
        "a.joblib",
        lambda marker: joblib_array()[:-1] + b"0" + assembled(Call(Name("os", "system"), (f"touch {marker}",)))[2:],
    ),
    "joblib of a negative shape": ("a.joblib", lambda _: joblib_array(shape=(-4,))),
    "joblib of nobody's subclass": ("a.joblib", lambda _: joblib_array(subclass=Name("somebodys.package", "Array"))),
}

_ARRAY = bytes(range(32))
# What nobody but a liar writes, without anything dangerous in it.
LIES: dict[str, tuple[str, bytes]] = {
    "npy with an expression for a header": ("a.npy", npy(_ARRAY, text="__import__('os').system('x')")),
    "npy with a call in its header": (
        "a.npy",
        npy(_ARRAY, text="{'descr': str('<f8'), 'fortran_order': False, 'shape': (4,), }"),
    ),
    "npy with a computed shape": ("a.npy", npy(_ARRAY, "'<f8'", "(2+2,)")),
    "npy with a power as its shape": ("a.npy", npy(_ARRAY, "'<f8'", "(9**9**9,)")),
    "npy with a negative shape": ("a.npy", npy(_ARRAY, "'<f8'", "(-4,)")),
    "npy with a huge shape": ("a.npy", npy(_ARRAY, "'<f8'", f"({1 << 62},)")),
    "npy with a shape that overflows": ("a.npy", npy(_ARRAY, "'<f8'", f"({1 << 32}, {1 << 32}, 0)")),
    "npy with more elements than bytes": ("a.npy", npy(_ARRAY, "'<f8'", "(5,)")),
    "npy with bytes behind": ("a.npy", npy(_ARRAY + b"hello", "'<f8'", "(4,)")),
    "npy of another version": ("a.npy", npy(_ARRAY, "'<f8'", "(4,)", version=9)),
    "npy with a header beyond the file": ("a.npy", npy(_ARRAY, "'<f8'", "(4,)", length=60000)),
    "npy with a header of 4 GiB": ("a.npy", npy(_ARRAY, "'<f8'", "(4,)", version=2, length=0xFFFFFFFF)),
    "npy with an empty header": ("a.npy", npy(_ARRAY, text="")),
    "npy with another key": (
        "a.npy",
        npy(_ARRAY, text="{'descr': '<f8', 'fortran_order': False, 'shape': (4,), 'more': 1}"),
    ),
    "npy with a key twice": (
        "a.npy",
        npy(_ARRAY, text="{'descr': '<f8', 'descr': '|O', 'fortran_order': False, 'shape': (4,), }"),
    ),
    "npy without a shape": ("a.npy", npy(_ARRAY, text="{'descr': '<f8', 'fortran_order': False}")),
    "npy of a type that isn't one": ("a.npy", npy(_ARRAY, "'<q99'", "(4,)")),
    "npy with a deep header": ("a.npy", npy(_ARRAY, "[" * 500 + "]" * 500, "(4,)")),
    "npz with a cut member": ("a.npz", zipped(Entry("a.npy", npy(_ARRAY, "'<f8'", "(9,)")))),
    "legacy that is cut": ("model.pth", legacy()[:-8]),
    "legacy with a storage that lies": ("model.pth", legacy(storages=struct.pack("<q4f", 1 << 60, 1, 2, 3, 4))),
    "legacy with a negative storage": ("model.pth", legacy(storages=struct.pack("<q4f", -4, 1, 2, 3, 4))),
    "legacy with keys that lead nowhere": ("model.pth", legacy(keys=assembled(["0", "1"]))),
    "legacy with a key twice": ("model.pth", legacy(keys=assembled(["0", "0"]))),
    "legacy without keys": ("model.pth", legacy(keys=assembled([]))),
    "legacy with keys that are no list": ("model.pth", legacy(keys=assembled(7))),
    "legacy of another protocol": ("model.pth", legacy(version=assembled(1002))),
    "legacy with bytes behind": ("model.pth", legacy(after=b"hello")),
    "joblib with a shape that lies": ("a.joblib", joblib_array(shape=(1 << 40,))),
    "joblib that is cut": ("a.joblib", joblib_array()[:-20]),
    "gz that is cut": ("a.gz", wrapped(_GOOD, "gz")[:-9]),
    "gz with a wrong checksum": ("a.gz", wrapped(_GOOD, "gz")[:-8] + bytes(8)),
    "gz with bytes behind": ("a.gz", wrapped(_GOOD, "gz") + b"hello"),
    "bz2 that is cut": ("a.bz2", wrapped(_GOOD, "bz2")[:-4]),
    "bz2 with bytes behind": ("a.bz2", wrapped(_GOOD, "bz2") + b"hello"),
    "xz that is cut": ("a.xz", wrapped(_GOOD, "xz")[:-4]),
    "xz with bytes behind": ("a.xz", wrapped(_GOOD, "xz") + b"hello"),
    "zlib with a wrong checksum": ("a.pkl.z", wrapped(_GOOD, "zlib")[:-4] + bytes(4)),
    "a pickle that is cut": ("a.pkl", assembled({"a": "b" * 50})[:-9]),
    "a pickle of one byte": ("a.pkl", b"\x80\x04"),
    "a pickle with bytes behind": ("a.pkl", assembled({"a": 1}) + b"\xff\xfehello"),
    "a safetensors key twice": (
        "a.safetensors",
        struct.pack("<Q", 128)
        + (
            b'{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"a":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}}'
        ).ljust(128)
        + bytes(8),
    ),
    "a safetensors file with a gap": (
        "a.safetensors",
        struct.pack("<Q", 64) + b'{"a":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}}'.ljust(64) + bytes(8),
    ),
}


def _tar(marker: str) -> bytes:
    """The layout that torch wrote before its first release."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, data in (("sys_info", assembled({})), ("pickle", _bad(marker)), ("storages", assembled(0))):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return archive.getvalue()


# Recognised, and never called clean; reading them comes later.
UNREAD_FORMATS: dict[str, tuple[str, Content]] = {
    "tar": ("model.pt", _tar),
    "tar in gz": ("model.tar.gz", lambda marker: wrapped(_tar(marker), "gz")),
    "7z": ("model.7z", lambda _: b"7z\xbc\xaf\x27\x1c\0\4" + bytes(64)),
    "rar": ("model.bin", lambda _: b"Rar!\x1a\x07\x01\0" + bytes(64)),
    "zstd": ("model.pkl.zst", lambda _: b"\x28\xb5\x2f\xfd" + bytes(64)),
    "lz4": ("model.pkl.lz4", lambda _: b"\x04\x22\x4d\x18" + bytes(64)),
    "HDF5": ("model.h5", lambda _: b"\x89HDF\r\n\x1a\n" + bytes(64)),
    "ONNX": ("model.onnx", lambda _: b"\x08\x08\x12\x07pytorch" + bytes(64)),
    "an empty file": ("model.bin", lambda _: b""),
    "zeros": ("model.bin", lambda _: bytes(4096)),
    "a program": ("model.bin", lambda _: b"\x7fELF" + bytes(64)),
    "a shell script": ("model.bin", lambda marker: f"#!/bin/sh\ntouch {marker}\n".encode()),
}
UNSURE: dict[str, tuple[str, Content]] = {
    "gz three times": (
        "model.gz",
        lambda marker: wrapped(wrapped(wrapped(_bad(marker), "gz"), "gz"), "gz"),
    ),
    "npz of a checkpoint": ("a.npz", lambda marker: zipped(Entry("a.npy", torch_zip(_bad(marker))))),
    "gz in xz": ("model.gz.xz", lambda marker: wrapped(wrapped(_call(marker), "gz"), "xz")),
    "bytes before an archive": ("model.pt", lambda marker: zipped(*torch_entries(_bad(marker)), prefix=b"hello")),
    "bytes before an archive that aren't counted": (
        "model.pt",
        lambda marker: b"#!/bin/sh\n" + torch_zip(_bad(marker)),
    ),
    "protocol 6": ("a.pkl", lambda marker: b"\x80\x06" + _call(marker)[2:]),
    "protocol 255": ("a.pkl", lambda marker: b"\x80\xff" + _call(marker)[2:]),
    "a text persistent id first": ("a.pkl", lambda marker: b"Pos.system\n" + _call(marker)[2:]),
    "a pickle packed by a method nobody reads": ("model.pt", lambda marker: _changed(marker, method=99)),
    "a pickle packed by bzip2's method": ("model.pt", lambda marker: _changed(marker, method=12)),
    "an empty archive": ("model.pt", lambda _: zipped()),
    "an archive without its pickle": ("model.pt", lambda _: zipped(*torch_entries(_GOOD)[1:])),
    "skops": ("model.skops", lambda _: zipped(Entry("schema.json", b'{"__class__": "system", "__module__": "os"}'))),
    "keras": ("model.keras", lambda _: zipped(Entry("config.json", b"{}"), Entry("model.weights.h5", b"\x89HDF"))),
    "mar": (
        "model.mar",
        lambda marker: zipped(Entry("MAR-INF/MANIFEST.json", b"{}"), Entry("model.pt", torch_zip(_bad(marker)))),
    ),
    "nemo": ("model.nemo", _tar),
}


def _program(line: str) -> Content:
    """A TorchScript archive whose method does one thing."""
    head = "class Net(Module):\n  __parameters__ = []\n  def forward(self, x: Tensor) -> Tensor:\n"
    code = f"{head}    {line}\n    return x\n"
    return lambda _: zipped(
        Entry("net/data.pkl", assembled({"x": 1})),
        Entry("net/code/__torch__.py", code.encode()),
        Entry("net/constants.pkl", assembled(())),
        Entry("net/version", b"3\n"),
    )


PROGRAMS = {
    "a program that maps a file": _program('y = torch.from_file("/etc/passwd", False, 10)'),
    "a program that maps a file by its op": _program('y = ops.aten.from_file("/etc/passwd", False, 10)'),
    "a program that saves": _program('ops.aten.save([x], "/tmp/x")'),
    "a program with an op of nobody's": _program("y = ops.somebodys.run(x)"),
    "a program with a class of nobody's": _program("y = __torch__.torch.classes.somebodys.Runner()"),
}


def _samples() -> list[Sample]:
    found = [
        Sample(f"zip: {name}", file_maker("model.pt", content), REFUSED, f"A checkpoint with {name}.")
        for name, content in ZIPS.items()
    ]
    found += [
        Sample(f"{name}", file_maker(file, content), CODE, f"A call in {name}.")
        for name, (file, content) in DANGEROUS.items()
    ]
    found += [
        Sample(name, file_maker(file, lambda _, data=data: data), MALFORMED, f"{name}: it says two things.")
        for name, (file, data) in LIES.items()
    ]
    found += [
        Sample(f"not read: {name}", file_maker(file, content), UNREAD, f"{name} is recognised, and not read.")
        for name, (file, content) in UNREAD_FORMATS.items()
    ]
    found += [
        Sample(f"not clean: {name}", file_maker(file, content), NOT_CLEAN, f"{name} isn't read as if it were clean.")
        for name, (file, content) in UNSURE.items()
    ]
    found += [Sample(name, file_maker("net.pt", content), CODE, f"{name}.") for name, content in PROGRAMS.items()]
    return found


SAMPLES: tuple[Sample, ...] = tuple(_samples())
