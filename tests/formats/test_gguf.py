from __future__ import annotations

import os
import random
import struct
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelcypher_nb.errors import MalformedError, UnreadableError, UnsupportedFormatError
from modelcypher_nb.formats import detect, gguf_values
from modelcypher_nb.formats.content import Content
from modelcypher_nb.formats.gguf import read
from modelcypher_nb.formats.gguf_types import TYPES
from modelcypher_nb.formats.pickles.context import Context
from modelcypher_nb.formats.pickles.values import Composite, LazyBytes, Tensor
from modelcypher_nb.guard.paths import Guard
from modelcypher_nb.guard.source import BytesSource

STRING, ARRAY = 8, 9
CODES = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "B", 10: "Q", 11: "q", 12: "d"}


class Bounded(BytesSource):
    """Fails the test where a range outside of the bytes is asked for, and counts what is read."""

    read_bytes = 0

    def read_at(self, offset: int, size: int) -> bytes:
        assert 0 <= offset <= offset + size <= self.size
        self.read_bytes += size
        return super().read_at(offset, size)


class Forge:
    """Writes GGUF files that may say anything.

    Attributes:
        order: "<" or ">".
    """

    def __init__(self, order: str = "<") -> None:
        self.order = order

    def number(self, kind: int, value: Any) -> bytes:
        return struct.pack(self.order + CODES[kind], value)

    def text(self, value: str | bytes) -> bytes:
        data = value.encode() if isinstance(value, str) else value
        return self.number(10, len(data)) + data

    def array(self, kind: int, values: Sequence[Any]) -> bytes:
        items = b"".join(value if isinstance(value, bytes) else self.plain(kind, value) for value in values)
        return self.number(4, kind) + self.number(10, len(values)) + items

    def plain(self, kind: int, value: Any) -> bytes:
        return self.text(value) if kind == STRING else self.number(kind, value)

    def pair(self, key: str | bytes, kind: int, value: Any) -> bytes:
        body = value if isinstance(value, bytes) else self.plain(kind, value)
        return self.text(key) + self.number(4, kind) + body

    def tensor(self, name: str | bytes, shape: Sequence[int], kind: int, offset: int) -> bytes:
        dimensions = b"".join(self.number(10, size) for size in shape)
        return (
            self.text(name) + self.number(4, len(shape)) + dimensions + self.number(4, kind) + self.number(10, offset)
        )

    def file(
        self,
        pairs: Sequence[bytes] = (),
        tensors: Sequence[bytes] = (),
        data: bytes = b"",
        *,
        version: int = 3,
        counts: tuple[int, int] | None = None,
        alignment: int = 32,
    ) -> bytes:
        tensor_count, pair_count = counts or (len(tensors), len(pairs))
        head = b"GGUF" + self.number(4, version) + self.number(10, tensor_count) + self.number(10, pair_count)
        head += b"".join(pairs) + b"".join(tensors)
        return head + bytes(-len(head) % alignment) + data


LITTLE, BIG = Forge(), Forge(">")
ARCHITECTURE = LITTLE.pair("general.architecture", STRING, "llama")


def content(data: bytes) -> Content:
    return read(Bounded(data, "file"), Context("file"))


def sound(data: bytes) -> Content:
    told = content(data)
    assert told.error is None, told.error
    return told


def fault(data: bytes) -> str:
    told = content(data)
    assert isinstance(told.error, MalformedError)
    assert told.findings[-1].level == "malformed"
    assert told.tensors == {}
    return told.error.problem


