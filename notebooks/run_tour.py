"""Run the tour from top to bottom and write it as one page that needs nothing from anywhere.

python notebooks/run_tour.py            writes build/tour.html
python notebooks/run_tour.py --store    runs every notebook, and keeps the outputs in it (what nbval compares with)
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbconvert import HTMLExporter

HERE = Path(__file__).resolve().parent
BUILD = HERE.parent / "build"
TOUR = HERE / "00_tour.ipynb"
NEUTRAL = "/home/you/modelcypher_nb"


def execute(path: Path) -> nbformat.NotebookNode:
    """Run a notebook in a kernel of this environment, with a home of its own; tells each chapter as it begins."""
    home = BUILD / "tour-home"
    shutil.rmtree(home, ignore_errors=True)
    os.environ["MODELCYPHER_NB_HOME"] = str(home)
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        store_widget_state=False,
        resources={"metadata": {"path": str(path.parent)}},
        extra_arguments=["--IPKernelApp.log_level=40"],  # errors only: the terminal belongs to the tour
    )
    with client.setup_kernel():
        for index, cell in enumerate(notebook.cells):
            if cell.cell_type == "markdown" and cell.source.startswith("#"):
                print("  " + cell.source.splitlines()[0].lstrip("# "), flush=True)
            client.execute_cell(cell, index)
    return notebook


def tidy(notebook: nbformat.NotebookNode) -> None:
    """Take out what a run leaves behind and no reader needs: execution times and widget state."""
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", ()):
            output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)


def neutral(text: str) -> str:
    """The same text without the folders of whoever ran it: what is stored is everybody's."""
    return text.replace(sys.prefix, f"{NEUTRAL}/.venv").replace(str(HERE.parent), NEUTRAL)


def page(notebook: nbformat.NotebookNode) -> str:
    """The notebook as one HTML page without scripts."""
    exporter = HTMLExporter(template_name="offline", extra_template_basedirs=[str(HERE / "template")])
    html, _ = exporter.from_notebook_node(notebook, {"metadata": {"name": "A tour of modelcypher_nb"}})
    return str(html)


def main(arguments: list[str]) -> int:
    """Run, write, and say where the result is."""
    started = time.monotonic()
    BUILD.mkdir(exist_ok=True)
    target = BUILD / "tour.html"
    for path in sorted(HERE.glob("*.ipynb")) if "--store" in arguments else [TOUR]:
        print(f"Running {path.name} ...")
        try:
            notebook = execute(path)
        except CellExecutionError as error:
            print(f"{path.name} stopped: {error.ename}: {error.evalue}\nThe cell was:\n{error}", file=sys.stderr)
            return 1
        tidy(notebook)
        if "--store" in arguments:
            path.write_text(neutral(nbformat.writes(notebook)) + "\n", encoding="utf-8")
        if path == TOUR:
            target.write_text(page(notebook), encoding="utf-8")
    seconds = time.monotonic() - started
    print(f"Done in {seconds:.0f} s. Open {target} in a browser; to run it yourself in JupyterLab: make lab")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
