"""Scanning: every path has a verdict or stops the scan, the worst gives the exit code, folders tell of each file."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelcypher_nb.errors import MissingFileError, PathRefusedError, UnknownIdError, UsageError
from modelcypher_nb.operations.facts import ScanFacts
from modelcypher_nb.operations.operation import find, run
from modelcypher_nb.operations.session import Call as SessionCall
from modelcypher_nb.operations.session import Session
from tests.samples.assembler import Built, Call, Name, New, assembled
from tests.samples.containers import tensor, torch_zip

# What each level is made of.
CONTENTS: dict[str, Callable[[], bytes]] = {
    "weights": lambda: torch_zip(assembled({"w": tensor()}), {"0": bytes(16)}),
    "data": lambda: assembled(Call(Name("datetime", "timedelta"), (1, 2, 3))),
    "objects": lambda: assembled(Built(New(Name("mine.parts", "Part")), {"a": 1})),
    "code": lambda: assembled(Call(Name("posix", "system"), ("true",))),
    "malformed": lambda: assembled({"a": 1})[:-1],
    "unsupported": lambda: b"7z\xbc\xaf\x27\x1c" + bytes(64),
}


def scan(session: Session, *paths: str, **arguments: Any) -> ScanFacts:
    facts: ScanFacts = run(find("model_scan"), session.person(), {"path": list(paths), **arguments})
    return facts


@pytest.fixture
def files(work: Path) -> Path:
    """One file of each level."""
    for level, make in CONTENTS.items():
        (work / f"{level}.pkl").write_bytes(make())
    return work


@pytest.mark.parametrize(
    ("level", "code", "strict"),
    [
        ("weights", 0, 0), ("data", 0, 0), ("objects", 0, 1), ("code", 1, 1), ("malformed", 2, 2),
        ("unsupported", 3, 3),
    ],
)  # fmt: skip
def test_each_level_gives_the_code_of_the_contract(
    session: Session, files: Path, level: str, code: int, strict: int
) -> None:
    facts = scan(session, f"{level}.pkl")
    assert (facts.worst, facts.exit_code) == (level, code)
    assert scan(session, f"{level}.pkl", strict=True).exit_code == strict


@pytest.mark.parametrize(
    ("levels", "code"),
    [
        (("weights", "code", "malformed", "unsupported"), 1),
        (("unsupported", "malformed", "objects"), 2),
        (("data", "unsupported"), 3),
        (("weights", "data", "objects"), 0),
    ],
)
def test_of_several_files_the_worst_counts_whatever_the_order(
    session: Session, files: Path, levels: tuple[str, ...], code: int
) -> None:
    for order in (levels, levels[::-1]):
        assert scan(session, *(f"{level}.pkl" for level in order)).exit_code == code


def test_a_pattern_stands_for_all_that_it_matches_each_judged_once(session: Session, files: Path) -> None:
    facts = scan(session, "*.pkl", "code.pkl", "[c]ode.pkl")
    assert [Path(one.path).stem for one in facts.results] == sorted(CONTENTS)
    assert facts.counts == dict.fromkeys(CONTENTS, 1)
    assert facts.exit_code == 1


def test_a_pattern_that_matches_nothing_is_an_error(session: Session, files: Path) -> None:
    with pytest.raises(MissingFileError, match=r"\*\.pth") as caught:
        scan(session, "code.pkl", "*.pth")
    assert caught.value.exit_code == 66


def test_an_empty_list_is_an_error_and_not_clean(session: Session) -> None:
    with pytest.raises(UsageError):
        scan(session)


@pytest.mark.parametrize(
    ("content", "remedy"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12\n", "git lfs pull"),
        (b"<!doctype html><title>Sign in</title>", "the address gave a page"),
    ],
)
@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
def test_what_a_fetch_left_instead_of_a_model_is_told(
    session: Session, work: Path, name: str, content: bytes, remedy: str
) -> None:
    (work / name).write_bytes(content)
    (finding,) = scan(session, name).results[0].verdict.findings
    assert finding.level == "unsupported"
    assert remedy in (finding.remedy or "")


@pytest.mark.parametrize("name", ["10:30:00/net.pkl", "loss<0.5?.pkl", 'it"s.pkl'])
def test_what_a_folder_s_model_can_t_be_named_on_every_system_is_judged_by_itself(
    session: Session, work: Path, name: str
) -> None:
    place = work / "runs" / name
    place.parent.mkdir(parents=True)
    place.write_bytes(CONTENTS["code"]())
    facts = scan(session, "runs")
    assert facts.worst == "unsupported"
    remedy = facts.results[0].verdict.findings[0].remedy or ""
    start, _, command = remedy.partition(": ")
    assert start == "Rename it, or look at it alone"
    assert shlex.split(command)[:3] == ["mc", "model", "scan"]
    assert scan(session, shlex.split(command)[3]).worst == "code"


def test_an_assistant_s_verdict_depends_on_no_name_with_a_dot_but_those_that_loaders_open(
    session: Session, work: Path
) -> None:
    (work / "net").mkdir()
    (work / "net" / "net.pkl").write_bytes(CONTENTS["weights"]())
    (work / "net" / ".gitattributes").write_text("*.bin filter=lfs")
    (work / "net" / "._net.pkl").write_bytes(b"\0\5\x16\7" + bytes(60))  # as macOS leaves them beside every file
    (work / "net" / "._net.safetensors").symlink_to("nothing")

    def seen(call: SessionCall) -> str:
        facts: ScanFacts = run(find("model_scan"), call, {"path": ["net"]})
        return facts.worst

    assert (seen(session.person()), seen(session.assistant("helper"))) == ("weights", "weights")
    for name in (".metadata", ".hidden.pt"):
        (work / "net" / name).write_bytes(CONTENTS["code"]())
        assert (seen(session.person()), seen(session.assistant("helper"))) == ("code", "unsupported")
        (work / "net" / name).unlink()


def test_a_name_that_is_no_unicode_is_judged_and_shown(session: Session, work: Path) -> None:
    name = b"\xff\x1b[2J.pkl"
    (work / os.fsdecode(name)).write_bytes(CONTENTS["code"]())
    (result,) = scan(session, "*.pkl").results
    assert (result.verdict.level, result.format) == ("code", "pickle")
    assert result.path.isprintable()


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(session: Session, work: Path) -> None:
    (work / "a[1].pkl").write_bytes(CONTENTS["code"]())
    (work / "a1.pkl").write_bytes(CONTENTS["weights"]())
    assert scan(session, "a[1].pkl").worst == "code"
    (work / "a[1].pkl").unlink()
    assert scan(session, "a[1].pkl").worst == "weights"


def test_a_file_comes_before_a_registered_model_of_its_name(session: Session, files: Path) -> None:
    run(find("model_register"), session.person(), {"path": "weights.pkl", "name": "code.pkl"})
    assert scan(session, "code.pkl").worst == "code"
    (files / "code.pkl").unlink()
    assert scan(session, "code.pkl").worst == "weights"  # a name that is no file is the registered model


@pytest.mark.parametrize(
    ("path", "kind"),
    [("absent.pkl", UnknownIdError), ("./absent.pkl", MissingFileError), ("/etc/passwd", PathRefusedError)],
)
def test_a_mistyped_path_stops_the_scan(session: Session, files: Path, path: str, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        scan(session, "weights.pkl", path)


def test_what_a_pattern_matches_and_nobody_can_open_is_never_clean(
    session: Session, work: Path, tmp_path: Path
) -> None:
    (tmp_path / "secret.pt").write_bytes(CONTENTS["weights"]())
    (work / "out.pt").symlink_to(tmp_path / "secret.pt")
    (work / "gone.pt").symlink_to(work / "nowhere")
    os.mkfifo(work / "pipe.pt")
    (work / "sound.pt").write_bytes(CONTENTS["weights"]())
    facts = scan(session, "*.pt")
    assert {Path(one.path).name: one.verdict.level for one in facts.results} == {
        "out.pt": "unsupported", "gone.pt": "unsupported", "pipe.pt": "unsupported", "sound.pt": "weights",
    }  # fmt: skip
    assert facts.exit_code == 3
    assert all(one.verdict.findings[0].remedy for one in facts.results if one.verdict.level != "weights")


def test_a_folder_of_plain_checkpoints_tells_the_verdict_of_each(session: Session, work: Path) -> None:
    folder = work / "many"
    folder.mkdir()
    for number in range(60):
        (folder / f"{number:02}.pt").write_bytes(CONTENTS["weights"]())
    (folder / "evil.pt").write_bytes(CONTENTS["code"]())
    (result,) = (facts := scan(session, "many")).results
    assert {file.name: file.level for file in result.files if file.level != "weights"} == {"evil.pt": "code"}
    assert facts.counts == {"weights": 60, "code": 1}
    assert len(result.pickled) == 61


def test_every_finding_says_what_where_and_what_to_do(session: Session, files: Path) -> None:
    (files / "evil.pt").write_bytes(torch_zip(assembled({"w": Call(Name("posix", "system"), ("echo hi",))})))
    (result,) = scan(session, "evil.pt").results
    finding = next(one for one in result.verdict.findings if one.level == "code")
    assert finding.name == "posix.system"
    assert finding.member == "archive/data.pkl"
    assert finding.offset is not None
    assert "echo hi" in (finding.excerpt or "")
    assert f"mc model show {files}/evil.pt" in (finding.remedy or "")


def test_a_remedy_s_command_can_be_pasted_whatever_the_file_is_called(session: Session, work: Path) -> None:
    import shlex

    (work / "it's $(odd) name.pkl").write_bytes(CONTENTS["code"]())
    (result,) = scan(session, "*.pkl").results
    remedy = result.verdict.findings[0].remedy or ""
    command = shlex.split(remedy[remedy.index("mc model show") :])
    assert command == ["mc", "model", "show", str(work / "it's $(odd) name.pkl")]


def test_an_assistant_scans_what_it_may_read_and_nothing_else(session: Session, files: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.pkl").write_bytes(CONTENTS["code"]())
    session.allow(str(tmp_path / "elsewhere"))
    assistant = session.assistant("helper")
    assert run(find("model_scan"), assistant, {"path": ["*.pkl"]}).exit_code == 1
    for path in (f"{tmp_path}/elsewhere/*.pkl", f"{tmp_path}/elsewhere/a.pkl", "../elsewhere/*"):
        with pytest.raises(PathRefusedError):
            run(find("model_scan"), assistant, {"path": [path]})


@pytest.mark.parametrize(
    ("module", "level"),
    [("mine.py", "code"), ("mine/__init__.py", "code"), ("other.py", "objects"), (".mine.py", "objects")],
)
def test_a_module_that_lies_beside_the_file_makes_its_class_code(
    session: Session, files: Path, module: str, level: str
) -> None:
    (files / module).parent.mkdir(exist_ok=True)
    (files / module).touch()
    assert scan(session, "objects.pkl").worst == level
    assert scan(session, ".").counts.get(level, 0) >= 1


def test_a_limit_that_is_set_is_obeyed(home: Path, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (files / "long.pkl").write_bytes(assembled(["x" * 60_000] * 40))
    assert scan(Session(), "long.pkl").worst == "weights"
    monkeypatch.setenv("MC_LIMIT_PICKLE_BYTES", "1000")
    facts = scan(Session(), "long.pkl")
    assert facts.worst == "malformed"
    assert "MC_LIMIT_PICKLE_BYTES" in str(facts.results[0].verdict.findings)


def test_progress_is_told_to_a_person_and_to_no_assistant(session: Session, files: Path, told: list[Any]) -> None:
    scan(session, "weights.pkl", "data.pkl")
    assert told == ["scanned files", (1, 2), (2, 2)]
    run(find("model_scan"), session.assistant("helper"), {"path": ["data.pkl"]})
    assert len(told) == 3


def test_a_long_folder_tells_of_each_file(session: Session, files: Path, told: list[Any]) -> None:
    scan(session, "data.pkl", ".")
    assert told == ["scanned files", (1, 2), *((number, 0) for number in range(2, 8)), (2, 2)]
