"""Buttons that mend: a refused path is allowed, a run whose process died is found."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.conftest import safetensors_bytes

from .lab import Lab, open_notebook, run_cell, shoot, shut_down_kernels

AT_HOME = """
import os
os.chdir(os.path.expanduser("~"))  # JupyterLab is often started there
%load_ext modelcypher_nb
import modelcypher_nb as mc
"""
KILLED = '''
%load_ext modelcypher_nb
import modelcypher_nb as mc, subprocess, sys
script = """
import os, signal, torch
import modelcypher_nb as mc
model = torch.nn.Linear(2, 1)
run = mc.TrainingRun(name="killed", model=model, optimizer=torch.optim.SGD(model.parameters(), lr=0.1))
for step, _ in enumerate(run.steps(range(100))):
    run.log(loss=1.0 / (step + 1))
    if step == 9:
        os.kill(os.getpid(), signal.SIGKILL)
"""
print(subprocess.run([sys.executable, "-P", "-c", script]).returncode)
mc.Registry()
'''


def cell(page: Page, index: int) -> Locator:
    return page.locator(".jp-Cell").nth(index)


@pytest.fixture
def opened(page: Page, lab: Lab) -> Iterator[Page]:
    yield page
    shut_down_kernels(lab)


def test_a_refused_file_in_the_home_is_allowed_by_one_click_and_the_cell_runs_again(opened: Page, lab: Lab) -> None:
    person = Path(lab.environment["HOME"])
    for name in ("net.safetensors", "other.safetensors"):
        (person / name).write_bytes(safetensors_bytes({"layer.weight": (4, 6)}))
    lab.notebook("refused.ipynb", AT_HOME, "mc.ModelCard('net.safetensors')", "mc.ModelCard('other.safetensors')")
    open_notebook(opened, lab, "refused.ipynb")
    run_cell(opened, 0)
    run_cell(opened, 1)
    refusal = cell(opened, 1).locator(".mc-refusal").first
    expect(refusal).to_contain_text(f"{person}/net.safetensors lies outside", timeout=60_000)
    expect(cell(opened, 1)).to_contain_text("File to allow")
    shoot(opened, "refused")
    cell(opened, 1).get_by_role("button", name="Allow for this session", exact=True).click()
    expect(cell(opened, 1)).to_contain_text("is allowed for this session: run the cell again.")
    expect(cell(opened, 1).get_by_role("button", name="Allow for this session", exact=True)).to_be_hidden()
    shoot(opened, "refusal_allowed")
    run_cell(opened, 1)
    expect(cell(opened, 1).locator(".mc-model_card")).to_contain_text("24 parameters", timeout=20_000)
    run_cell(opened, 2)  # the click opened that one file, not the home
    expect(cell(opened, 2)).to_contain_text("other.safetensors lies outside", timeout=20_000)


def test_recover_finds_the_run_whose_process_was_killed(opened: Page, lab: Lab) -> None:
    lab.notebook("killed.ipynb", KILLED)
    open_notebook(opened, lab, "killed.ipynb")
    run_cell(opened, 0)
    registry = cell(opened, 0).locator(".mc-registry")
    expect(registry).to_contain_text("live", timeout=90_000)
    registry.get_by_role("tab", name="Runs").click()
    registry.get_by_role("button", name="Recover", exact=True).click()
    expect(registry).to_contain_text("Found 1 run: killed-", timeout=20_000)
    expect(registry.get_by_role("row").filter(has_text="killed")).to_contain_text("interrupted")
    expect(registry.get_by_role("cell", name="10", exact=True)).to_be_visible()  # to the last step that it logged
    registry.get_by_role("button", name="Recover", exact=True).click()
    expect(registry).to_contain_text("No run has lost its process.")
    shoot(opened, "registry_recovered")
