"""What is said about the machine, the session, the kernel, settings, storage and the server."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from . import numbers as n
from .sheet import Block, Cell, Sheet, Table, cell, pairs, table, volatile

if TYPE_CHECKING:
    from ..operations.facts import (
        AuditList,
        DoctorFacts,
        InventoryFacts,
        KernelFacts,
        LiveObject,
        ServerConfig,
        ServerFacts,
        SettingFacts,
        SettingsFacts,
        StatusFacts,
        StorageFacts,
    )
    from ..store.storage import StorageRow

__all__ = ["storage_table"]


def inventory_sheet(facts: InventoryFacts) -> Sheet:
    """What the machine has; all of it differs from machine to machine."""
    devices = [
        (volatile(one.kind), volatile(one.name), volatile(n.size(one.memory_bytes) if one.memory_bytes else ""))
        for one in facts.devices
    ]
    libraries = [(name, volatile(version)) for name, version in facts.libraries.items()]
    return Sheet(
        "This machine",
        facts=pairs(
            ("System", volatile(facts.system)),
            ("Python", volatile(facts.python)),
            ("Processors", volatile(facts.cpu_count)),
            ("Memory", volatile(f"{n.size(facts.memory_available_bytes)} free of {n.size(facts.memory_bytes)}")),
            ("Disk", volatile(f"{n.size(facts.disk_free_bytes)} free of {n.size(facts.disk_total_bytes)}")),
        ),
        tables=(
            table("Devices", ("device", "name", "#memory"), devices),
            table("Libraries", ("library", "version"), libraries),
        ),
    )


def _words(name: str) -> str:
    """`destructiveTools` as `Destructive tools`."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()
    return spaced[:1].upper() + spaced[1:]


def status_sheet(facts: StatusFacts) -> Sheet:
    """What is going on."""
    posture = [(_words(name), value) for name, value in facts.posture.items()]
    return Sheet(
        "ModelCypher",
        facts=pairs(
            ("Version", facts.version),
            ("Models", n.whole(facts.models)),
            ("Runs", n.whole(facts.jobs)),
            ("Live runs", volatile(", ".join(facts.live_jobs) or "none")),
            ("MCP server", facts.server),
            ("Process", "a notebook's kernel" if facts.in_kernel else "no notebook's kernel"),
            ("Home", volatile(facts.home)),
            ("Start folder", volatile(facts.start)),
            ("Allowed folders", volatile(", ".join(facts.roots) or "none")),
        ),
        tables=(table("Security", ("", ""), posture),),
        notes=tuple(volatile(notice) for notice in facts.notices),
    )


def doctor_sheet(facts: DoctorFacts) -> Sheet:
    """Every part that was looked at, faults first."""
    checks = sorted(facts.checks, key=lambda check: check.ok)
    rows = [
        ("ok" if check.ok else Cell("fault", strong=True), check.name, volatile(check.found), check.remedy or "")
        for check in checks
    ]
    faults = sum(not check.ok for check in facts.checks)
    badge = "healthy" if facts.healthy else n.plural(faults, "fault")
    return Sheet("Doctor", badge, tables=(table("Checks", ("", "part", "found", "what to do"), rows),))


def _object_row(found: LiveObject) -> tuple[object, ...]:
    if found.value is not None:
        value = str(found.value)
    elif found.length is not None:
        value = f"length {n.whole(found.length)}"
    else:
        value = ", ".join(f"{_words(key).lower()} {item}" for key, item in (found.details or {}).items())
    shape = n.shape(found.shape) if found.shape is not None else ""
    held = n.size(found.bytes) if found.bytes is not None else ""
    return Cell(found.name, strong=True), found.type, shape, found.dtype, found.device, held, volatile(value)


def kernel_sheet(facts: KernelFacts) -> Sheet:
    """The kernel's live objects."""
    rows = [_object_row(found) for found in facts.objects]
    columns = ("name", "type", "shape", "dtype", "device", "#bytes", "value")
    objects = table("Objects", columns, rows, total=facts.total, empty="the namespace holds none")
    return Sheet("Live objects", badge="busy" if facts.busy else "idle", tables=(objects,))


def _setting_row(found: SettingFacts) -> tuple[object, ...]:
    return Cell(found.key, strong=True), volatile(found.value), found.origin, found.variable, found.meaning


def settings_sheet(facts: SettingsFacts) -> Sheet:
    """Settings in force, with where each value came from."""
    rows = [_setting_row(found) for found in facts.settings]
    return Sheet(
        "Settings",
        facts=pairs(("Allowed folders", volatile(", ".join(facts.roots) or "none"))),
        tables=(table("Values", ("key", "value", "from", "variable", "meaning"), rows),),
        notes=tuple(volatile(notice) for notice in facts.notices),
    )


def storage_table(rows: Sequence[StorageRow], total: int) -> Table:
    """What each item takes."""
    made = [
        (
            row.category,
            volatile(row.id),
            volatile(n.size(row.bytes)),
            "yes" if row.reclaimable else "",
            row.reason or "",
            volatile(row.path or ""),
        )
        for row in rows
    ]
    columns = ("category", "item", "#size", "reclaimable", "reason", "path")
    return table("Storage", columns, made, total=total, empty="nothing is kept yet")


def storage_sheet(facts: StorageFacts) -> Sheet:
    """What is kept, and the disk it lies on."""
    return Sheet(
        "Storage in use",
        facts=pairs(
            ("Kept", volatile(n.size(facts.total_bytes))),
            ("Reclaimable", volatile(n.size(facts.reclaimable_bytes))),
            ("Disk", volatile(f"{n.size(facts.disk_free_bytes)} free of {n.size(facts.disk_total_bytes)}")),
        ),
        tables=(storage_table(facts.rows, facts.total or len(facts.rows)),),
    )


def server_sheet(facts: ServerFacts, *, live: bool = True) -> Sheet:
    """The MCP server; what is saved names neither its address nor who called."""
    who = ", ".join(facts.clients) or "nobody yet"
    running = live and facts.state == "running"
    offered = "Tools it would offer" if facts.state == "stopped" else "Tools"
    return Sheet(
        "MCP server",
        badge=facts.state,
        facts=pairs(
            ("Profile", facts.profile),
            ("Access", facts.mode),
            ("Address", volatile(facts.address) if running else None),
            ("Connected", volatile(who) if running else None),
            ("Calls", volatile(n.whole(facts.calls)) if running else None),
        ),
        tables=(table(offered, ("name",), [(tool,) for tool in facts.tools]),),
    )


def config_sheet(facts: ServerConfig) -> Sheet:
    """What to paste into a client."""
    blocks = tuple(Block(name, tuple(text.splitlines()), volatile=True) for name, text in facts.snippets.items())
    return Sheet("MCP clients", blocks=blocks, notes=(cell(facts.note),))


def audit_sheet(facts: AuditList) -> Sheet:
    """Who did what."""
    rows = [
        (
            volatile(n.moment(record.time)),
            record.principal,
            record.operation,
            volatile(", ".join(f"{key}={value}" for key, value in record.arguments.items())),
            volatile(record.outcome),
            volatile(f"{record.milliseconds:.0f} ms"),
        )
        for record in facts.items
    ]
    columns = ("time", "who", "operation", "arguments", "outcome", "#took")
    return Sheet("Audit", tables=(table("Entries", columns, rows, total=facts.total, empty="nothing yet"),))
