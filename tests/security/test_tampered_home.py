"""A home that somebody wrote into: checkpoints, series and settings that lie are passed over or told, never obeyed."""

from __future__ import annotations

import json
import os
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelcypher_nb.errors import (
    InternalError,
    JobStateError,
    ModelCypherError,
    PathRefusedError,
    SettingError,
    UsageError,
)
from modelcypher_nb.operations.operation import find, run
from modelcypher_nb.operations.session import Session
from modelcypher_nb.operations.wire import wire
from modelcypher_nb.store.cells import CELL, EVENT, MARKER, NAME, POINT, TEXT, WORDS, header
from modelcypher_nb.store.records import JobRecord
from modelcypher_nb.store.run_store import RunStore
from modelcypher_nb.training.run import Run
from modelcypher_nb.views import html, text
from tests.training.conftest import digits, store, trainee, until

__all__ = ["digits", "store", "trainee", "until"]

Make = Callable[..., Any]


# ── checkpoints ─────────────────────────────────────────────────────────────────


@pytest.fixture
def stopped(store: RunStore, trainee: Make) -> tuple[str, Path]:
    """A run that was stopped at step 3 with a checkpoint, and its checkpoints' folder."""
    made = trainee()
    run = Run(store, "digits", **made.named())
    for number, batch in enumerate(run.steps(made.loader, epochs=3)):
        run.log({"train/loss": made.step(batch)})
        if number == 2:
            run.cancel()
    folder = Path(store.home.location) / "runs" / run.id / "checkpoints"
    assert [entry.name for entry in folder.iterdir()] == ["step-00000003"]
    return run.id, folder


def deep(word: str, depth: int = 100_000) -> str:
    return f'{{"{word}":[' * depth + "]}" * depth


DOCUMENTS: dict[str, str] = {
    "nested lists": "[" * 100_000 + "]" * 100_000,
    "nested objects": '{"a":' * 100_000 + "1" + "}" * 100_000,
    "nested tuples": f'{{"extra": {deep("$tuple", 400)}}}',
    "a list": "[]",
    "a number of absurd length": f'{{"position": {"9" * 10_000}}}',
    "no UTF-8": '{"a": "\udcff"}',
    "an unknown word": '{"extra": {"$import": "os:system"}}',
    "a tensor that isn't there": '{"objects": {"optimizer": {"$tensor": "../../x"}}}',
    "a tensor by a list": '{"extra": {"$tensor": []}}',
    "a float by a word": '{"extra": {"$float": "__import__"}}',
    "pairs of three": '{"extra": {"$items": [[1, 2, 3]]}}',
    "keys that are lists": '{"extra": {"$items": [[[], 2]]}}',
    "extra that is a list": '{"extra": [1]}',
    "objects that are a list": '{"objects": [1]}',
    "an optimizer that is a number": '{"objects": {"optimizer": 5, "scheduler": 5}}',
    "an optimizer of wrong parts": '{"objects": {"optimizer": {"state": 1, "param_groups": 2}, "scheduler": {}}}',
    "a scheduler that replaces methods": '{"objects": {"scheduler": {"step": 1}}}',
    "a position that is a list": '{"position": []}',
    "a position of texts": '{"position": {"epoch": "a", "batch": [], "seed": "x"}}',
    "a negative position": '{"position": {"epoch": -5, "batch": -1}}',
    "generators of texts": '{"rng": {"python": "x", "numpy": 5}}',
    "generators without words": '{"rng": {"python": {"version": 3}}}',
    "a generator of another version": '{"rng": {"python": {"version": 99, "gauss": {}}}}',
}


def forge(folder: Path, step: int, change: Callable[[dict[str, Any]], str | dict[str, Any]]) -> None:
    """Put a later checkpoint beside the real one: the catalog has no row, so it has no digest to fail."""
    place = folder / f"step-{step:08d}"
    shutil.copytree(folder / "step-00000003", place)
    document = change(json.loads((place / "state.json").read_text()))
    text = document if isinstance(document, str) else json.dumps(document)
    (place / "state.json").write_bytes(text.encode("utf-8", "surrogateescape"))


def resume(store: RunStore, trainee: Make, job: str) -> Run:
    return Run(store, resume=job, **trainee().named())


@pytest.mark.promise("WEIGHTS-1")
@pytest.mark.parametrize("kind", DOCUMENTS)
def test_a_checkpoint_whose_state_lies_is_refused_in_a_sentence_or_passed_over(
    store: RunStore, trainee: Make, stopped: tuple[str, Path], kind: str
) -> None:
    job, folder = stopped

    def change(real: dict[str, Any]) -> str | dict[str, Any]:
        try:
            forged = json.loads(DOCUMENTS[kind].encode())
        except (RecursionError, ValueError):
            return DOCUMENTS[kind]
        return {**real, **forged} if isinstance(forged, dict) else DOCUMENTS[kind]

    forge(folder, 9, change)
    try:
        begun = resume(store, trainee, job)
    except ModelCypherError as error:
        told = str(error)
    else:
        told = ""
        for _ in begun.steps(trainee().loader, epochs=3):  # what it took over is usable
            break
    assert len(told) < 3000
    assert store.catalog.job(job).state == "cancelled"  # as it was, or stopped again


