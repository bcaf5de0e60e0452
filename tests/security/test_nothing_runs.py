"""Every hostile sample is examined, described and converted under an audit hook and strace, and nothing of it runs."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.samples import benign, hostile
from tests.samples.sample import MARKER, Sample
from tests.samples.watched import BEGIN, END, JUDGED

ROOT = Path(__file__).parents[2]
# One benign file of each kind, and some hostile ones: what our code imports lazily, it has imported after them.
WARM_EVERY = 3
# Of the system calls on files, processes and networks, those that reading and publishing a file takes.
OWN_CALLS = {
    "openat", "openat2", "newfstatat", "statx", "readlinkat", "readlink", "linkat", "unlinkat", "renameat", "renameat2",
    "mkdirat", "fchmodat", "faccessat2", "stat", "lstat", "access", "utimensat", "statfs",
}  # fmt: skip
# Where links of the samples lead: the guard looks whether something is there, follows nothing, and says so.
LINKED = ("/etc", "/etc/passwd", "/dev", "/dev/zero")
CALL = re.compile(r"^(?:\d+ +)?([a-z_0-9]+)\((.*)")
FIRST_TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class Watched:
    """What the hook and strace saw."""

    answer: dict[str, Any]
    calls: list[tuple[str, str]]
    samples: Path
    out: Path


def _written(base: Path, samples: tuple[Sample, ...]) -> Path:
    base.mkdir()
    for number, sample in enumerate(samples):
        folder = base / f"{number:04}"
        folder.mkdir()
        path = sample.make(folder)
        (folder / JUDGED).write_text(str(path.relative_to(folder)))
    return base


def _calls(trace: Path) -> Iterator[tuple[str, str]]:
    """The system calls between the two marks."""
    is_on = False
    with trace.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if f'"{BEGIN}"' in line or f'"{END}"' in line:
                is_on = f'"{BEGIN}"' in line
                continue
            match = CALL.match(line)
            if is_on and match is not None:
                yield match[1], match[2]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Watched:
    strace = shutil.which("strace")
    assert strace is not None, "This test needs strace. Install it: apt-get install strace"
    base = tmp_path_factory.mktemp("watched")
    samples = _written(base / "samples", hostile.SAMPLES)
    warm = _written(base / "warm", (*benign.SAMPLES[::WARM_EVERY], *hostile.SAMPLES[::WARM_EVERY]))
    out = base / "out"
    out.mkdir()
    command = [strace, "-f", "-qq", "--seccomp-bpf", "-e", "trace=%file,%process,%network,memfd_create,ptrace"]
    command += ["-e", "signal=none", "-o", str(base / "trace"), sys.executable, "-m", "tests.samples.watched"]
    command += [str(samples), str(warm), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    return Watched(json.loads(done.stdout.splitlines()[-1]), list(_calls(base / "trace")), samples, out)


@pytest.mark.slow
@pytest.mark.promise("WEIGHTS-3")
def test_the_interpreter_sees_only_our_own_reading_and_writing(watched: Watched) -> None:
    assert not watched.answer["strangers"], watched.answer["strangers"]
    assert watched.answer["counts"]["open"] >= len(hostile.SAMPLES)
    assert watched.answer["converted"] > 100, "tensors beside the danger are rescued"


@pytest.mark.slow
@pytest.mark.promise("WEIGHTS-3")
def test_the_system_sees_no_process_no_connection_and_no_foreign_file(watched: Watched) -> None:
    assert len(watched.calls) > len(hostile.SAMPLES)
    strangers = []
    for name, arguments in watched.calls:
        if name in {"clone", "clone3"} and "CLONE_THREAD" in arguments:
            continue  # the thread that computes a checksum beside the copy
        path = FIRST_TEXT.search(arguments)
        text = path[1] if path else ""
        inside = not text.startswith("/") or text.startswith(str(watched.samples.parent))
        if name == "newfstatat" and text in LINKED and "AT_SYMLINK_NOFOLLOW" in arguments:
            continue
        if name in {"exit", "exit_group"} or (name in OWN_CALLS and (inside or _is_our_root(text, watched))):
            continue
        strangers.append((name, arguments[:200]))
    assert not strangers, strangers[:20]


def _is_our_root(text: str, watched: Watched) -> bool:
    """A root is pinned by its whole name, from the top; a descriptor tells its own place."""
    if text.startswith("/proc/self/fd/"):
        return True
    return str(watched.samples).startswith(text.rstrip("/") + "/") or text == "/"


@pytest.mark.slow
@pytest.mark.promise("WEIGHTS-3")
def test_no_sample_left_its_mark(watched: Watched) -> None:
    assert not list(watched.samples.parent.rglob(MARKER))
    folders = [folder for folder in watched.samples.iterdir() if (folder / JUDGED).exists()]
    assert len(folders) == len(hostile.SAMPLES), "a sample deleted something"
