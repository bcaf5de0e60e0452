"""scikit-learn's one harmless container: a dict whose keys are attributes too, which fitted ensembles hold."""

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


NAMES: dict[tuple[str, str], Trusted] = {
    # It has no __setitem__ of its own, and its __setstate__ does nothing.
    (module, "Bunch"): Trusted("a dict", _bunch, level="data")
    for module in ("sklearn.utils._bunch", "sklearn.utils", "sklearn.datasets.base")
}
