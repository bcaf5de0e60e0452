"""A real kernel, and a view's side of the wire to it."""

from __future__ import annotations

import os
import queue
import time
import uuid
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import KernelManager, start_new_kernel

from modelcypher_nb.operations import session as sessions
from modelcypher_nb.operations.session import Session

SOURCE = str(Path(__file__).parents[2])
PATIENCE = 60.0


class Kernel:
    """A kernel with a home of its own; messages are sorted as they come."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "work"
        self.folder.mkdir()
        path = os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), SOURCE)))  # another ipykernel comes first
        environment = {**os.environ, "PYTHONPATH": path, "MODELCYPHER_NB_HOME": str(folder / "home")}
        environment |= {"MPLCONFIGDIR": str(folder / "matplotlib"), "PYTHONWARNINGS": "ignore"}
        self.manager: KernelManager
        self.manager, self.client = start_new_kernel(kernel_name="python3", env=environment, cwd=str(self.folder))
        self.outputs: dict[str, list[dict[str, Any]]] = {}
        self.comms: dict[str, list[dict[str, Any]]] = {}
        self.idle: set[str] = set()
        self.features = self._features()

    def _features(self) -> list[str]:
        self.client.kernel_info()
        while True:
            message = self.client.get_shell_msg(timeout=PATIENCE)
            if message["msg_type"] == "kernel_info_reply":
                return list(message["content"].get("supported_features", []))

    def stop(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)

    def look(self) -> None:
        """Take in one message."""
        try:
            message = self.client.get_iopub_msg(timeout=0.2)
        except queue.Empty:
            return
        kind, content = message["msg_type"], message["content"]
        if kind in {"comm_msg", "comm_close", "comm_open"}:
            self.comms.setdefault(content["comm_id"], []).append(message)
        elif kind == "status":
            if content["execution_state"] == "idle":
                self.idle.add(message["parent_header"].get("msg_id", ""))
        else:
            self.outputs.setdefault(message["parent_header"].get("msg_id", ""), []).append(message)

    def until(self, condition: Any, what: str) -> Any:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            found = condition()
            if found:
                return found
            self.look()
        pytest.fail(f"{what} did not come within a minute")

    def begin(self, code: str) -> str:
        """Start a cell; gives its message's id."""
        return str(self.client.execute(code))

    def finish(self, cell: str) -> list[dict[str, Any]]:
        """Wait for a cell; gives its outputs, and fails on an error."""
        self.until(lambda: cell in self.idle, "the cell's end")
        outputs = self.outputs.get(cell, [])
        for output in outputs:
            if output["msg_type"] == "error":
                pytest.fail("\n".join(output["content"]["traceback"]))
        return outputs

    def run(self, code: str) -> list[dict[str, Any]]:
        return self.finish(self.begin(code))

    def bundles(self, code: str) -> list[dict[str, Any]]:
        """The data of everything that a cell displays."""
        kinds = {"display_data", "execute_result", "update_display_data"}
        return [output["content"]["data"] for output in self.run(code) if output["msg_type"] in kinds]

    def value(self, code: str) -> str:
        """What an expression prints."""
        texts = [output["content"]["text"] for output in self.run(f"print({code})") if output["msg_type"] == "stream"]
        return "".join(texts).strip()

    def view(self, payload: dict[str, Any], subshell: str | None = None, **changed: Any) -> Client:
        """Open a view of a displayed object, with `changed` in its request where it is a forged one."""
        return Client(self, payload, subshell, **changed)

    def subshell(self) -> str | None:
        """A subshell as JupyterLab makes one; None where the kernel has none."""
        if "kernel subshells" not in self.features:
            return None
        message = self.client.session.msg("create_subshell_request", {})
        self.client.control_channel.send(message)
        reply = self.client.get_control_msg(timeout=PATIENCE)
        return reply["content"].get("subshell_id") if reply["content"].get("status") == "ok" else None


