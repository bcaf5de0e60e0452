"""A SafePath: an existing file or folder that was resolved beneath a root and is held open; never reopened by name."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Self

from ..errors import (
    MalformedError,
    MissingFileError,
    ModelCypherError,
    PathRefusedError,
    UnreadableError,
    UsageError,
)
from .beneath import REGISTRY, open_beneath
from .names import LONGEST_NAME_BYTES, components
from .publishing import publish_folder, published
from .secrets import DECEIVING, shown
from .source import FileSource
from .writing import AppendFile, append_file, locked, make_folder, remove

if TYPE_CHECKING:
    from .paths import Guard

__all__ = ["REGISTRY", "Entry", "Identity", "SafePath", "explained"]

# Of a mode's kind, FIFOs and devices have at least one of these bits, files and folders none. A socket has none either,
# and can't be opened at all.
ODD = stat.S_IFIFO | stat.S_IFCHR
fstat, close = os.fstat, os.close


class Identity(NamedTuple):
    """What tells one state of a file from another; equal before and after means very likely unchanged."""

    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> Identity:
        """The state that `stat` or `fstat` saw."""
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


class Entry(NamedTuple):
    """One entry of a folder; a link is neither file nor folder until it is opened."""

    name: str
    is_file: bool
    is_folder: bool


class SafePath:
    """A file or folder that is open and allowed.

    Use it as a context manager, or close it.

    Attributes:
        location: where it is, every link resolved.
        managed: whether its bytes are only ever replaced, so that mapping them is safe.
    """

    __slots__ = ("_descriptor", "_given", "_guard", "_status", "location", "managed")

    def __init__(self, descriptor: int, location: str, guard: Guard, managed: bool, given: str = "") -> None:
        """Take over an open descriptor.

        Raises:
            OSError: EOPNOTSUPP where it is neither a file nor a folder; it is closed then.
        """
        # What isn't needed at once is made of these on use: a guarded open is nearly as fast as a bare one.
        self._descriptor = descriptor
        self._guard = guard
        self._given = given
        self.location = location
        self.managed = managed
        self._status = status = fstat(descriptor)
        if status.st_mode & ODD:
            self.close()
            raise OSError(errno.EOPNOTSUPP, "it is neither a file nor a folder", location)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<SafePath {self.display}>"

    def close(self) -> None:
        """Give the descriptor back; harmless when done twice."""
        descriptor = self._descriptor
        if descriptor >= 0:
            self._descriptor = -1
            close(descriptor)

    __del__ = close

    def fileno(self) -> int:
        """The open descriptor.

        Raises:
            UsageError: it was closed; its number may stand for another file by now.
        """
        if self._descriptor < 0:
            raise UsageError(
                f"{self.display} was closed already.", "Open it again, and read it within its `with` block."
            )
        return self._descriptor

    @property
    def given(self) -> str:
        """How it was named, which differs where a link led to it (the Hub's snapshots link to blobs)."""
        return self._given or self.location

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder; else it is a file."""
        return stat.S_ISDIR(self._status.st_mode)

    @property
    def identity(self) -> Identity:
        """What it was when it was opened."""
        return Identity.of(self._status)

    @property
    def name(self) -> str:
        """The last component of how it was named."""
        return os.path.basename(self.given)  # noqa: PTH119

    @property
    def display(self) -> str:
        """The path as it may be shown: redacted, deceiving characters escaped."""
        return shown(self.location)

    def source(self) -> FileSource:
        """The file's bytes, readable while this path is open."""
        if self.is_folder:
            raise UsageError(f"{self.display} is a folder, not a file.", "Name a file in it.")
        return FileSource(self, self.display, self.identity.size)

    def unchanged(self) -> bool:
        """Whether the open file still is what it was when it was opened."""
        return Identity.of(os.fstat(self.fileno())) == self.identity

    def read_bytes(self, limit: int) -> bytes:
        """The whole content of a small file.

        Raises:
            MalformedError: it holds more than `limit` bytes.
        """
        source = self.source()
        if source.size > limit:
            raise MalformedError(
                f"{self.display} has {source.size} bytes where at most {limit} are expected.",
                "Check that it is the file you meant.",
            )
        return source.read_at(0, source.size)

    def list(self) -> tuple[Entry, ...]:
        """The folder's entries, sorted by name."""
        try:
            # Opened anew: a duplicated descriptor shares its place in the listing with every other thread's.
            handle = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self._folder())
            try:
                with os.scandir(handle) as entries:
                    found = [
                        Entry(e.name, e.is_file(follow_symlinks=False), e.is_dir(follow_symlinks=False))
                        for e in entries
                    ]
            finally:
                os.close(handle)
        except OSError as error:
            raise UnreadableError(
                f"{self.display} can't be listed: {error.strerror}.", "Check its permissions."
            ) from error
        return tuple(sorted(found))

    def __truediv__(self, name: str) -> SafePath:
        """Open what a name from a file (a shard) points to, within this folder.

        A link is followed only where its target lies beneath a root (the Hub's snapshots link to its blobs).

        Raises:
            PathRefusedError: the name leaves the folder, or a link leaves the roots.
            MissingFileError: there is nothing of that name.
        """
        return self._below(name, components(name))

    def entry(self, entry: Entry) -> SafePath:
        """Open what this folder's own listing told of, whatever its name means on another system.

        Raises:
            PathRefusedError: a link leaves the roots.
            MissingFileError: it is gone.
        """
        is_single = "/" not in entry.name and entry.name not in {"", ".", ".."}
        return self._below(entry.name, (entry.name,) if is_single else components(entry.name))

    def _below(self, name: str, parts: tuple[str, ...]) -> SafePath:
        location = f"{self.location.rstrip('/')}/{name}"
        self._guard.refuse_below(self.location, parts, name)
        try:
            return SafePath(open_beneath(self._folder(), name), location, self._guard, self.managed)
        except OSError as error:
            if error.errno == errno.ELOOP:
                return self._guard.open_resolved(location, typed=False)
            raise explained(error, location) from error

    def for_library(self) -> str:
        """A name under which a library that takes nothing but names reaches this very file (Linux)."""
        return f"/proc/self/fd/{self.fileno()}"

    def _folder(self) -> int:
        if not self.is_folder:
            raise UsageError(f"{self.display} is a file, not a folder.", "Name the folder that holds it.")
        return self.fileno()

    def _single(self, name: str) -> str:
        if name in {"", ".", ".."} or "/" in name or DECEIVING.search(name):
            raise PathRefusedError(
                f"'{shown(name, 80)}' names no single file in {self.display}.",
                "Name one file, without '/' and invisible characters.",
            )
        if len(os.fsencode(name)) > LONGEST_NAME_BYTES:
            raise PathRefusedError(f"The name '{shown(name, 80)}' is longer than 255 bytes.", "Give a shorter name.")
        self._guard.refuse_hidden((name,), name)
        return name

    @contextmanager
    def create(self, name: str) -> Iterator[BinaryIO]:
        """Write a new file: it appears whole, or not at all, and never replaces another."""
        with published(self._folder(), self._single(name), self.location, replace=False) as file:
            yield file

    @contextmanager
    def replace(self, name: str) -> Iterator[BinaryIO]:
        """Write one of our own files anew: whoever reads sees the old content or the new one, whole."""
        with published(self._folder(), self._single(name), self.location, replace=True) as file:
            yield file

    def append(self, name: str) -> AppendFile:
        """Open a file to add records at its end; it is never truncated."""
        return append_file(self._folder(), self._single(name), self.location)

    def folder(self, name: str) -> SafePath:
        """Open a folder in this one, made (mode 0700 in the toolkit's home) where it is missing."""
        make_folder(self._folder(), self._single(name), self.location, private=self.managed)
        location = os.path.join(self.location, name)  # noqa: PTH118
        try:
            return SafePath(open_beneath(self._folder(), name), location, self._guard, self.managed)
        except OSError as error:
            raise explained(error, location) from error

    def publish(self, temporary: str, name: str, *, replace: bool = False) -> None:
        """Give a finished folder of this one its final name, which must be free, or trade names with `replace`."""
        publish_folder(self._folder(), self._single(temporary), self._single(name), self.location, replace=replace)

    @contextmanager
    def lock(self, name: str, *, wait: bool = True) -> Iterator[None]:
        """Hold a lock file of this folder, against other processes and other threads."""
        with locked(self._folder(), self._single(name), self.location, wait=wait):
            yield

    def delete(self, child: SafePath) -> int:
        """Remove what was opened and checked from this folder, folders with their content.

        Returns:
            The bytes that were freed.

        Raises:
            PathRefusedError: another file took its place since.
        """
        name = os.path.basename(child.location)  # noqa: PTH119
        return remove(self._folder(), name, child.identity, self.location)