FOLDERS = {
    "digits of another script": "step-\u0660\u0660\u0660\u0660\u0660\u0660\u0660\u0669",
    "a step beyond any number": "step-" + "9" * 200,
    "a step beyond the catalog's": "step-99999999999999999999",
    "a step of more zeros": "step-000000000000009",
}


@pytest.mark.parametrize("kind", FOLDERS)
def test_a_folder_that_is_named_almost_as_a_checkpoint_is_none(
    store: RunStore, trainee: Make, stopped: tuple[str, Path], kind: str
) -> None:
    job, folder = stopped
    shutil.copytree(folder / "step-00000003", folder / FOLDERS[kind])
    assert resume(store, trainee, job).snapshot()["job"]["step"] == 3


@pytest.mark.parametrize(
    "kind", ["a folder in it", "a link out of it", "a link as it", "a FIFO in it", "nothing in it"]
)
def test_a_checkpoint_with_what_no_writer_leaves_is_passed_over(
    store: RunStore, trainee: Make, stopped: tuple[str, Path], tmp_path: Path, kind: str
) -> None:
    job, folder = stopped
    place, secret = folder / "step-00000009", tmp_path / "outside"
    shutil.copytree(folder / "step-00000003", secret)
    if kind == "a link as it":
        place.symlink_to(secret)
    else:
        shutil.copytree(secret, place)
    if kind == "a folder in it":
        (place / "more").mkdir()
    elif kind == "a link out of it":
        (place / "model.safetensors").unlink()
        (place / "model.safetensors").symlink_to(secret / "model.safetensors")
    elif kind == "a FIFO in it":
        os.mkfifo(place / "pipe")
    elif kind == "nothing in it":
        shutil.rmtree(place)
        place.mkdir()
    assert resume(store, trainee, job).snapshot()["job"]["step"] == 3


# ── series ──────────────────────────────────────────────────────────────────────


def point(name: int, step: int, value: float, time: float = 1.0) -> bytes:
    return CELL.pack(MARKER, POINT, name, 0, step, time, value)


def named(number: int, name: bytes, length: int | None = None, kind: int = NAME) -> bytes:
    head = CELL.pack(MARKER, kind, number, len(name) if length is None else length, 0, 0.0, 0.0)
    parts = [name[start : start + 24] for start in range(0, len(name), 24)]
    return head + b"".join(TEXT.pack(MARKER, WORDS, 0, 0, part) for part in parts)


BIG = 2**63 - 1
SEGMENTS: dict[str, bytes] = {
    "a name longer than the file": named(0, b"train/loss") + point(0, 1, 1.0) + named(1, b"x", 2**32 - 1),
    "heads within heads": CELL.pack(MARKER, NAME, 0, 24 * 20_000, 0, 0.0, 0.0) * 40_000,
    "steps beyond any run": named(0, b"train/loss") + point(0, BIG, 1.0) + point(0, -BIG, 2.0),
    "times that are none": named(0, b"train/loss") + point(0, 1, 1.0, float("nan")) + point(0, 2, 1.0, 1e300),
    "values that are none": named(0, b"train/loss") + point(0, 1, float("inf")) + point(0, 2, float("nan")),
    "a name that isn't text": named(0, b"\xff\xfe\0\x1b[2J") + point(0, 1, 1.0),
    "a name of markup": named(0, b"<img src=x onerror=alert(1)>") + point(0, 1, 1.0),
    "a name of a megabyte": named(0, b"A" * 1_000_000) + point(0, 1, 1.0),
    "an event without words": named(0, b"", kind=EVENT),
    "an event of controls": named(0, b"\x1b]0;x\x07\0\xe2\x80\xaetext", kind=EVENT),
    "an event beyond time": CELL.pack(MARKER, EVENT, 0, 3, BIG, 1e300, 0.0) + TEXT.pack(MARKER, WORDS, 0, 0, b"a\0b"),
    "an event at no time": CELL.pack(MARKER, EVENT, 0, 3, -BIG, float("nan"), 0.0)
    + TEXT.pack(MARKER, WORDS, 0, 0, b"a\0b"),
    "every name": b"".join(named(number, b"n%d" % number) + point(number, 1, 1.0) for number in range(3000)),
    "kinds that are none": bytes([MARKER, 99]) + bytes(30) + named(0, b"train/loss") + point(0, 1, 1.0),
    "points without a name": point(500, 1, 1.0),
}
LOOKS = {
    "job_show": {"job_id": "run-abc123"},
    "job_metrics": {"job_id": "run-abc123"},
    "job_list": {},
    "system_status": {},
}


