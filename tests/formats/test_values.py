"""What loads is bit for bit what the library that wrote a file gives: torch, numpy, joblib, pickle."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from modelcypher_nb.formats import detect
from modelcypher_nb.guard.paths import Guard
from tests.samples.benign import SAMPLES
from tests.samples.sample import Sample

pytestmark = pytest.mark.slow  # some two thousand files, each opened twice

OPENED = [sample for sample in SAMPLES if sample.opens in {"torch", "script", "pickle"}]


def reference(sample: Sample, path: Path) -> Any:
    """What the library itself opens; the file is ours, so it may run."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if sample.opens == "script":
            return torch.jit.load(path).state_dict()
        if sample.opens == "pickle":
            return pickle.loads(path.read_bytes())  # noqa: S301 - made a moment ago
        return torch.load(path, map_location="cpu", weights_only=False)


def tensors_in(value: Any, seen: set[int] | None = None) -> Iterator[torch.Tensor]:
    """Every tensor within a value, each object once, in whatever holds it."""
    seen = set() if seen is None else seen
    if isinstance(value, torch.Tensor):
        yield value
        return
    if id(value) in seen or isinstance(value, str | bytes | int | float | np.ndarray | type | None):
        return
    seen.add(id(value))
    inner: list[Any] = []
    if isinstance(value, dict):
        inner += value.values()
    elif isinstance(value, list | tuple | set | frozenset):
        inner += value
    if hasattr(value, "__dict__") and not callable(getattr(value, "__wrapped__", None)):
        inner += vars(value).values()
    for one in inner:
        yield from tensors_in(one, seen)


def named(value: Any, name: str = "", around: tuple[int, ...] = ()) -> Iterator[tuple[str, torch.Tensor]]:
    """Tensors of plain dicts and lists by their dotted place; a list within itself ends there."""
    if isinstance(value, torch.Tensor):
        yield name or "data", value
    if not isinstance(value, dict | list | tuple) or id(value) in around:
        return
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        yield from named(item, f"{name}.{key}" if name else str(key), (*around, id(value)))


COMPRESSED = {
    torch.sparse_csr: ("crow_indices", "col_indices", "values"),
    torch.sparse_bsr: ("crow_indices", "col_indices", "values"),
    torch.sparse_csc: ("ccol_indices", "row_indices", "values"),
    torch.sparse_bsc: ("ccol_indices", "row_indices", "values"),
    torch.sparse_coo: ("_indices", "_values"),
}


def bits(tensor: torch.Tensor) -> tuple[Any, ...]:
    """All that a tensor is, down to its bits."""
    tensor = tensor.detach()
    if tensor.is_nested:
        return ("nested", *(bits(one) for one in tensor.unbind()))
    facts = (str(tensor.dtype), tuple(tensor.shape), str(tensor.layout), tensor.device.type)
    if tensor.device.type == "meta":
        return facts
    if tensor.layout in COMPRESSED:
        coalesced = tensor.is_coalesced() if tensor.layout is torch.sparse_coo else None
        return (*facts, coalesced, *(bits(getattr(tensor, part)()) for part in COMPRESSED[tensor.layout]))
    if tensor.is_quantized:
        return (*facts, *_scales(tensor), bits(tensor.int_repr()))
    return (*facts, _raw(tensor.resolve_conj().resolve_neg()))


def _raw(plain: torch.Tensor) -> bytes:
    """The bytes of each element in row-major order, straight from the storage: not every dtype can be computed with."""
    size = plain.element_size()
    raw = torch.empty(0, dtype=torch.uint8).set_(plain.untyped_storage()).numpy()
    places = [
        plain.storage_offset() + sum(at * step for at, step in zip(index, plain.stride(), strict=True))
        for index in np.ndindex(tuple(plain.shape))
    ]
    return b"".join(raw[place * size : (place + 1) * size].tobytes() for place in places)


def _scales(tensor: torch.Tensor) -> tuple[Any, ...]:
    scheme = tensor.qscheme()
    if scheme in {torch.per_tensor_affine, torch.per_tensor_symmetric}:
        return str(scheme), tensor.q_scale(), tensor.q_zero_point()
    return (
        str(scheme),
        tensor.q_per_channel_axis(),
        bits(tensor.q_per_channel_scales()),
        bits(tensor.q_per_channel_zero_points()),
    )


@pytest.mark.parametrize("sample", OPENED, ids=lambda sample: sample.name)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_load_gives_the_very_bits_of_the_library_that_wrote_them(
    sample: Sample, guard: Guard, tmp_path: Path
) -> None:
    path = sample.make(tmp_path)
    expected = reference(sample, path)
    with guard.open(path) as safe:
        loaded = {
            name: tensor for name, tensor in detect.load(safe, mapped=False).items() if isinstance(tensor, torch.Tensor)
        }
    by_name = dict(expected.state_dict()) if isinstance(expected, torch.nn.Module) else dict(named(expected))
    for name, tensor in by_name.items():
        if isinstance(tensor, torch.Tensor) and not isinstance(tensor, torch.nn.parameter.UninitializedTensorMixin):
            assert name in loaded, (name, list(loaded)[:20])
            assert bits(loaded[name]) == bits(tensor), name
    found = {bits(tensor) for tensor in loaded.values()}
    for tensor in tensors_in(expected):
        if not isinstance(tensor, torch.nn.parameter.UninitializedTensorMixin):
            assert bits(tensor) in found


@pytest.mark.parametrize(
    "sample", [sample for sample in OPENED if "tied" in sample.name], ids=lambda sample: sample.name
)
def test_tied_tensors_share_their_memory_as_in_the_file(sample: Sample, guard: Guard, tmp_path: Path) -> None:
    path = sample.make(tmp_path)
    expected = dict(named(reference(sample, path)))
    with guard.open(path) as safe:
        loaded = detect.load(safe, mapped=False)
    places = {name: tensor.untyped_storage().data_ptr() for name, tensor in expected.items()}
    ours = {name: loaded[name].untyped_storage().data_ptr() for name in expected}
    names = list(places)
    for first in names:
        for second in names:
            assert (places[first] == places[second]) == (ours[first] == ours[second]), (first, second)


def same(left: Any, right: Any) -> bool:
    """Equal in type, shape and bits; within containers too."""
    if isinstance(right, np.ndarray):
        left = np.asarray(left)
        if right.dtype.hasobject:
            return left.shape == right.shape and all(map(same, left.ravel().tolist(), right.ravel().tolist()))
        native = left.dtype.newbyteorder("=") == right.dtype.newbyteorder("=")  # joblib swaps to the machine's order
        left = left if left.dtype == right.dtype else left.astype(right.dtype)
        return native and left.shape == right.shape and left.tobytes() == right.tobytes()
    if isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], item) for key, item in right.items())
    if isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right or (left != left and right != right))  # noqa: PLR0124 - NaN


ARRAYS = [sample for sample in SAMPLES if sample.opens in {"numpy", "joblib"} and sample.expected != {"objects"}]


@pytest.mark.parametrize("sample", ARRAYS, ids=lambda sample: sample.name)
def test_arrays_come_as_numpy_and_joblib_give_them(sample: Sample, guard: Guard, tmp_path: Path) -> None:
    path = sample.make(tmp_path)
    if sample.opens == "joblib":
        import joblib

        expected = joblib.load(path)
    else:
        expected = np.load(path, allow_pickle=True)
        expected = {name: expected[name] for name in expected.files} if path.suffix == ".npz" else expected
    with guard.open(path) as safe:
        found = detect.content(safe, mapped=False)
    assert same(found, expected), (found, expected)
