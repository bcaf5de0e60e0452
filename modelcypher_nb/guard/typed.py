"""What a person or an assistant typed, as an absolute path; whether it may be touched is the guard's to say."""

from __future__ import annotations

import os

from ..errors import PathRefusedError, UsageError
from .secrets import shown

__all__ = ["absolute_of", "refuse_nul"]

LONGEST_PATH_BYTES = 4095  # Linux's PATH_MAX, less the closing NUL


def absolute_of(text: str | os.PathLike[str], start: str) -> str:
    """The absolute path that a text means; `..` and links are left in it.

    Args:
        text: `~/` expands, and nothing else does.
        start: the folder below which a relative path means.

    Raises:
        PathRefusedError: no file can have that name, or it names another user's home.
        UsageError: it is empty.
    """
    path = os.fspath(text)
    if not isinstance(path, str) or not path:
        raise UsageError("The path is empty.", "Give the path of a file or folder.")
    refuse_nul(path)
    try:
        size = len(os.fsencode(path))
    except UnicodeEncodeError as error:
        raise PathRefusedError(
            f"The path '{shown(path, 80)}' holds half of a surrogate pair.", "Remove it: no file has such a name."
        ) from error
    if size > LONGEST_PATH_BYTES:  # resolving links costs the square of the number of components
        raise PathRefusedError(
            f"The path '{shown(path, 80)}' has {size} bytes; the system takes {LONGEST_PATH_BYTES}.",
            "Give a shorter path.",
        )
    if path.startswith("~"):
        if path != "~" and not path.startswith("~/"):
            raise PathRefusedError(
                f"'{shown(path, 80)}' names another user's home.", "Write the path out; only ~/ expands."
            )
        path = os.path.expanduser(path)  # noqa: PTH111
    while path.startswith("./"):  # shown back, it would only be noise
        path = path[2:].lstrip("/")
    return os.path.join(start, path)  # noqa: PTH118


def refuse_nul(path: str) -> None:
    """Refuse a path in which a NUL would end it for the system, so that it opens what stands before.

    Raises:
        PathRefusedError: there is one.
    """
    if "\0" in path:
        raise PathRefusedError(
            f"The path '{shown(path, 80)}' holds a NUL character.", "Remove it: no file has such a name."
        )