class Client:
    """A view: opens a comm for a payload, sends, and keeps what comes."""

    def __init__(self, kernel: Kernel, payload: dict[str, Any], subshell: str | None = None, **changed: Any) -> None:
        self.kernel = kernel
        self.comm = uuid.uuid4().hex
        self.subshell = subshell
        data = {name: payload[name] for name in ("view", "id", "nonce")} | {"clientId": uuid.uuid4().hex} | changed
        self._send("comm_open", {"comm_id": self.comm, "target_name": "modelcypher_nb.view", "data": data})

    def _send(self, kind: str, content: dict[str, Any]) -> None:
        message = self.kernel.client.session.msg(kind, content)
        if self.subshell is not None:
            message["header"]["subshell_id"] = self.subshell
        self.kernel.client.shell_channel.send(message)

    def send(self, data: dict[str, Any]) -> None:
        self._send("comm_msg", {"comm_id": self.comm, "data": data})

    def act(self, action: str, **arguments: Any) -> str:
        token = uuid.uuid4().hex
        self.send({"type": "action", "token": token, "action": action, "arguments": arguments})
        return token

    @property
    def messages(self) -> list[dict[str, Any]]:
        return self.kernel.comms.get(self.comm, [])

    def received(self, kind: str) -> list[dict[str, Any]]:
        return [one for one in self.messages if one["content"].get("data", {}).get("type") == kind]

    def wait(self, kind: str, count: int = 1) -> dict[str, Any]:
        """The data of the count-th message of a kind."""
        self.kernel.until(lambda: len(self.received(kind)) >= count, f"'{kind}'")
        data: dict[str, Any] = self.received(kind)[count - 1]["content"]["data"]
        return data

    def reply(self, token: str) -> dict[str, Any]:
        def found() -> Any:
            return [m for m in self.received("reply") if m["content"]["data"]["token"] == token]

        data: dict[str, Any] = self.kernel.until(found, "the reply")[0]["content"]["data"]
        return data

    def job(self) -> dict[str, Any]:
        """The run's row as this view knows it."""
        known: dict[str, Any] = {}
        for message in self.messages:
            data = message["content"].get("data", {})
            known = data.get("data", {}).get("job", known) if data.get("type") in {"snapshot", "facts"} else known
        return known

    def points(self, name: str) -> list[tuple[float, float]]:
        """Every point of a series that came: the snapshot's, then the deltas'."""
        found: list[tuple[float, float]] = []
        for message in self.messages:
            data = message["content"].get("data", {})
            if data.get("type") == "snapshot":
                series = [one for one in data["data"]["series"] if one["name"] == name]
                found = [pair for one in series for pair in zip(one["steps"], one["values"], strict=True)]
            elif data.get("type") == "points":
                found += _decoded(data["series"], message["buffers"][0]).get(name, [])
        return found


def _decoded(entries: list[dict[str, Any]], buffer: Any) -> dict[str, list[tuple[float, float]]]:
    columns, offset, found = array("d", bytes(buffer)), 0, {}
    for entry in entries:
        count = entry["count"]
        steps, values = columns[offset : offset + count], columns[offset + count : offset + 2 * count]
        found[entry["name"]] = list(zip(steps, values, strict=True))
        offset += 2 * count
    assert offset == len(columns)
    return found


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    made = Kernel(tmp_path_factory.mktemp("kernel"))
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    """This process's session, on a home and a working folder of the test's own."""
    work = tmp_path / "work"
    work.mkdir()
    made = Session({"MODELCYPHER_NB_HOME": str(tmp_path / "home"), "HF_HOME": str(tmp_path / "hub")}, str(work))
    monkeypatch.setattr(sessions, "_current", made)
    return made


@pytest.fixture
def network(session: Session) -> str:
    """A small safetensors file in the working folder; gives its name."""
    import torch
    from safetensors.torch import save_file

    tensors = {"layer.weight": torch.ones(4, 3), "layer.bias": torch.zeros(4), "head": torch.ones(2).bfloat16()}
    save_file(tensors, f"{session.start}/net.safetensors", {"made by": "a test"})
    return "net.safetensors"
