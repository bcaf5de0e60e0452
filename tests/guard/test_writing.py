from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from modelcypher_nb.errors import ConflictError, PathRefusedError, StorageError
from modelcypher_nb.guard import publishing
from modelcypher_nb.guard.paths import Guard
from modelcypher_nb.guard.roots import Root
from modelcypher_nb.guard.writing import refused_by_disk


@pytest.fixture
def way() -> str:
    """Writing opens folders only, so once is enough."""
    return "as the kernel has it"


CHILD = """
import sys
from modelcypher_nb.guard import publishing
from modelcypher_nb.guard.paths import Guard
from modelcypher_nb.guard.roots import Root
folder, verb = sys.argv[1:]
guard = Guard((Root.pin(folder, "working"),), folder)
def told():
    sys.stdout.write(".")
    sys.stdout.flush()
"""
WRITER = (
    CHILD
    + """
for number in range(1, 200):
    with getattr(guard, verb)(f"target{number if verb == 'create' else ''}") as file:
        for _ in range(16):
            file.write(bytes([number]) * 65536)
            told()
    told()
"""
)
PAUSED = (
    CHILD
    + """
with getattr(guard, verb)("target") as file:
    file.write(bytes(100_000))
    file.flush()
    told()
    sys.stdin.read()
"""
)
NAMED = PAUSED.replace("def told", "publishing.NAMELESS = 0\ndef told")
LOCKER = (
    CHILD
    + """
with guard.lock("lock"):
    told()
    sys.stdin.read()
"""
)


