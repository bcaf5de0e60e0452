"""Real files that were changed, through the one door: every answer is a verdict, and nothing is imported or overread.

`MC_FUZZ_CASES` is the number of files in the long test (1,000,000 where it isn't set), `MC_FUZZ_SEED` the seed.
"""

from __future__ import annotations

import os
import random
import sys
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from modelcypher_nb.formats import detect
from modelcypher_nb.formats.report import VERDICTS
from modelcypher_nb.guard.paths import Guard
from modelcypher_nb.guard.roots import Root
from tests.formats.test_gguf import Forge, full
from tests.samples import benign, hostile_calls, hostile_containers, hostile_readings, hostile_streams
from tests.samples.assembler import Built, Call, Name
from tests.samples.containers import Entry, joblib_array, legacy, npy, torch_zip, wrapped, zipped

CASES = int(os.environ.get("MC_FUZZ_CASES", "1000000"))
SEED = int(os.environ.get("MC_FUZZ_SEED", "1"))
FEW = 4_000
LARGEST_SEED = 16 << 10
SLOWEST_SECONDS = 5.0  # of processor time, for one case: what takes longer hangs
SPLICES = [
    b"\x80\x02", b"\x80\x05", b"\x95" + bytes(8), b".", b"(", b"R", b"\x81", b"b", b"\x94", b"h\x00", b"q\x00",
    b"j" + b"\xff" * 4, b"\x8e" + b"\xff" * 8, b"\x8b\xff\xff\xff\x7f", b"X\xff\xff\xff\xff", b"cposix\nsystem\n",
    b"PK\x03\x04", b"PK\x05\x06", b"\x93NUMPY\x01\x00", b"GGUF\x03\x00\x00\x00", b"\xff" * 8, bytes(8),
    b"(99999999999,)", b"'|O'", b"{", b'"', b"]]]]", b"9" * 40, b"\x1f\x8b\x08\x00", b"\n", b"\xed\xa0\x80",
]  # fmt: skip
Wrap = Callable[[bytes], bytes]


def changed(dice: random.Random, data: bytes, other: bytes) -> bytes:
    """One to four changes: bits, cuts, doubled parts, splices, a part of another file."""
    found = bytearray(data)
    for _ in range(dice.choice((1, 1, 1, 2, 4))):
        at = dice.randrange(len(found) + 1)
        match dice.randrange(7):
            case 0 | 1:
                found[at : at + 1] = bytes(byte ^ (1 << dice.randrange(8)) for byte in found[at : at + 1])
            case 2:
                del found[at : at + dice.randint(1, 40)]
            case 3:
                found[at:at] = found[at : at + dice.randint(1, 60)]
            case 4:
                found[at:at] = dice.choice(SPLICES)
            case 5:
                splice = dice.choice(SPLICES)
                found[at : at + len(splice)] = splice
            case _:
                start = dice.randrange(len(other) + 1)
                found[at:at] = other[start : start + dice.randint(1, 80)]
    return bytes(found)


OBJECTS = Built(Call(Name("numpy", "dtype"), ("O8", False, True)), (3, "|", None, None, None, -1, -1, 63))
# A pickle that was changed is put where its container is sound: a checksum would refuse it before anybody looks.
WRAPS: dict[str, Wrap] = {
    ".pkl": lambda data: data,
    ".pt": torch_zip,
    ".pth": lambda data: legacy(content=data),
    ".npy": npy,
    ".npz": lambda data: zipped(Entry("a.npy", npy(data))),
    ".joblib": lambda data: joblib_array(OBJECTS, (1,), data),
    ".pkl.gz": lambda data: wrapped(data, "gz"),
    ".ckpt": lambda data: wrapped(data, "xz"),
    ".pt2": lambda data: zipped(
        Entry("a/archive_format", b"pt2"), Entry("a/data/sample_inputs/model.pt", data), Entry("a/byteorder", b"little")
    ),
    ".bin": zlib.compress,
}


