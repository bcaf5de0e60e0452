"""Files made to cost far more than they weigh; each must end in a verdict, soon and in little memory."""

from __future__ import annotations

import bz2
import json
import lzma
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from modelcypher_nb.formats.report import VERDICTS, Level

from .assembler import Call, Name, Persistent, assembled, opcodes
from .containers import Entry, joblib_array, legacy, npy, tensor, torch_entries, torch_zip, wrapped, zipped
from .hostile_folders import gguf, safetensors_bytes
from .sample import Sample

__all__ = ["SAMPLES"]

ANY: frozenset[Level] = frozenset(VERDICTS)
REFUSED: frozenset[Level] = frozenset({"malformed", "unsupported", "code"})
MIB = 1 << 20
GIB = 1 << 30
MANY = 1_000_000
PRIME = (1 << 61) - 1  # Python's hash of every multiple of it is 0


def _zeros(gibibytes: int) -> bytes:
    """A raw deflate stream of zeros: one piece over and over, since a full flush forgets what was before."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    piece = squeeze.compress(bytes(16 * MIB)) + squeeze.flush(zlib.Z_FULL_FLUSH)
    return piece * (64 * gibibytes) + b"\x03\x00"


def _gz(gibibytes: int) -> bytes:
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + _zeros(gibibytes) + bytes(8)


def _deflated(name: str, *others: Entry) -> bytes:
    """A zip whose first member unpacks to 2 GiB of zeros."""
    packed = _zeros(2)
    lie = {"method": 8, "size": 2 * GIB, "packed": len(packed), "crc": 0}
    return zipped(Entry(name, packed, local=lie, central=lie), *others)


def _laughs(pair: bytes, levels: int) -> bytes:
    """Each level holds the one below twice: 2^levels values in a few hundred bytes."""
    code = b"\x80\x04]\x94"
    for number in range(levels):
        code += pair.replace(b"?", b"j" + struct.pack("<I", number)) + b"\x94"
    return code + b"."


def _laughs_as_key(levels: int) -> bytes:
    code = b"\x80\x04)\x94"
    for number in range(levels):
        code += (b"j" + struct.pack("<I", number)) * 2 + b"\x86\x94"
    return code + b"}j" + struct.pack("<I", levels) + b"Ns."


def _laughing_sets(levels: int) -> bytes:
    code = b"\x80\x04(\x91\x94"
    for number in range(levels):
        code += b"(j" + struct.pack("<I", number) + b"K" + bytes([number % 250]) + b"\x91\x94"
    return code + b"."


def _collisions(count: int, how: str) -> bytes:
    """Keys whose hashes are all the same."""
    numbers = (opcodes((number + 1) * PRIME, 2) for number in range(count))
    match how:
        case "dict":
            return b"\x80\x04}(" + b"".join(number + b"N" for number in numbers) + b"u."
        case "single items":
            return b"\x80\x04}" + b"".join(number + b"Ns" for number in numbers) + b"."
        case "set":
            return b"\x80\x04\x8f(" + b"".join(numbers) + b"\x90."
        case "frozenset":
            return b"\x80\x04(" + b"".join(numbers) + b"\x91."
        case "tuples":
            return b"\x80\x04}(" + b"".join(number + b"\x85N" for number in numbers) + b"u."
        case _:
            pairs = b"".join(b"(" + number + b"Nta" for number in numbers)
            return b"\x80\x02ccollections\nOrderedDict\n(]" + pairs + b"tR."


def _again(before: bytes, each: bytes, times: int) -> bytes:
    """One value in the memo, and something made of it again and again."""
    return b"\x80\x04]" + before + b"\x940(" + each * times + b"e."


def _nested(opening: bytes, closing: bytes = b"", depth: int = MANY) -> bytes:
    return b"\x80\x02" + opening * depth + closing * depth + b"."


def _long_bytes(data: bytes) -> bytes:
    return b"B" + struct.pack("<I", len(data)) + data


_FIRST = b"h\x00"
PICKLES: dict[str, tuple[Callable[[], bytes], frozenset[Level]]] = {
    "a memo index of 2^32": (lambda: b"\x80\x02Nr\xff\xff\xff\xff.", ANY),
    "a memo index of 40 digits": (lambda: b"Np" + b"9" * 40 + b"\n.", ANY),
    "a memo index of a million digits": (lambda: b"Np" + b"9" * MANY + b"\n.", REFUSED),
    "a million memo indexes": (lambda: b"\x80\x04N" + b"\x94" * MANY + b".", ANY),
    "a LONG4 of 2^31 bytes": (lambda: b"\x80\x02\x8b\xff\xff\xff\x7f" + bytes(100) + b".", REFUSED),
    "a LONG4 of negative length": (lambda: b"\x80\x02\x8b\xff\xff\xff\xff" + bytes(100) + b".", REFUSED),
    "a LONG4 of a million bytes": (lambda: b"\x80\x02\x8b" + struct.pack("<i", MANY) + b"\x7f" * MANY + b".", ANY),
    "many LONG4 of 4000 bytes": (
        lambda: b"\x80\x02](" + (b"\x8b" + struct.pack("<i", 4000) + b"\x7f" * 4000) * 500 + b"e.",
        ANY,
    ),
    "an INT of a million digits": (lambda: b"I" + b"9" * MANY + b"\n.", ANY),
    "a LONG of a million digits": (lambda: b"L" + b"9" * MANY + b"L\n.", ANY),
    "a FLOAT of a million digits": (lambda: b"F" + b"9" * MANY + b"\n.", ANY),
    "a thousand INTs of 4000 digits": (lambda: b"(l" + (b"I" + b"9" * 4000 + b"\na") * 1000 + b".", ANY),
    "BINBYTES8 of 2^62": (lambda: b"\x80\x04\x8e" + struct.pack("<Q", 1 << 62) + bytes(100), REFUSED),
    "BINBYTES8 of 2^64 - 1": (lambda: b"\x80\x04\x8e" + b"\xff" * 8 + bytes(100), REFUSED),
    "BINUNICODE8 of 2^62": (lambda: b"\x80\x04\x8d" + struct.pack("<Q", 1 << 62) + bytes(100), REFUSED),
    "BYTEARRAY8 of 2^62": (lambda: b"\x80\x05\x96" + struct.pack("<Q", 1 << 62) + bytes(100), REFUSED),
    "BINBYTES of 2^32 - 1": (lambda: b"\x80\x03B\xff\xff\xff\xff" + bytes(100), REFUSED),
    "BINUNICODE of 2^32 - 1": (lambda: b"\x80\x02X\xff\xff\xff\xff" + bytes(100), REFUSED),
    "BINSTRING of 2^31 - 1": (lambda: b"\x80\x02T\xff\xff\xff\x7f" + bytes(100), REFUSED),
    "a FRAME of 2^62": (lambda: b"\x80\x04\x95" + struct.pack("<Q", 1 << 62) + b"N.", REFUSED),
    "a hundred thousand frames": (lambda: b"\x80\x04" + (b"\x95" + bytes(8)) * 100_000 + b"N.", ANY),
    "lists in lists": (lambda: _nested(b"]", b"a", 500_000), ANY),
    "tuples in tuples": (lambda: b"\x80\x02)" + b"\x85" * 500_000 + b".", ANY),
    "dicts in dicts": (lambda: b"\x80\x02" + b"}N" * 300_000 + b"N" + b"s" * 300_000 + b".", ANY),
    "marks in marks": (lambda: _nested(b"(", b"", MANY), REFUSED),
    "marks and lists": (lambda: _nested(b"(", b"l", 500_000), ANY),
    "sets in sets": (lambda: b"\x80\x04(" + b"\x91(" * 100_000 + b".", ANY),
    "objects in objects": (
        lambda: b"\x80\x02" + b"csomebodys.package\nNet\n)\x81}X\x01\0\0\0a" * 20_000 + b"N" + b"sb" * 20_000 + b".",
        ANY,
    ),
    "calls in calls": (
        lambda: b"\x80\x02" + b"ccollections\nOrderedDict\n" * 20_000 + b")R" + b"\x85R" * 19_999 + b".",
        ANY,
    ),
    "a million lists": (lambda: b"\x80\x02](" + b"]" * MANY + b"e.", ANY),
    "a million dicts on the stack": (lambda: b"\x80\x02" + b"}" * MANY + b".", ANY),
    "a million doubled values": (lambda: b"\x80\x02N" + b"2" * MANY + b".", ANY),
    "a million dropped values": (lambda: b"\x80\x02" + b"N0" * (MANY // 2) + b"N.", ANY),
    "a billion laughs of lists": (lambda: _laughs(b"](??e", 200), ANY),
    "a billion laughs of tuples": (lambda: _laughs(b"??\x86", 200), ANY),
    "a billion laughs of dicts": (lambda: _laughs(b"}(K\x01?K\x02?u", 200), ANY),
    "a billion laughs of objects": (
        lambda: _laughs(b"csomebodys.package\nNet\n)\x81}(X\x01\0\0\0a?X\x01\0\0\0b?ub", 60),
        ANY,
    ),
    "a billion laughs as a key": (lambda: _laughs_as_key(200), ANY),
    "a billion laughs of frozensets": (lambda: _laughing_sets(200), ANY),
    "colliding keys": (lambda: _collisions(60_000, "dict"), ANY),
    "colliding keys one by one": (lambda: _collisions(60_000, "single items"), ANY),
    "colliding members": (lambda: _collisions(60_000, "set"), ANY),
    "colliding members of a frozenset": (lambda: _collisions(60_000, "frozenset"), ANY),
    "colliding tuples": (lambda: _collisions(60_000, "tuples"), ANY),
    "colliding pairs": (lambda: _collisions(60_000, "pairs"), ANY),
    "encodings of one text": (
        lambda: _again(opcodes("x" * MIB, 2), b"c_codecs\nencode\n" + _FIRST + b"X\x06\0\0\0latin1\x86R", 2000),
        ANY,
    ),
    "byte arrays of one value": (
        lambda: _again(_long_bytes(bytes(MIB)), b"cbuiltins\nbytearray\n" + _FIRST + b"\x85R", 2000),
        ANY,
    ),
    "sets of one list": (
        lambda: _again(
            b"](" + b"".join(opcodes(n, 2) for n in range(50_000)) + b"e", b"cbuiltins\nset\n" + _FIRST + b"\x85R", 2000
        ),
        ANY,
    ),
    "ordered dicts of one list": (
        lambda: _again(
            b"](" + b"".join(opcodes((n, n), 2) for n in range(20_000)) + b"e",
            b"ccollections\nOrderedDict\n" + _FIRST + b"\x85R",
            2000,
        ),
        ANY,
    ),
    "deques of one list": (
        lambda: _again(b"](" + b"N" * 100_000 + b"e", b"ccollections\ndeque\n" + _FIRST + b"\x85R", 2000),
        ANY,
    ),
    "decimals of one text": (
        lambda: _again(opcodes("9" * MIB, 2), b"cdecimal\nDecimal\n" + _FIRST + b"\x85R", 2000),
        ANY,
    ),
    "tensors of one value": (
        lambda: _again(_long_bytes(legacy()), b"ctorch.storage\n_load_from_bytes\n" + _FIRST + b"\x85R", 20_000),
        ANY,
    ),
    "tensors in tensors": (lambda: _loads(200), ANY),
    "arrays of one value": (
        lambda: _again(
            _long_bytes(bytes(MIB)),
            opcodes(Call(Name("numpy.core.multiarray", "_reconstruct"), (Name("numpy", "ndarray"), (0,), b"b")), 3)
            + b"(K\x01J\0\0\x10\0\x85"
            + opcodes(Call(Name("numpy", "dtype"), ("u1", False, True)), 3)
            + b"\x89"
            + _FIRST
            + b"tb",
            5000,
        ),
        ANY,
    ),
    "a text of escapes": (lambda: b"S'" + b"\\x41" * MANY + b"'\n.", ANY),
    "a text of unicode escapes": (lambda: b"V" + b"\\u0041" * MANY + b"\n.", ANY),
    "a text without end": (lambda: b"V" + b"a" * (4 * MANY), REFUSED),
    "a name of four million letters": (
        lambda: b"\x80\x02c" + b"a" * (2 * MANY) + b"\n" + b"b" * (2 * MANY) + b"\n.",
        ANY,
    ),
    "a name of a million dots": (lambda: b"\x80\x02csomebodys\n" + b"a." * MANY + b"b\n.", REFUSED),
    "a hundred thousand calls": (lambda: b"\x80\x02](" + b"cos\nsystem\n)R" * 100_000 + b"e.", REFUSED),
    "a hundred thousand names": (
        lambda: b"\x80\x02](" + b"".join(b"csomebodys.m%d\nf\n" % n for n in range(100_000)) + b"e.",
        REFUSED,
    ),
    "a hundred thousand pickles": (lambda: b"\x80\x02N." * 100_000, ANY),
    "a hundred thousand persistent ids": (lambda: b"\x80\x02](" + b"K\x01Q" * 100_000 + b"e.", ANY),
    "a lot of text": (lambda: b"\x80\x02](" + opcodes("x" * 100, 2) * 50_000 + b"e.", ANY),
}


def _loads(depth: int) -> bytes:
    inner = legacy()
    for _ in range(depth):
        inner = assembled(Call(Name("torch.storage", "_load_from_bytes"), (inner,)), 3)
    return inner


def _aliases() -> bytes:
    """Ten thousand views of one storage, each expanded as far as may be."""
    views = [tensor(shape=(10_000,), stride=(0,)) for _ in range(5_000)]
    return torch_zip(assembled(views))


def _members(count: int) -> bytes:
    return zipped(*torch_entries(assembled({"a": 1})), *(Entry(f"archive/data/{n}", b"") for n in range(count)))


def _wide_end(count: int) -> bytes:
    """An end record that tells of far more members than there are bytes."""
    whole = zipped(*torch_entries(assembled({"a": 1})))
    at = whole.rindex(b"PK\x05\x06")
    size, offset = struct.unpack("<2I", whole[at + 12 : at + 20])
    wide = struct.pack("<4sQ2H2I4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, offset)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, at, 1)
    return (
        whole[:at]
        + wide
        + locator
        + struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    )


def _one_place(count: int) -> bytes:
    """Sixty thousand members that are all the same bytes."""
    data = bytes(MIB)
    entries = [Entry("archive/data/0", data)]
    whole = zipped(*entries)
    at = whole.rindex(b"PK\x05\x06")
    size, offset = struct.unpack("<2I", whole[at + 12 : at + 20])
    directory = whole[offset : offset + size] * count
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, count, count, len(directory), offset, 0)
    return whole[:offset] + directory + end


def _program(code: str) -> bytes:
    return zipped(
        Entry("net/data.pkl", assembled({"x": 1})),
        Entry("net/code/__torch__.py", code.encode()),
        Entry("net/constants.pkl", assembled(())),
        Entry("net/version", b"3\n"),
    )


FILES: dict[str, tuple[str, Callable[[], bytes], frozenset[Level]]] = {
    "a deflated pickle of zeros": ("a.pt", lambda: _deflated("archive/data.pkl", *torch_entries(b"N.")[1:]), REFUSED),
    "a deflated storage of zeros": (
        "a.pt",
        lambda: zipped(*torch_entries(assembled({"w": tensor("1", 1 << 29)})), _bomb_entry("archive/data/1")),
        ANY,
    ),
    "a deflated array of zeros": ("a.npz", lambda: _deflated("a.npy"), REFUSED),
    "a deflated program of zeros": (
        "net.pt",
        lambda: _deflated("net/code/__torch__.py", *torch_entries(b"N.", {}, "net")),
        REFUSED,
    ),
    "a gz of zeros": ("a.pkl.gz", lambda: _gz(8), REFUSED),
    "a gz of gz of zeros": ("a.pkl.gz", lambda: wrapped(_gz(8), "gz"), REFUSED),
    "a gz of many empty streams": ("a.pkl.gz", lambda: wrapped(b"", "gz") * 100_000, REFUSED),
    "a zlib stream of zeros": ("a.joblib", lambda: b"\x78\x9c" + _zeros(8) + bytes(4), REFUSED),
    "a bz2 of zeros": ("a.pkl.bz2", lambda: bz2.compress(bytes(45 * MIB)) * 200, REFUSED),
    "an xz of zeros": ("a.pkl.xz", lambda: lzma.compress(bytes(32 * MIB), preset=0) * 200, REFUSED),
    "an lzma stream of zeros": (
        "a.pkl.lzma",
        lambda: lzma.compress(bytes(256 * MIB), lzma.FORMAT_ALONE, preset=0),
        REFUSED,
    ),
    "an xz that asks for a dictionary of 1.5 GiB": (
        "a.xz",
        lambda: lzma.compress(b"\x80\x02N.", filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 3 << 29}]),
        ANY,
    ),
    "an lzma stream with a dictionary of 4 GiB": (
        "a.lzma",
        lambda: b"\x5d\xff\xff\xff\xff" + b"\xff" * 8 + bytes(100),
        REFUSED,
    ),
    "files within files": ("a.gz", lambda: _wrapped_often(300), ANY),
    "60,000 members": ("a.pt", lambda: _members(60_000), ANY),
    "an end record of 2^60 members": ("a.pt", lambda: _wide_end(1 << 60), REFUSED),
    "an end record of a million members": ("a.pt", lambda: _wide_end(MANY), REFUSED),
    "sixty thousand names for one member": ("a.pt", lambda: _one_place(60_000), REFUSED),
    "names of 64 KiB": (
        "a.pt",
        lambda: zipped(*torch_entries(b"N."), *(Entry(f"archive/{n:065000}", b"") for n in range(60))),
        ANY,
    ),
    "five thousand expanded views": ("a.pt", _aliases, ANY),
    "a view of 2^62 elements": ("a.pt", lambda: torch_zip(assembled(tensor(shape=(1 << 62,), stride=(0,)))), REFUSED),
    "a storage of 2^62 elements": ("a.pt", lambda: torch_zip(assembled(tensor(numel=1 << 62))), REFUSED),
    "a shape of a hundred thousand dimensions": (
        "a.pt",
        lambda: torch_zip(assembled(tensor(shape=(1,) * 100_000, stride=(1,) * 100_000))),
        REFUSED,
    ),
    "a shape of long numbers": (
        "a.pt",
        lambda: torch_zip(assembled(tensor(shape=(1 << 80_000,) * 60, stride=(0,) * 60))),
        REFUSED,
    ),
    "a checkpoint of 20,000 names": (
        "a.pt",
        lambda: torch_zip(assembled({f"layer.{n}": Persistent(("storage", 1)) for n in range(20_000)})),
        ANY,
    ),
    "a legacy file of a million keys": (
        "a.pth",
        lambda: legacy(keys=b"\x80\x02](" + b"X\x01\0\0\x000" * 200_000 + b"e."),
        REFUSED,
    ),
    "an npy header of brackets": ("a.npy", lambda: npy(b"", text="(" * MANY, version=2), REFUSED),
    "an npy header of minus signs": ("a.npy", lambda: npy(b"", text="-" * MANY + "1", version=2), REFUSED),
    "an npy header of a long number": ("a.npy", lambda: npy(bytes(8), "'<f8'", f"({'9' * MANY},)", version=2), REFUSED),
    "an npy header of records": (
        "a.npy",
        lambda: npy(b"", "[" + ", ".join(f"('f{n}', '<f8')" for n in range(50_000)) + "]", "(0,)", version=2),
        ANY,
    ),
    "an npy header of nested records": (
        "a.npy",
        lambda: npy(b"", "[('a', " * 5000 + "'<f8'" + ")]" * 5000, "(0,)", version=2),
        REFUSED,
    ),
    "an npy of empty elements": ("a.npy", lambda: npy(b"", "'|V0'", f"({1 << 62},)"), ANY),
    "an npy of empty texts": ("a.npy", lambda: npy(b"", "'<U0'", f"({1 << 40},)"), ANY),
    "an npy of objects of 2^40": ("a.npy", lambda: npy(assembled([1]), "'|O'", f"({1 << 40},)"), REFUSED),
    "a joblib array of 2^40": ("a.joblib", lambda: joblib_array(shape=(1 << 40,)), REFUSED),
    "a program of brackets": ("net.pt", lambda: _program("(" * MANY), ANY),
    "a program of dots": ("net.pt", lambda: _program("a." * MANY), ANY),
    "a program of spaces": ("net.pt", lambda: _program("x = ops" + " " * MANY + ".y"), ANY),
    "a program of quotes": ("net.pt", lambda: _program("'" * MANY), ANY),
    "a program of a hundred thousand ops": ("net.pt", lambda: _program("  y = torch.add(x, x)\n" * 50_000), ANY),
    "a GGUF of 2^60 facts": ("a.gguf", lambda: b"GGUF" + struct.pack("<IQQ", 3, 0, 1 << 60) + bytes(64), REFUSED),
    "a GGUF of 2^60 tensors": ("a.gguf", lambda: b"GGUF" + struct.pack("<IQQ", 3, 1 << 60, 0) + bytes(64), REFUSED),
    "a GGUF text of 2^60 bytes": (
        "a.gguf",
        lambda: b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", 1 << 60) + bytes(64),
        REFUSED,
    ),
    "a GGUF array of 2^60 bytes": (
        "a.gguf",
        lambda: b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"a" + struct.pack("<IIQ", 9, 0, 1 << 60) + bytes(64),
        REFUSED,
    ),
    "a GGUF of nested arrays": (
        "a.gguf",
        lambda: (
            b"GGUF"
            + struct.pack("<IQQQ", 3, 0, 1, 1)
            + b"a"
            + struct.pack("<I", 9)
            + struct.pack("<IQ", 9, 1) * 100_000
        ),
        REFUSED,
    ),
}


def _bomb_entry(name: str) -> Entry:
    packed = _zeros(2)
    lie = {"method": 8, "size": 2 * GIB, "packed": len(packed), "crc": 0}
    return Entry(name, packed, local=lie, central=lie)


def _wrapped_often(depth: int) -> bytes:
    inner = b"\x80\x02N."
    for _ in range(depth):
        inner = wrapped(inner, "gz")
    return inner


# Files that are big for real on paper only: a hole takes no room on the disk.
HOLES: dict[str, tuple[str, bytes, int, frozenset[Level]]] = {
    "a pickle of 8 GiB of zeros": ("a.pkl", b"\x80\x02", 8 * GIB, REFUSED),
    "a text of 4 GiB in a pickle": ("a.pkl", b"\x80\x02X" + struct.pack("<I", 0xFFFFFFF0), 5 * GIB, REFUSED),
    "a long text of 8 GiB in a pickle": ("a.pkl", b"\x80\x04\x8d" + struct.pack("<Q", 8 * GIB), 9 * GIB, REFUSED),
    "a number of 2 GiB in a pickle": ("a.pkl", b"\x80\x02\x8b" + struct.pack("<i", 0x7FFFFFF0), 3 * GIB, REFUSED),
    "bytes of 8 GiB in a pickle": ("a.pkl", b"\x80\x04\x8e" + struct.pack("<Q", 8 * GIB), 9 * GIB, ANY),
    "a byte array of 8 GiB in a pickle": ("a.pkl", b"\x80\x05\x96" + struct.pack("<Q", 8 * GIB), 9 * GIB, ANY),
    "a line of 8 GiB in a pickle": ("a.pkl", b"V", 8 * GIB, REFUSED),
    "a name of 8 GiB in a pickle": ("a.pkl", b"\x80\x02c", 8 * GIB, REFUSED),
    "an npy header of 4 GiB": ("a.npy", b"\x93NUMPY\x02\0" + struct.pack("<I", 0xFFFFFFF0), 5 * GIB, REFUSED),
    "a zip of 4 GiB of zeros": ("a.pt", b"PK\x03\x04", 4 * GIB, REFUSED),
    "a safetensors header of 8 GiB": ("a.safetensors", struct.pack("<Q", 8 * GIB) + b"{", 9 * GIB, REFUSED),
    "a GGUF text of 8 GiB": ("a.gguf", b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 8 * GIB), 9 * GIB, REFUSED),
    "8 GiB of zeros": ("a.bin", b"", 8 * GIB, REFUSED),
}


def _hole(file: str, head: bytes, size: int) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / file
        with path.open("wb") as stream:
            stream.write(head)
            stream.truncate(size)
        return path

    return make


def _content(file: str, content: Callable[[], bytes]) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / file).write_bytes(content())
        return folder / file

    return make


TEXTS: dict[str, tuple[str, Callable[[], str]]] = {
    "a configuration of brackets": ("config.json", lambda: "[" * MANY),
    "a configuration of objects": ("config.json", lambda: '{"a":' * 200_000),
    "a configuration of a long number": ("config.json", lambda: '{"a": ' + "9" * MANY + "}"),
    "an index of a hundred thousand names": (
        "model.safetensors.index.json",
        lambda: json.dumps({"weight_map": {f"w{n}": "model.safetensors" for n in range(100_000)}}),
    ),
    "a template of brackets": ("chat_template.jinja", lambda: "{{ " + "(" * 100_000 + " }}"),
    "a template of loops": ("chat_template.jinja", lambda: "{% for a in b %}" * 20_000),
    "a template of operators": ("chat_template.jinja", lambda: "{{ 1" + " + 1" * 100_000 + " }}"),
    "a template of attributes": ("chat_template.jinja", lambda: "{{ a" + ".b" * 100_000 + " }}"),
    "a template of filters": ("chat_template.jinja", lambda: "{{ a" + "|trim" * 50_000 + " }}"),
    "a template of a big product": ("chat_template.jinja", lambda: "{{ 'a' * 10 ** 10 ** 10 }}"),
    "a template of powers": ("chat_template.jinja", lambda: "{{ 9" + " ** 9" * 20 + " }}"),
    "a template of texts that double": (
        "chat_template.jinja",
        lambda: "{% set a = 'x' %}" + "{% set a = a ~ a %}" * 60 + "{{ messages[a] }}",
    ),
    "a template of comments": ("chat_template.jinja", lambda: "{#" * 300_000),
    "a template of many lines": ("chat_template.jinja", lambda: "{{ a }}\n" * 30_000),
}


def _folder(name: str, content: Callable[[], str]) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        model = folder / "model"
        model.mkdir()
        (model / "model.safetensors").write_bytes(safetensors_bytes("weight"))
        (model / name).write_text(content())
        return model

    return make


def _samples() -> Iterator[Sample]:
    reason = "It costs more than it weighs."
    for name, (content, expected) in PICKLES.items():
        yield Sample(f"pickle: {name}", _content("a.pkl", content), expected, reason)
    for name, (content, expected) in list(PICKLES.items())[::4]:
        make = _content("a.pt", lambda content=content: torch_zip(content()))
        yield Sample(f"checkpoint: {name}", make, expected, reason)
    for name, (file, content, expected) in FILES.items():
        yield Sample(f"file: {name}", _content(file, content), expected, reason)
    for name, (file, head, size, expected) in HOLES.items():
        yield Sample(f"hole: {name}", _hole(file, head, size), expected, reason)
    for name, (file, text) in TEXTS.items():
        yield Sample(f"folder: {name}", _folder(file, text), ANY, reason)
    yield Sample("GGUF template: of brackets", gguf("{{ " + "(" * 100_000), ANY, reason)


SAMPLES: tuple[Sample, ...] = tuple(_samples())
