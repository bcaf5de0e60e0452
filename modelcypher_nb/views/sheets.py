"""Which sheet belongs to which facts: the one table that text, HTML and the displayed bundle look into."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import InternalError
from ..operations import facts as f
from . import sheets_models as models
from . import sheets_runs as runs
from . import sheets_system as system
from .sheet import Sheet

__all__ = ["SHEETS", "sheet_of"]

SHEETS: dict[type, Callable[[Any], Sheet]] = {
    f.ModelFacts: models.model_sheet,
    f.ModelList: models.model_list_sheet,
    f.ModelRow: models.model_row_sheet,
    f.ScanFacts: models.scan_sheet,
    f.VerifyFacts: models.verify_sheet,
    f.JobFacts: runs.job_sheet,
    f.JobList: runs.job_list_sheet,
    f.JobMetrics: runs.metrics_sheet,
    f.JobLog: runs.log_sheet,
    f.CheckpointList: runs.checkpoint_list_sheet,
    f.CheckpointFacts: runs.checkpoint_sheet,
    f.StorageFacts: system.storage_sheet,
    f.InventoryFacts: system.inventory_sheet,
    f.StatusFacts: system.status_sheet,
    f.DoctorFacts: system.doctor_sheet,
    f.KernelFacts: system.kernel_sheet,
    f.SettingsFacts: system.settings_sheet,
    f.ServerFacts: system.server_sheet,
    f.ServerConfig: system.config_sheet,
    f.AuditList: system.audit_sheet,
}


def sheet_of(facts: Any) -> Sheet:
    """What is said about any operation's facts."""
    make = SHEETS.get(type(facts))
    if make is None:
        raise InternalError(
            f"There is no sheet for {type(facts).__name__}.", "Add it to SHEETS in modelcypher_nb/views/sheets.py."
        )
    return make(facts)
