"""Cost of one logged step: ours against a JSONL append and a SQLite commit, in one run; prints ratios to JSONL.

Run it with: python benchmarks/bench_series.py [STEPS]
"""

from __future__ import annotations

import json
import os
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from modelcypher_nb.guard.paths import home_guard
from modelcypher_nb.store.series import SeriesReader, SeriesWriter

VALUES = {"train/loss": 2.3456789, "train/learning_rate": 3e-4, "train/grad_norm": 1.2345678, "eval/loss": 2.5}
ROUNDS = 5
Append = Callable[[int], None]


def ours(folder: Path) -> Append:
    guard = home_guard(str(folder / "home"))
    writer = SeriesWriter(guard.open(guard.start), 1)
    return lambda step: writer.append(step, VALUES)


def jsonl(folder: Path) -> Append:
    descriptor = os.open(folder / "log.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def append(step: int) -> None:
        os.write(descriptor, (json.dumps({"step": step, "time": time.time(), **VALUES}) + "\n").encode())

    return append


def sqlite(folder: Path) -> Append:
    connection = sqlite3.connect(folder / "log.sqlite3", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("CREATE TABLE points (name TEXT, step INTEGER, time REAL, value REAL)")

    def append(step: int) -> None:
        now = time.time()
        connection.execute("BEGIN")
        rows = [(name, step, now, value) for name, value in VALUES.items()]
        connection.executemany("INSERT INTO points VALUES (?, ?, ?, ?)", rows)
        connection.execute("COMMIT")

    return append


def median_microseconds(append: Append, steps: range) -> float:
    taken = []
    for step in steps:
        start = time.perf_counter_ns()
        append(step)
        taken.append(time.perf_counter_ns() - start)
    return statistics.median(taken) / 1000


def reading(folder: Path, count: int) -> float:
    """Milliseconds for 2,000 points of everything that was logged, in a reader that has seen nothing yet."""
    with home_guard(str(folder / "home")).open(str(folder / "home")) as home:
        start = time.perf_counter()
        found = SeriesReader(home).read("train/loss", points=2000)
        taken = time.perf_counter() - start
    assert found.count == count
    return taken * 1000


def main() -> None:
    import numpy  # noqa: F401, ICN001 - so that reading is measured, not the import

    steps = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    with tempfile.TemporaryDirectory() as name:
        ways = {"ours": ours(Path(name)), "jsonl": jsonl(Path(name)), "sqlite, commit a step": sqlite(Path(name))}
        rounds: dict[str, list[float]] = {way: [] for way in ways}
        for number in range(ROUNDS):  # in turns, so that a busy moment of the machine meets all
            for way, append in ways.items():
                rounds[way].append(median_microseconds(append, range(number * steps, (number + 1) * steps)))
        typical = {way: statistics.median(found) for way, found in rounds.items()}
        print(f"{'way':24}{'median call':>14}{'ratio to jsonl':>16}")
        for way, microseconds in typical.items():
            print(f"{way:24}{microseconds:11.2f} us{microseconds / typical['jsonl']:16.2f}")
        print(f"2,000 of {ROUNDS * steps:,} points read in {reading(Path(name), ROUNDS * steps):.1f} ms")


if __name__ == "__main__":
    main()
