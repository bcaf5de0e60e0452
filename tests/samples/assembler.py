"""A small assembler of pickles: values are written opcode by opcode, and no object is ever pickled or called here."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

__all__ = ["Built", "Call", "Name", "New", "Persistent", "Raw", "assembled", "filled", "opcodes"]


@dataclass(frozen=True, eq=False)
class Name:
    """A name to import."""

    module: str
    name: str


@dataclass(frozen=True, eq=False)
class Call:
    """REDUCE: a function with its arguments."""

    function: Any
    arguments: tuple[Any, ...] = ()


@dataclass(frozen=True, eq=False)
class New:
    """NEWOBJ: `cls.__new__` with arguments; before protocol 2 `copyreg.__newobj__` says the same."""

    cls: Any
    arguments: tuple[Any, ...] = ()


@dataclass(frozen=True, eq=False)
class Built:
    """BUILD: an object that takes a state."""

    target: Any
    state: Any


@dataclass(frozen=True, eq=False)
class Persistent:
    """BINPERSID: what stands outside of the pickle."""

    identity: Any


@dataclass(frozen=True, eq=False)
class Raw:
    """Opcodes as they stand, which leave one value."""

    code: bytes


def assembled(value: Any, protocol: int = 2, *, framed: bool | None = None) -> bytes:
    """A whole pickle of one value."""
    body = opcodes(value, protocol) + b"."
    if protocol >= 4 and framed is not False:
        body = b"\x95" + struct.pack("<Q", len(body)) + body
    return (b"\x80" + bytes([protocol]) if protocol >= 2 else b"") + body


def opcodes(value: Any, protocol: int = 2) -> bytes:
    """The opcodes that push one value."""
    writers: dict[type, Callable[[Any, int], bytes]] = {
        Raw: lambda raw, _: raw.code,
        Name: _name,
        New: _new,
        Call: lambda call, number: opcodes(call.function, number) + opcodes(call.arguments, number) + b"R",
        Built: lambda built, number: opcodes(built.target, number) + opcodes(built.state, number) + b"b",
        Persistent: lambda one, number: opcodes(one.identity, number) + b"Q",
        tuple: _container,
        list: _container,
        dict: _container,
    }
    return writers.get(type(value), _scalar)(value, protocol)


def filled(value: Any, marker: str) -> Any:
    """A copy with `{marker}` written in, wherever it stands in a text or bytes."""
    if isinstance(value, str):
        return value.replace("{marker}", marker)
    if isinstance(value, bytes):
        return value.replace(b"{marker}", marker.encode())
    if isinstance(value, tuple | list):
        return type(value)(filled(item, marker) for item in value)
    if isinstance(value, dict):
        return {filled(key, marker): filled(item, marker) for key, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{field.name: filled(getattr(value, field.name), marker) for field in fields(value)})
    return value


def _name(value: Name, protocol: int) -> bytes:
    if protocol >= 4:
        return _text(value.module, protocol) + _text(value.name, protocol) + b"\x93"
    return b"c" + value.module.encode() + b"\n" + value.name.encode() + b"\n"


def _new(value: New, protocol: int) -> bytes:
    if protocol >= 2:
        return opcodes(value.cls, protocol) + opcodes(value.arguments, protocol) + b"\x81"
    return opcodes(Call(Name("copy_reg", "__newobj__"), (value.cls, *value.arguments)), protocol)


def _scalar(value: Any, protocol: int) -> bytes:
    if value is None:
        return b"N"
    if isinstance(value, bool):
        return (b"\x88" if value else b"\x89") if protocol >= 2 else (b"I01\n" if value else b"I00\n")
    if isinstance(value, int):
        return _integer(value, protocol)
    if isinstance(value, float):
        return b"G" + struct.pack(">d", value) if protocol else b"F" + repr(value).encode() + b"\n"
    if isinstance(value, str):
        return _text(value, protocol)
    return _bytes(value, protocol)


def _integer(value: int, protocol: int) -> bytes:
    if protocol == 0:
        return b"I%d\n" % value if -(1 << 31) <= value < 1 << 31 else b"L%dL\n" % value
    if 0 <= value < 256:
        return b"K" + bytes([value])
    if -(1 << 31) <= value < 1 << 31:
        return b"J" + struct.pack("<i", value)
    if protocol < 2:
        return b"L%dL\n" % value
    packed = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(packed)]) + packed if len(packed) < 256 else b"\x8b" + _u32(packed) + packed


def _text(value: str, protocol: int) -> bytes:
    if protocol == 0:
        return b"V" + value.encode("raw_unicode_escape").replace(b"\n", b"\\u000a") + b"\n"
    encoded = value.encode("utf-8", "surrogatepass")
    if protocol >= 4 and len(encoded) < 256:
        return b"\x8c" + bytes([len(encoded)]) + encoded
    return b"X" + _u32(encoded) + encoded


def _bytes(value: bytes, protocol: int) -> bytes:
    if protocol >= 3:
        return b"C" + bytes([len(value)]) + value if len(value) < 256 else b"B" + _u32(value) + value
    # As CPython writes bytes for a protocol that has none.
    return opcodes(Call(Name("_codecs", "encode"), (value.decode("latin-1"), "latin1")), protocol)


def _container(value: Any, protocol: int) -> bytes:
    if isinstance(value, tuple):
        return b"(" + b"".join(opcodes(item, protocol) for item in value) + b"t"
    if isinstance(value, list):
        return b"(l" + b"".join(opcodes(item, protocol) + b"a" for item in value)
    return b"(d" + b"".join(opcodes(key, protocol) + opcodes(one, protocol) + b"s" for key, one in value.items())


def _u32(value: bytes) -> bytes:
    return struct.pack("<I", len(value))
