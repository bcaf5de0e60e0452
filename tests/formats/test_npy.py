from __future__ import annotations

import io
import pickle
import warnings
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelcypher_nb.errors import MalformedError
from modelcypher_nb.formats import npy
from modelcypher_nb.formats.content import Content
from modelcypher_nb.formats.npy_header import read_header
from modelcypher_nb.formats.pickles.context import Context
from modelcypher_nb.formats.pickles.numpy_arrays import Array
from modelcypher_nb.formats.pickles.values import Tensor
from modelcypher_nb.guard.source import BytesSource
from tests.formats.array_reading import ARRAYS, arrays_equal, dtype_of, made


def saved(*arrays: Any, version: tuple[int, int] | None = None) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy remarks that newer headers are new
        for array in arrays:
            np.lib.format.write_array(buffer, array, version=version)
    return buffer.getvalue()


def read(data: bytes) -> Content:
    return npy.read(BytesSource(data, "a.npy"), Context("a.npy"))


def forged(header: str | bytes, data: bytes = b"", version: int = 1) -> bytes:
    """A file whose header may say anything."""
    text = header.encode("latin-1") if isinstance(header, str) else header
    return b"\x93NUMPY" + bytes([version, 0]) + len(text).to_bytes(2 if version == 1 else 4, "little") + text + data


def levels(content: Content) -> set[str]:
    return {finding.level for finding in content.findings}


@pytest.mark.parametrize("name", ARRAYS)
def test_an_array_of_any_dtype_is_read_bit_for_bit(name: str) -> None:
    content = read(saved(ARRAYS[name]))
    assert arrays_equal(made(content.root), ARRAYS[name])
    assert content.error is None


def test_numbers_are_weights_other_items_are_data_and_objects_rely_on_pickle() -> None:
    found = {name: read(saved(array)) for name, array in ARRAYS.items()}
    weights = {name for name, content in found.items() if not content.findings}
    assert weights == {name for name, content in found.items() if isinstance(content.root, Tensor)}
    assert weights >= {"numbers f8", "numbers >i4", "nothing", "turned", "Fortran's order"}
    assert all(levels(content) == {"data"} for name, content in found.items() if name not in weights)
    assert {name for name, content in found.items() if content.pickled} == {"objects", "rows of objects"}


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_every_version_of_the_header_is_read(version: tuple[int, int]) -> None:
    array = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    tensor = read(saved(array, version=version)).root
    assert arrays_equal(made(tensor), array)
    assert tensor.stride == (1, 2)


def test_a_tensor_lies_in_the_file_where_numpy_reads_it() -> None:
    data = saved(np.arange(4.0))
    content = read(data)
    source, offset = content.tensors["data"].storage.source.place()  # type: ignore[union-attr] # a tensor of a file
    assert (source.size, data[offset:]) == (len(data), np.arange(4.0).tobytes())


def test_arrays_that_follow_each_other_are_all_read() -> None:
    content = read(saved(np.arange(3), np.array([{}], dtype=object), np.ones(2, "f4")))
    assert [type(one) for one in content.root] == [Tensor, Array, Tensor]
    assert content.pickled


def test_the_pickle_within_is_judged() -> None:
    content = read(saved(np.array([print], dtype=object)))
    assert "code" in levels(content)
    assert content.findings[-1].name == "builtins.print"


def test_a_pickle_that_ends_early_is_judged_up_to_there() -> None:
    header = "{'descr': '|O', 'fortran_order': False, 'shape': (2,), }\n"
    pickled = pickle.dumps(np.array([print, "x" * 99], dtype=object), 2)
    content = read(forged(header, pickled[:-20]))
    assert isinstance(content.error, MalformedError)
    assert levels(content) >= {"code", "malformed"}


def test_a_pickle_of_something_else_than_the_header_says_is_malformed() -> None:
    content = read(forged("{'descr': '|O', 'fortran_order': False, 'shape': (3,), }\n", b"\x80\x04K\x01."))
    assert levels(content) == {"malformed"}
    assert content.error is not None


def test_bytes_after_the_array_are_malformed() -> None:
    with pytest.raises(MalformedError, match=r"doesn't begin as a \.npy file"):
        read(saved(np.arange(3)) + b"PK\x03\x04 and more")


def test_an_array_that_is_cut_off_is_malformed() -> None:
    data = saved(np.arange(3))
    with pytest.raises(MalformedError, match="announces 24 bytes of items, but only 23 follow"):
        read(data[:-1])


