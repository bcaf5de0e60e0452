"""One definition, four surfaces: Python, magic, shell and tool give the same facts for every operation."""

from __future__ import annotations

import asyncio
import json
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from modelcypher_nb.operations import names
from modelcypher_nb.operations.operation import Operation, find
from modelcypher_nb.operations.wire import camel
from modelcypher_nb.surfaces.vocabulary import is_positional, option_name
from tests.conftest import safetensors_bytes
from tests.kernels import Kernel, environment, running

pytestmark = pytest.mark.slow

SURFACES = ("python", "magic", "shell", "tool")

# Fields that differ from one look to the next, wherever they stand.
VOLATILE = {
    # moments and measurements
    "time", "createdAt", "startedAt", "endedAt", "requestedAt", "receivedAt", "doneAt", "registeredAt", "heartbeat",
    "milliseconds", "memoryAvailableBytes", "diskFreeBytes", "samplesPerSecond", "etaSeconds",
    # a live run goes on meanwhile
    "step", "loss", "epoch", "gradNorm", "events", "checkpoints", "checkpoint", "checkpointCount", "series", "bestStep",
    "learningRate", "owner", "segments",
    # counted up by the very calls that are compared
    "sequence", "clients", "calls", "address",
    # who asked
    "principal",
}  # fmt: skip
# A finished run stands still, so for its facts only moments are left out.
FINISHED = {"time", "createdAt", "startedAt", "endedAt", "heartbeat", "samplesPerSecond"}
# Facts about the place of the call itself.
OF_THE_PLACE = {
    "kernel_show": {"busy"},  # no cell runs while an assistant asks
    "system_status": {"inKernel", "roots"},  # a shell is no kernel; an assistant has fewer folders
    "settings_show": {"roots"},
    "storage_usage": {"bytes", "sizeBytes", "totalBytes"},  # the catalog grows with its audit log
}

PREPARED = """
import json, pathlib, time, torch
import modelcypher_nb as mc
from modelcypher_nb.operations.operation import find
from modelcypher_nb.operations.wire import wire
get_ipython().run_line_magic("load_ext", "modelcypher_nb")

def trained(name, epochs, pause=0.0):
    torch.manual_seed(0)
    network = torch.nn.Linear(4, 2)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01)
    run = mc.TrainingRun(name, model=network, optimizer=optimizer, seed=0)
    def work(run):
        for batch in run.steps([torch.ones(2, 4)] * 4, epochs=epochs):
            loss = network(batch).pow(2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            run.log(loss=loss)
            time.sleep(pause)
    run.start(work)
    return run

done = trained("done", 2)
done.wait()
live = []
def fresh(state="running"):
    # A live run for each look, for what is done to one can't be done to it again.
    for earlier in live:
        if earlier.state in ("running", "paused"):
            earlier.cancel()
    live[:] = [trained("live", 1_000_000, 0.005)]
    deadline = time.monotonic() + 30
    while live[0].step < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    if state == "paused":
        live[0].pause()
        while live[0].state != "paused" and time.monotonic() < deadline:
            time.sleep(0.01)
    assert live[0].state == state, live[0].state
    return {"job_id": live[0].id}

def gone(name):
    # What an earlier look wrote, for nothing that exists is written over.
    pathlib.Path(name).unlink(missing_ok=True)

torch.save({"weight": torch.ones(2, 3), "epoch": 7}, "net.pt")
mc.model_register("small.safetensors", "kept")
probe = torch.zeros(3)
mc.serve()
from modelcypher_nb.surfaces.mcp.control import control
print(json.dumps(done.id))
"""


@dataclass(frozen=True)
class Example:
    """How an operation is tried.

    Attributes:
        arguments: by the names of its parameters; DONE stands for the finished run.
        before: run in the kernel before each surface's turn; its value, if any, is more arguments.
        volatile: fields that aren't compared.
        shell_refuses: the exit code of a shell, where the operation lives in a kernel.
    """

    arguments: Mapping[str, Any] = field(default_factory=dict)
    before: str = ""
    volatile: frozenset[str] = frozenset(VOLATILE)
    shell_refuses: int | None = None


DONE = object()
STANDS_STILL = frozenset(FINISHED)
NOTHING = frozenset[str]()

