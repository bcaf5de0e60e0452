"""The resources mc://...: what a client may read beside the tools, through the same operations."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ...errors import UnknownIdError
from ...guard.secrets import shown
from ...operations.operation import find
from ...operations.wire import plain
from ...store.records import ID
from .answers import fitted, harmless, serialised
from .tools import answer, offered

if TYPE_CHECKING:
    from mcp.types import Resource, ResourceTemplate

    from ...operations.session import Call

__all__ = ["MIME_TYPE", "listed", "read", "templates"]

MIME_TYPE = "application/json"
AUDIT = "mc://audit"
AUDIT_ROWS = 100
METRICS = re.compile(r"mc://jobs/([^/]*)/metrics")

# address -> (operation, what it holds)
FIXED = {
    "mc://models": ("model_list", "The registered models."),
    "mc://jobs": ("job_list", "The training runs."),
    "mc://checkpoints": ("checkpoint_list", "The saved checkpoints."),
    "mc://system": ("system_status", "What is going on, and the security posture."),
}


def _visible(profile: str) -> set[str]:
    return {operation.name for operation in offered(profile)}


def listed(profile: str) -> list[Resource]:
    """The resources of a profile: those whose operation it offers, and the caller's own audit rows."""
    from mcp.types import Resource

    rows = {address: text for address, (name, text) in FIXED.items() if name in _visible(profile)}
    rows[AUDIT] = "Your own calls, the newest first."
    return [
        Resource(uri=address, name=address.removeprefix("mc://"), description=text, mime_type=MIME_TYPE)
        for address, text in rows.items()
    ]


def templates(profile: str) -> list[ResourceTemplate]:
    """The one resource with a parameter: the metrics of a run, by its id."""
    from mcp.types import ResourceTemplate

    if "job_metrics" not in _visible(profile):
        return []
    return [
        ResourceTemplate(
            uri_template="mc://jobs/{id}/metrics",
            name="job-metrics",
            description="The metrics of a run, by its id.",
            mime_type=MIME_TYPE,
        )
    ]


def read(profile: str, call: Call, address: str) -> str:
    """A resource's JSON text.

    Raises:
        UnknownIdError: there is no such resource.
        ModelCypherError: its operation refuses.
    """
    if address == AUDIT:
        rows = call.catalog.audit(AUDIT_ROWS, call.principal)
        return serialised(_small({"_schema": "mc.mcp.audit.v1", "items": harmless(plain(rows)), "total": len(rows)}))
    name, arguments = _operation(address)
    if name not in _visible(profile):
        raise UnknownIdError(
            f"There is no resource '{shown(address, 120)}'.", f"The resources are: {', '.join([*FIXED, AUDIT])}."
        )
    return serialised(_small(answer(find(name), call, arguments)))


def _operation(address: str) -> tuple[str, dict[str, str]]:
    if address in FIXED:
        return FIXED[address][0], {}
    found = METRICS.fullmatch(address)
    # The id is looked up as it stands: nothing is decoded, so no spelling of '..' means anything.
    if found is not None and ID.fullmatch(found[1]):
        return "job_metrics", {"jobId": found[1]}
    return "", {}


def _small(facts: dict[str, Any]) -> dict[str, Any]:
    return fitted(facts, structured=False)
