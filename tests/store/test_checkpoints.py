from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modelcypher_nb.errors import MalformedError, MissingFileError, StorageError, UsageError
from modelcypher_nb.guard.safe_path import SafePath
from modelcypher_nb.store import checkpoints

torch = pytest.importorskip("torch")


@pytest.fixture
def folder(home: SafePath) -> Iterator[SafePath]:
    with home.folder("checkpoints") as folder:
        yield folder


def parts(seed: int = 0) -> dict[str, dict[str, Any]]:
    generator = torch.Generator().manual_seed(seed)
    return {
        "model": {"weight": torch.randn(3, 2, generator=generator), "bias": torch.zeros(3)},
        "optimizer": {"state.0": torch.ones(2)},
        "rng": {},
    }


def test_a_checkpoint_is_loaded_as_it_was_saved(folder: SafePath) -> None:
    written = checkpoints.save(folder, 42, parts(), {"position": {"step": 42}, "text": "é"})
    assert written.files == ("model.safetensors", "optimizer.safetensors", "state.json")
    assert sorted(os.listdir(folder.location)) == ["step-00000042"]  # noqa: PTH208
    loaded = checkpoints.load_tensors(folder, 42, "model")
    assert torch.equal(loaded["weight"], parts()["model"]["weight"])
    assert checkpoints.load_tensors(folder, 42, "rng") == {}
    assert checkpoints.load_document(folder, 42) == {"position": {"step": 42}, "text": "é"}
    files = [Path(folder.location, "step-00000042", name) for name in written.files]
    assert written.size_bytes == sum(file.stat().st_size for file in files)


def test_the_digest_is_what_sha256sum_gives(folder: SafePath) -> None:
    written = checkpoints.save(folder, 1, parts(), {})
    inside = Path(folder.location, "step-00000001")
    lines = "".join(
        f"{hashlib.sha256((inside / name).read_bytes()).hexdigest()}  {name}\n" for name in sorted(written.files)
    )
    assert written.digest == "sha256:" + hashlib.sha256(lines.encode()).hexdigest()
    assert checkpoints.digest(folder, 1) == written.digest


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.safetensors", "state.json"])
def test_a_changed_byte_changes_the_digest(folder: SafePath, name: str) -> None:
    written = checkpoints.save(folder, 1, parts(), {"a": 1})
    path = Path(folder.location, "step-00000001", name)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert checkpoints.digest(folder, 1) != written.digest


def test_a_file_that_was_added_or_taken_away_changes_the_digest(folder: SafePath) -> None:
    written = checkpoints.save(folder, 1, parts(), {})
    extra = Path(folder.location, "step-00000001", "extra.bin")
    extra.write_bytes(b"")
    assert checkpoints.digest(folder, 1) != written.digest
    extra.unlink()
    Path(folder.location, "step-00000001", "state.json").unlink()
    assert checkpoints.digest(folder, 1) != written.digest


def test_a_later_checkpoint_of_the_same_step_takes_the_place(folder: SafePath) -> None:
    checkpoints.save(folder, 1, parts(0), {"which": "first"})
    checkpoints.save(folder, 1, parts(1), {"which": "second"})
    assert checkpoints.load_document(folder, 1) == {"which": "second"}
    assert checkpoints.complete_steps(folder) == (1,)


@pytest.mark.parametrize(
    ("content", "document"),
    [({"model": {"a": torch.zeros(2).to_sparse()}}, {}), ({"model": {"a": torch.zeros(2)}}, {"a": float("nan")})],
)
def test_what_cannot_be_saved_leaves_nothing_behind(folder: SafePath, content: Any, document: Any) -> None:
    checkpoints.save(folder, 1, parts(), {"which": "first"})
    with pytest.raises((UsageError, ValueError)):
        checkpoints.save(folder, 1, content, document)
    assert [entry.name for entry in folder.list()] == ["step-00000001"]
    assert checkpoints.load_document(folder, 1) == {"which": "first"}


def test_no_pickle_is_ever_written(folder: SafePath) -> None:
    checkpoints.save(folder, 1, parts(), {})
    assert {Path(entry.name).suffix for entry in (folder / "step-00000001").list()} == {".safetensors", ".json"}