def full(forge: Forge, version: int = 3) -> bytes:
    """A file with every metadata type and a tensor of most plain types and two quantized ones."""
    pairs = [
        forge.pair("general.architecture", STRING, "llama"),
        forge.pair("general.name", STRING, "Tiny é"),
        forge.pair("general.license", STRING, "mit"),
        *(forge.pair(f"x.{kind}", kind, 1.5 if kind in {6, 12} else 1) for kind in CODES),
        forge.pair("x.list", ARRAY, forge.array(5, [-1, 2])),
        forge.pair("x.texts", ARRAY, forge.array(STRING, ["a", "b"])),
        forge.pair("x.nested", ARRAY, forge.array(ARRAY, [forge.array(0, [1]), forge.array(STRING, ["c"])])),
        forge.pair("tokenizer.ggml.tokens", ARRAY, forge.array(STRING, [f"t{number}" for number in range(100)])),
        forge.pair("tokenizer.ggml.scores", ARRAY, forge.array(6, [0.5] * 100)),
    ]
    tensors = [
        forge.tensor("f32", [3, 2], 0, 0),
        forge.tensor("f16", [4], 1, 32),
        forge.tensor("bf16", [], 30, 64),
        forge.tensor("i64", [2], 27, 96),
        forge.tensor("q8", [64, 2], 8, 128),
        forge.tensor("q4k", [256, 1, 3], 12, 288),
    ]
    values = struct.pack(f"{forge.order}6f", *range(6)).ljust(32, b"\0")
    rest = bytes(32) + bytes(32) + struct.pack(f"{forge.order}2q", 7, -8).ljust(32, b"\0")
    return forge.file(pairs, tensors, values + rest + bytes(range(136)).ljust(160, b"\0") + bytes(432), version=version)


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("forge", [LITTLE, BIG], ids=["little", "big"])
def test_both_versions_in_both_byte_orders_give_the_same_facts(forge: Forge, version: int) -> None:
    told = sound(full(forge, version))
    assert told.findings == []
    assert told.format == "GGUF model"
    assert not told.pickled
    assert told.metadata["general.architecture"] == "llama"
    assert told.metadata["general.name"] == "Tiny é"
    assert told.metadata["general.license"] == "mit"
    assert {key: told.root["metadata"][f"x.{key}"] for key in CODES} == {
        kind: True if kind == 7 else 1.5 if kind in {6, 12} else 1 for kind in CODES
    }
    assert told.root["metadata"]["x.list"] == [-1, 2]
    assert told.metadata["x.texts"] == "a, b"
    shapes = {name: (tensor.dtype, tensor.shape) for name, tensor in told.tensors.items()}
    assert shapes == {
        "f32": ("F32", (2, 3)),
        "f16": ("F16", (4,)),
        "bf16": ("BF16", ()),
        "i64": ("I64", (2,)),
        "q8": ("Q8_0", (2, 64)),
        "q4k": ("Q4_K", (3, 1, 256)),
    }


@pytest.mark.parametrize("forge", [LITTLE, BIG], ids=["little", "big"])
def test_a_plain_tensor_is_a_row_major_view_of_its_bytes(forge: Forge) -> None:
    tensor = sound(full(forge)).tensors["f32"]
    assert isinstance(tensor, Tensor)
    assert (tensor.shape, tensor.stride, tensor.is_contiguous) == ((2, 3), (3, 1), True)
    source = tensor.storage.source
    assert source is not None
    assert tensor.storage.big_endian == (forge is BIG)
    assert struct.unpack(f"{forge.order}6f", source.read_at(0, 24)) == tuple(range(6))
    assert tensor.storage.size_bytes == 24


def test_a_quantized_tensor_is_its_blocks_and_is_never_dequantized() -> None:
    tensor = sound(full(LITTLE)).tensors["q8"]
    assert isinstance(tensor, Composite)
    assert tensor.layout == "ggml"
    assert tensor.facts == {"block_elements": 32, "block_bytes": 34, "type": 8, "byte_order": "little"}
    blocks = tensor.tensors["blocks"]
    assert (blocks.dtype, blocks.shape) == ("U8", (2, 68))
    source = blocks.storage.source
    assert source is not None
    assert source.read_at(0, 136) == bytes(range(136))


def test_of_a_long_array_only_type_length_beginning_and_place_are_kept() -> None:
    data = full(LITTLE)
    told = sound(data).root["metadata"]["tokenizer.ggml.tokens"]
    assert (told["type"], told["count"], told["first"]) == ("string", 100, ["t0", "t1", "t2", "t3"])
    place = told["place"]
    assert isinstance(place, LazyBytes)
    assert place.read() == b"".join(LITTLE.text(f"t{number}") for number in range(100))


