from __future__ import annotations

import io
import json
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save

from modelcypher_nb.errors import MalformedError, StorageError, UnsupportedFormatError, UsageError
from modelcypher_nb.formats import gather, safetensors, torch_zip
from modelcypher_nb.formats.convert import convert
from modelcypher_nb.formats.pickles.context import Context
from modelcypher_nb.formats.pickles.values import Composite, Storage, Tensor
from modelcypher_nb.formats.safetensors_header import describe
from modelcypher_nb.guard.paths import Guard
from modelcypher_nb.guard.source import BytesSource
from tests.formats.tensor_values import DENSE, bytes_of, described, everything, facts_of, noise, saved

PLAIN = tuple(dtype for dtype in DENSE if dtype not in {torch.complex32, torch.complex128, torch.bits8})


def converted(tensors: Any, metadata: dict[str, str] | None = None, **options: Any) -> bytes:
    file = io.BytesIO()
    convert(tensors, file, metadata, **options)
    return file.getvalue()


def test_dense_tensors_become_byte_for_byte_what_safetensors_writes() -> None:
    tensors = {
        f"{number}.{len(shape)}": noise(dtype, shape, number)
        for number, dtype in enumerate(PLAIN)
        for shape in ((), (5,), (0, 3), (2, 3, 4))
        if shape or dtype != torch.float4_e2m1fn_x2
    }
    for metadata in (None, {"format": "pt"}):
        assert converted(described(tensors).tensors, metadata) == save(tensors, metadata)


def test_strided_views_and_lazy_bits_become_what_they_look_like() -> None:
    names = (
        "transposed", "row", "every other", "expanded", "windows", "channels last", "conjugate", "negative",
        "double negative", "negative bfloat16", "negative whole", "parameter",
    )  # fmt: skip
    tensors = {name: tensor for name, tensor in everything().items() if name in names}
    plain = {name: tensor.detach().resolve_conj().resolve_neg().contiguous() for name, tensor in tensors.items()}
    plain["double negative"] = plain["double negative"].clone()
    assert converted(described(tensors).tensors) == save(plain)


@pytest.mark.parametrize("mapped", [False, True])
def test_everything_comes_back_bit_for_bit(guard: Guard, *, mapped: bool) -> None:
    tensors = everything()
    content = described(tensors)
    with guard.create("a.safetensors") as file:
        done = convert(content.tensors, file, {"format": "pt"})
    with guard.open("a.safetensors") as safe:
        found = safetensors.load(safe, mapped=mapped)
        assert safetensors.describe(safe.source()).metadata["format"] == "pt"
    assert found.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert facts_of(found[name], with_strides=False) == facts_of(tensor, with_strides=False), name
    assert done.aliases == {"tied": "grid"}
    assert {"coo", "csr", "per channel", "nested", "meta"} <= set(done.groups)


def test_what_safetensors_itself_gets_wrong_comes_back_right(guard: Guard, tmp_path: Path) -> None:
    fortran = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    content = described({"fortran": fortran, "lazy": torch.tensor([1 + 2j]).conj(), "step": fortran[:, ::2]})
    with guard.create("a.safetensors") as file:
        convert(content.tensors, file)
    theirs = load_file(tmp_path / "a.safetensors")
    assert theirs["fortran"].tolist() == fortran.tolist()
    assert theirs["step"].tolist() == fortran[:, ::2].tolist()
    assert theirs["lazy"].tolist() == [1 - 2j]
    assert (tmp_path / "a.safetensors").stat().st_mode & 0o777 == 0o666 & ~umask()


def umask() -> int:
    import os

    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_tied_names_are_written_once_and_come_back_over_one_memory(guard: Guard, tmp_path: Path) -> None:
    weight = torch.randn(4, 4)
    content = described({"embedding": weight, "head": weight, "row": weight[1], "view": weight.view(4, 4)})
    with guard.create("a.safetensors") as file:
        done = convert(content.tensors, file)
    assert done.aliases == {"head": "embedding", "view": "embedding"}
    assert load_file(tmp_path / "a.safetensors").keys() == {"embedding", "row"}
    with guard.open("a.safetensors") as safe:
        found = safetensors.load(safe)
    found["head"].zero_()
    assert found["embedding"].sum() == found["view"].sum() == 0
    assert torch.equal(found["row"], weight[1])


