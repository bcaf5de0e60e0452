"""Roots: the folders beneath which a path may lie, pinned by descriptor when a session starts."""

from __future__ import annotations

import errno
import os  # pathlib would be a tenth of a command's start
from dataclasses import dataclass, field
from functools import cached_property

from .beneath import open_beneath, walk

__all__ = ["Root", "is_home_or_above", "working_folder"]


@dataclass
class Root:
    """One allowed folder, or one file of a folder too wide to allow.

    Attributes:
        path: its absolute path with every link resolved, at pinning.
        kind: "working", "home" (the toolkit's), "hub" (the Hub's cache) or "allowed".
        given: the path as it was named, where that differs by a link.
        for_assistants: whether an assistant's paths may lie beneath it.
        is_file: whether it is that one file, which may be read and nothing else.
    """

    path: str
    kind: str
    given: str = ""
    for_assistants: bool = False
    is_file: bool = False
    _descriptor: int | None = field(default=None, repr=False, compare=False)

    @classmethod
    def pin(cls, path: str, kind: str, *, for_assistants: bool = False) -> Root:
        """Resolve a folder and, where it exists, hold it open, so that a later rename or link changes nothing.

        Of a file, the folder is held, and nothing but that name in it is allowed.
        """
        given = os.path.abspath(path)  # noqa: PTH100 - Path.absolute leaves '..' in
        path = os.path.realpath(given)
        root = cls(path, kind, given, for_assistants, os.path.isfile(path))  # noqa: PTH113
        if root.is_file or os.path.isdir(path):  # noqa: PTH112
            root.descriptor()
        return root

    @classmethod
    def known(cls, path: str, kind: str) -> Root:
        """A folder whose links were resolved earlier: where there is one on its path now, it isn't that folder."""
        return cls(path, kind, path)

    @property
    def managed(self) -> bool:
        """Whether its files (ours, the Hub's) are only ever replaced, never rewritten in place: safe to map."""
        return self.kind in {"home", "hub"}

    @property
    def is_pinned(self) -> bool:
        """Whether its folder is held open."""
        return self._descriptor is not None

    def descriptor(self) -> int:
        """The open descriptor of the folder, or of the file's folder.

        Raises:
            OSError: it doesn't exist (yet).
        """
        if self._descriptor is None:
            folder = os.path.dirname(self.path) if self.is_file else self.path  # noqa: PTH120
            if os.path.realpath(folder) != folder:  # a link took the place of a folder that was missing at pinning
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), folder)
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            if _place(descriptor) != folder:  # the link came between the two lines above
                os.close(descriptor)
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), folder)
            self._descriptor = descriptor
        return self._descriptor

    @property
    def holds_devices(self) -> bool:
        """Whether devices lie in it: opening one may do something, so there each thing is looked at first."""
        return self.path in {"/", "/dev"} or self.path.startswith("/dev/")

    def open(self, parts: tuple[str, ...]) -> int:
        """Open what lies below for reading, following no link.

        Raises:
            OSError: as `open_beneath` raises, or the folder doesn't exist (yet).
        """
        opener = walk if self.holds_devices else open_beneath
        return opener(self.descriptor(), "/".join(parts))

    def relative(self, absolute: str) -> tuple[str, ...] | None:
        """The components of an absolute, normalised path below this root, or None where it lies elsewhere."""
        if self.is_file:
            return (os.path.basename(self.path),) if absolute == self.path else None  # noqa: PTH119
        for base, prefix in self._bases:
            if absolute.startswith(prefix):
                return tuple(absolute[len(prefix) :].split("/"))
            if absolute == base:
                return ()
        return None

    @cached_property
    def _bases(self) -> tuple[tuple[str, str], ...]:
        """Its names, and what the paths below each begin with."""
        names = (self.path, self.given) if self.given else (self.path,)
        return tuple((name, name if name.endswith("/") else name + "/") for name in dict.fromkeys(names))


def _place(descriptor: int) -> str:
    """Where an open folder is, as the kernel knows it."""
    return os.readlink(f"/proc/self/fd/{descriptor}")  # noqa: PTH115


def is_home_or_above(folder: str, user_home: str | None = None) -> bool:
    """Whether a folder is the user's home or holds it: too wide to be allowed unless somebody names it."""
    user_home = user_home or os.path.realpath(os.path.expanduser("~"))  # noqa: PTH111
    return folder == user_home or user_home.startswith(folder if folder == "/" else folder + "/")


def _is_owned(path: str, owner: int) -> bool:
    """Whether it is there and ours: anybody may put a `.git` into a shared folder such as /tmp."""
    try:
        return os.lstat(path).st_uid == owner
    except OSError:
        return False


def working_folder(start: str) -> str | None:
    """The folder that a session may use without being asked.

    It is the git root above the start folder, else the start folder. The walk up stops before the user's home, a
    folder of another owner, and a mount point's outside (the mounted folder itself counts).

    Returns:
        The folder, or None where the start folder is the user's home, lies above it, or is `/`.
    """
    folder = os.path.realpath(start)
    user_home = os.path.realpath(os.path.expanduser("~"))  # noqa: PTH111
    if is_home_or_above(folder, user_home) or folder == "/":
        return None
    owner, candidate = os.getuid(), folder
    while True:
        if _is_owned(os.path.join(candidate, ".git"), owner):  # noqa: PTH118
            return candidate
        parent = os.path.dirname(candidate)  # noqa: PTH120
        if parent in {candidate, "/"} or os.path.ismount(candidate) or is_home_or_above(parent, user_home):
            return folder
        if os.stat(parent).st_uid != owner:  # noqa: PTH116
            return folder
        candidate = parent
