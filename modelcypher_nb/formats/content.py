"""What one file holds, read once: scan, show, load and convert all work from this."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..errors import ModelCypherError
from .pickles.values import Composite, Tensor
from .report import Finding

__all__ = ["Content"]


@dataclass(slots=True)
class Content:
    """The content of a file that isn't safetensors, described.

    Attributes:
        format: what it was recognised as.
        root: the whole content: plain data, and the classes of `pickles.values`.
        tensors: every tensor by its dotted place in the root, in file order.
        findings: why it is judged as it is; the worst level counts.
        metadata: texts that describe the model.
        pickled: whether another loader would run a pickle to open it.
        error: why it is refused where it is malformed; what was found before the fault stands in `findings`.
    """

    format: str
    root: Any = None
    tensors: dict[str, Tensor | Composite] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    metadata: dict[str, str] = field(default_factory=dict)
    pickled: bool = False
    error: ModelCypherError | None = None