def test_only_whole_checkpoints_count_and_what_a_kill_left_is_removed(folder: SafePath) -> None:
    for step in (20, 3, 100_000_000):
        checkpoints.save(folder, step, parts(), {})
    left = Path(folder.location, ".step-00000004.0123456789ab.partial")
    left.mkdir()
    (left / "model.safetensors").write_bytes(b"12345")
    Path(folder.location, "step-7").mkdir()
    assert checkpoints.complete_steps(folder) == (3, 20, 100_000_000)
    assert checkpoints.remove_partials(folder) == 5
    assert not left.exists()
    assert checkpoints.complete_steps(folder) == (3, 20, 100_000_000)


def test_a_missing_step_and_a_senseless_document_are_said(folder: SafePath) -> None:
    with pytest.raises(MissingFileError):
        checkpoints.load_document(folder, 5)
    checkpoints.save(folder, 5, parts(), {})
    path = Path(folder.location, "step-00000005", "state.json")
    for content in (b"{", b"\xff", json.dumps([1]).encode()):
        path.write_bytes(content)
        with pytest.raises(MalformedError, match=r"state\.json"):
            checkpoints.load_document(folder, 5)


SAVER = """
import torch
from modelcypher_nb.store import checkpoints
folder = home.folder("checkpoints")
tensors = {"model": {"weight": torch.full((50_000,), 1.0)}}
step = 0
while True:
    step += 1
    checkpoints.save(folder, 1 + step % 3, tensors, {"step": step})
    os.write(1, b"%d\\n" % step)
"""


@pytest.mark.slow
@pytest.mark.parametrize("saves", [1, 4, 9])
def test_a_saver_that_is_killed_leaves_only_whole_checkpoints(
    home: SafePath, folder: SafePath, programs: Any, saves: int
) -> None:
    saver = programs.start(SAVER)
    told = b""
    while told.count(b"\n") < saves:
        told += os.read(saver.stdout.fileno(), 4096)
    saver.kill()
    saver.communicate()
    checkpoints.remove_partials(folder)
    steps = checkpoints.complete_steps(folder)
    assert len(steps) >= min(saves, 3)  # also the one that was being replaced
    for step in steps:
        assert checkpoints.load_tensors(folder, step, "model")["weight"].sum() == 50_000
        assert checkpoints.load_document(folder, step)["step"] % 3 == step - 1


REPLACER = """
import torch
from modelcypher_nb.guard import safe_path
from modelcypher_nb.store import checkpoints
folder = home.folder("checkpoints")
checkpoints.save(folder, 1, {"model": {"weight": torch.zeros(10)}}, {"which": "first"})

def removed(*arguments):
    was_removed(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)

was_removed, safe_path.remove = safe_path.remove, removed
checkpoints.save(folder, 1, {"model": {"weight": torch.ones(10)}}, {"which": "second"})
"""


@pytest.mark.slow
def test_a_kill_while_a_checkpoint_is_replaced_leaves_the_new_one(folder: SafePath, programs: Any) -> None:
    killed = programs.start(REPLACER)
    killed.communicate()
    assert killed.returncode < 0
    assert checkpoints.complete_steps(folder) == (1,)
    assert checkpoints.load_document(folder, 1) == {"which": "second"}
    assert checkpoints.load_tensors(folder, 1, "model")["weight"].sum() == 10


FULL = """
import torch
from modelcypher_nb.store import checkpoints
folder = home.folder("checkpoints")
checkpoints.save(folder, 1, {"model": {"weight": torch.ones(1000)}}, {"which": "first"})
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
try:
    checkpoints.save(folder, 1, {"model": {"weight": torch.ones(1_000_000)}}, {"which": "second"})
except StorageError as error:
    print([entry.name for entry in folder.list()], checkpoints.load_document(folder, 1))
"""


@pytest.mark.slow
def test_a_full_disk_leaves_the_earlier_checkpoint(programs: Any) -> None:
    assert programs.run(FULL) == "['step-00000001'] {'which': 'first'}"


def test_a_folder_that_may_not_be_written_to_is_said(folder: SafePath) -> None:
    Path(folder.location, "step-00000001").write_bytes(b"a file in the place of the folder")
    with pytest.raises((StorageError, MissingFileError, UsageError)):
        checkpoints.load_tensors(folder, 1, "model")
