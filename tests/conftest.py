"""What every test may ask for: a home of its own, a session, a small model, the command, a real kernel."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from modelcypher_nb.operations.session import Session

SOURCE = Path(__file__).parent.parent
FOREIGN = ("MC_", "HF_", "MLFLOW_", "MODELCYPHER_")
KERNEL_SECONDS = 60

Command = Callable[..., subprocess.CompletedProcess[str]]


def environment(home: Path, **more: str) -> dict[str, str]:
    """The process's variables without those that steer us, and a home of the test's own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    return {**kept, "MODELCYPHER_NB_HOME": str(home), "PYTHONPATH": str(SOURCE), **more}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A fresh home; the process's session is made anew, and its start folder is `work`, an allowed one."""
    from modelcypher_nb.operations import session

    for name in list(os.environ):
        if name.startswith(FOREIGN):
            monkeypatch.delenv(name)
    folder, work = tmp_path / "home", tmp_path / "work"
    work.mkdir()
    (work / ".git").mkdir()  # the walk up for the working folder ends here
    monkeypatch.setenv("MODELCYPHER_NB_HOME", str(folder))
    monkeypatch.chdir(work)
    monkeypatch.setattr(session, "_current", None)
    yield folder
    made = session._current
    if made is not None and made._catalog is not None:
        made._catalog.close()


@pytest.fixture
def work(home: Path) -> Path:
    """The start folder, which is allowed."""
    return home.parent / "work"


@pytest.fixture
def session(home: Path) -> Session:
    """The process's session on the fresh home."""
    from modelcypher_nb.operations.session import current

    return current()


def safetensors_bytes(tensors: Mapping[str, tuple[int, ...]]) -> bytes:
    """A float32 safetensors file of zeros, written without torch."""
    import json
    import math

    content, end = {}, 0
    for name, shape in tensors.items():
        begin, end = end, end + 4 * math.prod(shape)
        content[name] = {"dtype": "F32", "shape": shape, "data_offsets": [begin, end]}
    header = json.dumps(content).encode()
    return len(header).to_bytes(8, "little") + header + bytes(end)


@pytest.fixture
def small_model(work: Path) -> Path:
    """A safetensors file of 28 parameters in the start folder."""
    path = work / "small.safetensors"
    path.write_bytes(safetensors_bytes({"layer.weight": (4, 6), "layer.bias": (4,)}))
    return path


@pytest.fixture
def mc(home: Path, work: Path) -> Command:
    """Run `python -m modelcypher_nb` with words, in the start folder and on the fresh home."""

    def command(*words: str, **settings: Any) -> subprocess.CompletedProcess[str]:
        variables = environment(home, **settings.pop("variables", {}))
        arguments = {"cwd": work, "env": variables, "capture_output": True, "text": True, "timeout": 60, **settings}
        return subprocess.run([sys.executable, "-m", "modelcypher_nb", *words], check=False, **arguments)

    return command


class Kernel:
    """A real kernel and its client."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def run(self, code: str) -> list[dict[str, Any]]:
        """Run a cell, and give the contents of what it put out, each with its `type`; the reply comes last."""
        outputs: list[dict[str, Any]] = []

        def keep(message: dict[str, Any]) -> None:
            outputs.append({"type": message["msg_type"], **message["content"]})

        reply = self.client.execute_interactive(code, output_hook=keep, timeout=KERNEL_SECONDS)
        return [*outputs, {"type": "reply", **reply["content"]}]

    def text(self, code: str) -> str:
        """What a cell printed and the text of its value; a cell that fails fails the test."""
        outputs = self.run(code)
        assert outputs[-1]["status"] == "ok", outputs[-1]
        return "".join(str(one.get("text") or one.get("data", {}).get("text/plain", "")) for one in outputs)

    def complete(self, code: str) -> list[str]:
        """What Tab gives at the end of the code."""
        content = self.client.complete(code, reply=True, timeout=KERNEL_SECONDS)["content"]
        return [code[: content["cursor_start"]] + match for match in content["matches"]]


@pytest.fixture
def kernel(home: Path, work: Path) -> Iterator[Kernel]:
    """A real ipykernel in the start folder, on the fresh home."""
    from jupyter_client.manager import KernelManager

    manager = KernelManager(kernel_name="python3")
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    manager.kernel_spec.argv = command  # this interpreter's kernel, whatever is registered
    manager.start_kernel(cwd=str(work), env=environment(home))
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=KERNEL_SECONDS)
        yield Kernel(client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()
