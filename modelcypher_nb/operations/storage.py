"""The verbs of storage: usage."""

from __future__ import annotations

from dataclasses import replace

from ..guard.secrets import shown
from ..store.storage import usage
from .facts import StorageFacts
from .operation import operation
from .paging import Cursor, Limit, page
from .session import Call

__all__: list[str] = []


@operation(effect="read", profiles=("assistant", "training", "monitoring"))
def storage_usage(call: Call, limit: Limit = 100, cursor: Cursor = None) -> StorageFacts:
    """Show what models, runs and checkpoints take on the disk, the largest first, and what could be freed."""
    report = usage(call.session.store)
    everything = [replace(row, path=shown(row.path) if row.path else None) for row in report.rows]
    rows, following = page(everything, limit, cursor)
    return StorageFacts(
        rows=rows,
        total_bytes=sum(row.bytes for row in everything),
        reclaimable_bytes=sum(row.bytes for row in everything if row.reclaimable),
        disk_total_bytes=report.disk_total_bytes,
        disk_free_bytes=report.disk_free_bytes,
        cursor=following,
        total=len(everything),
    )
