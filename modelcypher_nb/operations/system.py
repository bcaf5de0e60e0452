"""The verbs of the system: inventory and status."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from typing import Any

from .. import __version__
from ..guard.secrets import shown
from .facts import DeviceFacts, InventoryFacts, StatusFacts
from .operation import operation
from .session import Call, Session

__all__: list[str] = []

LIBRARIES = (
    "torch",
    "numpy",
    "safetensors",
    "transformers",
    "huggingface-hub",
    "mlflow",
    "mcp",
    "ipykernel",
    "jupyterlab",
    "ipywidgets",
    "anywidget",
)


def _libraries() -> dict[str, str]:
    from importlib import metadata

    found = {}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue  # absent is a fact too: the name is left out
    return found


def _devices() -> tuple[DeviceFacts, ...]:
    """The processor, and accelerators as torch sees them where it is imported already (importing it takes seconds)."""
    devices = [DeviceFacts("cpu", platform.processor() or platform.machine())]
    torch: Any = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            properties = torch.cuda.get_device_properties(index)
            devices.append(DeviceFacts(f"cuda:{index}", properties.name, properties.total_memory))
    elif torch is None and os.path.isdir("/proc/driver/nvidia/gpus"):  # noqa: PTH112
        count = len(os.listdir("/proc/driver/nvidia/gpus"))  # noqa: PTH208
        devices.append(DeviceFacts("cuda", f"{count} NVIDIA device(s); import torch for their names"))
    return tuple(devices)


@operation(effect="read", profiles=("monitoring",))
def system_inventory(call: Call) -> InventoryFacts:
    """Show what this machine has: processors, accelerators, memory, disk and library versions."""
    import psutil

    memory = psutil.virtual_memory()
    disk = shutil.disk_usage(_existing(call.session.home_path))
    return InventoryFacts(
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        cpu_count=os.cpu_count() or 1,
        memory_bytes=memory.total,
        memory_available_bytes=memory.available,
        disk_total_bytes=disk.total,
        disk_free_bytes=disk.free,
        devices=_devices(),
        libraries=_libraries(),
    )


def _existing(path: str) -> str:
    while not os.path.exists(path):  # noqa: PTH110
        path = os.path.dirname(path)  # noqa: PTH120
    return path


def posture(session: Session) -> dict[str, str]:
    """What protects this session, in words."""
    settings = session.settings
    plain_http = ", ".join(settings["allow_plain_http"]) or "loopback only"
    return {
        "telemetry": "none",
        "savingFormat": "safetensors only",
        "plainHttp": plain_http,
        "serverAuthentication": "launch token",
        "serverAddress": settings["mcp_host"],
        "destructiveTools": "not offered to assistants",
        "allowedPathsFor": settings["allowed_paths_for"],
    }


@operation(effect="read", profiles=("assistant", "training", "inference", "monitoring"))
def system_status(call: Call) -> StatusFacts:
    """Show what is going on: live runs, registry, server, allowed folders and the security posture."""
    session = call.session
    _, models = call.catalog.models(limit=1)
    _, jobs = call.catalog.jobs(limit=1)
    live, _ = call.catalog.jobs(states=("queued", "running", "paused"), limit=100)
    return StatusFacts(
        version=__version__,
        home=shown(session.home_path),
        start=shown(session.start),
        roots=tuple(shown(root.path) for root in call.guard.roots),
        in_kernel=session.in_kernel,
        models=models,
        jobs=jobs,
        live_jobs=tuple(record.id for record in live),
        server=session.server.status(session).state,
        posture=posture(session),
        notices=session.settings.notices,
    )