EXAMPLES = {
    "system_inventory": Example(),
    "system_status": Example(),
    "system_doctor": Example(),
    "kernel_show": Example({"name": "probe"}, volatile=NOTHING, shell_refuses=64),
    "settings_show": Example(volatile=NOTHING),
    "settings_set": Example({"key": "mcp_burst", "value": "1000"}, volatile=NOTHING),
    "settings_allow": Example({"path": "folder"}, volatile=NOTHING),
    "model_list": Example({"limit": 5}, volatile=NOTHING),
    "model_show": Example({"model_id": "kept", "limit": 1}, volatile=NOTHING),
    "model_scan": Example({"path": ["s*l.safetensors", "./notes.txt"], "strict": True}, volatile=NOTHING),
    "model_trust": Example(
        {"digest": "sha256:" + "0" * 64, "class_name": "scipy.stats.Made"}, volatile=frozenset({"allowedAt"})
    ),
    "model_convert": Example(
        {"model_id": "net.pt", "output": "made.safetensors"}, before="gone('made.safetensors')", volatile=NOTHING
    ),
    "model_verify": Example({"model_id": "kept"}, volatile=NOTHING),
    "model_register": Example({"path": "other.safetensors", "name": "other"}, volatile=NOTHING),
    "model_tag": Example({"model_id": "kept", "add": ["one", "two"], "remove": ["three"]}, volatile=NOTHING),
    "model_alias": Example({"model_id": "kept", "alias": "best"}, volatile=NOTHING),
    "job_list": Example({"status": "completed"}, volatile=STANDS_STILL),
    "job_show": Example({"job_id": DONE}, volatile=STANDS_STILL),
    "job_metrics": Example({"job_id": "done", "names": ["train/loss"], "points": 8}, volatile=STANDS_STILL),
    "job_logs": Example({"job_id": DONE, "lines": 3}, volatile=NOTHING),
    "job_pause": Example(before="fresh()"),
    "job_resume": Example(before="fresh('paused')"),
    "job_cancel": Example(before="fresh()"),
    "job_checkpoint": Example(before="fresh()"),
    "job_set": Example({"learning_rate": 0.125}, before="fresh()"),
    "train_script": Example({"target": "script.py", "arguments": ["--epochs", "3"], "name": "scripted"}),
    "checkpoint_list": Example({"job_id": DONE}, volatile=STANDS_STILL),
    "checkpoint_show": Example({"job_id": DONE, "step": 8}, volatile=STANDS_STILL),
    "checkpoint_verify": Example({"job_id": DONE, "step": 8}, volatile=STANDS_STILL),
    "storage_usage": Example({"limit": 3}),
    "mcp_start": Example(shell_refuses=64),
    "mcp_stop": Example(before="mc.serve() and None", shell_refuses=64),
    "mcp_status": Example(before="mc.serve() and None"),
    "mcp_config": Example(before="mc.serve() and None"),
    "mcp_audit": Example({"limit": 3}),
}


def words(found: Operation, arguments: Mapping[str, Any]) -> list[str]:
    """An operation as a person types it."""
    options, positional, rest = [], [], []
    for item in found.parameters:
        if item.name not in arguments:
            continue
        given = arguments[item.name]
        values = [str(one) for one in given] if isinstance(given, list) else [str(given)]
        if item.param.kind == "rest":
            rest = ["--", *values]
        elif is_positional(item):
            positional += values
        elif item.type is bool:
            options.append(option_name(item) if given else option_name(item).replace("--", "--no-", 1))
        else:
            options += [word for one in values for word in (option_name(item), one)]
    return [*found.command.split(), *options, *positional, *rest]


@dataclass
class House:
    """A kernel with a registered model, a finished run and a server, and every way to ask it."""

    kernel: Kernel
    work: Path
    variables: dict[str, str]
    done: str

    def said(self, code: str) -> Any:
        """What the last line of a cell printed, as JSON."""
        return json.loads(self.kernel.text(code).strip().splitlines()[-1])

    def arguments(self, example: Example) -> dict[str, Any]:
        more = self.said(f"print(json.dumps({example.before}))") if example.before else None
        return {
            name: self.done if value is DONE else value for name, value in {**example.arguments, **(more or {})}.items()
        }

    def python(self, found: Operation, arguments: dict[str, Any]) -> Any:
        call = f"mc.{found.name}(**{arguments!r})"
        return self.said(f"print(json.dumps(wire(find({found.name!r}), {call})))")

    def magic(self, found: Operation, arguments: dict[str, Any]) -> Any:
        line = shlex.join(words(found, arguments))
        return self.said(f"given = %mc {line}\nprint(json.dumps(wire(find({found.name!r}), given)))")

    def failed(self, found: Operation, arguments: dict[str, Any], surface: str) -> dict[str, Any]:
        """The reply of a cell that is refused."""
        cell = f"mc.{found.name}(**{arguments!r})"
        if surface == "magic":
            cell = "%mc " + shlex.join(words(found, arguments))
        reply = self.kernel.run(cell)[-1]
        assert reply["status"] == "error", cell
        return reply

    def shell(self, found: Operation, arguments: dict[str, Any]) -> Any:
        typed = words(found, arguments)
        command = [sys.executable, "-m", "modelcypher_nb", "--json", *typed]
        result = subprocess.run(
            command, cwd=self.work, env=self.variables, capture_output=True, text=True, timeout=60, check=False
        )
        return json.loads(result.stdout) if result.stdout else {"code": result.returncode, "error": result.stderr}

    def tool(self, found: Operation, arguments: dict[str, Any], *, refused: bool = False) -> Any:
        """The answer of a real client's call, or its refusal's text; None where the server doesn't offer the tool."""
        given = {camel(name): value for name, value in arguments.items()}
        code = "mc.serve(); at = control.connection(); print(json.dumps([at.url, at.headers]))"
        result = asyncio.run(_called(*self.said(code), found.tool, given))
        if result is None:
            return None
        assert result.is_error is refused, result.content
        return result.content[0].text if refused else result.structured_content


