"""What it means that a name is trusted: a reading of ours stands in for it, and nothing is imported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..report import Level

if TYPE_CHECKING:
    from .context import Context

__all__ = ["Reading", "Trusted"]

Reading = Callable[["Context", tuple[Any, ...]], Any]


@dataclass(frozen=True, slots=True)
class Trusted:
    """A name on the allow-list.

    Attributes:
        reason: what it is, and why describing it is safe.
        call: reads the arguments of a call and gives what they describe; raises `UnfitError` for any that its own
            library never writes. None where the name is never called.
        is_value: whether the bare name may stand as a value.
        level: what a file becomes that holds one.
        is_only_made: whether only NEWOBJ is read: a call would run the class's `__init__`, which does more.
    """

    reason: str
    call: Reading | None = None
    is_value: bool = False
    level: Level = "weights"
    is_only_made: bool = False
