"""A verdict is the file's: it is the same on a machine without torch, numpy and transformers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from modelcypher_nb.formats import detect
from modelcypher_nb.guard.paths import Guard
from modelcypher_nb.guard.roots import Root
from tests.samples import benign, hostile

SITE = next(Path(entry) for entry in sys.path if entry.endswith("site-packages"))
# What the package's own dependencies bring to a verdict; everything else of the environment is out of reach.
ALLOWED = ("jinja2", "markupsafe")
BARE = """
import json, sys
sys.path[:] = [one for one in sys.path if "site-packages" not in one]
class Bare:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "numpy", "scipy", "sklearn", "transformers", "joblib", "safetensors"}:
            raise ModuleNotFoundError(f"{name} isn't on this machine", name=name)
sys.meta_path.insert(0, Bare())
sys.path += [sys.argv[1], sys.argv[2]]
from modelcypher_nb.formats import detect
from modelcypher_nb.guard.paths import Guard
from modelcypher_nb.guard.roots import Root
for folder, path in json.load(sys.stdin):
    with Guard((Root.pin(folder, "working"),), folder).open(path) as safe:
        report = detect.examine(safe)
    print(json.dumps([report.verdict.level, report.format, len(report.tensors), len(report.verdict.findings)]))
"""


@pytest.mark.slow
@pytest.mark.promise("WEIGHTS-9")
def test_a_verdict_is_the_same_without_torch_and_numpy(tmp_path: Path) -> None:
    made = []
    for number, sample in enumerate((*hostile.SAMPLES[::9], *benign.SAMPLES[::9])):
        folder = tmp_path / str(number)
        folder.mkdir()
        made.append((str(folder), str(sample.make(folder))))
    here = []
    for folder_name, path in made:
        with Guard((Root.pin(folder_name, "working"),), folder_name).open(path) as safe:
            report = detect.examine(safe)
        here.append([report.verdict.level, report.format, len(report.tensors), len(report.verdict.findings)])
    needed = tmp_path / "site"
    needed.mkdir()
    for name in ALLOWED:
        (needed / name).symlink_to(SITE / name)
    command = [sys.executable, "-I", "-c", BARE, str(Path(detect.__file__).parents[2]), str(needed)]
    done = subprocess.run(command, input=json.dumps(made), capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    there = [json.loads(line) for line in done.stdout.splitlines()]
    assert {level for level, *_ in there} >= {"weights", "data", "objects", "code", "malformed"}
    assert there == here
