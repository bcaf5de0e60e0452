"""Finding the exception that ended a loop: Python hides it from the iterator, and shows it to whoever reports it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import CodeType, TracebackType
from typing import Any

from ..extras import running_shell

__all__ = ["when_reported"]

Told = Callable[[BaseException], None]

_waiting: list[tuple[CodeType, Told]] = []
_hooked: set[str] = set()


def when_reported(code: CodeType, told: Told) -> None:
    """Have `told` called with the exception that passed through a function's code, once it is reported.

    A script's is reported by `sys.excepthook`, a notebook cell's by IPython's `post_run_cell`. One that is caught on
    the way never is.
    """
    _waiting.append((code, told))
    if "script" not in _hooked:
        _hooked.add("script")
        previous = sys.excepthook

        def hook(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
            reported(error)
            previous(kind, error, traceback)

        sys.excepthook = hook
    shell = running_shell()
    if shell is not None and "notebook" not in _hooked:
        _hooked.add("notebook")
        shell.events.register("post_run_cell", _cell_ended)


def _cell_ended(result: Any) -> None:
    error = getattr(result, "error_in_exec", None)
    if isinstance(error, BaseException):
        reported(error)
    else:
        _waiting.clear()  # the cell caught it


def reported(error: BaseException) -> None:
    """Tell whoever waits for this exception."""
    codes = set()
    traceback = error.__traceback__
    while traceback is not None:
        codes.add(traceback.tb_frame.f_code)
        traceback = traceback.tb_next
    for entry in list(_waiting):
        if entry[0] in codes:
            _waiting.remove(entry)
            entry[1](error)
