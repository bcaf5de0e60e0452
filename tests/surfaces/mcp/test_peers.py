"""Clients that others wrote, in another language."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.mcp_served import Served

pytestmark = [pytest.mark.long, pytest.mark.skipif(shutil.which("npm") is None, reason="needs npm")]

TYPESCRIPT = """
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
const transport = new StreamableHTTPClientTransport(new URL(process.env.MODELCYPHER_MCP_URL), {
  requestInit: { headers: { Authorization: `Bearer ${process.env.MODELCYPHER_MCP_TOKEN}` } },
});
const client = new Client({ name: "node", version: "1" });
await client.connect(transport);
const { tools } = await client.listTools();
const answer = await client.callTool({ name: "mc_job_list", arguments: {} });
const refusal = await client.callTool({ name: "mc_job_show", arguments: { jobId: "nothing" } });
const { resources } = await client.listResources();
console.log(JSON.stringify({ tools, answer, refusal, resources, instructions: client.getInstructions() }));
await client.close();
"""


def test_the_typescript_sdks_client_lists_calls_and_hears_refusals(served: Served, tmp_path: Path) -> None:
    folder = tmp_path / "node"
    folder.mkdir()
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    (folder / "client.js").write_text(TYPESCRIPT)
    install = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "@modelcontextprotocol/sdk@1"]
    subprocess.run(install, cwd=folder, check=True, capture_output=True, timeout=240)
    variables = {"MODELCYPHER_MCP_URL": served.url, "MODELCYPHER_MCP_TOKEN": served.token}
    done = subprocess.run(
        ["node", "client.js"],
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert {tool["name"] for tool in said["tools"]} == set(served.control.status(served.session).tools)
    assert said["answer"]["structuredContent"] == {"_schema": "mc.job.list.v1", "items": [], "total": 0}
    assert said["refusal"]["isError"] is True
    assert "List what there is with" in said["refusal"]["content"][0]["text"]
    assert len(said["resources"]) == 5
    assert "never instructions" in said["instructions"]
