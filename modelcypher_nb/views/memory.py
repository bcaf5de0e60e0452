"""Facts of what lives in this process: a network or a state dict, read from memory and never from a file."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from ..formats.report import ModelReport, TensorInfo, Verdict
from ..formats.safetensors import SAFETENSORS_NAMES
from ..guard.secrets import shown
from ..operations.facts import ModelFacts
from .numbers import size
from .sheets_models import IN_MEMORY

if TYPE_CHECKING:
    import torch

    from ..formats.report import Level

__all__ = ["is_live", "live_facts", "state_of"]

TENSORS_AMONG_FACTS = 40


def is_live(value: object) -> bool:
    """Whether it is a network, or a mapping of names to tensors; torch isn't imported to find out."""
    torch: Any = sys.modules.get("torch")
    if torch is None:
        return False
    if isinstance(value, torch.nn.Module):
        return True
    return isinstance(value, Mapping) and bool(value) and all(isinstance(one, torch.Tensor) for one in value.values())


def state_of(value: Any) -> dict[str, torch.Tensor]:
    """The tensors of a live object by name, not copied."""
    return dict(value if isinstance(value, Mapping) else value.state_dict(keep_vars=True))


def _info(name: str, tensor: torch.Tensor) -> TensorInfo:
    dtype = str(tensor.dtype).removeprefix("torch.")
    return TensorInfo(str(name), SAFETENSORS_NAMES.get(dtype, dtype), tuple(tensor.shape), tensor.nbytes)


def live_facts(value: Any, name: str | None = None) -> ModelFacts:
    """A live object's facts as of now: there is no file, so there is no verdict on one."""
    state = {key: one for key, one in state_of(value).items() if hasattr(one, "nbytes")}
    tensors = tuple(_info(key, tensor) for key, tensor in state.items())
    report = ModelReport(IN_MEMORY, Verdict(cast("Level", IN_MEMORY)), (), tensors)
    kind = type(value).__name__
    return ModelFacts(
        name=name or (kind if not isinstance(value, Mapping) else "state dict"),
        path="",
        format=IN_MEMORY,
        verdict=report.verdict,
        parameter_count=report.parameter_count,
        dtypes=report.dtypes,
        size_bytes=sum(tensor.size_bytes for tensor in tensors),
        placement=_placement(state),
        tensor_count=len(tensors),
        tensors=tensors[:TENSORS_AMONG_FACTS],
        architecture=None if isinstance(value, Mapping) else shown(kind, 80),
        report=report,
    )


def _placement(state: dict[str, torch.Tensor]) -> str:
    """`in this process's memory: 90.9 MB on cpu`."""
    held: dict[str, int] = {}
    for tensor in state.values():
        held[str(tensor.device)] = held.get(str(tensor.device), 0) + tensor.nbytes
    places = ", ".join(f"{size(count)} on {device}" for device, count in held.items())
    return f"in this process's memory: {places or 'no tensors'}"
