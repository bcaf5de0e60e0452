"""Benign checkpoints of trainers: modules, optimizers, schedulers, scalers, random states, what frameworks save."""

from __future__ import annotations

import argparse
import datetime as dt
import random
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import torch
from torch import nn

from modelcypher_nb.formats.report import Level

from .assembler import Built, Call, Name, New, Raw, assembled, opcodes
from .benign_tensors import LATE_ZIP, LEGACY, ZIP, Save, saved
from .containers import tensor, torch_zip
from .sample import DATA, OBJECTS, WEIGHTS, Sample, file_maker

__all__ = ["MODULES", "SAMPLES"]

EITHER: frozenset[Level] = frozenset({"weights", "data"})

LAZY = "a lazy layer"  # its parameters are objects until they have a shape
MODULES: dict[str, Callable[[], nn.Module]] = {
    "Linear": lambda: nn.Linear(3, 2),
    "Bilinear": lambda: nn.Bilinear(2, 3, 4),
    "Embedding": lambda: nn.Embedding(5, 3, padding_idx=0),
    "EmbeddingBag": lambda: nn.EmbeddingBag(5, 3),
    "Conv1d": lambda: nn.Conv1d(2, 3, 3),
    "Conv2d": lambda: nn.Conv2d(2, 3, 3, padding="same"),
    "Conv3d": lambda: nn.Conv3d(1, 2, 3, groups=1),
    "ConvTranspose2d": lambda: nn.ConvTranspose2d(2, 3, 3),
    "BatchNorm1d": lambda: nn.BatchNorm1d(4),
    "BatchNorm2d": lambda: nn.BatchNorm2d(4),
    "GroupNorm": lambda: nn.GroupNorm(2, 4),
    "LayerNorm": lambda: nn.LayerNorm(4),
    "RMSNorm": lambda: nn.RMSNorm(4),
    "InstanceNorm2d": lambda: nn.InstanceNorm2d(3, affine=True),
    "LSTM": lambda: nn.LSTM(3, 4, num_layers=2, bidirectional=True),
    "GRU": lambda: nn.GRU(3, 4),
    "RNN": lambda: nn.RNN(3, 4),
    "LSTMCell": lambda: nn.LSTMCell(3, 4),
    "MultiheadAttention": lambda: nn.MultiheadAttention(4, 2),
    "TransformerEncoder": lambda: nn.TransformerEncoder(
        nn.TransformerEncoderLayer(4, 2, 8), 2, enable_nested_tensor=False
    ),
    "TransformerDecoderLayer": lambda: nn.TransformerDecoderLayer(4, 2, 8, activation="gelu"),
    "Transformer": lambda: nn.Transformer(4, 2, 1, 1, 8),
    "Sequential": lambda: nn.Sequential(
        OrderedDict(a=nn.Linear(3, 3), b=nn.ReLU(), c=nn.Dropout(0.1), d=nn.Linear(3, 1))
    ),
    "ModuleList": lambda: nn.ModuleList([nn.Linear(2, 2) for _ in range(3)]),
    "ModuleDict": lambda: nn.ModuleDict({"a": nn.Linear(2, 2), "b": nn.Tanh()}),
    "ParameterList": lambda: nn.ParameterList([torch.ones(2), torch.zeros(3)]),
    "ParameterDict": lambda: nn.ParameterDict({"a": torch.ones(2)}),
    "PReLU": nn.PReLU,
    LAZY: lambda: nn.LazyLinear(2),
    "Flatten and pools": lambda: nn.Sequential(nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)),
    "losses": lambda: nn.ModuleList([nn.CrossEntropyLoss(torch.ones(3)), nn.MSELoss(), nn.BCEWithLogitsLoss()]),
    "activations": lambda: nn.Sequential(nn.GELU(), nn.SiLU(), nn.Softmax(-1), nn.Sigmoid(), nn.Hardtanh()),
    "in double": lambda: nn.Linear(3, 2).double(),
    "in half": lambda: nn.Linear(3, 2).half(),
    "frozen": lambda: nn.Linear(3, 2).requires_grad_(requires_grad=False).eval(),
}


