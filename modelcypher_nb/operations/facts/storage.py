"""What the operations of the disk give."""

from __future__ import annotations

from dataclasses import dataclass

from ...store.storage import StorageRow

__all__ = ["StorageFacts"]


@dataclass(frozen=True, slots=True)
class StorageFacts:
    """What the toolkit's home and the registered models take."""

    rows: tuple[StorageRow, ...]
    total_bytes: int
    reclaimable_bytes: int
    disk_total_bytes: int
    disk_free_bytes: int
    cursor: str | None = None
    total: int = 0
