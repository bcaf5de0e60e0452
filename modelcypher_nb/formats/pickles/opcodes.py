"""What each opcode of protocols 0 to 5 does to the machine's stack of descriptions."""

from __future__ import annotations

import codecs
import re
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .faults import FaultError
from .values import Described, LazyBytes, Opaque, PlainDict

if TYPE_CHECKING:
    from .machine import Machine

__all__ = ["OBEY"]

HIGHEST_PROTOCOL = 5
FIRST_OF_PYTHON_3 = 3
ESCAPE = re.compile(rb"\\([4-7][0-7]{2}|.)", re.DOTALL)
KNOWN_ESCAPES = frozenset(bytes([code]) for code in b"\n\\'\"abfnrtvx01234567")
Handler = Callable[["Machine"], "bool | None"]
OBEY: list[Handler | None] = [None] * 256


def obeys(*codes: bytes) -> Callable[[Handler], Handler]:
    """Enter a function as the handler of opcodes."""

    def enter(handler: Handler) -> Handler:
        for code in codes:
            OBEY[code[0]] = handler
        return handler

    return enter


# Beginning and end


@obeys(b"\x80")
def _proto(machine: Machine) -> None:
    protocol = machine.byte()
    if protocol > HIGHEST_PROTOCOL:
        raise FaultError("is of a protocol beyond 5")
    machine.policy.rename(is_old=protocol < FIRST_OF_PYTHON_3)


@obeys(b"\x95")
def _frame(machine: Machine) -> None:
    machine.frame()


@obeys(b".")
def _stop(machine: Machine) -> bool:
    return machine.stop()


# Numbers


@obeys(b"N")
def _none(machine: Machine) -> None:
    machine.stack.append(None)


@obeys(b"\x88")
def _true(machine: Machine) -> None:
    machine.stack.append(True)


@obeys(b"\x89")
def _false(machine: Machine) -> None:
    machine.stack.append(False)


@obeys(b"I")
def _int(machine: Machine) -> None:
    line = machine.line()
    value: int | bool = line == b"01" if line in {b"00", b"01"} else int(line, 0)
    machine.stack.append(value)


@obeys(b"L")
def _long(machine: Machine) -> None:
    machine.stack.append(int(machine.line().removesuffix(b"L"), 0))


@obeys(b"J")
def _binint(machine: Machine) -> None:
    machine.stack.append(int.from_bytes(machine.read(4), "little", signed=True))


@obeys(b"K")
def _binint1(machine: Machine) -> None:
    machine.stack.append(machine.byte())


@obeys(b"M")
def _binint2(machine: Machine) -> None:
    machine.stack.append(machine.number(2))


@obeys(b"\x8a")
def _long1(machine: Machine) -> None:
    machine.stack.append(int.from_bytes(machine.read(machine.byte()), "little", signed=True))


@obeys(b"\x8b")
def _long4(machine: Machine) -> None:
    size = int.from_bytes(machine.read(4), "little", signed=True)
    if size < 0:
        raise FaultError("holds a number of a negative length")
    machine.stack.append(int.from_bytes(machine.read(size), "little", signed=True))


@obeys(b"F")
def _float(machine: Machine) -> None:
    machine.stack.append(float(machine.line()))


@obeys(b"G")
def _binfloat(machine: Machine) -> None:
    machine.stack.append(struct.unpack(">d", machine.read(8))[0])


# Texts and bytes


