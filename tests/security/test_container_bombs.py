"""Archives and streams made to cost more than they weigh: each is read or refused in 2 s and 200 MB."""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.formats.zip_forgery import Entry, end, forge

pytestmark = pytest.mark.slow

MIB = 1 << 20
EMOJI = "\U0001f600".encode()
READING = """
import math, os, resource, sys, time
from modelcypher_nb.errors import MalformedError, UnsupportedFormatError
from modelcypher_nb.formats.compressed import unwrap
from modelcypher_nb.formats.zip_archive import ZipArchive
from modelcypher_nb.guard.source import FileSource

file = open(sys.argv[1], "rb")
source = FileSource(file, "bomb", os.fstat(file.fileno()).st_size)
idle = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (idle + 200_000_000,) * 2)
resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(time.process_time() + 2),) * 2)
try:
    if source.read_at(0, 2) == b"PK":
        archive = ZipArchive.read(source)
        for name in archive.members:
            archive.verify(name)
    else:
        unwrap(source)
    print("read")
except (MalformedError, UnsupportedFormatError) as error:
    print(error)
"""


def huge_dictionary() -> bytes:
    packed = bytearray(lzma.compress(b"data", filters=[{"id": lzma.FILTER_LZMA2, "preset": 0}]))
    packed[16] = 36  # 1 GiB, as the xz block header codes it
    packed[20:24] = struct.pack("<L", zlib.crc32(packed[12:20]))
    return bytes(packed)


def overlapping() -> bytes:
    """Fifield's: a directory of thousands over one packed kernel."""
    kernel = Entry(b"0" * 5, bytes(10 * MIB), method=8)
    body = kernel.beside()
    records = b"".join(Entry(b"%05d" % index, kernel.data[:1], method=8).record(0) for index in range(5000))
    return body + records + end(5000, len(records), len(body))


def lying_sizes() -> bytes:
    zeros = Entry(b"", bytes(200 * MIB), method=8).packed_data()
    entries = [
        Entry(b"%d" % index, b"", method=8, packed=zeros, local={"size": 100}, central={"size": 100})
        for index in range(9)
    ]
    return forge(*entries)


BOMBS: dict[str, tuple[Callable[[], bytes], str]] = {
    "gzip": (lambda: gzip.compress(bytes(400 * MIB), 9), "MC_LIMIT_UNPACKED_RATIO"),
    "gzip of many": (lambda: gzip.compress(bytes(100_000), 9) * 5_000, "MC_LIMIT_UNPACKED_RATIO"),
    "gzip of empty ones": (lambda: gzip.compress(b"") * 300_000, "MC_LIMIT_MEMBERS"),
    "zlib": (lambda: zlib.compress(bytes(400 * MIB), 9), "MC_LIMIT_UNPACKED_RATIO"),
    "bzip2": (lambda: bz2.compress(bytes(400 * MIB)), "MC_LIMIT_UNPACKED_RATIO"),
    "xz": (lambda: lzma.compress(bytes(400 * MIB), preset=0), "MC_LIMIT_UNPACKED_RATIO"),
    "xz with a huge dictionary": (huge_dictionary, "96 MiB"),
    "xz with the largest dictionary of `xz -9`": (lambda: lzma.compress(bytes(60 * MIB), preset=9), "read"),
    "zip": (lambda: forge(Entry(b"a", bytes(400 * MIB), method=8)), "MC_LIMIT_UNPACKED_RATIO"),
    "zip with overlapping members": (overlapping, "fill the file"),
    "zip that lies about what its members unpack to": (lying_sizes, "doesn't unpack to the 100 bytes"),
    "zip of too many members": (
        lambda: forge(*[Entry(b"%d" % index) for index in range(200_001)], zip64=True), "MC_LIMIT_MEMBERS",
    ),
    "zip of as many members as are read": (
        lambda: forge(*[Entry(b"%d" % index) for index in range(200_000)], zip64=True), "read",
    ),
    "zip of huge names": (lambda: forge(*[Entry(b"%d" % at * 9_000) for at in range(1_500)]), "MC_LIMIT_MEMBERS"),
    "zip of as many long names as are read": (
        lambda: forge(*[Entry(b"%04d/a" % at * 680) for at in range(4_500)]), "read",
    ),
    "zip of names that take more in memory": (
        lambda: forge(*[Entry(EMOJI + b"/a%04d" % at * 680, flags=1 << 11) for at in range(4_500)]), "read",
    ),
    "zip of millions of odd names of folders": (
        lambda: forge(*[Entry((EMOJI + b"/") * 816 + b"%04d" % at, flags=1 << 11) for at in range(4_500)]), "read",
    ),
    "zip of a deep name": (lambda: forge(Entry(b"a/" * 32_000 + b"a")), "longer than 4096 bytes"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BOMBS)
def test_a_container_bomb_ends_within_2_seconds_and_200_megabytes(kind: str, tmp_path: Path) -> None:
    build, answer = BOMBS[kind]
    bomb = tmp_path / "bomb"
    bomb.write_bytes(build())
    done = subprocess.run(
        [sys.executable, "-c", READING, str(bomb)], capture_output=True, text=True, check=True, timeout=120
    )
    assert answer in done.stdout
