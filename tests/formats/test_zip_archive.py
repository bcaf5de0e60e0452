from __future__ import annotations

import contextlib
import io
import os
import struct
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelcypher_nb.errors import MalformedError, PathRefusedError, UnsupportedFormatError
from modelcypher_nb.formats.limits import Limits
from modelcypher_nb.formats.zip_archive import ZipArchive
from modelcypher_nb.formats.zip_names import TOLERATED
from modelcypher_nb.guard.names import components
from modelcypher_nb.guard.source import BytesSource, FileSource
from tests.formats.zip_forgery import Entry, end, end64, forge
from tests.formats.zip_lies import LIES, PICKLE, descriptor, zip64_field


class Bounded(BytesSource):
    """Fails the test where a range outside of the bytes is asked for, and counts what is read."""

    def __init__(self, data: bytes, label: str = "file") -> None:
        super().__init__(data, label)
        self.bytes_read = 0

    def read_at(self, offset: int, size: int) -> bytes:
        assert 0 <= offset <= offset + size <= self.size
        self.bytes_read += size
        return super().read_at(offset, size)


class Unseekable(io.RawIOBase):
    """A pipe: zipfile puts sizes after the data."""

    def __init__(self) -> None:
        self.data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.data += data
        return len(data)


def read(data: bytes, limits: Limits | None = None) -> ZipArchive:
    return ZipArchive.read(Bounded(data), limits or Limits())


def content(archive: ZipArchive, name: str) -> bytes:
    source = archive.open(name)
    return source.read_at(0, source.size)


# What real writers make


def saved(value: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


def without_checksums() -> bytes:
    torch.serialization.set_crc32_options(False)
    try:
        return saved({"a": torch.ones(3)})
    finally:
        torch.serialization.set_crc32_options(True)


def scripted() -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.trace(torch.nn.Linear(3, 2), torch.ones(1, 3)), buffer)
    return buffer.getvalue()


def exported() -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.export.save(torch.export.export(torch.nn.Linear(3, 2), (torch.ones(1, 3),)), buffer)
    return buffer.getvalue()


def arrays(save: Callable[..., None]) -> bytes:
    buffer = io.BytesIO()
    save(buffer, w=np.arange(9), W=np.eye(3), **{"layer/kernel:0": np.zeros(4000), "": np.ones(1)})
    return buffer.getvalue()


def zipped(target: Any, method: int) -> None:
    with zipfile.ZipFile(target, "w", method) as archive:
        archive.writestr("data.pkl", PICKLE)
        archive.writestr("folder/", b"")
        archive.writestr("folder/é 模型.bin", bytes(5000))
        archive.writestr("empty", b"")
        with archive.open("large", "w", force_zip64=True) as member:
            member.write(b"abc" * 500)


def seekable(method: int) -> bytes:
    buffer = io.BytesIO()
    zipped(buffer, method)
    return buffer.getvalue()


def streamed(method: int) -> bytes:
    pipe = Unseekable()
    zipped(pipe, method)
    return bytes(pipe.data)


def commented() -> bytes:
    buffer = io.BytesIO(seekable(zipfile.ZIP_STORED))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.comment = b"written by hand PK\x05" * 9
    return buffer.getvalue()


REAL: dict[str, Callable[[], bytes]] = {
    "torch.save": lambda: saved({"a": torch.ones(3), "empty": torch.zeros(0), "b": torch.zeros(100, 100)}),
    "torch.save of nothing": lambda: saved({}),
    "torch.save without checksums": without_checksums,
    "torch.jit.save": scripted,
    "torch.export.save": exported,
    "numpy.savez": lambda: arrays(np.savez),
    "numpy.savez_compressed": lambda: arrays(np.savez_compressed),
    "zipfile, stored": lambda: seekable(zipfile.ZIP_STORED),
    "zipfile, deflated": lambda: seekable(zipfile.ZIP_DEFLATED),
    "zipfile into a pipe, stored": lambda: streamed(zipfile.ZIP_STORED),
    "zipfile into a pipe, deflated": lambda: streamed(zipfile.ZIP_DEFLATED),
    "zipfile with a comment": commented,
    "zipfile of nothing": lambda: end(0, 0, 0),
}


