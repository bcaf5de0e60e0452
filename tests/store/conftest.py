"""What the tests of the store share: a home folder, its catalog and its store."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import modelcypher_nb
from modelcypher_nb.formats.report import Finding, Verdict
from modelcypher_nb.guard.paths import home_guard
from modelcypher_nb.guard.safe_path import SafePath
from modelcypher_nb.store.catalog import Catalog
from modelcypher_nb.store.records import JobRecord, ModelRecord
from modelcypher_nb.store.run_store import RunStore

# What every program below begins with.
PRELUDE = """
import json, os, resource, signal, sys, threading
from modelcypher_nb.errors import StorageError
from modelcypher_nb.guard.paths import home_guard
from modelcypher_nb.formats.report import Verdict
from modelcypher_nb.store.catalog import Catalog
from modelcypher_nb.store.records import JobRecord, ModelRecord
from modelcypher_nb.store.series import SeriesReader, SeriesWriter
guard = home_guard(sys.argv[1])
home = guard.open(sys.argv[1])
catalog = Catalog.open(home)
"""


class Programs:
    """Programs that a test starts, kills or starves; each gets the home folder as its argument."""

    def __init__(self, home: str) -> None:
        root = str(Path(modelcypher_nb.__file__).parents[1])  # found also in a source tree
        known = [os.environ["PYTHONPATH"]] if os.environ.get("PYTHONPATH") else []
        self._environment = {**os.environ, "PYTHONPATH": os.pathsep.join([root, *known])}
        self._home = home

    def start(
        self, program: str, *arguments: str, before: tuple[str, ...] = (), home: str | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a program; its output is a pipe."""
        command = [
            *before,
            sys.executable,
            "-W",
            "ignore::DeprecationWarning",
            "-c",
            PRELUDE + program,
            home or self._home,
            *arguments,
        ]
        return subprocess.Popen(
            command, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
        )

    def run(self, program: str, *arguments: str, before: tuple[str, ...] = (), home: str | None = None) -> str:
        """Run a program to its end, which must be a good one; gives what it printed."""
        output, errors = self.start(program, *arguments, before=before, home=home).communicate()
        assert not errors, errors.decode()
        return output.decode().strip()

    def status(self, program: str, *, before: tuple[str, ...], home: str) -> int:
        """Run a program to its end; gives how it ended."""
        process = self.start(program, before=before, home=home)
        process.communicate()
        return process.returncode


@pytest.fixture
def programs(home: SafePath) -> Programs:
    """Programs on the test's home."""
    return Programs(home.location)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[SafePath]:
    """A fresh home folder."""
    guard = home_guard(str(tmp_path / "home"))
    with guard.open(guard.start) as folder:
        yield folder


@pytest.fixture
def catalog(home: SafePath) -> Iterator[Catalog]:
    """The catalog of a fresh home."""
    catalog = Catalog.open(home)
    yield catalog
    catalog.close()


@pytest.fixture
def store(home: SafePath, catalog: Catalog) -> RunStore:
    """The store of a fresh home."""
    return RunStore(home, catalog, home_guard(home.location))


@pytest.fixture
def model() -> Callable[..., ModelRecord]:
    """Build a model's record."""

    def build(name: str = "digits", **fields: Any) -> ModelRecord:
        known: dict[str, Any] = {
            "version": 0,
            "path": f"/models/{name}.safetensors",
            "format": "safetensors",
            "parameter_count": 10,
            "dtypes": {"F32": 10},
            "size_bytes": 40,
            "verdict": Verdict("data", (Finding("data", "holds an array of text", "names"),)),
            "registered_at": 1000.0,
            "digest": "sha256:00",
        }
        return ModelRecord(id=name, **{**known, **fields})

    return build


@pytest.fixture
def job() -> Callable[..., JobRecord]:
    """Build a job's record."""

    def build(job_id: str = "digits-aaaaaa", **fields: Any) -> JobRecord:
        return JobRecord(id=job_id, **{"name": "digits", "state": "queued", "created_at": 1000.0, **fields})

    return build
