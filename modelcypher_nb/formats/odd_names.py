"""Names in a file that a terminal would print as something else than they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from ..guard.secrets import DECEIVING, shown
from .report import Finding

__all__ = ["odd_names"]

MOST_TOLD = 100  # one by one
REMEDY = "Don't trust what a terminal prints for it; rename the tensor when saving."


def odd_names(names: Iterable[str], where: str) -> Iterator[Finding]:
    """A remark on each name that holds control or invisible characters.

    Args:
        names: of tensors and of metadata.
        where: the file, as it is shown.
    """
    odd = (name for name in names if DECEIVING.search(name))
    for name in islice(odd, MOST_TOLD):
        what = f"The name '{shown(name, 80)}' holds control or invisible characters, shown escaped."
        yield Finding("weights", what, where, REMEDY, "odd-name")
    if next(odd, None) is not None:
        yield Finding("weights", f"More than {MOST_TOLD} names hold such characters.", where, None, "odd-name")
