"""Live views in a real JupyterLab: a click while a cell runs, a page that is reloaded, a notebook without a kernel."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Page, expect

from .lab import Lab, open_notebook, run_cell, save, shoot, shut_down_kernels, wait_for_kernel

SETUP = """
%load_ext modelcypher_nb
import modelcypher_nb as mc, torch, time
torch.set_num_threads(1)
model = torch.nn.Linear(8, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
run = mc.TrainingRun(name="endless", model=model, optimizer=optimizer)

def train(run):
    for _ in run.steps(range(100_000)):
        loss = model(torch.ones(4, 8)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        run.log(loss=loss)
        time.sleep(0.005)

run.start(train)
run
"""
BUSY = """
until = time.time() + 20
while time.time() < until and run.state != 'paused':
    sum(range(1000))
print('saw', run.state)
"""


def panel(page: Page):  # noqa: ANN201 - a Playwright locator
    return page.locator(".mc-training_run").first


def button(page: Page, name: str):  # noqa: ANN201
    return panel(page).get_by_role("button", name=name, exact=True)


@pytest.fixture
def endless(page: Page, lab: Lab) -> Iterator[Page]:
    """A notebook whose background run is live, with a busy cell ready to run."""
    name = "endless.ipynb"
    lab.notebook(name, SETUP, BUSY, "run.cancel(); run.wait(); run.state")
    open_notebook(page, lab, name)
    run_cell(page, 0)
    expect(button(page, "Pause")).to_be_visible(timeout=60_000)
    yield page
    shut_down_kernels(lab)


def test_pause_clicked_while_another_cell_runs_pauses_the_run(endless: Page) -> None:
    run_cell(endless, 1)
    prompt = endless.locator(".jp-Cell").nth(1).locator(".jp-InputPrompt")
    expect(prompt).to_have_text("[*]:")
    button(endless, "Pause").click()
    expect(button(endless, "Resume")).to_be_visible(timeout=5_000)
    expect(endless.locator(".jp-Cell").nth(1)).to_contain_text("saw paused", timeout=20_000)
    shoot(endless, "paused_while_busy")


def test_a_reload_in_the_middle_brings_the_chart_back_live(endless: Page) -> None:
    save(endless)
    endless.reload()
    expect(button(endless, "Pause")).to_be_visible(timeout=60_000)
    expect(panel(endless).locator(".mc-live, .mc-status")).to_contain_text("live")
    shoot(endless, "after_reload")


def test_a_saved_notebook_draws_again_without_a_kernel(endless: Page, lab: Lab) -> None:
    run_cell(endless, 2)
    expect(endless.locator(".jp-Cell").nth(2)).to_contain_text("cancelled", timeout=20_000)
    expect(panel(endless)).to_contain_text("cancelled")
    save(endless)
    saved = nbformat.read(lab.folder / "endless.ipynb", as_version=4)
    assert "widgets" not in saved.metadata
    assert (lab.folder / "endless.ipynb").stat().st_size < 150_000
    _without_kernel(lab.folder / "endless.ipynb", "closed.ipynb")
    open_notebook(endless, lab, "closed.ipynb", kernel=False)
    endless.get_by_role("dialog").get_by_role("button", name="No Kernel").click()
    expect(panel(endless)).to_contain_text("saved output, not checked here", timeout=20_000)
    expect(panel(endless)).to_contain_text("cancelled")
    expect(panel(endless).locator("canvas").first).to_be_visible()
    assert button(endless, "Pause").count() == 0
    assert not endless.get_by_text(re.compile("model not found", re.IGNORECASE)).count()
    assert endless.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session") is None
    shoot(endless, "reopened_without_kernel")


def _without_kernel(path: Path, name: str) -> None:
    """The same notebook of a language that no kernel here speaks: nothing can answer."""
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata = {"kernelspec": {"name": "gone", "display_name": "gone", "language": "gone"}}
    nbformat.write(notebook, path.with_name(name))


@pytest.mark.promise("DISPLAY-1")
def test_a_forged_bundle_gets_no_button_and_no_live_verdict(endless: Page, lab: Lab) -> None:
    save(endless)
    notebook = nbformat.read(lab.folder / "endless.ipynb", as_version=4)
    mime = "application/vnd.modelcypher.v1+json"
    real = next(o["data"][mime] for c in notebook.cells for o in c.get("outputs", []) if mime in o.get("data", {}))
    forged = json.loads(json.dumps(real))
    forged["nonce"] = "0" * len(forged["nonce"])
    forged["data"] = json.dumps({**json.loads(forged["data"]), "actions": ["pause", "cancel"]})
    forged["actions"] = ["pause", "cancel"]
    card = {"_schema": "mc.view.v1", "view": "model_card", "id": real["id"], "nonce": real["nonce"],
            "savedAt": real["savedAt"],
            "data": json.dumps({"name": "trust me", "format": "safetensors", "parameterCount": 1, "dtypes": {"F32": 1},
                                "sizeBytes": 4, "verdict": {"level": "weights", "findings": []}, "tensorCount": 0,
                                "tensors": []})}  # fmt: skip
    stranger = nbformat.v4.new_notebook(metadata=notebook.metadata)
    stranger.cells = [nbformat.v4.new_code_cell("1")]
    for payload in (forged, card):
        output = nbformat.v4.new_output("display_data", {mime: payload, "text/plain": "forged"})
        stranger.cells[0].outputs.append(output)
    nbformat.write(stranger, lab.folder / "stranger.ipynb")
    open_notebook(endless, lab, "stranger.ipynb")
    expect(endless.locator(".mc-training_run")).to_contain_text("saved output, not checked here", timeout=20_000)
    expect(endless.locator(".mc-model_card")).to_contain_text("saved output, not checked here")
    wait_for_kernel(endless)
    run_cell(endless, 0)  # the kernel is up, and still confirms nothing
    expect(endless.locator(".jp-Cell").first.locator(".jp-InputPrompt")).to_have_text("[1]:", timeout=30_000)
    for name in ("Pause", "Stop", "Resume", "Compute digest", "Register"):
        assert endless.get_by_role("button", name=name, exact=True).count() == 0
