"""Optional parts: a missing one gives one sentence with the pip line; a running IPython is found, never imported."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

from .errors import MissingExtraError

__all__ = ["EXTRA_OF", "require", "running_shell"]

# module -> the extra in pyproject.toml that brings it
EXTRA_OF = {"torch": "torch", "jupyterlab": "lab"}


def require(module: str, purpose: str) -> ModuleType:
    """Import an optional module.

    Args:
        module: its import name.
        purpose: what needs it, as the subject of a sentence ("Loading tensors").

    Raises:
        MissingExtraError: it isn't installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        extra = EXTRA_OF[module]
        raise MissingExtraError(
            f"{purpose} needs {module}, which isn't installed here.",
            f"Install it with: pip install 'modelcypher_nb[{extra}]'",
        ) from error


def running_shell() -> Any:
    """The IPython shell of this process, or None; IPython isn't imported to find out."""
    ipython: Any = sys.modules.get("IPython")
    # Its own import may be under way, in another thread or below this very call.
    return ipython.get_ipython() if ipython is not None and hasattr(ipython, "get_ipython") else None
