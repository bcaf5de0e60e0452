"""Fuzzing of containers: archives and streams that were changed are read, or refused, whatever the bytes.

`MC_FUZZ_CASES` is the number of cases of each (200,000 where it isn't set), `MC_FUZZ_SEED` the seed.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable

import pytest

from modelcypher_nb.errors import MalformedError, UnsupportedFormatError
from modelcypher_nb.formats.compressed import unwrap
from modelcypher_nb.formats.limits import Limits
from modelcypher_nb.formats.zip_archive import ZipArchive
from tests.formats import test_compressed, test_zip_archive
from tests.formats.test_zip_archive import Bounded

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]

CASES = int(os.environ.get("MC_FUZZ_CASES", "200000"))
SEED = int(os.environ.get("MC_FUZZ_SEED", "1"))
SLOWEST_SECONDS = 5.0  # of processor time, for one case: what takes longer hangs
LIMITS = Limits(unpacked_slack=1 << 20, unpacked_ratio=2, members=100)
SPLICES = [
    b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07", b"PK\x07\x08",
    b"\x01\x00\x10\x00", b"FB", b"../", b"\xff" * 4, bytes(4), bytes(8), b"\x1f\x8b\x08\x00", b"BZh9",
    b"1AY&SY", b"\x17rE8P\x90", b"\xfd7zXZ\x00", b"YZ", b"\x5d\x00\x00", b"\x78\x9c", b"\x00\x00\x00\xff\xff",
]  # fmt: skip


def mutated(dice: random.Random, data: bytes) -> bytes:
    """One to four changes: bits, cuts, doubled parts, splices; half of them in the last 200 bytes."""
    changed = bytearray(data)
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(max(0, len(changed) - 200) if dice.random() < 0.5 else 0, len(changed) + 1)
        splice = dice.choice(SPLICES)
        match dice.randrange(6):
            case 0 | 1:
                changed[at : at + 1] = bytes(byte ^ (1 << dice.randrange(8)) for byte in changed[at : at + 1])
            case 2:
                del changed[at : at + dice.randint(1, 40)]
            case 3:
                changed[at:at] = changed[at : at + dice.randint(1, 40)]
            case 4:
                changed[at:at] = splice
            case _:
                changed[at : at + len(splice)] = splice
    return bytes(changed)


def archive(data: bytes) -> None:
    found = ZipArchive.read(Bounded(data), LIMITS)
    for name in found.members:
        found.verify(name)


def stream(data: bytes) -> None:
    source = unwrap(Bounded(data), LIMITS)
    assert len(source.read_at(0, source.size)) == source.size


@pytest.mark.parametrize(
    ("read", "seeds"),
    [(archive, [*test_zip_archive.SEEDS, *test_zip_archive.TORCH_SEEDS]), (stream, test_compressed.SEEDS)],
)
def test_a_changed_container_is_read_or_refused(read: Callable[[bytes], None], seeds: list[bytes]) -> None:
    dice, accepted = random.Random(SEED), 0  # noqa: S311 - repeatable, no secret
    for case in range(CASES):
        data = mutated(dice, dice.choice(seeds))
        began = time.process_time()
        try:
            read(data)
            accepted += 1
        except (MalformedError, UnsupportedFormatError):
            pass
        except BaseException:
            print(f"case {case} of seed {SEED}: {data!r}")
            raise
        assert time.process_time() - began < SLOWEST_SECONDS
    assert accepted > CASES // 1000, "nearly everything was refused: the changes reach nothing"