@pytest.mark.parametrize("writer", REAL)
def test_what_a_real_writer_makes_opens_with_the_members_that_python_sees(writer: str) -> None:
    data = REAL[writer]()
    archive = read(data)
    with zipfile.ZipFile(io.BytesIO(data)) as peer:
        files = [info for info in peer.infolist() if not info.is_dir()]
        assert [(m.name, m.size, m.packed_size, m.crc) for m in archive.members.values()] == [
            (info.filename, info.file_size, info.compress_size, info.CRC) for info in files
        ]
        for info in files:
            archive.verify(info.filename)
            if writer != "torch.save without checksums":  # which Python's reader refuses
                assert content(archive, info.filename) == peer.read(info.filename)


@pytest.mark.parametrize("stem", ["run 12:30:01", "what?", "v1.", "aux", "epoch=3-loss=0.1"])
def test_a_checkpoint_opens_whatever_its_file_was_called_when_it_was_saved(tmp_path: Path, stem: str) -> None:
    path = tmp_path / f"{stem}.pt"
    torch.save({"a": torch.ones(3)}, path)
    assert f"{stem}/data.pkl" in read(path.read_bytes()).members


def test_a_torch_archive_beyond_4_gib_opens(tmp_path: Path) -> None:
    path = tmp_path / "huge.pt"  # of holes: it takes 24 KiB on the disk
    writer = torch._C.PyTorchFileWriter(str(path))
    writer.write_record("data.pkl", PICKLE, len(PICKLE))
    sizes = [(4 << 30) + 8, 0, 7, (4 << 30) - 1, (4 << 30) - 2, 3]
    for index, size in enumerate(sizes):
        writer.write_record_metadata(f"data/{index}", size)
    writer.write_end_of_file()
    with path.open("rb") as file:
        source = FileSource(file, "huge.pt", os.fstat(file.fileno()).st_size)
        archive = ZipArchive.read(source)
        assert [archive.members[f"huge/data/{index}"].size for index in range(len(sizes))] == sizes
        assert all(archive.members[f"huge/data/{index}"].offset % 64 == 0 for index in range(len(sizes)))
        archive.verify("huge/version")
        assert content(archive, "huge/version") == b"3\n"


def test_more_members_than_an_end_record_counts_open_through_the_zip64_end() -> None:
    entries = [Entry(b"m/%d" % index) for index in range(70_000)]
    data = forge(*entries, zip64=True)
    assert len(read(data).members) == 70_000
    with pytest.raises(MalformedError, match="MC_LIMIT_MEMBERS=690000"):
        read(data, Limits(members=69_000))


def test_a_stored_member_is_a_range_of_the_archive() -> None:
    archive = read(forge(Entry(b"a", b"first"), Entry(b"b", b"second")))
    source = archive.open("b")
    assert source.read_at(1, 3) == b"eco"
    assert archive.source.read_at(archive.members["b"].offset, 6) == b"second"
    with pytest.raises(MalformedError, match="were asked for"):
        source.read_at(4, 3)


def test_a_deflated_member_is_read_anywhere() -> None:
    data = os.urandom(300_000) + bytes(2_000_000)
    source = read(forge(Entry(b"a", data, method=8))).open("a")
    assert source.size == len(data)
    for offset, size in ((0, 10), (299_990, 20), (5, 70_000), (2_299_999, 1), (2_300_000, 0), (0, len(data))):
        assert source.read_at(offset, size) == data[offset : offset + size]


def test_a_name_that_is_no_member_is_a_refusal() -> None:
    with pytest.raises(MalformedError, match="no member 'data\\.pkl'"):
        read(forge(Entry(b"a"))).open("data.pkl")


# What lies


@pytest.mark.parametrize("lie", LIES)
def test_an_archive_that_readers_could_read_differently_is_refused(lie: str) -> None:
    data, fault = LIES[lie]
    with pytest.raises(MalformedError, match=fault) as caught:
        read(data)
    assert caught.value.remedy


