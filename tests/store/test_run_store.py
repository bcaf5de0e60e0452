from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from modelcypher_nb.errors import UsageError
from modelcypher_nb.store import checkpoints
from modelcypher_nb.store.records import CheckpointRecord, JobRecord
from modelcypher_nb.store.run_store import LOG_TAIL_BYTES, RunStore


def test_looking_at_a_run_that_left_nothing_makes_nothing(store: RunStore) -> None:
    assert store.series("j").names() == ()
    assert store.log_tail("j") == ("", 0)
    assert store.home.list() == ()


def test_a_run_lies_where_the_layout_says(store: RunStore) -> None:
    writer = store.series_writer("j", 1)
    writer.append(1, {"loss": 1.0})
    writer.close()
    assert Path(store.home.location, "runs/j/series/segment-0001.mcs").is_file()
    assert store.series("j").names() == ("loss",)
    location = store.checkpoint_location("j", 42)
    assert location == f"{store.home.location}/runs/j/checkpoints/step-00000042"
    modes = {path.stat().st_mode & 0o777 for path in Path(store.home.location).rglob("*") if path.is_dir()}
    assert modes == {0o700}


@pytest.mark.parametrize("job", ["../x", "a/b", "", ".hidden", "A", "x" * 65])
def test_an_id_is_never_a_path(store: RunStore, job: str) -> None:
    for look in (store.series, store.log_tail, store.run_folder):
        with pytest.raises(UsageError):
            look(job)
    with pytest.raises(UsageError):
        store.checkpoint_location(job, 1)


def test_the_end_of_a_long_log_begins_with_a_whole_line(store: RunStore) -> None:
    with store.run_folder("j") as folder:
        path = Path(folder.location, "log.txt")
    path.write_bytes(b"first\nsecond \xff\n")
    assert store.log_tail("j") == ("first\nsecond \ufffd\n", 15)
    path.write_bytes(b"a line of 16 b.\n" * 20_000)
    text, size = store.log_tail("j")
    assert size == 320_000
    assert len(text) <= LOG_TAIL_BYTES
    assert set(text.splitlines()) == {"a line of 16 b."}


def test_verifying_a_checkpoint_moves_its_row_to_what_the_files_are(
    store: RunStore, job: Callable[..., JobRecord]
) -> None:
    torch = pytest.importorskip("torch")
    store.catalog.add_job(job("j"))
    with store.checkpoints_folder("j") as folder:
        written = checkpoints.save(folder, 1, {"model": {"a": torch.ones(2)}}, {})
    record = CheckpointRecord("j", 1, "complete", written.size_bytes, 1.0, written.files, written.digest)
    store.catalog.add_checkpoint(record)
    assert store.verify_checkpoint(record)
    path = Path(store.checkpoint_location("j", 1), "state.json")
    whole = path.read_bytes()
    path.write_bytes(b"[]")
    assert not store.verify_checkpoint(record)
    assert store.catalog.checkpoint("j", 1).state == "corrupt"
    path.write_bytes(whole)
    assert store.verify_checkpoint(store.catalog.checkpoint("j", 1))
    assert store.catalog.checkpoint("j", 1).state == "complete"
    path.unlink()
    assert not store.verify_checkpoint(store.catalog.checkpoint("j", 1))
    gone = CheckpointRecord("j", 9, "complete", 1, 1.0, digest="sha256:00")
    store.catalog.add_checkpoint(gone)
    assert not store.verify_checkpoint(gone)