class Net(nn.Module):
    """A module of somebody's own, with a buffer and a tied weight."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 3)
        self.second = nn.Linear(3, 3)
        self.second.weight = self.first.weight
        self.register_buffer("mean", torch.arange(3.0))
        self.options = {"dropout": 0.1, "sizes": [1, 2, 3]}


def _net() -> Net:
    torch.manual_seed(7)
    return Net()


MODULES["of somebody's own"] = _net


def _seeded(make: Callable[[], Any]) -> Callable[[], Any]:
    def made() -> Any:
        torch.manual_seed(7)
        return make()

    return made


OPTIMIZERS: dict[str, Callable[[Any], torch.optim.Optimizer]] = {
    "SGD": lambda parameters: torch.optim.SGD(parameters, 0.1, momentum=0.9),
    "Adam": lambda parameters: torch.optim.Adam(parameters, amsgrad=True),
    "AdamW": lambda parameters: torch.optim.AdamW(parameters, torch.tensor(0.1)),
    "NAdam": torch.optim.NAdam,
    "RAdam": torch.optim.RAdam,
    "Adamax": torch.optim.Adamax,
    "Adagrad": torch.optim.Adagrad,
    "Adadelta": torch.optim.Adadelta,
    "Adafactor": torch.optim.Adafactor,
    "ASGD": torch.optim.ASGD,
    "RMSprop": lambda parameters: torch.optim.RMSprop(parameters, centered=True),
    "Rprop": torch.optim.Rprop,
    "groups": lambda parameters: torch.optim.AdamW(
        [{"params": [one], "lr": 0.1 / (n + 1)} for n, one in enumerate(parameters)]
    ),
}
SCHEDULERS: dict[str, Callable[[torch.optim.Optimizer], Any]] = {
    "StepLR": lambda optimizer: torch.optim.lr_scheduler.StepLR(optimizer, 3),
    "MultiStepLR": lambda optimizer: torch.optim.lr_scheduler.MultiStepLR(optimizer, [1, 2]),
    "CosineAnnealingLR": lambda optimizer: torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10),
    "CosineAnnealingWarmRestarts": lambda optimizer: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 4),
    "OneCycleLR": lambda optimizer: torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=9),
    "ReduceLROnPlateau": torch.optim.lr_scheduler.ReduceLROnPlateau,
    "LinearLR": torch.optim.lr_scheduler.LinearLR,
    "ExponentialLR": lambda optimizer: torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9),
    "CyclicLR": lambda optimizer: torch.optim.lr_scheduler.CyclicLR(optimizer, 0.01, 0.1),
    "SequentialLR": lambda optimizer: torch.optim.lr_scheduler.SequentialLR(
        optimizer,
        [torch.optim.lr_scheduler.ConstantLR(optimizer), torch.optim.lr_scheduler.LinearLR(optimizer)],
        [2],
    ),
}


def _stepped(make: Callable[[Any], torch.optim.Optimizer]) -> torch.optim.Optimizer:
    """An optimizer that has made a step, so that it holds a state."""
    torch.manual_seed(7)
    model = nn.Linear(3, 2)
    optimizer = make(list(model.parameters()))
    for _ in range(2):
        model(torch.ones(1, 3)).sum().backward()
        optimizer.step()
    return optimizer


def _scheduled(make: Callable[[torch.optim.Optimizer], Any]) -> Any:
    return make(_stepped(OPTIMIZERS["SGD"]))


def _scaler() -> dict[str, Any]:
    return {
        "scale": 65536.0,
        "growth_factor": 2.0,
        "backoff_factor": 0.5,
        "growth_interval": 2000,
        "_growth_tracker": 3,
    }


def _averaged() -> Any:
    return torch.optim.swa_utils.AveragedModel(_seeded(MODULES["Linear"])()).state_dict()


def _random_states() -> dict[str, Any]:
    """As Hugging Face's trainer writes it."""
    return {
        "python": random.Random(7).getstate(),  # noqa: S311
        "numpy": np.random.RandomState(7).get_state(),
        "cpu": torch.Generator().manual_seed(7).get_state(),
    }


