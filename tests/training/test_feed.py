from __future__ import annotations

import random
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import BatchSampler, DataLoader, IterableDataset, WeightedRandomSampler

from modelcypher_nb.training.feed import Feed, LoaderFeed, SequenceFeed, derive, feed_of

NUMBERS = torch.arange(20)


class Augmented(torch.utils.data.Dataset[float]):
    """A data set that draws from all three generators for each sample."""

    def __len__(self) -> int:
        return 12

    def __getitem__(self, index: int) -> float:
        return index + random.random() + float(np.random.rand()) + float(torch.rand(()))  # noqa: NPY002, S311


def given(feed: Feed, epoch: int, skip: int = 0) -> list[Any]:
    return [batch.tolist() for batch in feed.epoch(epoch, skip)]


def test_a_derived_seed_depends_on_seed_and_purpose_and_is_an_exact_json_number() -> None:
    assert derive(1, "order", 0) == derive(1, "order", 0)
    assert len({derive(1, "order", 0), derive(1, "order", 1), derive(2, "order", 0), derive(1, "workers", 0)}) == 4
    assert derive(1, "order", 0) < 2**53


@pytest.mark.parametrize(
    "sampler",
    [
        None,
        lambda: WeightedRandomSampler([1.0] * 20, 20),
        lambda: torch.utils.data.SubsetRandomSampler(range(3, 17)),
        lambda: torch.utils.data.DistributedSampler(NUMBERS, num_replicas=2, rank=1),  # type: ignore[arg-type]
    ],
)
def test_the_order_is_the_runs_whatever_the_global_generator_says(sampler: Callable[[], Any] | None) -> None:
    def orders() -> list[Any]:
        options: dict[str, Any] = {"shuffle": True} if sampler is None else {"sampler": sampler()}
        feed = feed_of(DataLoader(NUMBERS, batch_size=4, **options), 9)  # type: ignore[arg-type]
        assert isinstance(feed, LoaderFeed)
        torch.manual_seed(random.getrandbits(32))
        return [given(feed, 0), given(feed, 1)]

    first, second = orders(), orders()
    assert first == second
    assert first[0] != first[1]


def test_a_skipped_epoch_is_the_tail_of_the_whole_and_loads_nothing_before_it() -> None:
    loaded: list[int] = []

    class Watched(torch.utils.data.Dataset[int]):
        def __len__(self) -> int:
            return 20

        def __getitem__(self, index: int) -> int:
            loaded.append(index)
            return index

    feed = feed_of(DataLoader(Watched(), batch_size=4, shuffle=True), 3)
    whole = given(feed, 2)
    loaded.clear()
    assert given(feed, 2, skip=3) == whole[3:]
    assert len(loaded) == 8


@pytest.mark.slow
def test_augmentation_in_workers_is_the_same_after_a_skip_and_with_other_workers() -> None:
    def made(workers: int, skip: int) -> list[Any]:
        return given(feed_of(DataLoader(Augmented(), batch_size=2, shuffle=True, num_workers=workers), 4), 1, skip)

    whole = made(2, 0)
    assert made(2, 3) == whole[3:]
    assert made(1, 0) == whole


def test_a_loader_without_batches_keeps_its_order_too() -> None:
    feed = feed_of(DataLoader(NUMBERS, batch_size=None, shuffle=True), 4)  # type: ignore[arg-type]
    whole = given(feed, 0)
    assert sorted(whole) == list(range(20))
    assert given(feed, 0, skip=15) == whole[15:]


def test_the_persons_generator_is_back_after_the_loop() -> None:
    generator = torch.Generator().manual_seed(5)
    loader = DataLoader(NUMBERS, batch_size=4, shuffle=True, generator=generator)  # type: ignore[arg-type]
    state = generator.get_state()
    feed = feed_of(loader, 1)
    given(feed, 0)
    feed.close()
    assert loader.sampler.generator is generator  # type: ignore[attr-defined]
    assert torch.equal(generator.get_state(), state)


def test_reading_leaves_the_global_generator_alone() -> None:
    feed = feed_of(DataLoader(NUMBERS, batch_size=4, shuffle=True), 1)  # type: ignore[arg-type]
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    given(feed, 0)
    assert torch.equal(torch.rand(3), expected)


class Counting(IterableDataset[int]):
    def __iter__(self) -> Iterator[int]:
        return iter(range(8))


class OwnBatches(BatchSampler):
    pass


@pytest.mark.parametrize(
    "source",
    [
        lambda: DataLoader(Counting(), batch_size=2),
        lambda: DataLoader(NUMBERS, batch_sampler=OwnBatches(range(20), 4, drop_last=False)),  # type: ignore[arg-type]
    ],
)
def test_any_other_iterable_is_replayed_with_a_warning(source: Callable[[], Any]) -> None:
    feed = feed_of(source(), 1)
    assert type(feed) is Feed
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        whole = given(feed, 0)
    with pytest.warns(UserWarning, match="Replaying 2 batches"):
        assert given(feed, 0, skip=2) == whole[2:]


def test_a_list_is_skipped_by_index_without_a_warning() -> None:
    feed = feed_of([torch.tensor(1), torch.tensor(2), torch.tensor(3)], 1)
    assert isinstance(feed, SequenceFeed)
    assert feed.length == 3
    assert given(feed, 0, skip=2) == [3]
