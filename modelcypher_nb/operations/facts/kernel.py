"""What the operations of the kernel's live objects give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["KernelFacts", "LiveObject"]


@dataclass(frozen=True, slots=True)
class LiveObject:
    """A bounded summary of an object in the kernel, made without calling its code."""

    name: str
    type: str
    shape: tuple[int, ...] | None = None
    dtype: str | None = None
    device: str | None = None
    bytes: int | None = None
    length: int | None = None
    value: float | int | bool | None = None
    details: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class KernelFacts:
    """The kernel's live objects."""

    objects: tuple[LiveObject, ...]
    total: int
    busy: bool
    cursor: str | None = None