def _lightning() -> dict[str, Any]:
    """As Lightning writes it."""
    optimizer = _stepped(OPTIMIZERS["Adam"])
    return {
        "epoch": 3,
        "global_step": 1200,
        "pytorch-lightning_version": "2.4.0",
        "state_dict": _net().state_dict(),
        "loops": {"fit_loop": {"state_dict": {}, "epoch_progress": {"total": {"ready": 4}, "current": {"ready": 4}}}},
        "callbacks": {"ModelCheckpoint{'monitor': 'loss'}": {"best_model_score": torch.tensor(0.5), "dirpath": "/x"}},
        "optimizer_states": [optimizer.state_dict()],
        "lr_schedulers": [_scheduled(SCHEDULERS["StepLR"]).state_dict()],
        "hparams_name": "kwargs",
        "hyper_parameters": {"lr": 1e-3, "layers": [1, 2], "name": "x"},
        "native_amp_scaling_state": _scaler(),
    }


def _trainer() -> dict[str, Any]:
    """As many a script writes it."""
    return {
        "model": _net().state_dict(),
        "optimizer": _stepped(OPTIMIZERS["AdamW"]).state_dict(),
        "args": argparse.Namespace(lr=0.1, data=PurePosixPath("/data"), amp=True, names=["a", "b"]),
        "best": float("inf"),
        "when": dt.datetime(2024, 1, 2, 3, 4, 5, tzinfo=dt.UTC),
        "history": defaultdict(list, {"loss": [1.0, 0.5]}),
        "recent": deque([1, 2, 3], maxlen=5),
        "seed": 1 << 3000,
    }


VALUES: dict[str, tuple[Callable[[], Any], frozenset[Level]]] = {
    "scaler's state": (_scaler, WEIGHTS),
    "averaged model's state": (_averaged, WEIGHTS),
    "torch's random state": (lambda: torch.Generator().manual_seed(7).get_state(), WEIGHTS),
    "all random states": (_random_states, EITHER),
    "Lightning's checkpoint": (_lightning, WEIGHTS),
    "a script's checkpoint": (_trainer, DATA),
    "numbers of every size": (
        lambda: {f"{n}": (-1) ** n << (8 * n) for n in (0, 1, 7, 8, 9, 254, 255, 256, 300)},
        WEIGHTS,
    ),
    "numpy scalars": (lambda: {"a": np.float64(1.5), "b": np.int64(3), "t": torch.ones(1)}, EITHER),
    "numpy arrays": (lambda: {"a": np.arange(6.0).reshape(2, 3), "b": np.array(["x", "y"])}, EITHER),
    "sizes, dtypes and devices": (
        lambda: {"s": torch.Size([1, 2]), "d": torch.float16, "at": torch.device("cuda", 1), "l": torch.strided},
        EITHER,
    ),
    "sets": (lambda: {"a": {1, 2}, "b": frozenset({"x"}), "c": set()}, EITHER),
    "bytes": (lambda: {"a": b"\0\xff", "b": bytearray(b"x"), "c": "\ud800"}, EITHER),
    "a compressed state": (lambda: OrderedDict(a=torch.ones(2), b=OrderedDict(c=None)), WEIGHTS),
    "frightening texts": (
        lambda: {"note": "os.system('rm -rf /')", "eval": "__import__", "c": "cos\nsystem\n"},
        WEIGHTS,
    ),
}


def _one(name: str, value: Callable[[], Any], how: Save, expected: frozenset[Level]) -> Sample:
    return Sample(f"{name}, {how[0]}", saved(name, value, how), expected, "A trainer's checkpoint.", opens="torch")


