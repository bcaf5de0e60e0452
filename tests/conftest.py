"""What every test may ask for: a home of its own, a session, a small model, the command, a real kernel."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests import kernels
from tests.kernels import FOREIGN, environment
from tests.opening import WAYS, opened_by

if TYPE_CHECKING:
    from modelcypher_nb.operations.session import Session

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session", autouse=True)
def interrupts() -> None:
    """A test run in the background inherits an ignored SIGINT, and so would every kernel and child it starts."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


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


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How the guard opens files: a test that touches any runs twice."""
    return opened_by(request.param, monkeypatch)


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


@pytest.fixture
def shell(session: Session) -> Iterator[Any]:
    """A terminal's IPython with the extension loaded."""
    from IPython.core.interactiveshell import InteractiveShell

    made = InteractiveShell.instance()
    made.run_line_magic("load_ext", "modelcypher_nb")
    yield made
    made.run_line_magic("unload_ext", "modelcypher_nb")
    InteractiveShell.clear_instance()


@pytest.fixture
def program(tmp_path: Path) -> Command:
    """Run Python code in a process of its own, on a fresh home, away from this folder's modules."""

    def run(code: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-P", "-c", code],
            env=environment(tmp_path / "home"),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


@pytest.fixture
def kernel(home: Path, work: Path) -> Iterator[kernels.Kernel]:
    """A real ipykernel in the start folder, on the fresh home."""
    with kernels.running(work, environment(home)) as started:
        yield started
