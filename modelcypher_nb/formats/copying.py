"""A bounded stream of bytes into a file: read into reused memory, written on, checksums compared in a thread beside."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import TYPE_CHECKING, BinaryIO, Self

from ..errors import MalformedError
from ..guard.source import Source
from .remedies import FETCH_AGAIN

if TYPE_CHECKING:
    from queue import SimpleQueue

__all__ = ["Copier", "Progress"]

Progress = Callable[[int, int], None]

PIECE_BYTES = 1 << 20
PIECES = 4  # in flight between the reader and the checksums
# How much is written before the disk is told to begin with it: the sync at the end then has little left to do.
EARLY_BYTES = 16 << 20
SYNC_FILE_RANGE_WRITE = 2  # linux/fs.h


class _Checksums:
    """Compares the CRC-32 of sources in a thread of its own, over the very bytes that are written."""

    def __init__(self) -> None:
        from queue import SimpleQueue

        self.free: SimpleQueue[memoryview] = SimpleQueue()
        self.error: MalformedError | None = None
        self._todo: SimpleQueue[tuple[memoryview | None, memoryview | None, Source, int | None] | None] = SimpleQueue()
        self._thread: Thread | None = None
        for _ in range(PIECES):
            self.free.put(memoryview(bytearray(PIECE_BYTES)))

    def add(self, buffer: memoryview, part: memoryview, source: Source) -> None:
        """Count a part of a source in; its buffer is free again afterwards."""
        if self._thread is None:
            self._thread = Thread(target=self._work, name="modelcypher-crc", daemon=True)
            self._thread.start()
        self._todo.put((buffer, part, source, None))

    def compare(self, source: Source, expected: int) -> None:
        """Compare what was counted of a source, which is whole now."""
        self._todo.put((None, None, source, expected))

    def close(self) -> None:
        """Wait until everything is compared."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._todo.put(None)
            thread.join()

    def raise_error(self) -> None:
        """Raise what was found so far."""
        if self.error is not None:
            raise self.error

    def _work(self) -> None:
        from zlib import crc32

        value = 0
        while (item := self._todo.get()) is not None:
            buffer, part, source, expected = item
            if part is not None:
                value = crc32(part, value)
            if buffer is not None:
                self.free.put(buffer)
            if expected is not None:
                if value != expected and self.error is None:
                    self.error = _changed(source)
                value = 0


def _changed(source: Source) -> MalformedError:
    return MalformedError(
        f"{source.label} doesn't have the CRC-32 that the archive promises: it was changed or damaged.", FETCH_AGAIN
    )


class Copier:
    """Writes pieces of sources one after another, with a few reused MiB whatever their sizes.

    Use it as a context manager: leaving it waits for the last checksums, and raises MalformedError where a source isn't
    what its archive promises.
    """

    def __init__(self, file: BinaryIO, total: int, progress: Progress | None = None) -> None:
        self._file = file
        self._total = total
        self._progress = progress
        self._done = 0
        self._early = _Early(file)
        self._checksums = _Checksums()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._checksums.close()
        if kind is None:
            self._checksums.raise_error()

    def write(self, data: bytes | memoryview) -> None:
        """Write bytes that are in memory."""
        self._file.write(data)
        self._count(len(data))

    def copy(self, source: Source, offset: int, size: int, crc: int | None = None) -> None:
        """Write a range of a source.

        Args:
            source: where from.
            offset: the first byte.
            size: how many.
            crc: the CRC-32 that the range should have.
        """
        self._walk(source, offset, size, crc, is_written=True)

    def verify(self, source: Source, crc: int) -> None:
        """Compare a whole source with its CRC-32, writing nothing."""
        self._walk(source, 0, source.size, crc, is_written=False)

    def _walk(self, source: Source, offset: int, size: int, crc: int | None, *, is_written: bool) -> None:
        checksums = self._checksums
        end = offset + size
        while offset < end:
            buffer = checksums.free.get()
            part = buffer[: min(PIECE_BYTES, end - offset)]
            try:
                source.read_into(offset, part)
            except BaseException:
                checksums.free.put(buffer)
                raise
            if crc is not None:
                checksums.add(buffer, part, source)
            if is_written:
                self._file.write(part)
                self._count(len(part))
            if crc is None:
                checksums.free.put(buffer)
            checksums.raise_error()
            offset += len(part)
        if crc is not None:
            checksums.compare(source, crc)

    def _count(self, size: int) -> None:
        self._done += size
        self._early.tell(self._done)
        if self._progress is not None:
            self._progress(self._done, self._total)


class _Early:
    """Has the disk begin to write what lies in memory, where the system knows how."""

    def __init__(self, file: BinaryIO) -> None:
        self._told = 0
        self._call: Callable[[int, int], object] | None = None
        try:
            descriptor = file.fileno()
        except (OSError, AttributeError):
            return
        import ctypes

        call = getattr(ctypes.CDLL(None), "sync_file_range", None)
        if call is not None:
            size = ctypes.c_int64
            self._call = lambda start, length: call(descriptor, size(start), size(length), SYNC_FILE_RANGE_WRITE)

    def tell(self, done: int) -> None:
        """Bytes were written; an answer isn't waited for, and the sync at the end reports what failed."""
        if self._call is not None and done - self._told >= EARLY_BYTES:
            self._call(self._told, done - self._told)
            self._told = done