def _inner(data: bytes) -> bytes:
    """The pickle of a checkpoint of ours, where it is one."""
    at = data.find(b"\x80")
    end = data.rfind(b".")
    return data[at : end + 1] if 0 <= at < end else data


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, bytes]]:
    """Files of every format, benign and hostile, by their endings."""
    base = tmp_path_factory.mktemp("seeds")
    samples = [*hostile_calls.SAMPLES[::30], *hostile_containers.SAMPLES[::2], *hostile_streams.SAMPLES[::2]]
    samples += [*hostile_readings.SAMPLES, *benign.SAMPLES[::5]]
    found: list[tuple[str, bytes]] = [(".gguf", full(Forge())), (".gguf", full(Forge(">")))]
    for number, sample in enumerate(samples):
        folder = base / str(number)
        folder.mkdir()
        path = sample.make(folder)
        if path.is_file() and 0 < path.stat().st_size <= LARGEST_SEED:
            found.append(("".join(path.suffixes) or ".pkl", path.read_bytes()))
    return found


@pytest.fixture
def never_beyond(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """No byte is asked for that the file doesn't have; gives how many readings there were."""
    really, count = os.pread, [0]

    def checked(descriptor: int, size: int, offset: int) -> bytes:
        assert 0 <= offset <= offset + size <= os.fstat(descriptor).st_size
        count[0] += 1
        return really(descriptor, size, offset)

    monkeypatch.setattr(os, "pread", checked)
    yield count
    assert count[0]


def case(dice: random.Random, seeds: list[tuple[str, bytes]]) -> tuple[str, bytes]:
    """A changed file, or a sound container of a changed pickle."""
    suffix, data = dice.choice(seeds)
    _, other = dice.choice(seeds)
    if dice.random() < 0.3:
        return suffix, changed(dice, data, other)
    suffix = dice.choice(list(WRAPS))
    return suffix, WRAPS[suffix](changed(dice, _inner(data), other))


def judged(guard: Guard, path: Path, data: bytes) -> Any:
    """The verdict on a file; whatever else comes of it is a fault, and so is a long time."""
    path.write_bytes(data)
    began = time.process_time()
    try:
        with guard.open(path) as safe:
            report = detect.examine(safe)
    except BaseException as error:
        error.add_note(f"{path.name}: {data!r}")
        raise
    assert time.process_time() - began < SLOWEST_SECONDS, (path.name, data)
    assert report.verdict.level in VERDICTS
    assert report.verdict.level == "weights" or report.verdict.findings, "a verdict without a reason"
    return report.verdict.level


def run(folder: Path, seeds: list[tuple[str, bytes]], cases: int) -> Counter[str]:
    """Judge so many files; gives how many got which verdict."""
    guard = Guard((Root.pin(str(folder), "working"),), str(folder))
    for suffix, data in [*seeds, *((suffix, wrap(seeds[0][1])) for suffix, wrap in WRAPS.items())]:
        judged(guard, folder / f"a{suffix}", data)  # which imports what reading ever needs
    known, dice, counts = set(sys.modules), random.Random(SEED), Counter[str]()  # noqa: S311 - repeatable
    for _ in range(cases):
        suffix, data = case(dice, seeds)
        counts[judged(guard, folder / f"a{suffix}", data)] += 1
    strangers = {name for name in set(sys.modules) - known if not name.startswith("modelcypher_nb.formats.")}
    assert not strangers, "a name in a file led to a module"
    return counts


def test_a_changed_file_gets_a_verdict_and_nothing_else_happens(
    tmp_path: Path, seeds: list[tuple[str, bytes]], never_beyond: list[int]
) -> None:
    counts = run(tmp_path, seeds, FEW)
    assert {"malformed", "code", "weights", "objects", "unsupported"} <= counts.keys()
    assert counts["malformed"] < FEW * 0.9, "nearly all is refused: the changes reach nothing"


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_a_million_changed_files_get_verdicts(
    tmp_path: Path, seeds: list[tuple[str, bytes]], never_beyond: list[int]
) -> None:
    counts = run(tmp_path, seeds, CASES)
    refused = counts["malformed"] + counts["unsupported"]
    print(f"{CASES} files of seed {SEED}: {refused} refused, {CASES - refused} judged, {dict(sorted(counts.items()))}")
    assert 0 < refused < CASES
