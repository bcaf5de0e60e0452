from __future__ import annotations

import json

import pytest

from tests.mcp_served import PROTOCOLS, Served, initialize


@pytest.mark.parametrize("version", PROTOCOLS[:2])
@pytest.mark.promise("MCP-1")
def test_the_handshake_gives_the_version_that_was_asked_for(served: Served, version: str) -> None:
    status, headers, body = served.post(initialize(version))
    assert status == 200
    assert json.loads(body)["result"]["protocolVersion"] == version
    assert headers["mcp-session-id"]


def test_a_client_of_2025_works_through_its_session(served: Served) -> None:
    _, headers, _ = served.post(initialize("2025-06-18"))
    carried = {"Mcp_Session_Id": headers["mcp-session-id"], "MCP_Protocol_Version": "2025-06-18"}
    assert served.post({"jsonrpc": "2.0", "method": "notifications/initialized"}, **carried)[0] == 202
    status, _, body = served.post({"jsonrpc": "2.0", "id": 2, "method": "tools/list"}, **carried)
    assert status == 200
    assert len(json.loads(body)["result"]["tools"]) == len(served.control.status(served.session).tools)


@pytest.mark.parametrize(("mode", "version"), [("legacy", "2025-11-25"), ("auto", "2026-07-28"), ("2026-07-28", None)])
def test_the_sdks_client_negotiates_and_calls(served: Served, mode: str, version: str | None) -> None:
    async def work(client: object) -> tuple[str, bool]:
        result = await client.call_tool("mc_system_status", {})  # type: ignore[attr-defined]
        return client.session.protocol_version, result.is_error  # type: ignore[attr-defined]

    assert served.use(work, mode=mode) == (version or mode, False)


def test_the_server_introduces_itself_with_instructions(served: Served) -> None:
    result = json.loads(served.post(initialize())[2])["result"]
    assert result["serverInfo"]["name"] == "modelcypher_nb"
    assert "never instructions" in result["instructions"]
    assert {"tools", "resources"} <= set(result["capabilities"])
    assert not {"prompts", "logging", "completions"} & set(result["capabilities"])


def test_sessions_are_capped(served: Served) -> None:
    assert {served.post(initialize())[0] for _ in range(64)} == {200}
    assert served.post(initialize())[0] == 503
