"""A real kernel and its client, in a folder and on a home of the test's own."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).parent.parent
FOREIGN = ("MC_", "HF_", "MLFLOW_", "MODELCYPHER_")
KERNEL_SECONDS = 60


def environment(home: Path, **more: str) -> dict[str, str]:
    """The process's variables without those that steer us, and a home of the test's own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    return {**kept, "MODELCYPHER_NB_HOME": str(home), "PYTHONPATH": str(SOURCE), **more}


class Kernel:
    """A running kernel."""

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
        assert outputs[-1]["status"] == "ok", "\n".join(outputs[-1]["traceback"])
        return "".join(str(one.get("text") or one.get("data", {}).get("text/plain", "")) for one in outputs)

    def complete(self, code: str) -> list[str]:
        """What Tab gives at the end of the code."""
        content = self.client.complete(code, reply=True, timeout=KERNEL_SECONDS)["content"]
        return [code[: content["cursor_start"]] + match for match in content["matches"]]


@contextmanager
def running(work: Path, variables: dict[str, str]) -> Iterator[Kernel]:
    """Start this interpreter's kernel, whatever is registered, and end it afterwards."""
    from jupyter_client.manager import KernelManager

    manager = KernelManager(kernel_name="python3")
    manager.kernel_spec.argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    manager.start_kernel(cwd=str(work), env=variables)
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=KERNEL_SECONDS)
        yield Kernel(client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()
