"""The harmless shells whose values the standard library has: built by us, from data that their reading proved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .pickles.values import Shell

__all__ = ["EXACT", "empty_namespace", "made_shell"]


def _moment(name: str) -> Callable[[Any], Any]:
    def make(text: str) -> Any:
        import datetime as dt

        return getattr(dt, name).fromisoformat(text)

    return make


def _duration(value: tuple[int, int, int]) -> Any:
    import datetime as dt

    return dt.timedelta(*value)


def _zone(text: str) -> Any:
    import datetime as dt

    return dt.datetime.fromisoformat(f"2000-01-01T00:00:00{'+00:00' if text == 'UTC' else text}").tzinfo


def _decimal(text: str) -> Any:
    from decimal import Decimal

    return Decimal(text)


def _fraction(value: str | tuple[int, ...]) -> Any:
    from fractions import Fraction

    return Fraction(value) if isinstance(value, str) else Fraction(*value)


def _identifier(text: str) -> Any:
    from uuid import UUID

    return UUID(text)


def _path(name: str) -> Callable[[Any], Any]:
    """A pure path: it opens nothing, and is the same on every system."""

    def make(text: str) -> Any:
        import pathlib

        return (pathlib.PureWindowsPath if "Windows" in name else pathlib.PurePosixPath)(text)

    return make


def _size(value: tuple[int, ...]) -> Any:
    import sys

    torch = sys.modules.get("torch")
    return value if torch is None else torch.Size(value)


EXACT: dict[str, Callable[[Any], Any]] = {
    **{f"datetime.{name}": _moment(name) for name in ("date", "time", "datetime")},
    "datetime.timedelta": _duration,
    "datetime.timezone": _zone,
    "decimal.Decimal": _decimal,
    "fractions.Fraction": _fraction,
    "uuid.UUID": _identifier,
    **{
        f"pathlib.{name}": _path(name)
        for name in ("PurePath", "PurePosixPath", "PureWindowsPath", "Path", "PosixPath", "WindowsPath")
    },
    "range": lambda bounds: range(*bounds),
    "slice": lambda bounds: slice(*bounds),
    "torch.Size": _size,
}


def empty_namespace(kind: str) -> Any:
    """A namespace of the standard library, which is nothing but its attributes; None for any other class."""
    if kind == "argparse.Namespace":
        from argparse import Namespace

        return Namespace()
    if kind == "types.SimpleNamespace":
        from types import SimpleNamespace

        return SimpleNamespace()
    return None


def made_shell(shell: Shell) -> Any:
    """The value that it stands for; the shell itself where Python has no such value."""
    try:
        return EXACT[shell.kind](shell.value)
    except (ValueError, TypeError, ArithmeticError, OverflowError):
        return shell
