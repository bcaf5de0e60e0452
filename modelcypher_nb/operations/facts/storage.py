"""What the operations of the disk give."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["StorageFacts", "StorageRow"]


@dataclass(frozen=True, slots=True)
class StorageRow:
    """What one item takes on the disk."""

    category: str
    id: str
    bytes: int
    reclaimable: bool
    path: str | None = None
    reason: str | None = None


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
