"""Binder's files: the Dockerfile that repo2docker writes, the pins, and postBuild in a fresh environment."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]


def _constraints() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("==") for line in lines if "==" in line)
    return {name.lower().replace("_", "-"): version for name, version in pairs}


def test_every_pin_in_post_build_is_the_constraints_own() -> None:
    script = (ROOT / "binder" / "postBuild").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    pins = re.findall(r"([a-z][a-z0-9-]+)==([0-9.]+)", script)
    assert pins
    for name, version in pins:
        tested = _constraints().get(name)
        assert version == tested or f"{name}=={version}" in makefile, name
    assert "--constraint constraints.txt" in script


def test_every_dependency_is_pinned_within_its_range() -> None:
    from packaging.requirements import Requirement

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [
        Requirement(text) for text in [*project["dependencies"], *extras["torch"], *extras["lab"], *extras["dev"]]
    ]
    for requirement in wanted:
        if requirement.name.startswith("modelcypher"):
            continue
        pinned = _constraints().get(requirement.name.lower().replace("_", "-"))
        assert pinned is not None, requirement.name
        assert requirement.specifier.contains(pinned, prereleases=True), f"{requirement} does not admit {pinned}"


def test_environment_names_the_python_that_the_project_supports() -> None:
    environment = yaml.safe_load((ROOT / "binder" / "environment.yml").read_text(encoding="utf-8"))
    assert "python=3.11" in environment["dependencies"]


@pytest.mark.slow
def test_repo2docker_writes_a_dockerfile_with_environment_and_post_build(tmp_path: Path) -> None:
    copy = tmp_path / "repo"
    subprocess.run(["git", "clone", "-q", "--no-hardlinks", str(ROOT), str(copy)], check=True)
    done = subprocess.run(
        [sys.executable, "-m", "repo2docker", "--no-build", "--debug", str(copy)],
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    text = done.stdout + done.stderr
    assert done.returncode == 0, text
    assert "binder/environment.yml" in text
    assert "binder/postBuild" in text
    assert "binder/start" in text


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_post_build_gives_a_fresh_environment_that_the_doctor_finds_whole(tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    python = environment / "bin" / "python"
    variables = {
        "PATH": f"{environment / 'bin'}:/usr/local/bin:/usr/bin:/bin", "HOME": str(tmp_path), "PYTHON": str(python),
        "TORCH_INDEX": "",
    }  # fmt: skip
    copy = tmp_path / "repo"
    subprocess.run(["git", "clone", "-q", "--no-hardlinks", str(ROOT), str(copy)], check=True)
    subprocess.run([str(copy / "binder" / "postBuild")], env=variables, check=True, timeout=800, cwd=tmp_path)
    command = [str(python), "-m", "modelcypher_nb", "doctor", "--json"]
    told = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path)
    faults = [check for check in json.loads(told.stdout)["checks"] if not check["ok"] and check["name"] != "browser"]
    assert not faults, faults
