"""What lists remember of a verdict: it is that of the files as they were judged, and a changed file is told as one.

Scanning, loading and converting never look here: a shared mapping can change a file and leave everything that is
compared here as it was, so each of these judges the very bytes that it reads.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ..formats.report import ModelReport
from ..guard.safe_path import Identity, SafePath

if TYPE_CHECKING:
    from ..store.records import ModelRecord

__all__ = ["seen", "state_in_list"]


def seen(safe: SafePath, report: ModelReport) -> dict[str, str]:
    """What tells the present state of each of a model's files from a later one; a file itself has no name."""
    if not safe.is_folder:
        return {"": _text(safe.identity)}
    found = {}
    for file in report.files:
        with safe / file.name as one:
            found[file.name] = _text(one.identity)
    return found


def state_in_list(record: ModelRecord) -> str:
    """The state of a registered model, where that is "registered" as far as a look at its files tells.

    Returns:
        The record's own state; "changed" where a file is another than was judged, "missing" where one is gone.
    """
    if record.state != "registered":
        return record.state
    for name, before in record.seen.items():
        try:
            now = os.stat(os.path.join(record.path, name) if name else record.path)  # noqa: PTH116, PTH118
        except OSError:
            return "missing"
        if _text(Identity.of(now)) != before:
            return "changed"
    return record.state


def _text(identity: Identity) -> str:
    return ":".join(str(part) for part in identity)
