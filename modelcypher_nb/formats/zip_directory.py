"""A zip archive's end and directory, read so that no other reader can find another directory or read it differently."""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from ..errors import MalformedError, UnsupportedFormatError
from ..guard.secrets import shown
from ..guard.source import Source
from .limits import Limits

__all__ = [
    "DEFLATED",
    "HAS_DESCRIPTOR",
    "IS_UTF8",
    "SENTINEL",
    "Record",
    "malformed",
    "read_directory",
    "text",
    "zip64_field",
]

END = Struct("<4s4H2LH")
END_SIGNATURE = b"PK\x05\x06"
LOCATOR = Struct("<4sLQL")
LOCATOR_SIGNATURE = b"PK\x06\x07"
END64 = Struct("<4sQ2H2L4Q")
END64_SIGNATURE = b"PK\x06\x06"
LONGEST_COMMENT = 0xFFFF
CENTRAL = Struct("<L2xBx2H4x3L4H2x2L")
CENTRAL_SIGNATURE = 0x02014B50
SENTINEL = 0xFFFFFFFF  # "the real value stands in the zip64 field"
DIRECTORY_BYTES_A_MEMBER = 96  # on average: bounds what all names take, up to nine times their bytes

NEWEST_VERSION = 63  # of what a reader needs to know; Python's refuses more
STORED, DEFLATED = 0, 8
HAS_DESCRIPTOR, IS_UTF8, COMPRESSOR_HINTS = 1 << 3, 1 << 11, 0b110
# Any other flag means encryption, a patch or a masked header; torch ignores them all, and other readers don't.
ODD_FLAGS = 0xFFFF & ~(HAS_DESCRIPTOR | IS_UTF8 | COMPRESSOR_HINTS)

ZIP64_FIELD = 0x0001
TORCH_PADDING = b"FB"
# Fields that change neither a name nor the bytes of a member, for any reader.
HARMLESS_FIELDS = frozenset(
    {
        0x4246,  # torch: pads the data to a multiple of 64
        0x000A,  # NTFS: times
        0x5455,  # Info-ZIP: times
        0x5855,  # Info-ZIP: times and owner
        0x7855,  # Info-ZIP: owner
        0x7875,  # Info-ZIP: owner
        0xCAFE,  # Java: marks a jar
        0xD935,  # Android: alignment
    }
)

TYPE_BITS, FILE_TYPES, FOLDER_TYPES = 0o170000, {0, 0o100000}, {0, 0o040000}
DOS_FOLDER = 0x10
EMPTY_DEFLATED_BYTES = 2  # what a writer that deflates everything makes of a folder
REMEDY = "Fetch the file again from where it came, or ask its maker to save it anew with torch.save or zipfile."


class Record(NamedTuple):
    """What the directory says of one member; `header` is where the member's own header stands."""

    header: int
    name: bytes
    flags: int
    method: int
    crc: int
    packed_size: int
    size: int


class End(NamedTuple):
    """What the end of an archive says of its directory."""

    members: int
    size: int
    offset: int


def malformed(label: str, what: str) -> MalformedError:
    """The error for an archive that lies or is cut off."""
    return MalformedError(f"{label} {what}.", REMEDY)


def text(name: bytes) -> str:
    """A member's name, for a message."""
    return shown(name.decode("utf-8", "backslashreplace"), 80)


def read_directory(source: Source, limits: Limits) -> tuple[list[Record], int]:
    """Every record of the directory, in its order, and where the directory begins.

    Raises:
        MalformedError: two readers could find different members, or there are more than is allowed.
        UnsupportedFormatError: a member is packed in a way that isn't read.
    """
    end = _end(source)
    if end.members > limits.members or end.size > limits.members * DIRECTORY_BYTES_A_MEMBER:
        raise MalformedError(
            f"{source.label} has a directory of {end.members:,} members in {end.size:,} bytes;"
            f" {limits.members:,} members are read.",
            f"If you trust it, allow more: MC_LIMIT_MEMBERS={limits.members * 10}.",
        )
    return _records(source.label, source.read_at(end.offset, end.size), end.members), end.offset


def _end(source: Source) -> End:
    label = source.label
    tail, position = _tail(source)
    at = len(tail) - (source.size - position)
    _, disk, directory_disk, here, count, size, offset, _ = END.unpack_from(tail, at)
    end, start = End(count, size, offset), position
    if disk or directory_disk or here != count:
        raise malformed(label, "says that it is one of several volumes")
    if at >= LOCATOR.size and tail[at - LOCATOR.size :].startswith(LOCATOR_SIGNATURE):
        start = position - LOCATOR.size - END64.size
        large = _end64(label, tail[: at - LOCATOR.size], tail[at - LOCATOR.size : at], start)
        if not _agree(end, large):
            raise malformed(label, "gives its directory two places: its end and its zip64 end differ")
        end = large
    if end.offset + end.size != start:
        raise malformed(label, "has a directory that doesn't end where its end begins, so readers look in two places")
    return end


def _agree(end: End, large: End) -> bool:
    """Whether each number of the end is the zip64 end's, or says that it has no room for it."""
    limits = (0xFFFF, SENTINEL, SENTINEL)
    return all(small in {real, limit} for small, real, limit in zip(end, large, limits, strict=True))


