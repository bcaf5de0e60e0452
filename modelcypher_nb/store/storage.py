"""What the home folder and the registered models take on the disk, item by item."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import MissingFileError
from .checkpoints import folder_name
from .connection import FILE_NAME

if TYPE_CHECKING:
    from ..guard.safe_path import SafePath
    from .records import CheckpointRecord
    from .run_store import RunStore

__all__ = ["StorageReport", "StorageRow", "usage"]

PAGE = 500
UNFINISHED = ("queued", "running", "paused", "failed", "cancelled", "interrupted")


@dataclass(frozen=True, slots=True)
class StorageRow:
    """What one item takes: a model or checkpoint by name, the rest of a run, the catalog."""

    category: str
    id: str
    bytes: int
    reclaimable: bool
    path: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class StorageReport:
    """All items, the largest first, and the disk of the home folder."""

    rows: tuple[StorageRow, ...]
    disk_total_bytes: int
    disk_free_bytes: int


def _size(item: SafePath) -> int:
    """The bytes of a file, or of a folder's files, links not followed."""
    if not item.is_folder:
        return item.identity.size
    return sum(_size_of(item, entry.name) for entry in item.list() if entry.is_file or entry.is_folder)


def _size_of(folder: SafePath, name: str) -> int:
    try:
        with folder / name as item:
            return _size(item)
    except MissingFileError:
        return 0  # a run that goes on removed it meanwhile


def _registry_size(home: SafePath, name: str) -> int:
    """The bytes of one of the registry's files, without opening it (see guard.safe_path.REGISTRY)."""
    try:
        return os.stat(name, dir_fd=home.fileno(), follow_symlinks=False).st_size
    except FileNotFoundError:
        return 0  # the write-ahead log comes and goes


def usage(store: RunStore) -> StorageReport:
    """Measure the home folder, and list what registered models outside it take."""
    rows = [*_models(store), *_checkpoints(store), *_runs(store), *_catalog(store)]
    disk = os.statvfs(store.home.for_library())
    rows.sort(key=lambda row: (-row.bytes, row.category, row.id))
    return StorageReport(tuple(rows), disk.f_frsize * disk.f_blocks, disk.f_frsize * disk.f_bavail)


def _models(store: RunStore) -> list[StorageRow]:
    rows, offset = [], 0
    while True:
        records, total = store.catalog.models(limit=PAGE, offset=offset)
        rows += [
            StorageRow(
                "model",
                f"{record.id}@{record.version}",
                record.size_bytes,
                reclaimable=False,
                path=record.path,
                reason="managed" if record.managed else "your own files, only referenced",
            )
            for record in records
        ]
        offset += len(records)
        if offset >= total or not records:
            return rows


def _checkpoints(store: RunStore) -> list[StorageRow]:
    rows: list[StorageRow] = []
    offset, newest = 0, _needed_to_resume(store)
    while True:
        records, total = store.catalog.checkpoints(limit=PAGE, offset=offset)
        rows += [_checkpoint(store, record, newest) for record in records]
        offset += len(records)
        if offset >= total or not records:
            return rows


def _needed_to_resume(store: RunStore) -> dict[str, int]:
    """The newest whole checkpoint of every job that isn't completed."""
    found: dict[str, int] = {}
    offset = 0
    while True:
        records, total = store.catalog.jobs(UNFINISHED, limit=PAGE, offset=offset)
        for record in records:
            checkpoints, _ = store.catalog.checkpoints(record.id, limit=PAGE)
            steps = [checkpoint.step for checkpoint in checkpoints if checkpoint.state == "complete"]
            if steps:
                found[record.id] = max(steps)
        offset += len(records)
        if offset >= total or not records:
            return found


def _checkpoint(store: RunStore, record: CheckpointRecord, newest: dict[str, int]) -> StorageRow:
    reasons = {
        "pinned": record.pinned,
        "the best": record.is_best,
        "the newest: resuming needs it": newest.get(record.job) == record.step,
        "it is being written": record.state == "writing",
    }
    kept = [reason for reason, holds in reasons.items() if holds]
    folder = store.existing(record.job, f"checkpoints/{folder_name(record.step)}")
    size = 0
    if folder is not None:
        with folder:
            size = _size(folder)
    return StorageRow(
        "checkpoint",
        f"{record.job}/{folder_name(record.step)}",
        size,
        reclaimable=not kept,
        path=store.checkpoint_location(record.job, record.step),
        reason=kept[0] if kept else "damaged" if record.state == "corrupt" else "an earlier state of the run",
    )


def _runs(store: RunStore) -> list[StorageRow]:
    """What runs take beside their checkpoints: series and logs."""
    if not any(entry.name == "runs" for entry in store.home.list()):
        return []
    with store.home / "runs" as runs:
        return [row for entry in runs.list() if entry.is_folder for row in _run(runs, entry.name)]


def _run(runs: SafePath, job: str) -> list[StorageRow]:
    with runs / job as folder:
        names = [entry.name for entry in folder.list()]
        taken = sum(_size_of(folder, name) for name in names if name != "checkpoints")
        where = folder.location
    return [StorageRow("run", job, taken, reclaimable=False, path=where, reason="metrics and log")]


def _catalog(store: RunStore) -> list[StorageRow]:
    names = [entry.name for entry in store.home.list() if entry.is_file and entry.name.startswith(FILE_NAME)]
    if not names:
        return []
    size = sum(_registry_size(store.home, name) for name in names)
    where = store.home.location
    return [StorageRow("catalog", "catalog", size, reclaimable=False, path=where, reason="the registry itself")]
