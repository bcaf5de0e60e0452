"""Registry: everything that is kept, in four lists, and the recovery of runs whose process died."""

from __future__ import annotations

import secrets
import time
from typing import Any

from ..operations.facts import CheckpointList, JobList, ModelList, ModelRow, StorageFacts
from ..operations.person import as_person
from ..operations.session import current
from ..operations.wire import plain
from ..store.records import CheckpointRecord
from ..training.control import recover
from ..training.snapshot import job_data
from . import numbers as n
from .channel import Points
from .live import Shown
from .sheet import Sheet, pairs, volatile
from .sheets_models import models_table
from .sheets_runs import checkpoints_table, jobs_table
from .sheets_system import storage_table
from .widget import View

__all__ = ["Registry"]

LOOK_SECONDS = 1.0  # between two looks while somebody watches
ROWS = 200  # of each list
SHEET_ROWS = 20


class Registry(View):
    """The models, runs, checkpoints and bytes that this home keeps.

    Attributes:
        models, jobs, checkpoints, storage: facts, read anew each time.
    """

    view = "registry"

    def __init__(self) -> None:
        super().__init__(_Source())

    @property
    def models(self) -> ModelList:
        """Registered models, the newest first."""
        facts: ModelList = as_person("model_list", limit=ROWS)
        return facts

    @property
    def jobs(self) -> JobList:
        """Training runs, the newest first."""
        facts: JobList = as_person("job_list", limit=ROWS)
        return facts

    @property
    def checkpoints(self) -> CheckpointList:
        """Saved checkpoints, the newest first."""
        facts: CheckpointList = as_person("checkpoint_list", limit=ROWS)
        return facts

    @property
    def storage(self) -> StorageFacts:
        """What takes how many bytes, the largest first."""
        facts: StorageFacts = as_person("storage_usage", limit=ROWS)
        return facts

    def recover(self) -> JobList:
        """Find runs whose process died, note them as interrupted with the last step they logged, and list them."""
        found = recover(current().store)
        return JobList(tuple(found), len(found))

    def data(self) -> dict[str, Any]:
        """The view's data."""
        return registry_data()

    def sheet(self) -> Sheet:
        """What HTML and text say."""
        models, jobs, checkpoints, storage = self.models, self.jobs, self.checkpoints, self.storage
        return Sheet(
            "Registry",
            facts=pairs(
                ("Kept", volatile(n.size(storage.total_bytes))),
                ("Reclaimable", volatile(n.size(storage.reclaimable_bytes))),
                ("Disk", volatile(f"{n.size(storage.disk_free_bytes)} free of {n.size(storage.disk_total_bytes)}")),
            ),
            tables=(
                models_table(models.items[:SHEET_ROWS], models.total),
                jobs_table(jobs.items[:SHEET_ROWS], jobs.total),
                checkpoints_table(checkpoints.items[:SHEET_ROWS], checkpoints.total),
                storage_table(storage.rows[:SHEET_ROWS], storage.total),
            ),
        )

    def summary(self) -> dict[str, Any]:
        """What `kernel show` tells of it."""
        return {"models": self.models.total, "jobs": self.jobs.total}


def registry_data() -> dict[str, Any]:
    """Everything that is kept, in the shape of the view's data."""
    models: ModelList = as_person("model_list", limit=ROWS)
    jobs: JobList = as_person("job_list", limit=ROWS)
    checkpoints: CheckpointList = as_person("checkpoint_list", limit=ROWS)
    storage: StorageFacts = as_person("storage_usage", limit=ROWS)
    return {
        "models": [_model(row) for row in models.items],
        "jobs": [job_data(record) for record in jobs.items],
        "checkpoints": [_checkpoint(record) for record in checkpoints.items],
        "storage": [plain(row) for row in storage.rows],
        "totals": {
            "models": models.total,
            "jobs": jobs.total,
            "checkpoints": checkpoints.total,
            "bytes": storage.total_bytes,
            "reclaimableBytes": storage.reclaimable_bytes,
        },
        "disk": {"totalBytes": storage.disk_total_bytes, "freeBytes": storage.disk_free_bytes},
    }


def _model(row: ModelRow) -> dict[str, Any]:
    data: dict[str, Any] = plain(row)
    if row.state == "changed":  # the verdict is that of other bytes
        del data["verdict"]
        return data
    return {**data, "verdict": {"level": row.verdict, "findings": []}}


def _checkpoint(record: CheckpointRecord) -> dict[str, Any]:
    data: dict[str, Any] = plain(record)
    kept = ("job", "step", "loss", "sizeBytes", "state", "isBest")
    return {key: data[key] for key in kept if data.get(key) is not None}


class _Source(Shown):
    """The registry's live side: what is kept is looked at once a second while somebody watches."""

    def __init__(self) -> None:
        super().__init__("registry", f"registry-{secrets.token_hex(8)}")
        self._data: dict[str, Any] = {}
        self._looked_at = 0.0

    def now(self, *, whole: bool) -> tuple[Points, dict[str, Any]]:
        if whole or time.monotonic() - self._looked_at > LOOK_SECONDS:
            self._data, self._looked_at = registry_data(), time.monotonic()
        return {}, self._data

    def actions(self) -> list[str]:
        return ["refresh", "recover"]

    def act(self, action: str, arguments: dict[str, Any]) -> str | None:
        del arguments
        self._looked_at = 0.0
        if action == "refresh":
            return None
        found = recover(current().store)
        names = ", ".join(record.id for record in found)
        return f"Found {n.plural(len(found), 'run')}: {names}." if found else "No run has lost its process."
