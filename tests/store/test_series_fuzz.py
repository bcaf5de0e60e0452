"""Fuzzing of series segments: a file that a crash or a disk spoiled is read as far as it is sound, or refused."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from modelcypher_nb.errors import ModelCypherError
from modelcypher_nb.guard.safe_path import SafePath
from modelcypher_nb.store.series import SeriesReader, SeriesWriter

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]

CASES = int(os.environ.get("MC_FUZZ_CASES", "200000")) // 10
SEED = int(os.environ.get("MC_FUZZ_SEED", "1"))


def spoilt(dice: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(changed)) if changed else 0
        match dice.randrange(4):
            case 0 if changed:
                changed[at] ^= 1 << dice.randrange(8)
            case 1:
                del changed[at:]
            case 2:
                changed[at : at + 8] = dice.randbytes(dice.randint(0, 64))
            case _:
                changed[at:at] = changed[at : at + dice.randint(1, 100)]
    return bytes(changed)


def test_a_spoilt_segment_is_read_as_far_as_it_is_sound_or_refused(home: SafePath) -> None:
    with home.folder("series") as folder:
        writer = SeriesWriter(folder, 1)
        for step in range(20):
            writer.append(step, {"train/loss": 1.0 / (step + 1), "é" * 40: float("nan")})
            writer.event(step, "note", "what happened, " * dice_length(step))
        writer.close()
        (path,) = Path(folder.location).iterdir()
        sound, dice = path.read_bytes(), random.Random(SEED)  # noqa: S311 - repeatable
        read = refused = 0
        for _ in range(CASES):
            case = spoilt(dice, sound)
            path.write_bytes(case)
            try:
                reader = SeriesReader(folder)
                for name in reader.names():
                    points = reader.read(name, points=7)
                    assert len(points.steps) == len(points.values) <= 7 + 2
                    assert points.count * 40 <= len(case)
                assert all(event.text.isprintable() or event.text for event in reader.events())
                read += 1
            except ModelCypherError:
                refused += 1
            except BaseException as error:
                error.add_note(f"The segment: {case!r}")
                raise
    assert read
    assert refused


def dice_length(step: int) -> int:
    return step % 7
