from __future__ import annotations

import errno
import fcntl
import itertools
import ntpath
import os
import posixpath
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelcypher_nb.errors import MissingFileError, ModelCypherError, PathRefusedError, StorageError
from modelcypher_nb.guard.beneath import REGISTRY
from modelcypher_nb.guard.names import components
from modelcypher_nb.guard.paths import Guard
from modelcypher_nb.guard.roots import Root

# How often a race is run: 10,000 times in make test, 100,000 times in make test-long.
RACES = [
    pytest.param(10_000, marks=[pytest.mark.slow]),
    pytest.param(100_000, marks=[pytest.mark.long, pytest.mark.timeout(1800)]),
]


@pytest.fixture
def inside(tmp_path: Path, way: str) -> Path:
    """The only allowed folder, with a file in it; a folder beside it holds the secret."""
    folder = tmp_path / "inside"
    (folder / "sub").mkdir(parents=True)
    (folder / "file.txt").write_text("inside")
    (folder / "sub" / "file.txt").write_text("inside")
    return folder


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "file.txt").write_text("secret")
    return folder


@pytest.fixture
def guard(inside: Path, outside: Path, monkeypatch: pytest.MonkeyPatch) -> Guard:
    monkeypatch.setenv("HOME", str(outside))
    return Guard((Root.pin(str(inside), "working"),), str(inside))


REFUSED = [
    *(
        "..",
        "../outside/file.txt",
        "sub/../../outside/file.txt",
        "./../outside/file.txt",
        "../inside/../outside/file.txt",
    ),
    *(
        "/",
        "//etc/passwd",
        "/etc/passwd",
        "/proc/self/root/etc/passwd",
        "/proc/self/environ",
        "/proc/1/root/etc/passwd",
    ),
    *("/dev/zero", "/dev/stdin", "/dev/fd/0", "/inside", "../inside2/x"),
    *("~", "~/file.txt", "~root", "~root/.bashrc", "~nobody/x", "~\\x"),
    *("file.txt\0", "a\0b", "\0", "\ud800", "file\udfff.txt\ud800"),
]
# Read as ordinary names below the start folder, where nothing bears them: never as a way out.
MISSING = [
    *(
        "file:///etc/passwd",
        "file://localhost/etc/passwd",
        "https://example.org/x",
        "$HOME/file.txt",
        "${HOME}/x",
        "`id`",
    ),
    *("%2e%2e/outside/file.txt", "%2e%2e%2foutside", "..%2foutside/file.txt", ".\u200b./outside/file.txt"),
    *("\uff0e\uff0e/outside/file.txt", "\u2025/outside/file.txt", "..\u2215outside\u2215file.txt", "..\uff0foutside"),
    *("..\\outside\\file.txt", "C:\\Windows\\win.ini", "C:/x", "\\\\server\\share\\x", "?/x", "CON", "nul.txt"),
    *("file.txt:stream", "file.txt::$DATA", "FILE.TXT", "File.txt", "fi\u017fe.txt", "\ufb01le.txt", "f*.txt"),
    *(
        "file.txt\n",
        "\nfile.txt",
        "file.txt ",
        "file.txt.",
        " file.txt",
        ".. /outside/file.txt",
        "...",
        "sub/.../file.txt",
    ),
    *("file.txt/", "file.txt/..", "file.txt/../file.txt"),
]


@pytest.mark.promise("PATHS-1")
@pytest.mark.parametrize("path", REFUSED, ids=ascii)
def test_a_path_that_leads_out_is_refused(guard: Guard, path: str) -> None:
    with pytest.raises(PathRefusedError) as caught:
        guard.open(path)
    assert str(caught.value).isprintable()
    assert not guard.allows(path)


@pytest.mark.parametrize("path", MISSING, ids=ascii)
def test_a_look_alike_is_an_ordinary_name_and_never_a_way_out(guard: Guard, path: str) -> None:
    found, message = opened(guard, path)
    assert message.isprintable()
    assert found is None or found.is_relative_to(guard.start)


