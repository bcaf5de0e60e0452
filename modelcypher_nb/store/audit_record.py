"""A row of the audit log, by itself: each command that changes something writes one, and needs no other record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["AuditRecord"]


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One use of an operation that changed something, or that an assistant made."""

    time: float
    principal: str
    operation: str
    arguments: dict[str, Any]
    outcome: str
    milliseconds: float
