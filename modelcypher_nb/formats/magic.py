"""What a file is, by its first bytes; the name only decides where the content leaves it open."""

from __future__ import annotations

from typing import NamedTuple

from ..guard.source import Source
from .safetensors_header import HEADER_LIMIT

__all__ = [
    "BZIP2_START", "EMPTY", "GZIP_START", "LFS_POINTER", "PICKLE", "SAFETENSORS", "TAR", "TEXT_PICKLE", "TORCH_NUMBER",
    "UNKNOWN", "WEB_PAGE", "XZ_START",
    "Kind", "is_tar", "recognise",
]  # fmt: skip


class Kind(NamedTuple):
    """A recognised format.

    Attributes:
        name: what to call it.
        is_model: whether it holds weights or a pickle whatever its name; a mere container counts only under a name
            that loaders open as weights.
        reader: the module that reads it; None where nothing does.
    """

    name: str
    is_model: bool = True
    reader: str | None = None


SAFETENSORS = Kind("safetensors")
UNKNOWN = Kind("unknown", is_model=False)
EMPTY = Kind("empty file", is_model=False)
LFS_POINTER = Kind("pointer of Git LFS", is_model=False)
WEB_PAGE = Kind("web page", is_model=False)

# torch.save before 1.6: a pickle of this very number first, after what its protocol begins with.
TORCH_NUMBER = b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"
TORCH_NUMBER_TEXT = b"L119547037146038801333356L"
LEGACY_TORCH = Kind("legacy torch checkpoint (pickle)", reader="torch_legacy")
TAR = Kind("tar archive", is_model=False)
PICKLE = Kind("pickle", reader="pickle_file")
TEXT_PICKLE = Kind("pickle (protocol 0 or 1)", is_model=False, reader="pickle_file")

# Also what tells the codecs of `packing` apart.
GZIP_START, BZIP2_START, XZ_START = b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00"
MAGICS: tuple[tuple[int, bytes, Kind], ...] = (
    *((0, bytes([0x80, protocol]), PICKLE) for protocol in range(1, 6)),
    (0, b"\x93NUMPY", Kind("NumPy array (npy)", reader="npy")),
    (0, b"GGUF", Kind("GGUF model", reader="gguf")),
    (0, b"FUGG", Kind("GGUF model (big-endian)", reader="gguf")),
    (0, b"tjgg", Kind("GGML model")),
    (0, b"lmgg", Kind("GGML model")),
    (0, b"fmgg", Kind("GGML model")),
    (0, b"\x89HDF\r\n\x1a\n", Kind("HDF5 file")),
    (4, b"TFL3", Kind("TensorFlow Lite model")),
    (4, b"ET12", Kind("ExecuTorch program")),
    (0, b"7z\xbc\xaf\x27\x1c", Kind("7z archive", is_model=False)),
    (0, b"Rar!\x1a\x07", Kind("RAR archive", is_model=False)),
    (0, GZIP_START, Kind("gzip stream", is_model=False, reader="compressed_file")),
    (0, BZIP2_START, Kind("bzip2 stream", is_model=False, reader="compressed_file")),
    (0, XZ_START, Kind("xz stream", is_model=False, reader="compressed_file")),
    (0, b"\x5d\x00\x00", Kind("lzma stream", is_model=False, reader="compressed_file")),
    (0, b"\x28\xb5\x2f\xfd", Kind("Zstandard stream", is_model=False)),
    (0, b"\x04\x22\x4d\x18", Kind("LZ4 stream", is_model=False)),
    (0, b"PK\x05\x06", Kind("empty zip archive", is_model=False)),
    (0, b"\x7fELF", Kind("program (ELF)", is_model=False)),
    (257, b"ustar", TAR),
    (0, b"version https://git-lfs.github.com/spec/", LFS_POINTER),
)
ZIP_START = b"PK\x03\x04"
# How the first member of a zip betrays what wrote it.
ZIP_MEMBERS: tuple[tuple[str, Kind], ...] = (
    ("data.pkl", Kind("torch checkpoint (zip with a pickle)", reader="zip_file")),
    (".pkl", Kind("zip archive with a pickle", reader="zip_file")),
    (".npy", Kind("NumPy archive (npz)", reader="zip_file")),
    (".weights.h5", Kind("Keras model", reader="zip_file")),
    ("schema.json", Kind("skops file", reader="zip_file")),
    ("archive_format", Kind("torch export (pt2)", reader="zip_file")),
    ("MAR-INF/MANIFEST.json", Kind("TorchServe archive (mar)", reader="zip_file")),
)
ZIP = Kind("zip archive", is_model=False, reader="zip_file")
HEAD_BYTES = 512


