"""The allow-list: every name for which a reading of ours stands in; nothing else is more than a description."""

from __future__ import annotations

from .numpy_names import NAMES as NUMPY
from .shell_names import NAMES as SHELLS
from .sklearn_names import NAMES as SKLEARN
from .torch_names import NAMES as TORCH
from .trust import Trusted

__all__ = ["TRUSTED"]

# (module, name) as a pickle spells them, Python 2's names mapped; a name with a dot in it is never on the list.
TRUSTED: dict[tuple[str, str], Trusted] = {**SHELLS, **NUMPY, **TORCH, **SKLEARN}
