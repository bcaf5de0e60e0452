"""Converting: a new file or folder, whole or not at all, where the caller may write; what is left out is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

import modelcypher_nb as mc
from modelcypher_nb.errors import (
    ConflictError,
    MalformedError,
    MissingFileError,
    NotAllowedError,
    PathRefusedError,
    UnsafeFileError,
    UnsupportedFormatError,
    UsageError,
)
from modelcypher_nb.operations.facts import ConvertFacts
from modelcypher_nb.operations.operation import find, run
from modelcypher_nb.operations.session import Session
from tests.samples.assembler import assembled


def convert(session: Session, model: str, **arguments: Any) -> ConvertFacts:
    facts: ConvertFacts = run(find("model_convert"), session.person(), {"model_id": model, **arguments})
    return facts


def as_assistant(session: Session, model: str, **arguments: Any) -> ConvertFacts:
    facts: ConvertFacts = run(find("model_convert"), session.assistant("helper"), {"model_id": model, **arguments})
    return facts


@pytest.fixture
def net(work: Path) -> Path:
    """A checkpoint with tied weights and things that are no tensors."""
    shared = torch.arange(6.0).view(2, 3)
    path = work / "net.pt"
    torch.save(
        {"a": shared, "tied": shared, "half": torch.ones(4, dtype=torch.bfloat16), "epoch": 3, "note": {"x": "y"}}, path
    )
    return path


@pytest.fixture
def sharded(work: Path) -> Path:
    """A folder as the Hub's libraries wrote it before safetensors."""
    folder = work / "bert"
    folder.mkdir()
    names = ["pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin"]
    torch.save({"one": torch.ones(2, 2)}, folder / names[0])
    torch.save({"two": torch.zeros(3)}, folder / names[1])
    index = {"metadata": {"total_size": 28}, "weight_map": {"one": names[0], "two": names[1]}}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    (folder / "config.json").write_text('{"architectures": ["BertModel"]}')
    (folder / "vocab.txt").write_text("a\nb\n")
    (folder / "train.py").write_text("print('mine')\n")
    (folder / "credentials.json").write_text("{}")  # whatever else lies there is nobody's to copy
    (folder / "LICENSE.txt").write_text("free")
    return folder


def test_a_file_is_converted_beside_itself_and_loads_as_before(session: Session, net: Path) -> None:
    facts = convert(session, "net.pt")
    assert facts.output == str(net.with_suffix(".safetensors"))
    loaded = mc.load(facts.output)
    original = torch.load(net, weights_only=True)
    for name in ("a", "tied", "half"):
        assert torch.equal(loaded[name], original[name])
        assert loaded[name].dtype == original[name].dtype
    assert facts.aliases == {"tied": "a"}
    assert facts.left_out == ("epoch", "note.x")
    assert facts.checked == 2
    assert mc.model_scan(facts.output).worst == "weights"
    assert net.exists()


def test_an_existing_output_is_never_replaced(session: Session, net: Path) -> None:
    net.with_suffix(".safetensors").write_text("mine")
    with pytest.raises(ConflictError):
        convert(session, "net.pt")
    assert net.with_suffix(".safetensors").read_text() == "mine"
    assert convert(session, "net.pt", output="other/new.safetensors").output.endswith("/other/new.safetensors")


def test_a_folder_becomes_one_that_its_loaders_know(session: Session, sharded: Path) -> None:
    facts = convert(session, "bert")
    made = Path(facts.output)
    assert made == sharded.with_name("bert-safetensors")
    assert sorted(path.name for path in made.iterdir()) == [
        "LICENSE.txt",
        "config.json",
        "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors",
        "model.safetensors.index.json",
        "vocab.txt",
    ]
    assert facts.copied == ("LICENSE.txt", "config.json", "vocab.txt")
    assert facts.index == "model.safetensors.index.json"
    assert set(mc.load(str(made))) == {"one", "two"}
    assert mc.model_show(str(made)).architecture == "BertModel"
    with pytest.raises(ConflictError):
        convert(session, "bert")


def test_a_folder_can_be_converted_in_its_place(session: Session, sharded: Path) -> None:
    before = {path.name: path.read_bytes() for path in sharded.iterdir()}
    facts = convert(session, "bert", output="bert")
    assert facts.copied == ()
    assert {name: (sharded / name).read_bytes() for name in before} == before
    assert (sharded / "model.safetensors.index.json").is_file()
    with pytest.raises(UsageError, match="already"):
        convert(session, "bert", output="bert")


def test_a_folder_s_failure_leaves_nothing(session: Session, sharded: Path) -> None:
    broken = sharded / "pytorch_model-00002-of-00002.bin"
    data = bytearray(broken.read_bytes())
    place = data.index(b"data/0") + 70
    data[place] ^= 0xFF  # within the values, or within the archive's own: either way it is told
    broken.write_bytes(data)
    before = sorted(sharded.parent.iterdir())
    with pytest.raises(MalformedError):
        convert(session, "bert")
    assert sorted(sharded.parent.iterdir()) == before


