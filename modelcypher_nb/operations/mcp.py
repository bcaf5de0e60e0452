"""The verbs of the MCP server: start, stop, status, config, audit. Only people have them."""

from __future__ import annotations

from typing import Annotated

from .facts import AuditList, ServerConfig, ServerFacts
from .operation import Param, operation
from .session import Call

__all__: list[str] = []


@operation(effect="write", idempotent=True, people_only=True, place="kernel")
def mcp_start(call: Call) -> ServerFacts:
    """Start the MCP server in this kernel, so that an assistant can act on the same state.

    It listens on this machine only and asks for a token that is new at each start. A second start gives the
    running server; with other settings it is refused.
    """
    return call.session.server.start(call.session)


@operation(effect="write", idempotent=True, people_only=True, place="kernel")
def mcp_stop(call: Call) -> ServerFacts:
    """Stop the MCP server of this kernel; its token is worthless afterwards."""
    return call.session.server.stop(call.session)


@operation(effect="read", people_only=True)
def mcp_status(call: Call) -> ServerFacts:
    """Show whether the MCP server runs, with which tools, and who called it."""
    return call.session.server.status(call.session)


@operation(effect="read", people_only=True)
def mcp_config(
    call: Call,
    client: Annotated[str | None, Param("Only for this client; all known ones where left out.")] = None,
) -> ServerConfig:
    """Print what to paste into an MCP client's configuration."""
    return call.session.server.config(call.session, client)


@operation(effect="read", people_only=True)
def mcp_audit(
    call: Call,
    limit: Annotated[int, Param("How many at most.", ge=1, le=10_000)] = 100,
) -> AuditList:
    """Show the audit log, the newest first: every change, and every call of an assistant."""
    rows = call.catalog.audit(limit)
    return AuditList(tuple(rows), len(rows))
