"""The server in a real kernel: it answers while a cell is busy, acts on a live run, and calls no user's code."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import KernelManager
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult

from modelcypher_nb.operations.session import Session
from modelcypher_nb.surfaces.mcp import discovery
from tests.mcp_served import environment

pytestmark = pytest.mark.slow

SECONDS = 120


class Kernel:
    """A running kernel, its client, and an assistant beside it."""

    def __init__(self, client: BlockingKernelClient, session: Session, folder: Path) -> None:
        self.client = client
        self.session = session
        self.folder = folder

    def run(self, code: str) -> str:
        """Run a cell to its end; gives what it printed."""
        printed: list[str] = []

        def hook(message: dict[str, Any]) -> None:
            if message["msg_type"] == "stream":
                printed.append(message["content"]["text"])

        reply = self.client.execute_interactive(code, timeout=SECONDS, output_hook=hook)
        assert reply["content"]["status"] == "ok", reply["content"].get("traceback") or reply["content"]
        return "".join(printed)

    def begin_busy_cell(self) -> str:
        """Start a cell that runs until `end_busy_cell`; returns when its code runs."""
        end = str(self.folder / "end")
        code = f"print('begun', flush=True)\nwhile not pathlib.Path({end!r}).exists():\n    sum(range(2000))"
        self.run("import pathlib")
        request: str = self.client.execute(code)
        while True:
            message = self.client.get_iopub_msg(timeout=SECONDS)
            if message["msg_type"] == "stream" and message["parent_header"].get("msg_id") == request:
                return request

    def end_busy_cell(self, request: str) -> dict[str, Any]:
        """Let the busy cell end; gives its reply."""
        (self.folder / "end").touch()
        while True:
            reply: dict[str, Any] = self.client.get_shell_msg(timeout=SECONDS)
            if reply["parent_header"].get("msg_id") == request:
                return reply

    def call(self, tool: str, **arguments: Any) -> CallToolResult:
        """Use a tool as an assistant in another process does: by the discovery file."""

        async def whole() -> CallToolResult:
            found = discovery.connection(self.session)
            async with (
                httpx2.AsyncClient(headers=found.headers, timeout=SECONDS) as web,
                Client(streamable_http_client(found.url, http_client=web)) as client,
            ):
                return await client.call_tool(tool, arguments)

        return asyncio.run(whole())

    def facts(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """A tool's structured answer."""
        result = self.call(tool, **arguments)
        assert not result.is_error, result.content
        assert result.structured_content is not None
        return result.structured_content


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Kernel]:
    """A kernel whose launcher cell was run."""
    working = tmp_path / "working"
    working.mkdir()
    settings = {"MC_MCP_RATE": "1000", "MC_MCP_BURST": "1000", "IPYTHONDIR": str(tmp_path / "ipython")}
    variables = environment(tmp_path / "home", **settings)
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(env={**os.environ, **variables}, cwd=str(working))
    client = manager.blocking_client()
    try:
        client.start_channels()
        client.wait_for_ready(timeout=SECONDS)
        running = Kernel(client, Session(variables, str(working)), tmp_path)
        running.run("import modelcypher_nb as mc\nserver = mc.mcp_start()")
        yield running
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()


@pytest.mark.promise("MCP-6")
def test_reads_answer_while_a_cell_is_busy_and_the_cell_goes_on(kernel: Kernel) -> None:
    kernel.run("import numpy\nloss = 0.25\nweights = numpy.zeros((3, 4), 'float32')\nname = 'private text'")
    assert kernel.facts("mc_kernel_show")["busy"] is False
    request = kernel.begin_busy_cell()
    shown = kernel.facts("mc_kernel_show")
    assert shown["busy"] is True
    objects = {item["name"]: item for item in shown["objects"]}
    assert objects["loss"]["value"] == 0.25
    assert (objects["weights"]["shape"], objects["weights"]["dtype"]) == ([3, 4], "float32")
    assert objects["name"] == {"name": "name", "type": "str", "length": len("private text")}
    assert kernel.facts("mc_job_list")["total"] == 0
    assert kernel.facts("mc_system_status")["server"] == "running"
    assert kernel.end_busy_cell(request)["content"]["status"] == "ok"


RUN = """
import threading
from modelcypher_nb.operations.session import current
from modelcypher_nb.training.run import Run

run = Run(current().store, "digits", total_steps=10_000_000)
go = threading.Event()

def work(run):
    for step, _ in enumerate(run.steps(range(10_000_000))):
        run.log(loss=1.0 / (step + 1))

run.start(work)
"""


