"""The MCP server's panel: what it offers, and, while it runs, where it listens and who called."""

from __future__ import annotations

import time
from typing import Any

from ..operations.facts import ServerFacts
from ..operations.operation import find
from ..operations.person import as_person
from ..operations.session import current
from .channel import Points
from .live import Shown
from .numbers import iso
from .sheet import Sheet
from .sheets_system import server_sheet
from .widget import View

__all__ = ["ServerPanel"]

LOOK_SECONDS = 1.0  # between two looks while somebody watches
CALLS_SHOWN = 20
CALLS_READ = 200
KEY = "server"


class ServerPanel(View):
    """The MCP server of this kernel."""

    view = "server"

    def __init__(self, facts: ServerFacts | None = None) -> None:
        self._facts = facts
        super().__init__(_Source())

    @property
    def facts(self) -> ServerFacts:
        """What it is now."""
        return status()

    def data(self) -> dict[str, Any]:
        """The view's data that may be saved: neither the address nor who called."""
        return _saved(self._facts or status())

    def sheet(self) -> Sheet:
        """What HTML and text say."""
        return server_sheet(self._facts or status(), live=False)

    def summary(self) -> dict[str, Any]:
        """What `kernel show` tells of it."""
        return {"state": self.facts.state}


def status() -> ServerFacts:
    """What the server of this kernel, or of another process on the same home, is doing."""
    facts: ServerFacts = as_person("mcp_status")
    return facts


def _saved(facts: ServerFacts) -> dict[str, Any]:
    return {"state": facts.state, "profile": facts.profile, "tools": [_tool(name) for name in facts.tools]}


def _tool(name: str) -> dict[str, Any]:
    operation = find(name.removeprefix("mc_"))
    return {
        "name": name,
        "description": operation.summary,
        "readOnly": operation.effect == "read",
        "destructive": operation.effect == "destroy",
    }


def _calls() -> list[dict[str, Any]]:
    """The last calls of assistants, the newest first."""
    rows = [row for row in current().catalog.audit(CALLS_READ) if row.principal.startswith("assistant:")]
    return [
        {
            "time": iso(row.time),
            "principal": row.principal.removeprefix("assistant:"),
            "tool": f"mc_{row.operation}",
            "outcome": row.outcome,
            "milliseconds": row.milliseconds,
        }
        for row in rows[:CALLS_SHOWN]
    ]


class _Source(Shown):
    """The server's live side."""

    def __init__(self) -> None:
        super().__init__("server", KEY)
        self._state = ""
        self._data: dict[str, Any] = {}
        self._looked_at = 0.0

    def now(self, *, whole: bool) -> tuple[Points, dict[str, Any]]:
        if whole or time.monotonic() - self._looked_at > LOOK_SECONDS:
            self._data, self._looked_at = self._read(), time.monotonic()
        return {}, self._data

    def _read(self) -> dict[str, Any]:
        facts = status()
        self._state = facts.state
        data = {**_saved(facts), "mode": facts.mode, "clients": [{"name": name} for name in facts.clients]}
        if facts.address is not None:
            data["address"] = facts.address
        return {**data, "calls": _calls()}

    def actions(self) -> list[str]:
        return ["stop"] if self._state == "running" and current().in_kernel else []

    def act(self, action: str, arguments: dict[str, Any]) -> str | None:
        del action, arguments
        as_person("mcp_stop")
        self._looked_at = 0.0
        return "The server has stopped; its token is worthless now."
