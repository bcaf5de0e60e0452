"""Operations as the person at the keyboard uses them: by name, and as ordinary Python functions."""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable
from typing import Any

from ..errors import UsageError
from .operation import Operation, find, run
from .session import current

__all__ = ["as_person", "public"]


def as_person(operation: str, /, **arguments: Any) -> Any:
    """Execute an operation with the call of the person who owns the process."""
    return run(find(operation), current().person(), arguments)


def public(name: str) -> Callable[..., Any]:
    """The Python function of an operation: the person's call, the operation's own signature and help."""
    found = find(name)

    @functools.wraps(found.function)
    def call(*positional: Any, **named: Any) -> Any:
        names = [item.name for item in found.parameters]
        if len(positional) > len(names):
            raise UsageError(f"{name} takes at most {len(names)} arguments.", f"See help(mc.{name}).")
        return as_person(name, **{**dict(zip(names, positional, strict=False)), **named})

    call.__doc__ = _help(found)
    call.__signature__ = _signature(found)  # type: ignore[attr-defined]
    return call


def _signature(found: Operation) -> inspect.Signature:
    """What a person passes: without the Call, and with plain types, for the Params stand in the help."""
    whole = inspect.signature(found.function)
    hints = typing.get_type_hints(found.function)
    given = list(whole.parameters.values())[1:]
    return whole.replace(
        parameters=[item.replace(annotation=hints[item.name]) for item in given], return_annotation=hints["return"]
    )


def _help(found: Operation) -> str:
    """The docstring, with the section that every other surface makes of the Params too."""
    if not found.parameters:
        return found.description
    told = (
        f"    {item.name}: {item.param.description}" + "".join(f" ({bound})" for bound in item.param.bounds)
        for item in found.parameters
    )
    return "\n".join([found.description, "", "Args:", *told])
