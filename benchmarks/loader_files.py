"""The files that the loader's benchmark measures on: one big checkpoint, many shards, many small checkpoints."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

__all__ = ["big", "shards", "small"]

ROW = 1024


def _tensors(megabytes: int) -> dict[str, torch.Tensor]:
    """As a transformer's layers are: a few big matrices, and small vectors between them."""
    found, left, number = {}, megabytes << 20, 0
    while left > 0:
        rows = min(4 * ROW, max(1, left // (4 * ROW)))
        found[f"layers.{number}.weight"] = torch.randint(-(1 << 30), 1 << 30, (rows, ROW), dtype=torch.int32).view(
            torch.float32
        )
        found[f"layers.{number}.bias"] = torch.full((ROW,), float(number))
        left -= 4 * rows * ROW
        number += 1
    return found


def big(folder: Path, megabytes: int) -> tuple[Path, Path]:
    """The same tensors as a checkpoint and as safetensors."""
    folder.mkdir(exist_ok=True)
    checkpoint, weights = folder / "model.pt", folder / "model.safetensors"
    if not (checkpoint.exists() and weights.exists()):
        torch.manual_seed(7)
        tensors = _tensors(megabytes)
        torch.save(tensors, checkpoint)
        save_file(tensors, weights, {"format": "pt"})
    return checkpoint, weights


def shards(folder: Path, count: int) -> Path:
    """A model of that many safetensors files with their index."""
    if not folder.exists():
        folder.mkdir()
        weight_map = {}
        for number in range(count):
            name = f"model-{number + 1:05}-of-{count:05}.safetensors"
            names = [f"layers.{number}.{part}" for part in ("q.weight", "k.weight", "v.weight", "norm.weight")]
            save_file({one: torch.full((16, 16), float(number)) for one in names}, folder / name, {"format": "pt"})
            weight_map |= dict.fromkeys(names, name)
        index = {"metadata": {"total_size": count * 4096}, "weight_map": weight_map}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder


def small(folder: Path, count: int) -> Path:
    """That many small checkpoints, as a trainer writes them: the model's state and the optimizer's."""
    if not folder.exists():
        folder.mkdir()
        for number in range(count):
            model = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.LayerNorm(8), torch.nn.Linear(8, 2))
            optimizer = torch.optim.AdamW(model.parameters())
            model(torch.ones(1, 8)).sum().backward()
            optimizer.step()
            content = {"state_dict": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": number}
            torch.save(content, folder / f"checkpoint-{number:05}.pt")
    return folder