def opened(guard: Guard, path: str) -> tuple[Path | None, str]:
    """Which file a path opened, by its descriptor, or the error's text."""
    try:
        with guard.open(path) as safe:
            return Path(safe.for_library()).readlink(), ""
    except ModelCypherError as error:
        return None, str(error)


@pytest.mark.parametrize("length", [256, 5000, 1_000_000])
def test_an_over_long_path_is_an_error_of_ours(guard: Guard, length: int) -> None:
    for path in ("x" * length, "sub/" * length, "../" * length + "etc/passwd"):
        with pytest.raises((PathRefusedError, MissingFileError)) as caught:
            guard.open(path)
        assert len(str(caught.value)) < 3000


@pytest.mark.parametrize(
    "names",
    [
        ("caf\u00e9", "cafe\u0301"),  # composed and decomposed
        ("\ufb01le", "file"),  # a ligature, which compatibility normalisation takes apart
        ("\u212b", "\u00c5", "A\u030a"),  # the sign for angstrom, and the letter in two spellings
        ("model", "Model", "MODEL"),
        ("stra\u00dfe", "strasse", "STRASSE"),
        ("a\u0430", "\u0430a"),  # Latin and Cyrillic
        ("x", "x ", "x.", " x", "x\t", "x\n"),
        ("%2e%2e", "..."),
        ("CON", "con", "nul.txt"),
        ("C:", "C:x", "x:stream", "\\\\server\\share"),
        ("file:", "~root", "-rf", "*"),
        ("\udcff", "\u00ff"),  # a byte that is no UTF-8, as Python spells it
    ],
    ids=ascii,
)
def test_names_that_look_alike_are_different_files_and_each_opens(
    guard: Guard, inside: Path, names: tuple[str, ...]
) -> None:
    for name in names:
        (inside / name).write_text(ascii(name))
    for name in names:
        for text in (f"./{name}", inside / name, f"sub/../{name}"):
            with guard.open(text) as safe:
                assert safe.read_bytes(99).decode() == ascii(name)
                assert os.fsencode(safe.location) == os.fsencode(inside / name)
                assert safe.display.isprintable()


@pytest.mark.parametrize("name", ["a\ud800", "\udfff", "sub/\ud800\udc00"], ids=ascii)
def test_half_of_a_surrogate_pair_in_a_name_from_a_file_names_nothing(guard: Guard, name: str) -> None:
    with guard.open(".") as folder, pytest.raises((MissingFileError, PathRefusedError)) as caught:
        folder / name
    assert str(caught.value).isprintable()


def test_a_name_cut_by_a_nul_never_opens_what_stands_before_it(guard: Guard, inside: Path) -> None:
    for absolute in (f"{inside}/file.txt\0", f"{inside}/file.txt\0/x", f"{inside}\0/file.txt", "/etc/passwd\0"):
        for typed in (True, False):
            with pytest.raises(PathRefusedError, match="NUL"):
                guard.open_resolved(absolute, typed=typed)


@pytest.mark.parametrize("kind", [stat.S_IFIFO, stat.S_IFSOCK, stat.S_IFCHR], ids=["FIFO", "socket", "device"])
@pytest.mark.promise("PATHS-2")
def test_what_is_neither_file_nor_folder_is_refused_without_hanging(guard: Guard, inside: Path, kind: int) -> None:
    try:
        os.mknod(inside / "odd", kind | 0o666, os.makedev(1, 5))  # a device would be another /dev/zero
    except PermissionError:
        pytest.skip("making a device needs root")
    (inside / "link").symlink_to("odd")
    with guard.open(".") as folder:
        for door in (guard.open, folder.__truediv__):
            for name in ("odd", "link"):
                with pytest.raises(PathRefusedError, match="neither a file nor a folder"):
                    door(name)


