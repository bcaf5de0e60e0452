"""What the tests of the store share: a home folder, its catalog and its store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from modelcypher_nb.formats.report import Finding, Verdict
from modelcypher_nb.guard.paths import home_guard
from modelcypher_nb.guard.safe_path import SafePath
from modelcypher_nb.store.catalog import Catalog
from modelcypher_nb.store.records import JobRecord, ModelRecord
from modelcypher_nb.store.run_store import RunStore


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
