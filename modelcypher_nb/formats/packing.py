"""How streams are packed: gzip, bzip2, xz, lzma, zlib and a zip's deflate, each told by its first bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, cast

from ..errors import UnsupportedFormatError
from ..guard.source import Source
from .magic import BZIP2_START, GZIP_START, XZ_START

__all__ = ["MEMORY_LIMIT", "Codec", "Decoder", "ZlibDecoder", "deflate", "recognised"]

MEMORY_LIMIT = 96 << 20  # `xz -9` has a dictionary of 64 MiB


class Decoder(Protocol):
    """What unpacks one stream; the standard library's decoders of bzip2 and lzma are ones."""

    @property
    def eof(self) -> bool:
        """Whether the stream ended, its checks included."""
        ...

    @property
    def needs_input(self) -> bool:
        """Whether it gives nothing more without more packed bytes."""
        ...

    @property
    def unused_data(self) -> bytes:
        """What it was fed beyond the end of its stream."""
        ...

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Feed packed bytes and get at most `max_length` unpacked ones."""
        ...


class ZlibDecoder:
    """zlib's decoder, which hands back what it didn't consume, as one that keeps it; it can be copied."""

    def __init__(self, window_bits: int, inner: Any = None, tail: bytes = b"", *, needs_input: bool = True) -> None:
        import zlib

        self._window_bits = window_bits
        self._inner = zlib.decompressobj(window_bits) if inner is None else inner
        self._tail = tail
        self.needs_input = needs_input

    @property
    def eof(self) -> bool:
        """Whether the stream ended, its checks included."""
        return bool(self._inner.eof)

    @property
    def unused_data(self) -> bytes:
        """What it was fed beyond the end of its stream."""
        return cast("bytes", self._inner.unused_data)

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Feed packed bytes and get at most `max_length` unpacked ones."""
        unpacked: bytes = self._inner.decompress(self._tail + data, max_length)
        self._tail = self._inner.unconsumed_tail
        # A full piece may leave more behind that needs no input.
        self.needs_input = not self._tail and len(unpacked) < max_length
        return unpacked

    def copy(self) -> ZlibDecoder:
        """The same state again, to come back to."""
        return ZlibDecoder(self._window_bits, self._inner.copy(), self._tail, needs_input=self.needs_input)


class Codec(NamedTuple):
    """One way to pack.

    Attributes:
        name: what to call it.
        magic: how each of its streams starts.
        begin: makes a decoder of one stream.
        errors: what its decoder raises.
        is_repeated: whether several streams may follow each other.
        tool: the command that unpacks it.
    """

    name: str
    magic: bytes
    begin: Callable[[], Decoder]
    errors: tuple[type[Exception], ...]
    is_repeated: bool = False
    tool: str = ""


def _zlib_codec(name: str, magic: bytes, window_bits: int, *, is_repeated: bool = False, tool: str = "") -> Codec:
    import zlib

    return Codec(name, magic, lambda: ZlibDecoder(window_bits), (zlib.error,), is_repeated, tool)


def deflate() -> Codec:
    """The bare stream that a zip's member is."""
    return _zlib_codec("deflate", b"", -15, tool="unzip")


def _gzip() -> Codec:
    return _zlib_codec("gzip", GZIP_START, 31, is_repeated=True, tool="gzip -dk")


def _zlib() -> Codec:
    return _zlib_codec("zlib", b"\x78", 15, tool="pigz -dz")


def _bzip2() -> Codec:
    from bz2 import BZ2Decompressor

    return Codec("bzip2", BZIP2_START, BZ2Decompressor, (OSError, ValueError), is_repeated=True, tool="bzip2 -dk")


def _xz() -> Codec:
    from lzma import FORMAT_XZ, LZMADecompressor, LZMAError

    def begin() -> Decoder:
        return LZMADecompressor(FORMAT_XZ, memlimit=MEMORY_LIMIT)

    return Codec("xz", XZ_START, begin, (LZMAError,), is_repeated=True, tool="xz -dk")


def _lzma() -> Codec:
    from lzma import FORMAT_ALONE, LZMADecompressor, LZMAError

    def begin() -> Decoder:
        return LZMADecompressor(FORMAT_ALONE, memlimit=MEMORY_LIMIT)

    return Codec("lzma", b"\x5d\x00", begin, (LZMAError,), tool="xz -dk --format=lzma")


def recognised(source: Source) -> Codec:
    """The codec that a file's first bytes call for; only then is its module imported."""
    head = source.read_at(0, min(source.size, 6))
    for magic, make in ((GZIP_START, _gzip), (BZIP2_START, _bzip2), (XZ_START, _xz), (b"\x5d\x00", _lzma)):
        if head.startswith(magic):
            return make()
    if head[:1] == b"\x78" and len(head) > 1 and int.from_bytes(head[:2], "big") % 31 == 0:
        return _zlib()
    raise UnsupportedFormatError(
        f"{source.label} is no gzip, bzip2, xz, lzma or zlib stream.", "Unpack it with the program that packed it."
    )