@pytest.mark.parametrize("device", ["zero", "null", "random", "tty", "stdin", "fd/0"])
@pytest.mark.promise("PATHS-2")
def test_a_device_is_refused_even_in_an_allowed_folder(device: str) -> None:
    guard = Guard((Root.pin("/dev", "allowed"),), "/dev")
    with pytest.raises((PathRefusedError, MissingFileError)):
        guard.open(device).close()


@pytest.mark.promise("PATHS-1")
def test_a_link_out_of_a_root_is_refused_whatever_it_is_called(guard: Guard, inside: Path, outside: Path) -> None:
    targets = {
        "absolute": outside / "file.txt",
        "relative": Path("../outside/file.txt"),
        "root": Path("/"),
        "proc": Path("/proc/self/root"),
        "chain": Path("relative"),
        "dangling": outside / "nothing",
    }
    for name, target in targets.items():
        (inside / name).symlink_to(target)
        with pytest.raises(PathRefusedError, match="outside the allowed folders"):
            guard.open(name)
    (inside / "door").symlink_to(outside)
    for path in ("door/file.txt", "door/../outside/file.txt", "root/etc/passwd", "proc/etc/passwd"):
        with pytest.raises(PathRefusedError, match="outside the allowed folders"):
            guard.open(path)


@pytest.mark.promise("PATHS-1")
def test_a_magic_link_of_proc_is_no_way_out(guard: Guard, inside: Path, outside: Path) -> None:
    with (outside / "file.txt").open() as secret:
        number = secret.fileno()
        (inside / "to_file").symlink_to(f"/proc/self/fd/{number}")
        (inside / "to_root").symlink_to("/proc/self/root")
        (inside / "to_here").symlink_to("/proc/self/cwd")
        (inside / "to_task").symlink_to("/proc/thread-self/root")
        proc = Guard((*guard.roots, Root.pin("/proc", "allowed")), str(inside))
        for one in (guard, proc):
            for path in ("to_file", "to_root", f"to_root{outside}/file.txt", "to_here", f"to_task{outside}/file.txt"):
                with pytest.raises(PathRefusedError, match="outside the allowed folders"):
                    one.open(path)
            for path in (f"fd/{number}", f"root{outside}/file.txt", f"cwd/../{outside}/file.txt", "exe"):
                with pytest.raises((PathRefusedError, MissingFileError)):
                    one.open(f"/proc/self/{path}")


@pytest.mark.promise("PATHS-4")
def test_a_link_is_judged_by_where_it_leads_for_assistants_too(guard: Guard, inside: Path, tmp_path: Path) -> None:
    home = inside / "home"
    (home / "runs").mkdir(parents=True)
    (home / "runs" / "log").touch()
    (inside / ".env").touch()
    (inside / ".hidden").mkdir()
    (inside / ".hidden" / "file.txt").touch()
    roots = (Root.pin(str(inside), "working", for_assistants=True), Root.pin(str(home), "home"))
    theirs = Guard(roots, str(inside)).for_assistants()
    dotted = {"notes": ".env", "folder": ".hidden", "chain": "notes", "sub/up": "../.env"}
    closed = {"log": "home/runs/log", "runs": "home/runs", "all": "home", "sub/all": "../home"}
    for name, target in (dotted | closed).items():
        (inside / name).symlink_to(target)
    with theirs.open(".") as folder:
        for door in (theirs.open, folder.__truediv__):
            for name in (*dotted, "folder/file.txt"):
                with pytest.raises(PathRefusedError, match="starts with a dot"):
                    door(name)
            for name in (*closed, "runs/log", "all/runs/log", "home", "home/runs", "home/runs/log"):
                with pytest.raises(PathRefusedError, match="outside the allowed folders"):
                    door(name)
    with theirs.open("sub/file.txt") as safe:
        assert safe.read_bytes(10) == b"inside"


