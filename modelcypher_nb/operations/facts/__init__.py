"""What operations give: frozen facts, never text and never widgets; each group is loaded with its first name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .checkpoints import CheckpointFacts, CheckpointList
    from .doctor import Check, DoctorFacts
    from .jobs import JobEvent, JobFacts, JobList, JobLog, JobMetrics, SeriesFacts
    from .kernel import KernelFacts, LiveObject
    from .models import (
        ConvertFacts,
        ModelFacts,
        ModelList,
        ModelRow,
        PickleNote,
        ScanFacts,
        ScanResult,
        TrustList,
        TrustRow,
        VerifyFacts,
    )
    from .server import AuditList, ServerConfig, ServerFacts
    from .settings import SettingFacts, SettingsFacts
    from .storage import StorageFacts
    from .system import DeviceFacts, InventoryFacts, StatusFacts

# name -> module: making all these classes takes longer than scanning a file does.
WHERE = {
    "ConvertFacts": "models",
    "ModelFacts": "models",
    "ModelRow": "models",
    "PickleNote": "models",
    "ModelList": "models",
    "ScanResult": "models",
    "ScanFacts": "models",
    "TrustRow": "models",
    "TrustList": "models",
    "VerifyFacts": "models",
    "JobEvent": "jobs",
    "JobFacts": "jobs",
    "JobList": "jobs",
    "SeriesFacts": "jobs",
    "JobMetrics": "jobs",
    "JobLog": "jobs",
    "CheckpointList": "checkpoints",
    "CheckpointFacts": "checkpoints",
    "StorageFacts": "storage",
    "DeviceFacts": "system",
    "InventoryFacts": "system",
    "StatusFacts": "system",
    "Check": "doctor",
    "DoctorFacts": "doctor",
    "LiveObject": "kernel",
    "KernelFacts": "kernel",
    "SettingFacts": "settings",
    "SettingsFacts": "settings",
    "ServerFacts": "server",
    "ServerConfig": "server",
    "AuditList": "server",
}

__all__ = [
    "WHERE",
    "AuditList",
    "Check",
    "CheckpointFacts",
    "CheckpointList",
    "ConvertFacts",
    "DeviceFacts",
    "DoctorFacts",
    "InventoryFacts",
    "JobEvent",
    "JobFacts",
    "JobList",
    "JobLog",
    "JobMetrics",
    "KernelFacts",
    "LiveObject",
    "ModelFacts",
    "ModelList",
    "ModelRow",
    "PickleNote",
    "ScanFacts",
    "ScanResult",
    "SeriesFacts",
    "ServerConfig",
    "ServerFacts",
    "SettingFacts",
    "SettingsFacts",
    "StatusFacts",
    "StorageFacts",
    "TrustList",
    "TrustRow",
    "VerifyFacts",
]


def __getattr__(name: str) -> Any:
    import importlib

    if name not in WHERE:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    value = getattr(importlib.import_module(f".{WHERE[name]}", __name__), name)
    globals()[name] = value
    return value
