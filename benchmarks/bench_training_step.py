"""What a run costs a training step: the same steps bare and through a Run, in interleaved blocks.

    python benchmarks/bench_training_step.py

A step is one forward, backward and AdamW step of a perceptron with four layers on random data, sized to about 2 ms and
20 ms. Within a round the two ways take turns, and which goes first alternates; the median of 20 rounds' ratios is
given. The run logs loss, learning rate, gradient norm and throughput of every step, and its control thread looks at
the catalog meanwhile.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from typing import Any

import torch

from modelcypher_nb.guard.paths import home_guard
from modelcypher_nb.store.catalog import Catalog
from modelcypher_nb.store.run_store import RunStore
from modelcypher_nb.training.run import Run

ROUNDS = 20
SIZES = {"2 ms": (384, 16, 40), "20 ms": (1024, 64, 8)}  # label -> width, batch, steps a block
ACTED_ON = 40


def made(width: int) -> tuple[Any, Any]:
    torch.manual_seed(0)
    layers = [layer for _ in range(3) for layer in (torch.nn.Linear(width, width), torch.nn.ReLU())]
    model = torch.nn.Sequential(*layers, torch.nn.Linear(width, 10))
    return model, torch.optim.AdamW(model.parameters(), lr=1e-4)


def learn(model: Any, optimizer: Any, batch: Any) -> Any:
    loss = torch.nn.functional.cross_entropy(model(batch[0]), batch[1])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss


def seconds(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def step_cost(store: RunStore, width: int, size: int, steps: int) -> tuple[float, float]:
    """Milliseconds of a bare step, and the ratio of a step within a run to it."""
    batches = [(torch.randn(size, width), torch.randint(0, 10, (size,)))] * steps
    bare_model, bare_optimizer = made(width)
    model, optimizer = made(width)

    def bare() -> None:
        for batch in batches:
            learn(bare_model, bare_optimizer, batch).item()

    def watched() -> None:
        for batch in run.steps(batches):
            run.log(loss=learn(model, optimizer, batch))

    ratios, bare_times = [], []
    with Run(store, "bench", optimizer=optimizer) as run:
        bare(), watched()
        for number in range(ROUNDS):
            order = (bare, watched) if number % 2 else (watched, bare)
            taken = {work: seconds(work) for work in order}
            ratios.append(taken[watched] / taken[bare])
            bare_times.append(taken[bare] / steps)
    return statistics.median(bare_times) * 1e3, statistics.median(ratios)


def acted_on(store: RunStore) -> list[float]:
    """Milliseconds from a row that another process would write to its being done, while steps of 2 ms go on."""
    width, size, _ = SIZES["2 ms"]
    model, optimizer = made(width)
    batch = (torch.randn(size, width), torch.randint(0, 10, (size,)))

    def work(run: Run) -> None:
        for one in run.steps([batch] * 10**7):
            run.log(loss=learn(model, optimizer, one))

    run = Run(store, "acted-on", optimizer=optimizer).start(work)
    other = Catalog.open(store.home)  # a connection of its own, as another process has
    found = []
    for number in range(ACTED_ON):
        start = time.perf_counter()
        sequence = other.request(run.id, "resume" if number % 2 else "pause", {}, "person")
        while other.command(sequence).done_at is None:
            time.sleep(0.001)
        found.append((time.perf_counter() - start) * 1e3)
        time.sleep(0.013 * (number % 8))  # so that requests fall anywhere between two looks
    run.cancel()
    run.wait()
    other.close()
    return found


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        guard = home_guard(folder)
        home = guard.open(guard.start)
        store = RunStore(home, Catalog.open(home), guard)
        for label, (width, size, steps) in SIZES.items():
            bare, ratio = step_cost(store, width, size, steps)
            print(f"step of about {label} (width {width}, batch {size}): bare {bare:.2f} ms, with a run x {ratio:.3f}")
        waits = sorted(acted_on(store))
        print(
            f"a row acted on while training: median {statistics.median(waits):.0f} ms, "
            f"95th percentile {waits[int(0.95 * len(waits))]:.0f} ms of {len(waits)}"
        )
        store.catalog.close()


if __name__ == "__main__":
    main()
