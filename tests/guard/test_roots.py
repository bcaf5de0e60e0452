from __future__ import annotations

import os
from pathlib import Path

import pytest

from modelcypher_nb.errors import PathRefusedError
from modelcypher_nb.guard.paths import Guard
from modelcypher_nb.guard.roots import Root, working_folder

needs_root = pytest.mark.skipif(os.getuid() != 0, reason="giving a folder to another owner needs root")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home" / "me"
    folder.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(folder))
    return folder


def made(*parts: str | Path) -> Path:
    folder = Path(*parts)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def test_the_working_folder_is_the_git_root_above_the_start(home: Path) -> None:
    project = made(home, "project")
    made(project, ".git")
    assert working_folder(str(made(project, "notebooks", "deep"))) == str(project)
    assert working_folder(str(project)) == str(project)


def test_a_file_in_the_users_home_is_allowed_alone_and_for_reading_only(home: Path) -> None:
    model = home / "net.safetensors"
    model.write_text("weights")
    (home / "secret").write_text("secret")
    guard = Guard((), str(home))
    with pytest.raises(PathRefusedError, match=r"Allow this file with mc\.allow") as refused:
        guard.open("net.safetensors")
    assert refused.value.folder == str(model)
    allowed = guard.with_root(Root.pin(str(model), "allowed"))
    with allowed.open("net.safetensors") as safe:
        assert safe.read_bytes(100) == b"weights"
    for other in ("secret", ".", "net.safetensors/../secret"):
        with pytest.raises(PathRefusedError, match="outside"):
            allowed.open(other)
    with pytest.raises(PathRefusedError, match="outside"), allowed.replace("net.safetensors") as file:
        file.write(b"")
    with pytest.raises(PathRefusedError, match="outside"):
        allowed.folder("net.safetensors")
    assert model.read_text() == "weights"
    assert sorted(path.name for path in home.iterdir()) == ["net.safetensors", "secret"]


def test_a_link_that_takes_the_place_of_an_allowed_file_leads_nowhere(home: Path) -> None:
    model = home / "net.safetensors"
    model.write_text("weights")
    (home / "secret").write_text("secret")
    guard = Guard((Root.pin(str(model), "allowed"),), str(home))
    model.unlink()
    model.symlink_to(home / "secret")
    with pytest.raises(PathRefusedError, match="outside"):
        guard.open("net.safetensors")


def test_a_file_below_a_folder_of_the_home_offers_its_folder(home: Path) -> None:
    made(home, "models")
    (home / "models" / "net.safetensors").write_text("weights")
    with pytest.raises(PathRefusedError, match="Allow its folder") as refused:
        Guard((), str(home)).open("models/net.safetensors")
    assert refused.value.folder == str(home / "models")


def test_a_worktree_whose_git_is_a_file_counts_too(home: Path) -> None:
    project = made(home, "project")
    (project / ".git").write_text("gitdir: /elsewhere")
    assert working_folder(str(made(project, "src"))) == str(project)


def test_without_git_the_start_folder_is_the_working_folder(home: Path) -> None:
    start = made(home, "a", "b")
    assert working_folder(str(start)) == str(start)


def test_the_users_home_and_what_lies_above_it_are_never_implicit(home: Path) -> None:
    for folder in (home, home.parent, home.parent.parent, Path("/")):
        assert working_folder(str(folder)) is None


def test_a_git_repository_of_the_whole_home_is_not_reached(home: Path) -> None:
    made(home, ".git")
    start = made(home, "notes", "today")
    assert working_folder(str(start)) == str(start)


def test_a_link_to_the_home_is_the_home(home: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(home)
    assert working_folder(str(tmp_path / "link")) is None


@needs_root
def test_the_walk_stops_before_a_folder_of_another_owner(home: Path, tmp_path: Path) -> None:
    theirs = made(tmp_path, "theirs")
    made(theirs, ".git")
    os.chown(theirs, 12345, 12345)
    start = made(theirs, "mine", "deep")
    assert working_folder(str(start)) == str(start)


@needs_root
def test_a_git_that_another_put_into_a_shared_folder_is_not_trusted(home: Path, tmp_path: Path) -> None:
    shared = made(tmp_path, "shared")
    os.chown(made(shared, ".git"), 12345, 12345)
    start = made(shared, "mine")
    assert working_folder(str(start)) == str(start)


def test_the_walk_never_crosses_a_mount_but_the_mounted_folder_counts(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, small_disk: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))  # not below the folder that holds the mount
    made(small_disk.parent, ".git")
    start = made(small_disk, "a", "b")
    assert working_folder(str(start)) == str(start)
    assert working_folder(str(small_disk)) == str(small_disk)
    made(small_disk, ".git")
    assert working_folder(str(start)) == str(small_disk)


def test_a_root_is_pinned_and_a_link_in_its_place_changes_nothing(inside: Path, outside: Path) -> None:
    guard = Guard((Root.pin(str(inside), "working"),), str(inside))
    (outside / "file.txt").write_text("secret")
    inside.rename(inside.with_name("moved"))
    inside.mkdir()  # another folder under the old name: still not the one that was pinned
    (inside / "file.txt").write_text("another")
    with guard.open("file.txt") as safe:
        assert safe.read_bytes(10) == b"inside"


def test_a_link_that_takes_the_place_of_a_missing_root_is_not_followed(tmp_path: Path, outside: Path) -> None:
    root = Root.pin(str(tmp_path / "later"), "hub")
    (tmp_path / "later").symlink_to(outside)
    with pytest.raises(OSError, match="symbolic links"):
        root.descriptor()


def test_only_our_own_and_the_hubs_files_may_be_mapped(inside: Path) -> None:
    assert [Root.pin(str(inside), kind).managed for kind in ("home", "hub", "working", "allowed")] == [
        True, True, False, False,
    ]  # fmt: skip


def test_a_root_holds_what_lies_below_it_and_not_its_namesake(tmp_path: Path) -> None:
    root = Root.pin(str(made(tmp_path, "data")), "working")
    base = str(tmp_path)
    assert root.relative(f"{base}/data") == ()
    assert root.relative(f"{base}/data/a/b") == ("a", "b")
    for other in (f"{base}/database", f"{base}/dat", base, "/"):
        assert root.relative(other) is None
    assert Root.pin("/", "allowed").relative("/etc/x") == ("etc", "x")
