"""What the views say of a live object, a mistake, a run that lost its loss, and a server that stopped."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.conftest import safetensors_bytes

from .lab import Lab, open_notebook, run_cell, shoot, shut_down_kernels

CELLS = (
    "%load_ext modelcypher_nb\nimport modelcypher_nb as mc, torch, ipywidgets\nmc.ModelCard(torch.nn.Linear(3, 4))",
    "mc.ModelCard('net.safetensors')",
    """
model = torch.nn.Linear(2, 1)
run = mc.TrainingRun(name="lost", model=model, optimizer=torch.optim.SGD(model.parameters(), lr=0.1))
for step, _ in enumerate(run.steps(range(26))):
    run.log(loss=1.0 / (step + 1) if step < 20 else float("nan"))
""",
    "%mc mcp start",
    """
card = mc.ModelCard(model.state_dict())
ipywidgets.Tab([ipywidgets.VBox([card]), mc.Registry()], titles=["card", "kept"])
""",
)


def cell(page: Page, index: int) -> Locator:
    return page.locator(".jp-Cell").nth(index)


@pytest.fixture(scope="module")
def notebook(browser, lab: Lab) -> Iterator[Page]:  # noqa: ANN001 - Playwright's browser
    """One notebook for all: its cells were run, and every view is in sight."""
    (lab.folder / "net.safetensors").write_bytes(safetensors_bytes({"layer.weight": (4, 6)}))
    lab.notebook("views.ipynb", *CELLS)
    context = browser.new_context(viewport={"width": 1280, "height": 4000})
    page = context.new_page()
    open_notebook(page, lab, "views.ipynb")
    for index in range(len(CELLS)):
        run_cell(page, index)
        expect(cell(page, index).locator(".jp-InputPrompt")).to_have_text(f"[{index + 1}]:", timeout=60_000)
    yield page
    context.close()
    shut_down_kernels(lab)


def test_a_live_object_s_card_claims_neither_digest_nor_license(notebook: Page) -> None:
    card = cell(notebook, 0).locator(".mc-model_card")
    expect(card).to_contain_text("A live object: nothing was read from a file")
    for claim in ("Digest", "License", "not stated"):
        expect(card).not_to_contain_text(claim)


def test_a_name_that_no_model_may_bear_is_said_under_the_card(notebook: Page) -> None:
    card = cell(notebook, 1).locator(".mc-model_card")
    card.get_by_label("Name to register under").fill("No Name/..")
    card.get_by_label("Name to register under").press("Enter")
    expect(card.locator(".mc-error")).to_contain_text("'No Name/..' is no model name.")
    expect(card.locator(".mc-error")).to_contain_text("lower-case letters")
    card.get_by_label("Name to register under").fill("kept")
    card.get_by_role("button", name="Register", exact=True).click()
    expect(card).to_contain_text("v1")
    expect(card.locator(".mc-error")).to_have_count(0)


def test_a_run_whose_loss_is_lost_says_where_and_what_to_do(notebook: Page) -> None:
    panel = cell(notebook, 2).locator(".mc-training_run")
    expect(panel.locator(".mc-failure.warn")).to_contain_text("The loss is NaN at step 21")
    expect(panel.locator(".mc-failure.warn")).to_contain_text("Resume from a checkpoint before it")
    expect(panel.locator(".mc-stats")).to_contain_text("LossNaN")


def test_views_in_boxes_and_tabs_are_live(notebook: Page) -> None:
    tabs = cell(notebook, 4)
    expect(tabs.locator(".mc-model_card")).to_contain_text("live")
    tabs.get_by_role("tab", name="kept", exact=True).click()
    expect(tabs.locator(".mc-registry")).to_contain_text("live")
    shoot(notebook, "views")


def test_a_stopped_server_offers_nothing_and_shows_no_address(notebook: Page) -> None:
    server = cell(notebook, 3).locator(".mc-server")
    expect(server).to_contain_text("127.0.0.1")
    server.get_by_role("button", name="Stop server", exact=True).click()
    expect(server).to_contain_text(re.compile(r"\d+ tools, offered to nobody now"))
    expect(server).not_to_contain_text("127.0.0.1")
    expect(server.locator("details").get_by_text("mc_job_list", exact=True)).to_be_hidden()
