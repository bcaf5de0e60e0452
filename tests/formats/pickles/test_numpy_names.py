from __future__ import annotations

import pickle
from contextlib import suppress
from typing import Any

import numpy as np
import pytest

from modelcypher_nb.errors import MalformedError
from modelcypher_nb.formats.pickles.context import Context
from modelcypher_nb.formats.pickles.flatten import flatten
from modelcypher_nb.formats.pickles.machine import Machine
from modelcypher_nb.formats.pickles.numpy_arrays import Array, MaskedArray, Scalar, empty_array
from modelcypher_nb.formats.pickles.numpy_dtypes import DType, read_dtype, record_of, subarray_of
from modelcypher_nb.formats.pickles.numpy_dtypes import Field as DTypeField
from modelcypher_nb.formats.pickles.numpy_random import Generator
from modelcypher_nb.formats.pickles.values import LieError, Tensor, UnfitError
from modelcypher_nb.guard.source import BytesSource
from tests.formats.array_reading import ARRAYS, arrays_equal, dtype_of, made

PROTOCOLS = range(6)


def read(data: bytes) -> tuple[Any, Context]:
    context = Context("a.pkl")
    machine = Machine(BytesSource(data, "a.pkl"), context)
    value = machine.run()
    assert machine.position == len(data)
    return value, context


def harmless(value: Any, protocol: int) -> Any:
    found, context = read(pickle.dumps(value, protocol))
    assert {finding.level for finding in context.findings} <= {"data"}, context.findings
    return found


def worst(data: bytes) -> set[str]:
    context = Context("a.pkl")
    with suppress(MalformedError):
        Machine(BytesSource(data, "a.pkl"), context).run()
    return {finding.level for finding in context.findings}


# Arrays


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", ARRAYS)
def test_an_array_of_any_dtype_and_order_is_read_bit_for_bit(name: str, protocol: int) -> None:
    found = harmless(ARRAYS[name], protocol)
    assert isinstance(found, Array)
    assert arrays_equal(made(found), ARRAYS[name])


def test_numbers_become_a_tensor_and_nothing_else_does() -> None:
    root = {name: harmless(array, 4) for name, array in ARRAYS.items()}
    tensors = {name for name, array in root.items() if array.tensor is not None}
    plain = {name for name, array in ARRAYS.items() if array.dtype.kind in "biufc" and array.dtype.char not in "gG"}
    assert tensors == plain
    assert set(flatten(root)) >= {name for name in plain if name != "nothing"}


def test_an_array_in_fortrans_order_keeps_its_strides() -> None:
    tensor = harmless(np.asfortranarray(np.ones((2, 3))), 2).tensor
    assert (tensor.shape, tensor.stride, tensor.library) == ((2, 3), (1, 2), "numpy")


def test_a_long_array_stays_in_the_file() -> None:
    array = np.arange(100_000.0)
    data = pickle.dumps(array, 4)
    tensor = read(data)[0].tensor
    source, offset = tensor.storage.source.place()
    assert source.size == len(data)
    assert data[offset : offset + 16] == array.tobytes()[:16]


def test_objects_within_an_array_are_judged() -> None:
    found, context = read(pickle.dumps(np.array([print, 1], dtype=object), 4))
    assert {finding.level for finding in context.findings} == {"data", "code"}
    assert found.items[1] == 1


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("array", "kind"),
    [
        (np.rec.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]), "numpy.rec.recarray"),
        (np.char.array(["a", "b"]), "numpy.char.chararray"),
        (np.arange(4).view(np.matrix), "numpy.matrix"),
    ],
    ids=["records", "texts", "matrix"],
)
def test_numpys_own_kinds_of_arrays_are_read(array: Any, kind: str, protocol: int) -> None:
    found = harmless(array, protocol)
    assert found.kind == kind
    assert arrays_equal(made(found), np.asarray(array))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_masked_array_keeps_its_mask(protocol: int) -> None:
    found = harmless(np.ma.array([[1, 2], [3, 4]], mask=[[0, 1], [1, 0]]), protocol)
    assert isinstance(found, MaskedArray)
    assert made(found).tolist() == [[1, 2], [3, 4]]
    assert made(found.mask).tolist() == [[False, True], [True, False]]


def test_a_masked_array_of_records_keeps_the_mask_of_every_field() -> None:
    found = harmless(np.ma.array([(1, 2.0)], mask=[(0, 1)], dtype=[("a", "i4"), ("b", "f8")]), 2)
    assert found.mask is not None
    assert made(found.mask).tolist() == [[False, True]]
    assert harmless(np.ma.masked, 2).kind == "numpy.ma.masked"


def test_an_array_of_texts_of_any_length_is_read() -> None:
    found = harmless(np.array(["a", "a longer one"], np.dtypes.StringDType()), 4)
    assert found.items == ["a", "a longer one"]


# Scalars