@pytest.mark.parametrize(
    "name",
    [
        b"../a", b"/a", b"a/../../b", b"a//b", b"a/./b", b"..", b".", b"", b"/", b"\\a", b"..\\a", b"C:/a", b"c:a",
        b"\\\\server\\share", b"a\x00.pkl", b"a\nb", b"a\x1b[2Jb", b"a" * 300, b"a/" * 3000 + b"a",
        b"a/.../..",
    ],
)  # fmt: skip
def test_a_name_that_could_leave_a_folder_or_deceive_is_refused(name: bytes) -> None:
    with pytest.raises(MalformedError, match="which is refused"):
        read(forge(Entry(name)))
    with pytest.raises(MalformedError, match="which is refused"):
        read(forge(Entry(b"x"), Entry(b"a/x"), Entry(name)))


@pytest.mark.parametrize("name", ["a\u202egpj.pkl", "a\u200b"])
def test_a_name_that_reads_as_another_is_refused(name: str) -> None:
    with pytest.raises(MalformedError, match="invisible") as caught:
        read(forge(Entry(name.encode(), flags=1 << 11)))
    assert name not in str(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        "a b/12:30?.pt",
        "aux",
        "v1./x",
        "...",
        "w/.hidden",
        "模型/é.pkl",
        "\U0001f600",
        "a/c:b",
        "x" * 250,
        "ж" * 120,
        "[0]^_`{|}~",
    ],
)
def test_a_name_that_leaves_no_folder_is_let_be(name: str) -> None:
    assert list(read(forge(Entry(name.encode(), flags=1 << 11))).members) == [name]


PARTS = st.sampled_from(
    ["a", "é", ".", "..", "", "aux", "b:", "c.", "\u200b", "\\", "\U0001f600", "x" * 253, "ж" * 127, "?*"]
)


@given(st.lists(PARTS, min_size=1, max_size=5).map("/".join))
def test_a_name_that_is_let_be_is_one_that_paths_let_be_but_for_what_only_windows_minds(name: str) -> None:
    mended = name.removesuffix("/").split("/")
    try:
        components("/".join(part if part in {"", ".", ".."} else f"_{part.translate(TOLERATED)}_" for part in mended))
    except PathRefusedError:
        with pytest.raises(MalformedError, match="which is refused"):
            read(forge(Entry(name.encode(), flags=1 << 11)))
    else:
        starts_with_drive = name.startswith("b:")
        with pytest.raises(MalformedError) if starts_with_drive else contextlib.nullcontext():
            read(forge(Entry(name.encode(), flags=1 << 11)))


def test_an_array_may_be_called_like_a_drive() -> None:
    assert list(read(forge(Entry(b"w:0.npy"), Entry(b"W:0.npy"))).members) == ["w:0.npy", "W:0.npy"]


@pytest.mark.parametrize("method", [1, 9, 12, 14, 93, 99, 65535])
def test_a_method_that_is_not_read_is_said_to_be_unsupported(method: int) -> None:
    with pytest.raises(UnsupportedFormatError, match=f"method {method},"):
        read(forge(Entry(b"a", b"data", method=method)))


@pytest.mark.parametrize("method", [0, 8])
def test_verify_notices_changed_data(method: int) -> None:
    data = forge(Entry(b"a", b"data" * 9, method=method, local={"crc": 5}, central={"crc": 5}))
    with pytest.raises(MalformedError, match="CRC-32"):
        read(data).verify("a")


@pytest.mark.parametrize("size", [0, 8, 10, 100_000])
def test_a_deflated_member_of_another_size_is_refused_when_it_is_read(size: int) -> None:
    data = forge(Entry(b"a", b"data data", method=8, local={"size": size}, central={"size": size}))
    archive = read(data)
    with pytest.raises(MalformedError, match=f"doesn't unpack to the {size:,} bytes"):
        content(archive, "a")
    with pytest.raises(MalformedError, match="doesn't unpack"):  # nor by asking again
        content(archive, "a")


