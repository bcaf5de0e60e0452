"""Links that change while paths are opened: what is read or written lies inside, or is refused, each time."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from modelcypher_nb.errors import ModelCypherError
from modelcypher_nb.guard.paths import Guard

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

OPENS = 100_000
# Without pause, the name is a folder, a link to it, and a link to the folder outside, in any order.
FLIPPING = """
import itertools, os, sys
name, real, outside = sys.argv[1:]
os.write(1, b".")
while True:
    for target in (real, outside):
        os.symlink(target, name + ".new")
        os.rename(name + ".new", name)
    os.unlink(name)
    os.rename(real, name)
    os.rename(name, real)
"""


@contextmanager
def flipping(name: Path, real: Path, outside: Path) -> Iterator[None]:
    command = [sys.executable, "-c", FLIPPING, str(name), str(real), str(outside)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            process.stdout.read(1)
            yield
            assert process.poll() is None, "it stopped flipping"
        finally:
            process.kill()


def test_a_hundred_thousand_opens_through_a_changing_link_never_read_outside(
    guard: Guard, inside: Path, outside: Path
) -> None:
    (inside / "sub" / "secret.txt").write_text("inside")
    opened = refused = 0
    with flipping(inside / "door", inside / "sub", outside):
        while opened + refused < OPENS or not (opened and refused):
            try:
                with guard.open("door/secret.txt") as safe:
                    assert safe.read_bytes(100) == b"inside"
                opened += 1
            except ModelCypherError:
                refused += 1


def test_a_hundred_thousand_listed_names_through_a_changing_link_never_read_outside(
    guard: Guard, inside: Path, outside: Path
) -> None:
    (inside / "sub" / "secret.txt").write_text("inside")
    opened = refused = 0
    with flipping(inside / "door", inside / "sub", outside), guard.open(".") as folder:
        while opened + refused < OPENS or not (opened and refused):
            try:
                with folder / "door/secret.txt" as safe:
                    assert safe.read_bytes(100) == b"inside"
                opened += 1
            except ModelCypherError:
                refused += 1


def test_files_written_through_a_changing_link_never_land_outside(guard: Guard, inside: Path, outside: Path) -> None:
    written = refused = 0
    with flipping(inside / "door", inside / "sub", outside):
        for number in range(OPENS // 50):
            try:
                with guard.create(f"door/file-{number}.txt") as file:
                    file.write(b"ours")
                written += 1
            except (ModelCypherError, FileNotFoundError):
                refused += 1
    assert refused
    assert [path.name for path in outside.iterdir()] == ["secret.txt"]
