"""Scripts that change under the hands, and errors that would tell a secret."""

from __future__ import annotations

import dataclasses
import os
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelcypher_nb.errors import ConflictError, InternalError, MissingFileError, PathRefusedError
from modelcypher_nb.guard.secrets import redact
from modelcypher_nb.operations.operation import find, run
from modelcypher_nb.operations.session import Session
from modelcypher_nb.store.run_store import RunStore
from modelcypher_nb.training import child
from modelcypher_nb.training.child import launch_script, relaunch
from tests.conftest import Command
from tests.training.conftest import store, until

__all__ = ["store", "until"]

Until = Callable[..., Any]
# It looks like no token that a pattern knows: only its being HF_TOKEN's value makes it one.
TOKEN = "correct-horse-battery-staple"  # noqa: S105 - nobody's


def wait_for(store: RunStore, until: Until, job: str) -> Any:
    return until(lambda: (found := store.catalog.job(job)).state in {"failed", "completed"} and found, "the end")


@pytest.mark.parametrize("change", ["its content", "a link in its place", "a link in its folder's place"])
def test_a_script_that_is_replaced_between_check_and_start_isnt_run(
    store: RunStore, until: Until, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    script = Path(store.guard.start) / "scripts" / "train.py"
    evil = tmp_path / "evil" / "train.py"
    for path, mark in ((script, "meant"), (evil, "evil")):
        path.parent.mkdir()
        path.write_text(f"open({str(tmp_path / mark)!r}, 'w').close()")
    start = child._spawn

    def replaced_before(*arguments: Any) -> Any:
        if change == "its content":
            script.write_bytes(evil.read_bytes())
        elif change == "a link in its place":
            script.unlink()
            script.symlink_to(evil)
        else:
            script.parent.rename(script.parent.with_name("gone"))
            script.parent.symlink_to(evil.parent)
        return start(*arguments)

    monkeypatch.setattr(child, "_spawn", replaced_before)
    record = launch_script(store, str(script), (), None)
    ended = wait_for(store, until, record.id)
    assert ended.state == "failed"
    assert ended.error.type in {ConflictError.__name__, PathRefusedError.__name__, MissingFileError.__name__}
    assert not (tmp_path / "evil").with_name("meant").exists()
    assert (tmp_path / "evil").is_dir()
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == []


def test_a_script_that_its_person_mended_is_started_again_as_it_is_now(store: RunStore, until: Until) -> None:
    script = Path(store.guard.start) / "train.py"
    script.write_text("raise ValueError('first')")
    record = launch_script(store, str(script), (), None)
    assert wait_for(store, until, record.id).error.message == "first"
    script.write_text("print('second')")
    relaunch(store, store.catalog.job(record.id))
    assert wait_for(store, until, record.id).state == "completed"


@pytest.mark.promise("SECRETS-4")
def test_a_scripts_error_with_the_token_in_it_is_kept_without_it(
    store: RunStore, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    script = Path(store.guard.start) / "train.py"
    script.write_text(
        textwrap.dedent("""
            import os
            try:
                raise OSError(os.environ["HF_TOKEN"])
            except OSError as error:
                raise RuntimeError("denied for " + os.environ["HF_TOKEN"]) from error
        """)
    )
    record = launch_script(store, str(script), (), None)
    ended = wait_for(store, until, record.id)
    assert ended.error.message == "denied for [redacted]"
    home = Path(store.home.location)
    until(lambda: "RuntimeError" in (home / "runs" / record.id / "log.txt").read_text(), "the log")
    kept = [path for path in home.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]
    assert kept == []


def test_every_error_of_an_operation_is_without_the_token(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    session = Session()

    def broken(_: Any) -> None:
        raise OSError(13, "denied", f"/x/{os.environ['HF_TOKEN']}/y")

    failing = dataclasses.replace(find("model_tag"), function=broken)
    with pytest.raises(InternalError) as caught:
        run(failing, session.person(), {})
    assert TOKEN not in str(caught.value)
    assert redact(TOKEN) == "[redacted]"
    assert TOKEN not in str(session.catalog.audit())


ERRORS = [
    ("model", "show", TOKEN),
    ("model", "show", f"/{TOKEN}/x"),
    ("model", "scan", f"./{TOKEN}"),
    ("model", "register", f"./{TOKEN}", "--name", "x"),
    ("job", "show", TOKEN),
    ("job", "list", "--state", TOKEN),
    ("settings", "set", "mcp_rate", TOKEN),
    ("settings", "set", TOKEN, "1"),
    ("settings", "allow", f"/{TOKEN}"),
    ("train", "script", TOKEN),
    ("model", TOKEN),
    (TOKEN,),
    (f"--{TOKEN}",),
    ("model", "list", f"--{TOKEN}=1"),
    ("model", "list", "--limit", TOKEN),
    ("settings", "show"),
    ("doctor",),
    ("status",),
]


@pytest.mark.promise("SECRETS-4")
@pytest.mark.parametrize("words", ERRORS, ids=lambda words: " ".join(words).replace(TOKEN, "TOKEN"))
@pytest.mark.parametrize("form", ["text", "json"])
def test_no_answer_of_the_shell_holds_the_token(mc: Command, words: tuple[str, ...], form: str) -> None:
    done = mc(*words, *(["--json"] if form == "json" else []), variables={"HF_TOKEN": TOKEN})
    assert TOKEN not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


ESCAPES = "\x1b[2J\x1b]0;x\x07\u202e\x9b31m"


@pytest.mark.promise("DISPLAY-3")
@pytest.mark.parametrize("words", [words for words in ERRORS if any(TOKEN in word for word in words)], ids=str)
@pytest.mark.parametrize("form", ["text", "json"])
def test_no_answer_of_the_shell_steers_the_terminal(mc: Command, words: tuple[str, ...], form: str) -> None:
    hostile = [word.replace(TOKEN, ESCAPES) for word in words]
    done = mc(*hostile, *(["--json"] if form == "json" else []))
    assert all(line.isprintable() for line in (done.stdout + done.stderr).splitlines())
    assert done.returncode not in {0, 1}
