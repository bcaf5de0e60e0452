from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from modelcypher_nb.errors import ConflictError, MalformedError, UnreadableError, UsageError
from modelcypher_nb.formats import detect, torch_zip
from modelcypher_nb.formats.content import Content
from modelcypher_nb.formats.convert_files import convert_file, convert_folder, output_name
from modelcypher_nb.formats.pickles.context import Context
from modelcypher_nb.guard.paths import Guard
from modelcypher_nb.guard.safe_path import SafePath

SHARDS = ("pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin")
INDEX = "pytorch_model.bin.index.json"
NEW = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json")


def read(safe: SafePath) -> Content:
    return torch_zip.read(safe.source(), Context(safe.display))


@pytest.fixture
def folder(guard: Guard, tmp_path: Path) -> Iterator[SafePath]:
    """A model of two pickle shards with their index."""
    weight_map = {}
    for number, shard in enumerate(SHARDS):
        tensors = {f"layer.{number}.weight": torch.full((2, 3), float(number)), f"layer.{number}.bias": torch.ones(2)}
        torch.save(tensors, tmp_path / shard)
        weight_map |= dict.fromkeys(tensors, shard)
    (tmp_path / INDEX).write_text(json.dumps({"metadata": {"total_size": 64}, "weight_map": weight_map}))
    (tmp_path / "config.json").write_text("{}")
    with guard.open(".") as opened:
        yield opened


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("pytorch_model.bin", "model.safetensors"),
        ("pytorch_model-00001-of-00002.bin", "model-00001-of-00002.safetensors"),
        ("pytorch_model.bin.index.json", "model.safetensors.index.json"),
        ("pytorch_model.fp16.bin", "model.fp16.safetensors"),
        ("adapter_model.bin", "adapter_model.safetensors"),
        ("unet/diffusion_pytorch_model.bin", "unet/diffusion_pytorch_model.safetensors"),
        ("last.CKPT", "last.safetensors"),
        ("weights", "weights.safetensors"),
        (".hidden", "hidden.safetensors"),
    ],
)
def test_new_files_are_called_as_the_hub_s_libraries_call_them(old: str, new: str) -> None:
    assert output_name(old) == new


def test_a_folder_converts_whole_and_loads_as_one_model(folder: SafePath, tmp_path: Path) -> None:
    before = names(tmp_path)
    seen: list[tuple[int, int]] = []
    done = convert_folder(
        folder, folder, SHARDS, read, index=INDEX, progress=lambda now, total: seen.append((now, total))
    )
    assert names(tmp_path) == before | set(NEW)
    assert set(done.files) == set(NEW[:2])
    index = json.loads((tmp_path / NEW[2]).read_text())
    assert index["metadata"] == {"total_size": 64}
    assert index["weight_map"]["layer.1.bias"] == NEW[1]
    assert seen == sorted(seen)
    assert seen[-1][0] == seen[-1][1] == sum((tmp_path / shard).stat().st_size for shard in SHARDS)
    for old in (*SHARDS, INDEX):
        (tmp_path / old).unlink()
    found = detect.load(folder)
    assert found["layer.1.weight"].unique().tolist() == [1]
    assert len(found) == 4
    assert detect.examine(folder).verdict.level == "weights"


def test_new_files_may_go_into_another_folder_and_keep_their_places(folder: SafePath, tmp_path: Path) -> None:
    (tmp_path / "unet").mkdir()
    torch.save({"x": torch.ones(2)}, tmp_path / "unet" / "diffusion_pytorch_model.bin")
    with folder.folder("new") as target:
        convert_folder(folder, target, (*SHARDS, "unet/diffusion_pytorch_model.bin"), read, index=INDEX)
    assert names(tmp_path / "new") == {*NEW, "unet/diffusion_pytorch_model.safetensors"}


def test_transformers_is_told_the_format(folder: SafePath, tmp_path: Path) -> None:
    convert_folder(folder, folder, SHARDS[:1], read)
    with folder / NEW[0] as safe:
        assert detect.examine(safe).metadata == {"format": "pt"}
    assert NEW[2] not in names(tmp_path)


@pytest.mark.parametrize("taken", [*NEW, NEW[1] + ".partial"])
def test_an_existing_output_is_an_error_before_anything_is_written(
    folder: SafePath, tmp_path: Path, taken: str
) -> None:
    (tmp_path / taken).write_text("mine")
    before = names(tmp_path)
    written: list[int] = []
    with pytest.raises(ConflictError, match=f"{taken} exists already"):
        convert_folder(folder, folder, SHARDS, read, index=INDEX, progress=lambda done, _: written.append(done))
    assert not written
    assert names(tmp_path) == before
    assert (tmp_path / taken).read_text() == "mine"


