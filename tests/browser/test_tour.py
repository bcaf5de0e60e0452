"""The tour in a real JupyterLab, run from top to bottom, and its page without a screen."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser, Page, expect

from .lab import ROOT, Lab, open_notebook, run_all, save, shoot, shut_down_kernels

MIME = "application/vnd.modelcypher.v1+json"


@pytest.fixture
def tour(page: Page, lab: Lab) -> Iterator[Page]:
    """The tour, opened without the outputs that are stored in it."""
    notebook = nbformat.read(ROOT / "notebooks" / "00_tour.ipynb", as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    # As in a clone: what the tour writes into build/, beside its own folder, lies within the project.
    (lab.folder / "clone" / ".git").mkdir(parents=True)
    folder = lab.folder / "clone" / "notebooks"
    folder.mkdir()
    nbformat.write(notebook, folder / "tour.ipynb")
    for name in ("train_digits.py", "assistant.py"):
        shutil.copy(ROOT / "notebooks" / name, folder / name)
    # High enough to hold all cells: Lab draws only those that are in sight.
    page.set_viewport_size({"width": 1280, "height": 9000})
    open_notebook(page, lab, "clone/notebooks/tour.ipynb")
    yield page
    shut_down_kernels(lab)


def _theme(page: Page, name: str) -> None:
    page.evaluate("name => window.jupyterapp.commands.execute('apputils:change-theme', { theme: name })", name)
    expect(page.locator(f"body[data-jp-theme-name='{name}']")).to_be_attached(timeout=20_000)


@pytest.mark.timeout(400)
@pytest.mark.promise("NETWORK-4", "DISPLAY-2")
def test_the_tour_runs_draws_live_and_draws_again_from_the_saved_notebook(tour: Page, lab: Lab) -> None:
    folder = lab.folder / "clone" / "notebooks"
    cells = nbformat.read(folder / "tour.ipynb", as_version=4).cells
    count = sum(cell.cell_type == "code" for cell in cells)
    run_all(tour)
    prompt = tour.locator(".jp-CodeCell").last.locator(".jp-InputPrompt")
    expect(prompt).to_have_text(f"[{count}]:", timeout=120_000)
    for view in ("model_card", "training_run", "registry", "server"):
        expect(tour.locator(f".mc-{view}").first).to_contain_text("live", timeout=20_000)
    expect(tour.locator(".mc-training_run canvas").first).to_be_visible()
    assert not tour.locator(".mc-error").count()
    shoot(tour, "tour_light")
    _theme(tour, "JupyterLab Dark")
    shoot(tour, "tour_dark")
    _theme(tour, "JupyterLab Light")
    save(tour)
    text = (folder / "tour.ipynb").read_text(encoding="utf-8")
    assert "127.0.0.1" not in text
    assert "Bearer" not in text
    notebook = nbformat.reads(text, as_version=4)
    assert "widgets" not in notebook.metadata
    notebook.metadata = {"kernelspec": {"name": "gone", "display_name": "gone", "language": "gone"}}
    nbformat.write(notebook, folder / "tour-closed.ipynb")
    open_notebook(tour, lab, "clone/notebooks/tour-closed.ipynb", kernel=False)
    tour.get_by_role("dialog").get_by_role("button", name="No Kernel").click()
    for view in ("model_card", "training_run", "registry", "server"):
        expect(tour.locator(f".mc-{view}").first).to_contain_text("saved output, not checked here", timeout=20_000)
    shoot(tour, "tour_without_kernel")


@pytest.mark.promise("NETWORK-4")
def test_the_page_of_the_tour_asks_for_nothing(browser: Browser, tmp_path: Path) -> None:
    from importlib import util

    spec = util.spec_from_file_location("run_tour", ROOT / "notebooks" / "run_tour.py")
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    notebook = nbformat.read(ROOT / "notebooks" / "00_tour.ipynb", as_version=4)
    path = tmp_path / "tour.html"
    path.write_text(module.page(notebook), encoding="utf-8")
    context = browser.new_context()
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    page.wait_for_load_state("networkidle")
    expect(page.get_by_text("saved output, not checked here").first).to_be_visible()
    assert page.locator("svg, img").count()
    shoot(page, "tour_page")
    context.close()
    assert [url for url in asked if not url.startswith("data:")] == [path.as_uri()]
