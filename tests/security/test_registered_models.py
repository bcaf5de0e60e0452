"""Attacks on what registering allowed: links that take a model's place, and the home within the working folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelcypher_nb.errors import MissingFileError, ModelCypherError, NotAllowedError, PathRefusedError
from modelcypher_nb.guard.roots import Root
from modelcypher_nb.operations.operation import find, run
from modelcypher_nb.operations.session import PERSON, Session
from tests.conftest import safetensors_bytes

HIDDEN = "the-secret-tensor"


def person(session: Session, verb: str, /, **arguments: Any) -> Any:
    return run(find(verb), session.person(), arguments)


def assistant(session: Session, verb: str, /, **arguments: Any) -> Any:
    return run(find(verb), session.assistant("tester"), arguments)


def model(file: Path, tensor: str = "weight") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(safetensors_bytes({tensor: (2,)}))
    return file


def refused(attempt: Callable[[], Any]) -> None:
    """An attack ends in a refusal of the guard, whose text doesn't tell what lies there."""
    with pytest.raises((PathRefusedError, MissingFileError)) as caught:
        attempt()
    assert HIDDEN not in str(caught.value)


def gone(place: Path) -> Path:
    """Where a file or folder is kept meanwhile; no model's folder looks at such a name."""
    return place.with_name(f".{place.name}.gone")


