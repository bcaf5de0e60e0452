"""Where batches come from: an order that the run owns, so that a resumed run sees what an uninterrupted one would.

For a map-style DataLoader with torch's own samplers the order is a function of the run's seed and the epoch alone: a
person's own generator on the loader or its sampler is set aside for the loop. Batches that were trained on are skipped
without being loaded. With workers each batch also has its own seed, so that random augmentation doesn't depend on which
worker makes it. Lists and tuples are skipped by index. Any other iterable is replayed, with a warning.
"""

from __future__ import annotations

import hashlib
import itertools
import random
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ..extras import require

__all__ = ["Feed", "derive", "drawn_seed", "feed_of"]

SEED_BITS = 53  # an integer that every reader of JSON holds exactly


def derive(seed: int, *purpose: object) -> int:
    """A seed for one purpose, independent of every other purpose's.

    The first 53 bits of SHA-256 over the run's seed and the purpose's words.
    """
    text = "/".join(str(word) for word in (seed, *purpose))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> (64 - SEED_BITS)


def drawn_seed() -> int:
    """A seed from torch's generator, as a DataLoader draws one: the same after the same `torch.manual_seed`."""
    torch = sys.modules.get("torch")
    if torch is None:
        return random.getrandbits(SEED_BITS)
    return int(torch.empty((), dtype=torch.int64).random_().item()) >> (64 - SEED_BITS)


class Feed:
    """Any iterable: replayed to its position, which costs its loading and may differ in what it gives."""

    exact = False

    def __init__(self, source: Iterable[Any]) -> None:
        self._source = source

    @property
    def length(self) -> int | None:
        """Batches an epoch, where known."""
        try:
            return len(self._source)  # type: ignore[arg-type]
        except TypeError:
            return None

    def epoch(self, number: int, skip: int) -> Iterator[Any]:
        """The batches of an epoch from position `skip` on."""
        del number
        if skip:
            warnings.warn(
                f"Replaying {skip} batches of a {type(self._source).__name__}: whether they are the ones that were "
                "trained on is up to it, so losses may differ from an uninterrupted run.",
                stacklevel=4,
            )
        iterator = iter(self._source)
        for _ in itertools.islice(iterator, skip):
            pass
        return iterator

    def close(self) -> None:
        """Give back what was borrowed."""


class SequenceFeed(Feed):
    """A list or tuple of batches: the same every epoch."""

    exact = True

    def epoch(self, number: int, skip: int) -> Iterator[Any]:
        """The batches of an epoch from position `skip` on."""
        del number
        return itertools.islice(self._source, skip, None)


class Order:
    """The batches of indices of an epoch, without those that were trained on.

    Attributes:
        skip: how many batches the next pass leaves out.
        seeds: the run's seed and the epoch, from which each batch gets its own seed; None where the loop's process
            loads the data itself, under the generators that a checkpoint restores.
    """

    def __init__(self, inner: Iterable[Any]) -> None:
        self._inner = inner
        self.skip = 0
        self.seeds: tuple[int, int] | None = None

    def __len__(self) -> int:
        return len(self._inner)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[Any]:
        for number, batch in enumerate(self._inner):
            if number < self.skip:
                continue
            if self.seeds is None:
                yield batch
                continue
            seed = derive(*self.seeds, "batch", number)
            yield [(seed, index) for index in batch] if isinstance(batch, list) else (seed, batch)


class Seeded:
    """A data set whose worker is seeded anew for each batch; everything else of it shows through."""

    def __init__(self, dataset: Any) -> None:
        self._dataset = dataset

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._dataset, name)

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, key: tuple[int, Any]) -> Any:
        _seed_everything(key[0])
        return self._dataset[key[1]]

    def __getitems__(self, keys: list[tuple[int, Any]]) -> Any:
        _seed_everything(keys[0][0])
        indices = [index for _, index in keys]
        together = getattr(self._dataset, "__getitems__", None)
        return together(indices) if together else [self._dataset[index] for index in indices]


def _seed_everything(seed: int) -> None:
    from .state import seed_generators

    seed_generators(seed)


class LoaderFeed(Feed):
    """A map-style DataLoader with torch's own samplers, in the run's order.

    Args:
        loader: the person's; it isn't changed beyond its sampler's generator, which `close` puts back.
        seed: the run's.
    """

    exact = True

    def __init__(self, loader: Any, seed: int) -> None:
        super().__init__(loader)
        torch = require("torch", "Reading a DataLoader")
        self._seed = seed
        self._sampler = loader.sampler if loader.batch_sampler is None else loader.batch_sampler.sampler
        self._borrowed = getattr(self._sampler, "generator", None)
        self._generator = torch.Generator()
        self._order = Order(loader.sampler if loader.batch_sampler is None else loader.batch_sampler)
        self._inner = self._own_loader(torch, loader)

    def _own_loader(self, torch: Any, loader: Any) -> Any:
        """A loader over the same data with our order; the person's keeps its own workers and state."""
        workers = loader.num_workers
        options: dict[str, Any] = {
            "num_workers": workers,
            "collate_fn": loader.collate_fn,
            "pin_memory": loader.pin_memory,
            "timeout": loader.timeout,
            "worker_init_fn": loader.worker_init_fn,
            "generator": self._generator,
        }
        if workers:
            options |= {
                "prefetch_factor": loader.prefetch_factor,
                "persistent_workers": loader.persistent_workers,
                "multiprocessing_context": loader.multiprocessing_context,
            }
        if loader.batch_sampler is None:
            options |= {"sampler": self._order, "batch_size": None}
        else:
            options["batch_sampler"] = self._order
        dataset = Seeded(loader.dataset) if workers else loader.dataset
        return torch.utils.data.DataLoader(dataset, **options)

    def epoch(self, number: int, skip: int) -> Iterator[Any]:
        """The batches of an epoch from position `skip` on."""
        if hasattr(self._sampler, "set_epoch"):
            self._sampler.set_epoch(number)
        elif hasattr(self._sampler, "generator"):
            self._sampler.generator = _generator(derive(self._seed, "order", number))
        self._generator.manual_seed(derive(self._seed, "workers", number))
        self._order.skip = skip
        self._order.seeds = (self._seed, number) if self._inner.num_workers else None
        return iter(self._inner)

    def close(self) -> None:
        """Give the person's generator back."""
        if hasattr(self._sampler, "generator"):
            self._sampler.generator = self._borrowed


def _generator(seed: int) -> Any:
    torch = require("torch", "Shuffling")
    return torch.Generator().manual_seed(seed)


def _is_owned(loader: Any) -> bool:
    """Whether a loader's order can be the run's: map-style, iterated as torch does, torch's own samplers."""
    data = sys.modules.get("torch.utils.data")
    if data is None or not isinstance(loader, data.DataLoader) or type(loader).__iter__ is not data.DataLoader.__iter__:
        return False
    if isinstance(loader.dataset, data.IterableDataset):
        return False
    sampler = loader.sampler
    if loader.batch_sampler is not None:
        if type(loader.batch_sampler) is not data.BatchSampler:
            return False
        sampler = loader.batch_sampler.sampler
    return type(sampler) in {
        data.SequentialSampler,
        data.RandomSampler,
        data.SubsetRandomSampler,
        data.WeightedRandomSampler,
        data.DistributedSampler,
    }


def feed_of(source: Iterable[Any], seed: int) -> Feed:
    """The feed for what a person gave to `steps`."""
    if _is_owned(source):
        return LoaderFeed(source, seed)
    return SequenceFeed(source) if isinstance(source, Sequence) else Feed(source)
