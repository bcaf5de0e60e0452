"""scikit-learn's two harmless containers: dicts that fitted ensembles and searches hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .arguments import exactly
from .trust import Trusted
from .values import PlainDict

if TYPE_CHECKING:
    from .context import Context

__all__ = ["NAMES"]


def _bunch(context: Context, arguments: tuple[Any, ...]) -> PlainDict:
    del context
    exactly(arguments, 0)
    return PlainDict("sklearn.utils.Bunch")


def _deprecated(context: Context, arguments: tuple[Any, ...]) -> PlainDict:
    del context
    exactly(arguments, 0)
    return PlainDict("sklearn.utils.deprecation.DeprecationDict")


NAMES: dict[tuple[str, str], Trusted] = {
    # Neither has a __setitem__ of its own; a Bunch's __setstate__ does nothing, the other takes attributes.
    ("sklearn.utils._bunch", "Bunch"): Trusted("a dict", _bunch, level="data"),
    ("sklearn.utils", "Bunch"): Trusted("a dict", _bunch, level="data"),
    ("sklearn.datasets.base", "Bunch"): Trusted("a dict", _bunch, level="data"),
    ("sklearn.utils.deprecation", "DeprecationDict"): Trusted("a dict", _deprecated, level="data"),
}
