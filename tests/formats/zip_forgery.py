"""A writer of zip archives that may lie anywhere."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from typing import Any

LOCAL = struct.Struct("<4s5H3L2H")
CENTRAL = struct.Struct("<4s6H3L5H2L")
END = struct.Struct("<4s4H2LH")
END64 = struct.Struct("<4sQ2H2L4Q")
LOCATOR = struct.Struct("<4sLQL")


@dataclass
class Entry:
    """One member: honest, but for what `local` and `central` replace by name.

    Those are name, flags, method, crc, packed, size, extra; in the directory mode, disk, header, comment, version.
    """

    name: bytes
    data: bytes = b""
    method: int = 0
    flags: int = 0
    local: dict[str, Any] = field(default_factory=dict)
    central: dict[str, Any] = field(default_factory=dict)
    descriptor: bytes = b""
    packed: bytes | None = None

    def facts(self) -> dict[str, Any]:
        packed = self.packed_data()
        return {
            "name": self.name,
            "flags": self.flags,
            "method": self.method,
            "crc": zlib.crc32(self.data),
            "packed": len(packed),
            "size": len(self.data),
            "extra": b"",
            "version": 20,
            "mode": 0,
            "disk": 0,
            "comment": b"",
        }

    def packed_data(self) -> bytes:
        if self.packed is not None:
            return self.packed
        if self.method == 8:
            packer = zlib.compressobj(9, zlib.DEFLATED, -15)
            return packer.compress(self.data) + packer.flush()
        return self.data

    def beside(self) -> bytes:
        """The member's own header, its data, and the descriptor."""
        f = self.facts() | self.local
        head = LOCAL.pack(
            b"PK\x03\x04", 20, f["flags"], f["method"], 0, 33, f["crc"], f["packed"], f["size"], len(f["name"]),
            len(f["extra"]),
        )  # fmt: skip
        return head + f["name"] + f["extra"] + self.packed_data() + self.descriptor

    def record(self, header: int) -> bytes:
        """What the directory says of it."""
        f = self.facts() | {"header": header} | self.central
        head = CENTRAL.pack(
            b"PK\x01\x02", 20, f["version"], f["flags"], f["method"], 0, 33, f["crc"], f["packed"], f["size"],
            len(f["name"]), len(f["extra"]), len(f["comment"]), f["disk"], 0, f["mode"], f["header"],
        )  # fmt: skip
        return head + f["name"] + f["extra"] + f["comment"]


def end(count: int, size: int, offset: int, comment: bytes = b"", **more: int) -> bytes:
    """An end record."""
    f = {"disk": 0, "directory_disk": 0, "here": count, "count": count, "comment": len(comment)} | more
    return (
        END.pack(b"PK\x05\x06", f["disk"], f["directory_disk"], f["here"], f["count"], size, offset, f["comment"])
        + comment
    )


def end64(count: int, size: int, offset: int, at: int, **more: int) -> bytes:
    """A zip64 end record and its locator, for a place in the file."""
    f = {"mark": 6, "length": 44, "disk": 0, "directory_disk": 0, "here": count, "place": at, "total": 1} | more
    return END64.pack(
        b"PK\x06" + bytes([f["mark"]]),
        f["length"],
        45,
        45,
        f["disk"],
        f["directory_disk"],
        f["here"],
        count,
        size,
        offset,
    ) + LOCATOR.pack(b"PK\x06\x07", 0, f["place"], f["total"])


def forge(
    *entries: Entry,
    before: bytes = b"",
    between: bytes = b"",
    after_directory: bytes = b"",
    comment: bytes = b"",
    zip64: bool = False,
    shift: int = 0,
    **more: int,
) -> bytes:
    """An archive.

    Args:
        entries: the members.
        before: bytes before the first member.
        between: bytes between the last member and the directory.
        after_directory: bytes between the directory and the end record.
        comment: the archive's comment.
        zip64: whether a zip64 end stands before the end record.
        shift: what is added to where the directory is said to be.
        more: fields of the zip64 end if there is one, else of the end.
    """
    body, records = bytearray(before), bytearray()
    for entry in entries:
        records += entry.record(len(body))
        body += entry.beside()
    body += between
    offset, count = len(body) + shift, more.pop("count", len(entries))
    body += records + after_directory
    if zip64:
        body += end64(count, len(records), offset, len(body), **more)
        more = {}
    return bytes(body) + end(min(count, 0xFFFF), len(records), offset, comment, **more)
