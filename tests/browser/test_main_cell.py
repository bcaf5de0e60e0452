"""A training loop in the notebook's own cell: its buttons work meanwhile, and the toolbar's square stops it well."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from .lab import Lab, open_notebook, run_cell, shoot, shut_down_kernels

SETUP = """
%load_ext modelcypher_nb
import modelcypher_nb as mc, torch, time
torch.set_num_threads(1)
model = torch.nn.Linear(8, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
run = mc.TrainingRun(name="main-cell", model=model, optimizer=optimizer)
run
"""
LOOP = """
for step, _ in enumerate(run.steps(range(100_000))):
    loss = model(torch.ones(4, 8)).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    run.log(loss=loss)
    while stuck and step == 20:  # a step that never ends
        time.sleep(0.01)
    time.sleep(0.005)
"""
TOLD = "print(run.state, run.record.step, [one.step for one in mc.checkpoint_list(run.id).items])"


def panel(page: Page) -> Locator:
    return page.locator(".mc-training_run").first


def button(page: Page, name: str) -> Locator:
    return panel(page).get_by_role("button", name=name, exact=True)


def cell(page: Page, index: int) -> Locator:
    return page.locator(".jp-Cell").nth(index)


def press_the_square(page: Page) -> None:
    """The toolbar's own button, as a person presses it."""
    page.locator(".jp-NotebookPanel-toolbar [data-jp-item-name='interrupt'] button, "
                 ".jp-NotebookPanel-toolbar [data-jp-item-name='interrupt'] jp-button").first.click()  # fmt: skip


@pytest.fixture
def loop(page: Page, lab: Lab, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A notebook whose second cell trains; the panel stands under its first."""
    stuck = getattr(request, "param", False)
    lab.notebook("main_cell.ipynb", f"stuck = {stuck}\n{SETUP}", LOOP, TOLD)
    open_notebook(page, lab, "main_cell.ipynb")
    run_cell(page, 0)
    expect(panel(page)).to_contain_text("live", timeout=60_000)
    run_cell(page, 1)
    expect(button(page, "Pause")).to_be_visible(timeout=20_000)
    yield page
    shut_down_kernels(lab)


def test_pause_and_resume_work_in_the_cell_that_trains(loop: Page) -> None:
    button(loop, "Pause").click()
    expect(button(loop, "Resume")).to_be_visible(timeout=10_000)
    expect(panel(loop)).to_contain_text("paused")
    expect(cell(loop, 1).locator(".jp-InputPrompt")).to_have_text("[*]:")  # the loop waits inside its own cell
    shoot(loop, "main_cell_paused")
    button(loop, "Resume").click()
    expect(button(loop, "Pause")).to_be_visible(timeout=10_000)
    button(loop, "Stop").click()
    expect(cell(loop, 1).locator(".jp-InputPrompt")).to_have_text("[2]:", timeout=20_000)
    expect(panel(loop)).to_contain_text("cancelled")
    assert not cell(loop, 1).locator(".jp-RenderedText[data-mime-type*='stderr']").count()


def test_the_square_stops_at_a_step_s_end_with_a_checkpoint_and_without_a_traceback(loop: Page) -> None:
    press_the_square(loop)
    expect(cell(loop, 1).locator(".jp-InputPrompt")).to_have_text("[2]:", timeout=20_000)
    expect(panel(loop)).to_contain_text("cancelled")
    expect(cell(loop, 1)).not_to_contain_text("KeyboardInterrupt")
    run_cell(loop, 2)
    expect(cell(loop, 2)).to_contain_text(re.compile(r"cancelled (\d+) \[\1\]"), timeout=20_000)
    shoot(loop, "main_cell_square")


@pytest.mark.parametrize("loop", [True], indirect=True, ids=["a step that never ends"])
def test_the_square_pressed_again_ends_a_step_that_doesn_t(loop: Page) -> None:
    expect(panel(loop)).to_contain_text("21", timeout=20_000)
    press_the_square(loop)
    expect(cell(loop, 1).locator(".jp-InputPrompt")).to_have_text("[*]:")
    press_the_square(loop)
    expect(cell(loop, 1)).to_contain_text("KeyboardInterrupt", timeout=20_000)
    expect(button(loop, "Pause")).to_have_count(0)
    shoot(loop, "main_cell_square_twice")
