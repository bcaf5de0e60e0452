"""Writing below an open folder: temporary file, sync, publish, sync of the folder; appending; locks; removal."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from ..errors import ConflictError, ModelCypherError, PathRefusedError, StorageError
from .secrets import shown

if TYPE_CHECKING:
    from .safe_path import Identity

__all__ = ["AppendFile", "append_file", "locked", "make_folder", "publish_folder", "published", "remove"]

RENAME_NOREPLACE, RENAME_EXCHANGE = 1, 2  # linux/fs.h
NO_FLAGS = frozenset({errno.EINVAL, errno.ENOSYS})  # what a file system without these two answers (NFS)
# What a disk answers to a write, a sync or a rename that it can't do.
DISK_FAULTS = frozenset(
    {
        errno.EACCES, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EISDIR, errno.ENOSPC, errno.ENOTEMPTY, errno.EPERM,
        errno.EROFS, errno.ESTALE,
    }
)  # fmt: skip


def _refused_by_disk(error: OSError, folder: str, name: str) -> ModelCypherError:
    where = shown(os.path.join(folder, name))  # noqa: PTH118
    if error.errno == errno.ELOOP:
        return PathRefusedError(f"{where} is a link, and a link is never written through.", "Remove the link first.")
    return StorageError(
        f"{where} can't be written: {error.strerror}.",
        "Free some space or check the folder's permissions, then try again.",
    )


def _exists(folder: str, name: str) -> ConflictError:
    where = shown(os.path.join(folder, name))  # noqa: PTH118
    return ConflictError(f"{where} exists already, and an existing file is never replaced.", "Choose another name.")


def rename_new(descriptor: int, old: str, new: str) -> None:
    """Rename within a folder without ever replacing: for folders, and where there are no hard links."""
    _renameat2(descriptor, old, new, RENAME_NOREPLACE)


def _renameat2(descriptor: int, old: str, new: str, flags: int) -> None:
    import ctypes  # rarely needed, and half of this module's import time

    library = ctypes.CDLL(None, use_errno=True)
    if library.renameat2(descriptor, old.encode(), descriptor, new.encode(), flags) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), new)


def _publish_new(descriptor: int, temporary: str, name: str) -> None:
    try:
        os.link(temporary, name, src_dir_fd=descriptor, dst_dir_fd=descriptor, follow_symlinks=False)
    except OSError as error:
        if error.errno not in {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}:
            raise
        rename_new(descriptor, temporary, name)
    else:
        os.unlink(temporary, dir_fd=descriptor)


@contextmanager
def published(descriptor: int, name: str, folder: str, *, replace: bool) -> Iterator[BinaryIO]:
    """A new file that appears under its name whole, synced, or not at all.

    Raises:
        ConflictError: the name is taken and `replace` is off.
        StorageError: the disk refused; nothing is left behind.
    """
    try:
        if not replace and _is_there(descriptor, name):
            raise _exists(folder, name)
    except PermissionError as error:
        raise _refused_by_disk(error, folder, name) from error
    temporary = f".{os.urandom(8).hex()}.partial"  # not made of the name, which may be as long as names can be
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        handle = os.open(temporary, flags, 0o666, dir_fd=descriptor)
    except OSError as error:
        raise _refused_by_disk(error, folder, name) from error
    try:
        with os.fdopen(handle, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _publish(descriptor, temporary, name, replace=replace)
    except BaseException as error:
        _forget(descriptor, temporary)
        if isinstance(error, _TakenError):
            raise _exists(folder, name) from error
        # Other system errors come from what the writer does besides writing, and keep their own meaning.
        if isinstance(error, OSError) and error.errno in DISK_FAULTS:
            raise _refused_by_disk(error, folder, name) from error
        raise


class _TakenError(Exception):
    """Another file took the name while ours was written."""


def _publish(descriptor: int, temporary: str, name: str, *, replace: bool) -> None:
    try:
        if replace:
            os.rename(temporary, name, src_dir_fd=descriptor, dst_dir_fd=descriptor)
        else:
            _publish_new(descriptor, temporary, name)
    except FileExistsError as error:
        raise _TakenError from error
    os.fsync(descriptor)


def publish_folder(descriptor: int, temporary: str, name: str, folder: str, *, replace: bool = False) -> None:
    """Give a finished folder its name, and wait until the disk knows it.

    Args:
        descriptor: of the folder that holds both.
        temporary: what it is called so far; where another was replaced, what that one is called afterwards.
        name: what it is to be called.
        folder: the text to show for the folder that holds both.
        replace: whether it may take another's place, at no moment of which there is neither.

    Raises:
        ConflictError: the name is taken and `replace` is off.
        StorageError: the disk refused.
    """
    try:
        if replace and _is_there(descriptor, name):
            _exchange(descriptor, temporary, name)
        else:
            _rename_folder(descriptor, temporary, name)
        os.fsync(descriptor)
    except FileExistsError as error:
        raise _exists(folder, name) from error
    except OSError as error:
        raise _refused_by_disk(error, folder, name) from error


def _rename_folder(descriptor: int, temporary: str, name: str) -> None:
    try:
        rename_new(descriptor, temporary, name)
    except OSError as error:
        if error.errno not in NO_FLAGS:
            raise
        if _is_there(descriptor, name):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), name) from error
        # A folder of that name that appears now is refused by the system, unless it is empty.
        os.rename(temporary, name, src_dir_fd=descriptor, dst_dir_fd=descriptor)


def _exchange(descriptor: int, temporary: str, name: str) -> None:
    try:
        _renameat2(descriptor, temporary, name, RENAME_EXCHANGE)
    except OSError as error:
        if error.errno not in NO_FLAGS:
            raise
        # Two renames and a third: a kill between the first two leaves the old one under a temporary name.
        aside = f".{os.urandom(8).hex()}.partial"
        os.rename(name, aside, src_dir_fd=descriptor, dst_dir_fd=descriptor)
        os.rename(temporary, name, src_dir_fd=descriptor, dst_dir_fd=descriptor)
        os.rename(aside, temporary, src_dir_fd=descriptor, dst_dir_fd=descriptor)


def _is_there(descriptor: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=descriptor, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _forget(descriptor: int, temporary: str) -> None:
    try:
        os.unlink(temporary, dir_fd=descriptor)
    except FileNotFoundError:
        return  # published already, or never made


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
            raise _refused_by_disk(error, self._folder, self._name) from error

    def sync(self) -> None:
        """Wait until the disk has what was written.

        Raises:
            StorageError: it refused.
        """
        try:
            os.fdatasync(self.descriptor)
        except OSError as error:
            raise _refused_by_disk(error, self._folder, self._name) from error

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
        raise _refused_by_disk(error, folder, name) from error
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
        raise _refused_by_disk(error, folder, name) from error


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
        raise _refused_by_disk(error, folder, name) from error
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
