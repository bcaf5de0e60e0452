"""Writing below an open folder, in place: appending, locks, new folders, removal; and what a disk refuses."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..errors import ConflictError, ModelCypherError, PathRefusedError, StorageError
from .secrets import shown

if TYPE_CHECKING:
    from .safe_path import Identity

__all__ = ["DISK_FAULTS", "AppendFile", "append_file", "locked", "make_folder", "refused_by_disk", "remove"]

# What a disk answers to a write, a sync or a rename that it can't do.
DISK_FAULTS = frozenset(
    {
        errno.EACCES, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EISDIR, errno.ENOSPC, errno.ENOTEMPTY, errno.EPERM,
        errno.EROFS, errno.ESTALE,
    }
)  # fmt: skip
FULL = frozenset({errno.EDQUOT, errno.ENOSPC})
FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


def refused_by_disk(error: OSError, folder: str, name: str) -> ModelCypherError:
    """Our error for what the disk answered while something was written."""
    where = shown(os.path.join(folder, name))  # noqa: PTH118
    if error.errno == errno.ELOOP:
        return PathRefusedError(f"{where} is a link, and a link is never written through.", "Remove the link first.")
    if error.errno in FULL:
        remedy = "Free some space there, or choose another disk, then try again."
    elif error.errno in FORBIDDEN:
        remedy = "Choose another folder, or make this one writable, then try again."
    else:
        remedy = "Check the folder and its disk, then try again."
    return StorageError(f"{where} can't be written: {error.strerror}.", remedy)


class AppendFile:
    """A file that only grows: each `write` is one system call at the end, so a kill leaves whole records."""

    def __init__(self, descriptor: int, folder: str, name: str) -> None:
        self.descriptor = descriptor
        self._folder = folder
        self._name = name

    def write(self, data: bytes) -> None:
        """Add bytes at the end.

        Raises:
            StorageError: the disk refused them.
        """
        try:
            written = os.write(self.descriptor, data)
            while written < len(data):  # a nearly full disk takes a part first, then says so
                written += os.write(self.descriptor, data[written:])
        except OSError as error:
            raise refused_by_disk(error, self._folder, self._name) from error

    def sync(self) -> None:
        """Wait until the disk has what was written.

        Raises:
            StorageError: it refused.
        """
        try:
            os.fdatasync(self.descriptor)
        except OSError as error:
            raise refused_by_disk(error, self._folder, self._name) from error

    def close(self) -> None:
        """Give the descriptor back; harmless when done twice."""
        descriptor, self.descriptor = self.descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def append_file(descriptor: int, name: str, folder: str) -> AppendFile:
    """Open a file for appending, made where it is missing."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        handle = os.open(name, flags, 0o600, dir_fd=descriptor)
    except OSError as error:
        raise refused_by_disk(error, folder, name) from error
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        where = shown(os.path.join(folder, name))  # noqa: PTH118
        raise PathRefusedError(f"{where} is not an ordinary file.", "Name a file, or move this one out of the way.")
    return AppendFile(handle, folder, name)


def make_folder(descriptor: int, name: str, folder: str, *, private: bool) -> None:
    """Make a folder where it is missing."""
    try:
        os.mkdir(name, 0o700 if private else 0o777, dir_fd=descriptor)
    except FileExistsError:
        return
    except OSError as error:
        raise refused_by_disk(error, folder, name) from error


@contextmanager
def locked(descriptor: int, name: str, folder: str, *, wait: bool) -> Iterator[None]:
    """Hold an advisory lock on a lock file; released by the system if the process dies.

    Raises:
        ConflictError: another holds it and `wait` is off.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        handle = os.open(name, flags, 0o600, dir_fd=descriptor)
    except OSError as error:
        raise refused_by_disk(error, folder, name) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError as error:
            where = shown(os.path.join(folder, name))  # noqa: PTH118
            raise ConflictError(
                f"{where} is locked by another process.", "Wait until it is done and try again."
            ) from error
        yield
    finally:
        os.close(handle)


def _remove_tree(parent: int, name: str) -> int:
    status = os.stat(name, dir_fd=parent, follow_symlinks=False)
    if not stat.S_ISDIR(status.st_mode):
        os.unlink(name, dir_fd=parent)
        return status.st_size if stat.S_ISREG(status.st_mode) and status.st_nlink == 1 else 0
    handle = _open_folder(parent, name)
    try:
        freed = _empty(handle)
    finally:
        os.close(handle)
    os.rmdir(name, dir_fd=parent)
    return freed


def _open_folder(parent: int, name: str) -> int:
    return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)


def _empty(handle: int) -> int:
    return sum(_remove_tree(handle, child) for child in os.listdir(handle))


def remove(parent: int, name: str, identity: Identity, folder: str) -> int:
    """Remove an entry of a folder if it still is the one that was opened; gives the bytes that were freed.

    A folder is emptied through the descriptor that was compared. A file that is swapped in the microseconds between
    comparison and removal goes in the other's place: Linux can't remove by descriptor.
    """
    where = shown(os.path.join(folder, name))  # noqa: PTH118
    try:
        status = os.stat(name, dir_fd=parent, follow_symlinks=False)
        _refuse_another(status, identity, where)
        if not stat.S_ISDIR(status.st_mode):
            return _remove_tree(parent, name)
        handle = _open_folder(parent, name)
        try:
            _refuse_another(os.fstat(handle), identity, where)
            freed = _empty(handle)
        finally:
            os.close(handle)
        os.rmdir(name, dir_fd=parent)
    except ModelCypherError:
        raise
    except OSError as error:
        raise StorageError(f"{where} can't be removed: {error.strerror}.", "Check its permissions.") from error
    return freed


def _refuse_another(status: os.stat_result, identity: Identity, where: str) -> None:
    if (status.st_dev, status.st_ino) != (identity.device, identity.inode):
        raise PathRefusedError(f"{where} is no longer what was checked.", "Look at it again, then repeat the deletion.")
