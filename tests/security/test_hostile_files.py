"""Every way past a scanner, as a file of ours: each gets the verdict that it deserves, and loads nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelcypher_nb.errors import ModelCypherError
from modelcypher_nb.formats import detect
from modelcypher_nb.formats.beside import beside
from modelcypher_nb.formats.readers import Terms
from modelcypher_nb.guard.paths import Guard
from modelcypher_nb.guard.roots import Root
from tests.samples import hostile_calls, hostile_containers, hostile_streams
from tests.samples.hostile import SAMPLES
from tests.samples.sample import MARKER, Sample

FILES = (*hostile_calls.SAMPLES, *hostile_streams.SAMPLES, *hostile_containers.SAMPLES)


def guard_of(folder: Path) -> Guard:
    return Guard((Root.pin(str(folder), "working"),), str(folder))


@pytest.mark.promise("WEIGHTS-3")
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
@pytest.mark.promise("WEIGHTS-7")
def test_a_hostile_file_gets_the_verdict_it_deserves_and_runs_nothing(sample: Sample, tmp_path: Path) -> None:
    path = sample.make(tmp_path)
    guard = guard_of(tmp_path)
    with guard.open(path) as safe, guard.open(path.parent) as folder:
        report = detect.examine(safe, Terms(beside=beside(folder)))
    assert report.verdict.level in sample.expected, (sample.reason, report.verdict.findings[:3])
    assert report.verdict.findings, "a verdict without a reason"
    assert detect.exit_code(report.verdict, strict=True) != 0
    assert not (tmp_path / MARKER).exists()


@pytest.mark.parametrize(
    "sample", [sample for sample in FILES if sample.expected == {"code"}][::7], ids=lambda sample: sample.name
)
def test_what_is_judged_code_never_loads(sample: Sample, tmp_path: Path) -> None:
    path = sample.make(tmp_path)
    if not path.is_file() or path.suffix == ".gguf":
        pytest.skip("a folder is loaded file by file")
    guard = guard_of(tmp_path)
    with guard.open(path) as safe, guard.open(path.parent) as folder, pytest.raises(ModelCypherError) as refused:
        detect.load(safe, Terms(beside=beside(folder)))
    assert refused.value.remedy
    assert not (tmp_path / MARKER).exists()


def test_every_sample_has_a_name_of_its_own() -> None:
    names = [sample.name for sample in SAMPLES]
    assert len(set(names)) == len(names) > 1000
