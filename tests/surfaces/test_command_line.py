"""The shell: every outcome has its exit code, errors are two lines, and a stranger's folder runs nothing."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from modelcypher_nb.errors import ModelCypherError
from modelcypher_nb.operations.facts import DoctorFacts, ModelList, ScanFacts, VerifyFacts
from modelcypher_nb.operations.session import Session
from modelcypher_nb.surfaces import command_line
from modelcypher_nb.surfaces.vocabulary import commands, resolve
from modelcypher_nb.surfaces.words import parse
from tests.samples.assembler import Built, Name, New, assembled
from tests.samples.containers import tensor, torch_zip

Command = Callable[..., "subprocess.CompletedProcess[str]"]


def lines(text: str) -> list[str]:
    return text.splitlines()


def test_a_scan_of_weights_gives_0(mc: Command, small_model: Path) -> None:
    result = mc("model", "scan", small_model.name)
    assert (result.returncode, result.stderr) == (0, "")
    assert "weights" in result.stdout


VERIFIED = {"reference": "m@1", "path": "m", "expected": "sha256:1", "found": "sha256:2"}


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        (ScanFacts((), "weights", 0), 0),
        (ScanFacts((), "code", 1), 1),
        (ScanFacts((), "malformed", 2), 2),
        (ScanFacts((), "unsupported", 3), 3),
        (ModelList((), 0), 0),
        (DoctorFacts((), healthy=True), 0),
        (DoctorFacts((), healthy=False), 69),
        (VerifyFacts(**VERIFIED, intact=True, state="registered"), 0),
        (VerifyFacts(**VERIFIED, intact=False, state="quarantined"), 2),
        (VerifyFacts(**VERIFIED, intact=False, state="missing"), 66),
    ],
)
def test_facts_give_their_exit_code(facts: object, code: int) -> None:
    assert getattr(facts, "exit_code", 0) == code


def test_a_scan_of_a_cut_file_gives_2(mc: Command, small_model: Path) -> None:
    cut = small_model.with_name("cut.safetensors")
    cut.write_bytes(small_model.read_bytes()[:-3])
    result = mc("model", "scan", cut.name)
    assert result.returncode == 2
    assert "malformed" in result.stdout


def test_showing_a_cut_file_gives_2_and_two_lines(mc: Command, small_model: Path) -> None:
    cut = small_model.with_name("cut.safetensors")
    cut.write_bytes(small_model.read_bytes()[:-3])
    result = mc("model", "show", cut.name)
    assert (result.returncode, result.stdout) == (2, "")
    assert len(lines(result.stderr)) == 2


def test_what_relies_on_pickle_is_told_on_stderr_with_its_conversion(mc: Command, work: Path) -> None:
    (work / "mine.bin").write_bytes(torch_zip(assembled({"w": tensor(), "epoch": 3}), {"0": bytes(16)}))
    shown = mc("model", "show", "mine.bin")
    (line,) = lines(shown.stderr)
    assert shown.returncode == 0
    command = line[line.index("mc model convert") :]
    assert command == f"mc model convert {work}/mine.bin"
    assert json.loads(mc("model", "show", "--json", "mine.bin").stdout)["warning"]["command"] == command
    assert mc(*command.split()[1:]).returncode == 0
    assert mc("model", "show", "mine.safetensors").stderr == ""


def test_a_class_is_allowed_listed_and_taken_back_in_words(mc: Command, work: Path) -> None:
    held = Built(New(Name("torch.package.analyze", "Invented")), {"a": 1})
    (work / "held.pkl").write_bytes(assembled(held))
    assert mc("model", "scan", "held.pkl").returncode == 1
    name = "torch.package.analyze.Invented"
    digest = json.loads(mc("model", "trust", "held.pkl", name, "--json").stdout)["digest"]
    assert mc("model", "scan", "held.pkl").returncode == 0
    assert mc("model", "scan", "--strict", "held.pkl").returncode == 1
    assert name in mc("model", "trust").stdout
    assert mc("model", "trust", digest, name, "--remove").returncode == 0
    assert mc("model", "trust", digest, name, "--remove").returncode == 66
    assert mc("model", "scan", "held.pkl").returncode == 1


def test_an_unknown_format_gives_3(mc: Command, work: Path) -> None:
    (work / "notes.txt").write_text("nothing")
    assert mc("model", "scan", "notes.txt").returncode == 3


def test_several_files_give_the_worst_code(mc: Command, small_model: Path) -> None:
    small_model.with_name("notes.txt").write_text("nothing")
    small_model.with_name("cut.safetensors").write_bytes(small_model.read_bytes()[:-3])
    assert mc("model", "scan", "notes.txt", small_model.name).returncode == 3
    assert mc("model", "scan", "notes.txt", "cut.safetensors", small_model.name).returncode == 2


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["modle"], 64),
        (["model"], 64),
        (["model", "shwo"], 64),
        (["model", "scan"], 64),
        (["model", "list", "--limit"], 64),
        (["model", "list", "--limit", "0"], 64),
        (["model", "list", "--limit", "many"], 64),
        (["model", "list", "--jsn"], 64),
        (["model", "list", "unasked"], 64),
        (["job", "list", "--status", "sleeping"], 64),
        (["mcp", "start"], 64),
        (["model", "show", "unknown"], 66),
        (["model", "show", "./absent.safetensors"], 66),
        (["model", "show", "/etc/hostname"], 66),
        (["job", "show", "unknown"], 66),
        (["job", "pause", "unknown"], 66),
        (["checkpoint", "show", "unknown", "1"], 66),
    ],
)
def test_a_mistake_gives_its_code_and_two_lines_on_stderr(mc: Command, words: list[str], code: int) -> None:
    result = mc(*words)
    assert (result.returncode, result.stdout) == (code, ""), result
    assert len(lines(result.stderr)) == 2, result.stderr
    assert "Traceback" not in result.stderr


def test_a_senseless_variable_gives_64_and_the_doctor_names_it(mc: Command) -> None:
    variables = {"MC_MCP_RATE": "fast"}
    assert mc("model", "list", variables=variables).returncode == 64
    result = mc("doctor", "--json", variables=variables)
    assert result.returncode == 69
    assert any("MC_MCP_RATE" in check["found"] for check in json.loads(result.stdout)["checks"])


def test_a_relative_home_gives_64(mc: Command) -> None:
    result = mc("model", "list", variables={"MODELCYPHER_NB_HOME": "somewhere"})
    assert result.returncode == 64
    assert "MODELCYPHER_NB_HOME" in result.stderr


def test_json_is_the_wire_with_its_schema_before_or_after_the_verb(mc: Command, small_model: Path) -> None:
    after = json.loads(mc("model", "show", small_model.name, "--json").stdout)
    before = json.loads(mc("--json", "model", "show", small_model.name).stdout)
    assert after == before
    assert after["_schema"] == "mc.model.show.v1"
    assert after["parameterCount"] == 28


def test_allow_opens_a_folder_for_one_command_and_is_audited(mc: Command, small_model: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    other = elsewhere / "other.safetensors"
    other.write_bytes(small_model.read_bytes())
    assert mc("model", "show", str(other)).returncode == 66
    assert mc("--allow", str(elsewhere), "model", "show", str(other)).returncode == 0
    assert mc("model", "show", "--allow", str(elsewhere), str(other)).returncode == 0
    assert mc("model", "show", str(other)).returncode == 66
    rows = json.loads(mc("mcp", "audit", "--json").stdout)["items"]
    assert [row["operation"] for row in rows] == ["settings_allow", "settings_allow"]


def test_the_refusal_of_a_path_shows_the_way_to_allow_it(mc: Command, tmp_path: Path) -> None:
    result = mc("model", "show", str(tmp_path / "elsewhere" / "x.safetensors"))
    assert f"mc --allow '{tmp_path / 'elsewhere'}'" in result.stderr


def test_every_level_has_help_made_of_the_docstrings(mc: Command) -> None:
    assert "model scan" in mc("--help").stdout
    assert mc().stdout == mc("--help").stdout
    assert "Judge files" in mc("model", "--help").stdout
    leaf = mc("model", "scan", "--help").stdout
    assert "Files, folders or patterns of them" in leaf
    assert "--strict / --no-strict" in leaf
    assert "--allow DIR" in leaf


def test_every_command_has_an_operation_and_every_parameter_stands_in_its_help(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in commands():
        found = resolve(*words)
        assert found is not None, words
        assert parse([*words, "--help"], "mc", in_shell=True) is None
        shown = " ".join(capsys.readouterr().out.split())
        for item in found.parameters:
            assert " ".join(item.param.description.split()) in shown, (words, item.name)


def test_the_help_tells_every_exit_code_that_an_error_has(mc: Command) -> None:
    told = {int(word) for word in mc("--help").stdout.partition("Exit codes:")[2].split() if word.isdigit()}
    assert {kind.exit_code for kind in ModelCypherError.__subclasses__()} <= told
    assert {0, 1, 130} <= told


def test_the_version_is_the_package_s(mc: Command) -> None:
    from modelcypher_nb import __version__

    assert mc("--version").stdout == f"modelcypher_nb {__version__}\n"


def test_words_become_the_operation_s_arguments(home: Path) -> None:
    request = parse(["train", "start", "--name", "a", "x.py", "--", "--lr", "1"], "mc", in_shell=True)
    assert request is not None
    assert request.operation.name == "train_script"
    assert request.arguments == {"target": "x.py", "arguments": ["--lr", "1"], "name": "a"}


def test_a_switch_that_isn_t_named_is_left_out(home: Path) -> None:
    left_out = parse(["model", "scan", "x"], "mc", in_shell=True)
    off = parse(["model", "scan", "x", "--no-strict"], "mc", in_shell=True)
    assert left_out is not None
    assert off is not None
    assert left_out.arguments == {"path": ["x"]}
    assert off.arguments == {"path": ["x"], "strict": False}


@pytest.mark.promise("DISPLAY-3")
def test_control_characters_of_a_file_name_never_reach_the_terminal(mc: Command, small_model: Path) -> None:
    evil = small_model.with_name("a\x1b[2Jb\u202e.safetensors")
    evil.write_bytes(small_model.read_bytes())
    for words in (["model", "show"], ["model", "scan"], ["model", "show", "--json"]):
        result = mc(*words, f"./{evil.name}")
        assert result.returncode == 0, result.stderr
        assert not {"\x1b", "\u202e"} & set(result.stdout)
    refused = mc("model", "show", "./\x1b[2J")
    assert "\x1b" not in refused.stderr
    assert "\x1b" not in mc("model", "\x1b[2J").stderr


def test_a_reader_that_had_enough_is_no_error(mc: Command, small_model: Path, tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    for words in (["model", "show", small_model.name], ["--help"]):
        result = mc(*words, capture_output=False, stdout=writing, stderr=subprocess.PIPE)
        assert (result.returncode, result.stderr) == (0, ""), words
    cut = small_model.with_name("cut.safetensors")
    cut.write_bytes(small_model.read_bytes()[:-3])
    assert mc("model", "scan", cut.name, capture_output=False, stdout=writing).returncode == 2
    os.close(writing)


def test_a_full_disk_behind_stdout_gives_70(mc: Command, small_model: Path) -> None:
    with Path("/dev/full").open("w") as full:
        result = mc("model", "show", small_model.name, capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert result.returncode == 70
    assert len(lines(result.stderr)) == 2


def test_a_terminal_without_unicode_still_gets_an_answer(mc: Command, work: Path, small_model: Path) -> None:
    small_model.rename(work / "модель.safetensors")
    result = mc("model", "show", "модель.safetensors", variables={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("error", [RuntimeError("boom"), SystemExit(1), MemoryError(), RecursionError()])
def test_an_uncaught_exception_gives_70_and_two_lines(
    error: BaseException, session: Session, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(command_line, "_text", fail)
    assert command_line.run(["model", "list"]) == 70
    assert len(lines(capsys.readouterr().err)) == 2


def test_an_interrupt_gives_130_and_no_traceback(home: Path) -> None:
    code = (
        "import os, signal, sys; from modelcypher_nb.surfaces import command_line\n"
        "command_line._text = lambda *_: os.kill(os.getpid(), signal.SIGINT) or signal.pause()\n"
        "sys.exit(command_line.run(['model', 'list']))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (result.returncode, result.stderr) == (128 + signal.SIGINT, "")


@pytest.mark.parametrize("kind", sorted(ModelCypherError.__subclasses__(), key=lambda kind: kind.__name__))
def test_every_error_gives_its_own_code_and_two_lines(
    kind: type[ModelCypherError], session: Session, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise kind("It is\x1b[2J wrong.", "Do\u202e this.")

    monkeypatch.setattr(command_line, "_text", fail)
    assert command_line.run(["model", "list"]) == kind.exit_code
    assert capsys.readouterr().err == "mc: It is\\x1b[2J wrong.\n    Do\\u202e this.\n"
    assert kind.exit_code not in {0, 1}


@pytest.mark.promise("PATHS-7")
def test_a_model_folder_s_own_modules_are_never_imported(mc: Command, work: Path, small_model: Path) -> None:
    trap = "open('trap-' + __name__, 'w').close()\n"
    names = ("click", "json", "torch", "typing", "sqlite3", "dataclasses", "modelcypher_nb", "numpy", "platformdirs")
    for name in names:
        (work / f"{name}.py").write_text(trap)
    script = "import sys; sys.argv[0] = 'mc'; from modelcypher_nb.__main__ import main; sys.exit(main())"
    console = work.parent / "mc"
    console.write_text(f"#!{sys.executable}\n{script}\n")
    console.chmod(0o755)
    variables = {"PYTHONPATH": os.pathsep.join([str(Path(command_line.__file__).parents[2]), ""])}
    (work / "modelcypher_nb.py").unlink()  # `python -m` itself would look there first: only -P helps against that
    by_module = mc("model", "show", small_model.name, variables=variables)
    by_script = subprocess.run(
        [console, "model", "show", small_model.name],
        cwd=work,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (by_module.returncode, by_module.stderr) == (0, "")
    assert (by_script.returncode, by_script.stderr) == (0, "")
    assert by_script.stdout == by_module.stdout
    assert not list(work.glob("trap-*"))


def test_a_command_imports_nothing_heavy(home: Path, small_model: Path) -> None:
    code = (
        "import sys; from modelcypher_nb.surfaces import command_line\n"
        f"code = command_line.run(['model', 'scan', {str(small_model)!r}])\n"
        "heavy = {'torch', 'numpy', 'mcp', 'IPython', 'pydantic', 'matplotlib', 'anywidget', 'ipywidgets', 'asyncio'}\n"
        "others = {name for name in sys.modules if name.startswith('modelcypher_nb.operations.')}\n"
        "print(code, sorted(heavy & set(sys.modules)), 'modelcypher_nb.operations.jobs' in others, file=sys.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert result.stderr.split() == ["0", "[]", "False"]


def test_a_terminal_gets_the_same_text_as_a_file(home: Path, mc: Command, small_model: Path) -> None:
    controller, terminal = pty.openpty()
    try:
        result = mc("model", "show", small_model.name, capture_output=False, stdout=terminal)
    finally:
        os.close(terminal)
    seen = b""
    try:
        while block := os.read(controller, 65536):
            seen += block
    except OSError:  # how a terminal ends
        os.close(controller)
    assert result.returncode == 0
    assert seen.decode().replace("\r\n", "\n") == mc("model", "show", small_model.name).stdout


def test_allowing_in_a_shell_says_that_it_is_over(mc: Command, work: Path) -> None:
    (work / "folder").mkdir()
    brief = mc("allow", "folder")
    assert (brief.returncode, lines(brief.stderr)[0]) == (
        0,
        "This allows it for this one command, which is over. For good: mc settings allow --lasting DIR",
    )
    assert mc("allow", "--lasting", "folder").stderr == ""


def test_one_word_too_many_names_the_options(mc: Command) -> None:
    result = mc("model", "register", "net", "name")
    assert result.returncode == 64
    assert lines(result.stderr) == [
        "mc: mc model register has no place for 'name'.",
        "    Name what it is: --name. See: mc model register --help",
    ]


def test_a_file_whose_name_begins_with_a_dash_is_told_how_to_be_named(mc: Command) -> None:
    result = mc("model", "scan", "-net.pt")
    assert lines(result.stderr) == [
        "mc: mc model scan has no option -n.",
        "    Options begin with two dashes; write -- before a name that begins with one. See: mc model scan --help",
    ]
    assert "-net.pt" in mc("model", "scan", "--", "-net.pt").stderr


def test_help_fits_a_terminal_of_80_columns(mc: Command) -> None:
    wide = [line for line in lines(mc("--help", variables={"COLUMNS": "80"}).stdout) if len(line) > 80]
    assert not wide