@pytest.mark.parametrize("change", [lambda p: p + b"x", lambda p: p[:-1], lambda p: b"\x06" + p[1:], lambda p: p[:0]])
def test_a_deflated_member_that_is_damaged_is_refused_when_it_is_read(change: Callable[[bytes], bytes]) -> None:
    packed = change(Entry(b"a", b"data data", method=8).packed_data())
    archive = read(forge(Entry(b"a", b"data data", method=8, packed=packed)))
    source = archive.open("a")
    for _ in range(2):  # nor by asking again
        with pytest.raises(MalformedError, match="member a"):
            source.read_at(0, 9)


def test_a_member_that_unpacks_to_too_much_is_refused_before_it_is_read() -> None:
    entry = Entry(b"a", bytes(1_000_000), method=8)
    archive = read(forge(entry), Limits(unpacked_slack=10_000, unpacked_ratio=100))
    with pytest.raises(MalformedError, match="MC_LIMIT_UNPACKED_RATIO=1000"):
        archive.open("a")
    assert read(forge(entry), Limits(unpacked_slack=10_000, unpacked_ratio=1000)).open("a").size == 1_000_000


def test_many_members_that_unpack_to_too_much_together_are_refused() -> None:
    entries = [Entry(b"%d" % index, bytes(100_000), method=8) for index in range(50)]
    archive = read(forge(*entries), Limits(unpacked_slack=1_000_000, unpacked_ratio=100))
    with pytest.raises(MalformedError, match="MC_LIMIT_UNPACKED_RATIO"):
        archive.open("1")


def test_an_end_that_promises_a_million_members_is_refused_before_its_directory_is_read() -> None:
    source = Bounded(end64(1_000_000, 46_000_000, 0, 46_000_000).rjust(46_000_076) + end(0xFFFF, 46_000_000, 0))
    with pytest.raises(MalformedError, match="1,000,000 members"):
        ZipArchive.read(source)
    assert source.bytes_read < 1000


def test_a_directory_of_huge_names_is_refused_before_it_is_read() -> None:
    entries = [Entry(b"a" * 4_000 + b"%d" % index) for index in range(100)]
    with pytest.raises(MalformedError, match="MC_LIMIT_MEMBERS"):
        read(forge(*entries), Limits(members=1000))


def test_reading_a_directory_takes_little_more_than_its_members() -> None:
    data = forge(*[Entry(b"m/data/%d" % index, bytes(5000)) for index in range(300)])
    source = Bounded(data)
    ZipArchive.read(source)
    assert source.bytes_read < len(data) * 0.9
    source = Bounded(forge(Entry(b"a", bytes(1 << 20)), Entry(b"b", bytes(1 << 20))))
    ZipArchive.read(source)
    assert source.bytes_read < 20_000


def test_the_data_of_a_member_is_verified_a_piece_at_a_time() -> None:
    data = saved({"a": torch.zeros(8 << 20, dtype=torch.uint8)})
    archive = read(data)
    tracemalloc.start()
    archive.verify("archive/data/0")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 << 20


# Whatever the bytes, an answer

SEEDS = [
    forge(Entry(b"a", b"data"), Entry(b"b/c", b"x" * 90, method=8), Entry(b"b/"), zip64=True),
    seekable(zipfile.ZIP_DEFLATED),
    streamed(zipfile.ZIP_STORED),
    saved({"a": torch.ones(3)}),
]


def answer(data: bytes) -> dict[str, bytes] | None:
    """All members, verified; None for a refusal; anything else fails the test."""
    try:
        archive = read(data, Limits(unpacked_slack=1 << 20, unpacked_ratio=10))
        for name in archive.members:
            archive.verify(name)
        return {name: content(archive, name) for name in archive.members}
    except (MalformedError, UnsupportedFormatError):
        return None


