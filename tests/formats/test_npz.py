from __future__ import annotations

import io
import pickle
import zipfile
from typing import Any

import numpy as np
import pytest

from modelcypher_nb.errors import MalformedError
from modelcypher_nb.formats import npz
from modelcypher_nb.formats.content import Content
from modelcypher_nb.formats.pickles.context import Context
from modelcypher_nb.guard.source import BytesSource
from tests.formats.array_reading import ARRAYS, arrays_equal, made


class Harmful:
    """Would print, were it ever loaded."""

    def __reduce__(self) -> Any:
        return print, ("it ran",)


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def npy_bytes(array: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def read(data: bytes) -> Content:
    return npz.read(BytesSource(data, "a.npz"), Context("a.npz"))


def levels(content: Content) -> set[str]:
    return {finding.level for finding in content.findings}


NUMBERS = {name: array for name, array in ARRAYS.items() if name.startswith("numbers")}


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_every_array_of_an_archive_is_read_under_its_name(save: Any) -> None:
    buffer = io.BytesIO()
    save(buffer, **ARRAYS)
    content = read(buffer.getvalue())
    assert list(content.root) == list(ARRAYS)
    assert all(arrays_equal(made(content.root[name]), array) for name, array in ARRAYS.items())
    assert (levels(content), content.pickled, content.error) == ({"data"}, True, None)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_an_archive_of_numbers_is_weights(save: Any) -> None:
    buffer = io.BytesIO()
    save(buffer, **NUMBERS)
    content = read(buffer.getvalue())
    assert (content.findings, content.pickled) == ([], False)
    assert list(content.tensors) == list(NUMBERS)


@pytest.mark.parametrize("name", ["a.npy", "weights.npy", "readme.txt"])
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_member_that_is_a_pickle_is_judged_whatever_its_name(name: str, protocol: int) -> None:
    content = read(zipped({"b.npy": npy_bytes(np.ones(2)), name: pickle.dumps(Harmful(), protocol)}))
    assert "code" in levels(content)
    assert content.pickled
    assert content.findings[0].member == name


def test_an_object_array_that_runs_code_is_code_and_says_in_which_member() -> None:
    content = read(zipped({"a.npy": npy_bytes(np.array([Harmful()], dtype=object))}))
    assert ("code", "a.npy") in {(finding.level, finding.member) for finding in content.findings}


def test_a_member_that_is_no_array_is_never_clean() -> None:
    content = read(zipped({"a.npy": npy_bytes(np.ones(2)), "b.npy": b"\x7fELF and more"}))
    assert levels(content) == {"unsupported"}
    assert list(content.tensors) == ["a"]


def test_an_empty_member_is_nothing() -> None:
    content = read(zipped({"a.npy": npy_bytes(np.ones(2)), "b.npy": b""}))
    assert content.root["b"] is None


def test_a_changed_byte_is_found_by_the_checksum() -> None:
    data = bytearray(zipped({"a.npy": npy_bytes(np.ones(50))}))
    data[300] ^= 1
    with pytest.raises(MalformedError, match="CRC-32"):
        read(bytes(data))


def test_a_changed_byte_hides_no_code() -> None:
    good = npy_bytes(np.array([Harmful(), "x" * 99], dtype=object))
    data = bytearray(zipped({"a.npy": good}))
    data[data.index(b"xxxx") + 20] ^= 1
    content = read(bytes(data))
    assert levels(content) >= {"code", "malformed"}
    assert isinstance(content.error, MalformedError)


def test_an_array_that_is_cut_off_is_malformed() -> None:
    with pytest.raises(MalformedError, match="announces 16 bytes of items"):
        read(zipped({"a.npy": npy_bytes(np.ones(2))[:-1]}))


def test_two_members_of_one_array_name_keep_their_own_names() -> None:
    content = read(zipped({"a.npy": npy_bytes(np.ones(2)), "a": npy_bytes(np.ones(3))}))
    assert {name: made(value).shape for name, value in content.root.items()} == {"a": (2,), "a.npy": (3,)}