HEADERS = {
    "a huge shape": "{'descr': '<f8', 'fortran_order': False, 'shape': (4611686018427387904, 4), }\n",
    "a huge shape of nothing": "{'descr': '<f8', 'fortran_order': True, 'shape': (0, 4611686018427387904), }\n",
    "endless items of nothing": "{'descr': '|V0', 'fortran_order': False, 'shape': (4611686018427387904,), }\n",
    "a negative shape": "{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }\n",
    "a shape of texts": "{'descr': '<f8', 'fortran_order': False, 'shape': ('3',), }\n",
    "a shape that is no tuple": "{'descr': '<f8', 'fortran_order': False, 'shape': 3, }\n",
    "a list for a shape": "{'descr': '<f8', 'fortran_order': False, 'shape': [3], }\n",
    "too many dimensions": f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({'1, ' * 65}), }}\n",
    "a key too many": "{'descr': '<f8', 'fortran_order': False, 'shape': (3,), 'more': 1}\n",
    "a key too few": "{'descr': '<f8', 'shape': (3,), }\n",
    "a key twice": "{'descr': '<f8', 'fortran_order': False, 'shape': (3,), 'shape': (1,)}\n",
    "an order that is a number": "{'descr': '<f8', 'fortran_order': 0, 'shape': (3,), }\n",
    "a call": "{'descr': '<f8', 'fortran_order': False, 'shape': (print(1),), }\n",
    "a name": "{'descr': f8, 'fortran_order': False, 'shape': (3,), }\n",
    "an unknown type": "{'descr': '<q8', 'fortran_order': False, 'shape': (3,), }\n",
    "something behind the dict": "{'descr': '<f8', 'fortran_order': False, 'shape': (3,), } + 1\n",
    "no end": "{'descr': '<f8', 'fortran_order': False, 'shape': (3,), ",
    "no commas": "{'descr': '<f8' 'fortran_order': False, 'shape': (3,)}\n",
    "a comma alone": "{, 'descr': '<f8', 'fortran_order': False, 'shape': (3,)}\n",
    "one field's name twice": "{'descr': [('a', '<f8'), ('a', '<f8')], 'fortran_order': False, 'shape': (3,), }\n",
    "fields that nest without end": f"{{'descr': {'[' * 500}, 'fortran_order': False, 'shape': (3,)}}\n",
    "items that are arrays": "{'descr': ('<f8', (2,)), 'fortran_order': False, 'shape': (3,)}\n",
    "an escape that nobody writes": "{'descr': [('\\N{BULLET}', '<f8')], 'fortran_order': False, 'shape': (3,)}\n",
    "a character that isn't": "{'descr': [('\\Uffffffff', '<f8')], 'fortran_order': False, 'shape': (3,)}\n",
    "items of terabytes": "{'descr': ('<f8', (99999999, 99999)), 'fortran_order': False, 'shape': (0,)}\n",
    "an empty header": "",
    "a text": "'descr'",
    "a comment": "{'descr': '<f8', 'fortran_order': False, 'shape': (3,)} # more\n",
}


@pytest.mark.parametrize("name", HEADERS)
def test_a_header_that_numpy_never_writes_is_malformed(name: str) -> None:
    with pytest.raises(MalformedError):
        read(forged(HEADERS[name], bytes(24)))


@pytest.mark.parametrize(
    "data",
    [b"", b"\x93NUMPY", b"\x93NUMPY\x04\x00\x00\x00", b"\x93NUMPY\x01\x01\x00\x00",
     b"\x93NUMPY\x02\x00\xff\xff\xff\xff", forged(b"\xff\xfe", version=3)],
    ids=range(6),
)  # fmt: skip
def test_a_file_that_only_begins_like_one_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedError):
        read(data)


def test_python_2s_long_numbers_are_read() -> None:
    data = forged("{'descr': '<f8', 'fortran_order': False, 'shape': (2L, 1L), }\n", bytes(16))
    assert read(data).root.shape == (2, 1)


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=6)
PLAIN = st.sampled_from(["<f8", ">i2", "|b1", "<U3", "|S2", "<M8[25us]", "|V3", "<c16", "|O"])
TYPES = st.recursive(
    PLAIN,
    lambda inner: st.lists(
        st.tuples(NAMES, inner) | st.tuples(st.tuples(NAMES, NAMES), inner) | st.tuples(NAMES, inner, st.just((2, 3))),
        min_size=1,
        max_size=3,
    ),
    max_leaves=6,
)


@given(TYPES)
@settings(max_examples=300, deadline=None)
def test_every_dtype_that_numpy_writes_is_read_as_numpy_reads_it(description: Any) -> None:
    try:
        dtype = np.dtype(description)
    except ValueError:
        return  # a name twice
    text = repr({"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": ()})
    header = read_header(BytesSource(forged(text.encode(), version=3), "a.npy"))
    assert dtype_of(header.dtype) == np.lib.format.descr_to_dtype(np.lib.format.dtype_to_descr(dtype))
    assert header.dtype.item_bytes == dtype.itemsize
    assert header.dtype.has_object == dtype.hasobject


@given(st.data(), st.sampled_from([name for name in ARRAYS if name != "objects"]))
@settings(max_examples=300, deadline=None)
def test_a_damaged_file_is_read_or_malformed_and_nothing_else(data: st.DataObject, name: str) -> None:
    whole = bytearray(saved(ARRAYS[name]))
    for _ in range(data.draw(st.integers(0, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with suppress(MalformedError):
        read(bytes(whole[: data.draw(st.integers(0, len(whole)))]))


@given(st.text("{}[]()',:\\x0123 TrueFalsedescrfortran_ordershape<f8\n", max_size=60))
@settings(max_examples=500, deadline=None)
def test_any_text_for_a_header_is_read_or_malformed(text: str) -> None:
    with suppress(MalformedError):
        read(forged(text))
