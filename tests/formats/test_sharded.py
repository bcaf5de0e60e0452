from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from modelcypher_nb.errors import MalformedError
from modelcypher_nb.formats import detect
from modelcypher_nb.guard.paths import Guard

INDEX = "model.safetensors.index.json"


@pytest.fixture
def weight_map(tmp_path: Path) -> dict[str, str]:
    """A sound model of three shards, whose index the tests then spoil."""
    found = {}
    for number in range(1, 4):
        shard = f"model-{number:05}-of-00003.safetensors"
        tensors = {f"layer.{number}.weight": torch.full((2, 3), float(number)), f"layer.{number}.bias": torch.ones(2)}
        save_file(tensors, tmp_path / shard, {"format": "pt", "shard": str(number)})
        found |= dict.fromkeys(tensors, shard)
    write_index(tmp_path, found)
    return found


def write_index(folder: Path, weight_map: Any) -> None:
    (folder / INDEX).write_text(json.dumps({"metadata": {"total_size": 96}, "weight_map": weight_map}))


def refusal(guard: Guard, says: str) -> None:
    """Both doors agree: described it is refused, examined it is malformed."""
    with guard.open(".") as folder:
        with pytest.raises(MalformedError, match=says):
            detect.describe(folder)
        with pytest.raises(MalformedError, match=says):
            detect.load(folder)
        verdict = detect.examine(folder).verdict
    assert verdict.level == "malformed"
    assert detect.exit_code(verdict) == 2


def test_shards_are_described_as_one_model(guard: Guard, weight_map: dict[str, str]) -> None:
    with guard.open(".") as folder:
        report = detect.describe(folder)
    assert report.verdict.level == "weights"
    assert report.verdict.findings == ()
    assert {tensor.name: tensor.file for tensor in report.tensors} == weight_map
    assert [file.name for file in report.files] == sorted(set(weight_map.values()))
    assert report.parameter_count == 3 * 8
    assert report.metadata == {"format": "pt", "shard": "1"}


def test_shards_load_as_one_state_dict(guard: Guard, managed_guard: Guard, weight_map: dict[str, str]) -> None:
    for which in (guard, managed_guard):
        with which.open(".") as folder:
            tensors = detect.load(folder)
        assert tensors.keys() == weight_map.keys()
        assert tensors["layer.2.weight"].unique().tolist() == [2]


def test_an_index_in_a_folder_below_names_its_own_shards(
    guard: Guard, tmp_path: Path, weight_map: dict[str, str]
) -> None:
    inner = tmp_path / "unet"
    inner.mkdir()
    for file in list(tmp_path.glob("model*")):
        file.rename(inner / file.name)
    with guard.open(".") as folder:
        report = detect.describe(folder)
    assert report.verdict.level == "weights"
    assert {tensor.file for tensor in report.tensors} == {f"unet/{shard}" for shard in weight_map.values()}


def test_a_missing_shard_is_refused(guard: Guard, tmp_path: Path, weight_map: dict[str, str]) -> None:
    (tmp_path / "model-00002-of-00003.safetensors").unlink()
    refusal(guard, "shard model-00002-of-00003.safetensors .* isn't in its folder")


def test_a_key_that_no_shard_holds_is_refused(guard: Guard, tmp_path: Path, weight_map: dict[str, str]) -> None:
    write_index(tmp_path, weight_map | {"ghost": "model-00001-of-00003.safetensors"})
    refusal(guard, "places 'ghost' in model-00001-of-00003.safetensors, which doesn't hold it")


def test_a_key_that_the_index_leaves_out_is_refused(guard: Guard, tmp_path: Path, weight_map: dict[str, str]) -> None:
    del weight_map["layer.1.bias"]
    write_index(tmp_path, weight_map)
    refusal(guard, "holds 'layer.1.bias', which .* doesn't place there")


def test_a_key_placed_in_the_wrong_shard_is_refused(guard: Guard, tmp_path: Path, weight_map: dict[str, str]) -> None:
    weight_map["layer.1.bias"] = "model-00002-of-00003.safetensors"
    write_index(tmp_path, weight_map)
    refusal(guard, "layer.1.bias")


@pytest.mark.parametrize(
    "shard",
    ["../outside.safetensors", "/etc/passwd", "a/../../b", "C:\\x", "con", "x\0y", "", ".", "a//b", "x ", "..\\x"],
)
@pytest.mark.promise("PATHS-5")
def test_a_shard_name_that_leaves_the_folder_is_refused(
    guard: Guard, tmp_path: Path, weight_map: dict[str, str], shard: str
) -> None:
    save_file({"x": torch.ones(1)}, tmp_path.parent / "outside.safetensors")
    write_index(tmp_path, weight_map | {"x": shard})
    refusal(guard, "The name '.*' is refused")


def test_a_shard_that_is_cut_off_is_refused(guard: Guard, tmp_path: Path, weight_map: dict[str, str]) -> None:
    shard = tmp_path / "model-00003-of-00003.safetensors"
    shard.write_bytes(shard.read_bytes()[:-1])
    refusal(guard, "model-00003-of-00003.safetensors ends at byte .* it is cut off")


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"weight_map":[]}', '{"weight_map":{"a":1}}', '{"weight_map":{"a":"x","a":"y"}}', "{", "\xff"],
)
def test_an_index_that_is_none_is_refused(guard: Guard, tmp_path: Path, weight_map: dict[str, str], text: str) -> None:
    (tmp_path / INDEX).write_bytes(text.encode("latin-1"))
    refusal(guard, "The index")


def test_a_stray_shard_beside_the_model_is_told_but_not_part_of_it(
    guard: Guard, tmp_path: Path, weight_map: dict[str, str]
) -> None:
    save_file({"stray": torch.ones(1)}, tmp_path / "model-00004-of-00003.safetensors")
    with guard.open(".") as folder:
        report = detect.describe(folder)
        assert "stray" not in detect.load(folder)
    assert report.verdict.level == "weights"
    assert "model-00004-of-00003.safetensors lies beside the model" in report.verdict.findings[0].what
    assert "stray" not in {tensor.name for tensor in report.tensors}


def test_a_thousand_shards_hold_no_more_than_a_few_descriptors(guard: Guard, tmp_path: Path, monkeypatch: Any) -> None:
    tensors = [(f"w{number}", f"model-{number:05}-of-01000.safetensors") for number in range(1000)]
    for name, shard in tensors:
        save_file({name: torch.ones(1)}, tmp_path / shard)
    write_index(tmp_path, dict(tensors))
    before = max(int(entry.name) for entry in Path("/proc/self/fd").iterdir())
    highest = before
    dup = os.dup

    def watched(descriptor: int) -> int:
        nonlocal highest
        result = dup(descriptor)
        highest = max(highest, result)
        return result

    monkeypatch.setattr(os, "dup", watched)
    with guard.open(".") as folder:
        assert len(detect.load(folder)) == 1000
    assert highest < before + 20
