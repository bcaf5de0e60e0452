"""What the home folder and the registered models take on the disk, item by item."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .checkpoints import folder_name

if TYPE_CHECKING:
    from ..guard.safe_path import SafePath
    from .records import CheckpointRecord
    from .run_store import RunStore

__all__ = ["StorageItem", "StorageReport", "usage"]

PAGE = 500


@dataclass(frozen=True, slots=True)
class StorageItem:
    """One item: models and checkpoints by name, the rest of a run, the catalog."""

    category: str
    id: str
    bytes: int
    reclaimable: bool
    path: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class StorageReport:
    """All items, the largest first, and the disk of the home folder."""

    rows: tuple[StorageItem, ...]
    disk_total_bytes: int
    disk_free_bytes: int


def _size(folder: SafePath) -> int:
    """The bytes of a folder's files, links not followed."""
    total = 0
    for entry in folder.list():
        if entry.is_folder:
            with folder / entry.name as inner:
                total += _size(inner)
        elif entry.is_file:
            with folder / entry.name as file:
                total += file.identity.size
    return total


def usage(store: RunStore) -> StorageReport:
    """Measure the home folder, and list what registered models outside it take."""
    rows = [*_models(store), *_checkpoints(store), *_runs(store), *_catalog(store)]
    disk = os.statvfs(store.home.for_library())
    rows.sort(key=lambda row: (-row.bytes, row.category, row.id))
    return StorageReport(tuple(rows), disk.f_frsize * disk.f_blocks, disk.f_frsize * disk.f_bavail)


def _models(store: RunStore) -> list[StorageItem]:
    rows, offset = [], 0
    while True:
        records, total = store.catalog.models(limit=PAGE, offset=offset)
        rows += [
            StorageItem(
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


def _checkpoints(store: RunStore) -> list[StorageItem]:
    rows, offset = [], 0
    while True:
        records, total = store.catalog.checkpoints(limit=PAGE, offset=offset)
        rows += [_checkpoint(store, record) for record in records]
        offset += len(records)
        if offset >= total or not records:
            return rows


def _checkpoint(store: RunStore, record: CheckpointRecord) -> StorageItem:
    reason = "pinned" if record.pinned else "the best" if record.is_best else record.state
    return StorageItem(
        "checkpoint",
        f"{record.job}/{folder_name(record.step)}",
        record.size_bytes,
        reclaimable=not record.pinned and not record.is_best,
        path=store.checkpoint_location(record.job, record.step),
        reason=reason,
    )


def _runs(store: RunStore) -> list[StorageItem]:
    """What runs take beside their checkpoints: series and logs."""
    if not any(entry.name == "runs" for entry in store.home.list()):
        return []
    rows = []
    with store.home / "runs" as runs:
        for entry in runs.list():
            if not entry.is_folder:
                continue
            with runs / entry.name as folder:
                taken = sum(_size_of(folder, inner.name) for inner in folder.list() if inner.name != "checkpoints")
                rows.append(
                    StorageItem(
                        "run", entry.name, taken, reclaimable=False, path=folder.location, reason="metrics and log"
                    )
                )
    return rows


def _size_of(folder: SafePath, name: str) -> int:
    with folder / name as item:
        return _size(item) if item.is_folder else item.identity.size


def _catalog(store: RunStore) -> list[StorageItem]:
    names = [entry.name for entry in store.home.list() if entry.is_file and entry.name.startswith("catalog.sqlite3")]
    if not names:
        return []
    size = sum(_size_of(store.home, name) for name in names)
    return [
        StorageItem(
            "catalog", "catalog", size, reclaimable=False, path=store.home.location, reason="the registry itself"
        )
    ]
