"""The harmless shells: every known class whose values are read as data, one table from its themes."""

from __future__ import annotations

from . import builtin_names, config_names, date_names, enum_names, library_names, output_names, trainer_names
from .trust import Trusted

__all__ = ["NAMES"]

NAMES: dict[tuple[str, str], Trusted] = {
    **builtin_names.NAMES,
    **date_names.NAMES,
    **library_names.NAMES,
    **enum_names.NAMES,
    **config_names.NAMES,
    **trainer_names.NAMES,
    **output_names.NAMES,
}
