"""The hook that other repositories use: its own entry, run as pre-commit runs it, on the files that it would choose."""

from __future__ import annotations

import re
import shlex
import subprocess
import sysconfig
from pathlib import Path

import pytest

from modelcypher_nb.formats.model_file import WEIGHT_SUFFIXES
from tests.conftest import safetensors_bytes
from tests.kernels import environment
from tests.samples.assembler import Built, Call, Name, New, assembled
from tests.samples.containers import tensor, torch_zip

HOOKS = Path(__file__).resolve().parents[2] / ".pre-commit-hooks.yaml"
SOUND = {
    "net.safetensors": safetensors_bytes({"a": (2, 3)}),
    "weights/net.PT": torch_zip(assembled({"w": tensor()}), {"0": bytes(16)}),
    "a name with 'quotes' [1].bin": safetensors_bytes({"a": (2,)}),
    "notes.txt": b"no model",
}
EVIL = assembled(Call(Name("posix", "system"), ("touch ran",)))


def hook() -> dict[str, str]:
    """The one hook of the file; its values are plain words, so that no reader of YAML is needed."""
    found = re.findall(r"^(?:- |  )([a-z_]+): (.+)$", HOOKS.read_text(), re.MULTILINE)
    values = dict(found)
    assert len(values) == len(found)
    return values


@pytest.fixture
def repository(work: Path) -> Path:
    """A repository of its own; what is staged decides."""
    (work / ".git").rmdir()
    subprocess.run(["git", "init", "-q", work], check=True)
    for name, content in SOUND.items():
        (work / name).parent.mkdir(exist_ok=True)
        (work / name).write_bytes(content)
    return work


def commit(repository: Path, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the entry on the staged files that its pattern chooses, as pre-commit does."""
    subprocess.run(["git", "add", "--all"], cwd=repository, check=True)
    listed = subprocess.run(
        ["git", "diff", "--cached", "--name-only", "-z"], cwd=repository, capture_output=True, check=True
    )
    staged = [name for name in listed.stdout.decode().split("\0") if name]
    chosen = [name for name in staged if re.search(hook()["files"], name)]
    assert chosen
    scripts = sysconfig.get_path("scripts")
    variables = environment(home)
    variables["PATH"] = f"{scripts}:{variables.get('PATH', '')}"
    command = [*shlex.split(hook()["entry"]), *arguments, *chosen]
    return subprocess.run(
        command, cwd=repository, env=variables, capture_output=True, text=True, timeout=60, check=False
    )


def test_sound_files_pass(repository: Path, home: Path) -> None:
    result = commit(repository, home)
    assert (result.returncode, result.stderr) == (0, "")
    assert "notes.txt" not in result.stdout


@pytest.mark.parametrize("name", ["evil.pkl", "evil.PTH", "deep/er/pytorch_model.bin", "evil.safetensors"])
def test_a_file_that_runs_code_stops_the_commit_and_is_named(repository: Path, home: Path, name: str) -> None:
    (repository / name).parent.mkdir(parents=True, exist_ok=True)
    (repository / name).write_bytes(EVIL)
    result = commit(repository, home)
    assert result.returncode == 1
    assert name in result.stdout
    assert "posix.system" in result.stdout
    assert not (repository / "ran").exists()


def test_what_isn_t_read_stops_the_commit_too(repository: Path, home: Path) -> None:
    (repository / "firmware.bin").write_bytes(b"7z\xbc\xaf\x27\x1c" + bytes(64))
    assert commit(repository, home).returncode == 3


def test_strictness_is_an_argument_away(repository: Path, home: Path) -> None:
    (repository / "mine.pkl").write_bytes(assembled(Built(New(Name("mine.parts", "Part")), {})))
    assert commit(repository, home).returncode == 0
    assert commit(repository, home, "--strict").returncode == 1


def test_the_hook_looks_at_formats_that_are_judged_under_these_names() -> None:
    values = hook()
    assert (values["id"], values["language"], values["types"]) == ("modelcypher-scan", "python", "[file]")
    suffixes = re.findall(r"[a-z0-9]+", values["files"].partition("(?i)")[2])
    assert len(suffixes) > 10
    assert {f".{suffix}" for suffix in suffixes} <= set(WEIGHT_SUFFIXES)
