"""What the operations of the MCP server and the audit log give."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...store.audit_record import AuditRecord

__all__ = ["AuditList", "ServerConfig", "ServerFacts"]


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """The MCP server of this kernel; the address is known only while it runs, the token is never among the facts."""

    state: str
    profile: str
    mode: str
    tools: tuple[str, ...]
    address: str | None = field(default=None, repr=False)
    clients: tuple[str, ...] = ()
    calls: int = 0


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """Ready snippets for MCP clients, by client name."""

    snippets: dict[str, str]
    note: str


@dataclass(frozen=True, slots=True)
class AuditList:
    """The newest audit rows, the newest first."""

    items: tuple[AuditRecord, ...]
    total: int