def _states() -> Iterator[Sample]:
    for how in (ZIP, LEGACY, LATE_ZIP):
        for name, (value, expected) in VALUES.items():
            yield _one(name, value, how, expected)
        for name, module in MODULES.items():
            expected = OBJECTS if name == LAZY else WEIGHTS
            yield _one(f"state dict of {name}", lambda module=module: _seeded(module)().state_dict(), how, expected)
        for name, optimizer in OPTIMIZERS.items():
            yield _one(f"state of {name}", lambda one=optimizer: _stepped(one).state_dict(), how, WEIGHTS)
        for name, scheduler in SCHEDULERS.items():
            yield _one(f"state of {name}", lambda one=scheduler: _scheduled(one).state_dict(), how, EITHER)


def _wholes() -> Iterator[Sample]:
    for how in (ZIP, LEGACY):
        for name, module in MODULES.items():
            yield _one(f"whole {name}", _seeded(module), how, OBJECTS)
        for name, optimizer in OPTIMIZERS.items():
            yield _one(f"whole {name}", lambda one=optimizer: _stepped(one), how, OBJECTS)
        for name, scheduler in SCHEDULERS.items():
            yield _one(f"whole {name}", lambda one=scheduler: _scheduled(one), how, OBJECTS)


_ENUMS = {
    "evaluation_strategy": ("transformers.trainer_utils", "IntervalStrategy", "no"),
    "save_strategy": ("transformers.trainer_utils", "SaveStrategy", "steps"),
    "lr_scheduler_type": ("transformers.trainer_utils", "SchedulerType", "linear"),
    "optim": ("transformers.training_args", "OptimizerNames", "adamw_torch"),
    "hub_strategy": ("transformers.trainer_utils", "HubStrategy", "every_save"),
}


def _training_arguments() -> Any:
    """As Hugging Face's trainer writes training_args.bin."""
    state: dict[str, Any] = {"output_dir": "out", "learning_rate": 5e-5, "fp16": False, "report_to": []}
    state |= {key: Call(Name(module, name), (text,)) for key, (module, name, text) in _ENUMS.items()}
    state["_n_gpu"] = 1
    return Built(New(Name("transformers.training_args", "TrainingArguments")), state)


def _attributes() -> Raw:
    """Lightning's dict with attributes: made empty, then filled item by item."""
    return Raw(
        opcodes(New(Name("lightning_fabric.utilities.data", "AttributeDict"))) + opcodes("lr") + opcodes(0.1) + b"s"
    )


_NAMESPACE = Built(New(Name("argparse", "Namespace")), {"lr": 0.1})
BY_HAND: dict[str, tuple[str, bytes, frozenset[Level]]] = {
    "training_args": (
        "training_args.bin",
        torch_zip(assembled(_training_arguments()), {}),
        frozenset({"data", "objects"}),
    ),
    "Lightning's attributes": (
        "last.ckpt",
        torch_zip(
            assembled(
                {
                    "state_dict": {"w": tensor()},
                    "hyper_parameters": _attributes(),
                }
            )
        ),
        frozenset({"data", "objects"}),
    ),
    "a bare main class": (
        "net.pt",
        torch_zip(assembled(Built(New(Name("__main__", "Net")), {"weight": tensor(), "n": 1}))),
        OBJECTS,
    ),
    "an object of somebody's": (
        "net.pt",
        torch_zip(assembled({"m": Built(New(Name("somebodys.package", "Net")), {"w": tensor()})})),
        OBJECTS,
    ),
    "an old object of somebody's": (
        "net.pkl",
        assembled(
            Built(
                Call(
                    Name("copy_reg", "_reconstructor"),
                    (Name("somebodys.package", "Net"), Name("__builtin__", "object"), None),
                ),
                {"a": 1},
            ),
            0,
        ),
        OBJECTS,
    ),
    "a namespace": ("args.pkl", assembled(_NAMESPACE), DATA),
    "five harmless pickles": ("many.pkl", b"".join(assembled({"a": n}) for n in range(5)), WEIGHTS),
}


def _by_hand() -> Iterator[Sample]:
    for name, (file, data, expected) in BY_HAND.items():
        yield Sample(name, file_maker(file, lambda _, data=data: data), expected, f"A file with {name}.")


SAMPLES: tuple[Sample, ...] = (*_states(), *_wholes(), *_by_hand())
