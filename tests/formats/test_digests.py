from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from modelcypher_nb.errors import MalformedError, UnreadableError
from modelcypher_nb.formats.digests import PIECE_BYTES, combined_digest, file_digest
from modelcypher_nb.guard.paths import Guard
from modelcypher_nb.guard.roots import Root


@pytest.fixture
def guard(tmp_path: Path) -> Guard:
    return Guard((Root.pin(str(tmp_path), "working"),), str(tmp_path))


@pytest.mark.parametrize("size", [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES + 7])
def test_a_digest_is_sha256_of_all_bytes_and_tells_its_progress(guard: Guard, tmp_path: Path, size: int) -> None:
    content = os.urandom(size)
    (tmp_path / "file").write_bytes(content)
    steps: list[int] = []
    with guard.open("file") as safe:
        assert file_digest(safe, steps.append) == hashlib.sha256(content).hexdigest()
    assert steps == [*range(PIECE_BYTES, size, PIECE_BYTES), *([size] if size else [])]


def test_a_file_that_changes_while_it_is_hashed_has_no_digest(guard: Guard, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(3 * PIECE_BYTES))

    def overwrite(done: int) -> None:
        with (tmp_path / "file").open("r+b") as file:
            file.write(b"other")

    def cut(done: int) -> None:
        os.truncate(tmp_path / "file", PIECE_BYTES)

    with guard.open("file") as safe, pytest.raises(UnreadableError, match="changed while it was read"):
        file_digest(safe, overwrite)
    with guard.open("file") as safe, pytest.raises(MalformedError, match="became shorter"):
        file_digest(safe, cut)


def test_a_digest_of_several_files_doesnt_depend_on_their_order() -> None:
    one, other = hashlib.sha256(b"1").hexdigest(), hashlib.sha256(b"2").hexdigest()
    assert combined_digest({"a": one, "b": other}) == combined_digest({"b": other, "a": one})
    assert combined_digest({"a": one, "b": other}) != combined_digest({"a": other, "b": one})