@pytest.mark.parametrize("seed", range(len(SEEDS)))
def test_every_truncation_is_refused(seed: int) -> None:
    data = SEEDS[seed]
    for length in range(0, len(data), 7):
        assert answer(data[:length]) is None


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_whatever_is_flipped_the_answer_is_what_python_reads_or_a_refusal(data: st.DataObject) -> None:
    archive = bytearray(data.draw(st.sampled_from(SEEDS)))
    # Most of what can lie stands at the end.
    places = st.one_of(st.integers(0, len(archive) - 1), st.integers(max(0, len(archive) - 600), len(archive) - 1))
    for place in data.draw(st.lists(places, min_size=1, max_size=4)):
        archive[place] ^= 1 << data.draw(st.integers(0, 7))
    found = answer(bytes(archive))
    if found is not None:
        with zipfile.ZipFile(io.BytesIO(archive)) as peer:
            assert set(found) == {info.filename for info in peer.infolist() if not info.is_dir()}
            for info in peer.infolist():
                if not info.is_dir() and info.CRC:
                    assert peer.read(info) == found[info.filename]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_what_torch_reads_from_an_archive_that_was_accepted_is_what_was_judged(data: st.DataObject) -> None:
    archive = bytearray(data.draw(st.sampled_from(TORCH_SEEDS)))
    for place in data.draw(st.lists(st.integers(0, len(archive) - 1), min_size=1, max_size=3)):
        archive[place] ^= 1 << data.draw(st.integers(0, 7))
    found = answer(bytes(archive))
    if found is None:
        return
    root = next(iter(found)).partition("/")[0] + "/"
    try:
        peer = torch._C.PyTorchFileReader(io.BytesIO(archive))
    except RuntimeError:
        return  # it refuses more than we do: a name, a version
    assert {root + name for name in peer.get_all_records()} == {name for name in found if name.startswith(root)}
    for name in peer.get_all_records():
        assert peer.get_record(name) == found[root + name]


TORCH_SEEDS = [
    saved({"a": torch.ones(3), "empty": torch.zeros(0)}),
    forge(*[Entry(b"m/" + name, b"3\n", method=8) for name in (b"data.pkl", b"version", b"data/0")], zip64=True),
]
FIELD16 = st.one_of(st.sampled_from([0, 1, 8, 0x800, 0xFFFF]), st.integers(0, 0xFFFF))
FIELD32 = st.one_of(st.sampled_from([0, 4, 0xFFFFFFFF]), st.integers(0, 400))
EXTRA = st.one_of(
    st.just(b""), st.binary(max_size=12), st.builds(zip64_field, st.integers(0, 400), st.integers(0, (1 << 64) - 1))
)
SAID = st.fixed_dictionaries(
    {},
    optional={
        "flags": FIELD16, "method": FIELD16, "crc": FIELD32, "packed": FIELD32, "size": FIELD32, "extra": EXTRA,
        "name": st.binary(max_size=8),
    },
)  # fmt: skip
SAID_IN_DIRECTORY = st.builds(
    lambda said, more: said | more,
    SAID,
    st.fixed_dictionaries(
        {}, optional={"mode": st.integers(0, 0xFFFFFFFF), "header": FIELD32, "disk": FIELD16, "comment": EXTRA}
    ),
)
ENTRY = st.builds(
    Entry,
    name=st.sampled_from([b"a", b"b", b"A", b"c/", b"c/d", "é".encode(), b"../a"]),
    data=st.binary(max_size=20),
    method=st.sampled_from([0, 0, 8, 12]),
    local=st.one_of(st.just({}), SAID),
    central=st.one_of(st.just({}), SAID_IN_DIRECTORY),
    descriptor=st.one_of(st.just(b""), st.binary(max_size=24), st.builds(descriptor, FIELD32, FIELD32, FIELD32)),
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    entries=st.lists(ENTRY, max_size=4),
    before=st.binary(max_size=3),
    between=st.binary(max_size=3),
    comment=st.binary(max_size=30),
    zip64=st.booleans(),
    shift=st.integers(-2, 2),
)
def test_a_directory_at_random_is_read_or_refused(entries: list[Entry], shift: int, **more: Any) -> None:
    try:
        data = forge(*entries, shift=shift, **more)
    except struct.error:
        return  # shifted to before the file
    answer(data)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    answer(data)
    answer(data + SEEDS[0])
    answer(SEEDS[0] + data)
