"""Zip archives, read strictly: only one in which every reader, torch's and Python's alike, sees the same members."""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from ..errors import MalformedError
from ..guard.secrets import shown
from ..guard.source import RangeSource, Source
from .compressed import inflate, too_big
from .limits import LIMITS, Limits
from .zip_directory import (
    DEFLATED,
    HAS_DESCRIPTOR,
    IS_UTF8,
    SENTINEL,
    Record,
    malformed,
    read_directory,
    text,
    zip64_field,
)
from .zip_names import judged_names

__all__ = ["Member", "ZipArchive"]

LOCAL = Struct("<L2x2H4x3L2H")
LOCAL_SIGNATURE = 0x04034B50
DESCRIPTOR = Struct("<4L")
DESCRIPTOR64 = Struct("<2L2Q")
DESCRIPTOR_SIGNATURE = 0x08074B50
WINDOW_BYTES = 4096  # read at once from the end of one member: the next header, and more where members are small
CRC_PIECE_BYTES = 1 << 20


class Member(NamedTuple):
    """A member of an archive.

    Attributes:
        name: its name, judged.
        offset: where its data begins in the archive.
        size: its length in bytes, unpacked.
        packed_size: how many bytes it takes in the archive.
        crc: the CRC-32 that its content should have; 0 where torch was told to compute none.
        is_packed: whether it is deflated.
    """

    name: str
    offset: int
    size: int
    packed_size: int
    crc: int
    is_packed: bool


class ZipArchive:
    """A canonical zip archive.

    Attributes:
        source: the archive's bytes.
        members: its files by name, in file order; folders are proven and left out.
    """

    def __init__(self, source: Source, members: dict[str, Member], limits: Limits = LIMITS) -> None:
        self.source = source
        self.members = members
        self._limits = limits
        self._deflated_bytes = sum([member.size for member in members.values() if member.is_packed])

    @classmethod
    def read(cls, source: Source, limits: Limits = LIMITS) -> ZipArchive:
        """Read the directory and prove it: members fill the file, and say of themselves what it says of them.

        Raises:
            MalformedError: two readers could see different content, or it asks for more than is allowed.
            UnsupportedFormatError: a member is packed in a way that isn't read.
        """
        records, directory = read_directory(source, limits)
        names = judged_names(source.label, [(record.name, bool(record.flags & IS_UTF8)) for record in records])
        places = _places(source, records, directory)
        members = {
            name: Member(name, place, record.size, record.packed_size, record.crc, record.method == DEFLATED)
            for name, place, record in zip(names, places, records, strict=True)
            if not name.endswith("/")
        }
        return cls(source, members, limits)

    def open(self, name: str) -> RangeSource:
        """The content of a member; it bears its CRC and isn't compared with it.

        Raises:
            MalformedError: there is no such member, or the archive unpacks to more than is allowed.
        """
        member = self._member(name)
        label = f"{self.source.label}, member {name[:120]}"  # judged: nothing in it deceives
        content = RangeSource(self.source, member.offset, member.packed_size, label)
        if member.is_packed:
            if self._deflated_bytes > self._limits.unpacked(self.source.size):
                raise too_big(self.source.label, self._limits, self.source.size)
            content = RangeSource(inflate(content, member.size, label), 0, member.size, label)
        content.crc = member.crc or None
        return content

    def verify(self, name: str) -> None:
        """Compare the content of a member with its CRC, if it has one; a zero is what torch writes for none.

        Raises:
            MalformedError: they differ.
        """
        from zlib import crc32

        source, crc = self.open(name), 0
        for offset in range(0, source.size, CRC_PIECE_BYTES):
            crc = crc32(source.read_at(offset, min(CRC_PIECE_BYTES, source.size - offset)), crc)
        if self._member(name).crc not in {0, crc}:
            raise malformed(
                source.label, "doesn't have the CRC-32 that the archive promises: it was changed or damaged"
            )

    def _member(self, name: str) -> Member:
        member = self.members.get(name)
        if member is None:
            raise malformed(self.source.label, f"has no member '{shown(name, 120)}'")
        return member


class _Window:
    """The stretch of the archive that was read last."""

    def __init__(self, source: Source, end: int) -> None:
        self._source = source
        self._end = end
        self._start = 0
        self._data = b""

    def take(self, at: int, size: int) -> bytes:
        """The bytes from `at`; fewer where the directory begins before."""
        index = at - self._start
        if index < 0 or index + size > len(self._data):
            index, self._start = 0, at
            self._data = self._source.read_at(at, max(0, min(max(size, WINDOW_BYTES), self._end - at)))
        return self._data[index : index + size]


