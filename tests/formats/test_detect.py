from __future__ import annotations

import hashlib
import json
import os
import pickle
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from modelcypher_nb.errors import (
    MalformedError,
    MissingFileError,
    UnreadableError,
    UnsafeFileError,
    UnsupportedFormatError,
    UsageError,
)
from modelcypher_nb.formats import detect, model_folder
from modelcypher_nb.formats.model_folder import Survey
from modelcypher_nb.formats.readers import Terms
from modelcypher_nb.formats.report import VERDICTS, Finding, ModelReport, Verdict
from modelcypher_nb.guard.paths import Guard
from modelcypher_nb.guard.roots import Root
from modelcypher_nb.guard.safe_path import SafePath

WEIGHTS = {"layer.weight": torch.ones(2, 3), "layer.bias": torch.zeros(3, dtype=torch.bfloat16)}


def examined(guard: Guard, name: str = ".") -> ModelReport:
    with guard.open(name) as safe:
        return detect.examine(safe)


def described(guard: Guard, name: str = ".") -> ModelReport:
    with guard.open(name) as safe:
        return detect.describe(safe)


def levels(report: ModelReport) -> list[str]:
    return [finding.level for finding in report.verdict.findings]


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin", "weights.CHECKPOINT", "noextension"])
def test_safetensors_content_is_read_whatever_the_name(guard: Guard, tmp_path: Path, name: str) -> None:
    save_file(WEIGHTS, tmp_path / name, {"format": "pt"})
    report = described(guard, name)
    assert (report.format, report.verdict) == ("safetensors", Verdict("weights"))
    assert report.dtypes == {"F32": 6, "BF16": 3}
    assert report.parameter_count == 9
    assert report.metadata == {"format": "pt"}
    assert [(file.name, file.size_bytes) for file in report.files] == [(name, (tmp_path / name).stat().st_size)]
    assert {tensor.file for tensor in report.tensors} == {name}
    assert report == examined(guard, name)


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin", "model.pt", "weights.CHECKPOINT"])
@pytest.mark.promise("WEIGHTS-3")
def test_a_pickle_is_read_without_pickle_whatever_the_name(guard: Guard, tmp_path: Path, name: str) -> None:
    torch.save(WEIGHTS, tmp_path / name)
    report = examined(guard, name)
    assert (report.verdict, report.format, report.pickled) == (Verdict("weights"), "torch checkpoint", (name,))
    told: list[tuple[str, ...]] = []
    with guard.open(name) as safe:
        loaded = detect.load(safe, warn=told.append)
    assert {key: torch.equal(value, WEIGHTS[key]) for key, value in loaded.items()} == dict.fromkeys(WEIGHTS, True)
    assert told == [(str(tmp_path / name),)]


@pytest.mark.promise("WEIGHTS-3")
def test_a_pickle_is_never_run(guard: Guard, tmp_path: Path) -> None:
    proof = tmp_path / "proof"

    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(proof),)

    for name in ("a.bin", "a.safetensors", "a.pkl"):
        (tmp_path / name).write_bytes(pickle.dumps(Bomb()))
        report = examined(guard, name)
        assert (report.verdict.level, report.verdict.findings[0].name) == ("code", "posix.mkdir")
        with guard.open(name) as safe, pytest.raises(UnsafeFileError, match=r"posix\.mkdir"):
            detect.load(safe)
    assert examined(guard).verdict.level == "code"
    assert not proof.exists()


