"""The magic: a variable is one argument, the result its value, a mistake two lines; Tab completes; leaving is clean."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell

from modelcypher_nb.errors import ConflictError, UnknownIdError, UsageError
from modelcypher_nb.operations.facts import ModelFacts, ModelList
from modelcypher_nb.operations.session import Session
from modelcypher_nb.surfaces import completion, magics
from modelcypher_nb.surfaces.variables import read, word_of

if TYPE_CHECKING:
    from tests.kernels import Kernel


# IPython's own way for terminals without jedi; it has no date for its end.
pytestmark = pytest.mark.filterwarnings("ignore:.Completer.complete. is pending:PendingDeprecationWarning")


def value(shell: Any, code: str) -> Any:
    """What a cell gives; its error is raised."""
    result = shell.run_cell(code, silent=False, store_history=False)
    result.raise_error()
    return result.result


def test_the_value_is_the_result_object(shell: Any, small_model: Path) -> None:
    assert isinstance(value(shell, f"%mc model show {small_model.name}"), ModelFacts)
    assert value(shell, f"card = %mc model show {small_model.name}\ncard.parameter_count") == 28


def test_json_gives_the_wire(shell: Any, small_model: Path) -> None:
    assert value(shell, f"%mc model show {small_model.name} --json")["_schema"] == "mc.model.show.v1"


def test_a_scan_expands_patterns_and_gives_or_keeps_its_report(shell: Any, small_model: Path) -> None:
    assert value(shell, "%mc model scan *.safetensors").counts == {"weights": 1}
    assert value(shell, "%mc model scan --sarif *.safetensors")["version"] == "2.1.0"
    shell.user_ns["report"] = small_model.with_name("report of mine.sarif")
    facts = value(shell, "%mc model scan --sarif --output {report} s*.safetensors")
    assert facts.exit_code == 0
    assert '"version": "2.1.0"' in shell.user_ns["report"].read_text()
    with pytest.raises(ConflictError):
        value(shell, "%mc model scan --output {report} s*.safetensors")


def test_a_semicolon_silences_the_value(shell: Any, small_model: Path) -> None:
    assert value(shell, f"%mc model show {small_model.name};") is None


def test_alone_it_shows_the_commands(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert value(shell, "%mc") is None
    shown = capsys.readouterr().out
    assert "Usage: %mc" in shown
    assert "model scan" in shown
    assert "--allow" not in shown


def test_a_variable_is_one_argument_whatever_it_holds(shell: Any) -> None:
    shell.user_ns["text"] = "bert --yes --purge"
    with pytest.raises(UnknownIdError, match="'bert --yes --purge'"):
        value(shell, "%mc model show {text}")
    shell.user_ns["text"] = "--json"
    with pytest.raises(UnknownIdError, match="'--json'"):
        value(shell, "%mc model show {text}")


def test_a_variable_makes_no_verb_and_no_option(shell: Any) -> None:
    shell.user_ns["text"] = "list"
    with pytest.raises(UsageError, match=r"no command '%mc model \{text\}'"):
        value(shell, "%mc model {text}")
    for line in ("%mc model list --{text}", "%mc model list -{text}", "%mc model list --{text}=1"):
        with pytest.raises(UsageError, match="option's name can't come from a variable"):
            value(shell, line)


def test_a_variable_may_be_an_option_s_value_or_a_part_of_a_path(shell: Any, small_model: Path) -> None:
    shell.user_ns |= {"count": 1, "stem": small_model.stem}
    assert isinstance(value(shell, "%mc model list --limit {count}"), ModelList)
    assert value(shell, "%mc model show ./{stem}.safetensors").name == small_model.name
    assert len(value(shell, "%mc model show {stem + '.safetensors'} --limit={count}").tensors) == 1


def test_a_path_with_spaces_and_quotes_stays_one_argument(shell: Any, small_model: Path) -> None:
    odd = small_model.rename(small_model.with_name("it's a {model} $HOME.safetensors"))
    shell.user_ns["path"] = odd
    assert value(shell, "%mc model show {path}").name == odd.name


def test_objects_of_ours_stand_for_their_model(shell: Any, small_model: Path) -> None:
    value(shell, f"row = %mc model register {small_model.name} --name kept")
    assert value(shell, "%mc model show {row}").reference == "kept@1"
    assert value(shell, "rows = %mc model list\nfound = %mc model show {rows.items[0]}\nfound.reference") == "kept@1"


def test_a_name_of_a_function_s_own_is_found(shell: Any, small_model: Path) -> None:
    code = f"def look(path):\n    found = %mc model show {{path}}\n    return found.name\nlook({small_model.name!r})"
    assert value(shell, code) == small_model.name


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("%mc model show {absent_name}", "NameError"),
        ("%mc model show {[1, 2]}", "type list"),
        ("%mc model show {1 +}", "no Python expression"),
        ("%mc model show 'open", "can't be split"),
        ("%mc model shwo", "no command"),
        ("%mc model show", "needs MODEL"),
        ("%mc model list --bad", "no option --bad"),
        ("%%mc model show x\nmore", "takes no lines below it"),
    ],
)
def test_a_mistake_is_raised_and_shown_in_two_lines(
    shell: Any, line: str, problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    result = shell.run_cell(line)
    assert isinstance(result.error_in_exec, UsageError)
    shown = capsys.readouterr()
    text = (shown.out + shown.err).strip()
    assert problem in text
    assert len(text.splitlines()) == 2, text


def test_allow_is_a_verb_here_and_no_option(shell: Any, tmp_path: Path, small_model: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with pytest.raises(UsageError, match="no option --allow"):
        value(shell, f"%mc model show {small_model.name} --allow {elsewhere}")
    value(shell, f"%mc allow {elsewhere}")
    assert str(elsewhere) in value(shell, "%mc status").roots


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("a 'b c' \"d e\"", ["a", "b c", "d e"]),
        ("'{x}' {{x}}", ["{x}", "{x}"]),
        ('{d["}"]}', ["\0000\000"]),
        ("a{x}b{y}", ["a\0000\000b\0001\000"]),
        ("{ {'k': 1}['k'] }", ["\0000\000"]),
    ],
)
def test_words_are_split_before_values_are_put_in(line: str, words: list[str]) -> None:
    assert read(line).words == words


def test_numbers_and_paths_are_words_and_strangers_are_not() -> None:
    assert [word_of(one) for one in (3, 1e-5, True, Path("/a b"), "x y")] == ["3", "1e-05", "True", "/a b", "x y"]
    for one in ([1], {"a": 1}, object(), None, b"x"):
        with pytest.raises(UsageError, match="no single word"):
            word_of(one)


@pytest.mark.parametrize(
    ("line", "some"),
    [
        ("%mc mo", ["model"]),
        ("%mc model s", ["scan", "show"]),
        ("found = %mc model sh", ["show"]),
        ("%mc train sta", ["start", "status"]),
        ("%mc model show sm", ["small.safetensors"]),
        ("%mc model show ./sm", ["./small.safetensors"]),
        ("%mc model show ke", ["kept"]),
        ("%mc model show kept@", ["kept@1", "kept@best"]),
        ("%mc model scan small.safetensors sm", ["small.safetensors"]),
        ("%mc model scan a\\ ", []),
        ("%mc model list --li", ["--limit"]),
        ("%mc model scan x --no", ["--no-strict"]),
        ("%mc job list --status pa", ["paused"]),
        ("%mc settings set mcp_po", ["mcp_port"]),
        ("%mc kernel show my_", ["my_value"]),
        ("%mc model show {my_", ["my_value"]),
        ("%mc model show wi", ["'with space.safetensors'"]),
        ("%mc model show 'wi", ["'with space.safetensors'"]),
        ("%mc model show fo", ["folder/"]),
    ],
)
def test_tab_completes_verbs_options_ids_paths_and_variables(
    shell: Any, small_model: Path, line: str, some: list[str]
) -> None:
    small_model.with_name("with space.safetensors").write_bytes(b"")
    small_model.with_name("folder").mkdir()
    shell.user_ns["my_value"] = 1
    value(shell, f"%mc model register {small_model.name} --name kept")
    value(shell, "%mc model alias kept best")
    fragment, matches = shell.complete("", line, len(line))
    assert line.endswith(fragment)
    assert set(some) <= set(matches)
    assert not [one for one in matches if not one.lstrip("'").startswith(fragment.lstrip("'"))]


@pytest.mark.parametrize("jedi", [True, False])
def test_completions_replace_the_whole_word_with_and_without_jedi(shell: Any, small_model: Path, jedi: bool) -> None:
    shell.Completer.use_jedi = jedi
    shell.user_ns["small_thing"] = 1  # what Python's own completions would offer
    code = f"small_thing = 1\ncard = %mc model show {small_model.name[:3]}"
    with provisionalcompleter():
        found = list(shell.Completer.completions(code, len(code)))
    assert [(one.text, one.start, one.end) for one in found] == [(small_model.name, len(code) - 3, len(code))]


def test_a_slow_look_gives_no_answer_instead_of_a_stuck_key() -> None:
    import threading

    release = threading.Event()
    try:
        assert completion.within(0.01, lambda: [str(release.wait(60))]) is None
    finally:
        release.set()


def test_lines_that_aren_t_ours_complete_as_before(shell: Any) -> None:
    shell.user_ns["my_value"] = 1
    shell.Completer.use_jedi = False  # whose answers this way of asking leaves out
    assert "my_value" in shell.complete("", "my_", 3)[1]
    assert shell.complete("", "%tim", 4)[1]


def test_leaving_takes_everything_away_and_coming_back_works(session: Session, small_model: Path) -> None:
    shell = InteractiveShell.instance()
    try:
        formatter = shell.display_formatter.mimebundle_formatter
        before = (len(shell.Completer.custom_matchers), dict(formatter.deferred_printers))
        for _ in range(2):
            shell.run_line_magic("load_ext", "modelcypher_nb")
            magics.load(shell)
            assert len(shell.Completer.custom_matchers) == before[0] + 1
            value(shell, f"%mc model show {small_model.name}")
            shell.run_line_magic("unload_ext", "modelcypher_nb")
            assert shell.find_line_magic("mc") is None
            assert shell.find_cell_magic("mc") is None
            assert (len(shell.Completer.custom_matchers), dict(formatter.deferred_printers)) == before
            assert not [kind for kind in formatter.type_printers if kind.__module__.startswith("modelcypher_nb")]
            assert "matplotlib.figure.Figure" not in shell.display_formatter.formatters["image/png"]
    finally:
        InteractiveShell.clear_instance()


def test_a_start_folder_that_shadows_our_packages_is_named_once_and_not_run(
    session: Session, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (work / "click.py").write_text("raise SystemExit('run')")
    (work / "torch").mkdir()
    (work / "torch" / "__init__.py").write_text("raise SystemExit('run')")
    (work / "notes.py").write_text("")
    monkeypatch.syspath_prepend("")
    shell = InteractiveShell.instance()
    try:
        with pytest.warns(UserWarning, match=r"holds click\.py, torch, which"):
            magics.load(shell)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            magics.load(shell)
    finally:
        magics.unload(shell)
        InteractiveShell.clear_instance()


@pytest.mark.slow
def test_a_kernel_runs_completes_and_shows_two_lines(kernel: Kernel, small_model: Path) -> None:
    assert kernel.text("%load_ext modelcypher_nb") == ""
    assert "small.safetensors" in kernel.text("%mc model show small.safetensors")
    assert kernel.complete("%mc model sh") == ["%mc model show"]
    assert kernel.complete("c = %mc model show ./sm") == ["c = %mc model show ./small.safetensors"]
    reply = kernel.run("%mc model show nothing")[-1]
    assert (reply["status"], reply["ename"]) == ("error", "UnknownIdError")
    assert len("\n".join(reply["traceback"]).splitlines()) == 2
    stopped = kernel.run("%mc model shwo\nprint('went on')")
    assert not [one for one in stopped if one.get("text") == "went on\n"]


@pytest.mark.slow
@pytest.mark.promise("PATHS-7")
def test_a_kernel_in_a_folder_with_a_click_of_its_own_warns_and_runs_ours(kernel: Kernel, work: Path) -> None:
    (work / "click.py").write_text("open('trap', 'w').close()")
    outputs = kernel.run("%load_ext modelcypher_nb")
    assert "click.py" in "".join(one.get("text", "") for one in outputs)
    assert "Usage: %mc" in kernel.text("%mc")
    assert not (work / "trap").exists()
