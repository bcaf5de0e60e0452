"""Harmless objects of the standard library as data: namespaces, paths, exact numbers, identifiers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

from .arguments import a_state, exactly, inert_attributes, made_empty
from .trust import Reading, Trusted
from .values import Shell, UnfitError

if TYPE_CHECKING:
    from .context import Context

__all__ = ["NAMES", "Attributes", "attributes_of"]

DECIMAL = re.compile(r"-?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:E[+-]?[0-9]{1,20})?|-?(?:Infinity|s?NaN[0-9]*)")
FRACTION = re.compile(r"-?[0-9]{1,4000}(?:/[0-9]{1,4000})?")
PATHS = ("PurePath", "PurePosixPath", "PureWindowsPath", "Path", "PosixPath", "WindowsPath")


class Attributes(Shell):
    """An object that is nothing but its attributes; its value is a dict of them."""

    __slots__ = ()

    asks_parts: ClassVar[bool] = True

    def __init__(self, kind: str, value: dict[str, Any] | None = None) -> None:
        super().__init__(kind, {} if value is None else value)

    def build(self, state: Any) -> None:
        """Take attributes."""
        state = a_state(state)
        inert_attributes(state.items())
        self.value.update(state)


class Identifier(Shell):
    """A UUID, once its number was given."""

    __slots__ = ()

    def build(self, state: Any) -> None:
        """Take the number."""
        number = a_state(state).get("int")
        if self.value is not None or set(state) != {"int"} or type(number) is not int or not 0 <= number < 1 << 128:
            raise UnfitError("is given what is no identifier's number")
        digits = f"{number:032x}"
        self.value = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def attributes_of(kind: str) -> Reading:
    """A reading of a class whose instances are made empty and then filled."""
    return made_empty(lambda: Attributes(kind))


def _path_of(kind: str) -> Reading:
    separator = "\\" if "Windows" in kind else "/"

    def read(context: Context, arguments: tuple[Any, ...]) -> Shell:
        del context
        if not all(type(part) is str for part in arguments):
            raise UnfitError("is given parts that are no texts")
        text = arguments[0] if arguments else "."
        for part in arguments[1:]:
            is_drive = separator == "\\" and text[1:] == ":"  # what follows is relative to where that drive stands
            joined = text if text.endswith(separator) or is_drive else text + separator
            text = part if part.startswith(separator) else joined + part
        return Shell(kind, text)

    return read


def _decimal(context: Context, arguments: tuple[Any, ...]) -> Shell:
    del context
    exactly(arguments, 1)
    if type(arguments[0]) is not str or DECIMAL.fullmatch(arguments[0]) is None:
        raise UnfitError("is given a text that is no decimal number")
    return Shell("decimal.Decimal", arguments[0])


def _fraction(context: Context, arguments: tuple[Any, ...]) -> Shell:
    del context
    exactly(arguments, 1, 2)
    if len(arguments) == 2:
        if not all(type(one) is int for one in arguments) or arguments[1] == 0:
            raise UnfitError("is given parts that are no numbers")
        return Shell("fractions.Fraction", arguments)
    if type(arguments[0]) is not str or FRACTION.fullmatch(arguments[0]) is None:
        raise UnfitError("is given a text that is no fraction")
    return Shell("fractions.Fraction", arguments[0])


_NAMESPACE = "an object that is nothing but its attributes"
NAMES: dict[tuple[str, str], Trusted] = {
    ("argparse", "Namespace"): Trusted(_NAMESPACE, attributes_of("argparse.Namespace"), level="data"),
    ("types", "SimpleNamespace"): Trusted(_NAMESPACE, attributes_of("types.SimpleNamespace"), level="data"),
    ("decimal", "Decimal"): Trusted("a number as a text", _decimal, level="data"),
    ("fractions", "Fraction"): Trusted("two numbers", _fraction, level="data"),
    ("uuid", "UUID"): Trusted("a number", made_empty(lambda: Identifier("uuid.UUID")), level="data"),
    # Python 3.13 moved the classes for this one version.
    **{
        (module, name): Trusted("a path as a text; nothing is opened", _path_of(f"pathlib.{name}"), level="data")
        for module in ("pathlib", "pathlib._local")
        for name in PATHS
    },
}
