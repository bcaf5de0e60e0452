from __future__ import annotations

import ast
import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from safetensors.torch import save as their_save

from modelcypher_nb.errors import MalformedError, UnsupportedFormatError, UsageError
from modelcypher_nb.formats import safetensors
from modelcypher_nb.formats.safetensors_header import describe
from modelcypher_nb.guard.paths import Guard
from modelcypher_nb.guard.source import BytesSource
from tests.formats.tensor_values import noise

DTYPES = (
    *(
        torch.bool,
        torch.uint8,
        torch.int8,
        torch.int16,
        torch.uint16,
        torch.int32,
        torch.uint32,
        torch.int64,
        torch.uint64,
    ),
    *(torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64),
    *(torch.float8_e4m3fn, torch.float8_e5m2, torch.float8_e4m3fnuz, torch.float8_e5m2fnuz, torch.float8_e8m0fnu),
    torch.float4_e2m1fn_x2,
)


def raw_bytes(tensor: torch.Tensor) -> bytes:
    flat = tensor.detach().resolve_conj().resolve_neg().contiguous()
    return bytes(flat.view(-1).view(torch.uint8).tolist()) if tensor.numel() else b""


def assert_same(ours: dict[str, torch.Tensor], theirs: dict[str, torch.Tensor]) -> None:
    assert ours.keys() == theirs.keys()
    for name, tensor in theirs.items():
        assert (ours[name].dtype, ours[name].shape) == (tensor.dtype, tensor.shape), name
        assert raw_bytes(ours[name]) == raw_bytes(tensor), name


def everything() -> dict[str, torch.Tensor]:
    return {
        f"{number:02}.{str(dtype).removeprefix('torch.')}.{len(shape)}": noise(dtype, shape, number)
        for number, dtype in enumerate(DTYPES)
        for shape in ((), (5,), (0, 3), (2, 3, 4))
        if shape or dtype != torch.float4_e2m1fn_x2  # two values in a byte are no scalar
    }


@pytest.fixture(params=["read", "mapped", "by kind of file"])
def how(request: pytest.FixtureRequest) -> bool | None:
    return {"read": False, "mapped": True, "by kind of file": None}[request.param]


def loaded(guard: Guard, name: str, *, mapped: bool | None = None) -> dict[str, torch.Tensor]:
    with guard.open(name) as safe:
        return safetensors.load(safe, mapped=mapped)


def test_every_dtype_and_shape_loads_bit_for_bit_as_safetensors_does(
    guard: Guard, managed_guard: Guard, tmp_path: Path, how: bool | None
) -> None:
    save_file(everything(), tmp_path / "all.safetensors")
    for which in (guard, managed_guard):
        assert_same(loaded(which, "all.safetensors", mapped=how), load_file(tmp_path / "all.safetensors"))


def test_data_that_a_header_of_odd_length_leaves_unaligned_loads_right(
    guard: Guard, tmp_path: Path, how: bool | None
) -> None:
    data = their_save({"a": torch.arange(6.0), "b": torch.arange(3)})
    length = int.from_bytes(data[:8], "little")
    (tmp_path / "odd.safetensors").write_bytes(
        (length + 1).to_bytes(8, "little") + data[8 : 8 + length] + b" " + data[8 + length :]
    )
    found = loaded(guard, "odd.safetensors", mapped=how)
    assert found["a"].tolist() == [0, 1, 2, 3, 4, 5]
    assert found["b"].tolist() == [0, 1, 2]
    assert [tensor.data_ptr() % tensor.element_size() for tensor in found.values()] == [0, 0]


def test_writing_to_a_loaded_tensor_never_reaches_the_file(guard: Guard, tmp_path: Path, how: bool | None) -> None:
    file = tmp_path / "a.safetensors"
    save_file({"a": torch.zeros(1000)}, file)
    before = file.read_bytes()
    found = loaded(guard, "a.safetensors", mapped=how)
    found["a"].add_(1)
    assert found["a"].sum() == 1000
    assert file.read_bytes() == before


def test_an_unmanaged_file_that_is_overwritten_leaves_loaded_tensors_alone(guard: Guard, tmp_path: Path) -> None:
    file = tmp_path / "a.safetensors"
    save_file({"a": torch.ones(1000)}, file)
    found = loaded(guard, "a.safetensors")
    with file.open("r+b") as rewritten:
        rewritten.truncate(10)
    assert found["a"].sum() == 1000


def test_a_managed_file_is_mapped_and_holds_no_descriptor(managed_guard: Guard, tmp_path: Path) -> None:
    save_file({"a": torch.ones(1 << 20), "b": torch.ones(3)}, tmp_path / "a.safetensors")
    before = len(list(Path("/proc/self/fd").iterdir()))
    found = loaded(managed_guard, "a.safetensors")
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert "a.safetensors" in Path("/proc/self/maps").read_text()
    assert found["b"].sum() == 3
    one = found.pop("a")
    del found
    assert one[-1] == 1  # one tensor keeps its bytes mapped after the others are gone


