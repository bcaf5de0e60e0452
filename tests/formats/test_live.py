from __future__ import annotations

import argparse
import collections
import datetime as dt
import decimal
import fractions
import io
import pathlib
import pickle
import types
import uuid
from typing import Any

import numpy as np
import pytest
import torch

from modelcypher_nb.errors import UnsafeFileError
from modelcypher_nb.formats import arrays, live, pickle_file
from modelcypher_nb.formats.pickles.context import Context
from modelcypher_nb.formats.pickles.values import Opaque, Shell, Tensor
from modelcypher_nb.guard.source import BytesSource
from tests.formats.tensor_values import described


def alive(value: Any, protocol: int = 4) -> Any:
    """What comes back of a value that Python itself pickled."""
    content = pickle_file.read(BytesSource(pickle.dumps(value, protocol), "file"), Context("file"))
    assert content.error is None
    return arrays.live(content.root)


def test_plain_data_comes_back_as_it_was() -> None:
    value = {
        "a": [1, 2.5, None, True, "é", b"\0\1", 2**100, 1j],
        (1, ("x", 2)): {"s": {1, 2}, "f": frozenset({(1, 2)}), "e": (), "n": ({},)},
        "b": bytearray(b"xyz"),
    }
    for protocol in range(2, 6):
        found = alive(value, protocol)
        assert found == value
        assert type(found["a"][3]) is bool


@pytest.mark.parametrize("size", [1 << 10, 1 << 18])
def test_a_bytearray_stays_one_however_long_it_is(size: int) -> None:
    value = {"booster": bytearray(range(256)) * (size // 256), "raw": bytes(size)}
    for protocol in (2, 4, 5):
        found = alive(value, protocol)
        assert found == value
        assert (type(found["booster"]), type(found["raw"])) == (bytearray, bytes)


@pytest.mark.parametrize(
    "value",
    [
        dt.datetime(2024, 2, 29, 13, 5, 7, 123456),  # noqa: DTZ001 - as most are saved
        dt.datetime(2024, 1, 1, tzinfo=dt.UTC),
        dt.datetime(2024, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=-5, minutes=-30))),
        dt.date(1999, 12, 31),
        dt.time(23, 59, 59, 1),
        dt.timedelta(days=-3, seconds=5, microseconds=7),
        dt.timezone(dt.timedelta(hours=2)),
        decimal.Decimal("-1.500E+7"),
        fractions.Fraction(-3, 7),
        uuid.UUID(int=123456789),
        pathlib.PurePosixPath("/a/b.txt"),
        pathlib.PureWindowsPath("C:\\a\\b"),
        range(3, 20, 4),
        slice(1, None, 2),
        collections.deque([1, 2, 3], maxlen=3),
        collections.deque(["a"]),
        np.float32(1.5),
        np.int64(-7),
        np.datetime64("2024-02-29"),
        np.bool_(1),
        np.complex128(1 - 2j),
        np.dtype("<f8"),
        np.dtype([("a", "<i4"), ("b", "S3")]),
    ],
    ids=repr,
)
def test_a_harmless_value_comes_back_as_what_it_was(value: Any) -> None:
    found = alive([value])[0]
    assert type(found) is type(value)
    assert found == value
    assert getattr(found, "maxlen", None) == getattr(value, "maxlen", None)
    assert getattr(found, "tzinfo", None) == getattr(value, "tzinfo", None)


def test_a_path_of_this_system_comes_back_as_one_that_opens_nothing() -> None:
    assert alive(pathlib.Path("/etc/passwd")) == pathlib.PurePosixPath("/etc/passwd")
    assert type(alive(pathlib.Path("/etc/passwd"))) is pathlib.PurePosixPath


def test_namespaces_come_back_and_dicts_of_other_classes_become_dicts() -> None:
    arguments = argparse.Namespace(rate=0.1, inner=types.SimpleNamespace(x=1))
    assert alive(arguments) == arguments
    assert alive(arguments).inner.x == 1
    ordered = alive(collections.OrderedDict(b=1, a=2))
    assert type(ordered) is collections.OrderedDict
    assert list(ordered) == ["b", "a"]
    counts = alive(collections.defaultdict(list, {"a": [1]}))
    assert type(counts) is dict
    assert counts == {"a": [1]}


def test_a_state_dict_keeps_its_order_and_its_metadata() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))
    found = arrays.live(described(model.state_dict()).root)
    assert type(found) is collections.OrderedDict
    assert list(found) == list(model.state_dict())
    assert found._metadata == model.state_dict()._metadata  # type: ignore[attr-defined]
    model.load_state_dict(found)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0).reshape(2, 3),
        np.asfortranarray(np.arange(6, dtype=np.int16).reshape(2, 3)),
        np.array(5),
        np.zeros((0, 3), np.complex64),
        np.arange(3, dtype=">i4"),
        np.array(["ab", "é"]),
        np.array([b"x", b"yz"]),
        np.array(["2024-01-01", "2025-02-02"], "M8[D]"),
        np.array([(1, 2.5, "q")], dtype=[("a", "<i4"), ("b", "<f8"), ("c", "<U3")]),
        np.array([(1, [2, 3])], dtype=[("a", "<i4"), ("b", "<i2", (2,))]),
        np.array([1, 2], np.longdouble),
    ],
    ids=lambda array: str(array.dtype),
)
def test_an_array_comes_back_with_its_type_its_order_and_its_bytes(array: np.ndarray[Any, Any]) -> None:
    for found in (alive(array), alive({"x": [array]})["x"][0]):
        assert type(found) is np.ndarray
        assert (found.dtype, found.shape) == (array.dtype, array.shape)
        assert found.tobytes() == array.tobytes()
        assert found.flags.f_contiguous == array.flags.f_contiguous
        assert found.flags.writeable


