"""What honest people save: none of it is called dangerous, and plain weights are called just that."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelcypher_nb.formats import detect
from modelcypher_nb.guard.paths import Guard
from tests.samples.benign import SAMPLES
from tests.samples.sample import Sample


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_a_benign_file_is_no_false_alarm(sample: Sample, guard: Guard, tmp_path: Path) -> None:
    path = sample.make(tmp_path)
    with guard.open(path) as safe:
        report = detect.examine(safe)
        assert report.verdict.level in sample.expected, (report.verdict.level, report.verdict.findings[:3])
        detect.describe(safe)


def test_there_are_a_thousand_and_more() -> None:
    names = [sample.name for sample in SAMPLES]
    assert len(set(names)) == len(names) > 1000
    assert not any("code" in sample.expected for sample in SAMPLES)