def test_a_link_from_one_root_leads_into_another(guard: Guard, inside: Path, outside: Path) -> None:
    both = Guard((*guard.roots, Root.pin(str(outside), "hub")), str(inside))
    (inside / "door").symlink_to(outside)
    (inside / "back").symlink_to("door/../inside/sub")
    (outside / "further").symlink_to(inside / "sub")
    for path in ("door/file.txt", "door/further/../../outside/file.txt", "../outside/file.txt"):
        with both.open(path) as safe:
            assert safe.read_bytes(10) == b"secret"
            assert (safe.location, safe.managed) == (str(outside / "file.txt"), True)
    for path in ("door/further/file.txt", "back/file.txt"):
        with both.open(path) as safe:
            assert (safe.location, safe.managed) == (str(inside / "sub" / "file.txt"), False)
            assert safe.given == str(inside / path)


@pytest.mark.promise("PATHS-3")
def test_a_snapshot_of_the_hub_opens_its_blob_and_keeps_both_names(tmp_path: Path, way: str) -> None:
    hub = tmp_path / "hub"
    snapshot, blobs = hub / "models--a--b/snapshots/0123", hub / "models--a--b/blobs"
    for folder in (snapshot, blobs):
        folder.mkdir(parents=True)
    (blobs / "abcd").write_text("weights")
    (snapshot / "model.safetensors").symlink_to("../../blobs/abcd")
    guard = Guard((Root.pin(str(hub), "hub"),), str(tmp_path))
    with guard.open(snapshot) as folder:
        for safe in (guard.open(snapshot / "model.safetensors"), folder / "model.safetensors"):
            with safe:
                assert safe.read_bytes(10) == b"weights"
                assert (safe.location, safe.given) == (str(blobs / "abcd"), str(snapshot / "model.safetensors"))
                assert safe.managed
    outside = tmp_path / "abcd"
    outside.write_text("secret")
    (snapshot / "other.safetensors").symlink_to("../../../../abcd")
    with pytest.raises(PathRefusedError, match="outside the allowed folders"):
        guard.open(snapshot / "other.safetensors")


HOLDER = """
import fcntl, sys
with open(sys.argv[1], "r+b") as file:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("held")
    else:
        print("free")
"""


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
def test_a_registry_is_never_opened_whatever_leads_to_it_and_its_locks_stay(
    guard: Guard, inside: Path, suffix: str
) -> None:
    registry = inside / "sub" / f"{REGISTRY}{suffix}"
    registry.touch()
    (inside / "link").symlink_to(f"sub/{registry.name}")
    (inside / "folder").symlink_to("sub")
    with registry.open("r+b") as file, guard.open(".") as folder:
        fcntl.lockf(file, fcntl.LOCK_EX)
        for path in ("link", f"sub/{registry.name}", f"folder/{registry.name}", f"folder/../sub/{registry.name}"):
            with pytest.raises(PathRefusedError, match="is a registry"):
                guard.open(path)
            if ".." not in path:
                with pytest.raises(PathRefusedError, match="is a registry"):
                    folder / path
        found = subprocess.run([sys.executable, "-c", HOLDER, registry], capture_output=True, text=True, check=True)
    assert found.stdout == "held\n"


def test_a_link_within_a_root_works(guard: Guard, inside: Path) -> None:
    (inside / "link").symlink_to("sub/file.txt")
    (inside / "folder").symlink_to("sub")
    (inside / "sub" / "up").symlink_to("../file.txt")
    for path in ("link", "folder/file.txt", "sub/up", "folder/up"):
        with guard.open(path) as safe:
            assert safe.read_bytes(10) == b"inside"


def test_links_that_circle_are_an_error_of_ours(guard: Guard, inside: Path) -> None:
    (inside / "one").symlink_to("two")
    (inside / "two").symlink_to("one")
    (inside / "self").symlink_to("self")
    for name in ("one", "two", "self", "one/x"):
        with pytest.raises((PathRefusedError, MissingFileError)):
            guard.open(name)


