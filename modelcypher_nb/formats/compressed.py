"""Compressed streams as bounded sources that unpack a piece at a time, without ever holding the whole."""

from __future__ import annotations

from _thread import allocate_lock  # without the rest of threading, which a cold command needn't load
from collections.abc import Callable, Iterator
from typing import NamedTuple, cast

from ..errors import MalformedError, UnsupportedFormatError
from ..guard.secrets import shown
from ..guard.source import BytesSource, Source
from .limits import LIMITS, Limits
from .packing import MEMORY_LIMIT, Codec, Decoder, ZlibDecoder, deflate, recognised
from .remedies import FETCH_AGAIN

__all__ = ["inflate", "too_big", "unwrap"]

PIECE_BYTES = 1 << 16
FIRST_INPUT_BYTES = 512  # what a new stream is fed: a file of a million tiny streams re-reads as much for each
KEPT_BYTES = 4 << 20  # what unpacks to no more stays in memory
MARKS = 48  # places to go back to; a decoder's copy takes some 45 KiB
FIRST_STRIDE_BYTES = 1 << 20
# bzip2, xz and lzma can't be resumed within a stream; a file made to be read backward would unpack again and again.
WORK_PASSES = 64
WORK_SLACK_BYTES = 1 << 30


class Mark(NamedTuple):
    """A place that unpacking can resume from.

    Attributes:
        position: how many bytes were unpacked before it.
        packed: where the next packed byte stands.
        streams: how many streams ended before it.
        decoder: the state within a stream; None between two.
    """

    position: int
    packed: int
    streams: int
    decoder: ZlibDecoder | None


START = Mark(0, 0, 0, None)


class Unpacking:
    """One walk through the packed bytes, forward only."""

    def __init__(self, source: Source, codec: Codec, most_streams: int, mark: Mark = START) -> None:
        self._source = source
        self._codec = codec
        self._most_streams = most_streams
        self.position = mark.position
        self._packed = mark.packed
        self._streams = mark.streams
        self._decoder: Decoder | None = mark.decoder.copy() if mark.decoder is not None else None
        self._input_bytes = PIECE_BYTES if mark.decoder is not None else FIRST_INPUT_BYTES

    def piece(self) -> bytes:
        """The next unpacked bytes, at most `PIECE_BYTES`; none when every stream ended and its checks held."""
        while True:
            if self._decoder is None and not self._begin():
                return b""
            unpacked = self._step(cast("Decoder", self._decoder))
            if unpacked:
                self.position += len(unpacked)
                return unpacked

    def mark(self) -> Mark | None:
        """This place, if unpacking can resume from it."""
        decoder = self._decoder
        if decoder is None:
            return Mark(self.position, self._packed, self._streams, None)
        if isinstance(decoder, ZlibDecoder):
            return Mark(self.position, self._packed, self._streams, decoder.copy())
        return None

    def _begin(self) -> bool:
        """Start the next stream; False where the file ends."""
        codec = self._codec
        if self._streams:
            left = self._source.size - self._packed
            if not left:
                return False
            magic = self._source.read_at(self._packed, min(left, len(codec.magic)))
            if not codec.is_repeated or magic != codec.magic:
                raise self._malformed(f"goes on after its {codec.name} stream, from byte {self._packed}")
            if self._streams >= self._most_streams:
                raise MalformedError(
                    f"{self._source.label} holds more than {self._most_streams:,} {codec.name} streams.",
                    f"If you trust it, allow more: MC_LIMIT_MEMBERS={self._most_streams * 10}.",
                )
        self._decoder = codec.begin()
        self._input_bytes = FIRST_INPUT_BYTES
        return True

    def _step(self, decoder: Decoder) -> bytes:
        data = b""
        if decoder.needs_input:
            data = self._source.read_at(self._packed, min(self._input_bytes, self._source.size - self._packed))
            if not data:
                raise self._malformed(f"ends within its {self._codec.name} stream")
            self._packed += len(data)
            self._input_bytes = min(2 * self._input_bytes, PIECE_BYTES)
        try:
            unpacked = decoder.decompress(data, PIECE_BYTES)
        except self._codec.errors as error:
            raise self._refused(error) from error
        if decoder.eof:
            self._packed -= len(decoder.unused_data)
            self._streams += 1
            self._decoder = None
        return unpacked

    def _refused(self, error: Exception) -> MalformedError | UnsupportedFormatError:
        if "emory usage limit" in str(error):
            return UnsupportedFormatError(
                f"{self._source.label} needs more than {MEMORY_LIMIT >> 20} MiB of memory to be unpacked.",
                f"Unpack it yourself with `{self._codec.tool}`, or pack it with `xz -9` or less.",
            )
        return self._malformed(f"holds a {self._codec.name} stream that doesn't unpack ({shown(error, 120)})")

    def _malformed(self, what: str) -> MalformedError:
        return MalformedError(f"{self._source.label} {what}.", FETCH_AGAIN)


