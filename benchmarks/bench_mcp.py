"""What the MCP server costs: milliseconds a call, idle and while a model trains, and training's speed under a flood.

Run it with: python benchmarks/bench_mcp.py [SECONDS]

The server and the training loop (numpy matrix products and a little Python, as real steps are) share one process; the
clients are another one. Speeds are shares of the same loop's speed without any client, measured in the same run.
"""

from __future__ import annotations

import http.client
import json
import multiprocessing
import os
import statistics
import sys
import tempfile
import threading
import time
from multiprocessing.connection import Connection as Pipe

import numpy as np

ROUNDS = 5
CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "mc_job_list", "arguments": {}}}
MODERN = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
}


class Client:
    """A client as bare as can be: one connection, one call after the other."""

    def __init__(self, address: str, headers: dict[str, str]) -> None:
        self._connection = http.client.HTTPConnection(address, timeout=60)
        self._headers = headers | {
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": "2026-07-28",
            "Mcp-Method": "tools/call",
            "Mcp-Name": "mc_job_list",
        }
        params = {**CALL["params"], "_meta": MODERN}  # type: ignore[dict-item]
        self._body = json.dumps({**CALL, "params": params}).encode()

    def call(self) -> int:
        """One call; gives the HTTP status."""
        self._connection.request("POST", "/mcp", self._body, self._headers)
        answer = self._connection.getresponse()
        answer.read()
        return answer.status


def latency(address: str, headers: dict[str, str], calls: int) -> str:
    client, taken = Client(address, headers), []
    for _ in range(calls):
        start = time.perf_counter()
        assert client.call() == 200
        taken.append(1000 * (time.perf_counter() - start))
        time.sleep(0.11)  # below the limiter's rate
    ordered = sorted(taken)
    return f"p50 {statistics.median(ordered):5.1f} ms, p90 {ordered[9 * len(ordered) // 10]:5.1f} ms"


def flood(address: str, headers: dict[str, str], connections: int, end: float) -> tuple[int, int]:
    """Call without pause until the end; gives how many calls were served and refused."""
    statuses: list[int] = []

    def one() -> None:
        client = Client(address, headers)
        while time.time() < end:
            try:
                statuses.append(client.call())
            except (http.client.HTTPException, ConnectionError):
                client = Client(address, headers)

    threads = [threading.Thread(target=one) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses.count(200), statuses.count(429)


def serve(pipe: Pipe, home: str, settings: dict[str, str]) -> None:
    """The process that serves and trains: answers each message with the steps a second since the one before."""
    from modelcypher_nb.operations.session import Session
    from modelcypher_nb.surfaces.mcp.control import control

    session = Session({"MODELCYPHER_NB_HOME": home, **settings}, home)
    control.start(session)
    found = control.connection()
    pipe.send((found.url.split("/")[2], found.headers))
    steps, training = [0], threading.Event()

    def train() -> None:
        generator = np.random.default_rng(0)
        weights, batch = generator.normal(size=(128, 128)), generator.normal(size=(64, 128))
        training.wait()
        while True:
            for _ in range(20):
                weights -= 1e-6 * (batch.T @ np.tanh(batch @ weights))
            steps[0] += sum(index % 2 for index in range(1000)) // 500

    threading.Thread(target=train, daemon=True).start()
    since = time.perf_counter()
    while (message := pipe.recv()) != "end":
        now = time.perf_counter()
        pipe.send(steps[0] / (now - since))
        steps[0], since = 0, now
        if message == "train":
            training.set()
    control.stop(session)
    os._exit(0)


class Bench:
    """A serving and training process, and what clients find."""

    def __init__(self, home: str, settings: dict[str, str]) -> None:
        self._pipe, theirs = multiprocessing.Pipe()
        self._process = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs, home, settings))
        self._process.start()
        self.address, self.headers = self._pipe.recv()

    def tell(self, message: str) -> float:
        """Steps a second since the message before."""
        self._pipe.send(message)
        return float(self._pipe.recv())

    def share(self, connections: int, seconds: float) -> str:
        """Training's speed under a flood as a share of its speed just before; the median of several rounds."""
        shares, served, refused = [], 0, 0
        for _ in range(ROUNDS):
            self.tell("measure")
            time.sleep(seconds)
            alone = self.tell("measure")
            counts = flood(self.address, self.headers, connections, time.time() + seconds)
            shares.append(self.tell("measure") / alone)
            served, refused = served + counts[0], refused + counts[1]
        each = ROUNDS * seconds
        counted = f"{served / each:4.0f} served, {refused / each:4.0f} refused a second"
        return f"training at {statistics.median(shares):4.2f}; {counted}"

    def end(self) -> None:
        """Let the process end."""
        self._pipe.send("end")
        self._process.join()


def measure(settings: dict[str, str], seconds: float) -> None:
    with tempfile.TemporaryDirectory() as home:
        bench = Bench(home, settings)
        print(f"  idle                   {latency(bench.address, bench.headers, 40)}")
        bench.tell("train")
        print(f"  while training         {latency(bench.address, bench.headers, 40)}")
        for connections in (1, 8, 16):
            print(f"  flood, {connections:2d} connections  {bench.share(connections, seconds)}")
        bench.end()


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 1.25
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = (
        "1"  # or the products fight for the clients' core
    )
    print("with the limiter as it comes (10 a second, burst 20)")
    measure({}, seconds)
    print("as good as without it (1000 a second)")
    measure({"MC_MCP_RATE": "1000", "MC_MCP_BURST": "1000"}, seconds)


if __name__ == "__main__":
    main()
