"""Optional parts: importing one that is missing gives one sentence with the pip line."""

from __future__ import annotations

import importlib
from types import ModuleType

from .errors import MissingExtraError

__all__ = ["EXTRA_OF", "require"]

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
