"""scikit-learn's two harmless containers: dicts that fitted ensembles and searches hold."""

from __future__ import annotations

from .arguments import made_empty
from .trust import Trusted
from .values import PlainDict

__all__ = ["NAMES"]

_BUNCH = Trusted("a dict", made_empty(lambda: PlainDict("sklearn.utils.Bunch")), level="data")
NAMES: dict[tuple[str, str], Trusted] = {
    # Neither has a __setitem__ of its own; a Bunch's __setstate__ does nothing, the other takes attributes.
    ("sklearn.utils._bunch", "Bunch"): _BUNCH,
    ("sklearn.utils", "Bunch"): _BUNCH,
    ("sklearn.datasets.base", "Bunch"): _BUNCH,
    ("sklearn.utils.deprecation", "DeprecationDict"): Trusted(
        "a dict", made_empty(lambda: PlainDict("sklearn.utils.deprecation.DeprecationDict")), level="data"
    ),
}