SCALARS = [
    np.float32(1.5), np.float64(-0.0), np.float16(2), np.int8(-3), np.uint64(2**64 - 1), np.True_,
    np.complex64(1 + 2j), np.complex128(3j), np.str_("ü"), np.bytes_(b"ab"), np.datetime64("2020-01-01T12", "ns"),
    np.timedelta64(-3, "s"),
]  # fmt: skip


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("scalar", SCALARS, ids=repr)
def test_a_scalar_keeps_its_bytes_and_says_its_value(scalar: Any, protocol: int) -> None:
    found = harmless(scalar, protocol)
    assert isinstance(found, Scalar)
    assert np.frombuffer(found.raw, dtype_of(found.dtype))[0] == scalar
    expected = int(scalar.astype("i8")) if scalar.dtype.kind in "mM" else scalar.item()
    assert found.value == expected


def test_a_nan_keeps_its_payload() -> None:
    odd = np.frombuffer(b"\x01\x00\xc0\x7f", "f4")[0]
    assert harmless(odd, 4).raw == b"\x01\x00\xc0\x7f"


def test_a_record_keeps_its_bytes() -> None:
    found = harmless(np.array([(1, 2.0)], [("a", "i4"), ("b", "f8")])[0], 4)
    assert found.value == np.array([(1, 2.0)], [("a", "i4"), ("b", "f8")]).tobytes()
    inner = harmless(np.array([(1, [2])], [("a", "i4"), ("b", "O")])[0], 4)
    assert inner.value.items == [(1, [2])]


# Dtypes and types


DTYPES = [
    "?", "i1", ">i4", "<u8", "f2", ">c16", "g", "S5", "U7", ">U7", "V3", "O", "M8", "M8[25us]", "m8[D]",
    [("a", "i1"), ("b", "f8", (2, 3))], {"names": ["a"], "formats": ["i4"], "offsets": [4], "itemsize": 12},
    ("f4", (2,)),
]  # fmt: skip


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("dtype", DTYPES, ids=repr)
def test_a_dtype_is_read_as_numpy_reads_it(dtype: Any, protocol: int) -> None:
    expected = np.dtype(dtype)
    found = harmless(expected, protocol)
    assert isinstance(found, DType)
    assert dtype_of(found) == expected
    assert found.item_bytes == expected.itemsize
    assert found.has_object == expected.hasobject


def test_types_may_stand_as_values() -> None:
    values = [np.float32, np.int64, np.bool_, np.ndarray, np.dtype, np.dtypes.Float32DType, np.memmap, np.str_]
    found, context = read(pickle.dumps(values, 4))
    assert [one.text for one in found][:2] == ["numpy.float32", "numpy.int64"]
    assert not context.findings


def test_what_is_attached_to_a_dtype_is_judged() -> None:
    assert worst(pickle.dumps(np.dtype("f8", metadata={"a": 1}), 4)) == {"data"}
    assert "code" in worst(pickle.dumps(np.dtype("f8", metadata={"a": print}), 4))


# Random generators

GENERATORS = (np.random.MT19937, np.random.PCG64, np.random.PCG64DXSM, np.random.Philox, np.random.SFC64)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("bits", GENERATORS)
def test_random_generators_are_their_states(bits: Any, protocol: int) -> None:
    source = bits(1)
    found = harmless({"bits": source, "generator": np.random.Generator(source)}, protocol)
    assert found["bits"].kind == f"numpy.random.{bits.__name__}"
    assert isinstance(found["generator"].source, Generator)
    state = found["bits"].value[0] if isinstance(found["bits"].value, tuple) else found["bits"].value
    assert state["bit_generator"] == bits.__name__


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_old_random_state_and_a_seed_are_their_numbers(protocol: int) -> None:
    state = np.random.RandomState(3)
    found = harmless({"state": state, "tuple": state.get_state(), "seed": np.random.SeedSequence(7)}, protocol)
    assert found["state"].value["bit_generator"] == "MT19937"
    assert arrays_equal(made(found["tuple"][1]), state.get_state()[1])
    assert found["seed"].value[0] == 7


# Lies and attacks


RECONSTRUCT = (
    b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85"
    b"c_codecs\nencode\nX\x01\0\0\0bX\x06\0\0\0latin1\x86R\x87R"
)


def array_pickle(state: Any) -> bytes:
    """An array that is given any state."""
    return RECONSTRUCT + pickle.dumps(state, 2)[2:-1] + b"b."


F8 = np.dtype("f8")
LIES = [
    (1, (3,), F8, False, bytes(16)), (1, (3,), F8, False, bytes(32)), (1, (2**40,), F8, False, b""),
    (1, (2**62, 2**62), F8, False, bytes(8)), (1, (3,), np.dtype("O"), False, [1, 2]),
    (1, (2,), np.dtype("U2"), False, bytes(8)),
    (1, (0, 2**62), F8, False, b""),
    (1, (2**40,), np.dtype("V0"), False, b""),
    (1, (0, 2**62), np.dtype("O"), False, []),
]  # fmt: skip


@pytest.mark.parametrize("state", LIES, ids=range(len(LIES)))
def test_an_array_of_another_size_than_its_bytes_is_malformed(state: Any) -> None:
    assert "malformed" in worst(array_pickle(state))


