"""A real JupyterLab and a real Chromium: starting them, and what a person does in them."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parents[2]
SCREENSHOTS = ROOT / "build" / "screenshots"
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab: its address, its token, and the folder that it serves."""

    url: str
    token: str
    folder: Path
    environment: dict[str, str]

    def notebook(self, name: str, *cells: str | tuple[str, str]) -> Path:
        """Write a notebook of code cells."""
        path = self.folder / name
        notebook = nbformat.v4.new_notebook()
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        notebook.cells = [nbformat.v4.new_code_cell(cell) for cell in cells]
        nbformat.write(notebook, path)
        return path

    def address(self, name: str) -> str:
        """The page that shows one notebook; a fresh workspace each time."""
        return f"{self.url}/lab/workspaces/{secrets.token_hex(4)}/tree/{name}?token={self.token}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _until(check: Callable[[], bool], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds:.0f} s"
        time.sleep(0.1)


def shut_down_kernels(lab: Lab) -> None:
    """End every kernel, so that no test inherits another's."""
    for session in _ask(lab, "GET", "api/sessions") or []:
        _ask(lab, "DELETE", f"api/sessions/{session['id']}")


def _ask(lab: Lab, method: str, path: str) -> Any:
    request = urllib.request.Request(  # noqa: S310 - loopback
        f"{lab.url}/{path}", method=method, headers={"Authorization": f"token {lab.token}"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        body = answer.read()
        return json.loads(body) if body else None


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - loopback
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@contextmanager
def running_lab(base: Path) -> Iterator[Lab]:
    """JupyterLab on loopback, without its look-ups for news and updates."""
    folder, config = base / "work", base / "config"
    folder.mkdir()
    (config / "labconfig").mkdir(parents=True)
    disabled = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
    (config / "labconfig" / "page_config.json").write_text(json.dumps(disabled), encoding="utf-8")
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("MC_", "HF_", "MODELCYPHER"))
    }
    environment |= {
        "HOME": str(base / "person"), "JUPYTER_CONFIG_DIR": str(config), "JUPYTER_DATA_DIR": str(base / "data"),
        "JUPYTER_RUNTIME_DIR": str(base / "runtime"), "MODELCYPHER_NB_HOME": str(base / "home"),
    }  # fmt: skip
    (base / "person").mkdir()
    port, token = _free_port(), secrets.token_hex(16)
    log = (base / "lab.log").open("wb")
    command = [
        sys.executable, "-P", "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", f"--port={port}",
        f"--IdentityProvider.token={token}", "--ServerApp.allow_root=True", f"--ServerApp.root_dir={folder}",
        "--LabApp.extension_manager=readonly", "--LabApp.expose_app_in_browser=True",
    ]  # fmt: skip
    server = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=subprocess.STDOUT)
    url = f"http://127.0.0.1:{port}"
    try:
        _until(lambda: _answers(f"{url}/api/status?token={token}"), 60, "JupyterLab's first answer")
        yield Lab(url, token, folder, environment)
    finally:
        server.terminate()
        server.wait(20)
        log.close()


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Debian's Chromium, driven by Playwright."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert executable is not None, "The browser tests need Chromium. Install it: apt-get install chromium"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield running
        running.close()


def is_foreign(url: str) -> bool:
    return url.startswith(("http", "ws")) and "//127.0.0.1:" not in url


def open_notebook(page: Page, lab: Lab, name: str, *, kernel: bool = True) -> None:
    """Open a notebook and, where asked, wait until its kernel is idle."""
    page.goto(lab.address(name))
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
    if kernel:
        wait_for_kernel(page)


def wait_for_kernel(page: Page) -> None:
    """Wait until the notebook's kernel has started and is idle; before that, running a cell asks for a kernel."""
    page.wait_for_function(
        """() => {
            const context = window.jupyterapp?.shell.currentWidget?.sessionContext;
            return context?.isReady && context.session?.kernel?.status === 'idle';
        }""",
        timeout=90_000,
    )


def run_all(page: Page) -> None:
    """Run every cell through Lab's own command."""
    page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }")


def run_cell(page: Page, index: int) -> None:
    """Run one cell through Lab's own command, as Ctrl+Enter does."""
    page.evaluate(
        """async index => {
            const panel = window.jupyterapp.shell.currentWidget;
            await panel.sessionContext.ready;  // before that, Lab asks which kernel to use instead of running anything
            panel.content.activeCellIndex = index;
            window.jupyterapp.commands.execute('notebook:run-cell');
        }""",
        index,
    )


def save(page: Page) -> None:
    """Save the notebook."""
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")


def shoot(page: Page, name: str) -> Path:
    """Keep a picture of the page as a test artefact."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    path = SCREENSHOTS / f"{name}.png"
    page.screenshot(path=str(path))
    return path
