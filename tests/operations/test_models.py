"""The verbs of models: a name first, then a file; what was registered stays provable."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from modelcypher_nb.errors import (
    ConflictError,
    MissingFileError,
    PathRefusedError,
    UnknownIdError,
    UsageError,
)
from modelcypher_nb.operations.operation import find, run
from modelcypher_nb.operations.session import Session


def do(session: Session, verb: str, /, **arguments: Any) -> Any:
    return run(find(verb), session.person(), arguments)


def test_registering_twice_is_once_and_another_content_is_the_next_version(session: Session, small_model: Path) -> None:
    first = do(session, "model_register", path=small_model.name)
    assert (first.reference, first.name) == ("small@1", "small")
    assert do(session, "model_register", path=str(small_model)).reference == "small@1"
    data = bytearray(small_model.read_bytes())
    data[-1] = 1
    small_model.write_bytes(data)
    assert do(session, "model_register", path=small_model.name).reference == "small@2"
    assert [row.version for row in do(session, "model_list").items] == [2, 1]


def test_a_registered_name_wins_over_a_file_of_that_name(session: Session, small_model: Path) -> None:
    do(session, "model_register", path=small_model.name, name="weights")
    (small_model.parent / "weights").mkdir()
    assert do(session, "model_show", model_id="weights").reference == "weights@1"
    with pytest.raises(MissingFileError):
        do(session, "model_show", model_id="./weights")


def test_versions_and_aliases_are_references(session: Session, small_model: Path) -> None:
    do(session, "model_register", path=small_model.name, name="kept")
    assert do(session, "model_alias", model_id="kept@1", alias="best").aliases == ("best",)
    assert do(session, "model_show", model_id="kept@best").version == 1
    for unknown in ("kept@2", "kept@worst", "kept@"):
        with pytest.raises(UnknownIdError):
            do(session, "model_show", model_id=unknown)
    with pytest.raises(UsageError, match="read as a version"):
        do(session, "model_alias", model_id="kept", alias="7")


def test_tags_are_added_and_taken_off(session: Session, small_model: Path) -> None:
    do(session, "model_register", path=small_model.name, name="kept")
    assert do(session, "model_tag", model_id="kept", add=["b", "a"]).tags == ("a", "b")
    assert do(session, "model_tag", model_id="kept", add=["c"], remove=["a"]).tags == ("b", "c")
    assert [row.id for row in do(session, "model_list", tag="c").items] == ["kept"]
    assert do(session, "model_list", tag="a").total == 0


def test_verify_tells_intact_from_changed_and_gone(session: Session, small_model: Path) -> None:
    do(session, "model_register", path=small_model.name, name="kept")
    assert do(session, "model_verify", model_id="kept").intact
    before = small_model.read_bytes()
    small_model.write_bytes(before[:-1] + b"\x01")
    changed = do(session, "model_verify", model_id="kept")
    assert (changed.intact, changed.state, changed.exit_code) == (False, "quarantined", 2)
    small_model.unlink()
    gone = do(session, "model_verify", model_id="kept")
    assert (gone.state, gone.found, gone.exit_code) == ("missing", None, 66)
    small_model.write_bytes(before)
    assert do(session, "model_verify", model_id="kept").state == "registered"


def test_a_list_tells_a_verdict_of_the_files_as_they_were_and_says_when_they_changed(
    session: Session, small_model: Path
) -> None:
    folder = small_model.parent / "folder"
    folder.mkdir()
    shard = Path(shutil.copy(small_model, folder / "model.safetensors"))
    do(session, "model_register", path=small_model.name, name="one")
    do(session, "model_register", path="folder", name="two")

    def states() -> dict[str, str]:
        return {row.id: row.state for row in do(session, "model_list").items}

    assert states() == {"one": "registered", "two": "registered"}
    small_model.write_bytes(small_model.read_bytes())  # the same bytes, but nobody looked at them
    shard.unlink()
    assert states() == {"one": "changed", "two": "missing"}
    assert do(session, "model_verify", model_id="one").intact  # now somebody did
    assert states()["one"] == "registered"
    small_model.write_bytes(small_model.read_bytes()[:-1] + b"\x01")
    assert states()["one"] == "changed"
    assert do(session, "model_verify", model_id="one").state == "quarantined"
    assert states()["one"] == "quarantined"


def test_registering_allows_a_model_s_own_files_for_good(session: Session, small_model: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    other = shutil.copy(small_model, elsewhere / "other.safetensors")
    with pytest.raises(PathRefusedError):
        do(session, "model_register", path=str(other))
    session.allow(str(elsewhere))
    do(session, "model_register", path=str(other), name="kept")
    later = Session()
    assert do(later, "model_show", model_id="kept").parameter_count == 28
    with pytest.raises(PathRefusedError):
        do(later, "model_show", model_id=str(other))


def test_an_assistant_registers_new_names_only(session: Session, small_model: Path) -> None:
    do(session, "model_register", path=small_model.name, name="kept")
    assistant = session.assistant("helper")
    again = run(find("model_register"), assistant, {"path": small_model.name, "name": "kept"})
    assert again.reference == "kept@1"
    small_model.write_bytes(small_model.read_bytes()[:-1] + b"\x01")
    with pytest.raises(ConflictError, match="taken"):
        run(find("model_register"), assistant, {"path": small_model.name, "name": "kept"})


def test_an_assistant_reaches_names_and_the_working_folder_and_nothing_else(
    session: Session, small_model: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    other = shutil.copy(small_model, elsewhere / "other.safetensors")
    session.allow(str(elsewhere))
    do(session, "model_register", path=str(other), name="kept")
    assistant = session.assistant("helper")
    assert run(find("model_show"), assistant, {"model_id": "kept"}).parameter_count == 28
    assert run(find("model_show"), assistant, {"model_id": small_model.name}).parameter_count == 28
    hidden = small_model.parent / ".hidden"
    hidden.mkdir()
    shutil.copy(small_model, hidden / "x.safetensors")
    for path in (str(other), ".hidden/x.safetensors", session.home_path):
        with pytest.raises(PathRefusedError):
            run(find("model_show"), assistant, {"model_id": path})


def test_a_scan_gives_a_verdict_for_each_and_the_worst_s_code(session: Session, small_model: Path) -> None:
    small_model.with_name("notes.txt").write_text("x")
    facts = do(session, "model_scan", path=[small_model.name, "notes.txt"])
    assert [result.verdict.level for result in facts.results] == ["weights", "unsupported"]
    assert (facts.worst, facts.exit_code) == ("unsupported", 3)
    assert do(session, "model_scan", path=small_model.name).exit_code == 0


def test_tensors_come_in_pages(session: Session, small_model: Path) -> None:
    first = do(session, "model_show", model_id=small_model.name, limit=1)
    second = do(session, "model_show", model_id=small_model.name, limit=1, cursor=first.cursor)
    assert [*first.tensors, *second.tensors] == list(do(session, "model_show", model_id=small_model.name).tensors)
    assert (first.tensor_count, second.cursor) == (2, None)


@pytest.mark.parametrize("name", ["", "Big", "a b", "../x", "a" * 65, "-x", "x\n"])
def test_a_name_that_is_no_id_registers_nothing(session: Session, small_model: Path, name: str) -> None:
    with pytest.raises(UsageError):
        do(session, "model_register", path=small_model.name, name=name)
    assert do(session, "model_list").total == 0


def test_bad_references_are_errors_with_the_way_out(session: Session, work: Path) -> None:
    (work / "empty").mkdir()
    for reference, kind in (
        ("absent", UnknownIdError),
        ("./absent", MissingFileError),
        ("empty", MissingFileError),
        ("a\0b", PathRefusedError),
        ("x" * 5000, UnknownIdError),
        ("./" + "x" * 5000, PathRefusedError),
    ):
        with pytest.raises(kind) as caught:
            do(session, "model_show", model_id=reference)
        assert caught.value.remedy
        assert len(str(caught.value)) < 2500