def test_an_array_of_objects_holds_what_they_become() -> None:
    array = np.array([{"a": 1}, [2], None, dt.date(2020, 1, 1)], dtype=object).reshape(2, 2)
    found = alive(array)
    assert found.dtype == object
    assert found.tolist() == array.tolist()


def test_an_array_with_a_mask_keeps_it() -> None:
    found = alive(np.ma.array([1, 2, 3], mask=[False, True, False]))
    assert found.tolist() == [1, None, 3]


def test_what_is_shared_stays_shared_and_cycles_stay_cycles() -> None:
    shared: list[Any] = [1]
    value: dict[str, Any] = {"a": shared, "b": (shared, shared)}
    shared.append(value)
    value["self"] = (value,)
    queue: collections.deque[Any] = collections.deque()
    queue.append(queue)
    value["queue"] = queue
    found = alive(value)
    assert found["a"] is found["b"][0] is found["b"][1]
    assert found["a"][1] is found
    assert found["self"][0] is found
    assert found["queue"][0] is found["queue"]


def test_deep_nesting_needs_no_deep_stack() -> None:
    value: Any = "bottom"
    for _ in range(50_000):
        value = ([value],)
    found = arrays.live(value)
    for _ in range(50_000):
        found = found[0][0]
    assert found == "bottom"
    tuples: Any = ()
    for _ in range(50_000):
        tuples = (tuples,)
    assert len(arrays.live([tuples])[0]) == 1


def test_tensors_within_are_torch_s_and_shared_ones_are_one() -> None:
    weight = torch.nn.Parameter(torch.ones(2, 2))
    found = arrays.live(
        described(
            {
                "epoch": 3,
                "model": {"w": weight, "view": weight.detach()[0]},
                "again": [weight],
                "numpy": np.arange(3),
                "dtype": torch.bfloat16,
                "size": torch.Size([2, 3]),
                "sparse": torch.eye(2).to_sparse(),
            }
        ).root
    )
    assert found["again"][0] is found["model"]["w"]
    assert type(found["model"]["w"]) is torch.nn.Parameter
    assert found["model"]["view"].untyped_storage().data_ptr() == weight_memory(found["model"]["w"])
    assert type(found["numpy"]) is np.ndarray
    assert found["dtype"] is torch.bfloat16
    assert found["size"] == torch.Size([2, 3])
    assert found["sparse"].layout == torch.sparse_coo


def weight_memory(weight: torch.Tensor) -> int:
    return weight.untyped_storage().data_ptr()


def test_a_module_comes_back_as_inert_objects_around_its_tensors() -> None:
    found = arrays.live(described(torch.nn.Sequential(torch.nn.Linear(2, 3))).root)
    assert type(found) is Opaque
    assert found.kind == "torch.nn.modules.container.Sequential"
    (layer,) = found.state["_modules"].values()
    assert type(layer) is Opaque
    assert type(layer.state["_parameters"]["weight"]) is torch.nn.Parameter


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return print, ("it ran",)


def test_content_that_would_run_code_is_given_as_inert_only_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    file = io.BytesIO()
    torch.save({"w": torch.ones(2), "evil": Evil()}, file)
    from modelcypher_nb.formats import torch_zip

    content = torch_zip.read(BytesSource(file.getvalue(), "file"), Context("file"))
    with pytest.raises(UnsafeFileError, match="would call"):
        arrays.live(content.root)
    found = arrays.live(content.root, rescue=True)
    assert type(found["evil"]) is Opaque
    assert found["w"].tolist() == [1, 1]
    assert capsys.readouterr().out == ""


def test_a_shell_that_nobody_knows_stays_one_with_its_content_made() -> None:
    found = arrays.live({"x": Shell("somebody.Config", {"t": Shell("datetime.date", "2020-01-01")})})
    assert type(found["x"]) is Shell
    assert found["x"].value == {"t": dt.date(2020, 1, 1)}


def test_random_generators_keep_their_numbers() -> None:
    found = alive(np.random.default_rng(3))
    assert type(found) is Shell
    assert found.kind == "numpy.random.Generator"


def test_tensors_that_are_keys_stay_described_where_only_numpy_makes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    weight = torch.nn.Parameter(torch.ones(2))
    saved = described({"state": {weight: {"step": 3}}, "seen": {weight}, "list": [weight]}).root
    assert next(iter(arrays.live(saved)["state"])).shape == (2,)
    monkeypatch.setattr(live, "has_torch", lambda: False)
    found = arrays.live(saved)
    (key,) = found["state"]
    assert (type(key), key.shape) == (Tensor, (2,))
    assert found["seen"] == {key}
    assert found["state"][key] == {"step": 3}
    assert type(found["list"][0]) is np.ndarray
