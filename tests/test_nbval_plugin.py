"""The notebook comparison goes red when a display's text, HTML or presence changes, and green when it doesn't."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from tests.nbval_plugin import without_volatile

ROOT = Path(__file__).parents[1]

SHOWN = """
from IPython.display import display, update_display
import random
def bundle(loss):
    now = random.random()
    html = f"<div><b>{loss}</b><img data-volatile src='{now}'><i data-volatile>x<b>{now}</b></i></div>"
    return {"application/vnd.modelcypher.v1+json": {"id": now}, "text/html": html, "text/plain": f"loss {loss}"}
display(bundle("0.9"), raw=True, display_id="run")
update_display(bundle("0.125"), raw=True, display_id="run")
"""


def test_volatile_elements_are_emptied_and_the_rest_is_kept() -> None:
    html = "<p>a &amp; b<span data-volatile class=t>12:00<b>x</b></span>c<img data-volatile src=q></p>"
    assert without_volatile(html) == "<p>a &amp; b<span data-volatile></span>c<img data-volatile></p>"


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nbval")
    path = folder / "shown.ipynb"
    nb = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "p", "language": "python"}}
    )
    nb.cells = [nbformat.v4.new_code_cell(SHOWN)]
    nbformat.write(nb, path)
    subprocess.run(
        [sys.executable, "-P", "-m", "nbconvert", "--to", "notebook", "--inplace", "--execute", str(path)],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    return path


def _compare(path: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(ROOT),
               "-p", "tests.nbval_plugin", "--nbval", str(path)]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=ROOT)


@pytest.mark.slow
def test_an_unchanged_notebook_passes(notebook: Path) -> None:
    saved = notebook.read_text(encoding="utf-8")
    assert "0.125" in saved
    done = _compare(notebook)
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("what", "pattern", "replacement"),
    [
        ("a number in the HTML", r"<b>0\.125</b>", "<b>0.126</b>"),
        ("a number in the text", r'"loss 0\.125"', '"loss 0.126"'),
    ],
)
def test_a_changed_number_fails(notebook: Path, tmp_path: Path, what: str, pattern: str, replacement: str) -> None:
    text, count = re.subn(pattern, replacement, notebook.read_text(encoding="utf-8"))
    assert count, what
    changed = tmp_path / "changed.ipynb"
    changed.write_text(text, encoding="utf-8")
    assert _compare(changed).returncode == 1


@pytest.mark.slow
@pytest.mark.parametrize("mime", ["text/html", "text/plain", None])
def test_a_removed_output_fails(notebook: Path, tmp_path: Path, mime: str | None) -> None:
    nb = nbformat.read(notebook, as_version=4)
    if mime is None:
        nb.cells[0].outputs = []
    else:
        del nb.cells[0].outputs[0].data[mime]
    changed = tmp_path / "changed.ipynb"
    nbformat.write(nb, changed)
    assert _compare(changed).returncode == 1


def test_the_stored_tour_names_no_folder_of_whoever_stored_it() -> None:
    text = (ROOT / "notebooks" / "00_tour.ipynb").read_text("utf-8")
    folders = set(re.findall(r"(?<![\w.~}])/(?:home|root|tmp|work|mnt|opt|srv|var|Users)/[\w.-]+", text))
    assert folders == {"/home/you"}
