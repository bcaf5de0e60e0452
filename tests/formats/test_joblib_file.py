from __future__ import annotations

import io
import pickle
import re
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joblib.numpy_pickle import NumpyArrayWrapper

from modelcypher_nb.formats import pickle_file
from modelcypher_nb.formats.compressed import unwrap
from modelcypher_nb.formats.content import Content
from modelcypher_nb.formats.pickles.context import Context
from modelcypher_nb.guard.source import BytesSource, Source
from tests.formats.array_reading import ARRAYS, arrays_equal, made

COMPRESSORS = [0, 3, ("zlib", 1), ("gzip", 3), ("bz2", 3), ("xz", 1), ("lzma", 1)]
DUMPED = {name: array for name, array in ARRAYS.items() if array.itemsize}  # joblib divides by an item's size
ALIGNMENT_STATE = "numpy_array_alignment_bytes"


def dumped(folder: Path, value: Any, compress: Any = 0, protocol: int | None = None) -> bytes:
    joblib.dump(value, folder / "a.joblib", compress=compress, protocol=protocol)
    return (folder / "a.joblib").read_bytes()


def read(data: bytes, *, packed: bool = False) -> Content:
    source: Source = BytesSource(data, "a.joblib")
    return pickle_file.read(unwrap(source) if packed else source, Context("a.joblib"))


def levels(content: Content) -> set[str]:
    return {finding.level for finding in content.findings}


@pytest.mark.parametrize("protocol", [None, 0, 2, 3, 5])
@pytest.mark.parametrize("compress", COMPRESSORS, ids=str)
def test_what_joblib_dumps_is_read_as_joblib_loads_it(tmp_path: Path, compress: Any, protocol: int | None) -> None:
    value = {"arrays": DUMPED, "list": [1, "two", None], "same": ARRAYS["turned"], "matrix": np.eye(2).view(np.matrix)}
    content = read(dumped(tmp_path, value, compress, protocol), packed=compress != 0)
    loaded = joblib.load(tmp_path / "a.joblib")
    assert (content.format, content.error, levels(content)) == ("joblib file", None, {"data"})
    assert content.root["list"] == value["list"]
    for name, array in loaded["arrays"].items():
        assert arrays_equal(made(content.root["arrays"][name]), array), name
    assert content.root["matrix"].kind == "numpy.matrix"
    assert arrays_equal(made(content.root["matrix"]), np.eye(2))


def test_a_memory_mapped_array_is_read(tmp_path: Path) -> None:
    mapped = np.memmap(tmp_path / "raw", "f4", "w+", shape=(3, 4))
    mapped[:] = 2
    content = read(dumped(tmp_path, mapped))
    assert arrays_equal(made(content.root), np.full((3, 4), 2, "f4"))
    assert content.root.kind == "numpy.memmap"


def test_the_numbers_stay_in_the_file_where_joblib_aligns_them(tmp_path: Path) -> None:
    data = dumped(tmp_path, {"a": np.arange(1000.0)})
    tensor: Any = read(data).tensors["a"]
    source, offset = tensor.storage.source.place()
    assert (source.size, offset % 16) == (len(data), 0)
    assert data[offset : offset + 8000] == np.arange(1000.0).tobytes()


def test_a_file_without_arrays_is_a_pickle(tmp_path: Path) -> None:
    assert read(dumped(tmp_path, [1, 2])).format == "pickle"


def test_objects_in_an_array_are_judged(tmp_path: Path) -> None:
    content = read(dumped(tmp_path, {"a": np.array([print, 1], dtype=object), "b": np.ones(2)}))
    assert "code" in levels(content)
    assert made(content.root["b"]).tolist() == [1, 1]


def test_code_after_an_array_is_found(tmp_path: Path) -> None:
    content = read(dumped(tmp_path, [np.ones(100), print]))
    assert {finding.name for finding in content.findings if finding.level == "code"} == {"builtins.print"}


def stand_in(dtype: str, shape: tuple[int, ...] = (1,), alignment: Any = 16) -> Any:
    """What joblib pickles for an array."""
    return NumpyArrayWrapper(
        np.ndarray, shape, "C", np.dtype(dtype), allow_mmap=True, numpy_array_alignment_bytes=alignment
    )


