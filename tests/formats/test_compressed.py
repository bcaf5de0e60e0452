from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import struct
import tracemalloc
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelcypher_nb.errors import MalformedError, UnsupportedFormatError
from modelcypher_nb.formats.compressed import KEPT_BYTES, unwrap
from modelcypher_nb.formats.limits import LIMITS, Limits
from modelcypher_nb.guard.source import BytesSource, Source

MIB = 1 << 20
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data, 1, mtime=0),
    "bzip2": lambda data: bz2.compress(data, 1),
    "xz": lambda data: lzma.compress(data, preset=0),
    "xz without check": lambda data: lzma.compress(data, check=lzma.CHECK_NONE, preset=0),
    "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE, preset=0),
    "zlib": lambda data: zlib.compress(data, 1),
}
PATTERN = b"".join(b"%08d" % number for number in range(700_000))
PACKED = {name: pack(PATTERN) for name, pack in PACKERS.items()}
REPEATED = ["gzip", "bzip2", "xz"]
CHECKED = ["gzip", "bzip2", "xz", "zlib"]


class Counting(BytesSource):
    """Fails the test where a range outside of the bytes is asked for, and counts what is read."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data, "model.gz")
        self.bytes_read = 0

    def read_at(self, offset: int, size: int) -> bytes:
        assert 0 <= offset <= offset + size <= self.size
        self.bytes_read += size
        return super().read_at(offset, size)


def unpacked(data: bytes, limits: Limits = LIMITS) -> Source:
    return unwrap(Counting(data), limits)


def whole(source: Source) -> bytes:
    return source.read_at(0, source.size)


@pytest.fixture(scope="module")
def mixed() -> bytes:
    """More than stays in memory; neither all random, nor all the same."""
    return b"".join(os.urandom(60_000) + bytes(200_000) + b"words " * 10_000 for _ in range(20))


@pytest.mark.parametrize("packer", PACKERS)
@pytest.mark.parametrize("data", [b"", b"x", b"words " * 9, bytes(70_000), os.urandom(200_000)], ids=len)
def test_what_was_packed_comes_out(packer: str, data: bytes) -> None:
    source = unpacked(PACKERS[packer](data))
    assert source.size == len(data)
    assert whole(source) == data


@pytest.mark.parametrize("packer", PACKERS)
def test_a_big_stream_is_read_anywhere(packer: str, mixed: bytes) -> None:
    source = unpacked(PACKERS[packer](mixed))
    assert source.size == len(mixed) > KEPT_BYTES
    places = [
        (0, 10),
        (65_530, 12),
        (3, 200_000),
        (4_000_000, 1),
        (3_999_990, 20),
        (len(mixed) - 1, 1),
        (len(mixed), 0),
    ]
    for offset, size in places:
        assert source.read_at(offset, size) == mixed[offset : offset + size]
    buffer = bytearray(len(mixed) - 7)
    source.read_into(7, memoryview(buffer))
    assert buffer == mixed[7:]


@pytest.mark.parametrize("packer", REPEATED)
def test_streams_that_follow_each_other_are_one(packer: str) -> None:
    parts = [b"first", b"", os.urandom(100_000), b"last" * 9]
    assert whole(unpacked(b"".join(map(PACKERS[packer], parts)))) == b"".join(parts)


@pytest.mark.parametrize(
    "method", [("zlib", 3), ("gzip", 3), ("bz2", 3), ("lzma", 3), ("xz", 3), ("lzma", 9), ("xz", 9)]
)
def test_what_joblib_packs_comes_out(method: tuple[str, int]) -> None:
    plain, packed = io.BytesIO(), io.BytesIO()
    value = {"a": np.arange(1000), "b": "text"}
    joblib.dump(value, plain)
    joblib.dump(value, packed, compress=method)
    found = whole(unpacked(packed.getvalue()))
    assert b"numpy_array_alignment_bytes" in found
    assert joblib.load(io.BytesIO(found))["b"] == "text"
    assert value["a"].tobytes() in found


def test_a_gzip_file_with_a_name_a_comment_and_a_checked_header_comes_out() -> None:
    head = b"\x1f\x8b\x08\x1e" + bytes(6) + struct.pack("<H", 4) + b"abcd" + b"name\x00" + b"comment\x00"
    head += struct.pack("<H", zlib.crc32(head) & 0xFFFF)
    assert whole(unpacked(head + gzip.compress(b"data", mtime=0)[10:])) == b"data"


@pytest.mark.parametrize("head", [b"", b"P", b"\x78", b"\x78\x02", b"text", b"\x28\xb5\x2f\xfd"])
def test_what_is_packed_otherwise_is_said_to_be_unsupported(head: bytes) -> None:
    with pytest.raises(UnsupportedFormatError, match="is no gzip"):
        unpacked(head)


@pytest.mark.parametrize("packer", PACKERS)
@pytest.mark.parametrize("data", [b"words " * 9, os.urandom(100_000)], ids=len)
def test_a_stream_that_is_cut_is_refused(packer: str, data: bytes) -> None:
    packed = PACKERS[packer](data)
    for length in {8, len(packed) // 2, len(packed) - 9, len(packed) - 1}:
        with pytest.raises(MalformedError, match="ends within its") as caught:
            unpacked(packed[:length])
        assert caught.value.remedy


@pytest.mark.parametrize("packer", PACKERS)
@pytest.mark.parametrize("junk", [b"\x00", b"x", b"\x00" * 100, b"PK\x03\x04", b"\x1f\x8a\x08", b"\xfd7zXY\x00"])
def test_a_stream_that_is_followed_by_something_is_refused(packer: str, junk: bytes) -> None:
    with pytest.raises(MalformedError, match="goes on after its"):
        unpacked(PACKERS[packer](b"data") + junk)


@pytest.mark.parametrize("packer", ["lzma", "zlib"])
def test_a_second_stream_is_refused_where_no_reader_expects_one(packer: str) -> None:
    with pytest.raises(MalformedError, match="goes on after its"):
        unpacked(PACKERS[packer](b"data") * 2)


@pytest.mark.parametrize("packer", CHECKED)
def test_a_changed_byte_is_noticed(packer: str) -> None:
    packed = PACKERS[packer](os.urandom(3000))
    for place in (len(packed) // 2, len(packed) - 2):  # bzip2's last byte is partly filling
        changed = bytearray(packed)
        changed[place] ^= 0x10
        with pytest.raises(MalformedError):
            unpacked(bytes(changed))


@pytest.mark.parametrize("place", [-8, -4])
def test_a_gzip_trailer_that_lies_is_refused(place: int) -> None:
    packed = bytearray(gzip.compress(b"data", mtime=0))
    packed[place] ^= 1
    with pytest.raises(MalformedError, match="doesn't unpack"):
        unpacked(bytes(packed))


def test_a_zlib_stream_that_needs_a_dictionary_is_refused() -> None:
    packer = zlib.compressobj(zdict=b"secret words")
    with pytest.raises(MalformedError, match="doesn't unpack"):
        unpacked(packer.compress(b"secret words") + packer.flush())


# What asks for too much


@pytest.mark.parametrize("packer", PACKERS)
def test_a_bomb_ends_where_the_setting_says(packer: str) -> None:
    packed = PACKERS[packer](bytes(4 * MIB))
    limits = Limits(unpacked_slack=MIB, unpacked_ratio=1)
    with pytest.raises(MalformedError, match="MC_LIMIT_UNPACKED_RATIO=10"):
        unpacked(packed, limits)
    assert unpacked(packed, Limits(unpacked_slack=4 * MIB)).size == 4 * MIB


def test_a_bomb_is_read_no_further_than_its_limit() -> None:
    source = Counting(zlib.compress(bytes(400 * MIB)))
    with pytest.raises(MalformedError, match="more than"):
        unwrap(source, Limits(unpacked_ratio=0, unpacked_slack=MIB))
    assert source.bytes_read < 70_000


@pytest.mark.parametrize("packer", REPEATED)
def test_a_bomb_of_many_streams_ends_where_the_setting_says(packer: str) -> None:
    packed = PACKERS[packer](bytes(100_000)) * 20
    with pytest.raises(MalformedError, match="MC_LIMIT_UNPACKED_RATIO"):
        unpacked(packed, Limits(unpacked_slack=MIB, unpacked_ratio=0))


@pytest.mark.parametrize("packer", REPEATED)
def test_empty_streams_without_end_are_refused(packer: str) -> None:
    packed = PACKERS[packer](b"") * 1001
    with pytest.raises(MalformedError, match=r"MC_LIMIT_MEMBERS=10000"):
        unpacked(packed, Limits(members=1000))
    source = Counting(packed)
    assert unwrap(source, Limits(members=1001)).size == 0
    assert source.bytes_read < 600 * 1001


@pytest.mark.parametrize("form", [lzma.FORMAT_XZ, lzma.FORMAT_ALONE])
def test_a_dictionary_of_a_gib_is_refused(form: int) -> None:
    filters = [{"id": lzma.FILTER_LZMA2 if form == lzma.FORMAT_XZ else lzma.FILTER_LZMA1, "preset": 0}]
    packed = bytearray(lzma.compress(b"data", form, filters=filters))
    if form == lzma.FORMAT_XZ:
        packed[16] = 36  # the dictionary's size, as the xz block header codes it
        packed[20:24] = struct.pack("<L", zlib.crc32(packed[12:20]))
    else:
        packed[1:5] = struct.pack("<L", 1 << 30)
    tracemalloc.start()
    with pytest.raises(UnsupportedFormatError, match="96 MiB"):
        unpacked(bytes(packed))
    tracemalloc.stop()


@pytest.mark.parametrize("packer", PACKERS)
def test_a_big_stream_is_never_held_whole(packer: str) -> None:
    packed = PACKERS[packer](bytes(48 * MIB))
    tracemalloc.start()
    source = unpacked(packed)
    for offset in range(0, source.size, MIB):
        source.read_at(offset, MIB)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 12 * MIB


@pytest.mark.parametrize("packer", ["gzip", "zlib"])
def test_reading_backward_costs_a_share_of_the_stream(packer: str) -> None:
    data = os.urandom(16 * MIB)
    counting = Counting(PACKERS[packer](data))
    source = unwrap(counting)
    counting.bytes_read = 0
    for offset in range(source.size - 10, 0, -MIB):
        assert source.read_at(offset, 10) == data[offset : offset + 10]
    assert counting.bytes_read < 40 * MIB


def test_reading_backward_without_end_is_refused_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelcypher_nb.formats.compressed.WORK_SLACK_BYTES", 0)
    monkeypatch.setattr("modelcypher_nb.formats.compressed.WORK_PASSES", 16)
    source = unpacked(bz2.compress(bytes(8 * MIB)))
    for _ in range(16):  # the first pass is the reading of the last byte
        source.read_at(source.size - 1, 1)
    for offset in range(15):
        source.read_at(offset, 1)
        source.read_at(source.size - 1, 1)
    with pytest.raises(UnsupportedFormatError, match="bzip2 -dk"):
        [source.read_at(offset, 1) for offset in (0, source.size - 1)]


def test_a_range_outside_is_refused() -> None:
    source = unpacked(gzip.compress(bytes(8 * MIB)))
    for offset, size in ((-1, 1), (0, 8 * MIB + 1), (8 * MIB, 1), (1 << 70, 1), (0, -1)):
        with pytest.raises(MalformedError, match="were asked for"):
            source.read_at(offset, size)
    with pytest.raises(MalformedError, match="were asked for"):
        source.read_into(8 * MIB, memoryview(bytearray(1)))


def test_a_read_that_was_interrupted_is_read_right_the_next_time() -> None:
    class Interrupting(BytesSource):
        left = 1 << 60

        def read_at(self, offset: int, size: int) -> bytes:
            self.left -= 1
            if not self.left:
                raise KeyboardInterrupt
            return super().read_at(offset, size)

    packed = Interrupting(zlib.compress(PATTERN), "model")
    source = unwrap(packed)
    for reads in range(1, 12):
        packed.left = reads
        with pytest.raises(KeyboardInterrupt):
            source.read_at(0, source.size)
        packed.left = 1 << 60
        for offset in (70_000, 0, 65_536, source.size - 8):
            assert source.read_at(offset, 8) == PATTERN[offset : offset + 8]


@pytest.mark.parametrize("packer", ["zlib", "bzip2"])
def test_threads_that_read_the_same_source_get_their_own_bytes(packer: str) -> None:
    source = unwrap(BytesSource(PACKED[packer], "model"))

    def right(offset: int) -> bool:
        return source.read_at(offset, 5_000) == PATTERN[offset : offset + 5_000]

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(right, [number * 700_000 % 5_500_000 for number in range(60)]))


# Whatever the bytes, an answer


def answer(data: bytes) -> bytes | None:
    try:
        return whole(unpacked(data, Limits(unpacked_slack=MIB, unpacked_ratio=2, members=50)))
    except (MalformedError, UnsupportedFormatError):
        return None


SEEDS = [pack(part) for pack in PACKERS.values() for part in (b"", b"words and words " * 40, os.urandom(3000))]


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_whatever_is_flipped_or_cut_the_answer_is_bytes_or_a_refusal(data: st.DataObject) -> None:
    packed = bytearray(data.draw(st.sampled_from(SEEDS)))
    for place in data.draw(st.lists(st.integers(0, len(packed) - 1), max_size=4)):
        packed[place] ^= 1 << data.draw(st.integers(0, 7))
    del packed[data.draw(st.integers(len(packed) // 2, len(packed))) :]
    answer(bytes(packed))


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(
        [b"\x1f\x8b\x08\x00", b"BZh9", b"BZh91AY&SY", b"\xfd7zXZ\x00", b"\x5d\x00\x00", b"\x78\x9c", b"\x78\x01"]
    ),
    st.binary(max_size=300),
)
def test_any_bytes_after_a_mark_are_read_or_refused(mark: bytes, data: bytes) -> None:
    answer(mark + data)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(PACKERS)),
    st.lists(st.tuples(st.integers(0, 5_500_000), st.integers(0, 200_000)), max_size=12),
)
def test_any_order_of_reading_gives_the_same_bytes(packer: str, places: list[tuple[int, int]]) -> None:
    source = unwrap(BytesSource(PACKED[packer], "model"))
    for offset, size in places:
        size = min(size, source.size - offset)  # noqa: PLW2901 - a range within
        assert source.read_at(offset, size) == PATTERN[offset : offset + size]