@pytest.mark.promise("DISPLAY-3")
@pytest.mark.parametrize("kind", SEGMENTS)
def test_a_series_file_that_lies_is_shown_or_refused_and_never_crashes_a_look(session: Session, kind: str) -> None:
    session.catalog.add_job(JobRecord("run-abc123", "run", "interrupted", 1.0))
    folder = Path(session.home_path) / "runs" / "run-abc123" / "series"
    folder.mkdir(parents=True)
    (folder / "segment-0001.mcs").write_bytes(header(1, 1.0) + SEGMENTS[kind])
    for verb, arguments in LOOKS.items():
        try:
            facts = run(find(verb), session.person(), arguments)
        except InternalError:
            raise
        except ModelCypherError:
            continue
        json.dumps(wire(find(verb), facts), allow_nan=False)
        shown = text.render(facts)
        assert all(line.isprintable() for line in shown.splitlines())
        assert "<img" not in html.render(facts)
        assert len(shown) < 2_000_000


def test_a_segment_whose_version_is_none_is_a_sentence(session: Session) -> None:
    session.catalog.add_job(JobRecord("run-abc123", "run", "interrupted", 1.0))
    folder = Path(session.home_path) / "runs" / "run-abc123" / "series"
    folder.mkdir(parents=True)
    (folder / "segment-0001.mcs").write_bytes(struct.pack("<8sHHId8x", b"\x89MCS\r\n\x1a\n", 9, 32, 1, 0.0))
    with pytest.raises(ModelCypherError, match="version 9"):
        run(find("job_metrics"), session.person(), {"job_id": "run-abc123"})


# ── settings ────────────────────────────────────────────────────────────────────

SETTINGS = {
    "deep lists": "a = " + "[" * 50_000,
    "a number of absurd length": "mcp_rate = " + "9" * 10_000,
    "no number": 'mcp_rate = "nan"',
    "without end": "mcp_rate = inf",
    "a table": "[allowed_paths]\nx = 1",
    "a list": 'allowed_paths = ["/"]',
    "a relative folder": 'allowed_paths = "../.."',
    "controls": 'allowed_paths = "\\u001b[2J"',
    "a NUL": 'allowed_paths = "/\\u0000"',
    "no UTF-8": "a = '\udcff'",
}


@pytest.mark.parametrize("kind", SETTINGS)
def test_settings_that_make_no_sense_are_one_sentence(home: Path, kind: str) -> None:
    home.mkdir()
    (home / "settings.toml").write_bytes(SETTINGS[kind].encode("utf-8", "surrogateescape"))
    with pytest.raises(SettingError) as caught:
        run(find("model_list"), Session().person(), {})
    assert str(caught.value).replace("\n", "").isprintable()
    assert len(str(caught.value)) < 2000


ENV_FILES = {
    "nested quotes": "A='" * 300_000,
    "an open quote": 'HF_TOKEN="' + "\\" * 1_000_000,
    "lines without keys": "=\n" * 500_000,
    "backslashes": "export " * 140_000,
    "NULs": "HF_TOKEN=\0" * 1000,
    "spaces": " " * 1_000_000 + "x",
}


@pytest.mark.promise("SECRETS-2")
@pytest.mark.parametrize("kind", ENV_FILES)
def test_a_strangers_env_file_costs_little_and_sets_nothing(home: Path, work: Path, kind: str) -> None:
    (work / ".env").write_text(ENV_FILES[kind])
    try:
        session = Session()
    except ModelCypherError:
        return
    assert session.guard.for_assistants().roots[0].path == str(work)
    run(find("model_list"), session.person(), {})


# ── ids and paths of rows ───────────────────────────────────────────────────────


@pytest.mark.parametrize("job", ["../../etc", "..", "a/../../b", "/etc", "a\0b", ".hidden", "%2e%2e", "A", "a" * 65])
def test_a_row_whose_id_is_a_path_reaches_no_file(session: Session, job: str) -> None:
    for reach in (
        lambda: session.store.run_folder(job),
        lambda: session.store.existing(job, "log.txt"),
        lambda: session.store.log_tail(job),
        lambda: session.store.checkpoint_location(job, 1),
    ):
        with pytest.raises(UsageError):
            reach()


@pytest.mark.promise("PATHS-1")
def test_a_row_whose_recipe_names_a_script_elsewhere_starts_nothing(session: Session, tmp_path: Path) -> None:
    script = tmp_path / "outside" / "evil.py"
    script.parent.mkdir()
    script.write_text("raise SystemExit")
    recipe = {"kind": "script", "target": str(script), "arguments": [], "folder": str(tmp_path)}
    session.catalog.add_job(JobRecord("run-abc123", "run", "failed", 1.0, recipe=recipe))
    with pytest.raises((PathRefusedError, JobStateError)):
        run(find("job_resume"), session.person(), {"job_id": "run-abc123"})
    assert session.catalog.job("run-abc123").state == "failed"
