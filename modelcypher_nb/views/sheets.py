"""Which sheet belongs to which facts: the one table that text, HTML and the displayed bundle look into."""

from __future__ import annotations

import importlib
from typing import Any, cast

from ..errors import InternalError
from .sheet import Sheet

__all__ = ["SHEETS", "sheet_of"]

# facts -> module:function, imported on use: a shell command shows one kind of facts.
SHEETS = {
    "ModelFacts": "sheets_models:model_sheet",
    "ModelList": "sheets_models:model_list_sheet",
    "ModelRow": "sheets_models:model_row_sheet",
    "ScanFacts": "sheets_models:scan_sheet",
    "VerifyFacts": "sheets_models:verify_sheet",
    "TrustList": "sheets_models:trust_sheet",
    "ConvertFacts": "sheets_models:convert_sheet",
    "JobFacts": "sheets_runs:job_sheet",
    "JobList": "sheets_runs:job_list_sheet",
    "JobMetrics": "sheets_runs:metrics_sheet",
    "JobLog": "sheets_runs:log_sheet",
    "CheckpointList": "sheets_runs:checkpoint_list_sheet",
    "CheckpointFacts": "sheets_runs:checkpoint_sheet",
    "StorageFacts": "sheets_system:storage_sheet",
    "InventoryFacts": "sheets_system:inventory_sheet",
    "StatusFacts": "sheets_system:status_sheet",
    "DoctorFacts": "sheets_system:doctor_sheet",
    "KernelFacts": "sheets_system:kernel_sheet",
    "SettingsFacts": "sheets_system:settings_sheet",
    "ServerFacts": "sheets_system:server_sheet",
    "ServerConfig": "sheets_system:config_sheet",
    "AuditList": "sheets_system:audit_sheet",
}


def sheet_of(facts: Any) -> Sheet:
    """What is said about any operation's facts."""
    dotted = SHEETS.get(type(facts).__name__)
    if dotted is None:
        raise InternalError(
            f"There is no sheet for {type(facts).__name__}.", "Add it to SHEETS in modelcypher_nb/views/sheets.py."
        )
    module, _, function = dotted.partition(":")
    return cast("Sheet", getattr(importlib.import_module(f"{__package__}.{module}"), function)(facts))
