"""Fuzzing of what strangers' files say: every answer is facts or a refusal, whatever the bytes.

`MC_FUZZ_CASES` is the number of mutated headers (200,000 where it isn't set), `MC_FUZZ_SEED` the seed.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from modelcypher_nb.errors import ModelCypherError
from modelcypher_nb.formats import detect
from modelcypher_nb.formats.safetensors_header import describe
from modelcypher_nb.guard.paths import Guard
from modelcypher_nb.guard.source import BytesSource

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]

CASES = int(os.environ.get("MC_FUZZ_CASES", "200000"))
SEED = int(os.environ.get("MC_FUZZ_SEED", "1"))
SLOWEST_SECONDS = 5.0  # of processor time, for one case: what takes longer hangs
SPLICES = [
    b'"dtype"', b'"shape"', b'"data_offsets"', b'"__metadata__"', b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\u0000",
    b"-1", b"1e308", b"NaN", b"9223372036854775808", b"18446744073709551615", b"\xff\xfe", b"\xed\xa0\x80", b"null",
    b"true", b"0.5", b"[" * 2000, b'{"a":' * 500, b"../../etc/passwd", b"\x00" * 9, b"9" * 5000,
]  # fmt: skip


class Bounded(BytesSource):
    """Fails the test where a range outside of the bytes is asked for."""

    def read_at(self, offset: int, size: int) -> bytes:
        assert 0 <= offset <= offset + size <= self.size
        return super().read_at(offset, size)


def mutated(dice: random.Random, data: bytes) -> bytes:
    """One to four changes: bits, cuts, doubled parts, splices, lengths."""
    changed = bytearray(data)
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(changed)) if changed else 0
        match dice.randrange(6):
            case 0 if changed:
                changed[at] ^= 1 << dice.randrange(8)
            case 1:
                del changed[at : at + dice.randint(1, 40)]
            case 2:
                changed[at:at] = changed[at : at + dice.randint(1, 40)]
            case 3:
                changed[at:at] = dice.choice(SPLICES)
            case 4:
                changed[at : at + 8] = dice.choice(SPLICES)
            case _:
                length = dice.choice([0, 1, len(changed), len(changed) - 8, dice.randrange(1 << 20), (1 << 64) - 1])
                changed[:8] = max(0, length).to_bytes(8, "little")
    return bytes(changed)


def headers(forged: Callable[..., bytes]) -> list[bytes]:
    """Sound files that the mutations start from."""
    sizes = {"F32": 4, "BF16": 2, "I64": 8, "F8_E4M3": 1, "BOOL": 1}
    found = []
    for count in (0, 1, 3, 12):
        header: dict[str, Any] = {"__metadata__": {"format": "pt", "é": "\u2603"}} if count % 2 else {}
        end = 0
        for number, (dtype, size) in zip(range(count), [*sizes.items()] * 3, strict=False):
            begin, end = end, end + 6 * size
            header[f"layer.{number}.weight"] = {"dtype": dtype, "shape": [2, 3], "data_offsets": [begin, end]}
        found.append(forged(header, bytes(end)))
    return found


@pytest.fixture
def nothing_imported() -> Iterator[None]:
    """No case may import anything: a name in a file must lead to no module."""
    known = set(sys.modules)
    yield
    assert set(sys.modules) - known <= {"_strptime"}


def answered(work: Callable[[], Any], case: bytes) -> bool:
    """Whether a case was taken; a refusal of ours is the only other answer there may be, and soon."""
    before = time.thread_time()
    try:
        work()
    except ModelCypherError:
        return False
    except BaseException as error:
        error.add_note(f"The case: {case!r}")
        raise
    finally:
        assert time.thread_time() - before < SLOWEST_SECONDS, case
    return True


def test_mutated_headers_are_described_or_refused(forged: Callable[..., bytes], nothing_imported: None) -> None:
    dice, sound = random.Random(SEED), headers(forged)  # noqa: S311 - repeatable
    assert all(answered(lambda data=data: describe(Bounded(data, "file"), "file"), data) for data in sound)
    taken = 0
    for _ in range(CASES):
        case = mutated(dice, dice.choice(sound))
        taken += answered(lambda case=case: describe(Bounded(case, "file"), "file"), case)
    assert 0 < taken < CASES


def test_mutated_indexes_lead_nowhere_outside_their_folder(
    guard: Guard, tmp_path: Path, forged: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
    names = [f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]
    for number, name in enumerate(names):
        (tmp_path / name).write_bytes(forged({f"layer.{number}": entry}, bytes(8)))
    index = tmp_path / "model.safetensors.index.json"
    sound = json.dumps(
        {"metadata": {"total_size": 16}, "weight_map": {f"layer.{number}": name for number, name in enumerate(names)}}
    ).encode()
    index.write_bytes(sound)
    opened: list[str] = []
    really = os.open

    def noting(path: Any, *arguments: Any, **named: Any) -> int:
        opened.append(os.fsdecode(path))
        return really(path, *arguments, **named)

    with guard.open(".") as folder:
        assert answered(lambda: detect.describe(folder), sound)  # which imports what reading ever needs
        known, dice = set(sys.modules), random.Random(SEED)  # noqa: S311
        monkeypatch.setattr(os, "open", noting)
        for _ in range(max(1, CASES // 20)):
            case = mutated(dice, sound)
            index.write_bytes(case)
            answered(lambda: detect.describe(folder), case)
    assert not [path for path in opened if ".." in path.split("/") or path.startswith("/etc")]
    assert set(sys.modules) == known