def swap(place: Path, target: Path) -> None:
    """Put a link where a file or folder was."""
    place.rename(gone(place))
    place.symlink_to(target)


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder beyond every root."""
    folder = tmp_path / "outside"
    model(folder / "m.safetensors", HIDDEN)
    return folder


@pytest.mark.promise("PATHS-4")
@pytest.mark.parametrize("verb", ["model_show", "model_verify"])
def test_a_folder_above_a_registered_model_that_becomes_a_link_leads_nowhere(
    session: Session, work: Path, outside: Path, verb: str
) -> None:
    model(work / "models" / "m.safetensors")
    assistant(session, "model_register", path="models/m.safetensors", name="known")
    swap(work / "models", outside)
    refused(lambda: assistant(session, verb, model_id="known"))
    refused(lambda: person(session, verb, model_id="known"))


@pytest.mark.promise("PATHS-4")
@pytest.mark.parametrize("target", ["beyond the roots", "in a dotted folder", "beside it", "in the home"])
def test_a_registered_file_that_becomes_a_link_leads_nowhere(
    session: Session, work: Path, outside: Path, target: str
) -> None:
    place = model(work / "models" / "m.safetensors")
    targets = {
        "beyond the roots": outside / "m.safetensors",
        "in a dotted folder": model(work / ".hidden" / "m.safetensors", HIDDEN),
        "beside it": model(work / "models" / ".other.safetensors", HIDDEN),
        "in the home": model(Path(session.home_path) / "models" / "m.safetensors", HIDDEN),
    }
    assistant(session, "model_register", path="models/m.safetensors", name="known")
    swap(place, targets[target])
    refused(lambda: assistant(session, "model_show", model_id="known"))
    refused(lambda: person(session, "model_show", model_id="known"))


@pytest.mark.promise("PATHS-4")
@pytest.mark.parametrize("target", ["in a dotted folder", "in a folder that people allowed", "in the home"])
def test_a_file_of_a_registered_folder_never_leads_an_assistant_where_it_may_not_go(
    session: Session, work: Path, outside: Path, target: str
) -> None:
    place = model(work / "model" / "model.safetensors")
    targets = {
        "in a dotted folder": model(work / ".hidden" / "m.safetensors", HIDDEN),
        "in a folder that people allowed": outside / "m.safetensors",
        "in the home": model(Path(session.home_path) / "models" / "m.safetensors", HIDDEN),
    }
    session.allow(str(outside))
    assistant(session, "model_register", path="model", name="known")
    swap(place, targets[target])
    refused(lambda: assistant(session, "model_show", model_id="known"))


def test_a_person_follows_a_link_of_a_registered_folder_to_where_people_may_go(
    session: Session, work: Path, outside: Path
) -> None:
    place = model(work / "model" / "model.safetensors")
    person(session, "model_register", path="model", name="known")
    swap(place, outside / "m.safetensors")
    refused(lambda: person(session, "model_show", model_id="known"))
    session.allow(str(outside))
    assert person(session, "model_show", model_id="known").tensors[0].name == HIDDEN


def test_an_assistant_reads_a_hub_model_through_its_links(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = tmp_path / ".cache" / "hub" / "models--a--b"
    model(repo / "blobs" / "abc")
    snapshot = repo / "snapshots" / "123"
    snapshot.mkdir(parents=True)
    (snapshot / "model.safetensors").symlink_to("../../blobs/abc")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / ".cache" / "hub"))
    session = Session()
    person(session, "model_register", path=str(snapshot), name="hub")
    assert assistant(session, "model_show", model_id="hub").tensor_count == 1
    refused(lambda: assistant(session, "model_show", model_id=str(snapshot)))


def test_a_registered_folder_that_is_swapped_and_swapped_back_works_again(
    session: Session, work: Path, outside: Path
) -> None:
    model(work / "models" / "m.safetensors")
    person(session, "model_register", path="models/m.safetensors", name="known")
    swap(work / "models", outside)
    refused(lambda: person(session, "model_show", model_id="known"))
    (work / "models").unlink()
    gone(work / "models").rename(work / "models")
    assert person(session, "model_show", model_id="known").tensor_count == 1


@pytest.fixture
def nested(work: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    """A session whose home lies in the working folder, under a name that anybody may name."""
    monkeypatch.setenv("MODELCYPHER_NB_HOME", str(work / "toolkit"))
    return Session()


@pytest.mark.promise("PATHS-4")
@pytest.mark.parametrize(
    "path", ["toolkit/models/m.safetensors", "toolkit/models", "./toolkit/../toolkit/models", "in"]
)
def test_a_home_within_the_working_folder_is_shut_to_assistants(nested: Session, work: Path, path: str) -> None:
    model(work / "toolkit" / "models" / "m.safetensors", HIDDEN)
    (work / "in").symlink_to("toolkit/models")
    refused(lambda: assistant(nested, "model_show", model_id=f"./{path}"))
    refused(lambda: assistant(nested, "model_scan", path=[f"./{path}"]))
    refused(lambda: assistant(nested, "model_register", path=path, name="mine"))
    assert person(nested, "model_show", model_id=f"./{path}").tensors[0].name == HIDDEN


@pytest.mark.promise("PATHS-4")
def test_a_folder_scanned_by_an_assistant_leaves_the_home_within_it_out(nested: Session, work: Path) -> None:
    model(work / "toolkit" / "models" / "m.safetensors", HIDDEN)
    model(work / "model" / "m.safetensors")
    (work / "model" / "sub").symlink_to(work / "toolkit" / "models")
    (work / "model" / "n.safetensors").symlink_to(work / "toolkit" / "models" / "m.safetensors")
    names = [tensor.name for tensor in assistant(nested, "model_show", model_id="./model").tensors]
    assert names == ["weight"]


@pytest.mark.promise("PATHS-4")
def test_a_session_that_starts_in_the_home_gives_assistants_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model(home / "m.safetensors", HIDDEN)
    (home / ".git").mkdir()
    monkeypatch.chdir(home)
    refused(lambda: assistant(Session(), "model_show", model_id="./m.safetensors"))


@pytest.mark.promise("PATHS-4")
def test_a_model_registered_from_the_home_is_an_assistants_by_name_only(nested: Session, work: Path) -> None:
    file = model(work / "toolkit" / "models" / "m.safetensors")
    person(nested, "model_register", path=str(file), name="kept")
    assert assistant(nested, "model_show", model_id="kept").tensor_count == 1
    refused(lambda: assistant(nested, "model_show", model_id=str(file)))


@pytest.mark.promise("PATHS-3")
def test_a_root_that_becomes_a_link_before_it_is_opened_isnt_pinned_elsewhere(tmp_path: Path, outside: Path) -> None:
    root = Root.pin(str(tmp_path / "later"), "hub")
    (tmp_path / "later").symlink_to(outside)
    with pytest.raises(OSError, match="symbolic link"):
        root.descriptor()


@pytest.mark.promise("PATHS-3")
def test_a_root_swapped_between_its_resolution_and_its_opening_isnt_pinned_elsewhere(
    tmp_path: Path, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "root").mkdir()
    root = Root.known(str(tmp_path / "root"), "hub")
    resolve = os.path.realpath

    def then_swap(path: str) -> str:
        found = resolve(path)
        swap(tmp_path / "root", outside)
        return found

    monkeypatch.setattr(os.path, "realpath", then_swap)
    with pytest.raises(OSError, match="symbolic link"):
        root.descriptor()


# ── who asks ────────────────────────────────────────────────────────────────────


@pytest.mark.promise("MCP-3")
@pytest.mark.parametrize("name", ["person", "assistant:person", " person", "person\n", "", "\u202enosrep", "PERSON"])
def test_an_assistant_that_calls_itself_the_person_stays_an_assistant(session: Session, name: str) -> None:
    call = session.assistant(name)
    assert call.is_assistant
    assert call.principal != PERSON
    assert call.principal.isprintable()
    for verb, arguments in (
        ("settings_allow", {"path": "/"}),
        ("settings_set", {"key": "allowed_paths_for", "value": "everyone"}),
        ("model_alias", {"model_id": "x", "alias": "y"}),
        ("train_script", {"target": "os:system"}),
    ):
        with pytest.raises(NotAllowedError):
            run(find(verb), call, arguments)


@pytest.mark.promise("MCP-3")
def test_an_assistants_folder_is_none_the_person_could_be_asked_to_allow(session: Session, outside: Path) -> None:
    session.offer_allow = lambda _: pytest.fail("an assistant's path was offered to the person")
    with pytest.raises(ModelCypherError) as caught:
        assistant(session, "model_show", model_id=str(outside / "m.safetensors"))
    assert not hasattr(caught.value, "offer")


# ── what is allowed lasts as long as it said ────────────────────────────────────


def test_an_allowed_link_allows_what_it_led_to_then_and_not_later(
    session: Session, tmp_path: Path, outside: Path
) -> None:
    model(tmp_path / "first" / "m.safetensors")
    (tmp_path / "door").symlink_to(tmp_path / "first")
    session.allow(str(tmp_path / "door"))
    assert person(session, "model_show", model_id=str(tmp_path / "door" / "m.safetensors")).tensor_count == 1
    (tmp_path / "door").unlink()
    (tmp_path / "door").symlink_to(outside)
    refused(lambda: person(session, "model_show", model_id=str(tmp_path / "door" / "m.safetensors")))


def test_allowing_a_file_allows_its_folder_and_nothing_above(session: Session, tmp_path: Path, outside: Path) -> None:
    model(tmp_path / "m.safetensors", HIDDEN)
    person(session, "settings_allow", path=str(outside / "m.safetensors"))
    assert person(session, "model_show", model_id=str(outside / "m.safetensors")).tensor_count == 1
    refused(lambda: person(session, "model_show", model_id=str(outside / ".." / "m.safetensors")))


def test_a_lasting_folder_that_became_a_link_allows_what_it_leads_to_for_people_only(
    session: Session, tmp_path: Path, outside: Path
) -> None:
    model(tmp_path / "kept" / "m.safetensors")
    person(session, "settings_allow", path=str(tmp_path / "kept"), lasting=True)
    swap(tmp_path / "kept", outside)
    later = Session()
    refused(lambda: assistant(later, "model_show", model_id=str(tmp_path / "kept" / "m.safetensors")))
