"""New files and folders below an open folder: written aside, synced, and given their name whole, or not at all."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

from ..errors import ConflictError
from .secrets import shown
from .writing import DISK_FAULTS, refused_by_disk

__all__ = ["publish_folder", "published"]

RENAME_NOREPLACE, RENAME_EXCHANGE = 1, 2  # linux/fs.h
NO_FLAGS = frozenset({errno.EINVAL, errno.ENOSYS})  # what a file system without these two answers (NFS)
# What an attempt to link is answered where links, or links to a file without a name, aren't to be had.
NO_LINKS = frozenset(
    {
        errno.EACCES, errno.EMLINK, errno.ENOENT, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM, errno.EXDEV,
    }
)  # fmt: skip
# What an attempt to make a file without a name is answered where there is no such thing.
NO_NAMELESS = frozenset({errno.EINVAL, errno.EISDIR, errno.ENOENT, errno.ENOSYS, errno.EOPNOTSUPP})
NAMELESS: int = getattr(os, "O_TMPFILE", 0)  # Linux alone has it

PARTIAL = r"\.[0-9a-f]{16}\.partial"  # compiled where it is needed, which is rare
STALE_SECONDS = 3600.0
_swept: set[tuple[int, int]] = set()  # the folders that this process looked through already


def _exists(folder: str, name: str) -> ConflictError:
    where = shown(os.path.join(folder, name))  # noqa: PTH118
    return ConflictError(f"{where} exists already, and an existing file is never replaced.", "Choose another name.")


class _Draft:
    """A file that is written in a folder before it has its name.

    Where the file system has files without a name it is one, and a kill leaves nothing behind. Elsewhere it bears a
    temporary name, and is locked, so that another process can tell a writer's file from a dead one's.
    """

    def __init__(self, folder: int) -> None:
        self._folder = folder
        self._temporary: str | None = None
        handle = _nameless(folder)
        if handle is None:
            self._temporary, handle = _named(folder)
        self.handle = handle
        _hold(handle)

    def publish(self, name: str, *, replace: bool) -> None:
        """Give it its name.

        Raises:
            FileExistsError: the name is taken and `replace` is off.
        """
        if replace:
            os.rename(self._linked(), name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
        else:
            self._publish_new(name)
        self._temporary = None
        os.fsync(self._folder)

    def _publish_new(self, name: str) -> None:
        try:
            if self._temporary is None:
                _link(self.handle, self._folder, name)
                return
            os.link(self._temporary, name, src_dir_fd=self._folder, dst_dir_fd=self._folder, follow_symlinks=False)
        except OSError as error:
            if error.errno not in NO_LINKS:
                raise
            rename_new(self._folder, self._linked(), name)
        else:
            os.unlink(self._temporary, dir_fd=self._folder)

    def _linked(self) -> str:
        """Its temporary name, given to it where it has none."""
        if self._temporary is None:
            _sweep(self._folder)
            temporary = _partial_name()
            try:
                _link(self.handle, self._folder, temporary)
            except OSError as error:
                if error.errno not in NO_LINKS:
                    raise
                return self._copied()
            self._temporary = temporary
        return self._temporary

    def _copied(self) -> str:
        """A copy that bears a temporary name, where what has none can't be given one."""
        self._temporary, copy = _named(self._folder)
        try:
            _hold(copy)
            offset, size = 0, os.fstat(self.handle).st_size
            while offset < size:
                offset += os.sendfile(copy, self.handle, offset, size - offset)
            os.fsync(copy)
        finally:
            os.close(copy)
        return self._temporary

    def forget(self) -> None:
        """Remove its temporary name."""
        if self._temporary is not None:
            with suppress(FileNotFoundError):  # somebody else did
                os.unlink(self._temporary, dir_fd=self._folder)


def _partial_name() -> str:
    """A temporary name, not made of the final one, which may be as long as names can be."""
    return f".{os.urandom(8).hex()}.partial"


def _named(folder: int) -> tuple[str, int]:
    _sweep(folder)
    temporary = _partial_name()
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return temporary, os.open(temporary, flags, 0o666, dir_fd=folder)


