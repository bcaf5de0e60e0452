"""The assistant of the tour: an MCP client in a process of its own.

It finds the kernel's server by the file that only this user can read, lists the runs, reads the newest one while the
notebook's cell is running, pauses it, and tells what it saw.
"""

import asyncio
import sys

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from modelcypher_nb.surfaces.mcp.discovery import connection


def facts(result):
    """The structured answer of a tool; an error is told and ends the assistant."""
    if result.is_error:
        sys.exit(f"the tool refused: {result.content[0].text}")
    return result.structured_content


async def main() -> None:
    found = connection()
    async with httpx2.AsyncClient(headers=found.headers) as http:
        async with Client(streamable_http_client(found.url, http_client=http)) as client:
            tools = await client.list_tools()
            print(f"assistant: {len(tools.tools)} tools, none of which runs code or deletes anything")
            runs = facts(await client.call_tool("mc_job_list", {"activeOnly": True}))
            job = runs["items"][0]
            print(f"assistant: one run is live: {job['name']}")
            metrics = facts(await client.call_tool("mc_job_metrics", {"jobId": job["id"], "names": ["train/loss"]}))
            print(f"assistant: its loss is there to read: {metrics['series'][0]['count'] > 0}")
            kernel = facts(await client.call_tool("mc_kernel_show", {}))
            print(f"assistant: a cell is running meanwhile: {kernel['busy']}")
            paused = facts(await client.call_tool("mc_job_pause", {"jobId": job["id"]}))
            print(f"assistant: pause is {paused['outcome']}, the run is {paused['job']['state']}")


if __name__ == "__main__":
    asyncio.run(main())
