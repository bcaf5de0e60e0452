"""Operations as the person at the keyboard uses them: by name, and as ordinary Python functions."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from ..errors import UsageError
from .operation import find, run
from .session import current

__all__ = ["as_person", "public"]


def as_person(operation: str, /, **arguments: Any) -> Any:
    """Execute an operation with the call of the person who owns the process."""
    return run(find(operation), current().person(), arguments)


def public(name: str) -> Callable[..., Any]:
    """The Python function of an operation: the person's call, the operation's own signature."""
    found = find(name)
    signature = inspect.signature(found.function)

    @functools.wraps(found.function)
    def call(*positional: Any, **named: Any) -> Any:
        names = [item.name for item in found.parameters]
        if len(positional) > len(names):
            raise UsageError(f"{name} takes at most {len(names)} arguments.", f"See help(mc.{name}).")
        return as_person(name, **{**dict(zip(names, positional, strict=False)), **named})

    call.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=list(signature.parameters.values())[1:]
    )
    return call