class Marks:
    """Places spread evenly over what was unpacked so far: going back costs a share of the whole, not all of it."""

    def __init__(self) -> None:
        self._marks = [START]
        self._stride = FIRST_STRIDE_BYTES

    def note(self, unpacking: Unpacking) -> None:
        """Keep the place where the walk stands, if it is far enough from the last."""
        if unpacking.position - self._marks[-1].position < self._stride:
            return
        mark = unpacking.mark()
        if mark is not None:
            self._marks.append(mark)
            if len(self._marks) > MARKS:
                del self._marks[1::2]
                self._stride *= 2

    def before(self, position: int) -> Mark:
        """The last place at or before a position."""
        return next(mark for mark in reversed(self._marks) if mark.position <= position)


class UnpackedSource:
    """What a stream unpacks to. Reading on costs what is read; going back starts again from the nearest mark."""

    def __init__(self, begin: Callable[[Mark], Unpacking], size: int, label: str, marks: Marks, tool: str) -> None:
        self.label = label
        self.size = size
        self._begin = begin
        self._marks = marks
        self._tool = tool
        self._work_left = WORK_PASSES * size + WORK_SLACK_BYTES
        self._lock = allocate_lock()  # a file is read by several threads at once, and this stands for one
        self._restart(0)

    def read_at(self, offset: int, size: int) -> bytes:
        """Give exactly `size` bytes from `offset`."""
        with self._lock:
            return b"".join(self._parts(offset, size))

    def read_into(self, offset: int, target: memoryview) -> None:
        """Fill memory that the caller owns with the bytes from `offset`."""
        with self._lock:
            for part in self._parts(offset, len(target)):
                target[: len(part)] = part
                target = target[len(part) :]

    def _parts(self, offset: int, size: int) -> Iterator[bytes]:
        if offset < 0 or size < 0 or offset + size > self.size:
            raise MalformedError(
                f"{self.label} has {self.size} bytes, but bytes {offset} to {offset + size} were asked for.",
                FETCH_AGAIN,
            )
        if offset < self._start - len(self._before):
            self._restart(offset)
        end = offset + size
        while offset < end:
            while offset >= self._start + len(self._piece):
                self._advance()
            held, begin = self._piece, self._start
            if offset < begin:
                held, begin = self._before, begin - len(self._before)
            part = held[offset - begin : end - begin]
            offset += len(part)
            yield part

    def _restart(self, offset: int) -> None:
        mark = self._marks.before(offset)
        self._unpacking = self._begin(mark)
        self._before = self._piece = b""
        self._start = mark.position

    def _advance(self) -> None:
        """Unpack the next piece; the one before it stays, for whoever goes back a little."""
        try:
            piece = self._unpacked()
        except BaseException:
            self._restart(0)  # an interrupted decoder has lost bytes, and a lie is found again
            raise
        self._start += len(self._piece)
        self._before, self._piece = self._piece, piece

    def _unpacked(self) -> bytes:
        piece = self._unpacking.piece()
        end = self._unpacking.position
        if not piece or end > self.size:
            raise self.wrong_size()
        self._work_left -= len(piece)
        if self._work_left < 0:
            raise UnsupportedFormatError(
                f"{self.label} would have to be unpacked over {WORK_PASSES} times to be read in the order asked for.",
                f"Unpack the file yourself (`{self._tool}`) and open the result.",
            )
        self._marks.note(self._unpacking)
        if end == self.size and self._unpacking.piece():
            raise self.wrong_size()
        return piece

    def wrong_size(self) -> MalformedError:
        """The error for a stream that lied about its size."""
        return MalformedError(f"{self.label} doesn't unpack to the {self.size:,} bytes that it promises.", FETCH_AGAIN)


def too_big(label: str, limits: Limits, packed: int) -> MalformedError:
    """The error for what unpacks to more than is allowed."""
    return MalformedError(
        f"{label} unpacks to more than {limits.unpacked(packed):,} bytes.",
        f"If you trust it and have the room, allow more: MC_LIMIT_UNPACKED_RATIO={limits.unpacked_ratio * 10}.",
    )


def unwrap(source: Source, limits: Limits = LIMITS) -> Source:
    """What a gzip, bzip2, xz, lzma or zlib file holds; one bounded pass learns its size and proves its checks.

    Raises:
        MalformedError: it is cut off, damaged, followed by other bytes, or unpacks to more than is allowed.
        UnsupportedFormatError: it is none of these, or asks for a huge dictionary.
    """
    codec, marks, most = recognised(source), Marks(), limits.unpacked(source.size)
    label = f"{source.label} (unpacked)"

    def begin(mark: Mark) -> Unpacking:
        return Unpacking(source, codec, limits.members, mark)

    unpacking = begin(START)
    kept: list[bytes] = []
    while piece := unpacking.piece():
        if unpacking.position > most:
            raise too_big(source.label, limits, source.size)
        if unpacking.position <= KEPT_BYTES:
            kept.append(piece)
        else:
            kept.clear()
        marks.note(unpacking)
    if unpacking.position <= KEPT_BYTES:
        return BytesSource(b"".join(kept), label)
    return UnpackedSource(begin, unpacking.position, label, marks, codec.tool)


def inflate(source: Source, size: int, label: str) -> Source:
    """What a zip's deflated member holds: exactly `size` bytes from exactly the bytes of `source`, or a refusal."""
    codec = deflate()

    def begin(mark: Mark) -> Unpacking:
        return Unpacking(source, codec, 1, mark)

    unpacked = UnpackedSource(begin, size, label, Marks(), codec.tool)
    if not size and begin(START).piece():
        raise unpacked.wrong_size()
    return unpacked
