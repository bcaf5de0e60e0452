"""The harmless shells: every known class whose values are read as data, one table from its themes."""

from __future__ import annotations

from . import builtin_names, date_names, library_names
from .trust import Trusted

__all__ = ["NAMES"]

NAMES: dict[tuple[str, str], Trusted] = {
    **builtin_names.NAMES,
    **date_names.NAMES,
    **library_names.NAMES,
}
