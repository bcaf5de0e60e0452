"""What the tests of the MCP surface share."""

from __future__ import annotations

from tests.mcp_served import served

__all__ = ["served"]