@pytest.mark.parametrize("number", sorted(TYPES))
def test_every_type_takes_its_blocks_and_no_byte_more_or_less(number: int) -> None:
    element = TYPES[number]
    row = 2 * element.elements
    size = 2 * element.size * 3
    info = [LITTLE.tensor("a", [row, 3], number, 0)]
    told = sound(LITTLE.file([], info, bytes(size))).tensors["a"]
    assert (told.dtype, told.shape) == (element.name, (3, row))
    assert "cut off" in fault(LITTLE.file([], info, bytes(size - 1)))
    assert "belong to no tensor" in fault(LITTLE.file([], info, bytes(size + 32)))


@pytest.mark.parametrize("number", [4, 5, 31, 36, 38, 99, 2**32 - 1])
def test_a_tensor_of_an_unknown_type_is_unsupported(number: int) -> None:
    told = content(LITTLE.file([ARCHITECTURE], [LITTLE.tensor("a", [32], number, 0)], bytes(32)))
    assert isinstance(told.error, UnsupportedFormatError)
    assert [finding.level for finding in told.findings] == ["unsupported"]
    assert told.metadata == {"general.architecture": "llama"}


@pytest.mark.parametrize("version", [0, 1, 4, 100, 0x01000000, 2**32 - 1])
def test_another_version_is_unsupported(version: int) -> None:
    told = content(LITTLE.file(version=version))
    assert isinstance(told.error, UnsupportedFormatError)
    assert [finding.level for finding in told.findings] == ["unsupported"]


def _pairs(*pairs: bytes) -> bytes:
    return LITTLE.file(pairs)


def _one(shape: Sequence[int], *, kind: int = 0, offset: int = 0, size: int = 64) -> bytes:
    return LITTLE.file([], [LITTLE.tensor("a", shape, kind, offset)], bytes(size))


def _two(first: int, second: int, *, names: tuple[str, str] = ("a", "b"), size: int = 64) -> bytes:
    infos = [LITTLE.tensor(name, [8], 0, offset) for name, offset in zip(names, (first, second), strict=True)]
    return LITTLE.file([], infos, bytes(size))


