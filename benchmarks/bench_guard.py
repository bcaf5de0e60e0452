"""What the guard costs: opening a file through it, beside a bare open; hashing, beside `hashlib.file_digest`.

    python benchmarks/bench_guard.py [ROUNDS]

All ways take turns within each round, so that a busy moment of the machine meets all; medians over the rounds are
compared. The goals: a guarded open and close costs at most 3 times `os.open` and `os.close` of the same absolute path,
and hashing has at least 0.9 of `file_digest`'s speed.
"""

from __future__ import annotations

import hashlib
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from modelcypher_nb.errors import PathRefusedError
from modelcypher_nb.formats.digests import file_digest
from modelcypher_nb.guard import beneath
from modelcypher_nb.guard.paths import Guard
from modelcypher_nb.guard.roots import Root

ROUNDS = 801
OPENS = 100  # in a turn: far shorter than what a busy system gives a process at once, or slow ways would be cut more
HASHED_BYTES = 200 << 20
OPEN_GOAL, HASH_GOAL = 3.0, 0.9
PROJECT = "home/person/projects/digits"  # where the working folder lies below the temporary one
SNAPSHOT = "models--someone--digits/snapshots/0123456789abcdef0123456789abcdef01234567"
BLOB = "models--someone--digits/blobs/" + "0123456789abcdef" * 4
Way = Callable[[], object]


def files(base: Path) -> tuple[Guard, str, str]:
    """A session's guard over a project, a home and the Hub's cache; a model's file in the first, and in the last."""
    project, home, hub = base / PROJECT, base / "home/person/.local/share/mc", base / "home/person/.cache/hub"
    for folder in (project / "models", home, hub / SNAPSHOT, (hub / BLOB).parent):
        folder.mkdir(parents=True)
    (project / "models" / "model.safetensors").touch()
    (hub / BLOB).touch()
    (hub / SNAPSHOT / "model.safetensors").symlink_to("../../blobs/" + Path(BLOB).name)
    kinds = ((home, "home"), (project, "working"), (hub, "hub"))
    guard = Guard(tuple(Root.pin(str(folder), kind) for folder, kind in kinds), str(project))
    return guard, str(project / "models" / "model.safetensors"), str(hub / SNAPSHOT / "model.safetensors")


def bare(path: str) -> None:
    os.close(os.open(path, os.O_RDONLY | os.O_CLOEXEC))


def builtin(path: str) -> None:
    with open(path, "rb", buffering=0):  # noqa: PTH123 - the peer itself
        pass


def compared(path: str, roots: tuple[str, ...]) -> None:
    """What is often written instead of a guard, and loses the race."""
    real = os.path.realpath(path)
    if not any(real == root or real.startswith(f"{root}/") for root in roots):
        raise PathRefusedError("It lies outside.", "Open another.")
    bare(real)


def ways(guard: Guard, path: str, link: str) -> dict[str, Way]:
    """Each way to open and close, by its name."""
    relative = os.path.relpath(path, guard.start)
    roots = tuple(root.path for root in guard.roots)
    walking = Guard(guard.roots, guard.start)
    assistants = Guard(guard.roots, guard.start, hidden=False)
    folder = guard.open(str(Path(path).parent))
    return {
        "os.open": lambda: bare(path),
        "open(..., 'rb', 0)": lambda: builtin(path),
        "guard, absolute": lambda: guard.open(path).close(),
        "guard, relative": lambda: guard.open(relative).close(),
        "guard, name in a folder": lambda: folder.__truediv__("model.safetensors").close(),
        "guard, for an assistant": lambda: assistants.open(path).close(),
        "guard, link of the Hub": lambda: guard.open(link).close(),
        "realpath and compare": lambda: compared(path, roots),
        "realpath, Hub": lambda: compared(link, roots),
        "guard, the walk": lambda: walked(walking, path),
    }


def walked(guard: Guard, path: str) -> None:
    """An open as it is where the kernel has no `openat2`."""
    known, beneath._call = beneath._call, beneath.absent  # noqa: SLF001 - what a test does to be without the call
    try:
        guard.open(path).close()
    finally:
        beneath._call = known  # noqa: SLF001


def microseconds(way: Way, times: int) -> float:
    start = time.perf_counter()
    for _ in range(times):
        way()
    return (time.perf_counter() - start) / times * 1e6


def medians(measured: dict[str, Way], rounds: int, times: int) -> dict[str, float]:
    """Microseconds of each way: the median of rounds in which all take turns."""
    taken: dict[str, list[float]] = {name: [] for name in measured}
    for _ in range(rounds):
        for name, way in measured.items():
            taken[name].append(microseconds(way, times))
    return {name: statistics.median(values) for name, values in taken.items()}


def hashing(guard: Guard, path: str) -> dict[str, float]:
    """Microseconds to hash one large file."""
    Path(path).write_bytes(os.urandom(1 << 20) * (HASHED_BYTES >> 20))

    def ours() -> str:
        with guard.open(path) as safe:
            return file_digest(safe)

    def theirs() -> str:
        with open(path, "rb") as file:  # noqa: PTH123
            return hashlib.file_digest(file, "sha256").hexdigest()

    assert ours() == theirs()
    return medians({"hashlib.file_digest": theirs, "guard and file_digest": ours}, 9, 1)


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    with tempfile.TemporaryDirectory() as name:
        guard, path, link = files(Path(os.path.realpath(name)))
        opening = medians(ways(guard, path, link), rounds, OPENS)
        digests = hashing(guard, path)
    print(f"opening {path[len(name) :]} and closing it, {rounds} rounds of {OPENS}")
    for way, taken in opening.items():
        print(f"  {way:<26}{taken:9.2f} us{taken / opening['os.open']:8.2f}")
    print(f"hashing {HASHED_BYTES >> 20} MiB")
    theirs, ours = digests.values()
    for way, taken in digests.items():
        print(f"  {way:<26}{HASHED_BYTES / taken:9.0f} MB/s{theirs / taken:6.2f}")
    ratio, speed = opening["guard, absolute"] / opening["os.open"], theirs / ours
    by_call = "by openat2" if beneath.openat2() is not beneath.absent else "by the walk, for want of openat2"
    print(f"guarded open {ratio:.2f} ({by_call}), goal {OPEN_GOAL:.2f}: {'met' if ratio <= OPEN_GOAL else 'missed'}")
    print(f"hashing {speed:.2f}, goal {HASH_GOAL:.2f}: {'met' if speed >= HASH_GOAL else 'missed'}")
    return 0 if ratio <= OPEN_GOAL and speed >= HASH_GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
