"""The Python functions: load and save state dicts, allow folders, the short names, the lazy package."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

import modelcypher_nb as mc
from modelcypher_nb.errors import (
    ConflictError,
    MalformedError,
    MissingFileError,
    PathRefusedError,
    UnknownIdError,
    UsageError,
)
from modelcypher_nb.operations.facts import DoctorFacts, InventoryFacts, StatusFacts
from modelcypher_nb.operations.session import Session, current


def test_what_is_saved_loads_again(session: Session, work: Path) -> None:
    tensors = {"a": torch.arange(6.0).view(2, 3), "b": torch.tensor([True, False])}
    assert mc.save(tensors, "kept.safetensors", {"made": "here"}) == "kept.safetensors"
    loaded = mc.load("kept.safetensors")
    assert list(loaded) == ["a", "b"]
    assert all(torch.equal(loaded[name], tensor) for name, tensor in tensors.items())
    assert mc.model_show("kept.safetensors").metadata == {"made": "here"}


def test_a_registered_name_loads(session: Session, small_model: Path) -> None:
    mc.model_register(small_model, "kept")
    assert {name: tuple(tensor.shape) for name, tensor in mc.load("kept@1").items()} == {
        "layer.weight": (4, 6),
        "layer.bias": (4,),
    }


def test_an_existing_file_is_never_replaced(session: Session, small_model: Path) -> None:
    before = small_model.read_bytes()
    with pytest.raises(ConflictError):
        mc.save({"a": torch.zeros(1)}, small_model)
    assert small_model.read_bytes() == before


def test_a_failed_save_leaves_nothing(session: Session, work: Path) -> None:
    before = sorted(work.iterdir())
    with pytest.raises(UsageError):
        mc.save({"a": torch.zeros(4), "b": "no tensor"}, "broken.safetensors")  # type: ignore[dict-item]
    assert sorted(work.iterdir()) == before


def test_only_safetensors_is_written(session: Session, work: Path) -> None:
    with pytest.raises(UsageError, match=r"Name it 'weights\.safetensors'"):
        mc.save({"a": torch.zeros(1)}, "weights.pt")
    assert not (work / "weights.pt").exists()


def test_saving_is_audited(session: Session) -> None:
    mc.save({"a": torch.zeros(1)}, "kept.safetensors")
    row = mc.mcp_audit().items[0]
    assert (row.principal, row.operation, row.arguments) == ("person", "save", {"path": "kept.safetensors"})


def test_a_path_outside_needs_to_be_allowed(session: Session, tmp_path: Path, small_model: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    other = elsewhere / "other.safetensors"
    other.write_bytes(small_model.read_bytes())
    for call in (lambda: mc.load(other), lambda: mc.save({"a": torch.zeros(1)}, elsewhere / "new.safetensors")):
        with pytest.raises(PathRefusedError) as caught:
            call()
        assert caught.value.folder == str(elsewhere)
    mc.allow(other)
    assert len(mc.load(other)) == 2
    mc.save({"a": torch.zeros(1)}, elsewhere / "new.safetensors")


def test_a_refusal_of_load_offers_the_folder_to_the_notebook(session: Session, tmp_path: Path) -> None:
    offered: list[str | None] = []
    session.offer_allow = lambda error: offered.append(error.folder)
    with pytest.raises(PathRefusedError) as caught:
        mc.load(tmp_path / "elsewhere" / "x.safetensors")
    caught.value._render_traceback_()
    assert offered == [str(tmp_path / "elsewhere")]


def test_bad_input_is_an_error_of_ours(session: Session, small_model: Path) -> None:
    small_model.with_name("cut.safetensors").write_bytes(small_model.read_bytes()[:-3])
    for name, kind in (
        ("absent", UnknownIdError),
        ("./absent.safetensors", MissingFileError),
        ("cut.safetensors", MalformedError),
        ("", UsageError),
    ):
        with pytest.raises(kind):
            mc.load(name)


def test_a_server_outside_a_kernel_is_refused(session: Session) -> None:
    with pytest.raises(UsageError, match="kernel"):
        mc.serve()


def test_the_short_names_are_the_operations(session: Session) -> None:
    assert mc.session() is session is current()
    assert isinstance(mc.status(), StatusFacts)
    assert isinstance(mc.inventory(), InventoryFacts)
    assert isinstance(mc.doctor(), DoctorFacts)


def test_the_short_names_say_what_their_operations_say() -> None:
    for short, name in {"status": "system_status", "inventory": "system_inventory", "doctor": "system_doctor"}.items():
        assert getattr(mc, short).__doc__.splitlines()[0] == getattr(mc, name).__doc__.splitlines()[0]


def test_operations_are_functions_of_the_package_with_their_own_signature(session: Session) -> None:
    import inspect

    assert list(inspect.signature(mc.model_show).parameters) == ["model_id", "limit", "cursor"]
    shown = str(inspect.signature(mc.job_list))
    assert shown.startswith("(status: str | None = None, active_only: bool = False, limit: int = 100,")
    assert shown.endswith("-> modelcypher_nb.operations.facts.jobs.JobList")
    assert "\n    points: Points a series at most; extremes are kept. (8 to 2,000)" in mc.job_metrics.__doc__
    assert "(one of queued, running," in mc.job_list.__doc__
    assert mc.model_list().total == 0
    with pytest.raises(UsageError, match="at most"):
        mc.model_list(1, 2, 3, 4, 5)
    with pytest.raises(UsageError, match="no parameter 'colour'"):
        mc.model_list(colour="red")


def test_loading_and_saving_need_no_notebook() -> None:
    code = "import sys, modelcypher_nb as mc; mc.load, mc.save; print('IPython' in sys.modules, 'torch' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["False", "False"]