HUGE = 2**64 - 1
LIES: dict[str, tuple[bytes, str]] = {
    "no magic": (b"FUGG" + bytes(60), "doesn't start with 'GGUF'"),
    "nothing": (b"", "doesn't start with 'GGUF'"),
    "a bare magic": (b"GGUF", "cut off"),
    "too many keys": (LITTLE.file(counts=(0, HUGE)), "announces"),
    "more keys than bytes": (LITTLE.file(counts=(0, 100)), "announces 100 keys"),
    "too many tensors": (LITTLE.file(counts=(HUGE, 0)), "announces"),
    "more tensors than bytes": (LITTLE.file(counts=(100, 0)), "announces 100 tensors"),
    "a key twice": (_pairs(ARCHITECTURE, ARCHITECTURE), "twice"),
    "an empty key": (_pairs(LITTLE.pair("", 0, 1), bytes(16)), "empty key"),
    "a key beyond the file": (_pairs(LITTLE.number(10, 1000) + bytes(64)), "cut off"),
    "a key of absurd length": (_pairs(LITTLE.number(10, 70_000) + bytes(80_000)), "beyond any real one"),
    "a key that wraps around": (_pairs(LITTLE.number(10, HUGE) + bytes(64)), "beyond any real one"),
    "an unknown type": (_pairs(LITTLE.pair("a", 13, b"12345678")), "type 13"),
    "a text beyond the file": (_pairs(LITTLE.pair("a", STRING, LITTLE.number(10, HUGE))), "cut off"),
    "neither true nor false": (_pairs(LITTLE.pair("a", 7, 2)), "truth value 2"),
    "an array of an unknown type": (_pairs(LITTLE.pair("a", ARRAY, LITTLE.array(13, []))), "type 13"),
    "an array beyond the file": (
        _pairs(LITTLE.pair("a", ARRAY, LITTLE.number(4, 0) + LITTLE.number(10, HUGE))), "cut off",
    ),
    "texts beyond the file": (
        _pairs(LITTLE.pair("a", ARRAY, LITTLE.number(4, STRING) + LITTLE.number(10, 2**61))), "cut off",
    ),
    "a long array's text beyond the file": (
        _pairs(LITTLE.pair("a", ARRAY, LITTLE.array(STRING, ["x"] * 99 + [LITTLE.number(10, HUGE - 7)]))), "beyond",
    ),
    "arrays beyond the file": (
        _pairs(LITTLE.pair("a", ARRAY, LITTLE.number(4, ARRAY) + LITTLE.number(10, 2**60))), "cut off",
    ),
    "arrays too deep": (
        _pairs(LITTLE.pair("a", ARRAY, (LITTLE.number(4, ARRAY) + LITTLE.number(10, 1)) * 9 + LITTLE.array(0, [1]))),
        "deeper than",
    ),
    "an alignment of nothing": (_pairs(LITTLE.pair("general.alignment", 4, 0)), "alignment 0"),
    "an odd alignment": (_pairs(LITTLE.pair("general.alignment", 4, 24)), "alignment 24"),
    "an absurd alignment": (_pairs(LITTLE.pair("general.alignment", 4, 2**31)), "alignment"),
    "an alignment that is a text": (_pairs(LITTLE.pair("general.alignment", STRING, "32")), "alignment"),
    "a name twice": (_two(0, 32, names=("a", "a")), "twice"),
    "a name of absurd length": (
        LITTLE.file([], [LITTLE.tensor("a" * 300, [8], 0, 0)], bytes(32)), "beyond any real one",
    ),
    "too many dimensions": (_one([1] * 5), "5 dimensions"),
    "dimensions beyond the file": (
        LITTLE.file([], [LITTLE.text("a") + LITTLE.number(4, HUGE >> 32) + bytes(9)]), "dimensions",
    ),
    "a dimension beyond a signed number": (_one([HUGE]), "beyond any memory"),
    "dimensions whose product wraps around": (_one([2**32, 2**32]), "beyond any memory"),
    "a row that is no whole block": (_one([33], kind=8), "blocks of 32"),
    "a scalar of blocks": (_one([], kind=8), "blocks of 32"),
    "an odd offset": (_one([8], offset=4), "multiple of the alignment"),
    "an offset beyond the file": (_one([8], offset=2**63), "belong to no tensor"),
    "tensors that overlap": (_two(0, 0, size=32), "overlap"),
    "a hole between tensors": (_two(0, 64, size=96), "belong to no tensor"),
    "a hole before the first": (_two(32, 64, size=96), "belong to no tensor"),
    "bytes at the end": (_two(0, 32, size=96), "belong to no tensor"),
    "a tensor beyond the file": (_one([1000]), "cut off"),
}  # fmt: skip


@pytest.mark.parametrize(("data", "says"), LIES.values(), ids=LIES.keys())
def test_a_header_that_lies_is_malformed(data: bytes, says: str) -> None:
    assert says in fault(data)


def test_tensors_may_stand_in_any_order_and_end_without_padding() -> None:
    told = sound(_two(32, 0))
    assert list(told.tensors) == ["a", "b"]
    assert sound(LITTLE.file([], [LITTLE.tensor("a", [3], 0, 0)], bytes(12))).tensors["a"].shape == (3,)
    assert sound(LITTLE.file([], [LITTLE.tensor("a", [0, 2], 0, 0)], b"")).tensors["a"].shape == (2, 0)


def test_another_alignment_is_followed() -> None:
    pair = LITTLE.pair("general.alignment", 4, 64)
    infos = [LITTLE.tensor("a", [8], 0, 0), LITTLE.tensor("b", [8], 0, 64)]
    assert len(sound(LITTLE.file([pair], infos, bytes(96), alignment=64)).tensors) == 2


REACHES = "{{ ''.__class__ }}"


@pytest.mark.parametrize("key", ["tokenizer.chat_template", "tokenizer.chat_template.tool_use", "x.Chat_Template"])
def test_a_template_that_reaches_beyond_the_chat_makes_the_file_code(key: str) -> None:
    told = sound(_pairs(ARCHITECTURE, LITTLE.pair(key, STRING, REACHES)))
    (finding,) = told.findings
    assert (finding.level, finding.member, finding.name) == ("code", key, "__class__")


