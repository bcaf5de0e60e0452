"""Every error of the package: two sentences, what is wrong and what to do, and the exit code a shell gives.

ModelCypherError
├── UsageError            ValueError         64  a wrong argument
├── SettingError          ValueError         64  a variable or setting that doesn't parse
├── NotAllowedError       PermissionError    65  a verb that only people have
├── JobStateError         RuntimeError       65  a move that the job's state refuses
├── UnsafeFileError       PermissionError    65  a file that would run code in another loader
├── ConflictError         FileExistsError    65  it exists already, or several bear the name
├── PathRefusedError      PermissionError    66  outside the roots, or a path that can't be proven
├── MissingFileError      FileNotFoundError  66  no such file, or no model in it
├── UnknownIdError        LookupError        66  no such model, job or checkpoint
├── MalformedError        ValueError          2  a file that lies or is cut off
├── UnreadableError       OSError             2  a file that may not or can't be read
├── UnsupportedFormatError ValueError         3  a format that isn't read yet
├── MissingExtraError     ImportError        69  a part of the package that isn't installed
├── ServerError           ConnectionError    69  a server that isn't there or can't be started
├── StorageError          OSError            70  the disk refused
└── InternalError         RuntimeError       70  our own fault
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "ConflictError",
    "InternalError",
    "JobStateError",
    "MalformedError",
    "MissingExtraError",
    "MissingFileError",
    "ModelCypherError",
    "NotAllowedError",
    "PathRefusedError",
    "PickleWarning",
    "ServerError",
    "SettingError",
    "StorageError",
    "UnknownIdError",
    "UnreadableError",
    "UnsafeFileError",
    "UnsupportedFormatError",
    "UsageError",
]


class ModelCypherError(Exception):
    """The base of every error: `problem` says what is wrong with the value, `remedy` what to do about it."""

    exit_code: ClassVar[int] = 70

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem, remedy)
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.problem} {self.remedy}"

    def __reduce__(self) -> tuple[type[ModelCypherError], tuple[str, str]]:
        return type(self), (self.problem, self.remedy)

    def _render_traceback_(self) -> list[str]:
        """Give IPython two lines instead of a traceback: the mistake is in the argument, not in a frame."""
        offer = getattr(self, "offer", None)
        if offer is not None:
            offer()
        return [f"{type(self).__name__}: {self.problem}", f"  {self.remedy}"]


class UsageError(ModelCypherError, ValueError):
    """A wrong argument."""

    exit_code = 64


class SettingError(ModelCypherError, ValueError):
    """A variable or a setting that doesn't parse, or asks for what isn't there."""

    exit_code = 64


class NotAllowedError(ModelCypherError, PermissionError):
    """A verb that an assistant doesn't have."""

    exit_code = 65


class JobStateError(ModelCypherError, RuntimeError):
    """A move that the job's state refuses."""

    exit_code = 65


class UnsafeFileError(ModelCypherError, PermissionError):
    """A file that is judged `code`: it isn't loaded, unless its tensors alone are asked for."""

    exit_code = 65


class PickleWarning(UserWarning):
    """A file that was loaded relies on pickle: nothing of it ran here, but another loader may run what it names."""


class ConflictError(ModelCypherError, FileExistsError):
    """The target exists already, or several things bear the name."""

    exit_code = 65


class PathRefusedError(ModelCypherError, PermissionError):
    """A path outside the allowed folders, or one that can't be proven to stay inside.

    Attributes:
        folder: the folder, or the one file, that would have to be allowed; None where nothing would help.
        roots: the allowed folders at the time, as shown to people.
        offer: set by the notebook surface for a path that a person typed; shows the button that allows the folder.
    """

    exit_code = 66

    def __init__(self, problem: str, remedy: str, *, folder: str | None = None, roots: tuple[str, ...] = ()) -> None:
        super().__init__(problem, remedy)
        self.folder = folder
        self.roots = roots


class MissingFileError(ModelCypherError, FileNotFoundError):
    """No such file, or a folder without a model in it."""

    exit_code = 66


class UnknownIdError(ModelCypherError, LookupError):
    """No model, job, checkpoint or command of that name."""

    exit_code = 66


class MalformedError(ModelCypherError, ValueError):
    """A file whose content contradicts itself or is cut off."""

    exit_code = 2


class UnreadableError(ModelCypherError, OSError):
    """A file that exists and can't be read: no permission, or the disk refused."""

    exit_code = 2


class UnsupportedFormatError(ModelCypherError, ValueError):
    """A format that is recognised, or not, but isn't read."""

    exit_code = 3


class MissingExtraError(ModelCypherError, ImportError):
    """An optional part of the package that isn't installed."""

    exit_code = 69


class ServerError(ModelCypherError, ConnectionError):
    """A server that isn't running, can't be reached or can't be started."""

    exit_code = 69


class StorageError(ModelCypherError, OSError):
    """The disk refused a read or a write."""

    exit_code = 70


class InternalError(ModelCypherError, RuntimeError):
    """A fault of ours."""

    exit_code = 70