def _old_text(data: bytes) -> str | bytes:
    """Python 2's str: text where it is one, else bytes."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data


def _accepted(match: re.Match[bytes]) -> bytes:
    """An escape in a spelling that Python has no warning for, with the same meaning."""
    text = match[1]
    if len(text) == 3:
        return b"\\x%02x" % (int(text, 8) & 0xFF)
    return match[0] if text in KNOWN_ESCAPES else b"\\" + match[0]


@obeys(b"S")
def _string(machine: Machine) -> None:
    line = machine.line().strip()
    if len(line) < 2 or line[:1] not in {b"'", b'"'} or line[-1:] != line[:1]:
        raise FaultError("holds a text without quotes")
    machine.stack.append(_old_text(codecs.escape_decode(ESCAPE.sub(_accepted, line[1:-1]))[0]))


@obeys(b"U")
def _short_binstring(machine: Machine) -> None:
    machine.stack.append(_old_text(machine.read(machine.byte())))


@obeys(b"T")
def _binstring(machine: Machine) -> None:
    size = int.from_bytes(machine.read(4), "little", signed=True)
    if size < 0:
        raise FaultError("holds a text of a negative length")
    data = machine.blob(size)
    machine.stack.append(_old_text(data) if isinstance(data, bytes) else data)


@obeys(b"V")
def _unicode(machine: Machine) -> None:
    machine.stack.append(machine.line().decode("raw-unicode-escape"))


@obeys(b"\x8c")
def _short_binunicode(machine: Machine) -> None:
    machine.stack.append(machine.read(machine.byte()).decode("utf-8", "surrogatepass"))


@obeys(b"X")
def _binunicode(machine: Machine) -> None:
    machine.stack.append(machine.read(machine.number(4)).decode("utf-8", "surrogatepass"))


@obeys(b"\x8d")
def _binunicode8(machine: Machine) -> None:
    machine.stack.append(machine.read(machine.number(8)).decode("utf-8", "surrogatepass"))


@obeys(b"C")
def _short_binbytes(machine: Machine) -> None:
    machine.stack.append(machine.read(machine.byte()))


@obeys(b"B")
def _binbytes(machine: Machine) -> None:
    machine.stack.append(machine.blob(machine.number(4)))


@obeys(b"\x8e")
def _binbytes8(machine: Machine) -> None:
    machine.stack.append(machine.blob(machine.number(8)))


@obeys(b"\x96")
def _bytearray8(machine: Machine) -> None:
    data = machine.blob(machine.number(8))
    if isinstance(data, bytes):
        machine.stack.append(bytearray(data))
    else:
        machine.stack.append(LazyBytes(data.source, data.offset, data.size, is_mutable=True))


@obeys(b"\x97", b"\x98")
def _buffers(machine: Machine) -> None:
    del machine
    raise FaultError("needs buffers that lie outside of it")


# Containers


@obeys(b"(")
def _mark(machine: Machine) -> None:
    machine.push_mark()


@obeys(b")")
def _empty_tuple(machine: Machine) -> None:
    machine.stack.append(())


@obeys(b"t")
def _tuple(machine: Machine) -> None:
    items = machine.pop_mark()
    machine.stack.append(tuple(items))


@obeys(b"\x85")
def _tuple1(machine: Machine) -> None:
    machine.stack[-1] = (machine.stack[-1],)


@obeys(b"\x86")
def _tuple2(machine: Machine) -> None:
    second = machine.stack.pop()
    machine.stack[-1] = (machine.stack[-1], second)


@obeys(b"\x87")
def _tuple3(machine: Machine) -> None:
    third, second = machine.stack.pop(), machine.stack.pop()
    machine.stack[-1] = (machine.stack[-1], second, third)


@obeys(b"]")
def _empty_list(machine: Machine) -> None:
    machine.stack.append([])


@obeys(b"l")
def _list(machine: Machine) -> None:
    items = machine.pop_mark()
    machine.stack.append(items)


@obeys(b"}")
def _empty_dict(machine: Machine) -> None:
    machine.stack.append({})


@obeys(b"d")
def _dict(machine: Machine) -> None:
    pairs = machine.pairs(machine.pop_mark())
    machine.stack.append(dict(pairs))


@obeys(b"\x8f")
def _empty_set(machine: Machine) -> None:
    machine.stack.append(set())


def _members(machine: Machine, items: list[Any]) -> list[Any]:
    for item in items:
        machine.key(item)
    return items


@obeys(b"\x91")
def _frozenset(machine: Machine) -> None:
    items = _members(machine, machine.pop_mark())
    machine.stack.append(frozenset(items))


def _extend(machine: Machine, items: list[Any]) -> None:
    target = machine.stack[-1]
    if type(target) is list:
        target.extend(items)
    else:
        machine.policy.extend(target, items, machine.offset)


@obeys(b"a")
def _append(machine: Machine) -> None:
    item = machine.stack.pop()
    _extend(machine, [item])


@obeys(b"e")
def _appends(machine: Machine) -> None:
    items = machine.pop_mark()
    _extend(machine, items)


@obeys(b"\x90")
def _additems(machine: Machine) -> None:
    items = machine.pop_mark()
    target = machine.stack[-1]
    if type(target) is set:
        target.update(_members(machine, items))
    else:
        machine.policy.extend(target, items, machine.offset)


def _set_items(machine: Machine, items: list[Any]) -> None:
    target = machine.stack[-1]
    if type(target) is dict:
        target.update(machine.pairs(items))
    elif type(target) is PlainDict:
        pairs = machine.pairs(items)
        if not target.kind.startswith("collections."):  # the others make attributes of their items
            machine.policy.attach(target, pairs, machine.offset)
        target.update(pairs)
    else:
        machine.policy.set_items(target, machine.pairs(items), machine.offset)


@obeys(b"s")
def _setitem(machine: Machine) -> None:
    value, key = machine.stack.pop(), machine.stack.pop()
    _set_items(machine, [key, value])


@obeys(b"u")
def _setitems(machine: Machine) -> None:
    items = machine.pop_mark()
    _set_items(machine, items)


# The stack and the memo


@obeys(b"0")
def _pop(machine: Machine) -> None:
    if machine.stack:
        machine.stack.pop()
    else:
        machine.pop_mark()


@obeys(b"1")
def _pop_mark(machine: Machine) -> None:
    machine.pop_mark()


@obeys(b"2")
def _dup(machine: Machine) -> None:
    machine.stack.append(machine.stack[-1])


@obeys(b"g")
def _get(machine: Machine) -> None:
    machine.recall(int(machine.line()))


@obeys(b"h")
def _binget(machine: Machine) -> None:
    machine.recall(machine.byte())


@obeys(b"j")
def _long_binget(machine: Machine) -> None:
    machine.recall(machine.number(4))


@obeys(b"p")
def _put(machine: Machine) -> None:
    index = int(machine.line())
    if index < 0:
        raise FaultError("keeps a value under a negative number")
    machine.memo[index] = machine.stack[-1]


@obeys(b"q")
def _binput(machine: Machine) -> None:
    machine.memo[machine.byte()] = machine.stack[-1]


@obeys(b"r")
def _long_binput(machine: Machine) -> None:
    machine.memo[machine.number(4)] = machine.stack[-1]


@obeys(b"\x94")
def _memoize(machine: Machine) -> None:
    machine.memo[len(machine.memo)] = machine.stack[-1]


# Names, calls and instances: all of these are only described


def _text(line: bytes) -> str:
    return line.decode("utf-8")


@obeys(b"c")
def _global(machine: Machine) -> None:
    module = _text(machine.line())
    machine.push_global(module, _text(machine.line()))


@obeys(b"\x93")
def _stack_global(machine: Machine) -> None:
    name, module = machine.stack.pop(), machine.stack.pop()
    machine.push_global(module, name)


@obeys(b"\x82")
def _ext1(machine: Machine) -> None:
    machine.stack.append(machine.policy.extension(machine.number(1), machine.offset))


@obeys(b"\x83")
def _ext2(machine: Machine) -> None:
    machine.stack.append(machine.policy.extension(machine.number(2), machine.offset))


@obeys(b"\x84")
def _ext4(machine: Machine) -> None:
    machine.stack.append(machine.policy.extension(machine.number(4), machine.offset))


@obeys(b"R")
def _reduce(machine: Machine) -> None:
    arguments = machine.stack.pop()
    machine.stack[-1] = machine.policy.call(machine.stack[-1], arguments, machine.offset)


@obeys(b"\x81")
def _newobj(machine: Machine) -> None:
    arguments = machine.stack.pop()
    machine.stack[-1] = machine.policy.new(machine.stack[-1], arguments, machine.offset)


@obeys(b"\x92")
def _newobj_ex(machine: Machine) -> None:
    named, arguments = machine.stack.pop(), machine.stack.pop()
    machine.stack[-1] = machine.policy.new(machine.stack[-1], arguments, machine.offset, named)


@obeys(b"i")
def _inst(machine: Machine) -> None:
    module = _text(machine.line())
    name = _text(machine.line())
    arguments = machine.pop_mark()
    found = machine.policy.name(module, name, machine.offset)
    machine.stack.append(machine.policy.call(found, tuple(arguments), machine.offset))


@obeys(b"o")
def _obj(machine: Machine) -> None:
    items = machine.pop_mark()
    machine.stack.append(machine.policy.call(items[0], tuple(items[1:]), machine.offset))


@obeys(b"b")
def _build(machine: Machine) -> None:
    state = machine.stack.pop()
    target = machine.stack[-1]
    if type(target) is Opaque or not isinstance(target, Described):
        machine.policy.fill(target, state, machine.offset)
    else:
        machine.policy.build(target, state, machine.offset)
    machine.built(machine.stack[-1])


@obeys(b"P")
def _persid(machine: Machine) -> None:
    machine.persistent(_text(machine.line()))


@obeys(b"Q")
def _binpersid(machine: Machine) -> None:
    machine.persistent(machine.stack.pop())