def test_a_template_in_an_array_is_judged_too() -> None:
    pair = LITTLE.pair("tokenizer.chat_template", ARRAY, LITTLE.array(STRING, ["{{ a }}", REACHES]))
    assert [finding.level for finding in sound(_pairs(pair)).findings] == ["code"]


@pytest.mark.parametrize(
    "value", [LITTLE.text("a" * 600_000), LITTLE.array(STRING, ["{{ a }}"] * 65)], ids=["long", "many"]
)
def test_a_template_too_large_to_be_judged_is_malformed(value: bytes) -> None:
    kind = STRING if value.startswith(LITTLE.number(10, 600_000)) else ARRAY
    told = sound(_pairs(LITTLE.pair("tokenizer.chat_template", kind, value)))
    assert [(finding.level, finding.rule) for finding in told.findings] == [("malformed", "template-limit")]


def test_the_templates_of_a_file_are_bounded_together() -> None:
    text = "{{ a }}".ljust(60_000)
    pairs = [LITTLE.pair(f"tokenizer.chat_template.{number}", STRING, text) for number in range(5)]
    assert [finding.rule for finding in sound(_pairs(*pairs)).findings] == ["template-limit"]


def test_a_fault_after_a_judged_template_hides_nothing() -> None:
    data = LITTLE.file([LITTLE.pair("tokenizer.chat_template", STRING, REACHES)], [LITTLE.tensor("a", [8], 0, 4)])
    told = content(data)
    assert isinstance(told.error, MalformedError)
    assert [finding.level for finding in told.findings] == ["code", "malformed"]


def test_a_disk_that_fails_after_a_judged_template_hides_nothing() -> None:
    class Failing(BytesSource):
        def read_at(self, offset: int, size: int) -> bytes:
            if offset > 1 << 20:
                raise UnreadableError("The disk refused.", "Check it.")
            return super().read_at(offset, size)

    pairs = [
        LITTLE.pair("tokenizer.chat_template", STRING, REACHES),
        LITTLE.pair("a", STRING, "x" * (2 << 20)),
        ARCHITECTURE,
    ]
    told = read(Failing(LITTLE.file(pairs), "file"), Context("file"))
    assert isinstance(told.error, UnreadableError)
    assert [finding.level for finding in told.findings] == ["code", "malformed"]


def test_odd_names_are_told_escaped() -> None:
    pairs = [LITTLE.pair(f"a\u202e{number}", 0, 1) for number in range(110)]
    findings = sound(LITTLE.file(pairs)).findings
    assert {finding.level for finding in findings} == {"weights"}
    assert len(findings) == 101
    assert "a\\u202e0" in findings[0].what


def test_text_that_is_no_utf8_is_shown_escaped() -> None:
    assert sound(_pairs(LITTLE.pair("general.name", STRING, b"\x02\0\0\0\0\0\0\0\xff\xfe"))).metadata == {
        "general.name": "\\xff\\xfe"
    }


def test_a_large_vocabulary_costs_little_memory_and_one_read_of_itself() -> None:
    texts = LITTLE.array(STRING, [f"token {number}" for number in range(150_000)])
    data = _pairs(ARCHITECTURE, LITTLE.pair("tokenizer.ggml.tokens", ARRAY, texts))
    source = Bounded(data, "file")
    tracemalloc.start()
    try:
        told = read(source, Context("file"))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert told.error is None
    assert told.root["metadata"]["tokenizer.ggml.tokens"]["count"] == 150_000
    assert peak < 8 << 20
    assert source.read_bytes < 2 * len(data)


class Sparse:
    """A file of zeros behind a head, however long it claims to be."""

    label = "sparse"

    def __init__(self, head: bytes, size: int) -> None:
        self.head = head
        self.size = size

    def read_at(self, offset: int, size: int) -> bytes:
        assert 0 <= offset <= offset + size <= self.size
        return self.head[offset : offset + size].ljust(size, b"\0")

    def read_into(self, offset: int, target: memoryview) -> None:
        target[:] = self.read_at(offset, len(target))


