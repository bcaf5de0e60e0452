"""The header of a .npy file: a Python dict written as text, read by a small strict parser of our own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ..errors import MalformedError
from ..guard.secrets import shown
from ..guard.source import Source
from .pickles.arguments import a_shape
from .pickles.numpy_dtypes import DType, Field, read_dtype, record_of, subarray_of
from .pickles.values import UnfitError
from .remedies import FETCH_AGAIN

__all__ = ["MAGIC", "Header", "read_header"]

MAGIC = b"\x93NUMPY"
LONGEST_HEADER = 1 << 20
MOST_NESTING = 32
KEYS = ("descr", "fortran_order", "shape")
TOKEN = re.compile(
    r"""\s*(?:
        (?P<text>'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")
        |(?P<number>[0-9]{1,19})L?
        |(?P<word>True|False|None)
        |(?P<sign>[{}\[\](),:])
    )""",
    re.VERBOSE,
)
ESCAPE = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|([\\'\"nrt]))")
PLAIN_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


@dataclass(frozen=True, slots=True)
class Header:
    """What a .npy file says of its array.

    Attributes:
        dtype: of an item.
        shape: in items.
        is_fortran: whether the first index varies fastest.
        data_start: the first byte after the header.
    """

    dtype: DType
    shape: tuple[int, ...]
    is_fortran: bool
    data_start: int


def read_header(source: Source, start: int = 0) -> Header:
    """Read the header of the array that begins at `start`.

    Raises:
        MalformedError: it is cut off, or isn't what numpy writes.
    """
    fixed = source.read_at(start, 8)
    if fixed[:6] != MAGIC or fixed[6] not in {1, 2, 3} or fixed[7] != 0:
        raise _malformed(source, "doesn't begin as a .npy file of version 1.0, 2.0 or 3.0")
    width = 2 if fixed[6] == 1 else 4
    length = int.from_bytes(source.read_at(start + 8, width), "little")
    if length > LONGEST_HEADER:
        raise _malformed(source, f"has a header of {length} bytes, more than {LONGEST_HEADER}")
    data = source.read_at(start + 8 + width, length)
    try:
        text = data.decode("utf-8" if fixed[6] == 3 else "latin-1")
        return _understood(text, start + 8 + width + length)
    except UnicodeDecodeError as error:
        raise _malformed(source, "has a header that is no text") from error
    except UnfitError as error:
        raise _malformed(source, f"has a header that {error}") from error


def _malformed(source: Source, what: str) -> MalformedError:
    return MalformedError(f"{source.label} {what}.", FETCH_AGAIN)


def _understood(text: str, data_start: int) -> Header:
    parser = _Parser(text)
    content = parser.value(0)
    parser.end()
    if type(content) is not dict or sorted(content) != list(KEYS):
        raise UnfitError("doesn't say exactly descr, fortran_order and shape")
    is_fortran = content["fortran_order"]
    if type(is_fortran) is not bool:
        raise UnfitError("gives a fortran_order that is neither true nor false")
    dtype = _dtype(content["descr"]).settle()
    if dtype.base is not None:
        raise UnfitError("gives items that are arrays themselves")
    return Header(dtype, a_shape(content["shape"]), is_fortran, data_start)


# The dtype


def _dtype(description: Any) -> DType:
    if type(description) is str:
        return read_dtype(description)
    if type(description) is tuple and len(description) == 2:
        return subarray_of(_dtype(description[0]), a_shape(description[1]))
    if type(description) is not list:
        raise UnfitError("gives a descr that is neither a text nor a list of fields")
    fields: list[Field] = []
    place = 0
    for one in description:
        name, title, dtype = _field(one)
        is_padding = not name and title is None and dtype.code == "V" and not dtype.fields and dtype.base is None
        if not is_padding:
            fields.append(Field(name or f"f{len(fields)}", dtype, place, title))
        place += dtype.item_bytes
    names = [one.name for one in fields] + [one.title for one in fields if one.title is not None]
    if len(set(names)) != len(names):
        raise UnfitError("gives two fields one name")
    return record_of(fields, place)


def _field(one: Any) -> tuple[str, str | None, DType]:
    if type(one) is not tuple or len(one) not in {2, 3}:
        raise UnfitError("gives a field that is no name and type")
    title, name = one[0] if type(one[0]) is tuple and len(one[0]) == 2 else (None, one[0])
    if type(name) is not str or not (title is None or type(title) is str):
        raise UnfitError("gives a field whose name is no text")
    dtype = _dtype(one[1])
    return name, title, subarray_of(dtype, a_shape(one[2])) if len(one) == 3 else dtype


# The text


class _Parser:
    """Dicts, lists, tuples, texts, whole numbers and booleans, as Python writes them."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._next()

    def _next(self) -> None:
        match = TOKEN.match(self._text, self._at)
        if match is None:
            if self._text[self._at :].strip():
                raise UnfitError(f"isn't a dict as Python writes it, at character {self._at}")
            self._kind, self._lexeme = "end", ""
            return
        self._at = match.end()
        self._kind = match.lastgroup or "end"
        self._lexeme = match[self._kind]

    def end(self) -> None:
        """Prove that nothing follows."""
        if self._kind != "end":
            raise UnfitError(f"goes on after its dict, with {shown(self._lexeme, 40)}")

    def value(self, nesting: int) -> Any:
        """The value that begins here."""
        if nesting > MOST_NESTING:
            raise UnfitError("nests too deep")
        kind, lexeme = self._kind, self._lexeme
        self._next()
        if kind == "text":
            return _unescaped(lexeme[1:-1])
        if kind == "number":
            return int(lexeme)
        if kind == "word":
            return {"True": True, "False": False, "None": None}[lexeme]
        if lexeme == "{":
            return self._dict(nesting + 1)
        if lexeme == "[":
            return self._items("]", nesting + 1)[0]
        if lexeme == "(":
            items, has_comma = self._items(")", nesting + 1)
            return tuple(items) if has_comma or not items else items[0]
        raise UnfitError("isn't a dict as Python writes it")

    def _take(self, sign: str) -> bool:
        if self._kind == "sign" and self._lexeme == sign:
            self._next()
            return True
        return False

    def _items(self, closing: str, nesting: int) -> tuple[list[Any], bool]:
        items: list[Any] = []
        has_comma = False
        while not self._take(closing):
            if items and not has_comma:
                raise UnfitError("lacks a comma")
            items.append(self.value(nesting))
            has_comma = self._take(",")
        return items, has_comma or len(items) > 1

    def _dict(self, nesting: int) -> dict[str, Any]:
        content: dict[str, Any] = {}
        has_comma = True
        while not self._take("}"):
            key = self.value(nesting) if has_comma else None
            if type(key) is not str or key in content or not self._take(":"):
                raise UnfitError("isn't a dict of different texts")
            content[key] = self.value(nesting)
            has_comma = self._take(",")
        return content


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text
    without = ESCAPE.sub("", text)
    if "\\" in without:
        raise UnfitError("has a text with an escape that numpy doesn't write")
    return ESCAPE.sub(_character, text)


def _character(match: re.Match[str]) -> str:
    code = match[1] or match[2] or match[3]
    if code is None:
        return PLAIN_ESCAPES.get(match[4], match[4])
    if int(code, 16) > 0x10FFFF:
        raise UnfitError("has a text with a character that doesn't exist")
    return chr(int(code, 16))
