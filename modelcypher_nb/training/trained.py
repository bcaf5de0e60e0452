"""Which objects are being trained: two threads that step one optimizer crash the process inside torch."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from ..errors import ConflictError
from . import live

if TYPE_CHECKING:
    from .beginning import Objects
    from .life import Life

__all__ = ["STARTING", "refuse_trained"]

# Held from the look at the other runs until the new one counts as training: of two starts at once one is refused.
STARTING = threading.RLock()


def refuse_trained(objects: Objects, name: str, itself: Life | None = None) -> None:
    """Refuse objects that another run of this process trains in another thread, also while it is paused.

    Raises:
        ConflictError: it names that run and how to stop it.
    """
    others = [run for run in live.runs() if run is not itself and run.trains_elsewhere]
    if not others:
        return
    mine = _identities(objects)
    for other in others:
        if mine & _identities(other.objects):
            raise _refusal(other, name)


def _identities(objects: Objects) -> set[int]:
    """The objects and their trainable parameters; what is frozen may be shared."""
    found = {id(thing) for thing in (objects.model, objects.optimizer, objects.scheduler) if thing is not None}
    parameters = getattr(objects.model, "parameters", None)
    trainable: list[Any] = [one for one in parameters() if one.requires_grad] if callable(parameters) else []
    for group in getattr(objects.optimizer, "param_groups", None) or ():
        trainable.extend(group["params"])
    return found | {id(one) for one in trainable}


def _refusal(other: Life, name: str) -> ConflictError:
    again = "This cell was run before: its run" if other.record.name == name else "The run"
    return ConflictError(
        f"{again} '{other.id}' is {other.state} in the background and trains the same model or optimizer; "
        "two loops over one crash Python.",
        f"Stop it first with run.cancel(), or mc job cancel {other.id}; wait for it with run.wait(); "
        "or make a model and an optimizer of its own for this run.",
    )
