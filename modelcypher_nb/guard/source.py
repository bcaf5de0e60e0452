"""A Source: the bounded bytes of a file, an archive member or a buffer, the only thing that formats read."""

from __future__ import annotations

import os
from typing import Protocol

from ..errors import MalformedError, UnreadableError

__all__ = ["BytesSource", "FileSource", "RangeSource", "Source"]

HEAD_BYTES = 4096  # read at once, where any of them are asked for


class Source(Protocol):
    """Bytes of a known size that are read at an offset.

    Attributes:
        label: what to call it in messages.
        size: its length in bytes when it was opened.
    """

    label: str
    size: int

    def read_at(self, offset: int, size: int) -> bytes:
        """Give exactly `size` bytes from `offset`.

        Raises:
            MalformedError: the range isn't within the source, or the file was cut since it was opened.
            UnreadableError: the disk refused.
        """
        ...

    def read_into(self, offset: int, target: memoryview) -> None:
        """Fill memory that the caller owns with the bytes from `offset`; errors as `read_at`."""
        ...


def _checked(label: str, length: int, offset: int, size: int) -> None:
    if offset < 0 or size < 0 or offset + size > length:
        raise MalformedError(
            f"{label} has {length} bytes, but bytes {offset} to {offset + size} were asked for.",
            "The file is cut off or lies about its layout: fetch it again from where it came.",
        )


class Opener(Protocol):
    """Whoever holds a file open; asked for each read, so that a closed descriptor's number never reads another file."""

    def fileno(self) -> int:
        """The open descriptor."""
        ...


class FileSource:
    """The bytes of an open file, which stays the opener's to close.

    Attributes:
        opener: who holds it open.
    """

    def __init__(self, opener: Opener, label: str, size: int) -> None:
        self.opener = opener
        self.label = label
        self.size = size
        self._head: bytes | None = None

    def read_at(self, offset: int, size: int) -> bytes:
        """Give exactly `size` bytes from `offset`."""
        _checked(self.label, self.size, offset, size)
        if offset + size > HEAD_BYTES:
            return self._read(offset, size)
        self.opener.fileno()  # a closed file gives nothing, from memory neither
        if self._head is None:
            # What recognises a file and the header that follows come of one reading, so they are of one file too.
            self._head = self._read(0, min(self.size, HEAD_BYTES))
        return self._head[offset : offset + size]

    def _read(self, offset: int, size: int) -> bytes:
        parts: list[bytes] = []
        while size:
            try:
                part = os.pread(self.opener.fileno(), size, offset)
            except OSError as error:
                raise self._unreadable(offset, error) from error
            if not part:
                raise self._cut()
            parts.append(part)
            offset += len(part)
            size -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def read_into(self, offset: int, target: memoryview) -> None:
        """Fill memory that the caller owns with the bytes from `offset`, without a copy in between."""
        _checked(self.label, self.size, offset, len(target))
        while target:
            try:
                count = os.preadv(self.opener.fileno(), [target], offset)
            except OSError as error:
                raise self._unreadable(offset, error) from error
            if not count:
                raise self._cut()
            offset += count
            target = target[count:]

    def _unreadable(self, offset: int, error: OSError) -> UnreadableError:
        return UnreadableError(
            f"{self.label} can't be read at byte {offset}: {error.strerror}.", "Check the disk and try again."
        )

    def _cut(self) -> MalformedError:
        return MalformedError(
            f"{self.label} became shorter while it was read.", "Wait until its writer is done and try again."
        )


class BytesSource:
    """Bytes that are in memory already: a bounded archive member, or a test's."""

    def __init__(self, data: bytes, label: str) -> None:
        self._data = data
        self.label = label
        self.size = len(data)

    def read_at(self, offset: int, size: int) -> bytes:
        """Give exactly `size` bytes from `offset`."""
        _checked(self.label, self.size, offset, size)
        return self._data[offset : offset + size]

    def read_into(self, offset: int, target: memoryview) -> None:
        """Fill memory that the caller owns with the bytes from `offset`."""
        _checked(self.label, self.size, offset, len(target))
        target[:] = self._data[offset : offset + len(target)]


class RangeSource:
    """A range of another source: an archive's stored member, a storage in a file.

    Attributes:
        offset: where in the other source it begins.
        crc: the CRC-32 that its bytes are promised to have, where they are.
    """

    def __init__(self, source: Source, offset: int, size: int, label: str | None = None) -> None:
        _checked(source.label, source.size, offset, size)
        self._source = source
        self.offset = offset
        self.size = size
        self.label = label or source.label
        self.crc: int | None = None

    def read_at(self, offset: int, size: int) -> bytes:
        """Give exactly `size` bytes from `offset`."""
        _checked(self.label, self.size, offset, size)
        return self._source.read_at(self.offset + offset, size)

    def read_into(self, offset: int, target: memoryview) -> None:
        """Fill memory that the caller owns with the bytes from `offset`."""
        _checked(self.label, self.size, offset, len(target))
        self._source.read_into(self.offset + offset, target)

    def place(self) -> tuple[Source, int]:
        """The outermost source that it is a range of, and where in it it begins."""
        source, offset = self._source, self.offset
        if isinstance(source, RangeSource):
            source, before = source.place()
            offset += before
        return source, offset
