from __future__ import annotations

import io
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from modelcypher_nb.errors import MalformedError, UnsupportedFormatError
from modelcypher_nb.formats import arrays, torch_zip
from modelcypher_nb.formats.pickles.context import Context
from modelcypher_nb.formats.pickles.values import Composite, Storage, Tensor
from modelcypher_nb.guard.paths import Guard
from modelcypher_nb.guard.source import BytesSource
from tests.formats.tensor_values import DENSE, bytes_of, described, everything, facts_of, noise, saved


@pytest.fixture(autouse=True)
def beta_layouts() -> Iterator[None]:
    """Torch warns of the layouts that the tests make; loading them must not."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="(Sparse|The PyTorch API of nested)")
        yield


def theirs(data: bytes) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.load(io.BytesIO(data), weights_only=False)


def test_every_dtype_layout_and_view_loads_bit_for_bit_as_torch_loads_it() -> None:
    data = saved(everything())
    expected = theirs(data)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = arrays.to_torch(torch_zip.read(BytesSource(data, "file"), Context("file")).tensors)
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        assert facts_of(found[name]) == facts_of(tensor), name


def test_tensors_share_memory_exactly_where_the_file_s_do(guard: Guard, managed_guard: Guard, tmp_path: Path) -> None:
    grid = torch.arange(24.0).view(4, 6)
    (tmp_path / "a.pt").write_bytes(saved({"grid": grid, "turned": grid.t(), "row": grid[2], "own": grid.clone()}))
    for which in (guard, managed_guard):
        with which.open("a.pt") as safe:
            found = arrays.to_torch(torch_zip.read(safe.source(), Context("a")).tensors)
        found["row"].fill_(7)
        assert found["grid"][2].tolist() == [7] * 6
        assert found["turned"][:, 2].tolist() == [7] * 6
        assert found["own"].tolist() == grid.tolist()
        assert found["grid"].untyped_storage().nbytes() == 96


def test_one_description_under_two_names_is_one_tensor() -> None:
    grid = torch.ones(2)
    found = arrays.to_torch(described({"a": grid, "b": grid, "c": grid[:]}).tensors)
    assert found["a"] is found["b"]
    assert found["c"] is not found["a"]


def test_a_flat_state_dict_is_plain_and_a_whole_content_has_its_parameters() -> None:
    weight = torch.nn.Parameter(torch.ones(2))
    content = described(
        {"w": weight, "again": weight, "frozen": torch.nn.Parameter(torch.ones(1), requires_grad=False)}
    )
    flat = arrays.to_torch(content.tensors)
    assert type(flat["w"]) is torch.Tensor
    assert not flat["w"].requires_grad
    whole = arrays.live(content.root)
    assert type(whole["w"]) is torch.nn.Parameter
    assert whole["w"].requires_grad
    assert whole["again"] is whole["w"]
    assert not whole["frozen"].requires_grad


def test_a_managed_file_is_mapped_once_and_an_unmanaged_one_is_read(
    guard: Guard, managed_guard: Guard, tmp_path: Path
) -> None:
    (tmp_path / "a.pt").write_bytes(saved({"a": torch.ones(1 << 18), "b": torch.ones(1 << 18)}))
    for which, mapped, maps in (
        (guard, None, 0),
        (managed_guard, None, 1),
        (guard, True, 1),
        (managed_guard, False, 0),
    ):
        with which.open("a.pt") as safe:
            found = arrays.to_torch(torch_zip.read(safe.source(), Context("a")).tensors, mapped=mapped)
        assert Path("/proc/self/maps").read_text().count("a.pt") == maps
        assert found["b"].sum() == 1 << 18
        del found


def test_writing_to_a_mapped_tensor_never_reaches_the_file(managed_guard: Guard, tmp_path: Path) -> None:
    (tmp_path / "a.pt").write_bytes(before := saved({"a": torch.zeros(1000)}))
    with managed_guard.open("a.pt") as safe:
        found = arrays.to_torch(torch_zip.read(safe.source(), Context("a")).tensors)
    found["a"].add_(1)
    assert (tmp_path / "a.pt").read_bytes() == before


def test_a_file_that_was_cut_after_it_was_described_is_refused(guard: Guard, tmp_path: Path) -> None:
    (tmp_path / "a.pt").write_bytes(saved({"a": torch.zeros(1 << 22)}))
    with guard.open("a.pt") as safe:
        content = torch_zip.read(safe.source(), Context("a"))
        os.truncate(tmp_path / "a.pt", 5000)
        for mapped in (False, True):
            with pytest.raises(MalformedError, match="shorter"):
                arrays.to_torch(content.tensors, mapped=mapped)
        with pytest.raises(MalformedError, match="shorter"):
            arrays.to_numpy(content.tensors)


def test_big_endian_numbers_are_swapped() -> None:
    numbers = np.arange(6, dtype=">f4")
    storage = Storage("0", "F32", 24, BytesSource(numbers.tobytes(), "file"), big_endian=True)
    pairs = Storage("1", "C64", 24, BytesSource(numbers.tobytes(), "file"), big_endian=True)
    tensors = {
        "a": Tensor(storage, "F32", (2, 3), (1, 2)),
        "b": Tensor(storage, "F32", (2,), (1,), 4),
        "c": Tensor(pairs, "C64", (3,), (1,)),
    }
    for made in (arrays.to_torch(tensors), arrays.to_numpy(tensors)):
        assert made["a"].tolist() == [[0, 2, 4], [1, 3, 5]]
        assert made["b"].tolist() == [4, 5]
        assert made["c"].tolist() == [1j, 2 + 3j, 4 + 5j]


def test_a_default_device_does_not_move_what_is_loaded() -> None:
    content = described({"a": torch.ones(2), "coo": torch.eye(2).to_sparse()})
    with torch.device("meta"):
        found = arrays.to_torch(content.tensors)
    assert {tensor.device.type for tensor in found.values()} == {"cpu"}
    assert found["a"].tolist() == [1, 1]


SHAPES = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 7)), max_size=4)


@settings(max_examples=150, deadline=None)
@given(dims=SHAPES, offset=st.integers(0, 9), dtype=st.sampled_from(DENSE))
def test_any_strides_and_offset_give_what_as_strided_gives(
    dims: list[tuple[int, int]], offset: int, dtype: torch.dtype
) -> None:
    shape, stride = tuple(one for one, _ in dims), tuple(step for _, step in dims)
    reach = offset + sum(max(0, length - 1) * step for length, step in dims) + 1
    base = noise(dtype, (reach,), reach)
    expected = base.as_strided(shape, stride, offset)
    content = described({"base": base, "view": expected})
    found = arrays.to_torch(content.tensors)["view"]
    assert (found.shape, found.stride(), found.storage_offset()) == (shape, stride, offset)
    assert bytes_of(found) == bytes_of(expected)


LIES = [
    ({"indices": [[0, 9]]}, {}),
    ({"indices": [[0, -1]]}, {}),
    ({"values": [1.0]}, {}),
    ({"indices": [[0, 0]]}, {"is_coalesced": True}),
]


def held(values: Any, dtype: torch.dtype = torch.int64) -> Tensor:
    return described({"x": torch.tensor(values, dtype=dtype)}).tensors["x"]  # type: ignore[return-value]


@pytest.mark.parametrize(("parts", "facts"), LIES)
def test_a_sparse_tensor_whose_indices_lie_is_refused(parts: dict[str, Any], facts: dict[str, Any]) -> None:
    indices, values = parts.get("indices", [[0, 1]]), parts.get("values", [1.0, 2.0])
    tensors = {"indices": held(indices), "values": held(values, torch.float32)}
    with pytest.raises(MalformedError, match="'x' is no sound sparse_coo tensor"):
        arrays.to_torch({"x": Composite("sparse_coo", (3,), "F32", tensors, facts)})


@pytest.mark.parametrize(
    ("sizes", "strides", "offsets"),
    [
        ([[2, 4]], [[4, 1]], [0]),
        ([[2, 3]], [[4, 1]], [0]),
        ([[2, 3]], [[3, 1]], [1]),
        ([[2, 3]], [[3, 1]], [-1]),
        ([[-1, 3]], [[3, 1]], [0]),
        ([[2**62, 4]], [[2**62, 1]], [0]),
        ([[2, 3]], [[3, 1]], [0, 0]),
        ([2, 3], [3, 1], [0, 0]),
    ],
)
def test_a_nested_tensor_that_would_read_other_memory_is_refused(sizes: Any, strides: Any, offsets: Any) -> None:
    parts = {"buffer": held([0.0] * 6, torch.float32), "sizes": held(sizes), "strides": held(strides)}
    parts["offsets"] = held(offsets)
    with pytest.raises(MalformedError, match="Tensor 'x' has"):
        arrays.to_torch({"x": Composite("nested", (), "F32", parts)})


@pytest.mark.parametrize("axis", [2, 1])
def test_a_quantized_tensor_with_other_scales_than_channels_is_refused(axis: int) -> None:
    content = described(
        {"q": torch.quantize_per_channel(torch.ones(3, 4), torch.ones(3), torch.zeros(3), 0, torch.qint8)}
    )
    composite = content.tensors["q"]
    assert isinstance(composite, Composite)
    composite.facts["axis"] = axis
    with pytest.raises(MalformedError, match="another number of scales"):
        arrays.to_torch(content.tensors)


def test_a_view_beyond_its_storage_is_refused_even_where_its_description_was_wrong() -> None:
    storage = Storage("0", "F32", 8, BytesSource(bytes(8), "file"))
    for tensors in ({"x": Tensor(storage, "F32", (3,), (1,))}, {"x": Tensor(storage, "F32", (1,), (1,), 2)}):
        with pytest.raises(MalformedError, match="'x' reaches beyond the 8 bytes"):
            arrays.to_torch(tensors)
        with pytest.raises(MalformedError, match="'x' reaches beyond the 8 bytes"):
            arrays.to_numpy(tensors)


def test_a_storage_without_bytes_is_named() -> None:
    tensors = {"x": Tensor(Storage("0", "F32", 8, None), "F32", (2,), (1,))}
    for make in (arrays.to_torch, arrays.to_numpy):
        with pytest.raises(MalformedError, match="doesn't hold the bytes of tensor 'x'"):
            make(tensors)


def test_gradients_of_whole_numbers_are_a_lie() -> None:
    tensor = held([1, 2])
    tensor.requires_grad = True
    with pytest.raises(MalformedError, match="asks for gradients"):
        arrays.live({"x": tensor})


NUMPY = [name for name in everything() if name.split(".")[-2:-1] and not any(
    word in name for word in ("bfloat", "float8", "float4", "bits8", "complex32"))]  # fmt: skip


def test_numpy_gives_the_same_values_where_it_has_the_type() -> None:
    tensors = {name: tensor for name, tensor in everything().items() if name in NUMPY}
    tensors |= {name: everything()[name] for name in ("transposed", "every other", "conjugate", "negative", "expanded")}
    found = arrays.to_numpy(described(tensors).tensors)
    for name, tensor in tensors.items():
        assert found[name].shape == tuple(tensor.shape), name
        assert np.ascontiguousarray(found[name]).tobytes() == bytes_of(tensor), name
    assert found["transposed"].strides == (4, 24)
    assert np.shares_memory(found["transposed"], arrays.to_numpy(described(tensors).tensors)["transposed"]) is False


def test_numpy_arrays_over_one_storage_share_it() -> None:
    grid = torch.arange(6.0).view(2, 3)
    found = arrays.to_numpy(described({"grid": grid, "turned": grid.t()}).tensors)
    found["grid"][0, 1] = 9
    assert found["turned"][1, 0] == 9


@pytest.mark.parametrize("name", ["10.bfloat16.1", "16.float8_e4m3fn.1", "13.complex32.1", "coo", "per tensor", "meta"])
def test_what_numpy_has_no_type_for_says_to_install_torch(name: str) -> None:
    with pytest.raises(
        UnsupportedFormatError, match=r"which numpy has no type for. Install torch.*modelcypher_nb\[torch\]"
    ):
        arrays.to_numpy(described({name: everything()[name]}).tensors)


def test_numpy_arrays_are_made_without_importing_torch(tmp_path: Path) -> None:
    (tmp_path / "a.pt").write_bytes(saved({"a": torch.arange(6.0).view(2, 3).t(), "n": {"epoch": 3}}))
    script = """
import sys
sys.modules["torch"] = None  # as where it isn't installed
from modelcypher_nb.formats import arrays, torch_zip
from modelcypher_nb.formats.pickles.context import Context
from modelcypher_nb.guard.source import BytesSource
content = torch_zip.read(BytesSource(open(sys.argv[1], "rb").read(), "a"), Context("a"))
print(arrays.load_tensors(content.tensors)["a"].tolist(), arrays.live(content.root)["n"])
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "a.pt")], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]] {'epoch': 3}\n"