BOMBS: dict[str, Callable[[], bytes]] = {
    "texts of nothing": lambda: LITTLE.number(4, STRING) + LITTLE.number(10, 2**36),
    "arrays of nothing": lambda: LITTLE.number(4, ARRAY) + LITTLE.number(10, 2**36),
    "many texts": lambda: LITTLE.number(4, STRING) + LITTLE.number(10, 5_000_000),
    "many arrays": lambda: LITTLE.number(4, ARRAY) + LITTLE.number(10, 5_000_000),
}


@pytest.mark.parametrize("array", BOMBS.values(), ids=BOMBS.keys())
@pytest.mark.timeout(60)
def test_a_sparse_file_that_promises_texts_without_end_is_refused_early(array: Callable[[], bytes]) -> None:
    head = b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + LITTLE.text("a") + LITTLE.number(4, ARRAY) + array()
    told = read(Sparse(head, 1 << 40), Context("file"))
    assert isinstance(told.error, MalformedError)


def test_many_long_texts_are_kept_as_places() -> None:
    pairs = [LITTLE.pair(f"k{number}", STRING, "x" * (500 << 10)) for number in range(100)]
    data = LITTLE.file(pairs)
    tracemalloc.start()
    try:
        told = read(BytesSource(data, "file"), Context("file"))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert told.error is None
    assert isinstance(told.root["metadata"]["k99"], LazyBytes)
    assert peak < gguf_values.KEPT_BYTES + (8 << 20)


SOUND = {order: full(forge) for order, forge in (("<", LITTLE), (">", BIG))}


@pytest.mark.parametrize("order", ["<", ">"])
def test_every_truncation_is_refused(order: str) -> None:
    data = SOUND[order]
    for length in range(len(data)):
        assert content(data[:length]).error is not None, length


@given(st.sampled_from(["<", ">"]), st.data())
@settings(max_examples=400, deadline=None)
def test_flipped_bits_of_a_header_never_crash_hang_or_read_out_of_range(order: str, dice: st.DataObject) -> None:
    data = bytearray(SOUND[order])
    for _ in range(dice.draw(st.integers(1, 4))):
        at = dice.draw(st.integers(4, len(data) - 1))
        data[at] ^= 1 << dice.draw(st.integers(0, 7))
    told = content(bytes(data))
    for tensor in told.tensors.values():
        part = tensor if isinstance(tensor, Tensor) else tensor.tensors["blocks"]
        source = part.storage.source
        assert source is not None
        assert len(source.read_at(0, part.storage.size_bytes)) == part.storage.size_bytes


@given(st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_any_bytes_behind_the_magic_are_facts_or_a_refusal(rest: bytes) -> None:
    content(b"GGUF\x03\0\0\0" + rest)
    content(b"GGUF\0\0\0\x02" + rest)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_mutated_files_are_facts_or_a_refusal() -> None:
    dice = random.Random(int(os.environ.get("MC_FUZZ_SEED", "1")))  # noqa: S311 - repeatable
    numbers = [struct.pack(f"{order}Q", value) for order in "<>" for value in (0, 1, 2**31, 2**32 - 1, 2**63, HUGE)]
    taken = 0
    cases = int(os.environ.get("MC_FUZZ_CASES", "200000"))
    for _ in range(cases):
        data = bytearray(SOUND[dice.choice("<>")])
        for _ in range(dice.randint(1, 3)):
            at = dice.randrange(4, len(data))
            match dice.randrange(4):
                case 0:
                    data[at] ^= 1 << dice.randrange(8)
                case 1:
                    del data[at : at + dice.randint(1, 40)]
                case 2:
                    data[at:at] = data[at : at + dice.randint(1, 40)]
                case _:
                    data[at : at + 8] = dice.choice(numbers)
        try:
            taken += content(bytes(data)).error is None
        except BaseException as error:
            error.add_note(f"The case: {bytes(data)!r}")
            raise
    assert 0 < taken < cases


def test_a_gguf_file_is_described_through_the_door(guard: Guard, tmp_path: Path) -> None:
    (tmp_path / "model.gguf").write_bytes(SOUND["<"])
    with guard.open("model.gguf") as safe:
        report = detect.examine(safe)
    assert (report.format, report.verdict.level) == ("GGUF model", "weights")
    assert {tensor.name: tensor.dtype for tensor in report.tensors}["q4k"] == "Q4_K"
