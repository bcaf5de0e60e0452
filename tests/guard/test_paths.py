from __future__ import annotations

import os
from pathlib import Path

import pytest

from modelcypher_nb.errors import ConflictError, MissingFileError, PathRefusedError, UsageError
from modelcypher_nb.guard.paths import Guard, home_guard
from modelcypher_nb.guard.roots import Root


def text_of(guard: Guard, path: str | os.PathLike[str]) -> str:
    with guard.open(path) as safe:
        return safe.read_bytes(100).decode()


def test_relative_absolute_and_dotted_paths_open_within_a_root(guard: Guard, inside: Path) -> None:
    for path in ("file.txt", "./file.txt", "sub/../file.txt", inside / "file.txt", f"{inside}//file.txt"):
        assert text_of(guard, path) == "inside"


def test_a_relative_path_means_below_the_start_whatever_the_process_does(
    guard: Guard, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (outside / "file.txt").write_text("wrong")
    monkeypatch.chdir(outside)
    assert text_of(guard, "file.txt") == "inside"


def test_a_tilde_expands_to_the_users_own_home(guard: Guard, inside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(inside))
    assert text_of(guard, "~/file.txt") == "inside"
    with guard.open("~") as home:
        assert home.is_folder


def test_a_missing_file_is_missing_not_refused(guard: Guard) -> None:
    with pytest.raises(MissingFileError, match=r"no file or folder .*/inside/nothing\.txt"):
        guard.open("nothing.txt")


def test_an_empty_path_is_a_usage_error(guard: Guard) -> None:
    with pytest.raises(UsageError, match="is empty"):
        guard.open("")


def test_a_refusal_names_path_roots_and_the_way_to_allow_it(guard: Guard, inside: Path, outside: Path) -> None:
    with pytest.raises(PathRefusedError) as caught:
        guard.open(outside / "secret.txt")
    error = caught.value
    assert error.problem == f"{outside}/secret.txt lies outside the allowed folders ({inside})."
    assert f"mc.allow('{outside}')" in error.remedy
    assert f"mc --allow '{outside}'" in error.remedy
    assert (error.folder, error.roots) == (str(outside), (str(inside),))


def test_a_refused_folder_offers_itself_and_a_guard_without_roots_says_none(outside: Path) -> None:
    with pytest.raises(PathRefusedError, match=r"\(none\)") as caught:
        Guard((), str(outside)).open(outside)
    assert caught.value.folder == str(outside)


def test_one_more_root_opens_what_was_refused(guard: Guard, outside: Path) -> None:
    wider = guard.with_root(Root.pin(str(outside), "allowed"))
    assert text_of(wider, outside / "secret.txt") == "secret"
    assert wider.with_root(Root.pin(str(outside), "allowed")) is wider
    assert not guard.allows(outside / "secret.txt")
    assert wider.allows(outside / "not yet there")


def test_a_root_that_is_there_already_can_still_be_allowed_for_assistants(
    guard: Guard, inside: Path, outside: Path
) -> None:
    mine = guard.with_root(Root.pin(str(outside), "allowed"))
    with pytest.raises(PathRefusedError):
        mine.for_assistants().open(outside / "secret.txt")
    shared = mine.with_root(Root.pin(str(outside), "allowed", for_assistants=True))
    assert text_of(shared.for_assistants(), outside / "secret.txt") == "secret"
    with pytest.raises(PathRefusedError):
        shared.for_assistants().open(inside / "file.txt")
    assert shared.with_root(Root.pin(str(outside), "allowed")) is shared


def test_a_home_stays_shut_for_assistants_whatever_else_allows_it(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "catalog").touch()
    guard = Guard(
        (Root.pin(str(tmp_path / "home"), "home"), Root.pin(str(tmp_path), "working", for_assistants=True)), "/"
    )
    shared = guard.with_root(Root.pin(str(tmp_path / "home"), "allowed", for_assistants=True)).for_assistants()
    with pytest.raises(PathRefusedError, match="outside"):
        shared.open(tmp_path / "home" / "catalog")
    with shared.open(tmp_path) as folder:
        for name in ("home", "home/catalog"):
            with pytest.raises(PathRefusedError, match="outside"):
                folder / name


def test_a_closed_folder_is_shut_under_every_name_and_open_again_further_in(tmp_path: Path, inside: Path) -> None:
    (inside / "home" / "runs").mkdir(parents=True)
    (inside / "home" / "catalog").touch()
    (inside / "home" / "runs" / "log").touch()
    (tmp_path / "alias").symlink_to(inside)
    (tmp_path / "house").symlink_to(inside / "home")
    for named in (inside, tmp_path / "alias"):
        for home in (inside / "home", tmp_path / "house"):
            closed = Root.pin(str(home), "home")
            roots = (Root.pin(str(named), "working"), Root.pin(str(inside / "home" / "runs"), "registered"))
            for hidden in (True, False):
                guard = Guard(roots, str(named), hidden=hidden, closed=(closed,))
                for way in (named, inside, tmp_path / "alias"):
                    for name in ("home", "home/", "home/catalog", "sub/../home/catalog", "sub//../home"):
                        with pytest.raises(PathRefusedError, match="outside"):
                            guard.open(f"{way}/{name}")
                    for name in ("home//catalog", ".//home"):
                        with pytest.raises(PathRefusedError, match="outside"):
                            guard.open(f"{way}/{name}")
                    assert text_of(guard, f"{way}/home/runs/log") == ""
                    assert text_of(guard, f"{way}/file.txt") == "inside"
    shut = Guard((Root.pin(str(inside), "working"),), str(inside), closed=(Root.pin(str(inside), "home"),))
    with pytest.raises(PathRefusedError, match="outside"):
        shut.open("file.txt")


def test_a_place_is_told_in_its_plain_form_however_it_was_written(guard: Guard, inside: Path) -> None:
    for text in (
        "sub/deep.txt",
        "sub//deep.txt",
        f"{inside}//sub///deep.txt",
        "./sub/./deep.txt",
        "sub/../sub/deep.txt",
    ):
        with guard.open(text) as safe:
            assert (safe.location, safe.given) == (f"{inside}/sub/deep.txt",) * 2
    for text in ("sub/", "sub/.", f"{inside}/sub//"):
        with guard.open(text) as safe:
            assert (safe.location, safe.name) == (f"{inside}/sub", "sub")


def test_an_assistant_without_a_home_reads_no_dotted_component_either(inside: Path) -> None:
    (inside / ".env").touch()
    theirs = Guard((Root.pin(str(inside), "working", for_assistants=True),), str(inside)).for_assistants()
    assert theirs.closed == ()
    for path in (".env", inside / ".env"):
        with pytest.raises(PathRefusedError, match="starts with a dot"):
            theirs.open(path)
    assert text_of(theirs, inside / "file.txt") == "inside"


def test_a_root_named_by_a_link_works_under_both_names(tmp_path: Path, inside: Path) -> None:
    (tmp_path / "alias").symlink_to(inside)
    guard = Guard((Root.pin(str(tmp_path / "alias"), "working"),), str(tmp_path / "alias"))
    assert text_of(guard, tmp_path / "alias" / "file.txt") == "inside"
    assert text_of(guard, inside / "file.txt") == "inside"
    with guard.create(tmp_path / "alias" / "new.txt") as file:
        file.write(b"new")
    assert (inside / "new.txt").read_text() == "new"


def test_a_new_file_appears_whole_and_never_replaces_another(guard: Guard, inside: Path) -> None:
    with guard.create("new.txt") as file:
        file.write(b"half")
        file.flush()
        assert not (inside / "new.txt").exists()
        file.write(b" and half")
    assert (inside / "new.txt").read_text() == "half and half"
    with pytest.raises(ConflictError, match="exists already"), guard.create("new.txt"):
        raise AssertionError
    assert (inside / "new.txt").read_text() == "half and half"


def test_our_own_file_is_replaced_whole(guard: Guard, inside: Path) -> None:
    with guard.replace("file.txt") as file:
        file.write(b"newer")
    assert (inside / "file.txt").read_text() == "newer"


def test_appending_makes_a_file_and_only_ever_adds(guard: Guard, inside: Path) -> None:
    for record in (b"one\n", b"two\n"):
        log = guard.append("sub/log")
        log.write(record)
        log.sync()
        log.close()
        log.close()
    assert (inside / "sub" / "log").read_bytes() == b"one\ntwo\n"


def test_a_folder_is_made_with_its_parents(guard: Guard, inside: Path) -> None:
    with guard.folder("a/b/c") as folder:
        with folder.create("x") as file:
            file.write(b"x")
        assert folder.location == f"{inside}/a/b/c"
    assert (inside / "a/b/c/x").read_text() == "x"
    guard.folder("a/b/c").close()


def test_the_home_and_its_folders_are_private(tmp_path: Path) -> None:
    guard = home_guard(str(tmp_path / "home"))
    guard.folder("runs/one").close()
    for folder in ("home", "home/runs", "home/runs/one"):
        assert (tmp_path / folder).stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("verb", ["create", "replace", "append", "lock", "folder"])
def test_nothing_is_written_outside_the_roots_or_through_a_link(
    guard: Guard, inside: Path, outside: Path, verb: str
) -> None:
    (inside / "door").symlink_to(outside)
    (inside / "link.txt").symlink_to(outside / "secret.txt")
    (inside / "dangling").symlink_to(outside / "new.txt")
    for path in (outside / "x", "../outside/x", "door/x", "door/../../outside/x"):
        with pytest.raises(PathRefusedError):
            write(guard, verb, path)
    if verb not in {"create", "replace"}:  # a rename or link never follows its target's last component
        for path in ("link.txt", "dangling"):
            with pytest.raises(PathRefusedError):
                write(guard, verb, path)
    assert sorted(entry.name for entry in outside.iterdir()) == ["secret.txt"]
    assert (outside / "secret.txt").read_text() == "secret"


def write(guard: Guard, verb: str, path: str | Path) -> None:
    if verb == "append":
        guard.append(path).close()
    elif verb == "folder":
        guard.folder(path).close()
    else:
        with getattr(guard, verb)(path) as file:
            if file is not None:
                file.write(b"written")


def test_replacing_a_link_replaces_the_link_and_not_its_target(guard: Guard, inside: Path, outside: Path) -> None:
    (inside / "link.txt").symlink_to(outside / "secret.txt")
    with guard.replace("link.txt") as file:
        file.write(b"mine")
    assert (outside / "secret.txt").read_text() == "secret"
    assert not (inside / "link.txt").is_symlink()


def test_a_root_itself_is_never_written_or_deleted(guard: Guard, inside: Path) -> None:
    with pytest.raises(UsageError, match="is a folder"), guard.create("."):
        raise AssertionError
    with guard.open(".") as root, pytest.raises(UsageError):
        guard.delete(root)
    assert inside.exists()


@pytest.fixture
def theirs(inside: Path, outside: Path, tmp_path: Path) -> Guard:
    """An assistant's guard, made from a person's that has the home and another folder too."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "catalog").write_text("rows")
    for name in (".env", ".git/config", "sub/.ssh/id"):
        (inside / name).parent.mkdir(exist_ok=True)
        (inside / name).write_text("hidden")
    (inside / "seen").symlink_to(".env")
    roots = (
        Root.pin(str(inside), "working", for_assistants=True),
        Root.pin(str(home), "home"),
        Root.pin(str(outside), "allowed"),
    )
    return Guard(roots, str(inside)).for_assistants()


@pytest.mark.promise("PATHS-4")
def test_an_assistant_reads_the_working_folder_and_no_other_root(theirs: Guard, outside: Path, tmp_path: Path) -> None:
    assert text_of(theirs, "file.txt") == "inside"
    for path in (outside / "secret.txt", tmp_path / "home" / "catalog", "/etc/passwd", "../outside/secret.txt"):
        with pytest.raises(PathRefusedError, match="outside the allowed folders") as caught:
            theirs.open(path)
        assert caught.value.folder is None
        assert "mc.allow" not in caught.value.remedy


@pytest.mark.parametrize("path", [".env", ".git/config", "sub/.ssh/id", "sub/../.env", "seen"])
@pytest.mark.promise("PATHS-4")
def test_an_assistant_reads_no_dotted_component_even_through_a_link(theirs: Guard, path: str) -> None:
    with pytest.raises(PathRefusedError, match="starts with a dot"):
        theirs.open(path)


@pytest.mark.parametrize("name", [".env", ".git/config", "sub/.ssh/id", "seen"])
def test_an_assistant_reaches_no_dotted_component_through_a_name_from_a_file(theirs: Guard, name: str) -> None:
    with theirs.open(".") as folder, pytest.raises(PathRefusedError, match="starts with a dot"):
        folder / name


@pytest.mark.parametrize("verb", ["create", "replace", "append", "lock", "folder"])
@pytest.mark.parametrize("path", [".bashrc", ".git/hooks", "sub/.x"])
def test_an_assistant_writes_no_dotted_component(theirs: Guard, verb: str, path: str) -> None:
    with pytest.raises(PathRefusedError, match="starts with a dot"):
        write(theirs, verb, path)
    with theirs.open("sub") as folder, pytest.raises(PathRefusedError, match="starts with a dot"):
        write(folder, verb, ".x")  # type: ignore[arg-type] # a folder has the same verbs