def _places(source: Source, records: list[Record], directory: int) -> list[int]:
    """Where each member's data begins, proven: headers, data and descriptors fill the file up to the directory."""
    label, take, places, expected = source.label, _Window(source, directory).take, [], 0
    ends = [record.header for record in records[1:]] + [directory]
    for record, end in zip(records, ends, strict=False):
        header, name, flags, method, crc, packed, size = record
        fixed = header + LOCAL.size + len(name)
        if header != expected or end > directory or fixed > end:
            raise _untiled(label, name)
        head = take(header, LOCAL.size + len(name))
        signature, own_flags, own_method, own_crc, own_packed, own_size, name_size, extra_size = LOCAL.unpack_from(head)
        if signature != LOCAL_SIGNATURE or name_size != len(name) or head[LOCAL.size :] != name or own_method != method:
            raise _differs(label, name)
        if (own_flags ^ flags) & ~HAS_DESCRIPTOR:
            raise _differs(label, name)
        place = fixed + extra_size
        gap = end - place - packed
        if gap not in {0, 16, 24}:
            raise _untiled(label, name)
        field = zip64_field(label, name, take(fixed, extra_size)) if extra_size else None
        own = own_crc, own_packed, own_size
        if own_flags & HAS_DESCRIPTOR:
            _prove_described(label, record, own, field, take(place + packed, gap))
        elif gap or own != (crc, packed, size) or field is not None:
            _prove_sizes(label, record, own, field, gap)
        places.append(place)
        expected = end
    if expected != directory:
        raise malformed(label, "holds bytes before its directory that belong to no member")
    return places


def _prove_sizes(label: str, record: Record, own: tuple[int, int, int], field: bytes | None, gap: int) -> None:
    """A header that gives its sizes: they are the directory's, and the next header follows the data at once."""
    if gap:
        raise _untiled(label, record.name)
    crc, packed, size = own
    if SENTINEL in {packed, size} and field is not None and len(field) == 16:
        large_size, large_packed = int.from_bytes(field[:8], "little"), int.from_bytes(field[8:], "little")
        size = large_size if size == SENTINEL else size
        packed = large_packed if packed == SENTINEL else packed
    elif field is not None and not _is_true(record, field):
        raise _differs(label, record.name)
    if (crc, packed, size) != (record.crc, record.packed_size, record.size):
        raise _differs(label, record.name)


def _prove_described(
    label: str, record: Record, own: tuple[int, int, int], field: bytes | None, descriptor: bytes
) -> None:
    """A header that leaves its sizes to a descriptor after the data: what either gives is true."""
    _, name, _, _, crc, packed, size = record
    if own != (0, 0, 0) and (
        own[0] not in {0, crc} or own[1] not in {0, packed, SENTINEL} or own[2] not in {0, size, SENTINEL}
    ):
        raise _differs(label, name)
    if field is not None and not _is_true(record, field):
        raise _differs(label, name)
    if len(descriptor) == DESCRIPTOR.size and packed <= SENTINEL and size <= SENTINEL:
        is_true = descriptor == DESCRIPTOR.pack(DESCRIPTOR_SIGNATURE, crc, packed, size)
    elif len(descriptor) == DESCRIPTOR64.size:
        is_true = descriptor == DESCRIPTOR64.pack(DESCRIPTOR_SIGNATURE, crc, packed, size)
    else:
        is_true = not descriptor and not packed and not size and not crc  # torch writes none after an empty member
    if not is_true:
        raise _differs(label, name)


def _is_true(record: Record, field: bytes) -> bool:
    """Whether a zip64 field beside the data, of which nothing is taken, at least doesn't lie.

    torch writes one before the sizes are known, of (size, 0), of where the header stands, or of all three.
    """
    values = [int.from_bytes(field[at : at + 8], "little") for at in range(0, len(field), 8)]
    allowed = ({0, record.size}, {0, record.packed_size}, {record.header}) if len(values) > 1 else ({record.header},)
    return (
        len(field) in {8, 16, 24}
        and len(values) <= len(allowed)
        and all(value in right for value, right in zip(values, allowed, strict=False))
    )


def _untiled(label: str, name: bytes) -> MalformedError:
    return malformed(
        label, f"has a gap, an overlap or a cut at its member '{text(name)}': its members must fill the file"
    )


def _differs(label: str, name: bytes) -> MalformedError:
    return malformed(label, f"says one thing of its member '{text(name)}' in the directory and another beside the data")