def test_tied_names_are_each_written_in_full_on_request(guard: Guard, tmp_path: Path) -> None:
    weight = torch.randn(4, 4)
    with guard.create("a.safetensors") as file:
        convert(described({"embedding": weight, "head": weight}).tensors, file, aliases="full")
    assert torch.equal(load_file(tmp_path / "a.safetensors")["head"], weight)
    with guard.open("a.safetensors") as safe:
        assert safetensors.describe(safe.source()).metadata == {}


def test_two_tensors_of_equal_values_are_no_aliases() -> None:
    done = convert(described({"a": torch.ones(2), "b": torch.ones(2), "e": torch.ones(0)}).tensors, io.BytesIO())
    assert done.aliases == {}


def test_a_part_never_takes_a_name_that_is_taken(guard: Guard) -> None:
    tensors = {
        "x": torch.ones(1, dtype=torch.complex128),
        "x.view_as_real": torch.zeros(3),
        "x.view_as_real_": torch.ones(2),
    }
    with guard.create("a.safetensors") as file:
        convert(described(tensors).tensors, file)
    with guard.open("a.safetensors") as safe:
        found = safetensors.load(safe)
    assert {name: tensor.tolist() for name, tensor in found.items()} == {
        name: tensor.tolist() for name, tensor in tensors.items()
    }


def test_a_group_says_how_any_loader_can_rebuild_it(guard: Guard, tmp_path: Path) -> None:
    value = torch.randn(2, 3, dtype=torch.complex128)
    with guard.create("a.safetensors") as file:
        convert(described({"x": value, "s": torch.eye(2).to_sparse()}).tensors, file)
    theirs = load_file(tmp_path / "a.safetensors")
    assert torch.equal(torch.view_as_complex(theirs["x.view_as_real"]), value)
    rebuilt = torch.sparse_coo_tensor(theirs["s.indices"], theirs["s.values"], (2, 2), check_invariants=True)
    assert torch.equal(rebuilt.to_dense(), torch.eye(2))
    with guard.open("a.safetensors") as safe:
        said = json.loads(describe(safe.source()).metadata["modelcypher_nb.groups"])
    assert said["s"] == {
        "layout": "sparse_coo",
        "dtype": "F32",
        "shape": [2, 2],
        "facts": {"is_coalesced": True},
        "parts": {
            "indices": {"tensor": "s.indices", "dtype": "I64"},
            "values": {"tensor": "s.values", "dtype": "F32"},
        },
    }


