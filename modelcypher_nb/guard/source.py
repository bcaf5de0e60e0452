"""A Source: the bounded bytes of a file, an archive member or a buffer, the only thing that formats read."""

from __future__ import annotations

import os
from typing import Protocol

from ..errors import MalformedError, UnreadableError

__all__ = ["BytesSource", "FileSource", "Source"]


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


def _checked(label: str, length: int, offset: int, size: int) -> None:
    if offset < 0 or size < 0 or offset + size > length:
        raise MalformedError(
            f"{label} has {length} bytes, but bytes {offset} to {offset + size} were asked for.",
            "The file is cut off or lies about its layout: fetch it again from where it came.",
        )


class FileSource:
    """The bytes behind an open descriptor, which stays the opener's to close."""

    def __init__(self, descriptor: int, label: str, size: int) -> None:
        self._descriptor = descriptor
        self.label = label
        self.size = size

    def read_at(self, offset: int, size: int) -> bytes:
        """Give exactly `size` bytes from `offset`."""
        _checked(self.label, self.size, offset, size)
        parts: list[bytes] = []
        while size:
            try:
                part = os.pread(self._descriptor, size, offset)
            except OSError as error:
                raise UnreadableError(
                    f"{self.label} can't be read at byte {offset}: {error.strerror}.", "Check the disk and try again."
                ) from error
            if not part:
                raise MalformedError(
                    f"{self.label} became shorter while it was read.", "Wait until its writer is done and try again."
                )
            parts.append(part)
            offset += len(part)
            size -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)


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