def test_what_would_run_code_is_converted_as_a_rescue_alone(session: Session, work: Path, hostile: Path) -> None:
    with pytest.raises(UnsafeFileError, match="--rescue"):
        convert(session, "evil.pt")
    assert not (work / "evil.safetensors").exists()
    facts = convert(session, "evil.pt", rescue=True)
    assert list(mc.load(facts.output)) == ["w"]
    assert not (work / "ran").exists()


def test_a_folder_with_one_dangerous_shard_is_refused_before_anything_is_written(
    session: Session, sharded: Path, hostile: Path
) -> None:
    hostile.rename(sharded / "pytorch_model-00002-of-00002.bin")
    with pytest.raises(UnsafeFileError):
        convert(session, "bert")
    assert not sharded.with_name("bert-safetensors").exists()


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("text.pt", b"nothing", UnsupportedFormatError),
        ("cut.pkl", assembled({"a": 1})[:-1], MalformedError),
        ("empty.pkl", assembled({"a": 1}), UsageError),
    ],
)
def test_what_holds_no_tensors_gives_an_error_and_no_file(
    session: Session, work: Path, name: str, content: bytes, kind: type[Exception]
) -> None:
    (work / name).write_bytes(content)
    with pytest.raises(kind):
        convert(session, name)
    assert not list(work.glob("*.safetensors"))


def test_safetensors_needs_no_conversion(session: Session, small_model: Path, work: Path) -> None:
    with pytest.raises(UsageError, match="already"):
        convert(session, small_model.name, output="again.safetensors")
    with pytest.raises(UsageError, match="already"):
        convert(session, str(small_model))
    (work / "folder").mkdir()
    small_model.rename(work / "folder" / "model.safetensors")
    with pytest.raises(UsageError, match="already"):
        convert(session, "folder")
    (work / "nothing").mkdir()
    with pytest.raises(MissingFileError):
        convert(session, "nothing")
    assert not list(work.glob("*-safetensors*"))


def test_a_new_file_is_named_what_it_is(session: Session, net: Path) -> None:
    with pytest.raises(UsageError, match=r"new\.pt\.safetensors"):
        convert(session, "net.pt", output="new.pt")


def test_a_model_of_the_toolkit_s_or_the_hub_s_is_converted_into_the_start_folder(
    home: Path, work: Path, net: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = home.parent / "cache"
    snapshot = cache / "models--me--net" / "snapshots" / ("a" * 40)
    blobs = cache / "models--me--net" / "blobs"
    snapshot.mkdir(parents=True)
    blobs.mkdir()
    net.rename(blobs / "0123")
    (snapshot / "pytorch_model.bin").symlink_to(blobs / "0123")
    monkeypatch.setenv("HF_HUB_CACHE", str(cache))
    facts = convert(Session(), str(snapshot / "pytorch_model.bin"))
    assert facts.output == str(work / "pytorch_model.safetensors")
    assert len(list(snapshot.iterdir())) == 1


def test_an_assistant_writes_beneath_the_working_folder_alone(
    session: Session, net: Path, tmp_path: Path, sharded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setenv("MC_ALLOWED_PATHS", str(elsewhere))
    monkeypatch.setenv("MC_ALLOWED_PATHS_FOR", "everyone")
    wide = Session()
    for output in (
        f"{elsewhere}/new.safetensors",
        "../new.safetensors",
        ".hidden/new.safetensors",
        "/etc/new.safetensors",
    ):
        with pytest.raises(PathRefusedError):
            as_assistant(wide, "net.pt", output=output)
    assert as_assistant(wide, "net.pt", output="made/new.safetensors").tensor_count == 2
    with pytest.raises(UsageError, match="-safetensors"):
        as_assistant(wide, "bert", output="anything")
    assert as_assistant(wide, "bert").output.endswith("bert-safetensors")
    assert not list(elsewhere.iterdir())


def test_a_rescue_is_for_people_only(session: Session, hostile: Path) -> None:
    with pytest.raises(NotAllowedError, match="people"):
        as_assistant(session, "evil.pt", rescue=True)
    with pytest.raises(UnsafeFileError):
        as_assistant(session, "evil.pt")


def test_progress_is_told_in_bytes(session: Session, net: Path, told: list[Any]) -> None:
    convert(session, "net.pt")
    assert told[0] == "converted bytes"
    done, total = told[-1]
    assert done == total > 0


def test_a_conversion_is_audited(session: Session, net: Path) -> None:
    convert(session, "net.pt")
    row = session.catalog.audit(1)[0]
    assert (row.operation, row.outcome, row.arguments) == ("model_convert", "done", {"model_id": "net.pt"})
