from __future__ import annotations

import itertools
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelcypher_nb.errors import MissingFileError, ModelCypherError, PathRefusedError
from modelcypher_nb.guard.paths import Guard
from modelcypher_nb.guard.roots import Root

RACING_OPENS = 3000


@pytest.fixture
def inside(tmp_path: Path) -> Path:
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


def test_names_that_differ_by_normalisation_are_different_files(guard: Guard, inside: Path) -> None:
    (inside / "caf\u00e9").write_text("one")
    with guard.open("caf\u00e9") as safe:
        assert safe.read_bytes(5) == b"one"
    with pytest.raises(MissingFileError):
        guard.open("cafe\u0301")


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
def swapping(path: Path, link_to: Path) -> Iterator[None]:
    """A process that swaps a path with a link out, as fast as it can."""
    twin = path.with_name(f"{path.name}.twin")
    twin.symlink_to(link_to)
    command = [sys.executable, "-c", SWAPPER, str(path), str(twin)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        try:
            yield
        finally:
            child.kill()


def raced(attempt: Callable[[], str]) -> set[str]:
    """Try often enough, and until both outcomes were met: the race was run, and it was won and lost."""
    seen: set[str] = set()
    tries = 0
    while tries < RACING_OPENS or len(seen) < 2:
        tries += 1
        try:
            seen.add(attempt())
        except ModelCypherError as error:
            seen.add(type(error).__name__)
    return seen


@pytest.mark.parametrize("way", ["door", "way/file.txt"], ids=["the file itself", "a folder on the way"])
@pytest.mark.parametrize("named_by", ["a person", "a file"])
@pytest.mark.promise("PATHS-3")
def test_a_link_swapped_in_between_check_and_use_never_leads_out(
    guard: Guard, inside: Path, outside: Path, way: str, named_by: str
) -> None:
    (inside / "door").write_text("inside")
    (inside / "sub").rename(inside / "way")
    swapped, target = (inside / "door", outside / "file.txt") if way == "door" else (inside / "way", outside)
    with guard.open(".") as folder, swapping(swapped, target):

        def read() -> str:
            with guard.open(way) if named_by == "a person" else folder / way as safe:
                return safe.read_bytes(10).decode()

        seen = raced(read)
    assert "inside" in seen
    assert seen <= {"inside", "PathRefusedError", "MissingFileError"}


@pytest.mark.parametrize("verb", ["create", "append", "folder"])
def test_a_folder_swapped_for_a_link_is_never_written_through(
    guard: Guard, inside: Path, outside: Path, verb: str
) -> None:
    numbers = itertools.count()
    with swapping(inside / "sub", outside):
        seen = raced(lambda: write(guard, verb, f"sub/new{next(numbers)}"))
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