def test_a_live_run_is_read_and_paused_while_a_cell_is_busy(kernel: Kernel) -> None:
    kernel.run(RUN)
    request = kernel.begin_busy_cell()
    (row,) = kernel.facts("mc_job_list", activeOnly=True)["items"]
    assert (row["name"], row["state"]) == ("digits", "running")
    metrics = kernel.facts("mc_job_metrics", jobId="digits", points=20)
    assert metrics["series"][0]["name"].endswith("loss")
    assert kernel.facts("mc_job_pause", jobId="digits")["command"]["principal"] == "assistant:mcp"
    assert any(kernel.facts("mc_job_show", jobId="digits")["job"]["state"] == "paused" for _ in range(100))
    assert kernel.facts("mc_job_resume", jobId="digits")["outcome"] in {"done", "received"}
    assert kernel.facts("mc_job_cancel", jobId="digits")["outcome"] in {"done", "received"}
    assert kernel.end_busy_cell(request)["content"]["status"] == "ok"
    assert any(kernel.facts("mc_job_show", jobId="digits")["job"]["state"] == "cancelled" for _ in range(100))


EVIL = """
import pathlib, torch
called = pathlib.Path({called!r})

def betray(*_, **__):
    called.touch()
    raise SystemExit

class Meta(type):
    __instancecheck__ = __subclasscheck__ = __getattr__ = __repr__ = __hash__ = __eq__ = __len__ = betray

class Evil(metaclass=Meta):
    __repr__ = __str__ = __len__ = __bool__ = __eq__ = __hash__ = __getattr__ = __getattribute__ = betray
    __dir__ = __iter__ = __sizeof__ = __reduce__ = __format__ = __index__ = __float__ = __del__ = betray
    __class__ = property(betray)
    __array__ = __array_interface__ = property(betray)

class EvilDict(dict):
    __len__ = __iter__ = __getitem__ = keys = items = __repr__ = betray

class EvilText(str):
    __len__ = __str__ = __repr__ = betray

class EvilNumber(float):
    __float__ = __repr__ = __eq__ = betray

class EvilTensor(torch.Tensor):
    shape = dtype = device = nbytes = property(betray)
    __torch_function__ = classmethod(betray)

class Claims:  # to be one of the toolkit's own
    summary = betray
Claims.__module__ = "modelcypher_nb.views.registry"
Claims.__qualname__ = "Registry"

class EvilModule(torch.nn.Module):
    __getattr__ = betray
    parameters = named_parameters = children = modules = state_dict = betray

evil, evil_dict, evil_text, evil_number = Evil(), EvilDict(a=1), EvilText("x"), EvilNumber(1)
evil_tensor = torch.zeros(2).as_subclass(EvilTensor)
evil_module = EvilModule()
evil_claim = Claims()
evil_parameters = torch.nn.Linear(2, 2)
evil_parameters._parameters["weight"] = torch.nn.Parameter(torch.zeros(2)).as_subclass(EvilTensor)
lazy = torch.nn.LazyLinear(3)
linear = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU())
"""
EVIL_NAMES = {
    "evil",
    "evil_claim",
    "evil_dict",
    "evil_module",
    "evil_number",
    "evil_parameters",
    "evil_tensor",
    "evil_text",
    "lazy",
}


@pytest.mark.promise("MCP-6")
def test_o4_objects_are_shown_without_calling_them(kernel: Kernel) -> None:
    called = kernel.folder / "called"
    kernel.run(EVIL.format(called=str(called)))
    called.unlink(missing_ok=True)  # making them may have called some
    shown = {item["name"] for item in kernel.facts("mc_kernel_show", limit=100)["objects"]}
    assert shown >= EVIL_NAMES
    assert kernel.facts("mc_kernel_show", name="linear")["objects"][0]["details"] == {"parameterCount": 16}
    for name in EVIL_NAMES:
        assert kernel.facts("mc_kernel_show", name=name)["objects"][0]["name"] == name
    assert not called.exists()


def test_run_all_again_keeps_the_server_and_its_clients(kernel: Kernel) -> None:
    before = discovery.connection(kernel.session)
    kernel.run("server = mc.mcp_start()")
    assert discovery.connection(kernel.session) == before
    assert kernel.facts("mc_job_list")["total"] == 0


def test_nothing_of_a_call_lands_in_a_later_cell(kernel: Kernel) -> None:
    request = kernel.begin_busy_cell()
    assert kernel.call("mc_job_show", jobId="nothing").is_error
    kernel.facts("mc_job_list")
    kernel.end_busy_cell(request)
    assert kernel.run("print('mine')") == "mine\n"


@pytest.mark.promise("DISPLAY-2")
def test_a_launcher_cell_saves_neither_token_nor_port(kernel: Kernel) -> None:
    outputs: list[dict[str, Any]] = []
    kernel.client.execute_interactive("mc.mcp_start()", timeout=SECONDS, output_hook=outputs.append)
    found = discovery.connection(kernel.session)
    kept = {"execute_result", "display_data", "stream"}
    saved = json.dumps([message["content"] for message in outputs if message["msg_type"] in kept])
    assert "assistant" in saved
    assert found.headers["Authorization"].removeprefix("Bearer ") not in saved
    assert found.url.split(":")[2].split("/")[0] not in saved
