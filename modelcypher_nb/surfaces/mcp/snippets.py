"""Snippets for MCP clients: none holds an address or a token, so each may stand in a notebook and outlives restarts."""

from __future__ import annotations

from ...errors import UsageError
from ...guard.secrets import shown

__all__ = ["NOTE", "snippets"]

PYTHON = """\
import asyncio

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from modelcypher_nb.surfaces.mcp.discovery import connection


async def main():
    found = connection()  # the newest kernel that serves; address and token are new at each start
    async with httpx2.AsyncClient(headers=found.headers) as http:
        async with Client(streamable_http_client(found.url, http_client=http)) as client:
            print((await client.call_tool("mc_job_list", {})).structured_content)


asyncio.run(main())
"""

SHELL = 'eval "$(python -m modelcypher_nb.surfaces.mcp.discovery --shell)"'

CLAUDE_CODE = f"""\
{SHELL}
claude mcp add --transport http modelcypher "$MODELCYPHER_MCP_URL" \\
  --header "Authorization: Bearer $MODELCYPHER_MCP_TOKEN"
"""

JSON = """\
{
  "mcpServers": {
    "modelcypher": {
      "type": "http",
      "url": "${MODELCYPHER_MCP_URL}",
      "headers": {"Authorization": "Bearer ${MODELCYPHER_MCP_TOKEN}"}
    }
  }
}
"""

INSPECTOR = f"""\
{SHELL}
npx @modelcontextprotocol/inspector --cli "$MODELCYPHER_MCP_URL" --transport http \\
  --header "Authorization: Bearer $MODELCYPHER_MCP_TOKEN" --method tools/list
"""

CLIENTS = {"python": PYTHON, "claude-code": CLAUDE_CODE, "json": JSON, "inspector": INSPECTOR}

NOTE = (
    "The server's address and token are new at each start and stand in no snippet: a client on this machine gets them "
    f"from a file that only you can read. For a client that takes them from its environment, first run: {SHELL}"
)


def snippets(client: str | None) -> dict[str, str]:
    """The snippet of one client, or of each.

    Raises:
        UsageError: that client isn't known.
    """
    if client is None:
        return dict(CLIENTS)
    if client not in CLIENTS:
        raise UsageError(f"There is no snippet for '{shown(client, 60)}'.", f"Give one of: {', '.join(CLIENTS)}.")
    return {client: CLIENTS[client]}
