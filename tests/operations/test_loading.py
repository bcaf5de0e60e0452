"""Loading: one warning a file, none for what only looks like a pickle, and nothing dangerous without a rescue."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch

import modelcypher_nb as mc
from modelcypher_nb.errors import UnsafeFileError
from modelcypher_nb.formats.pickles.values import Opaque
from modelcypher_nb.operations.session import Session
from tests.conftest import safetensors_bytes
from tests.samples import benign
from tests.samples.sample import Sample


@pytest.fixture
def checkpoint(work: Path) -> Path:
    """What somebody's training script saved."""
    path = work / "mine.ckpt"
    torch.save({"state_dict": {"w": torch.arange(6.0).view(2, 3)}, "epoch": 7, "names": ["a", "b"]}, path)
    return path


def silently(*arguments: Any, **named: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return mc.load(*arguments, **named)


@pytest.mark.promise("WEIGHTS-4")
def test_a_file_that_relies_on_pickle_warns_once_and_names_the_way_out(session: Session, checkpoint: Path) -> None:
    with pytest.warns(mc.PickleWarning, match=r"mc model convert .*mine\.ckpt") as caught:
        loaded = mc.load(checkpoint)
    assert torch.equal(loaded["state_dict.w"], torch.arange(6.0).view(2, 3))
    assert caught[0].filename == __file__
    silently(checkpoint)
    silently(checkpoint.name, whole=True)


def test_a_file_that_changed_warns_again(session: Session, checkpoint: Path) -> None:
    with pytest.warns(mc.PickleWarning):
        mc.load(checkpoint)
    torch.save({"w": torch.zeros(9)}, checkpoint)
    with pytest.warns(mc.PickleWarning):
        mc.load(checkpoint)


def test_the_content_decides_and_not_the_name(session: Session, work: Path, checkpoint: Path) -> None:
    (work / "pytorch_model.bin").write_bytes(safetensors_bytes({"a": (2,)}))
    silently("pytorch_model.bin")
    checkpoint.rename(work / "MODEL.CHECKPOINT")
    with pytest.warns(mc.PickleWarning):
        mc.load("MODEL.CHECKPOINT")
    (work / "fake.safetensors").write_bytes((work / "MODEL.CHECKPOINT").read_bytes())
    with pytest.warns(mc.PickleWarning):
        mc.load("fake.safetensors")


def test_the_whole_content_comes_nested_as_it_was(session: Session, checkpoint: Path) -> None:
    with pytest.warns(mc.PickleWarning):
        content = mc.load(checkpoint, whole=True)
    assert (content["epoch"], content["names"]) == (7, ["a", "b"])
    assert torch.equal(content["state_dict"]["w"], torch.arange(6.0).view(2, 3))


@pytest.mark.promise("WEIGHTS-5")
def test_what_would_run_code_is_refused_and_rescued_without_running(
    session: Session, work: Path, hostile: Path
) -> None:
    with pytest.raises(UnsafeFileError, match="rescue=True") as caught:
        mc.load(hostile)
    assert caught.value.exit_code == 65
    assert "posix.system" in caught.value.problem
    assert f"mc model show {hostile}." in caught.value.remedy
    assert f"mc.load('{hostile}', rescue=True)" in caught.value.remedy
    with pytest.warns(mc.PickleWarning):
        tensors = mc.load(hostile, rescue=True)
    assert tensors["w"].shape == (4,)
    whole = mc.load(hostile, whole=True, rescue=True)
    assert type(whole["e"]) is Opaque
    assert not (work / "ran").exists()


def test_a_refused_file_warns_of_nothing_more(session: Session, hostile: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UnsafeFileError):
            mc.load(hostile)


def test_a_card_s_load_warns_and_refuses_too(session: Session, checkpoint: Path, hostile: Path) -> None:
    with pytest.warns(mc.PickleWarning):
        assert "state_dict.w" in mc.ModelCard(str(checkpoint)).load()
    with pytest.raises(UnsafeFileError):
        mc.ModelCard(str(hostile)).load()


def test_facts_name_the_files_that_rely_on_pickle_and_the_command(session: Session, checkpoint: Path) -> None:
    facts = mc.model_show(checkpoint)
    assert facts.pickled == (str(checkpoint),)
    assert facts.warning is not None
    assert facts.warning.command == f"mc model convert {checkpoint}"
    assert facts.tree is not None
    assert [child.key for child in facts.tree.children] == ["state_dict", "epoch", "names"]


def test_facts_of_safetensors_name_none(session: Session, small_model: Path) -> None:
    facts = mc.model_show(small_model)
    assert (facts.pickled, facts.warning, facts.tree) == ((), None, None)


@pytest.mark.promise("WEIGHTS-6")
@pytest.mark.parametrize("sample", benign.SAMPLES[::45], ids=lambda sample: sample.name)
@pytest.mark.filterwarnings("ignore::modelcypher_nb.PickleWarning")
def test_card_load_and_conversion_know_the_same_tensors(session: Session, work: Path, sample: Sample) -> None:
    folder = work / "sample"
    folder.mkdir()
    path = sample.make(folder)
    card = mc.ModelCard(path)
    shown = [tensor.name for tensor in card.tensors]
    loaded = {
        name: value for name, value in card.load().items() if getattr(value, "device", None) != torch.device("meta")
    }
    assert set(loaded) <= set(shown)
    if not card.facts.pickled or not loaded:
        return
    converted = mc.model_convert(path, output=work / "converted.safetensors")
    assert mc.ModelCard(converted.output).verdict == "weights"
    assert set(mc.load(converted.output)) == set(loaded)
