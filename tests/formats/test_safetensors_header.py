from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors import deserialize
from safetensors.torch import save

from modelcypher_nb.errors import MalformedError
from modelcypher_nb.formats.safetensors_header import DTYPE_BITS, HEADER_LIMIT, describe
from modelcypher_nb.guard.source import BytesSource

Forged = Callable[..., bytes]


def one(dtype: Any = "F32", shape: Any = (2,), offsets: Any = (0, 8), **more: Any) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets, **more}


class RecordingSource(BytesSource):
    """Remembers every range that was asked for, and fails the test where one lies outside."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data, "file")
        self.bytes_read = 0

    def read_at(self, offset: int, size: int) -> bytes:
        assert 0 <= offset <= offset + size <= self.size
        self.bytes_read += size
        return super().read_at(offset, size)


def described(data: bytes) -> Any:
    return describe(RecordingSource(data), "file")


def test_tensors_come_in_file_order_with_absolute_offsets(forged: Forged) -> None:
    header = {
        "b": one(offsets=(8, 16)),
        "a": one(),
        "__metadata__": {"format": "pt"},
        "e": one(shape=(0, 3), offsets=(8, 8)),
    }
    data = forged(header, bytes(16))
    found = described(data)
    start = len(data) - 16
    assert [(t.name, t.offset, t.size_bytes, t.file) for t in found.tensors] == [
        ("a", start, 8, "file"),
        ("e", start + 8, 0, "file"),
        ("b", start + 8, 8, "file"),
    ]
    assert found.metadata == {"format": "pt"}
    assert found.findings == ()


@pytest.mark.parametrize("dtype", sorted(DTYPE_BITS))
def test_every_dtype_of_the_format_has_the_size_that_safetensors_gives_it(forged: Forged, dtype: str) -> None:
    count, size = 8, DTYPE_BITS[dtype]
    data = forged({"x": one(dtype, (count,), (0, size))}, bytes(size))
    (tensor,) = described(data).tensors
    assert (tensor.dtype, tensor.shape, tensor.size_bytes) == (dtype, (count,), size)
    ((name, theirs),) = deserialize(data)
    assert (name, theirs["dtype"], theirs["shape"], len(theirs["data"])) == ("x", dtype, [count], size)


def test_a_header_without_tensors_is_sound(forged: Forged) -> None:
    assert described(forged({})).tensors == ()


LIES = [
    ({"a": one("F33")}, 8, "'F33', which is unknown"),
    ({"a": one(["F32"])}, 8, "which is unknown"),
    ({"a": one("f32")}, 8, "which is unknown"),
    ({"a": one(shape="2")}, 8, "which is no list"),
    ({"a": one(shape=(2.0,))}, 8, "impossible dimension 2.0"),
    ({"a": one(shape=(True, 2))}, 8, "impossible dimension True"),
    ({"a": one(shape=(-2,))}, 8, "impossible dimension -2"),
    ({"a": one(shape=(2**63,))}, 8, "impossible dimension 9223372036854775808"),
    ({"a": one(shape=(2**62, 2**62))}, 8, "beyond any memory"),
    ({"a": one(shape=(2**62, 2**62, 0), offsets=(0, 0))}, 0, "beyond any memory"),
    ({"a": one(shape=(3,))}, 8, r"F32 \[3\] and needs 12 bytes, but its data_offsets \[0, 8\] hold 8"),
    ({"a": one("F4", (3,), (0, 1))}, 1, "12 bits, no whole number of bytes"),
    ({"a": one("F6_E2M3", (1,), (0, 1))}, 1, "6 bits, no whole number of bytes"),
    ({"a": one(offsets=(8, 0))}, 8, r"impossible data_offsets \[8, 0\]"),
    ({"a": one(offsets=(0, 8, 8))}, 8, "impossible data_offsets"),
    ({"a": one(offsets=(0.0, 8))}, 8, "impossible data_offsets"),
    ({"a": one(offsets=(False, 8))}, 8, "impossible data_offsets"),
    ({"a": one(offsets=(-8, 0))}, 8, "impossible data_offsets"),
    ({"a": one(strides=[1])}, 8, "unknown field 'strides'"),
    ({"a": {"dtype": "F32", "shape": [2]}}, 8, "lacks the field 'data_offsets'"),
    ({"a": [1]}, 8, "described by a list"),
    ({"a": None}, 8, "described by a NoneType"),
    ({"a": one(), "b": one(offsets=(4, 12))}, 12, "'a' and 'b' of file overlap: one ends at byte"),
    ({"a": one(), "b": one()}, 8, "overlap"),
    ({"a": one(), "b": one(offsets=(12, 20))}, 20, "before tensor 'b', belong to no tensor"),
    ({"a": one(offsets=(4, 12))}, 12, "before tensor 'a', belong to no tensor"),
    ({"a": one()}, 7, "Tensor 'a' of file ends at byte .*it is cut off"),
    ({"a": one()}, 9, "1 bytes at the end of file belong to no tensor"),
    ({"__metadata__": {"a": 1}}, 0, "entry 'a' of file is a int"),
    ({"__metadata__": ["a"]}, 0, "is a list, not a map"),
    ({"__metadata__": None}, 0, "is a NoneType, not a map"),
    (
        b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}',
        8,
        "twice",
    ),
    (b'{"a":{"dtype":"F32","dtype":"I32","shape":[2],"data_offsets":[0,8]}}', 8, "the key 'dtype' twice"),
    (b'{"__metadata__":{"k":"1","k":"2"}}', 0, "the key 'k' twice"),
    (b'{"__metadata__":{},"__metadata__":{}}', 0, "the key '__metadata__' twice"),
    (b"[]", 0, "doesn't start with"),
    (b" {}", 0, "doesn't start with"),
    (b'{"a":1e999}', 0, "described by a float"),
]


@pytest.mark.parametrize(("header", "data_bytes", "says"), LIES, ids=[lie[2][:40] for lie in LIES])
@pytest.mark.promise("WEIGHTS-2")
def test_a_lying_header_is_refused_with_what_it_says(forged: Forged, header: Any, data_bytes: int, says: str) -> None:
    with pytest.raises(MalformedError, match=says):
        described(forged(header, bytes(data_bytes)))


@pytest.mark.parametrize("padding", [b"\n", b"\0", b"\t ", b"x", b"  {}"])
def test_only_spaces_pad_a_header(forged: Forged, padding: bytes) -> None:
    with pytest.raises(MalformedError):
        described(forged({}, padding=padding))
    assert described(forged({}, padding=b"     ")).data_start == 15


@pytest.mark.parametrize("size", range(8))
def test_a_file_shorter_than_its_length_field_is_refused(size: int) -> None:
    with pytest.raises(MalformedError, match=f"has {size} bytes"):
        described(bytes(size))


def test_a_header_beyond_the_file_or_the_limit_is_refused_before_it_is_read(forged: Forged) -> None:
    for length, says in ((HEADER_LIMIT + 1, "at most"), (2**64 - 1, "at most"), (9, "only 8 follow")):
        source = RecordingSource(forged({}, length=length))
        with pytest.raises(MalformedError, match=says):
            describe(source)
        assert source.bytes_read == 8


def test_describing_reads_the_header_and_nothing_else(forged: Forged) -> None:
    data = forged({"a": one("U8", (1 << 20,), (0, 1 << 20))}, bytes(1 << 20))
    source = RecordingSource(data)
    describe(source)
    assert source.bytes_read == len(data) - (1 << 20)


def test_a_deceiving_name_is_shown_escaped_and_is_a_finding(forged: Forged) -> None:
    header = {"a\u202egnp": one("U8", (1,), (0, 1)), "b\n": one("U8", (1,), (1, 2)), "ü": one("U8", (1,), (2, 3))}
    found = described(forged(header, bytes(3)))
    assert [finding.what.split("'")[1] for finding in found.findings] == ["a\\u202egnp", "b\\x0a"]
    assert all(finding.level == "weights" for finding in found.findings)
    assert {tensor.name for tensor in found.tensors} == set(header)


def test_a_name_made_to_slow_the_redaction_down_is_answered_at_once(forged: Forged) -> None:
    # A redaction whose cost grew with the square of this would run into the test's time limit.
    for unit in ("a.", "eyJ-", "hf_", "a://"):
        with pytest.raises(MalformedError, match="unknown"):
            described(forged({unit * 2_000_000: one("?")}, bytes(8)))


SOUND = save(
    {"layer.weight": torch.ones(3, 4), "layer.bias": torch.ones(4, dtype=torch.bfloat16), "steps": torch.tensor(7)},
    {"format": "pt"},
)
FUZZ = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def survives(data: bytes) -> None:
    """Either refused in our words, or every tensor lies within the bytes, and safetensors itself reads the same."""
    try:
        found = described(data)
    except MalformedError:
        return
    assert all(found.data_start <= t.offset <= t.offset + t.size_bytes <= len(data) for t in found.tensors)
    assert sum(tensor.size_bytes for tensor in found.tensors) == len(data) - found.data_start
    theirs = {name: (view["dtype"], tuple(view["shape"]), bytes(view["data"])) for name, view in deserialize(data)}
    assert {t.name: (t.dtype, t.shape, data[t.offset : t.offset + t.size_bytes]) for t in found.tensors} == theirs


def test_a_file_cut_anywhere_is_refused() -> None:
    for size in range(len(SOUND)):
        with pytest.raises(MalformedError):
            described(SOUND[:size])


@FUZZ
@given(st.lists(st.tuples(st.integers(0, len(SOUND) * 8 - 1)), min_size=1, max_size=4))
def test_flipped_bits_never_crash_or_read_out_of_range(flips: list[tuple[int]]) -> None:
    data = bytearray(SOUND)
    for (bit,) in flips:
        data[bit // 8] ^= 1 << bit % 8
    survives(bytes(data))


@FUZZ
@given(st.binary(max_size=200))
def test_random_bytes_never_crash(data: bytes) -> None:
    survives(data)
    survives(len(data).to_bytes(8, "little") + data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from([*DTYPE_BITS, "x"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["dtype", "shape", "data_offsets", "y"]), inner)
    ),
    max_leaves=8,
)


@FUZZ
@given(header=st.dictionaries(st.text(max_size=4), JSON, max_size=4), data=st.binary(max_size=16))
def test_any_json_as_header_never_crashes(forged: Forged, header: dict[str, Any], data: bytes) -> None:
    survives(forged(header, data))
