"""The symbolic pickle machine: it walks opcodes and builds descriptions; it imports nothing and calls nothing."""

from __future__ import annotations

import struct
from typing import Any

from ...errors import MalformedError
from ...guard.secrets import shown
from ...guard.source import RangeSource, Source
from .context import Context
from .faults import FaultError
from .opcodes import OBEY
from .policy import Policy
from .values import LazyBytes

__all__ = ["Machine"]

WINDOW_BYTES = 1 << 20
LAZY_BYTES = 1 << 16  # longer byte strings stay in the file
LONGEST_LINE = 1 << 16
LONGEST_KEY_NESTING = 8
KEY_COST = 64  # for each member of a tuple that is a key
MOST_SAME_HASHES = 2_000  # numeric keys that collide with another
HASH_MODULUS = 2**61 - 1  # Python's integers of this size and beyond share hashes with smaller ones
NOWHERE = 1 << 63
INLINE = frozenset(b"\x71\x72\x4b\x94\x68")
CUT_OFF = "The file is cut off or lies about its content: fetch it again from where it came."


class Machine:
    """One pickle after another of a source, each described.

    Attributes:
        source: the bytes.
        context: the surroundings.
        memo: what was kept under a number.
    """

    def __init__(self, source: Source, context: Context, start: int = 0) -> None:
        self.source = source
        self.context = context
        self.policy = Policy(context)
        context.allow(source.size - start)
        self.memo: dict[int, Any] = {}
        self.stack: list[Any] = []
        self.offset = start  # of the opcode that is being obeyed
        self._outer: list[list[Any]] = []
        self._base = start  # where in the source the window begins
        self._window = b""
        self._at = 0  # within the window
        self._frame_end = NOWHERE
        self._walked = 0
        self._hashed: dict[int, Any] = {}
        self._same_hashes = 0
        self._result: Any = None

    @property
    def position(self) -> int:
        """The next byte of the source."""
        return self._base + self._at

    def run(self) -> Any:
        """Walk one pickle to its STOP.

        Returns:
            What it describes: plain data and the classes of `values`.

        Raises:
            MalformedError: it breaks its own rules; what was found before stands in the context.
        """
        try:
            self._walk()
        except FaultError as fault:
            raise self._malformed(str(fault)) from None
        except IndexError:
            raise self._malformed("takes a value from an empty stack") from None
        except struct.error:
            raise self._malformed("ends in the middle of a number") from None
        except (UnicodeError, ValueError) as error:
            raise self._malformed(f"holds a text or number that isn't one ({shown(error, 80)})") from None
        finally:
            self.policy.finish(self._result)
        return self._result

    def take(self, size: int) -> Source:
        """Hand over bytes that follow in the stream and aren't opcodes, and move past them."""
        if size < 0 or self.position + size > self.source.size:
            raise FaultError(f"announces {size} bytes, but only {self.source.size - self.position} follow")
        if self._frame_end not in {NOWHERE, self.position}:
            raise FaultError("has bytes within a frame that are no opcodes")
        self._frame_end = NOWHERE
        taken = RangeSource(self.source, self.position, size)
        self._move(self.position + size)
        return taken

    def _malformed(self, problem: str) -> MalformedError:
        inside = f"'{shown(self.context.member, 80)}' of {self.context.where}" if self.context.member else None
        label = inside or self.context.where
        error = MalformedError(f"The pickle in {label} {problem} at byte {self.offset}.", CUT_OFF)
        self.context.tell("malformed", "pickle-malformed", error.problem, self.offset, remedy=error.remedy)
        return error

    def _walk(self) -> None:
        self._result = None
        while not self._obey_some():
            if self.position >= self._frame_end:
                self._leave_frame()
            if self._at >= len(self._window):
                self._refill(1)
        if self._frame_end not in {NOWHERE, self.position}:
            raise FaultError("stops before the end of its frame")
        self._frame_end = NOWHERE
        self.stack, self._outer, self.memo = [], [], {}

    def _obey_some(self) -> bool:  # noqa: C901 - the one hot loop
        """Obey opcodes up to the end of the window or of the frame; gives whether STOP was among them."""
        window, at, stack, memo, frame_end = self._window, self._at, self.stack, self.memo, self._frame_end
        end = min(len(window), frame_end - self._base)
        inline = len(window) - 5  # the longest of the opcodes below fits before it
        while at < end:
            code = window[at]
            # Two thirds of what torch writes are these; each is obeyed here, without a call.
            if at < inline and code in INLINE:
                if code == 0x71:  # BINPUT
                    memo[window[at + 1]] = stack[-1]
                    at += 2
                elif code == 0x72:  # LONG_BINPUT
                    memo[int.from_bytes(window[at + 1 : at + 5], "little")] = stack[-1]
                    at += 5
                elif code == 0x4B:  # BININT1
                    stack.append(window[at + 1])
                    at += 2
                elif code == 0x94:  # MEMOIZE
                    memo[len(memo)] = stack[-1]
                    at += 1
                elif window[at + 1] in memo:  # BINGET
                    stack.append(memo[window[at + 1]])
                    at += 2
                else:
                    raise FaultError(f"recalls value {window[at + 1]}, which it never kept,")
                continue
            self.offset, self._at = self._base + at, at + 1
            handler = OBEY[code]
            if handler is None:
                raise FaultError(f"holds the byte 0x{code:02x}, which is no opcode,")
            if handler(self):
                return True
            at, stack = self._at, self.stack
            if window is not self._window or frame_end != self._frame_end:
                window, frame_end = self._window, self._frame_end
                end = min(len(window), frame_end - self._base)
                inline = len(window) - 5
        self._at = at
        return False

    def _leave_frame(self) -> None:
        if self.position > self._frame_end:
            raise FaultError("has a frame that is shorter than its content")
        self._frame_end = NOWHERE

    # Reading

    def _refill(self, needed: int) -> None:
        position = self.position
        left = self.source.size - position
        if left < needed:
            raise FaultError(f"ends where {needed} more {'byte is' if needed == 1 else 'bytes are'} due")
        self._walked += self._at
        if self._walked + needed > self.context.limits.pickle_bytes:
            raise FaultError(
                f"is longer than {self.context.limits.pickle_bytes} bytes, the setting MC_LIMIT_PICKLE_BYTES,"
            )
        self._window = self.source.read_at(position, min(left, max(needed, WINDOW_BYTES)))
        self._base, self._at = position, 0

    def _move(self, position: int) -> None:
        self._walked += self._at
        self._base, self._at, self._window = position, 0, b""

    def read(self, size: int) -> bytes:
        """The next bytes."""
        end = self._at + size
        if end > len(self._window):
            self._refill(size)
            end = size
        data = self._window[self._at : end]
        self._at = end
        return data

    def byte(self) -> int:
        """The next byte as a number."""
        if self._at >= len(self._window):
            self._refill(1)
        value = self._window[self._at]
        self._at += 1
        return value

    def number(self, size: int) -> int:
        """The next bytes as an unsigned number."""
        return int.from_bytes(self.read(size), "little")

    def line(self) -> bytes:
        """The next bytes up to a newline, without it."""
        end = self._window.find(b"\n", self._at)
        if end < 0:
            left = self.source.size - self.position
            self._refill(min(left, LONGEST_LINE) or 1)
            end = self._window.find(b"\n", 0, LONGEST_LINE)
            if end < 0:
                raise FaultError("has a line without an end")
        data = self._window[self._at : end]
        self._at = end + 1
        return data

    def blob(self, size: int) -> bytes | LazyBytes:
        """A byte string; a long one stays in the file."""
        if size <= LAZY_BYTES:
            return self.read(size)
        position = self.position
        if size > self.source.size - position:
            raise FaultError(f"announces {size} bytes, but only {self.source.size - position} follow")
        self._move(position + size)
        return LazyBytes(self.source, position, size)

    # The stack

    def pop_mark(self) -> list[Any]:
        """The values since the last mark."""
        if not self._outer:
            raise FaultError("closes what it never opened")
        items = self.stack
        self.stack = self._outer.pop()
        return items

    def push_mark(self) -> None:
        """Begin a new group of values."""
        self._outer.append(self.stack)
        self.stack = []

    def recall(self, index: int) -> None:
        """Push what the memo holds."""
        try:
            self.stack.append(self.memo[index])
        except KeyError:
            raise FaultError(f"recalls value {index}, which it never kept,") from None

    def pairs(self, items: list[Any]) -> list[tuple[Any, Any]]:
        """Keys and values in turn, each key one that a dict takes."""
        if len(items) % 2:
            raise FaultError("gives a key without a value")
        keys = items[::2]
        for key in keys:
            if type(key) is not str:
                self.key(key)
        return list(zip(keys, items[1::2], strict=True))

    def key(self, value: Any, nesting: int = 0) -> None:
        """Prove a dict's key or set's member hashable without calling anybody's code."""
        kind = type(value)
        if value is None or kind is str or kind is bytes or kind is bool:
            return
        if kind is int or kind is float or kind is complex:
            if not nesting and (kind is not int or not -HASH_MODULUS < value < HASH_MODULUS):
                self._count_numeric_key(value)
        elif kind is tuple:
            if nesting >= LONGEST_KEY_NESTING:
                raise FaultError("nests a dict's key too deep")
            self.context.spend(KEY_COST * len(value))  # tuples of one tuple of one tuple stand for endless ones
            for one in value:
                self.key(one, nesting + 1)
            if not nesting:  # with a text in it too: the number beside it can still be chosen
                self._count_numeric_key(value)
        elif not self.policy.may_be_hashed(value, self.offset):
            raise FaultError(f"makes a {kind.__name__} the key of a dict or the member of a set")

    def _count_numeric_key(self, value: Any) -> None:
        """Keys of one hash cost a dict the square of their number, and a writer can choose numbers of one hash."""
        kept = self._hashed.setdefault(hash(value), value)
        if kept is value or kept == value:
            return
        self._same_hashes += 1
        if self._same_hashes > MOST_SAME_HASHES:
            raise FaultError(f"has more than {MOST_SAME_HASHES} keys that share a hash with another")

    def stop(self) -> bool:
        """End the pickle with the value on top."""
        self._result = self.stack.pop()
        return True

    def frame(self) -> None:
        """Begin a frame."""
        if self._frame_end != NOWHERE:
            raise FaultError("begins a frame within a frame")
        size = self.number(8)
        if size > self.source.size - self.position:
            raise FaultError(f"has a frame of {size} bytes, but only {self.source.size - self.position} follow")
        if size:
            self._frame_end = self.position + size

    def push_global(self, module: Any, name: Any) -> None:
        """Push a name; nothing is imported."""
        if type(module) is not str or type(name) is not str:
            raise FaultError("names something by what is no text")
        self.stack.append(self.policy.name(module, name, self.offset))

    def persistent(self, identity: Any) -> None:
        """Push what a persistent id stands for."""
        self.stack.append(self.policy.persistent(identity, self.offset))

    def built(self, value: Any) -> None:
        """Let the format act on a value that was filled; what it gives takes its place."""
        if self.context.on_build is None:
            return
        replacement = self.context.on_build(self, value)
        if replacement is not None and replacement is not value:
            self.stack[-1] = replacement
            for index, kept in reversed(self.memo.items()):  # kept a moment ago, so it is among the last
                if kept is value:
                    self.memo[index] = replacement
                    break