def rezipped(data: bytes, method: int) -> bytes:
    """The same archive packed in another way, its members in the same order."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(file, "w", method) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    return file.getvalue()


def test_deflated_members_are_unpacked_in_a_stream() -> None:
    grid = torch.arange(600_000.0).view(600, 1000)
    tensors = {"grid": grid, "turned": grid.t(), "row": grid[3], "own": torch.ones(5)}
    content = torch_zip.read(BytesSource(rezipped(saved(tensors), zipfile.ZIP_DEFLATED), "file"), Context("file"))
    assert content.error is None
    assert converted(content.tensors) == save({name: tensor.clone().contiguous() for name, tensor in tensors.items()})


def damaged(data: bytes, value: float) -> bytes:
    """One bit of a storage flipped, everything else as it was."""
    at = data.index(np.full(1000, value, np.float32).tobytes())
    return data[: at + 400] + bytes([data[at + 400] ^ 1]) + data[at + 401 :]


@pytest.mark.parametrize("view", ["whole", "part", "turned"])
def test_a_damaged_storage_is_found_by_its_checksum(guard: Guard, tmp_path: Path, view: str) -> None:
    base = torch.full((10, 100), 3.0)
    tensor = {"whole": base, "part": base[:2], "turned": base.t()}[view]
    content = torch_zip.read(
        BytesSource(damaged(saved({"a": torch.ones(3), "x": tensor}), 3.0), "file"), Context("file")
    )
    with pytest.raises(MalformedError, match="CRC-32"), guard.create("a.safetensors") as file:
        convert(content.tensors, file)
    assert list(tmp_path.iterdir()) == []


def test_an_archive_written_without_checksums_converts() -> None:
    torch.serialization.set_crc32_options(False)
    try:
        content = described({"x": torch.ones(5)})
    finally:
        torch.serialization.set_crc32_options(True)
    file = io.BytesIO()
    assert convert(content.tensors, file).checked == 0
    assert file.getvalue() == save({"x": torch.ones(5)})


def test_big_endian_files_become_little_endian() -> None:
    numbers = np.arange(6, dtype=">f4")
    storage = Storage("0", "F32", 24, BytesSource(numbers.tobytes(), "file"), big_endian=True)
    wide = Storage("1", "F64", 24, BytesSource(np.arange(3, dtype=">f8").tobytes(), "file"), big_endian=True)
    found = {
        "a": Tensor(storage, "F32", (2, 3), (1, 2)),
        "b": Tensor(storage, "F32", (6,), (1,)),
        "c": Tensor(wide, "F64", (3,), (1,)),
    }
    expected = {"a": torch.tensor([[0.0, 2, 4], [1, 3, 5]]), "b": torch.arange(6.0), "c": torch.arange(3.0).double()}
    assert converted(found) == save(expected)


def test_big_endian_numbers_viewed_as_narrower_ones_are_refused() -> None:
    storage = Storage("0", "F64", 8, BytesSource(bytes(8), "file"), big_endian=True)
    with pytest.raises(UnsupportedFormatError, match="big-endian numbers of 8 bytes as F32"):
        converted({"a": Tensor(storage, "F32", (2,), (1,))})


def test_progress_counts_the_values_up_to_their_total() -> None:
    seen: list[tuple[int, int]] = []
    content = described({"a": torch.ones(1 << 20), "b": torch.ones(1 << 19).view(1024, -1).t()})
    convert(content.tensors, io.BytesIO(), progress=lambda done, total: seen.append((done, total)))
    assert seen == sorted(seen)
    assert seen[-1] == (6 << 20, 6 << 20)
    assert len(seen) >= 5


@pytest.mark.parametrize(
    ("tensors", "error", "says"),
    [
        ({"__metadata__": torch.ones(1)}, UsageError, "can't be a tensor's name"),
        ({"\ud800": torch.ones(1)}, UsageError, "can't be a tensor's name"),
    ],
)
def test_names_that_no_file_can_hold_are_refused_before_a_byte_is_written(
    tensors: dict[str, torch.Tensor], error: type[Exception], says: str
) -> None:
    file = io.BytesIO()
    (value,) = described({"x": torch.ones(1)}).tensors.values()
    with pytest.raises(error, match=says):
        convert(dict.fromkeys(tensors, value), file)
    assert file.getvalue() == b""


def test_a_layout_without_a_group_is_named() -> None:
    with pytest.raises(UnsupportedFormatError, match="'x' is a masked tensor, which no group"):
        converted({"x": Composite("masked", (2,), "F32")})


def test_views_that_take_far_more_than_their_storage_are_a_bomb() -> None:
    storage = Storage("0", "F32", 4 << 10, BytesSource(bytes(4 << 10), "file"))
    tensors = {str(shift): Tensor(storage, "F32", (1 << 20,), (0,), shift) for shift in range(1000)}
    with pytest.raises(MalformedError, match="MC_LIMIT_EXPANDED_RATIO"):
        converted(tensors)


class LosesBytes(io.BytesIO):
    """A disk that forgets the end of what was written."""

    def flush(self) -> None:
        self.truncate(len(self.getvalue()) - 1)


class ChangesHeader(io.BytesIO):
    """A disk that answers the header with another one."""

    def flush(self) -> None:
        self.getbuffer()[20] ^= 1


@pytest.mark.parametrize("disk", [LosesBytes, ChangesHeader])
def test_what_the_disk_made_of_it_is_looked_at(disk: Callable[[], io.BytesIO]) -> None:
    with pytest.raises(StorageError, match="another header than was written"):
        convert(described({"x": torch.ones(5)}).tensors, disk())


def test_converting_needs_neither_torch_nor_numpy_and_little_memory(tmp_path: Path) -> None:
    (tmp_path / "a.pt").write_bytes(saved({str(number): torch.ones(1 << 22) for number in range(6)}))
    script = """
