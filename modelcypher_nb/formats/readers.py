"""From a recognised kind to the one reader that scan, show, load and convert share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from ..errors import MalformedError, UnreadableError, UnsupportedFormatError
from ..guard.safe_path import SafePath
from ..guard.source import Source
from .content import Content
from .limits import LIMITS, Limits
from .magic import EMPTY, LFS_POINTER, WEB_PAGE, Kind
from .remedies import FETCH_AGAIN, FETCH_FROM_ADDRESS, FIND_SAFETENSORS, PULL
from .report import Finding

if TYPE_CHECKING:
    from .pickles.context import Context

__all__ = ["Terms", "Trusting", "read_content", "read_kind", "unsupported"]

Trusting = Callable[[SafePath], frozenset[str]]


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms files are read.

    Attributes:
        limits: the bounds.
        trusted: gives the names that a person allowed for the content of an open file.
        beside: names that Python would import from the folder of the file; a folder's own are looked up in it.
    """

    limits: Limits = LIMITS
    trusted: Trusting | None = None
    beside: frozenset[str] = frozenset()

    def trusted_for(self, safe: SafePath) -> frozenset[str]:
        """The names that are allowed for an open file."""
        return self.trusted(safe) if self.trusted is not None else frozenset()


class Reader(Protocol):
    """A module of a format."""

    def read(self, source: Source, context: Context) -> Content:
        """Describe a file's content, with what was found in it."""
        ...


def read_content(
    source: Source, kind: Kind, where: str, limits: Limits, *, beside: frozenset[str], trusted: frozenset[str]
) -> Content:
    """Describe a file of a kind that has a reader; what is wrong with it stands in the content.

    Raises:
        UnsupportedFormatError: the kind has no reader.
    """
    from .pickles.context import Context

    return read_kind(source, kind, Context(where, limits, beside=beside, trusted=trusted))


def read_kind(source: Source, kind: Kind, context: Context) -> Content:
    """Describe a file, or what was found within one, as `read_content` does.

    Raises:
        UnsupportedFormatError: the kind has no reader.
    """
    if kind.reader is None:
        raise unsupported(context.where, kind)
    module: Reader = import_module(f".{kind.reader}", __package__)
    try:
        return module.read(source, context)
    except (MalformedError, UnreadableError) as error:
        finding = Finding("malformed", error.problem, context.where, error.remedy, "malformed")
        return Content(kind.name, findings=[finding], error=error)


def unsupported(display: str, kind: Kind) -> UnsupportedFormatError:
    """The error for a format that is recognised, or not, and isn't read."""
    # What a fetch that went wrong leaves under a model's name.
    remedy = {EMPTY: FETCH_AGAIN, LFS_POINTER: PULL, WEB_PAGE: FETCH_FROM_ADDRESS}.get(kind, FIND_SAFETENSORS)
    return UnsupportedFormatError(f"The format of {display} isn't read: {kind.name}.", remedy)
