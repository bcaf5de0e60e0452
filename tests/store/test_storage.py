from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from modelcypher_nb.errors import PathRefusedError
from modelcypher_nb.store.checkpoints import folder_name
from modelcypher_nb.store.records import CheckpointRecord, JobRecord, ModelRecord
from modelcypher_nb.store.run_store import RunStore
from modelcypher_nb.store.storage import usage


def test_a_fresh_home_takes_nothing_and_stays_fresh(store: RunStore) -> None:
    report = usage(store)
    assert report.rows == ()
    assert 0 < report.disk_free_bytes <= report.disk_total_bytes
    assert store.home.list() == ()


def test_every_byte_is_in_one_row_and_what_can_go_says_so(
    store: RunStore, model: Callable[..., ModelRecord], job: Callable[..., JobRecord]
) -> None:
    store.catalog.add_model(model(size_bytes=500))
    store.catalog.add_job(job(state="interrupted"))
    for step, fields in enumerate(({}, {"is_best": True}, {"pinned": True}, {}, {"state": "writing"}), start=1):
        store.catalog.add_checkpoint(CheckpointRecord("digits-aaaaaa", step, "complete", 0, float(step)))
        store.catalog.update_checkpoint("digits-aaaaaa", step, **fields)
        with store.checkpoints_folder("digits-aaaaaa") as folder, folder.folder(folder_name(step)) as inner:
            Path(inner.location, "model.safetensors").write_bytes(b"x" * 100 * step)
    writer = store.series_writer("digits-aaaaaa", 1)
    writer.append(1, {"loss": 1.0})
    writer.close()
    with store.run_folder("digits-aaaaaa") as folder:
        Path(folder.location, "log.txt").write_bytes(b"x" * 1000)
    rows = {(row.category, row.id): row for row in usage(store).rows}
    assert rows["model", "digits@1"].bytes == 500
    assert not rows["model", "digits@1"].reclaimable
    series = Path(store.home.location, "runs/digits-aaaaaa/series/segment-0001.mcs").stat().st_size
    assert rows["run", "digits-aaaaaa"].bytes == 1000 + series
    found = {row.id[-1]: (row.bytes, row.reclaimable) for row in rows.values() if row.category == "checkpoint"}
    assert found == {"1": (100, True), "2": (200, False), "3": (300, False), "4": (400, False), "5": (500, False)}
    assert all(row.reason for row in rows.values())
    on_disk = sum(path.stat().st_size for path in Path(store.home.location).glob("catalog*"))
    assert rows["catalog", "catalog"].bytes == on_disk


def test_a_completed_run_needs_no_checkpoint_to_resume(store: RunStore, job: Callable[..., JobRecord]) -> None:
    store.catalog.add_job(job(state="completed"))
    store.catalog.add_checkpoint(CheckpointRecord("digits-aaaaaa", 1, "complete", 0, 1.0))
    (row,) = [row for row in usage(store).rows if row.category == "checkpoint"]
    assert (row.reclaimable, row.bytes) == (True, 0)  # its files are gone already


def test_the_largest_come_first(store: RunStore, model: Callable[..., ModelRecord]) -> None:
    for number in range(3):
        store.catalog.add_model(model(f"m{number}", size_bytes=10**9 * (number + 1)))
    assert [row.id for row in usage(store).rows][:3] == ["m2@1", "m1@1", "m0@1"]


def test_measuring_the_home_keeps_the_registry_s_locks(store: RunStore) -> None:
    # A descriptor of the registry that is opened and closed takes SQLite's locks with it, and another process that
    # comes and goes then deletes the write-ahead log under us: what we write afterwards is lost.
    store.catalog.add_job(JobRecord(id="first-000000", name="first", state="queued", created_at=1.0))
    assert any(row.category == "catalog" and row.bytes for row in usage(store).rows)
    count = (
        "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute('select count(*) from jobs').fetchone()[0])"
    )
    other = [sys.executable, "-c", count, store.home.location + "/catalog.sqlite3"]
    subprocess.run(other, check=True)
    store.catalog.add_job(JobRecord(id="second-000000", name="second", state="queued", created_at=2.0))
    seen = subprocess.run(other, check=True, capture_output=True, text=True)
    assert seen.stdout == "2\n"


def test_the_registry_is_never_opened_as_a_file(store: RunStore) -> None:
    store.catalog.add_job(JobRecord(id="first-000000", name="first", state="queued", created_at=1.0))
    with pytest.raises(PathRefusedError, match="registry"), store.home / "catalog.sqlite3":
        pass