def _tail(source: Source) -> tuple[bytes, int]:
    """The last bytes of an archive, and where in it the end record begins: the last that any reader could find."""
    size = min(source.size, END64.size + LOCATOR.size + END.size)
    tail = source.read_at(source.size - size, size)
    if tail[-END.size :].startswith(END_SIGNATURE) and tail.endswith(b"\0\0") and size >= END.size:
        return tail, source.size - END.size
    size = min(source.size, size + LONGEST_COMMENT)
    tail = source.read_at(source.size - size, size)
    at = tail.rfind(END_SIGNATURE)
    if at < 0 or at + END.size > size or END.unpack_from(tail, at)[-1] != size - at - END.size:
        raise malformed(
            source.label, "is cut off, or something follows its end: a zip archive ends with one end record"
        )
    return tail, source.size - size + at


def _end64(label: str, before: bytes, locator: bytes, start: int) -> End:
    """The zip64 end record, which must stand right before its locator and have no room for anything else."""
    fault = "has a zip64 end that isn't where or as it must be"
    if len(before) < END64.size or LOCATOR.unpack(locator)[1:] != (0, start, 1):
        raise malformed(label, fault)
    record = END64.unpack(before[-END64.size :])
    signature, size, _, _, disk, directory_disk, here, count, directory_size, offset = record
    if signature != END64_SIGNATURE or size != END64.size - 12 or disk or directory_disk or here != count:
        raise malformed(label, fault)
    return End(count, directory_size, offset)


def _records(label: str, directory: bytes, count: int) -> list[Record]:
    records: list[Record] = []
    at, size = 0, len(directory)
    for _ in range(count):
        if at + CENTRAL.size > size:
            raise malformed(label, "has fewer members in its directory than its end says")
        (
            signature, version, flags, method, crc, packed, unpacked, name_size, extra_size, comment_size, disk, mode,
            header,
        ) = CENTRAL.unpack_from(directory, at)  # fmt: skip
        name_at, name_end = at + CENTRAL.size, at + CENTRAL.size + name_size
        at = name_end + extra_size + comment_size
        if signature != CENTRAL_SIGNATURE or at > size or disk or version > NEWEST_VERSION:
            raise malformed(label, f"has a damaged directory, in the record of its member number {len(records) + 1}")
        name = directory[name_at:name_end]
        if extra_size or SENTINEL in {header, packed, unpacked}:
            extra = directory[name_end : name_end + extra_size]
            unpacked, packed, header = _large(label, name, extra, (unpacked, packed, header))
        record = Record(header, name, flags, method, crc, packed, unpacked)
        if flags & ODD_FLAGS or mode or method or packed != unpacked or name.endswith(b"/"):
            _judge(label, record, mode)
        records.append(record)
    if at != size:
        raise malformed(label, "has more in its directory than its end says")
    return records


def _judge(label: str, record: Record, mode: int) -> None:
    """Refuse a member that isn't a plain file or folder, whole and in the clear."""
    name, is_folder = text(record.name), record.name.endswith(b"/")
    if record.flags & 1:
        raise malformed(label, f"says that its member '{name}' is encrypted, which not every reader heeds")
    if record.flags & ODD_FLAGS:
        raise malformed(label, f"has odd flags ({record.flags:#06x}) on its member '{name}'")
    if record.method not in {STORED, DEFLATED}:
        raise UnsupportedFormatError(
            f"{label} packs its member '{name}' by method {record.method}, which isn't read.",
            "Unpack it yourself and pack it again with `zip -r`.",
        )
    if record.method == STORED and record.packed_size != record.size:
        raise malformed(label, f"gives two sizes for its stored member '{name}'")
    kind = (mode >> 16) & TYPE_BITS
    if kind not in (FOLDER_TYPES if is_folder else FILE_TYPES) or (mode & DOS_FOLDER and not is_folder):
        raise malformed(label, f"holds '{name}' as a link or as something else than its name says")
    if is_folder and (record.size or record.packed_size > EMPTY_DEFLATED_BYTES):
        raise malformed(label, f"has content in its folder '{name}'")


def zip64_field(label: str, name: bytes, extra: bytes) -> bytes | None:
    """Walk a member's extra fields and give the content of its zip64 field, if there is one."""
    if extra.startswith(TORCH_PADDING) and len(extra) == 4 + int.from_bytes(extra[2:4], "little"):
        return None  # a torch archive has one on every member
    at, large = 0, None
    while at < len(extra):
        tag, size = int.from_bytes(extra[at : at + 2], "little"), int.from_bytes(extra[at + 2 : at + 4], "little")
        content = extra[at + 4 : at + 4 + size]
        if at + 4 > len(extra) or len(content) != size:
            raise malformed(label, f"has extra fields on its member '{text(name)}' that run past their end")
        if tag == ZIP64_FIELD and large is None:
            large = content
        elif tag not in HARMLESS_FIELDS:
            raise malformed(label, f"has the extra field {tag:#06x} on its member '{text(name)}', which isn't harmless")
        at += 4 + size
    return large


def _large(label: str, name: bytes, extra: bytes, values: tuple[int, int, int]) -> tuple[int, int, int]:
    """The values of a record, those taken from the zip64 field that have no room elsewhere."""
    field, wanted = zip64_field(label, name, extra), values.count(SENTINEL)
    if field is None and not wanted:
        return values
    if field is None or not wanted or len(field) != 8 * wanted:
        raise malformed(label, f"has a zip64 field on its member '{text(name)}' that doesn't fit its record")
    numbers = (int.from_bytes(field[at : at + 8], "little") for at in range(0, len(field), 8))
    size, packed, header = (next(numbers) if value == SENTINEL else value for value in values)
    return size, packed, header