# What the system answers to an open, and what is said then: what is wrong with the path, and what to do.
SAID: dict[int, tuple[type[ModelCypherError], str, str]] = {
    errno.ENOENT: (
        MissingFileError,
        "There is no file or folder {}.",
        "Check the spelling, or list the folder it should be in.",
    ),
    errno.ELOOP: (
        PathRefusedError,
        "{} is reached by a link that can't be proven to stay inside.",
        "Name the link's target itself.",
    ),
    errno.EXDEV: (
        PathRefusedError,
        "{} was moved out of its allowed folder while it was opened.",
        "Open it again where it is now.",
    ),
    errno.EBUSY: (
        PathRefusedError,
        "{} is a registry of this toolkit, which is never opened as a file.",
        "Read it with: mc model list",
    ),
    errno.EOPNOTSUPP: (
        PathRefusedError,
        "{} is neither a file nor a folder.",
        "Copy its content into an ordinary file and open that.",
    ),
    errno.ENAMETOOLONG: (PathRefusedError, "The path {} is too long for the system.", "Give a shorter path."),
}
SAID |= {
    errno.ENOTDIR: SAID[errno.ENOENT],
    errno.EINVAL: SAID[errno.ELOOP],  # what was a link was none any more when it was read
    errno.EAGAIN: SAID[errno.EXDEV],
}


def explained(error: OSError, location: str) -> Exception:
    """Our error for one that the system gave while a path was opened."""
    text = shown(location)
    if error.errno in SAID:
        kind, problem, remedy = SAID[error.errno]
        return kind(problem.format(text), remedy)
    return UnreadableError(f"{text} can't be opened: {error.strerror}.", "Check its permissions, then try again.")
