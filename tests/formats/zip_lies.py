"""Zip archives that lie: each in one way, with what its refusal says."""

from __future__ import annotations

import struct
import zlib
from typing import Any

from tests.formats.zip_forgery import Entry, end, end64, forge

__all__ = ["LIES", "PICKLE", "descriptor", "zip64_field"]

PICKLE = b"\x80\x02}q\x00."


def zip64_field(*numbers: int) -> bytes:
    return struct.pack(f"<2H{len(numbers)}Q", 1, 8 * len(numbers), *numbers)


def descriptor(crc: int, packed: int, size: int) -> bytes:
    return struct.pack("<4s3L", b"PK\x07\x08", crc, packed, size)


def two_directories() -> bytes:
    """Where torch trusts the offset in the end record and Python the place before it, each finds its own directory."""
    harmless, harmful = Entry(b"a.pkl", PICKLE), Entry(b"b.pkl", b"\x80\x02cos\nsystem\n.")
    body = harmless.beside()
    place = len(body)
    body += harmful.beside()
    offset = len(body)
    records = harmless.record(0), harmful.record(place)
    return body + records[0] + records[1] + end(1, len(records[0]), offset)


def overlapping() -> bytes:
    """Fifield's bomb: each member's data holds the header of the next, so one kernel unpacks many times."""
    inner = Entry(b"inner", bytes(1000), method=8)
    outer = Entry(b"outer", inner.beside())
    body = outer.beside()
    records = outer.record(0) + inner.record(body.index(b"PK\x03\x04", 4))
    return body + records + end(2, len(records), len(body))


def same_data_twice() -> bytes:
    one, two = Entry(b"one", b"data"), Entry(b"two", b"data")
    body = one.beside()
    records = one.record(0) + two.record(0)
    return body + records + end(2, len(records), len(body))


def reordered() -> bytes:
    """A first record, from which torch takes its folder, that isn't of the first member."""
    one, two = Entry(b"a/data.pkl", PICKLE), Entry(b"b/data.pkl", PICKLE)
    body = one.beside()
    place = len(body)
    body += two.beside()
    records = two.record(place) + one.record(0)
    return body + records + end(2, len(records), len(body))


def beyond() -> bytes:
    """Members that are said to lie one after another, behind the directory."""
    sizes = {"packed": 10_000, "size": 10_000}
    members = [Entry(name, b"data", local=sizes, central=sizes) for name in (b"a", b"b", b"c")]
    body = b"".join(member.beside() for member in members)
    records = b"".join(member.record(10_031 * index) for index, member in enumerate(members))
    return body + records + end(3, len(records), len(body))


def cut_header() -> bytes:
    """A member whose header has no room before the directory."""
    one, two = Entry(b"a", b"data"), Entry(b"b")
    body = one.beside()
    records = one.record(0) + two.record(len(body))
    return body + b"PK\x03\x04" + records + end(2, len(records), len(body) + 4)


def longer_name() -> bytes:
    """A name that is longer beside the data, by as much as a descriptor: readers find the data in two places."""
    data = b"\x04\x00\x00\x00"
    tail = descriptor(zlib.crc32(data), 4, 4)
    return forge(Entry(b"a", data, flags=8, local={"name": b"a1234" + tail[:12], "crc": 0, "packed": 0, "size": 0}))


def said(**fields: Any) -> bytes:
    """An archive of one stored member of which those fields are said."""
    return forge(Entry(b"a", b"data", **fields))


