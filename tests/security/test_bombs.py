"""Files that cost more than they weigh: each ends in a verdict within 2 s and 200 MB above the idle process."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.samples.bombs import SAMPLES
from tests.samples.judging import JUDGED
from tests.samples.sample import Sample

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What the child said of each bomb; one child judges them all, each in a process forked for it."""
    base = tmp_path_factory.mktemp("bombs")
    for number, sample in enumerate(SAMPLES):
        folder = base / f"{number:04}"
        folder.mkdir()
        path = sample.make(folder)
        (folder / JUDGED).write_text(path.name)
    command = [sys.executable, "-m", "tests.samples.judging", str(base)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, timeout=600)
    shutil.rmtree(base)  # some are big
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return {SAMPLES[int(answer["name"])].name: answer for answer in found}


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.promise("WEIGHTS-2")
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
@pytest.mark.promise("WEIGHTS-8")
def test_a_bomb_ends_in_a_verdict(sample: Sample, answers: dict[str, dict[str, Any]]) -> None:
    answer = answers[sample.name]
    assert "error" not in answer, answer.get("trace", answer["error"])
    assert answer["level"] in sample.expected, answer
    assert "error" not in answer["converted"], answer["converted"]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_bombs_findings_are_told_in_a_bounded_number(answers: dict[str, dict[str, Any]]) -> None:
    assert max(answer.get("findings", 0) for answer in answers.values()) <= 500