def test_a_hard_link_is_the_same_file_and_allowed(guard: Guard, inside: Path, outside: Path) -> None:
    # Whoever can make one can read the file already; no guard could tell the names apart.
    os.link(outside / "file.txt", inside / "hard")
    with guard.open("hard") as safe:
        assert safe.read_bytes(10) == b"secret"


SWAPPER = """
import ctypes, sys
swap, one, other = ctypes.CDLL(None).renameat2, sys.argv[1].encode(), sys.argv[2].encode()
assert swap(-100, one, -100, other, 2) == 0  # RENAME_EXCHANGE: at every moment the name means one of the two
print(flush=True)
while True:
    swap(-100, one, -100, other, 2)
"""


@contextmanager
def exchanging(one: Path, other: Path) -> Iterator[None]:
    """A process that has two paths trade names, as fast as it can."""
    with subprocess.Popen([sys.executable, "-c", SWAPPER, one, other], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        try:
            yield
        finally:
            child.kill()


@contextmanager
def swapping(path: Path, link_to: Path) -> Iterator[None]:
    """A process that swaps a path with a link out, as fast as it can."""
    twin = path.with_name(f"{path.name}.twin")
    twin.symlink_to(link_to)
    with exchanging(path, twin):
        yield


def raced(attempt: Callable[[], str], races: int, outcomes: int = 2) -> set[str]:
    """Try often enough, and until so many outcomes were met: the race was run, and it was won and lost."""
    seen: set[str] = set()
    tries = 0
    while tries < races or len(seen) < outcomes:
        tries += 1
        try:
            seen.add(attempt())
        except ModelCypherError as error:
            seen.add(type(error).__name__)
    return seen


@pytest.mark.parametrize("races", RACES)
@pytest.mark.parametrize("path", ["door", "way/file.txt"], ids=["the file itself", "a folder on the way"])
@pytest.mark.parametrize("named_by", ["a person", "a file"])
@pytest.mark.promise("PATHS-3")
def test_a_link_swapped_in_between_check_and_use_never_leads_out(
    guard: Guard, inside: Path, outside: Path, *, path: str, named_by: str, races: int
) -> None:
    (inside / "door").write_text("inside")
    (inside / "sub").rename(inside / "way")
    swapped, target = (inside / "door", outside / "file.txt") if path == "door" else (inside / "way", outside)
    with guard.open(".") as folder, swapping(swapped, target):

        def read() -> str:
            with guard.open(path) if named_by == "a person" else folder / path as safe:
                return safe.read_bytes(10).decode()

        seen = raced(read, races)
    assert "inside" in seen
    assert seen <= {"inside", "PathRefusedError", "MissingFileError"}


@pytest.mark.parametrize("races", RACES)
def test_a_place_is_told_truly_while_a_link_trades_names_with_a_folder(guard: Guard, inside: Path, races: int) -> None:
    (inside / "other").mkdir()
    (inside / "other" / "file.txt").write_text("other")
    with swapping(inside / "sub", inside / "other"):

        def read() -> str:
            with guard.open("sub/file.txt") as safe:
                content = safe.read_bytes(10).decode()
                assert (content == "other") == (safe.location == f"{inside}/other/file.txt"), safe.location
                return content

        seen = raced(read, races)
    assert {"inside", "other"} <= seen <= {"inside", "other", "PathRefusedError", "MissingFileError"}


MOVER = """
import os, sys
here, there = sys.argv[1:]
os.rename(here, there)
print(flush=True)
while True:
    os.rename(there, here)
    os.rename(here, there)
"""


@pytest.mark.parametrize("races", RACES)
@pytest.mark.parametrize("path", ["sub/deep/up", "sub/deep/../../file.txt", "sub/deep/file.txt"])
@pytest.mark.promise("PATHS-3")
def test_a_folder_moved_away_during_the_open_takes_no_dots_out_with_it(
    guard: Guard, inside: Path, outside: Path, path: str, races: int
) -> None:
    (inside / "sub" / "deep").mkdir()
    (inside / "sub" / "deep" / "file.txt").write_text("inside")
    (inside / "sub" / "deep" / "up").symlink_to("../../file.txt")  # from where it is moved to, the secret
    command = [sys.executable, "-c", MOVER, str(inside / "sub"), str(outside / "sub")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()

        def read() -> str:
            with guard.open(path) as safe:
                return safe.read_bytes(10).decode()

        try:  # with dots in it, a path may be resolved by its components alone, and never be missing
            seen = raced(read, races, 1 if ".." in path else 2)
        finally:
            child.kill()
    assert "inside" in seen
    assert seen <= {"inside", "PathRefusedError", "MissingFileError"}


def test_a_root_that_was_moved_away_is_still_the_one_that_was_pinned(guard: Guard, inside: Path, outside: Path) -> None:
    inside.rename(inside.with_name("moved"))
    inside.symlink_to(outside)  # in its place, a way out
    for path in ("file.txt", inside / "file.txt"):
        with guard.open(path) as safe:
            assert safe.read_bytes(10) == b"inside"
    with guard.open(".") as folder, folder / "sub/file.txt" as safe:
        assert safe.read_bytes(10) == b"inside"


def test_a_file_that_is_deleted_while_it_is_open_is_read_to_its_end(guard: Guard, inside: Path) -> None:
    (inside / "link").symlink_to("file.txt")
    for path in ("sub/file.txt", "link"):
        with guard.open(path) as safe:
            Path(safe.location).unlink()
            assert safe.read_bytes(10) == b"inside"
            assert not safe.unchanged()
            assert not safe.location.endswith("(deleted)")
        with pytest.raises(MissingFileError):
            guard.open(path)


@pytest.mark.promise("PATHS-8")
def test_what_is_deleted_is_what_was_opened_or_nothing(guard: Guard, inside: Path) -> None:
    paths, deleted = (inside / "one", inside / "two"), 0
    for path in paths:
        path.mkdir()
    with exchanging(*paths):
        for _ in range(500):
            both = held(paths)
            for folder in both.values():
                os.close(os.open("file.txt", os.O_CREAT, dir_fd=folder))
            with guard.open("one") as safe:
                opened = safe.identity.inode
                with suppress(PathRefusedError, StorageError):
                    guard.delete(safe)
                    deleted += 1
            for number, folder in both.items():
                if number != opened:
                    os.stat("file.txt", dir_fd=folder)  # it wasn't opened, and nothing in it was removed
                    assert os.fstat(folder).st_nlink, "it was removed, and wasn't opened"
                os.close(folder)
            for path in paths:  # they trade names only while there are two
                path.mkdir(exist_ok=True)
    assert deleted


def held(paths: tuple[Path, Path]) -> dict[int, int]:
    """Both folders by inode, open, although they trade names meanwhile."""
    found: dict[int, int] = {}
    while len(found) < 2:
        for path in paths:
            folder = os.open(path, os.O_RDONLY)
            if found.setdefault(os.fstat(folder).st_ino, folder) != folder:
                os.close(folder)
    return found


@pytest.mark.parametrize("verb", ["create", "append", "folder"])
def test_a_folder_swapped_for_a_link_is_never_written_through(
    guard: Guard, inside: Path, outside: Path, verb: str
) -> None:
    numbers = itertools.count()
    with swapping(inside / "sub", outside):
        seen = raced(lambda: write(guard, verb, f"sub/new{next(numbers)}"), 2000)
    assert "written" in seen
    assert seen <= {"written", "PathRefusedError", "MissingFileError"}
    assert [entry.name for entry in outside.iterdir()] == ["file.txt"]


def write(guard: Guard, verb: str, path: str) -> str:
    if verb == "append":
        log = guard.append(path)
        log.write(b"x")
        log.close()
    elif verb == "folder":
        guard.folder(path).close()
    else:
        with guard.create(path) as file:
            file.write(b"x")
    return "written"


PIECES = st.sampled_from(
    [
        "..",
        ".",
        "",
        "sub",
        "file.txt",
        "out",
        "up",
        "etc",
        "passwd",
        "~",
        "outside",
        "\0",
        "\n",
        "%2e%2e",
        "\u2025",
        "x" * 300,
    ]
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=st.lists(PIECES, max_size=8), absolute=st.booleans())
@pytest.mark.promise("PATHS-1")
def test_no_combination_of_pieces_reads_what_lies_outside(
    guard: Guard, inside: Path, outside: Path, *, pieces: list[str], absolute: bool
) -> None:
    for name, target in (("out", outside), ("sub/up", Path(".."))):
        if not (inside / name).is_symlink():
            (inside / name).symlink_to(target)
    found, message = opened(guard, ("/" if absolute else "") + "/".join(pieces))
    assert message.isprintable()
    assert found is None or found.is_relative_to(inside)


ODD_NAMES = st.text(
    st.one_of(st.sampled_from("./\\:~%*?\" \0\n\u202e\uff0e\uff0f\u2215$&'C"), st.characters()), min_size=1, max_size=30
)


@settings(max_examples=1000, deadline=None)
@given(name=ODD_NAMES)
@pytest.mark.promise("PATHS-5")
def test_a_name_in_an_archive_stays_in_its_folder_on_every_system(name: str) -> None:
    try:
        parts = components(name)
    except PathRefusedError:
        return
    for system, base in ((posixpath, "/base"), (ntpath, "C:\\base"), (ntpath, "\\\\server\\share\\base")):
        joined = system.normpath(system.join(base, name))
        assert joined == system.join(base, *parts)
        assert system.commonpath((joined, base)) == base
        assert not system.isabs(name)
        assert not system.splitdrive(name)[0]


CONFINED = """
import ctypes, struct, sys
from modelcypher_nb.guard import beneath
from modelcypher_nb.guard.paths import Guard
from modelcypher_nb.guard.roots import Root
folder, answer = sys.argv[1], int(sys.argv[2])
rules = [(0x20, 0, 0, 0), (0x15, 0, 1, beneath.OPENAT2), (0x06, 0, 0, 0x50000 | answer), (0x06, 0, 0, 0x7FFF0000)]
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *rule) for rule in rules))
program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(rules), ctypes.addressof(code)))
prctl = ctypes.CDLL(None, use_errno=True).prctl
assert prctl(38, 1, 0, 0, 0) == 0  # PR_SET_NO_NEW_PRIVS
assert prctl(22, 2, program, 0, 0) == 0, ctypes.get_errno()  # PR_SET_SECCOMP, a filter
guard = Guard((Root.pin(folder, "working"),), folder)
for path in ("file.txt", "link"):
    with guard.open(path) as safe:
        print(safe.read_bytes(10).decode())
print(beneath.openat2() is beneath.absent)
"""


@pytest.mark.parametrize("answer", [errno.ENOSYS, errno.EPERM], ids=["an old kernel", "a sandbox"])
def test_where_the_call_is_unknown_or_forbidden_the_walk_serves(inside: Path, answer: int) -> None:
    (inside / "link").symlink_to("sub/file.txt")
    done = subprocess.run(
        [sys.executable, "-c", CONFINED, inside, str(answer)], capture_output=True, text=True, check=False
    )
    if "AssertionError" in done.stderr:
        pytest.skip(f"a process can't confine itself here: {done.stderr.splitlines()[-1]}")
    assert done.stdout.split() == ["inside", "inside", "True"], done.stderr
