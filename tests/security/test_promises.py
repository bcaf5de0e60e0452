"""SECURITY.md and the tests agree: what is kept is named by a test, what isn't yet is named by none."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| ([A-Z]+-\d+) \| .+ \| (kept|not yet) \|$", re.MULTILINE)


def _promises() -> dict[str, str]:
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    rows = ROW.findall(text)
    assert len(rows) == len(dict(rows)), "an id stands twice"
    assert len(rows) == len(re.findall(r"^\| [A-Z]+-\d+ ", text, re.MULTILINE)), "a row without a state"
    return dict(rows)


def _named() -> dict[str, list[str]]:
    """Promise ids and the tests that bear `@pytest.mark.promise(id)`."""
    found: dict[str, list[str]] = {}
    for path in (ROOT / "tests").rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.promise":
                    for argument in mark.args:
                        assert isinstance(argument, ast.Constant)
                        found.setdefault(str(argument.value), []).append(f"{path.name}::{node.name}")
    return found


def test_every_kept_promise_is_named_by_a_test_and_no_other_is() -> None:
    promises, named = _promises(), _named()
    assert set(named) <= set(promises), "a test names a promise that SECURITY.md doesn't have"
    unnamed = [promise for promise, state in promises.items() if state == "kept" and promise not in named]
    early = {promise: named[promise] for promise, state in promises.items() if state == "not yet" and promise in named}
    assert not unnamed, f"kept, but no test names: {unnamed}"
    assert not early, f"not yet, but tests name: {early}"


@pytest.mark.promise("SECRETS-1")
def test_no_tracked_file_holds_a_key_and_git_ignores_env_files() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    kinds = (
        r"\bhf_[A-Za-z0-9]{30,}",
        r"\bsk-[A-Za-z0-9]{30,}",
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
        r"\bAKIA[A-Z0-9]{16}\b",
    )
    key = re.compile("|".join(kinds))
    for name in tracked:
        text = (ROOT / name).read_bytes().decode("utf-8", "replace")
        assert not key.search(text), name
    assert subprocess.run(["git", "check-ignore", "-q", ".env"], cwd=ROOT, check=False).returncode == 0
