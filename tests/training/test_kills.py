"""kill -9 at random moments of training and checkpointing, two hundred times (`MC_KILLS`)."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import modelcypher_nb
from modelcypher_nb.store import checkpoints
from modelcypher_nb.store.run_store import RunStore
from modelcypher_nb.training.ownership import recover

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]

KILLS = int(os.environ.get("MC_KILLS", "200"))
# Imports once, and forks a child for each line: a life of the run, which tells each step after it was logged.
LIVES = """
import os, sys, torch
torch.set_num_threads(1)
from modelcypher_nb.guard.paths import home_guard
from modelcypher_nb.store.catalog import Catalog
from modelcypher_nb.store.run_store import RunStore
from modelcypher_nb.training.run import Run

def life(resume):
    guard = home_guard(sys.argv[1])
    home = guard.open(guard.start)
    store = RunStore(home, Catalog.open(home), guard)
    torch.manual_seed(0)
    inputs = torch.randn(64, 8)
    data = torch.utils.data.TensorDataset(inputs, (inputs.sum(1) > 0).long())
    loader = torch.utils.data.DataLoader(data, batch_size=8, shuffle=True)
    model = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.Linear(8, 2))
    optimizer = torch.optim.Adam(model.parameters())
    run = Run(store, "lives", model=model, optimizer=optimizer, seed=1, checkpoint_every=2, resume=resume or None)
    for batch in run.steps(loader, epochs=10**6):
        loss = torch.nn.functional.cross_entropy(model(batch[0]), batch[1])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        run.log(loss=loss)
        os.write(2, b"%d\\n" % run.step)
        if run.step % 7 == 0:
            run.request("checkpoint")  # of a step that may have one: it is replaced

for line in sys.stdin:
    child = os.fork()
    if not child:
        try:
            life(line.strip())
        finally:
            os._exit(1)
    print(child, flush=True)
    print(os.waitpid(child, 0)[1], flush=True)
"""


@pytest.fixture
def lives(store: RunStore, tmp_path: Path) -> Iterator[Callable[[str, float], tuple[int, int]]]:
    """Lets the run live until a moment after its first step, or after its start, and gives its last told step."""
    told = tmp_path / "told"
    source = str(Path(modelcypher_nb.__file__).parents[1])
    with told.open("wb") as errors:
        zygote = subprocess.Popen(
            [sys.executable, "-c", LIVES, store.home.location],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True,
            env={**os.environ, "PYTHONPATH": source},
        )  # fmt: skip
    assert zygote.stdin is not None
    assert zygote.stdout is not None

    def live(resume: str, seconds: float, from_step: int = 0) -> tuple[int, int]:
        before = told.stat().st_size
        print(resume, file=zygote.stdin, flush=True)
        child = int(zygote.stdout.readline())
        deadline = time.monotonic() + 60
        while told.read_bytes()[before:].count(b"\n") < from_step and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
        how = int(zygote.stdout.readline())
        lines = told.read_bytes()[before:].splitlines()
        return how, int(lines[-1]) if lines else 0

    yield live
    zygote.kill()
    zygote.communicate()


def test_a_run_that_is_killed_at_random_moments_is_whole_each_time(store: RunStore, lives: Any) -> None:
    dice = random.Random(int(os.environ.get("MC_FUZZ_SEED", "1")))  # noqa: S311 - repeatable
    how, told = lives("", 0.0, from_step=5)
    assert how == signal.SIGKILL
    (job,) = [record.id for record in store.catalog.jobs()[0]]
    highest = 0
    for _ in range(KILLS):
        recover(store)
        record = store.catalog.job(job)
        assert record.state == "interrupted"
        steps = store.series(job).read("train/loss").steps.tolist()
        assert steps == list(range(1, len(steps) + 1))
        assert len(steps) >= told
        assert record.step - len(steps) in {0, 1}  # the row may tell the step that was at hand
        rows = store.catalog.checkpoints(job)[0]
        assert rows
        assert all(store.verify_checkpoint(row) for row in rows)
        with store.checkpoints_folder(job) as folder:
            whole = checkpoints.complete_steps(folder)
            assert sorted(row.step for row in rows) == list(whole)
            assert checkpoints.load_document(folder, whole[-1])["position"]["step"] == whole[-1]
            assert checkpoints.load_tensors(folder, whole[-1], "model")
        assert whole[-1] >= highest - 2, "a checkpoint went back"
        highest = max(highest, len(steps))
        with_steps = dice.random() < 0.8
        how, told = lives(job, dice.uniform(0, 0.05 if with_steps else 0.1), from_step=int(with_steps))
        assert how == signal.SIGKILL, "it died by itself"
    assert highest > KILLS // 4