def started(script: str, folder: Path, verb: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", script, str(folder), verb]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE)


@pytest.mark.parametrize("verb", ["create", "replace"])
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.promise("PATHS-6")
def test_a_writer_killed_at_any_point_leaves_whole_files_or_nothing(inside: Path, verb: str, seed: int) -> None:
    if verb == "replace":
        (inside / "target").write_bytes(b"\0" * (1 << 20))
    with started(WRITER, inside, verb) as child:
        assert child.stdout is not None
        child.stdout.read(random.Random(seed).randint(1, 150))  # noqa: S311 - only where to kill
        child.send_signal(signal.SIGKILL)
    found = [entry for entry in inside.iterdir() if entry.name.startswith("target")]
    if verb == "replace":
        assert [entry.name for entry in found] == ["target"]
    for entry in found:
        data = entry.read_bytes()
        assert len(data) == 1 << 20
        assert data == data[:1] * len(data)


def leftovers(folder: Path) -> list[str]:
    return [entry.name for entry in folder.iterdir() if entry.name.endswith(".partial")]


@pytest.mark.promise("PATHS-6")
def test_a_writer_killed_in_the_middle_of_a_new_file_leaves_nothing_at_all(inside: Path) -> None:
    before = sorted(inside.iterdir())
    with started(PAUSED, inside, "create") as child:
        assert child.stdout is not None
        assert child.stdout.read(1) == b"."
        child.kill()
    assert sorted(inside.iterdir()) == before


@pytest.mark.parametrize("verb", ["create", "replace"])
@pytest.mark.promise("PATHS-6")
def test_what_a_killed_writer_left_is_removed_an_hour_later_and_nothing_else(
    guard: Guard, inside: Path, outside: Path, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    monkeypatch.setattr(publishing, "NAMELESS", 0)  # as on a file system where every file has a name
    kept = {".0123456789abcdef.partial.txt", "0123456789abcdef.partial", ".0123456789ABCDEF.partial", ".x.partial"}
    for name in kept:
        (inside / name).touch()
    (inside / ".aaaaaaaaaaaaaaaa.partial").mkdir()
    (inside / ".bbbbbbbbbbbbbbbb.partial").symlink_to(outside / "secret.txt")
    (inside / ".cccccccccccccccc.partial").touch()
    with started(NAMED, inside, verb) as dead:
        assert dead.stdout is not None
        assert dead.stdout.read(1) == b"."
        dead.kill()
    left = [
        name
        for name in leftovers(inside)
        if name[1:17] not in {letter * 16 for letter in "abc"} | {n[1:17] for n in kept}
    ]
    assert len(left) == 1
    with started(NAMED, inside, verb) as alive:
        assert alive.stdout is not None
        assert alive.stdout.read(1) == b"."
        for path in inside.iterdir():
            if path.name != ".cccccccccccccccc.partial":  # which is young
                os.utime(path, (0, 0), follow_symlinks=False)
        before = {path.name for path in inside.iterdir()}
        assert ".cccccccccccccccc.partial" in before
        with getattr(guard, verb)("other") as file:
            file.write(b"new")
        assert {path.name for path in inside.iterdir()} == before - set(left) | {"other"}
        alive.kill()


def test_a_writer_whose_folder_is_gone_is_told(guard: Guard, inside: Path) -> None:
    for verb in ("create", "replace"):
        guard.folder("short").close()
        with pytest.raises(StorageError, match="can't be written: No such file"), getattr(guard, verb)("short/new"):
            (inside / "short").rmdir()


def test_without_proc_a_new_file_is_written_under_a_temporary_name(
    guard: Guard, inside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "_own", lambda handle: f"/nowhere/{handle}")
    with guard.create("new") as file:
        file.write(b"ours")
        assert len(leftovers(inside)) == 1
    assert (inside / "new").read_bytes() == b"ours"
    assert leftovers(inside) == []


@pytest.mark.parametrize("verb", ["create", "replace"])
def test_a_full_disk_is_said_and_leaves_nothing_behind(small_disk: Path, verb: str) -> None:
    guard = Guard((Root.pin(str(small_disk), "working"),), str(small_disk))
    (small_disk / "old").write_text("old")
    with (
        pytest.raises(StorageError, match="can't be written: No space left on device"),
        getattr(guard, verb)("new" if verb == "create" else "old") as file,
    ):
        file.write(bytes(2 << 20))
    assert [entry.name for entry in small_disk.iterdir()] == ["old"]
    assert (small_disk / "old").read_text() == "old"


@pytest.mark.parametrize(
    ("fault", "remedy"),
    [
        (errno.ENOSPC, "Free some space"),
        (errno.EDQUOT, "Free some space"),
        (errno.EROFS, "Choose another folder"),
        (errno.EACCES, "Choose another folder"),
        (errno.EIO, "Check the folder and its disk"),
        (errno.ENOENT, "Check the folder and its disk"),
    ],
)
def test_what_to_do_about_a_write_is_what_the_disk_s_answer_asks_for(fault: int, remedy: str) -> None:
    error = refused_by_disk(OSError(fault, os.strerror(fault)), "/data", "net.safetensors")
    assert error.problem == f"/data/net.safetensors can't be written: {os.strerror(fault)}."
    assert error.remedy.startswith(remedy)


def test_appending_to_a_full_disk_is_said(small_disk: Path) -> None:
    guard = Guard((Root.pin(str(small_disk), "working"),), str(small_disk))
    log = guard.append("log")
    with pytest.raises(StorageError, match="No space left on device"):
        log.write(bytes(8 << 20))
    log.close()


@pytest.mark.parametrize("verb", ["create", "replace"])
def test_a_failing_writer_keeps_its_own_error_and_leaves_nothing(guard: Guard, inside: Path, verb: str) -> None:
    for error in (
        ValueError("mine"),
        FileNotFoundError(errno.ENOENT, "mine"),
        FileExistsError("mine"),
        KeyboardInterrupt(),
    ):
        with pytest.raises(type(error)) as caught, getattr(guard, verb)("sub/new"):
            raise error
        assert caught.value is error
    assert [entry.name for entry in (inside / "sub").iterdir()] == ["deep.txt"]


@pytest.mark.promise("PATHS-6")
def test_a_file_that_took_the_name_meanwhile_is_never_replaced(guard: Guard, inside: Path) -> None:
    with pytest.raises(ConflictError, match="exists already"), guard.create("new"):
        (inside / "new").write_text("theirs")
    assert (inside / "new").read_text() == "theirs"
    assert leftovers(inside) == []


@pytest.mark.parametrize("nameless", [0, publishing.NAMELESS], ids=["named", "nameless"])
def test_a_file_system_without_hard_links_never_replaces_either(
    guard: Guard, inside: Path, monkeypatch: pytest.MonkeyPatch, nameless: int
) -> None:
    monkeypatch.setattr(publishing, "NAMELESS", nameless)

    def no_links(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", no_links)
    content = os.urandom(300_000)
    for verb in ("create", "replace"):
        with getattr(guard, verb)("new") as file:
            file.write(content)
        assert (inside / "new").read_bytes() == content
    with pytest.raises(ConflictError), guard.create("other") as file:
        (inside / "other").write_text("theirs")
    assert (inside / "other").read_text() == "theirs"
    assert leftovers(inside) == []


@pytest.mark.parametrize("name", ["x" * 255, "模" * 85, "a b", "ünï", ".hidden", "-rf", "CON", "what?"])
def test_any_name_that_the_system_takes_can_be_written(guard: Guard, inside: Path, name: str) -> None:
    with guard.create(name) as file:
        file.write(b"x")
    with guard.replace(name) as file:
        file.write(b"y")
    assert (inside / name).read_bytes() == b"y"


def test_a_name_that_is_too_long_or_deceives_is_refused(guard: Guard, inside: Path) -> None:
    with pytest.raises(PathRefusedError, match="longer than 255 bytes"), guard.create("x" * 256):
        raise AssertionError
    for name in ("a\nb", "a\u202eb"):
        with pytest.raises(PathRefusedError), guard.create(name):
            raise AssertionError
    assert leftovers(inside) == []


def test_new_files_honour_the_umask(guard: Guard, inside: Path) -> None:
    before = os.umask(0o027)
    try:
        with guard.create("new"):
            pass
    finally:
        os.umask(before)
    assert (inside / "new").stat().st_mode & 0o777 == 0o640


def test_appending_to_what_is_no_file_is_refused_without_hanging(guard: Guard, inside: Path) -> None:
    os.mkfifo(inside / "pipe")
    with pytest.raises((PathRefusedError, StorageError)):
        guard.append("pipe")
    reader = os.open(inside / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        with pytest.raises(PathRefusedError, match="not an ordinary file"):
            guard.append("pipe")
    finally:
        os.close(reader)


def test_a_lock_keeps_another_process_out_until_it_ends(guard: Guard, inside: Path) -> None:
    with started(LOCKER, inside, "lock") as child:
        assert child.stdout is not None
        assert child.stdout.read(1) == b"."
        with pytest.raises(ConflictError, match="is locked by another process"), guard.lock("lock", wait=False):
            raise AssertionError
        child.kill()
    with guard.lock("lock", wait=False):
        pass


def test_a_lock_keeps_another_holder_of_the_same_process_out(guard: Guard) -> None:
    with guard.lock("lock"), pytest.raises(ConflictError), guard.lock("lock", wait=False):
        raise AssertionError


def test_deleting_removes_a_file_or_a_whole_folder_and_tells_the_bytes(guard: Guard, inside: Path) -> None:
    with guard.open("file.txt") as safe:
        assert guard.delete(safe) == 6
    with guard.open("sub") as safe:
        assert guard.delete(safe) == 4
    assert list(inside.iterdir()) == []


@pytest.mark.promise("PATHS-8")
def test_deleting_refuses_what_took_the_place_of_the_checked(guard: Guard, inside: Path) -> None:
    for name in ("file.txt", "sub"):
        with guard.open(name) as safe:
            (inside / name).rename(inside / f"{name}.moved")
            (inside / name).mkdir()
            (inside / name / "precious").touch()
            with pytest.raises(PathRefusedError, match="no longer what was checked"):
                guard.delete(safe)
        assert (inside / name / "precious").exists()


def test_deleting_a_folder_removes_links_and_not_what_they_lead_to(guard: Guard, inside: Path, outside: Path) -> None:
    (inside / "sub" / "door").symlink_to(outside)
    (inside / "sub" / "secret").symlink_to(outside / "secret.txt")
    os.link(inside / "file.txt", inside / "sub" / "twin")
    with guard.open("sub") as safe:
        assert guard.delete(safe) == 4  # the twin's bytes stay under its other name
    assert (outside / "secret.txt").read_text() == "secret"
    assert (inside / "file.txt").read_text() == "inside"


def test_deleting_what_a_link_led_to_removes_the_target_by_its_own_name(guard: Guard, inside: Path) -> None:
    (inside / "link").symlink_to("sub/deep.txt")
    with guard.open("link") as safe:
        guard.delete(safe)
    assert not (inside / "sub" / "deep.txt").exists()


def test_a_finished_folder_gets_its_name_only_where_that_is_free(guard: Guard, inside: Path) -> None:
    for name in ("one.partial", "two.partial"):
        guard.folder(name).close()
        (inside / name / "which").write_text(name)
    with guard.open(".") as folder:
        folder.publish("one.partial", "final")
        with pytest.raises(ConflictError, match="exists already"):
            folder.publish("two.partial", "final")
    assert (inside / "final" / "which").read_text() == "one.partial"


@pytest.mark.parametrize("flags_known", [True, False], ids=["renameat2", "plain rename"])
def test_a_folder_takes_anothers_place_and_trades_names_with_it(
    guard: Guard, inside: Path, monkeypatch: pytest.MonkeyPatch, flags_known: bool
) -> None:
    if not flags_known:
        monkeypatch.setattr(publishing, "_renameat2", _without_flags)
    for name in ("one.partial", "two.partial"):
        guard.folder(name).close()
        (inside / name / "which").write_text(name)
    with guard.open(".") as folder:
        folder.publish("one.partial", "final", replace=True)
        with pytest.raises(ConflictError, match="exists already"):
            folder.publish("two.partial", "final")
        folder.publish("two.partial", "final", replace=True)
    assert (inside / "final" / "which").read_text() == "two.partial"
    assert (inside / "two.partial" / "which").read_text() == "one.partial"
    assert not (inside / "one.partial").exists()


def _without_flags(*_: object) -> None:
    raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