@pytest.mark.parametrize("content", [b"", b"\0", b"hello", b"\xff" * 100, b"{}"])
def test_a_file_named_safetensors_that_is_none_is_malformed(guard: Guard, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.safetensors").write_bytes(content)
    with pytest.raises(MalformedError):
        described(guard, "a.safetensors")
    report = examined(guard, "a.safetensors")
    assert report.verdict.level == "malformed"
    assert detect.exit_code(report.verdict) == 2
    assert report.verdict.findings[0].where == str(tmp_path / "a.safetensors")


@pytest.mark.parametrize("content", [b"", b"hello", b"\0" * 600])
def test_an_unknown_file_is_unsupported_and_never_clean(guard: Guard, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.dat").write_bytes(content)
    with pytest.raises(UnsupportedFormatError):
        described(guard, "a.dat")
    assert examined(guard, "a.dat").verdict.level == "unsupported"


def test_a_file_that_lies_is_a_verdict_when_examined_and_an_error_when_described(guard: Guard, tmp_path: Path) -> None:
    save_file(WEIGHTS, tmp_path / "a.safetensors")
    os.truncate(tmp_path / "a.safetensors", 150)
    with guard.open("a.safetensors") as safe:
        for verb in (detect.describe, detect.load):
            with pytest.raises(MalformedError, match="cut off"):
                verb(safe)
    assert levels(examined(guard, "a.safetensors")) == ["malformed"]


def hugging_face_folder(folder: Path) -> None:
    save_file(WEIGHTS, folder / "model.safetensors", {"format": "pt"})
    (folder / "config.json").write_text('{"architectures": ["TinyModel"], "model_type": "tiny"}')
    (folder / "README.md").write_text(
        "---\nlicense: mit\nbase_model: org/base\npipeline_tag: feature-extraction\n---\n"
    )
    (folder / "tokenizer.json").write_text('{"version": "1.0", "model": {"vocab": {}}}')
    (folder / "vocab.txt").write_text("can\nit\nbe\n")
    (folder / "merges.txt").write_text("#version: 0.2\n")
    (folder / ".gitattributes").write_text("*.bin filter=lfs\n")
    (folder / ".cache").mkdir()
    (folder / ".cache" / "old.bin").write_bytes(pickle.dumps([]))


def test_a_hugging_face_folder_is_one_model_with_what_its_files_say(guard: Guard, tmp_path: Path) -> None:
    hugging_face_folder(tmp_path)
    report = described(guard)
    assert report.verdict == Verdict("weights")
    assert (report.architecture, report.license) == ("TinyModel", "mit")
    assert (report.base_model, report.pipeline) == ("org/base", "feature-extraction")
    assert [file.name for file in report.files] == ["model.safetensors"]
    assert report == examined(guard)


def test_a_pickle_beside_safetensors_is_named_and_the_model_still_opens(guard: Guard, tmp_path: Path) -> None:
    hugging_face_folder(tmp_path)
    torch.save(WEIGHTS, tmp_path / "pytorch_model.bin")
    (tmp_path / "onnx").mkdir()
    (tmp_path / "onnx" / "model.onnx").write_bytes(b"\x08\x08\x12\x07pytorch")
    report = described(guard)
    assert report.verdict.level == "unsupported"
    assert [finding.where.removeprefix(f"{tmp_path}/") for finding in report.verdict.findings] == [
        "onnx/model.onnx",
        "pytorch_model.bin",
    ]
    assert report.parameter_count == 9
    with guard.open(".") as folder:
        assert detect.load(folder).keys() == WEIGHTS.keys()


def test_code_named_by_a_configuration_decides_over_everything_else(guard: Guard, tmp_path: Path) -> None:
    hugging_face_folder(tmp_path)
    (tmp_path / "config.json").write_text('{"auto_map": {"AutoModel": "evil.Model"}}')
    torch.save(WEIGHTS, tmp_path / "pytorch_model.bin")
    (tmp_path / "cut.safetensors").write_bytes(b"\xff\0\0\0\0\0\0\0{")
    report = described(guard)
    assert levels(report) == ["code", "malformed", "weights"]
    assert detect.exit_code(report.verdict) == 1


def test_a_folder_without_weights_is_missing_to_whoever_loads_and_never_clean_to_a_scan(
    guard: Guard, tmp_path: Path
) -> None:
    (tmp_path / "README.md").write_text("hello")
    with guard.open(".") as folder:
        for verb in (detect.describe, detect.load):
            with pytest.raises(MissingFileError, match="no model weights"):
                verb(folder)
    assert examined(guard).verdict.level == "unsupported"


def test_a_folder_of_pickles_only_is_a_model_too(guard: Guard, tmp_path: Path) -> None:
    torch.save({"layer.weight": WEIGHTS["layer.weight"]}, tmp_path / "pytorch_model-00001-of-00002.bin")
    torch.save({"layer.bias": WEIGHTS["layer.bias"]}, tmp_path / "pytorch_model-00002-of-00002.bin")
    places = {
        "layer.weight": "pytorch_model-00001-of-00002.bin",
        "layer.bias": "pytorch_model-00002-of-00002.bin",
    }
    (tmp_path / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": places}))
    report = described(guard)
    assert (report.format, report.verdict.level) == ("torch checkpoint", "weights")
    assert [file.name for file in report.files] == sorted(places.values())
    assert report.pickled == tuple(sorted(places.values()))
    with guard.open(".") as folder:
        loaded = detect.load(folder)
    assert {key: torch.equal(value, WEIGHTS[key]) for key, value in loaded.items()} == dict.fromkeys(WEIGHTS, True)


def test_the_single_file_is_the_model_and_what_lies_beside_it_is_told(guard: Guard, tmp_path: Path) -> None:
    hugging_face_folder(tmp_path)
    save_file({"other": torch.ones(1)}, tmp_path / "consolidated.safetensors")
    report = described(guard)
    assert [file.name for file in report.files] == ["model.safetensors"]
    assert [finding.what for finding in report.verdict.findings] == [
        "consolidated.safetensors lies beside the model and is no part of it."
    ]


def test_parts_without_an_index_load_together_unless_their_names_clash(guard: Guard, tmp_path: Path) -> None:
    save_file({"a": torch.ones(1)}, tmp_path / "one.safetensors")
    save_file({"b": torch.ones(1)}, tmp_path / "two.safetensors")
    with guard.open(".") as folder:
        assert detect.load(folder).keys() == {"a", "b"}
        save_file({"b": torch.zeros(1)}, tmp_path / "three.safetensors")
        with pytest.raises(UsageError, match="several models: 'b'"):
            detect.load(folder)


def test_a_pipeline_of_models_in_folders_below_is_described_with_each_file(guard: Guard, tmp_path: Path) -> None:
    for part in ("unet", "vae"):
        (tmp_path / part).mkdir()
        save_file(WEIGHTS, tmp_path / part / "diffusion_pytorch_model.safetensors")
    report = described(guard)
    assert [file.name for file in report.files] == [
        "unet/diffusion_pytorch_model.safetensors",
        "vae/diffusion_pytorch_model.safetensors",
    ]
    assert report.parameter_count == 18
    assert [finding.what for finding in report.verdict.findings] == [
        "The weights lie in 2 folders (unet, vae) and are shown together."
    ]


def test_a_broken_index_beside_a_single_file_is_told_and_the_file_still_opens(guard: Guard, tmp_path: Path) -> None:
    hugging_face_folder(tmp_path)
    (tmp_path / "model.safetensors.index.json").write_text('{"weight_map": {"x": "model-00001-of-00001.safetensors"}}')
    report = described(guard)
    assert levels(report) == ["malformed"]
    assert report.parameter_count == 9


def test_a_model_alone_in_a_folder_below_brings_that_folders_facts(guard: Guard, tmp_path: Path) -> None:
    (tmp_path / "package" / "model").mkdir(parents=True)
    hugging_face_folder(tmp_path / "package" / "model")
    report = described(guard)
    assert (report.architecture, report.license) == ("TinyModel", "mit")


def test_code_named_by_a_configuration_below_is_found(guard: Guard, tmp_path: Path) -> None:
    hugging_face_folder(tmp_path)
    (tmp_path / "text_encoder").mkdir()
    (tmp_path / "text_encoder" / "config.json").write_text('{"auto_map": {"AutoModel": "evil.Model"}}')
    report = described(guard)
    assert report.architecture == "TinyModel"
    assert [(finding.level, finding.where) for finding in report.verdict.findings] == [
        ("code", f"{tmp_path}/text_encoder/config.json")
    ]


def test_what_a_folder_holds_besides_files_is_refused_without_hanging(
    guard: Guard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hugging_face_folder(tmp_path)
    os.mkfifo(tmp_path / "pipe.bin")
    with socket.socket(socket.AF_UNIX) as listener:
        monkeypatch.chdir(tmp_path)  # a socket's path may be too long otherwise
        listener.bind("socket.bin")
    report = examined(guard)
    assert [finding.where.rsplit("/", 1)[1] for finding in report.verdict.findings] == ["pipe.bin", "socket.bin"]
    assert report.verdict.level == "unsupported"


def test_a_link_out_of_the_roots_is_never_clean(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    hugging_face_folder(inside)
    save_file(WEIGHTS, outside / "b.safetensors")
    (inside / "b.safetensors").symlink_to(outside / "b.safetensors")
    (inside / "gone.txt").symlink_to(outside / "nothing")
    guard = Guard((Root.pin(str(inside), "working"),), str(inside))
    report = examined(guard)
    assert levels(report) == ["unsupported", "unsupported"]
    assert all("outside the allowed folders" in finding.what for finding in report.verdict.findings)


COMMIT = "0123456789abcdef" * 2 + "01234567"


def hub_cache(root: Path) -> Path:
    repo = root / "models--org--tiny"
    snapshot = repo / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    (repo / "blobs").mkdir()
    save_file(WEIGHTS, repo / "blobs" / "feedbeef")
    (repo / "blobs" / "c0ffee").write_text('{"model_type": "tiny"}')
    (snapshot / "model.safetensors").symlink_to("../../blobs/feedbeef")
    (snapshot / "config.json").symlink_to("../../blobs/c0ffee")
    return snapshot


def test_a_snapshot_in_the_hubs_cache_opens_through_its_links(tmp_path: Path) -> None:
    snapshot = hub_cache(tmp_path)
    guard = Guard((Root.pin(str(tmp_path), "hub"),), "/")
    report = described(guard, str(snapshot))
    assert (report.source_repo, report.source_revision) == ("org/tiny", COMMIT)
    assert (report.architecture, report.verdict) == ("tiny", Verdict("weights"))
    with guard.open(snapshot) as folder:
        assert detect.load(folder).keys() == WEIGHTS.keys()


def test_a_file_of_a_snapshot_keeps_its_name_and_tells_its_source(tmp_path: Path) -> None:
    snapshot = hub_cache(tmp_path)
    guard = Guard((Root.pin(str(tmp_path), "hub"),), "/")
    report = described(guard, str(snapshot / "model.safetensors"))
    assert [file.name for file in report.files] == ["model.safetensors"]
    assert (report.source_repo, report.source_revision) == ("org/tiny", COMMIT)


def test_a_folder_of_more_files_than_the_limit_is_never_clean(
    guard: Guard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_folder, "ENTRY_LIMIT", 3)
    for number in range(5):
        save_file(WEIGHTS, tmp_path / f"{number}.safetensors")
    assert levels(examined(guard)) == ["unsupported"]


def test_folders_nested_too_deep_are_never_clean(guard: Guard, tmp_path: Path) -> None:
    hugging_face_folder(tmp_path)
    inner = tmp_path
    for _ in range(12):
        inner /= "x"
        inner.mkdir()
    assert levels(examined(guard)) == ["unsupported"]


def test_a_link_that_circles_ends(guard: Guard, tmp_path: Path) -> None:
    hugging_face_folder(tmp_path)
    (tmp_path / "again").symlink_to(tmp_path, target_is_directory=True)
    report = examined(guard)
    assert levels(report) == ["unsupported"]
    assert "isn't followed" in report.verdict.findings[0].what


def test_a_files_digest_is_its_sha256_and_progress_counts_every_byte(guard: Guard, tmp_path: Path) -> None:
    data = os.urandom((2 << 20) + 5)
    (tmp_path / "a.bin").write_bytes(data)
    seen: list[tuple[int, int]] = []
    with guard.open("a.bin") as safe:
        assert detect.digest(safe, lambda done, total: seen.append((done, total))) == (
            "sha256:" + hashlib.sha256(data).hexdigest()
        )
    assert seen == [(done, len(data)) for done in (1 << 20, 2 << 20, len(data))]


def test_a_folders_digest_can_be_repeated_with_sha256sum(guard: Guard, tmp_path: Path) -> None:
    save_file({"a": torch.ones(2)}, tmp_path / "model-1.safetensors")
    save_file({"b": torch.ones(2)}, tmp_path / "model-2.safetensors")
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "README.md").write_text("not part of it")
    names = "config.json model-1.safetensors model-2.safetensors model.safetensors.index.json"
    listing = subprocess.run(f"sha256sum {names}", shell=True, cwd=tmp_path, capture_output=True, check=True).stdout  # noqa: S602
    seen: list[tuple[int, int]] = []
    with guard.open(".") as folder:
        first = detect.digest(folder, lambda done, total: seen.append((done, total)))
        assert first == "sha256:" + hashlib.sha256(listing).hexdigest()
        (tmp_path / "README.md").write_text("changed")
        assert detect.digest(folder) == first
        (tmp_path / "config.json").write_text('{"changed":1}')
        assert detect.digest(folder) != first
    total = sum((tmp_path / name).stat().st_size for name in names.split()) - len('{"changed":1}') + 2
    assert seen[-1] == (total, total)


def test_a_file_that_changes_while_it_is_digested_has_no_digest(guard: Guard, tmp_path: Path) -> None:
    file = tmp_path / "a.bin"
    file.write_bytes(bytes(2 << 20))

    def change(done: int, _: int) -> None:
        with file.open("r+b") as rewritten:
            rewritten.write(done.to_bytes(8))

    with guard.open("a.bin") as safe, pytest.raises(UnreadableError, match="changed while it was read"):
        detect.digest(safe, change)


def test_a_file_swapped_between_survey_and_load_is_not_loaded(
    guard: Guard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_file(WEIGHTS, tmp_path / "model.safetensors")
    survey = detect.survey

    def swapping(folder: SafePath, terms: Terms) -> Survey:
        found = survey(folder, terms)
        save_file({"other": torch.ones(1)}, tmp_path / "new")
        (tmp_path / "new").rename(tmp_path / "model.safetensors")
        return found

    monkeypatch.setattr(detect, "survey", swapping)
    with guard.open(".") as folder, pytest.raises(UnreadableError, match="changed"):
        detect.load(folder)


def test_exit_codes_follow_the_verdict_and_one_means_danger() -> None:
    codes = {level: detect.exit_code(Verdict(level)) for level in VERDICTS}
    assert codes == {"weights": 0, "data": 0, "objects": 0, "unsupported": 3, "malformed": 2, "code": 1}
    assert detect.exit_code(Verdict("objects"), strict=True) == 1
    assert [detect.exit_code(Verdict(level), strict=True) for level in VERDICTS if level != "objects"] == [
        0,
        0,
        3,
        2,
        1,
    ]


def test_the_worst_of_several_levels_decides() -> None:
    assert detect.worst([]) == "weights"
    for number, level in enumerate(VERDICTS):
        assert detect.worst(reversed(VERDICTS[: number + 1])) == level
    assert Finding("code", "x", "y").remedy is None


def test_describing_imports_neither_torch_nor_numpy_nor_hashlib(tmp_path: Path) -> None:
    hugging_face_folder(tmp_path)
    script = """
import sys
from modelcypher_nb.formats import detect, model_folder
from modelcypher_nb.guard.paths import Guard
from modelcypher_nb.guard.roots import Root
from modelcypher_nb.guard.safe_path import SafePath
with Guard((Root.pin(sys.argv[1], "working"),), sys.argv[1]).open(".") as folder:
    assert detect.describe(folder).parameter_count == 9
print(*sorted({"torch", "numpy", "hashlib", "safetensors", "yaml"} & sys.modules.keys()))
"""
    result = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""


def test_a_real_model_is_described_and_loads_as_safetensors_loads_it(tmp_path: Path) -> None:
    network = torch.nn.Sequential(torch.nn.Embedding(10, 4), torch.nn.LSTM(4, 8), torch.nn.BatchNorm1d(8))
    save_file(network.state_dict(), tmp_path / "model.safetensors")
    guard = Guard((Root.pin(str(tmp_path), "working"),), str(tmp_path))
    assert described(guard).parameter_count == sum(t.numel() for t in network.state_dict().values())
    with guard.open(".") as folder:
        network.load_state_dict(detect.load(folder))
        theirs = load_file(tmp_path / "model.safetensors")
        assert all(torch.equal(tensor, theirs[name]) for name, tensor in network.state_dict().items())
