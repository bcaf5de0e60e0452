"""The tour under strace: every file it opens came through the guard or stands on a reasoned list; nothing leaves."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from modelcypher_nb.guard.beneath import absent, openat2

ROOT = Path(__file__).parents[2]
SITE = next(Path(entry) for entry in sys.path if entry.endswith("site-packages"))

# A file that is opened by its whole name must lie here; each place bears its reason.
LISTED = (
    (sys.prefix, "the environment: interpreter, packages, their data"),
    (sys.base_prefix, "the Python that the environment was made from"),
    ("/usr", "libraries, locales, fonts and time zones of the system"),
    ("/lib", "libraries of the system"),
    ("/lib64", "libraries of the system"),
    ("/etc", "the loader's cache, hosts, users, certificates, fonts, time zone"),
    ("/proc", "the processes' own tables: boot id, start times, mounts, memory"),
    ("/sys", "processors and their caches, as torch and OpenMP look at them"),
    ("/dev", "null, random numbers, shared memory, the terminal"),
    ("/var/cache/fontconfig", "fonts, for the pictures"),
    (str(ROOT / "modelcypher_nb"), "the package itself, installed editable"),
    (str(ROOT / "notebooks"), "the notebook, its script and its page template, which nbclient and nbconvert read"),
    (str(ROOT / "build" / "tour.html"), "what the tour's runner writes"),
    (str(ROOT / "build" / "trap.pt"), "the stranger's checkpoint, which the tour makes with torch itself"),
)
HOME = ROOT / "build" / "tour-home"
ROOTS = (str(ROOT), str(HOME))
# Within the toolkit's home only SQLite opens by name: its file, and the folder to sync it; both were checked before.
CATALOG = re.compile(r"/tour-home(/catalog\.sqlite3(-wal|-shm|-journal)?)?$")
# Written by IPython, matplotlib and the kernel's starter below the person's own folders.
PERSON = (
    ".ipython",
    ".jupyter",
    ".cache/matplotlib",
    ".cache/fontconfig",
    ".config/matplotlib",
    ".local/share/jupyter",
    ".local/share/fonts",
    ".fonts",
)

OPEN = re.compile(
    r"^(?:\d+ )?(?:openat|open|openat2)\((?:(AT_FDCWD|\d+)(?:<([^>]*)>)?, )?"
    r"\"((?:[^\"\\]|\\.)*)\", ([^)]*)\)\s+= (-?\d+)"
)
CONNECT = re.compile(r"connect\(\d+(?:<[^>]*>)?, \{sa_family=(\w+)(.*)")


@dataclass(frozen=True)
class Opened:
    """One successful open: relative to an open folder (the guard's way) or by its whole name."""

    folder: str | None
    name: str
    flags: str

    @property
    def path(self) -> str:
        return os.path.normpath(Path(self.folder or ROOT / "notebooks") / self.name)

    @property
    def is_guards(self) -> bool:
        if self.folder is None:
            # A root is pinned by its whole name, once, as a folder; the working folder is also where the import looks.
            return self.path in ROOTS and "O_DIRECTORY" in self.flags
        if "resolve=" in self.flags:  # openat2: a path below the folder, without links; or only where one leads
            beneath = "RESOLVE_BENEATH" in self.flags and not self.name.startswith("/") and self.is_read_only
            unlinked = "RESOLVE_NO_SYMLINKS" in self.flags
            return beneath and (unlinked or {"O_PATH", "RESOLVE_NO_MAGICLINKS"} <= self.words)
        within = "/" not in self.name and "O_NOFOLLOW" in self.flags
        # "." is the folder again, to list it, or a file in it that has no name yet.
        return within or (self.name == "." and bool(self.words & {"O_DIRECTORY", "O_TMPFILE"}))

    @property
    def words(self) -> set[str]:
        return set(re.findall(r"[A-Z][A-Z_]+", self.flags))

    @property
    def is_read_only(self) -> bool:
        return not self.words & {"O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC"}


def _lines(folder: Path) -> Iterator[str]:
    for one in folder.iterdir():
        with one.open(encoding="utf-8", errors="replace") as lines:
            yield from lines


def _opened(folder: Path) -> Iterator[Opened]:
    for line in _lines(folder):
        match = OPEN.match(line)
        if match is None or int(match[5]) < 0:
            continue
        beside = match[2] if match[1] not in {None, "AT_FDCWD"} else None
        yield Opened(beside, match[3], match[4])


def _is_listed(path: str, person: Path, temporary: Path) -> bool:
    folders = [place for place, _ in LISTED] + [str(person / name) for name in PERSON] + [str(temporary)]
    return any(path == folder or path.startswith(folder.rstrip("/") + "/") for folder in folders)


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    strace = shutil.which("strace")
    assert strace is not None, "This test needs strace. Install it: apt-get install strace"
    base = tmp_path_factory.mktemp("strace")
    person, temporary = base / "person", base / "temporary"
    person.mkdir()
    temporary.mkdir()
    foreign = ("MC_", "HF_", "JUPYTER", "MODELCYPHER")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    environment |= {"HOME": str(person), "TMPDIR": str(temporary), "JUPYTER_RUNTIME_DIR": str(temporary)}
    out = base / "trace"
    out.mkdir()
    shutil.rmtree(HOME, ignore_errors=True)  # else the runner does it, opening what it removes
    calls = "trace=open,openat,openat2,connect"
    # A file for each thread: in one for all, a call that another thread interrupts is written in two halves.
    command = [strace, "-ff", "-y", "-qq", "--seccomp-bpf", "-e", calls, "-e", "signal=none", "-o", str(out / "of")]
    command += [sys.executable, "-P", str(ROOT / "notebooks" / "run_tour.py")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    return out, person, temporary


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_file_of_the_tour_came_through_the_guard_or_is_listed(trace: tuple[Path, Path, Path]) -> None:
    out, person, temporary = trace
    opened = list(_opened(out))
    through_guard = [one for one in opened if one.is_guards]
    assert any(one.path.endswith("model.safetensors") for one in through_guard), "the model wasn't seen"
    assert any("/series/" in one.path for one in through_guard), "the metric series weren't seen"
    by_openat2 = any("RESOLVE_NO_SYMLINKS" in one.words for one in through_guard)
    assert by_openat2 or openat2() is absent, "openat2 wasn't seen"
    strangers = sorted(
        {
            one.path
            for one in opened
            if not one.is_guards and not CATALOG.search(one.path) and not _is_listed(one.path, person, temporary)
        }
    )
    assert not strangers, strangers


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_weights_are_never_opened_by_name(trace: tuple[Path, Path, Path]) -> None:
    weights = [one for one in _opened(trace[0]) if one.path.endswith(".safetensors") and not one.is_guards]
    assert not weights, weights


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.promise("NETWORK-1")
def test_no_connection_of_the_tour_leaves_the_machine(trace: tuple[Path, Path, Path]) -> None:
    families: dict[str, list[str]] = {}
    for line in _lines(trace[0]):
        match = CONNECT.search(line)
        if match is not None:
            families.setdefault(match[1], []).append(match[2])
    assert families.get("AF_INET"), "the assistant's own connection wasn't seen"
    away = [
        text
        for family, texts in families.items()
        for text in texts
        if family != "AF_UNIX" and '"127.0.0.1"' not in text and '"::1"' not in text
    ]
    assert not away, away
