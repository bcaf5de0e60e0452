from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from modelcypher_nb.guard.paths import Guard, home_guard
from modelcypher_nb.guard.roots import Root
from modelcypher_nb.store.catalog import Catalog
from modelcypher_nb.store.run_store import RunStore


def opened_store(home: Path, working: Path) -> RunStore:
    guard = home_guard(str(home))
    opened = guard.open(guard.start)
    person = Guard((Root.pin(str(home), "home"), Root.pin(str(working), "working")), str(working))
    return RunStore(opened, Catalog.open(opened), person)


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    working = tmp_path / "work"
    working.mkdir()
    return opened_store(tmp_path / "home", working)


@pytest.fixture
def until() -> Callable[..., Any]:
    """Look until a condition holds, and give its value; a minute is far beyond what any of them takes."""

    def look(condition: Callable[[], Any], what: str = "the condition") -> Any:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            value = condition()
            if value:
                return value
            time.sleep(0.005)
        pytest.fail(f"{what} did not come about within a minute")

    return look


@dataclass
class Trainee:
    """A small network with dropout on scikit-learn's digits, and all that a checkpoint has to hold."""

    model: Any
    optimizer: Any
    scheduler: Any
    loader: Any

    def named(self) -> dict[str, Any]:
        return {"model": self.model, "optimizer": self.optimizer, "scheduler": self.scheduler}

    def step(self, batch: Any) -> Any:
        import torch

        inputs, targets = batch
        loss = torch.nn.functional.cross_entropy(self.model(inputs), targets)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.scheduler.step()
        return loss


@pytest.fixture(scope="session")
def digits() -> Any:
    import torch
    from sklearn.datasets import load_digits

    found = load_digits()
    return torch.utils.data.TensorDataset(
        torch.tensor(found.data[:256] / 16, dtype=torch.float32), torch.tensor(found.target[:256])
    )


@pytest.fixture
def trainee(digits: Any) -> Callable[..., Trainee]:
    """Makes the same objects each time, as a person does who runs the same cell again."""

    def make(dataset: Any = None, **options: Any) -> Trainee:
        import torch

        torch.manual_seed(7)
        model = torch.nn.Sequential(
            torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Dropout(0.3), torch.nn.Linear(32, 10)
        )
        optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
        scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1e-2, total_steps=200)
        loader = torch.utils.data.DataLoader(dataset or digits, **{"batch_size": 32, "shuffle": True, **options})
        return Trainee(model, optimizer, scheduler, loader)

    return make