def test_a_mapped_tensor_has_a_storage_of_its_own(managed_guard: Guard, tmp_path: Path) -> None:
    save_file({"a": torch.ones(16), "b": torch.ones(16)}, tmp_path / "a.safetensors")
    found = loaded(managed_guard, "a.safetensors")
    assert found["a"].untyped_storage().nbytes() == 64
    save_file(found, tmp_path / "again.safetensors")  # refuses tensors that share storage
    assert (tmp_path / "again.safetensors").read_bytes() == (tmp_path / "a.safetensors").read_bytes()


def test_a_file_that_was_cut_after_it_was_opened_is_refused(guard: Guard, tmp_path: Path, how: bool | None) -> None:
    file = tmp_path / "a.safetensors"
    save_file({"a": torch.ones(100_000)}, file)
    with guard.open("a.safetensors") as safe:
        header = safetensors.describe(safe.source())
        os.truncate(file, 1000)
        with pytest.raises(MalformedError, match="shorter"):
            safetensors.load(safe, header, mapped=how)


def test_loading_takes_no_memory_beyond_the_tensors(tmp_path: Path) -> None:
    size = 64 << 20
    save_file({"a": torch.zeros(size // 8), "b": torch.zeros(size // 8)}, tmp_path / "big.safetensors")
    script = """
import resource, sys, torch
from modelcypher_nb.formats import safetensors
from modelcypher_nb.formats.safetensors_header import describe
from modelcypher_nb.guard.paths import Guard
from modelcypher_nb.guard.source import BytesSource
from modelcypher_nb.guard.roots import Root
torch.zeros(1).numpy()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with Guard((Root.pin(sys.argv[1], "working"),), sys.argv[1]).open("big.safetensors") as safe:
    found = safetensors.load(safe)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) << 10)
"""
    result = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True)
    assert int(result.stdout) < 1.2 * size


def test_what_several_threads_read_lies_where_it_belongs(guard: Guard, tmp_path: Path) -> None:
    tensors = {"large": torch.arange(11 << 20, dtype=torch.int32), "small": torch.arange(7), "other": torch.arange(9.0)}
    save_file(tensors, tmp_path / "a.safetensors")
    assert all(torch.equal(tensor, tensors[name]) for name, tensor in loaded(guard, "a.safetensors").items())


def test_a_file_that_is_cut_while_several_threads_read_it_is_refused(guard: Guard, tmp_path: Path) -> None:
    file = tmp_path / "a.safetensors"
    save_file({"a": torch.zeros(12 << 20), "b": torch.zeros(4 << 20)}, file)
    with guard.open("a.safetensors") as safe:
        header = safetensors.describe(safe.source())
        os.truncate(file, 40 << 20)
        with pytest.raises(MalformedError, match="shorter"):
            safetensors.load(safe, header)


@pytest.mark.parametrize(("dtype", "shape", "size"), [("F6_E2M3", [8], 6), ("F4", [2, 3], 3)])
def test_a_type_that_torch_lacks_is_named(
    guard: Guard, forged: Callable[..., bytes], dtype: str, shape: list[int], size: int
) -> None:
    with guard.create("a.safetensors") as file:
        file.write(forged({"x": {"dtype": dtype, "shape": shape, "data_offsets": [0, size]}}, bytes(size)))
    with pytest.raises(UnsupportedFormatError, match=f"Tensor 'x' of .* is {dtype}"):
        loaded(guard, "a.safetensors")


def saved(tensors: dict[str, torch.Tensor], metadata: dict[str, str] | None = None) -> bytes:
    file = io.BytesIO()
    safetensors.save(tensors, file, metadata)
    return file.getvalue()


@pytest.mark.parametrize("metadata", [None, {}, {"format": "pt"}, {'k"\n\x01\x7f': "é\\ \u2028"}])
def test_saving_is_byte_identical_to_safetensors(metadata: dict[str, str] | None) -> None:
    odd = {
        "é": torch.ones(2),
        "e": torch.ones(1),
        'q"\t\x1f\\': torch.zeros(()),
        "\U0001f600": torch.ones(1),
        "Z": torch.ones(1),
    }
    for tensors in ({}, everything(), odd):
        if tensors or metadata != {}:
            assert saved(tensors, metadata) == their_save(tensors, metadata)


def test_nothing_with_empty_metadata_is_a_sound_file() -> None:
    # safetensors 0.8 writes `{},"__metadata__":{}}` here, which no reader opens.
    assert describe(BytesSource(saved({}, {}), "file")).tensors == ()


def test_metadata_is_written_in_order_of_its_keys_so_a_file_can_be_repeated() -> None:
    one = saved({"a": torch.ones(1)}, {"b": "1", "a": "2"})
    assert one == saved({"a": torch.ones(1)}, {"a": "2", "b": "1"})
    assert b'{"__metadata__":{"a":"2","b":"1"},' in one


def test_lazy_conjugates_negatives_and_strided_views_are_saved_as_they_look(guard: Guard, tmp_path: Path) -> None:
    base = torch.arange(12.0).view(3, 4)
    numbers = torch.tensor([1 + 2j, 3 - 4j], dtype=torch.complex64)
    tensors = {
        "transposed": base.t(),
        "every other": base[:, ::2],
        "expanded": torch.ones(1).expand(5),
        "conjugate": numbers.conj(),
        "negative": numbers.conj().imag,
        "parameter": torch.nn.Parameter(base.clone()),
        "channels last": torch.arange(24.0).view(1, 2, 3, 4).to(memory_format=torch.channels_last),
    }
    with guard.create("a.safetensors") as file:
        safetensors.save(tensors, file)
    found = load_file(tmp_path / "a.safetensors")
    for name, tensor in tensors.items():
        assert torch.equal(found[name], tensor), name


def test_tied_tensors_are_each_written_in_full(guard: Guard) -> None:
    weight = torch.randn(4, 4)
    with guard.create("a.safetensors") as file:
        safetensors.save({"embedding": weight, "head": weight, "row": weight[1]}, file)
    found = loaded(guard, "a.safetensors")
    assert torch.equal(found["embedding"], weight)
    assert torch.equal(found["head"], weight)
    assert torch.equal(found["row"], weight[1])


@pytest.mark.parametrize(
    ("tensors", "says"),
    [
        ({"a": 1}, "'a' is a int, not a tensor"),
        ({1: torch.ones(1)}, "can't be a tensor's name"),
        ({"__metadata__": torch.ones(1)}, "can't be a tensor's name"),
        ({"\ud800": torch.ones(1)}, "can't be a tensor's name"),
        ({"a": torch.ones(2, dtype=torch.complex128)}, "complex128, which safetensors doesn't know"),
        ({"a": torch.ones(1, dtype=torch.uint8).view(torch.float4_e2m1fn_x2)[0]}, "packs two F4 values"),
        ({"a": torch.ones(2, 2).to_sparse()}, "no dense tensor"),
        ({"a": torch.ones(2, device="meta")}, "no dense tensor"),
    ],
)
def test_what_cannot_be_saved_is_named_before_a_byte_is_written(tensors: dict[Any, Any], says: str) -> None:
    file = io.BytesIO()
    with pytest.raises(UsageError, match=says):
        safetensors.save({"ok": torch.ones(3)} | tensors, file)
    assert file.getvalue() == b""


def test_metadata_must_be_text() -> None:
    with pytest.raises(UsageError, match="metadata entry 'a' is no text"):
        saved({"a": torch.ones(1)}, {"a": 1})  # type: ignore[dict-item]


NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=12).filter(lambda name: name != "__metadata__")
TENSORS = st.dictionaries(
    NAMES,
    st.builds(
        noise,
        st.sampled_from(DTYPES),
        st.lists(st.integers(0, 4), min_size=1, max_size=4).map(tuple),
        st.integers(0, 1000),
    )
    | st.builds(noise, st.sampled_from(DTYPES[:-1]), st.just(())),
    max_size=6,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tensors=TENSORS, metadata=st.none() | st.dictionaries(NAMES, NAMES, max_size=1), mapped=st.booleans())
def test_what_is_saved_loads_again_bit_for_bit(
    guard: Guard,
    tmp_path: Path,
    *,
    tensors: dict[str, torch.Tensor],
    metadata: dict[str, str] | None,
    mapped: bool,
) -> None:
    with guard.replace("a.safetensors") as file:
        safetensors.save(tensors, file, metadata)
    if tensors or metadata != {}:
        assert (tmp_path / "a.safetensors").read_bytes() == their_save(tensors, metadata)
    with guard.open("a.safetensors") as safe:
        header = safetensors.describe(safe.source())
        assert header.metadata == (metadata or {})
        assert_same(safetensors.load(safe, header, mapped=mapped), tensors)


@pytest.mark.promise("WEIGHTS-1")
@pytest.mark.promise("WEIGHTS-5")
def test_nothing_in_the_package_can_write_or_load_a_pickle() -> None:
    picklers = {"pickle", "_pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
    package = Path(safetensors.__file__).parents[1]
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                assert not picklers & {alias.name.partition(".")[0] for alias in node.names}, path
            elif isinstance(node, ast.ImportFrom):
                assert (node.module or "").partition(".")[0] not in picklers, path
            elif isinstance(node, ast.Attribute) and ast.unparse(node.value) == "torch":
                assert node.attr not in {"save", "load"}, path