def unaligned(array: Any) -> bytes:
    """What joblib before 1.2 wrote: no bytes are filled in before an array."""
    wrapper = stand_in(array.dtype.str, array.shape)
    del wrapper.numpy_array_alignment_bytes
    before, filled, after = pickle.dumps([wrapper], 2).rpartition(b"ub")  # SETITEMS, BUILD
    return before + filled + array.tobytes() + after


def test_an_array_of_an_older_joblib_is_read() -> None:
    content = read(unaligned(np.arange(5.0)))
    assert (levels(content), content.error) == ({"data"}, None)
    assert made(content.root[0]).tolist() == [0, 1, 2, 3, 4]


def test_numbers_that_are_opcodes_to_another_loader_are_code() -> None:
    attack = np.frombuffer(b"cbuiltins\nprint\n(S'it ran'\ntR.", "u1")
    content = read(unaligned(attack))
    assert "code" in levels(content)
    assert made(content.root[0]).tobytes() == attack.tobytes()


def aligned_attack(length: int, filling: bytes, alignment: int = 16) -> bytes:
    """A stand-in after which as many bytes are filled in as it says, whatever they are."""
    wrapper = stand_in("u1", alignment=alignment)
    return pickle.dumps(wrapper, 2)[:-1] + bytes([length]) + filling + b"\x07."


@pytest.mark.parametrize(
    ("length", "filling", "alignment"),
    [(0, b"", 16), (17, b"\xff" * 17, 16), (4, b"\xff\xff\xff\0", 16), (40, b"cos\nsystem\n".ljust(40), 64)],
    ids=["none", "too many", "others", "opcodes"],
)
def test_only_what_joblib_fills_in_is_skipped(length: int, filling: bytes, alignment: int) -> None:
    assert levels(read(aligned_attack(3, b"\xff" * 3))) == {"data"}
    assert "malformed" in levels(read(aligned_attack(length, filling, alignment)))


STATES = [
    {"alignment": 17}, {"alignment": True}, {"order": "K"}, {"shape": [1]}, {"shape": (-1,)}, {"dtype": "u1"},
    {"more": 1}, {"subclass": print}, {"allow_mmap": "yes"},
]  # fmt: skip


@pytest.mark.parametrize("change", STATES, ids=str)
def test_a_stand_in_that_joblib_never_writes_is_code(change: dict[str, Any]) -> None:
    wrapper = stand_in("u1")
    wrapper.__dict__.update({ALIGNMENT_STATE if key == "alignment" else key: value for key, value in change.items()})
    data = pickle.dumps(wrapper, 2)[:-1] + b"\x01\xff\x07."
    assert "code" in levels(read(data))


def test_an_array_that_is_longer_than_the_file_is_malformed() -> None:
    wrapper = stand_in("f8", (2**40,))
    content = read(pickle.dumps(wrapper, 2)[:-1] + b"\x01\xff\x07.")
    assert levels(content) == {"data", "malformed"}
    assert re.search("announces 8796093022208 bytes", str(content.error))


def test_an_empty_array_of_a_huge_shape_is_malformed() -> None:
    wrapper = stand_in("f8", (0, 2**62))
    assert "malformed" in levels(read(pickle.dumps(wrapper, 2)[:-1] + b"\x01\xff."))


def test_bytes_within_a_frame_are_malformed() -> None:
    wrapper = stand_in("u1")
    body = pickle.dumps(wrapper, 4)[11:-1] + b"\x01\xff\x07."
    framed = b"\x80\x04\x95" + len(body).to_bytes(8, "little") + body
    assert "malformed" in levels(read(framed))


def test_what_joblib_before_0_10_wrote_is_never_clean() -> None:
    data = b"cjoblib.numpy_pickle_compat\nZNDArrayWrapper\n)\x81."
    assert levels(read(b"\x80\x02" + data)) == {"code"}


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_a_damaged_file_is_judged_and_nothing_else(data: st.DataObject) -> None:
    buffer = io.BytesIO()
    joblib.dump({"a": np.arange(6.0), "b": np.array([1, "a"], dtype=object), "c": ARRAYS["structured"]}, buffer)
    whole = bytearray(buffer.getvalue())
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    content = read(bytes(whole[: data.draw(st.integers(1, len(whole)))]))
    assert (content.error is None) == ("malformed" not in levels(content))
