"""What the tests of the guard share: one allowed folder and one secret beside it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelcypher_nb.guard.paths import Guard
from modelcypher_nb.guard.roots import Root


@pytest.fixture
def inside(tmp_path: Path, way: str) -> Path:
    """The allowed folder, with one file and one folder in it."""
    folder = tmp_path / "inside"
    (folder / "sub").mkdir(parents=True)
    (folder / "file.txt").write_text("inside")
    (folder / "sub" / "deep.txt").write_text("deep")
    return folder


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder that nobody allowed, with a secret in it."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret.txt").write_text("secret")
    return folder


@pytest.fixture
def guard(inside: Path) -> Guard:
    """A guard with one root."""
    return Guard((Root.pin(str(inside), "working"),), str(inside))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True, text=True)  # noqa: PLW1510
    if mounted.returncode:
        pytest.skip(f"mounting a small file system isn't permitted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)
