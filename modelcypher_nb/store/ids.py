"""Ids, who acts, and where a model came from: what a scan needs of the store, without the rest of the records."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import UsageError
from ..guard.secrets import shown

__all__ = ["ID", "PERSON", "ModelSource", "check_id"]

ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
PERSON = "person"  # the principal of whoever owns the process; an assistant's is `assistant:` and its client's name


def check_id(text: str, what: str) -> str:
    """Give an id back if it is one.

    Raises:
        UsageError: it holds other characters, or is empty or too long.
    """
    if ID.fullmatch(text) is None:
        raise UsageError(
            f"'{shown(text, 80)}' is no {what}.",
            "Use 1 to 64 lower-case letters, digits, dots, dashes and underscores, beginning with a letter or digit.",
        )
    return text


@dataclass(frozen=True, slots=True)
class ModelSource:
    """Where a model came from."""

    repo: str | None = None
    revision: str | None = None