def recognise(source: Source) -> Kind:
    """Say what a file holds, reading at most its first 512 bytes."""
    head = source.read_at(0, min(source.size, HEAD_BYTES))
    if not head:
        return EMPTY
    if _is_safetensors(head):
        return SAFETENSORS
    if head.startswith(ZIP_START):
        return _zip_kind(head)
    if TORCH_NUMBER in head[:24] or head.startswith(TORCH_NUMBER_TEXT):
        return LEGACY_TORCH
    for offset, magic, kind in MAGICS:
        if head.startswith(magic, offset):
            return kind
    return _weakly_marked(head)


def is_tar(source: Source) -> bool:
    """Whether Python's tarfile takes the file for an archive: the sum of its first block stands in it, and no mark.

    `torch.load` asks tarfile before it unpickles, so such a file holds other pickles than its first bytes.
    """
    block = source.read_at(0, min(source.size, HEAD_BYTES))
    if len(block) < HEAD_BYTES:
        return False
    field = block[148:156]
    if field[0] in {0o200, 0o377}:
        told = int.from_bytes(field[1:], "big")
    else:
        try:
            told = int(field.partition(b"\0")[0].decode("ascii"), 8)
        except ValueError:
            return False
    rest = block[:148] + block[156:]
    unsigned = 256 + sum(rest)
    return told in {unsigned, unsigned - 256 * sum(byte > 127 for byte in rest)}


def _is_safetensors(head: bytes) -> bool:
    # No text starts so: eight printable characters read as a length beyond any limit.
    return head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= HEADER_LIMIT


def _zip_kind(head: bytes) -> Kind:
    length = int.from_bytes(head[26:28], "little")
    name = head[30 : 30 + length].decode("utf-8", "replace")
    for ending, kind in ZIP_MEMBERS:
        if name.endswith(ending):
            return kind
    return ZIP


def _weakly_marked(head: bytes) -> Kind:
    """Formats without a magic number, told by how they must start."""
    if head[:1] == b"\x08" and head[1:2] <= b"\x14" and head[2:3] in {b"\x12", b"\x1a", b"\x22", b"\x3a"}:
        return Kind("ONNX model")  # ir_version, then the producer's name, or the graph
    if head[:1] == b"\x78" and len(head) > 1 and int.from_bytes(head[:2], "big") % 31 == 0:
        return Kind("zlib stream", is_model=False, reader="compressed_file")
    if head[:3] in {b"(dp", b"(lp", b"(tp"} or head[:2] in {b"}q", b"]q"} or _calls_by_name(head):
        return TEXT_PICKLE  # a list of words can start so too
    if head.lstrip()[:14].lower().startswith((b"<!doctype html", b"<html")):
        return WEB_PAGE
    return UNKNOWN


def _calls_by_name(head: bytes) -> bool:
    """Whether a text pickle starts here with a global: `c`, a module, a name, a line each; perhaps after a mark."""
    start = head.removeprefix(b"(")
    if start[:1] not in {b"c", b"i"}:
        return False
    module, _, rest = start[1:].partition(b"\n")
    name, found, _ = rest.partition(b"\n")
    return bool(found) and all(part.replace(b"_", b"a").replace(b".", b"a").isalnum() for part in (module, name))