import sys
from modelcypher_nb.formats import torch_zip
from modelcypher_nb.formats.convert import convert
from modelcypher_nb.formats.pickles.context import Context
from modelcypher_nb.guard.paths import Guard
from modelcypher_nb.guard.roots import Root
import json, zlib
def peak():
    return int(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))) << 10
guard = Guard((Root.pin(sys.argv[1], "working"),), sys.argv[1])
before = peak()
with guard.open("a.pt") as safe, guard.create("a.safetensors") as file:
    convert(torch_zip.read(safe.source(), Context("a")).tensors, file)
print(peak() - before, [name for name in ("torch", "numpy") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True)
    used, modules = done.stdout.split(" ", 1)
    assert modules == "[]\n"
    assert int(used) < 20 << 20
    assert load_file(tmp_path / "a.safetensors")["5"].sum() == 1 << 22


def test_a_tensor_that_lies_the_other_way_round_is_gathered_in_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    base = torch.arange(3 * 500 * 700, dtype=torch.int32).view(3, 500, 700)
    tensors = {"a": base.permute(2, 0, 1), "b": base.permute(1, 2, 0)[::3], "c": base[:, ::2, ::5]}
    content = described(tensors)
    reads: list[int] = []

    class Watched(BytesSource):
        def read_at(self, offset: int, size: int) -> bytes:
            reads.append(size)
            return super().read_at(offset, size)

    storage = content.tensors["a"].storage  # type: ignore[union-attr]
    storage.source = Watched(storage.source.read_at(0, storage.size_bytes), "file")  # type: ignore[union-attr]
    monkeypatch.setattr(gather, "CHUNK_BYTES", 40_000)
    monkeypatch.setattr(gather, "SPAN_BYTES", 2_000)
    monkeypatch.setattr(gather, "DENSE_SPAN_BYTES", 20_000)
    for name, tensor in tensors.items():
        pieces = [bytes(piece) for piece in gather.gathered(content.tensors[name], name)]  # type: ignore[arg-type]
        assert b"".join(pieces) == bytes_of(tensor), name
        assert max(map(len, pieces)) <= 40_000
    assert max(reads) <= 20_000


DIMENSIONS = st.lists(st.tuples(st.integers(1, 6), st.integers(0, 9)), max_size=4)


@settings(max_examples=150, deadline=None)
@given(dims=DIMENSIONS, offset=st.integers(0, 9), dtype=st.sampled_from(DENSE), chunk=st.integers(1, 200))
def test_any_strides_are_gathered_as_torch_reads_them(
    dims: list[tuple[int, int]], offset: int, dtype: torch.dtype, chunk: int
) -> None:
    shape, stride = tuple(one for one, _ in dims), tuple(step for _, step in dims)
    base = noise(dtype, (offset + sum((length - 1) * step for length, step in dims) + 1,), offset)
    (tensor,) = described({"x": base.as_strided(shape, stride, offset)}).tensors.values()
    assert isinstance(tensor, Tensor)
    kept = gather.CHUNK_BYTES, gather.SPAN_BYTES, gather.DENSE_SPAN_BYTES
    try:
        gather.CHUNK_BYTES, gather.SPAN_BYTES, gather.DENSE_SPAN_BYTES = chunk, chunk + 16, 2 * chunk
        found = b"".join(bytes(piece) for piece in gather.gathered(tensor, "x"))
    finally:
        gather.CHUNK_BYTES, gather.SPAN_BYTES, gather.DENSE_SPAN_BYTES = kept
    assert found == bytes_of(base.as_strided(shape, stride, offset))


def test_a_conjugate_of_what_has_none_is_refused() -> None:
    with warnings.catch_warnings():
        (tensor,) = described({"x": torch.ones(2, dtype=torch.bool)}).tensors.values()
    assert isinstance(tensor, Tensor)
    tensor.neg = True
    with pytest.raises(UnsupportedFormatError, match="conjugate or negative of BOOL"):
        converted({"x": tensor})