def test_two_files_that_would_bear_one_name_are_refused(folder: SafePath, tmp_path: Path) -> None:
    torch.save({"x": torch.ones(1)}, tmp_path / "a.pt")
    torch.save({"x": torch.ones(1)}, tmp_path / "a.bin")
    with pytest.raises(ConflictError, match=r"Two files would both become a.safetensors"):
        convert_folder(folder, folder, ("a.pt", "a.bin"), read)


def test_a_fault_in_the_last_shard_leaves_nothing_behind(folder: SafePath, tmp_path: Path) -> None:
    shard = tmp_path / SHARDS[1]
    data = shard.read_bytes()
    at = data.index(b"\0\0\x80\x3f" * 4)  # of the weights, which are ones
    shard.write_bytes(data[:at] + b"\1" + data[at + 1 :])
    before = names(tmp_path)
    with pytest.raises(MalformedError, match="CRC-32"):
        convert_folder(folder, folder, SHARDS, read, index=INDEX)
    assert names(tmp_path) == before


@pytest.mark.parametrize("step", range(3))
def test_a_fault_while_names_are_given_takes_all_of_them_away(
    folder: SafePath, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    publish, calls = SafePath.publish, list[str]()

    def failing(self: SafePath, temporary: str, name: str, **options: Any) -> None:
        publish(self, temporary, name, **options)
        calls.append(name)
        if len(calls) == step + 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(SafePath, "publish", failing)
    before = names(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        convert_folder(folder, folder, SHARDS, read, index=INDEX)
    assert names(tmp_path) == before
    assert calls == list(NEW[: step + 1])


def test_a_file_that_took_a_name_meanwhile_is_left_alone(
    folder: SafePath, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish = SafePath.publish

    def late(self: SafePath, temporary: str, name: str, **options: Any) -> None:
        if name == NEW[1]:
            (tmp_path / name).write_text("somebody's")
        publish(self, temporary, name, **options)

    monkeypatch.setattr(SafePath, "publish", late)
    before = names(tmp_path)
    with pytest.raises(ConflictError, match="exists already"):
        convert_folder(folder, folder, SHARDS, read, index=INDEX)
    assert names(tmp_path) == before | {NEW[1]}
    assert (tmp_path / NEW[1]).read_text() == "somebody's"


def test_a_file_without_tensors_is_refused(folder: SafePath, tmp_path: Path) -> None:
    torch.save({"epoch": 3}, tmp_path / "state.pt")
    with pytest.raises(UsageError, match=r"state.pt holds no tensors"):
        convert_folder(folder, folder, ("state.pt",), read)


def test_what_is_wrong_with_a_file_is_said_as_its_reader_says_it(folder: SafePath, tmp_path: Path) -> None:
    (tmp_path / "cut.pt").write_bytes((tmp_path / SHARDS[0]).read_bytes()[:-100])
    with pytest.raises(MalformedError), folder / "cut.pt" as safe:
        convert_file(safe, folder, "cut.safetensors", read)
    assert "cut.safetensors" not in names(tmp_path)


def test_a_file_that_changes_meanwhile_gives_nothing(folder: SafePath, tmp_path: Path) -> None:
    def touched(_: int, __: int) -> None:
        os.utime(tmp_path / SHARDS[0], ns=(1, 1))

    with folder / SHARDS[0] as safe, pytest.raises(UnreadableError, match="changed while it was read"):
        convert_file(safe, folder, "new.safetensors", read, progress=touched)
    assert "new.safetensors" not in names(tmp_path)


def test_a_single_file_converts_beside_itself(folder: SafePath, tmp_path: Path) -> None:
    with folder / SHARDS[1] as safe:
        done = convert_file(safe, folder, "x.safetensors", read, metadata={"note": "é"})
    assert done.size_bytes == (tmp_path / "x.safetensors").stat().st_size
    assert load_file(tmp_path / "x.safetensors")["layer.1.weight"].tolist() == [[1, 1, 1], [1, 1, 1]]
    with folder / "x.safetensors" as safe:
        assert detect.examine(safe).metadata == {"format": "pt", "note": "é"}