def _nameless(folder: int) -> int | None:
    """A new file without a name, or None where there can't be one, or it could get none."""
    if not NAMELESS:
        return None
    try:
        handle = os.open(".", os.O_RDWR | NAMELESS | os.O_CLOEXEC, 0o666, dir_fd=folder)
    except OSError as error:
        if error.errno in NO_NAMELESS:
            return None
        raise
    if os.path.exists(_own(handle)):  # noqa: PTH110
        return handle
    os.close(handle)  # /proc isn't there
    return None


def _own(handle: int) -> str:
    """The name by which a process reaches its open file: linking by the bare descriptor needs privileges."""
    return f"/proc/self/fd/{handle}"


def _link(handle: int, folder: int, name: str) -> None:
    os.link(_own(handle), name, dst_dir_fd=folder, follow_symlinks=True)


def _hold(handle: int) -> None:
    """Lock a file while it is written.

    Where locks aren't to be had, `_sweep` gets none either, and removes nothing.
    """
    with suppress(OSError):
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _sweep(folder: int) -> None:
    """Remove the files that killed writers of ours left in a folder; once a process looks at each."""
    status = os.fstat(folder)
    if (status.st_dev, status.st_ino) in _swept:
        return
    _swept.add((status.st_dev, status.st_ino))
    with suppress(OSError):  # what can't be listed, or is removed by another meanwhile, keeps nobody from writing
        again = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=folder)
        try:
            with os.scandir(again) as entries:
                stale = [entry.name for entry in entries if re.fullmatch(PARTIAL, entry.name)]
            for name in stale:
                _remove_stale(folder, name)
        finally:
            os.close(again)


def _remove_stale(folder: int, name: str) -> None:
    """Remove a partial file of ours that is old and that no living writer holds."""
    status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    is_ours = stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid()
    if not is_ours or status.st_mtime > time.time() - STALE_SECONDS:
        return
    handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(handle), os.stat(name, dir_fd=folder, follow_symlinks=False)):
            os.unlink(name, dir_fd=folder)
    except BlockingIOError:
        return  # its writer lives
    finally:
        os.close(handle)


@contextmanager
def published(descriptor: int, name: str, folder: str, *, replace: bool) -> Iterator[BinaryIO]:
    """A new file that appears under its name whole, synced, or not at all.

    Raises:
        ConflictError: the name is taken and `replace` is off.
        StorageError: the disk refused; nothing is left behind.
    """
    try:
        is_taken = not replace and _is_there(descriptor, name)
        draft = None if is_taken else _Draft(descriptor)
    except OSError as error:
        raise refused_by_disk(error, folder, name) from error
    if draft is None:
        raise _exists(folder, name)
    try:
        with os.fdopen(draft.handle, "w+b") as file:
            yield file
            file.flush()
            os.fsync(draft.handle)
            _publish(draft, name, folder, replace=replace)
    except BaseException as error:
        draft.forget()
        # Other system errors come from what the writer does besides writing, and keep their own meaning.
        if isinstance(error, OSError) and error.errno in DISK_FAULTS:
            raise refused_by_disk(error, folder, name) from error
        raise


def _publish(draft: _Draft, name: str, folder: str, *, replace: bool) -> None:
    try:
        draft.publish(name, replace=replace)
    except FileExistsError as error:
        raise _exists(folder, name) from error
    except OSError as error:
        raise refused_by_disk(error, folder, name) from error


def rename_new(descriptor: int, old: str, new: str) -> None:
    """Rename within a folder without ever replacing: for folders, and where there are no hard links."""
    _renameat2(descriptor, old, new, RENAME_NOREPLACE)


def _renameat2(descriptor: int, old: str, new: str, flags: int) -> None:
    import ctypes  # rarely needed, and half of this module's import time

    library = ctypes.CDLL(None, use_errno=True)
    if library.renameat2(descriptor, old.encode(), descriptor, new.encode(), flags) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), new)


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
        raise refused_by_disk(error, folder, name) from error


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
        aside = _partial_name()
        os.rename(name, aside, src_dir_fd=descriptor, dst_dir_fd=descriptor)
        os.rename(temporary, name, src_dir_fd=descriptor, dst_dir_fd=descriptor)
        os.rename(aside, temporary, src_dir_fd=descriptor, dst_dir_fd=descriptor)


def _is_there(descriptor: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=descriptor, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True
