"""A real server on a session of its own, and real clients for it: what every test of the MCP surface begins with."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import pytest
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult, Implementation

from modelcypher_nb.operations.session import Session
from modelcypher_nb.surfaces.mcp.control import Control

Given = TypeVar("Given")

PROTOCOLS = ("2025-06-18", "2025-11-25", "2026-07-28")
ACCEPT = "application/json, text/event-stream"


@dataclass
class Served:
    """A running server and what its clients need."""

    session: Session
    control: Control
    working: Path
    environment: dict[str, str]

    @property
    def url(self) -> str:
        return self.control.connection().url

    @property
    def headers(self) -> dict[str, str]:
        return self.control.connection().headers

    @property
    def token(self) -> str:
        return self.headers["Authorization"].removeprefix("Bearer ")

    @property
    def port(self) -> int:
        return int(self.url.split(":")[2].split("/")[0])

    def use(self, work: Callable[[Client], Awaitable[Given]], *, name: str = "tester", mode: str = "auto") -> Given:
        """Do something as a client of the SDK."""

        async def whole() -> Given:
            async with (
                httpx2.AsyncClient(headers=self.headers) as web,
                Client(
                    streamable_http_client(self.url, http_client=web),
                    client_info=Implementation(name=name, version="1"),
                    mode=mode,
                ) as client,
            ):
                return await work(client)

        return asyncio.run(whole())

    def call(self, tool: str, /, *, as_client: str = "tester", mode: str = "auto", **arguments: Any) -> CallToolResult:
        """Use one tool as a client of the SDK."""
        return self.use(lambda client: client.call_tool(tool, arguments), name=as_client, mode=mode)

    def read(self, address: str, *, as_client: str = "tester") -> Any:
        """Read one resource as a client of the SDK."""
        result = self.use(lambda client: client.read_resource(address), name=as_client)
        return json.loads(result.contents[0].text)

    def refusal(self, address: str) -> str:
        """Read one resource that is refused; gives what the client is told."""

        async def work(client: Client) -> str:
            with pytest.raises(MCPError) as caught:
                await client.read_resource(address)
            return str(caught.value)

        return self.use(work)

    def request(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, dict[str, str], str]:
        """Send one bare HTTP request; names of headers are written with underscores."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            given = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, given)
            answer = connection.getresponse()
            return answer.status, {key.lower(): value for key, value in answer.getheaders()}, answer.read().decode()
        finally:
            connection.close()

    def post(self, message: Any, **headers: str) -> tuple[int, dict[str, str], str]:
        """Send one JSON-RPC message with the token."""
        body = message if isinstance(message, bytes) else json.dumps(message).encode()
        given = {"Content_Type": "application/json", "Accept": ACCEPT, "Authorization": f"Bearer {self.token}"}
        return self.request("POST", "/mcp", body, **{**given, **headers})


def environment(home: Path, **more: str) -> dict[str, str]:
    """What a session sees of the world."""
    return {"MODELCYPHER_NB_HOME": str(home), "HF_HUB_CACHE": str(home / "hub"), **more}


@contextmanager
def serve(folder: Path, **settings: str) -> Iterator[Served]:
    """Serve a fresh home from a fresh working folder."""
    working = folder / "working"
    working.mkdir(exist_ok=True)
    variables = environment(folder / "home", **settings)
    session = Session(variables, str(working))
    control = Control()
    control.start(session)
    try:
        yield Served(session, control, working, variables)
    finally:
        control.stop(session)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A server of the default profile, that no test is slowed down by the rate of."""
    with serve(tmp_path, MC_MCP_RATE="1000", MC_MCP_BURST="1000") as running:
        yield running


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for all tests of a module that leave it as it was."""
    with serve(tmp_path_factory.mktemp("standing"), MC_MCP_RATE="1000", MC_MCP_BURST="1000") as running:
        yield running


def text_of(result: CallToolResult) -> str:
    """The text of a tool's answer."""
    return "".join(block.text for block in result.content if block.type == "text")


def initialize(version: str = "2025-06-18", name: str = "raw") -> dict[str, Any]:
    """The first message of a client of before 2026."""
    params = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": name, "version": "1"}}
    return {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
