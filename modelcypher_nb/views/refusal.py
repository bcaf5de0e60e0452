"""A path outside the allowed folders: what is wrong, what to do, and the button that does it."""

from __future__ import annotations

import os
import secrets
from typing import Any

from ..errors import PathRefusedError, UsageError
from ..guard.secrets import shown
from ..operations.person import as_person
from ..operations.session import current
from .channel import Points
from .live import Shown
from .sheet import Sheet, volatile
from .widget import View

__all__ = ["Refusal"]


class Refusal(View):
    """The refusal of a path that a person typed.

    Args:
        error: with the folder that would have to be allowed.
    """

    view = "refusal"

    def __init__(self, error: PathRefusedError) -> None:
        self._error = error
        super().__init__(_Source(error))

    def data(self) -> dict[str, Any]:
        """The view's data that may be saved: nothing to click on."""
        return {"problem": shown(self._error.problem, 1000), "remedy": shown(self._error.remedy, 1000)}

    def sheet(self) -> Sheet:
        """What HTML and text say."""
        return Sheet("Path refused", notes=(volatile(self._error.problem), volatile(self._error.remedy)))

    def summary(self) -> dict[str, Any]:
        """What `kernel show` tells of it."""
        return {"refused": True}


class _Source(Shown):
    """The refusal's live side: the button holds until it was pressed."""

    def __init__(self, error: PathRefusedError) -> None:
        super().__init__("refusal", f"refusal-{secrets.token_hex(8)}")
        self._error = error
        self._allowed = False

    def now(self, *, whole: bool) -> tuple[Points, dict[str, Any]]:
        del whole
        error = self._error
        roots = [shown(root.path) for root in current().guard.roots] if self._allowed else list(error.roots)
        data = {"problem": shown(error.problem, 1000), "remedy": shown(error.remedy, 1000), "roots": roots}
        if error.folder is not None:
            data["path" if os.path.isfile(error.folder) else "folder"] = shown(error.folder)  # noqa: PTH113
        return {}, data

    def actions(self) -> list[str]:
        return ["allow"] if self._error.folder is not None and not self._allowed else []

    def act(self, action: str, arguments: dict[str, Any]) -> str | None:
        del action, arguments
        if self._error.folder is None:
            raise UsageError("There is no folder to allow.", "Name a file or folder that exists.")
        as_person("settings_allow", path=self._error.folder)
        self._allowed = True
        return f"{shown(self._error.folder)} is allowed for this session: run the cell again."