A = Entry(b"a", b"data")
CRC = zlib.crc32(b"data")
LIES: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "is cut off"),
    "text": (b"hello" * 99, "is cut off"),
    "an end record in an end record's place only by its comment": (forge(A)[:-2] + b"\x01\x00", "is cut off"),
    "bytes before": (forge(A, before=b"#!/bin/sh\n"), "gap"),
    "bytes before, directory's offset not adjusted": (b"x" * 9 + forge(A), "two places"),
    "bytes before the directory": (forge(A, between=b"x"), "gap"),
    "bytes before the end": (forge(A, after_directory=b"x"), "two places"),
    "bytes after the end": (forge(A) + b"x", "is cut off"),
    "two equal-size directories": (two_directories(), "two places"),
    "directory elsewhere": (forge(A, shift=-1), "two places"),
    "directory beyond the file": (forge(A, shift=1 << 30), "two places"),
    "second end record in a comment": (forge(A, comment=b"-" * 30 + end(0, 0, 0)), "two places"),
    "start of a second end record in a comment": (forge(A, comment=b"PK\x05\x06 hello"), "is cut off"),
    "comment longer than the file": (forge(A, comment=b"hello")[:-1], "is cut off"),
    "fewer members than said": (forge(A, count=2), "fewer"),
    "more members than said": (forge(A, Entry(b"b"), count=1), "more in its directory"),
    "several volumes": (forge(A, disk=1), "volumes"),
    "directory on another volume": (forge(A, directory_disk=1), "volumes"),
    "members on another volume": (forge(A, here=0), "volumes"),
    "a member on another volume": (forge(Entry(b"a", central={"disk": 1})), "damaged directory"),
    "a member for readers of the future": (said(central={"version": 64}), "damaged directory"),
    "zip64 end elsewhere": (forge(A, zip64=True, place=7), "zip64 end"),
    "zip64 end with room for more": (forge(A, zip64=True, length=45), "zip64 end"),
    "zip64 end of volumes": (forge(A, zip64=True, disk=1), "zip64 end"),
    "zip64 end whose directory is on another volume": (forge(A, zip64=True, directory_disk=1), "zip64 end"),
    "zip64 end without its mark": (forge(A, zip64=True, mark=7), "zip64 end"),
    "zip64 end of two volumes": (forge(A, zip64=True, total=2), "zip64 end"),
    "zip64 end of part of the members": (forge(A, zip64=True, here=0), "zip64 end"),
    "zip64 end that differs": (
        A.beside() + (r := A.record(0)) + end64(1, len(r), 35, 35 + len(r)) + end(1, len(r), 34),
        "two places",
    ),
    "zip64 locator alone": (end64(0, 0, 0, 0)[-20:] + end(0, 0, 0), "zip64 end"),
    "encrypted": (forge(Entry(b"a", PICKLE, flags=1)), "encrypted"),
    "encrypted in the directory alone": (forge(Entry(b"a", PICKLE, central={"flags": 1})), "encrypted"),
    "encrypted beside the data alone": (forge(Entry(b"a", PICKLE, local={"flags": 1})), "one thing"),
    **{
        f"flag {bit}": (forge(Entry(b"a", PICKLE, flags=1 << bit)), "odd flags")
        for bit in (4, 5, 6, 7, 8, 9, 10, 12, 13, 14, 15)
    },
    "another name beside the data": (forge(Entry(b"data.pkl", PICKLE, local={"name": b"data.txt"})), "one thing"),
    "another length of name": (forge(Entry(b"ab", PICKLE, local={"name": b"a"})), "one thing"),
    "another method beside the data": (forge(Entry(b"a", PICKLE, local={"method": 8})), "one thing"),
    "another size beside the data": (forge(Entry(b"a", PICKLE, local={"size": 1})), "one thing"),
    "another packed size beside the data": (forge(Entry(b"a", PICKLE, local={"packed": 1})), "one thing"),
    "another CRC beside the data": (forge(Entry(b"a", PICKLE, local={"crc": 1})), "one thing"),
    "a place without a header": (forge(Entry(b"a", b"x" * 40, central={"header": 3})), "gap"),
    "no header at the place": (b"PX" + forge(A)[2:], "one thing"),
    "two sizes of a stored member": (said(central={"size": 3}), "two sizes"),
    "shorter than its room": (said(local={"size": 3, "packed": 3}, central={"size": 3, "packed": 3}), "gap"),
    "longer than its room": (said(local={"size": 9, "packed": 9}, central={"size": 9, "packed": 9}), "gap"),
    "members behind the directory": (beyond(), "gap"),
    "no room for a header": (cut_header(), "gap"),
    "a longer name beside the data": (longer_name(), "one thing"),
    "overlapping members": (overlapping(), "gap"),
    "two members over the same data": (same_data_twice(), "gap"),
    "directory in another order": (reordered(), "gap"),
    "descriptor with another CRC": (said(flags=8, descriptor=descriptor(1, 4, 4)), "one thing"),
    "descriptor with another size": (said(flags=8, descriptor=descriptor(CRC, 4, 5)), "one thing"),
    "descriptor without its mark": (said(flags=8, descriptor=descriptor(CRC, 4, 4)[4:]), "gap"),
    "descriptor that no flag announces": (said(descriptor=descriptor(CRC, 4, 4)), "gap"),
    "announced descriptor missing": (said(flags=8), "one thing"),
    "size beside the data that the descriptor gives otherwise": (
        said(flags=8, local={"size": 2}, descriptor=descriptor(CRC, 4, 4)),
        "one thing",
    ),
    "symbolic link": (forge(Entry(b"a", b"/etc/passwd", central={"mode": 0o120777 << 16})), "link"),
    "device": (forge(Entry(b"a", central={"mode": 0o020666 << 16})), "link"),
    "folder without a slash": (forge(Entry(b"a", central={"mode": 0o040755 << 16})), "link"),
    "DOS folder without a slash": (forge(Entry(b"a", central={"mode": 0x10})), "link"),
    "file with a slash": (forge(Entry(b"a/", central={"mode": 0o100644 << 16})), "link"),
    "folder with content": (forge(Entry(b"a/", b"data")), "content in its folder"),
    "folder with a byte of content": (forge(Entry(b"a/", b"x")), "content in its folder"),
    "folder with packed content": (forge(Entry(b"a/", b"", method=8, packed=b"hidden")), "content in its folder"),
    "the same name twice": (forge(A, A), "twice"),
    "case twins": (forge(Entry(b"m/data.pkl", PICKLE), Entry(b"m/DATA.PKL", PICKLE)), "another member"),
    "twins of a folder and a file": (forge(Entry(b"m"), Entry(b"m/")), "another member"),
    "case twins beside arrays": (forge(Entry(b"a.npy"), Entry(b"A.npy"), Entry(b"data.pkl")), "another member"),
    "Unicode twins": (
        forge(Entry("é".encode(), flags=1 << 11), Entry("e\u0301".encode(), flags=1 << 11)),
        "another member",
    ),
    "twins by a letter that only looks like one": (
        forge(Entry(b"k.pkl"), Entry("\u212a.pkl".encode(), flags=1 << 11)),
        "another member",
    ),
    "name in an unsaid encoding": (forge(Entry("é".encode())), "decode it differently"),
    "name that is no UTF-8": (forge(Entry(b"\xff", flags=1 << 11)), "decode it differently"),
    "renaming extra field": (forge(Entry(b"a", central={"extra": b"\x75\x70\x06\x00\x01abcdx"})), "extra field 0x7075"),
    "renaming extra field beside the data": (
        forge(Entry(b"a", local={"extra": b"\x75\x70\x00\x00"})),
        "extra field 0x7075",
    ),
    "AES extra field": (forge(Entry(b"a", central={"extra": b"\x01\x99\x00\x00"})), "extra field 0x9901"),
    "extra field past its end": (forge(Entry(b"a", central={"extra": b"FB\xff\x00"})), "past their end"),
    "half an extra field": (forge(Entry(b"a", central={"extra": b"FB\x00"})), "past their end"),
    "two zip64 fields": (
        said(central={"size": 0xFFFFFFFF, "extra": zip64_field(4) + zip64_field(5)}),
        "0x0001",
    ),
    "zip64 field nobody needs": (said(central={"extra": zip64_field(4)}), "zip64 field"),
    "zip64 field of nothing": (said(central={"extra": zip64_field()}), "zip64 field"),
    "zip64 field too long": (
        said(central={"size": 0xFFFFFFFF, "extra": zip64_field(4, 4)}),
        "zip64 field",
    ),
    "zip64 field missing": (said(central={"size": 0xFFFFFFFF}), "zip64 field"),
    "zip64 field of another size": (
        said(local={"packed": 0xFFFFFFFF, "size": 0xFFFFFFFF, "extra": zip64_field(3, 3)}),
        "one thing",
    ),
    "zip64 field of half the sizes": (
        said(local={"packed": 0xFFFFFFFF, "size": 0xFFFFFFFF, "extra": zip64_field(4)}),
        "one thing",
    ),
    "zip64 field that nobody asked for, of another size": (said(local={"extra": zip64_field(3, 4)}), "one thing"),
    "zip64 field that nobody asked for, of another place": (said(local={"extra": zip64_field(7)}), "one thing"),
    "zip64 field of no whole number": (said(local={"extra": b"\x01\x00\x04\x00" + bytes(4)}), "one thing"),
    "zip64 field of a place too": (
        said(local={"packed": 0xFFFFFFFF, "size": 0xFFFFFFFF, "extra": zip64_field(4, 4, 0)}),
        "one thing",
    ),
    "zip64 field of another size before a descriptor": (
        said(flags=8, local={"extra": zip64_field(3, 0)}, descriptor=descriptor(CRC, 4, 4)),
        "one thing",
    ),
    "CRC beside the data that the descriptor gives otherwise": (
        said(flags=8, local={"crc": 2}, descriptor=descriptor(CRC, 4, 4)),
        "one thing",
    ),
    "packed size beside the data that the descriptor gives otherwise": (
        said(flags=8, local={"packed": 2}, descriptor=descriptor(CRC, 4, 4)),
        "one thing",
    ),
    "large descriptor with another size": (
        said(flags=8, descriptor=descriptor(CRC, 4, 0) + struct.pack("<2L", 5, 0)),
        "one thing",
    ),
    "bytes before an empty directory": (forge(between=b"x"), "belong to no member"),
    "zip64 size of 2 to the 64th": (
        forge(
            Entry(
                b"a",
                b"data",
                central={"packed": 0xFFFFFFFF, "size": 0xFFFFFFFF, "extra": zip64_field(*[(1 << 64) - 1] * 2)},
            )
        ),
        "gap",
    ),
}