async def _called(url: str, headers: dict[str, str], tool: str, arguments: dict[str, Any]) -> Any:
    """What a client of the SDK is told, or None where there is no such tool."""
    import httpx2
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client

    async with (
        httpx2.AsyncClient(headers=headers) as web,
        Client(streamable_http_client(url, http_client=web)) as client,
    ):
        offered = {one.name for one in (await client.list_tools()).tools}
        return await client.call_tool(tool, arguments) if tool in offered else None


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    work = folder / "work"
    (work / ".git").mkdir(parents=True)
    (work / "folder").mkdir()
    for name in ("small", "other"):
        (work / f"{name}.safetensors").write_bytes(safetensors_bytes({f"{name}.weight": (4, 6), f"{name}.bias": (4,)}))
    (work / "notes.txt").write_text("no model")
    (work / "script.py").write_text("import sys\nprint(sys.argv[1:])\n")
    limits = {"MC_MCP_RATE": "1000", "MC_MCP_BURST": "1000", "MC_MCP_PROFILE": "full"}
    variables = environment(folder / "home", **limits)
    with running(work, variables) as kernel:
        done = json.loads(kernel.text(PREPARED).strip().splitlines()[-1])
        yield House(kernel, work, variables, done)
        kernel.run("mc.mcp_stop(); [run.cancel() for run in live if run.state in ('running', 'paused')]")


def comparable(value: Any, volatile: frozenset[str], ids: set[str]) -> Any:
    """Facts without what differs from look to look; a live run's id is the same word everywhere."""
    if isinstance(value, dict):
        return {key: comparable(item, volatile, ids) for key, item in value.items() if key not in volatile}
    if isinstance(value, list):
        return [comparable(item, volatile, ids) for item in value]
    if isinstance(value, str):
        for one in ids:
            value = value.replace(one, "ID")
    return value


def ids_in(value: Any) -> set[str]:
    """Ids of runs that this very look made or was given."""
    if isinstance(value, dict):
        own = {value["id"]} if isinstance(value.get("id"), str) and "createdAt" in value else set()
        return own.union(*(ids_in(item) for item in value.values())) if value else own
    return set().union(*(ids_in(item) for item in value)) if isinstance(value, list) and value else set()


def test_every_operation_has_an_example() -> None:
    assert set(EXAMPLES) == set(names())


@pytest.mark.parametrize("name", names())
def test_every_surface_gives_the_same_facts(house: House, name: str) -> None:
    found, example = find(name), EXAMPLES[name]
    volatile = example.volatile | OF_THE_PLACE.get(name, set())
    answers = {}
    for surface in SURFACES:
        arguments = house.arguments(example)
        answer = getattr(house, surface)(found, arguments)
        if surface == "tool" and (found.people_only or found.effect == "destroy"):
            assert answer is None, f"{found.tool} is offered to assistants"
            continue
        if surface == "shell" and example.shell_refuses is not None:
            assert answer["code"] == example.shell_refuses
            assert len(answer["error"].splitlines()) == 2
            continue
        assert answer["_schema"] == found.schema
        answers[surface] = comparable(answer, volatile, ids_in(answer))
    first = answers.pop("python")
    assert len(first) > 1, "nothing is left to compare"
    for surface, answer in answers.items():
        cut = answer.pop("trimmed", {})  # a tool's answer is bounded, and says what it left out
        for key, count in cut.items():
            assert (len(first[key]), answer[key]) == (count, first[key][: len(answer[key])])
        kept = {key: value for key, value in first.items() if key not in cut}
        assert {key: value for key, value in answer.items() if key not in cut} == kept, f"{surface} differs"


def test_a_refusal_is_the_same_two_sentences_everywhere(house: House) -> None:
    shown = house.failed(find("model_show"), {"model_id": "absent"}, "python")
    magic = house.failed(find("model_show"), {"model_id": "absent"}, "magic")
    shell = house.shell(find("model_show"), {"model_id": "absent"})
    tool = house.tool(find("model_show"), {"model_id": "absent"}, refused=True)
    assert shown["ename"] == magic["ename"] == "UnknownIdError"
    assert shown["evalue"] == magic["evalue"]
    assert " ".join(line.strip() for line in shell["error"].removeprefix("mc: ").splitlines()) == shown["evalue"]
    assert tool == shown["evalue"]
    assert shell["code"] == 66
