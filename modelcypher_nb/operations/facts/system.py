"""What the operations of the machine and what goes on in it give."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DeviceFacts", "InventoryFacts", "StatusFacts"]


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """A processor or accelerator that a run could use."""

    kind: str
    name: str
    memory_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class InventoryFacts:
    """What this machine has."""

    system: str
    python: str
    cpu_count: int
    memory_bytes: int
    memory_available_bytes: int
    disk_total_bytes: int
    disk_free_bytes: int
    devices: tuple[DeviceFacts, ...]
    libraries: dict[str, str]


@dataclass(frozen=True, slots=True)
class StatusFacts:
    """What is going on: live runs, registry, server, and the security posture."""

    version: str
    home: str
    start: str
    roots: tuple[str, ...]
    in_kernel: bool
    models: int
    jobs: int
    live_jobs: tuple[str, ...]
    server: str
    posture: dict[str, str]
    notices: tuple[str, ...] = ()
