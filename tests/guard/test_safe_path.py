from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from modelcypher_nb.errors import MalformedError, MissingFileError, PathRefusedError, UnreadableError, UsageError
from modelcypher_nb.guard.paths import Guard
from modelcypher_nb.guard.roots import Root
from modelcypher_nb.guard.safe_path import Entry


@pytest.mark.promise("PATHS-3")
def test_what_was_opened_is_read_even_after_its_name_means_another_file(guard: Guard, inside: Path) -> None:
    with guard.open("file.txt") as safe:
        (inside / "new").write_text("other!")
        (inside / "new").rename(inside / "file.txt")
        assert safe.read_bytes(10) == b"inside"
        assert safe.unchanged() is False  # its last link is gone


def test_an_open_file_knows_whether_it_is_still_the_same(guard: Guard, inside: Path) -> None:
    with guard.open("file.txt") as safe:
        assert safe.unchanged()
        (inside / "file.txt").write_text("longer than before")
        assert not safe.unchanged()


def test_a_folder_lists_its_entries_sorted_and_tells_files_from_folders(guard: Guard, inside: Path) -> None:
    (inside / "link").symlink_to("file.txt")
    with guard.open(".") as folder:
        assert folder.is_folder
        assert [tuple(entry) for entry in folder.list()] == [
            ("file.txt", True, False),
            ("link", False, False),
            ("sub", False, True),
        ]


def test_listing_one_folder_from_many_threads_loses_nothing(guard: Guard, inside: Path) -> None:
    for number in range(300):
        (inside / f"{number}").touch()
    wrong: list[int] = []

    def look() -> None:
        for _ in range(30):
            with guard.open(".") as folder:
                if len(folder.list()) != 302:
                    wrong.append(1)

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_name_in_a_folder_opens_beneath_it(guard: Guard) -> None:
    with guard.open(".") as folder, folder / "sub/deep.txt" as deep:
        assert deep.read_bytes(10) == b"deep"
        assert deep.name == "deep.txt"


@pytest.mark.parametrize("name", ["../outside/secret.txt", "/etc/passwd", "sub/../file.txt", "a\\b", "con", "x\0"])
def test_a_name_that_leaves_its_folder_is_refused(guard: Guard, outside: Path, name: str) -> None:
    with guard.open(".") as folder, pytest.raises(PathRefusedError):
        folder / name


def test_a_name_for_which_nothing_is_there_is_missing(guard: Guard) -> None:
    with guard.open(".") as folder:
        for name in ("nothing", "file.txt/x", "sub/nothing"):
            with pytest.raises(MissingFileError, match="no file or folder"):
                folder / name


def test_a_link_in_a_folder_is_followed_within_the_roots_only(guard: Guard, inside: Path, outside: Path) -> None:
    (inside / "good").symlink_to("sub/deep.txt")
    (inside / "bad").symlink_to(outside / "secret.txt")
    (inside / "door").symlink_to(outside)
    with guard.open(".") as folder:
        with folder / "good" as safe:
            assert (safe.read_bytes(9), safe.name, Path(safe.location).name) == (b"deep", "good", "deep.txt")
        for name in ("bad", "door/secret.txt"):
            with pytest.raises(PathRefusedError, match="outside the allowed folders"):
                folder / name


def test_a_link_into_another_root_is_followed(inside: Path, outside: Path) -> None:
    guard = Guard((Root.pin(str(inside), "working"), Root.pin(str(outside), "hub")), str(inside))
    (inside / "link").symlink_to(outside / "secret.txt")
    with guard.open(".") as folder, folder / "link" as safe:
        assert safe.read_bytes(10) == b"secret"
        assert safe.managed


def test_a_small_file_is_read_whole_and_a_large_one_is_refused(guard: Guard) -> None:
    with guard.open("file.txt") as safe:
        assert safe.read_bytes(6) == b"inside"
        with pytest.raises(MalformedError, match="has 6 bytes where at most 5"):
            safe.read_bytes(5)


def test_a_file_is_no_folder_and_a_folder_no_file(guard: Guard) -> None:
    with guard.open("file.txt") as file, pytest.raises(UsageError, match="is a file, not a folder"):
        file.list()
    with guard.open(".") as folder, pytest.raises(UsageError, match="is a folder, not a file"):
        folder.source()


def test_a_library_reaches_the_very_file_by_its_descriptor(guard: Guard, inside: Path) -> None:
    with guard.open("file.txt") as safe:
        (inside / "file.txt").rename(inside / "gone")
        assert Path(safe.for_library()).read_text() == "inside"


def test_what_is_shown_escapes_what_could_deceive(guard: Guard, inside: Path) -> None:
    (inside / "a\u202eb\n").touch()
    with guard.open("a\u202eb\n") as safe:
        assert safe.display == f"{inside}/a\\u202eb\\x0a"
        assert repr(safe) == f"<SafePath {safe.display}>"


def test_closing_twice_is_harmless_and_gives_the_descriptor_back(guard: Guard) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    safe = guard.open("file.txt")
    safe.close()
    safe.close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.skipif(os.getuid() == 0, reason="nothing is forbidden to root")
def test_a_file_without_permission_is_unreadable(guard: Guard, inside: Path) -> None:
    (inside / "file.txt").chmod(0)
    with pytest.raises(UnreadableError, match="can't be opened"):
        guard.open("file.txt")


@pytest.mark.promise("PATHS-3")
def test_a_listed_entry_is_one_name_and_never_a_way(guard: Guard, inside: Path, outside: Path) -> None:
    (inside / "sub" / "a:b.pt").touch()
    (inside / "sub" / "out").symlink_to(outside)
    with guard.open("sub") as folder:
        listed = {entry.name: entry for entry in folder.list()}
        with folder.entry(listed["a:b.pt"]) as file:
            assert file.location == str(inside / "sub" / "a:b.pt")
        forged = [Entry(name, is_file=True, is_folder=False) for name in ("..", "../file.txt", "/etc/passwd", "", ".")]
        for entry in (listed["out"], *forged):
            with pytest.raises(PathRefusedError):
                folder.entry(entry)
        with pytest.raises(MissingFileError):
            folder.entry(Entry("gone", is_file=True, is_folder=False))
