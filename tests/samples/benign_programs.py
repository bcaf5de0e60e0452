"""Benign programs with their weights: TorchScript, scripted and traced, and exported graphs."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import nn

from modelcypher_nb.formats.report import Level

from .sample import Opener, Sample

__all__ = ["SAMPLES"]

PROGRAM: frozenset[Level] = frozenset({"objects"})
EXPORTED: frozenset[Level] = frozenset({"weights", "data", "objects"})


class Branching(nn.Module):
    """A module whose program has a loop, a branch, a text and a constant tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 3)
        self.register_buffer("mean", torch.arange(3.0))
        self.names = ["a", "b"]

    def forward(self, values: torch.Tensor, steps: int) -> torch.Tensor:
        """Apply the layer some times."""
        for _ in range(steps):
            if values.sum() > 0:  # noqa: SIM108 - the branch is what is to be saved
                values = self.linear(values) + self.mean
            else:
                values = values * torch.tensor([1.0, 2.0, 3.0])
        return values


def _convolutions() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(72, 2)).eval()


SCRIPTED: dict[str, Callable[[], torch.nn.Module]] = {
    "a linear layer": lambda: torch.jit.script(nn.Linear(3, 2)),
    "branches": lambda: torch.jit.script(Branching()),
    "an LSTM": lambda: torch.jit.script(nn.LSTM(3, 4)),
    "convolutions": lambda: torch.jit.script(_convolutions()),
    "frozen convolutions": lambda: torch.jit.freeze(torch.jit.script(_convolutions())),
    "an attention": lambda: torch.jit.script(nn.MultiheadAttention(4, 2)),
    "an embedding in half": lambda: torch.jit.script(nn.Embedding(5, 3).half()),
    "a traced layer": lambda: torch.jit.trace(nn.Linear(3, 2), torch.ones(1, 3)),
    "traced convolutions": lambda: torch.jit.trace(_convolutions(), torch.ones(1, 1, 8, 8)),
    "a traced sequence": lambda: torch.jit.trace(nn.Sequential(nn.Linear(3, 3), nn.GELU()), torch.ones(2, 3)),
}
EXPORTS: dict[str, Callable[[], torch.export.ExportedProgram]] = {
    "a linear layer": lambda: torch.export.export(nn.Linear(3, 2), (torch.ones(1, 3),)),
    "convolutions": lambda: torch.export.export(_convolutions(), (torch.ones(1, 1, 8, 8),)),
}


def _file(name: str, file: str, write: Callable[[Path], None], expected: frozenset[Level], opens: Opener) -> Sample:
    def make(folder: Path) -> Path:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.manual_seed(7)
            write(folder / file)
        return folder / file

    return Sample(name, make, expected, "A program with its weights.", opens=opens)


def _samples() -> Iterator[Sample]:
    for name, build in SCRIPTED.items():
        yield _file(
            f"TorchScript of {name}",
            "net.pt",
            lambda path, build=build: torch.jit.save(build(), path),
            PROGRAM,
            "script",
        )
    for name, export in EXPORTS.items():
        yield _file(
            f"export of {name}", "net.pt2", lambda path, one=export: torch.export.save(one(), path), EXPORTED, "export"
        )


SAMPLES: tuple[Sample, ...] = tuple(_samples())
