"""GGUF, the format of llama.cpp: metadata, chat templates, and tensors that are proven against the file's length."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from ..errors import MalformedError, UnreadableError, UnsupportedFormatError
from ..guard.secrets import shown
from ..guard.source import RangeSource, Source
from .content import Content
from .gguf_types import TYPES, ElementType
from .gguf_values import Cursor, read_value
from .odd_names import odd_names
from .pickles.context import Context
from .pickles.strided import strides_of
from .pickles.values import Composite, LazyBytes, Storage, Tensor
from .remedies import FETCH_AGAIN
from .report import Finding, Level
from .templates.judging import Templates

__all__ = ["read"]

MAGIC = b"GGUF"
VERSIONS = (2, 3)
MOST_KEYS = 16_384  # a real header has some fifty
MOST_TENSORS = 100_000
MOST_DIMENSIONS = 4  # GGML's
LARGEST = 2**63 - 1  # its dimensions and sizes are signed 64 bit
LONGEST_KEY = 65_535
LONGEST_TENSOR_NAME = 255  # GGML's own programs allow 63, others were built with more
DEFAULT_ALIGNMENT, LARGEST_ALIGNMENT = 32, 1 << 20
LONGEST_SHOWN = 1_000
TEMPLATE = re.compile(r"chat_template|\.template\b", re.IGNORECASE)
CONVERT = "Convert the model again with a current llama.cpp, or look for a safetensors version of it."


def read(source: Source, context: Context) -> Content:
    """Describe a GGUF file from its header; the weights are neither read nor dequantized.

    What is wrong with it stands in the content, beside what was found before the fault.

    Args:
        source: the file's bytes.
        context: the surroundings; only the file's name matters.
    """
    where = context.where
    metadata: dict[str, Any] = {}
    content = Content("GGUF model", {"metadata": metadata})
    templates = Templates(where)
    try:
        cursor, tensor_count, key_count = _header(source)
        for key, value in _metadata(cursor, key_count):
            metadata[key] = value
            content.findings.extend(_judged(key, value, where, templates))
        content.metadata = _texts(metadata)
        content.tensors = _tensors(cursor, tensor_count, _alignment(metadata, source.label), where)
        content.root["tensors"] = content.tensors
    except (MalformedError, UnreadableError, UnsupportedFormatError) as error:
        content.error, content.metadata = error, _texts(metadata)
        level: Level = "unsupported" if isinstance(error, UnsupportedFormatError) else "malformed"
        content.findings.append(Finding(level, error.problem, where, error.remedy, f"gguf-{level}"))
    content.findings.extend(odd_names([*metadata, *content.tensors], where))
    return content


def _fault(problem: str) -> MalformedError:
    return MalformedError(problem, FETCH_AGAIN)


def _header(source: Source) -> tuple[Cursor, int, int]:
    """The byte order, and how many tensors and keys follow: the version is a small number in one order alone."""
    head = source.read_at(0, min(24, source.size))
    if head[:4] != MAGIC:
        raise _fault(f"{source.label} doesn't start with 'GGUF', as a GGUF file of either byte order does.")
    if len(head) < 24:
        raise _fault(f"{source.label} has {len(head)} bytes, but the header of a GGUF file has 24: it is cut off.")
    little, big = int.from_bytes(head[4:8], "little"), int.from_bytes(head[4:8], "big")
    if little not in VERSIONS and big not in VERSIONS:
        problem = f"{source.label} is a GGUF file of version {min(little, big)}; versions 2 and 3 are read."
        raise UnsupportedFormatError(problem, CONVERT)
    cursor = Cursor(source, "<" if little in VERSIONS else ">", 8)
    tensors, keys = cursor.number(10), cursor.number(10)
    # What they must take at least: a key of one letter with a byte's value, a name of none with no dimension.
    for count, most, size, what in ((keys, MOST_KEYS, 14, "keys"), (tensors, MOST_TENSORS, 24, "tensors")):
        if count > most or count * size > source.size:
            raise _fault(f"{source.label} announces {count} {what}, which its {source.size} bytes can't hold.")
    return cursor, tensors, keys


def _metadata(cursor: Cursor, count: int) -> Iterator[tuple[str, Any]]:
    seen: set[str] = set()
    for _ in range(count):
        key = cursor.name("a key", LONGEST_KEY)
        if not key:
            raise cursor.fault(f"has an empty key before byte {cursor.at}")
        if key in seen:
            raise cursor.fault(f"holds the key '{shown(key, 80)}' twice")
        seen.add(key)
        yield key, read_value(cursor, key)


def _judged(key: str, value: Any, where: str, templates: Templates) -> Iterator[Finding]:
    """Judge every text under a key that some program renders as a chat template."""
    if not TEMPLATE.search(key):
        return
    member = shown(key, 120)
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, str):
            yield from templates.judge(one, member)
        elif isinstance(one, LazyBytes | dict):  # longer than any template, or more of them than any model has
            what = f"What stands under '{member}' is too large to be judged as a chat template."
            yield Finding("malformed", what, where, FETCH_AGAIN, "template-limit", member)


def _texts(metadata: dict[str, Any]) -> dict[str, str]:
    """What is short enough to be shown beside the tensors."""
    found: dict[str, str] = {}
    for key, value in metadata.items():
        if isinstance(value, str) and len(value) <= LONGEST_SHOWN:
            found[key] = value
        elif isinstance(value, bool | int | float):
            found[key] = str(value)
        elif isinstance(value, list) and all(isinstance(item, str | bool | int | float) for item in value):
            text = ", ".join(str(item)[: LONGEST_SHOWN + 1] for item in value)
            if len(text) <= LONGEST_SHOWN:
                found[key] = text
    return found


def _alignment(metadata: dict[str, Any], label: str) -> int:
    value = metadata.get("general.alignment", DEFAULT_ALIGNMENT)
    if type(value) is not int or not 1 <= value <= LARGEST_ALIGNMENT or value & (value - 1):
        raise _fault(
            f"{label} has the alignment {shown(value, 80)}, which is no power of two up to {LARGEST_ALIGNMENT}."
        )
    return value


class _Info(NamedTuple):
    """What a tensor's description says.

    Attributes:
        name: of the tensor.
        shape: in row-major order, the reverse of the file's.
        element: its type.
        number: the type's number.
        offset: its first byte, counted from where the data begins.
        size: in bytes.
    """

    name: str
    shape: tuple[int, ...]
    element: ElementType
    number: int
    offset: int
    size: int


def _tensors(cursor: Cursor, count: int, alignment: int, where: str) -> dict[str, Tensor | Composite]:
    infos: dict[str, _Info] = {}
    for _ in range(count):
        info = _info(cursor, alignment)
        if info.name in infos:
            raise cursor.fault(f"describes the tensor '{shown(info.name, 80)}' twice")
        infos[info.name] = info
    start = cursor.at + -cursor.at % alignment
    _prove_layout(infos, start, alignment, cursor.source)
    big = cursor.order == ">"
    return {name: _described(info, cursor.source, start, where, big=big) for name, info in infos.items()}


def _info(cursor: Cursor, alignment: int) -> _Info:
    name = cursor.name("a tensor's name", LONGEST_TENSOR_NAME)
    who = f"tensor '{shown(name, 80)}'"
    dimensions = cursor.number(4, "a count of dimensions")
    if dimensions > MOST_DIMENSIONS:
        raise cursor.fault(f"gives the {who} {dimensions} dimensions, where GGML has at most {MOST_DIMENSIONS}")
    shape = tuple(reversed([cursor.number(10, "a dimension") for _ in range(dimensions)]))
    number, offset = cursor.number(4, "a type"), cursor.number(10, "an offset")
    element = TYPES.get(number)
    if element is None:
        problem = f"{cursor.source.label} gives the {who} the type {number}, which isn't known here."
        raise UnsupportedFormatError(problem, CONVERT)
    total = 1
    for dimension in shape:
        total *= dimension
        if dimension > LARGEST or total > LARGEST:
            raise cursor.fault(f"gives the {who} the shape {list(shape)}, beyond any memory")
    if (shape[-1] if shape else 1) % element.elements:
        raise cursor.fault(
            f"gives the {who} rows of {shape[-1] if shape else 1} elements, but {element.name} has blocks of "
            f"{element.elements}"
        )
    if offset % alignment:
        raise cursor.fault(f"places the {who} at {offset}, which is no multiple of the alignment {alignment}")
    return _Info(name, shape, element, number, offset, total // element.elements * element.size)


def _prove_layout(infos: dict[str, _Info], start: int, alignment: int, source: Source) -> None:
    """Every byte after the header belongs to exactly one tensor, or fills up to the next multiple of the alignment."""
    reached, before = 0, "the header"
    for info in sorted(infos.values(), key=lambda info: (info.offset, info.size)):
        name = f"tensor '{shown(info.name, 80)}'"
        if info.offset < reached:
            raise _fault(f"In {source.label}, {before} and {name} overlap at byte {start + info.offset}.")
        if info.offset - reached >= alignment:
            raise _fault(
                f"Bytes {start + reached} to {start + info.offset} of {source.label}, between {before} and {name}, "
                "belong to no tensor."
            )
        reached, before = info.offset + info.size, name
        if start + reached > source.size and info.size:
            raise _fault(
                f"In {source.label}, {name} ends at byte {start + reached}, but the file has {source.size}: it is "
                "cut off."
            )
    rest = source.size - (start + reached)
    if rest >= alignment:
        raise _fault(f"{rest} bytes at the end of {source.label} belong to no tensor.")


def _described(info: _Info, source: Source, start: int, where: str, *, big: bool) -> Tensor | Composite:
    storage_dtype = info.element.name if info.element.elements == 1 else "U8"
    data = RangeSource(source, start + info.offset, info.size, where)
    storage = Storage(info.name, storage_dtype, info.size, data, big)
    if info.element.elements == 1:
        return Tensor(storage, info.element.name, info.shape, strides_of(info.shape))
    row = info.shape[-1] // info.element.elements * info.element.size
    shape = (*info.shape[:-1], row)
    facts = {
        "block_elements": info.element.elements,
        "block_bytes": info.element.size,
        "type": info.number,
        "byte_order": "big" if big else "little",
    }
    blocks = Tensor(storage, "U8", shape, strides_of(shape))
    return Composite("ggml", info.shape, info.element.name, {"blocks": blocks}, facts)