UNFIT = [
    None, (1, (3,), F8, False), (1, [3], F8, False, bytes(24)), (1, (3,), "f8", False, bytes(24)),
    (1, (-3,), F8, False, bytes(24)), (1, (3,), F8, 2, bytes(24)), (2, (3,), F8, False, bytes(24)),
    (1, (3,), F8, False, [1.0, 2.0, 3.0]), (1, (True,), F8, False, bytes(8)), {"shape": (3,)},
    (1, (1,) * 65, F8, False, bytes(8)),
]  # fmt: skip


@pytest.mark.parametrize("state", UNFIT, ids=range(len(UNFIT)))
def test_an_array_with_a_state_that_numpy_never_writes_is_code(state: Any) -> None:
    assert "code" in worst(array_pickle(state))


def test_an_array_takes_one_state() -> None:
    array = empty_array("a file")
    array.build((1, (1,), read_dtype("f8"), False, bytes(8)))
    with pytest.raises(UnfitError, match="second state"):
        array.build((1, (1,), read_dtype("f8"), False, bytes(8)))


CALLS = [
    b"cnumpy\nmemmap\n(X\x01\0\0\0aX\x02\0\0\0u1X\x02\0\0\0w+tR.",
    b"cnumpy\nmemmap\n(X\x01\0\0\0at\x81.",
    b"cnumpy\nndarray\n(K\x03\x85t\x81.",
    b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n(L9999999999L\nt\x85C\x01b\x87R.",
    b"cnumpy.core.multiarray\n_reconstruct\ncsomebody\nArray\nK\x00\x85C\x01b\x87R.",
    b"cnumpy.core.multiarray\nscalar\ncnumpy\ndtype\n(X\x01\0\0\0OI00\nI01\ntRcos\nsystem\n\x86R.",
    b"cnumpy\ndtype\n(X\x02\0\0\0f8I00\nI00\ntR.",
    b"cnumpy\ndtype\n(X\x09\0\0\0os.systemI00\nI01\ntR.",
    b"cnumpy.random._pickle\n__generator_ctor\n(X\x07\0\0\0MT19937cos\nsystem\ntR.",
    b"cnumpy.random._pickle\n__bit_generator_ctor\n(X\x02\0\0\0ostR.",
    b"c_codecs\nencode\n(X\x01\0\0\0aX\x05\0\0\0rot13tR.",
    b"c_codecs\nencode\n(X\x01\0\0\0atR.",
]


@pytest.mark.parametrize("data", CALLS, ids=range(len(CALLS)))
def test_a_call_that_numpy_never_writes_is_code(data: bytes) -> None:
    assert "code" in worst(b"\x80\x03" + data)


def doubled(times: int) -> DType:
    """A record of two records of two records and so on, all over one byte."""
    dtype = read_dtype("i1")
    for _ in range(times):
        dtype = record_of([DTypeField("a", dtype, 0), DTypeField("b", dtype, 0)], 1)
    return dtype


def nested(times: int) -> DType:
    """A small array of small arrays and so on."""
    dtype = read_dtype("i1")
    for _ in range(times):
        dtype = subarray_of(dtype, (1,))
    return dtype


def test_a_dtype_that_is_made_of_shared_parts_is_bounded() -> None:
    assert doubled(10).count == 2**11 - 1
    with pytest.raises(UnfitError, match="more than 100000"):
        doubled(31)


def test_a_dtype_that_nests_too_deep_is_refused() -> None:
    assert nested(31).depth == 32
    with pytest.raises(UnfitError, match="nests more than 32"):
        nested(40)


def test_a_field_that_reaches_beyond_its_item_is_refused() -> None:
    with pytest.raises(UnfitError, match="ends at byte 8 of 4"):
        record_of([DTypeField("a", read_dtype("f8"), 0)], 4)


@pytest.mark.parametrize(
    "text", ["", "f3", "i16", "x4", "<f8x", "f8[D]", "M8[0D]", "M8[furlong]", "S99999999999", "U-1", "f", "u٣"]
)
def test_a_text_that_is_no_type_is_refused(text: str) -> None:
    with pytest.raises(UnfitError, match="isn't one of numpy's"):
        read_dtype(text)


def test_a_lie_about_bytes_is_told_apart_from_an_attack() -> None:
    with pytest.raises(LieError):
        empty_array("a file").build((1, (3,), read_dtype("f8"), False, bytes(8)))


def test_python_2s_arrays_are_read() -> None:
    data = (
        b"cnumpy.core.multiarray\n_reconstruct\np0\n(cnumpy\nndarray\np1\n(I0\ntp2\nS'b'\np3\ntp4\nRp5\n(I1\n(I2\ntp6\n"
        b"cnumpy\ndtype\np7\n(S'f4'\np8\nI0\nI1\ntp9\nRp10\n(I3\nS'<'\np11\nNNNI-1\nI-1\nI0\ntp12\nbI00\n"
        b"S'\\x00\\x00\\x80?\\x00\\x00\\x00@'\np13\ntp14\nb."
    )
    found, context = read(data)
    assert isinstance(found.tensor, Tensor)
    assert made(found).tolist() == [1.0, 2.0]
    assert {finding.level for finding in context.findings} == {"data"}
