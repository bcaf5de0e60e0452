"""Opening below a folder's descriptor, following no link: `openat2` where the kernel has it, else a walk."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Callable

__all__ = [
    "HOW_BYTES",
    "OPENAT2",
    "REGISTRY",
    "WITHOUT_LINKS",
    "Call",
    "absent",
    "open_beneath",
    "openat2",
    "place_beneath",
    "walk",
]

# The registry is SQLite's alone. Closing any descriptor of a file drops every POSIX lock that the process holds on it:
# another process would then think itself alone, and delete the write-ahead log that this one goes on writing to.
REGISTRY = "catalog.sqlite3"

OPENAT2 = 437  # the call's number on the machines below; glibc has no function for it
MACHINES = frozenset({"x86_64", "aarch64"})
AT_FDCWD = -100
RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS, RESOLVE_BENEATH = 0x02, 0x04, 0x08  # linux/openat2.h
ATTEMPTS = 16  # the kernel gives up on `..` in a link's target while anything is renamed anywhere
READING = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
# What the kernel answers to an open of a socket, or of a device that nothing drives.
UNDRIVEN = frozenset({errno.ENXIO, errno.ENODEV})
# A kernel that is too old, a sandbox that forbids the call, a kernel that knows less than what is asked of it.
UNKNOWN = frozenset({errno.ENOSYS, errno.EPERM, errno.EINVAL, errno.E2BIG})

Call = Callable[[int, int, bytes, bytes, int], int]


def _how(flags: int, resolve: int) -> bytes:
    """The call's `struct open_how`: flags, mode, and how to resolve."""
    return b"".join(field.to_bytes(8, sys.byteorder) for field in (flags, 0, resolve))


HOW_BYTES = 24
WITHOUT_LINKS = _how(READING, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS)
PLACE_ONLY = _how(getattr(os, "O_PATH", 0) | os.O_CLOEXEC, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS)


def absent(*_: object) -> int:
    """Stands for `openat2` where there is none, and is never called."""
    raise NotImplementedError


_call: Call | None = None  # chosen at the first open
_errno: Callable[[], int] = int


def _choose() -> Call:
    """Look once whether this kernel, and this process's sandbox, know the call."""
    global _call, _errno  # noqa: PLW0603 - one answer for the process
    _call = absent
    if sys.platform == "linux" and os.uname().machine in MACHINES:
        try:
            # ctypes itself would be a twentieth of a cold command; this half of it is a quarter of that.
            import _ctypes
        except ImportError:  # a Python that was built without it
            return absent

        class Function(_ctypes.CFuncPtr):  # gives a C int
            _flags_ = _ctypes.FUNCFLAG_CDECL | _ctypes.FUNCFLAG_USE_ERRNO

        process = _ctypes.dlopen(None, 0)  # type: ignore[arg-type] # typeshed knows no None: the process itself
        call, _errno = Function(_ctypes.dlsym(process, "syscall")), _ctypes.get_errno
        descriptor = call(OPENAT2, AT_FDCWD, b".", PLACE_ONLY, HOW_BYTES)
        if descriptor >= 0:
            os.close(descriptor)
        if descriptor >= 0 or _errno() not in UNKNOWN:
            _call = call
    return _call


def openat2() -> Call:
    """The system call, or `absent` where there is none and files are opened by the walk.

    It takes its own number, a folder's descriptor, a path below it, how to open, and how many bytes tell that.
    """
    return _call or _choose()


def _bytes_of(rest: str) -> bytes:
    """A relative path as the kernel takes it.

    Raises:
        OSError: ENOENT where no file can have such a name; EBUSY where it is a registry's.
    """
    if "\0" not in rest:
        if REGISTRY in rest and any(part.startswith(REGISTRY) for part in rest.split("/")):
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), rest)
        try:
            return os.fsencode(rest)
        except UnicodeEncodeError:  # half of a surrogate pair, from a file's JSON
            pass
    raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), rest)


def open_beneath(root: int, rest: str) -> int:
    """Open a path below a folder's descriptor for reading, following no link on the way nor at its end.

    A device or FIFO is opened without waiting for it: whoever calls looks at what came, as `SafePath` does.

    Args:
        root: the folder's descriptor.
        rest: the path below it, relative and without `..`; empty for the folder itself.

    Raises:
        OSError: ELOOP for a link, EOPNOTSUPP for a socket or an undriven device, EBUSY for a registry, else as `open`.
    """
    call = openat2()
    if call is absent:
        return walk(root, rest)
    name = _bytes_of(rest) or b"."
    while (descriptor := call(OPENAT2, root, name, WITHOUT_LINKS, HOW_BYTES)) < 0:
        code = _errno()
        if code in UNDRIVEN:
            raise _odd(rest)
        if code != errno.EINTR:
            raise OSError(code, os.strerror(code), rest)
    return descriptor


def place_beneath(root: int, rest: str) -> str | None:
    """Where a path leads, every link resolved by the kernel, without opening what is there.

    Returns:
        The absolute path, or None where it leaves the folder or the kernel can't tell: resolve it by hand then.
    """
    call = openat2()
    if call is absent:
        return None
    try:
        name = _bytes_of(rest) or b"."
    except OSError:
        return None
    for _ in range(ATTEMPTS):
        descriptor = call(OPENAT2, root, name, PLACE_ONLY, HOW_BYTES)
        if descriptor >= 0:
            try:
                place = os.readlink(f"/proc/self/fd/{descriptor}")  # noqa: PTH115
            except OSError:  # no /proc here, or too long for it
                return None
            finally:
                os.close(descriptor)
            return place if place.startswith("/") else None
        if _errno() not in {errno.EAGAIN, errno.EINTR}:
            return None
    return None


def walk(root: int, rest: str) -> int:
    """Open as `open_beneath` does, component by component; devices and FIFOs aren't touched.

    Raises:
        OSError: EOPNOTSUPP for a device, FIFO or socket, else as `open_beneath` raises.
    """
    _bytes_of(rest)
    current = os.dup(root)
    parts = rest.split("/") if rest else []
    try:
        for index, part in enumerate(parts):
            flags = os.O_DIRECTORY if index < len(parts) - 1 else 0
            following = _open_component(current, part, flags)
            os.close(current)
            current = following
    except BaseException:
        os.close(current)
        raise
    return current


def _open_component(parent: int, name: str, flags: int) -> int:
    """Open one component without following a link and without touching what is neither file nor folder."""
    if name == "..":
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), name)
    status = os.stat(name, dir_fd=parent, follow_symlinks=False)
    if stat.S_ISLNK(status.st_mode):
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), name)
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
        raise _odd(name)
    return os.open(name, READING | os.O_NOFOLLOW | flags, dir_fd=parent)


def _odd(name: str) -> OSError:
    return OSError(errno.EOPNOTSUPP, "it is neither a file nor a folder", name)
