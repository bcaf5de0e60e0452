"""Bad input is two sentences, what is wrong and what to do: the same from Python, magic, shell and tool."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from modelcypher_nb.operations.operation import find
from tests.conftest import safetensors_bytes
from tests.kernels import environment, running
from tests.surfaces.test_every_surface import House

pytestmark = pytest.mark.slow

PREPARED = """
import json
import modelcypher_nb as mc
from modelcypher_nb.operations.operation import find
from modelcypher_nb.operations.wire import wire
from modelcypher_nb.surfaces.mcp.control import control
get_ipython().run_line_magic("load_ext", "modelcypher_nb")
mc.serve()
"""
LIMITS = {"MC_MCP_RATE": "1000", "MC_MCP_BURST": "1000", "MC_MCP_PROFILE": "full"}


@dataclass(frozen=True)
class Bad:
    """One mistake.

    Attributes:
        operation: its name.
        arguments: by the names of its parameters.
        error: the class of the refusal.
        code: what a shell gives.
        says: words of the two sentences.
        tool: the tool's second sentence, where an assistant has another way out than a person.
        people: whether the verb is no assistant's at all.
    """

    operation: str
    arguments: dict[str, Any]
    error: str
    code: int
    says: tuple[str, str]
    tool: str = ""
    people: bool = False


OUTSIDE = "outside the allowed folders"
ASK = "Ask the person to register the model: mc model register PATH"
BAD = {
    "a missing file": Bad(
        "model_show", {"model_id": "./absent.safetensors"}, "MissingFileError", 66,
        ("There is no file or folder", "Check the spelling"),
    ),
    "a missing file to scan": Bad(
        "model_scan", {"path": ["absent.safetensors"]}, "UnknownIdError", 66,
        ("There is no model 'absent.safetensors'.", "Check the path if a file is meant, or list the registered models"),
    ),
    "a missing file to register": Bad(
        "model_register", {"path": "absent.safetensors"}, "MissingFileError", 66,
        ("There is no file or folder", "Check the spelling"),
    ),
    "a missing script": Bad(
        "train_script", {"target": "absent.py"}, "MissingFileError", 66,
        ("There is no file or folder", "Check the spelling"),
        people=True,
    ),
    "a folder without weights": Bad(
        "model_show", {"model_id": "empty"}, "MissingFileError", 66,
        ("There are no model weights in", "Name the file, or the folder that holds the weights."),
    ),
    "a folder without weights to register": Bad(
        "model_register", {"path": "empty"}, "MissingFileError", 66,
        ("There are no model weights in", "Name the file, or the folder that holds the weights."),
    ),
    "a truncated file": Bad(
        "model_show", {"model_id": "cut.safetensors"}, "MalformedError", 2,
        ("it is cut off", "Fetch the file again"),
    ),
    "a truncated file to register": Bad(
        "model_register", {"path": "cut.safetensors", "name": "cut"}, "MalformedError", 2,
        ("it is cut off", "Fetch the file again"),
    ),
    "a lying header": Bad(
        "model_show", {"model_id": "lying.safetensors"}, "MalformedError", 2,
        ("needs 4000 bytes, but its data_offsets [0, 16] hold 16 bytes", "Fetch the file again"),
    ),
    "a lying header to register": Bad(
        "model_register", {"path": "lying.safetensors", "name": "lying"}, "MalformedError", 2,
        ("needs 4000 bytes, but its data_offsets [0, 16] hold 16 bytes", "Fetch the file again"),
    ),
    "a format that isn't read": Bad(
        "model_show", {"model_id": "packed.bin"}, "UnsupportedFormatError", 3,
        ("isn't read: 7z archive", "Look for a safetensors version"),
    ),
    "a pickle that runs code to convert": Bad(
        "model_convert", {"model_id": "evil.bin"}, "UnsafeFileError", 65,
        ("is judged code, and isn't converted", "mc model convert --rescue"),
    ),
    "a pickle without tensors to convert": Bad(
        "model_convert", {"model_id": "pickled.bin"}, "UsageError", 64,
        ("holds no tensors", "/pickled.bin"),
    ),
    "safetensors to convert": Bad(
        "model_convert", {"model_id": "./small.safetensors", "output": "more.safetensors"}, "UsageError", 64,
        ("is safetensors already", "Load it as it is"),
    ),
    "a pattern that matches nothing": Bad(
        "model_scan", {"path": ["*.pth"]}, "MissingFileError", 66,
        ("The pattern '*.pth' matches nothing.", "Check the spelling"),
    ),
    "a class that the file doesn't hold": Bad(
        "model_trust", {"digest": "evil.bin", "class_name": "a.B"}, "UsageError", 64,
        ("has no finding that a.B is dangerous", "The names in its findings: posix.system."),
        people=True,
    ),
    "a path outside the roots": Bad(
        "model_show", {"model_id": "/etc/hostname"}, "PathRefusedError", 66,
        (f"/etc/hostname lies {OUTSIDE}", "Allow its folder with mc.allow('/etc')"), ASK,
    ),
    "a way out of the roots": Bad(
        "model_scan", {"path": ["../secret.safetensors"]}, "PathRefusedError", 66,
        (f"../secret.safetensors lies {OUTSIDE}", "Allow its folder"), ASK,
    ),
    "an unknown model": Bad(
        "model_show", {"model_id": "absent"}, "UnknownIdError", 66,
        ("There is no model 'absent'.", "or list the registered models with: mc model list"),
    ),
    "an unknown version": Bad(
        "model_verify", {"model_id": "kept@7"}, "UnknownIdError", 66,
        ("The model kept has no version or alias '7'.", "It has kept@1."),
    ),
    "an unknown run": Bad(
        "job_show", {"job_id": "absent"}, "UnknownIdError", 66,
        ("There is no job 'absent'.", "List what there is with: mc job list"),
    ),
    "an unknown run to pause": Bad(
        "job_pause", {"job_id": "absent"}, "UnknownIdError", 66,
        ("There is no job 'absent'.", "List what there is with: mc job list"),
    ),
    "an unknown run's checkpoint": Bad(
        "checkpoint_show", {"job_id": "absent", "step": 3}, "UnknownIdError", 66,
        ("There is no job 'absent'.", "List what there is with: mc job list"),
    ),
    "a number out of bounds": Bad(
        "model_list", {"limit": 0}, "UsageError", 64,
        ("model list's limit is 0.", "Give a value of 1 or more."),
    ),
    "a word where a number belongs": Bad(
        "model_list", {"limit": "many"}, "UsageError", 64,
        ("model list's limit is 'many'.", "Give a whole number."),
    ),
    "a name that no model may bear": Bad(
        "model_register", {"path": "small.safetensors", "name": "No Name/.."}, "UsageError", 64,
        ("'No Name/..'", "lower-case"),
    ),
    "a setting's senseless value": Bad(
        "settings_set", {"key": "mcp_port", "value": "abc"}, "SettingError", 64,
        ("mcp_port (settings.toml) is 'abc', but a port from 1 to 65535 is expected.", "Correct it, or unset it."),
        people=True,
    ),
    "a folder that isn't there to allow": Bad(
        "settings_allow", {"path": "absent"}, "MissingFileError", 66,
        ("There is no folder or file", "Name one that exists."),
        people=True,
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    work = folder / "work"
    (work / ".git").mkdir(parents=True)
    (work / "empty").mkdir()
    (work / "empty" / "notes.txt").write_text("no model")
    whole = safetensors_bytes({"layer.weight": (4, 6), "layer.bias": (4,)})
    (work / "small.safetensors").write_bytes(whole)
    (work / "cut.safetensors").write_bytes(whole[:-3])
    header = json.dumps({"a": {"dtype": "F32", "shape": [1000], "data_offsets": [0, 16]}}).encode()
    (work / "lying.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(16))
    (work / "pickled.bin").write_bytes(b"\x80\x04}.")
    (work / "packed.bin").write_bytes(b"7z\xbc\xaf\x27\x1c" + bytes(64))
    (work / "evil.bin").write_bytes(b"\x80\x02cposix\nsystem\nX\x04\x00\x00\x00true\x85R.")
    (folder / "secret.safetensors").write_bytes(whole)
    variables = environment(folder / "home", **LIMITS)
    with running(work, variables) as kernel:
        kernel.text(PREPARED + "mc.model_register('small.safetensors', 'kept')")
        yield House(kernel, work, variables, "")
        kernel.run("mc.mcp_stop()")


def two_sentences(text: str) -> tuple[str, str]:
    """A shell's two lines on stderr."""
    lines = text.splitlines()
    assert len(lines) == 2, text
    assert lines[0].startswith("mc: ")
    assert lines[1].startswith("    ")
    return lines[0].removeprefix("mc: "), lines[1].strip()


def kept(house: House) -> tuple[Any, ...]:
    """Everything that a mistake could leave behind: files, registered models, runs, settings, allowed folders."""
    homes = Path(house.variables["MODELCYPHER_NB_HOME"])
    files = sorted(
        str(path)
        for top in (homes, house.work)
        for path in top.rglob("*")
        if not path.name.startswith("catalog.sqlite3")
    )
    rows = house.said(
        "print(json.dumps([wire(find('model_list'), mc.model_list()), wire(find('job_list'), mc.job_list()),"
        " wire(find('settings_show'), mc.settings_show())]))"
    )
    return files, rows


@pytest.mark.parametrize("mistake", BAD)
def test_a_mistake_is_the_same_two_sentences_on_every_surface_and_leaves_nothing(house: House, mistake: str) -> None:
    bad = BAD[mistake]
    found = find(bad.operation)
    before = kept(house)
    python = house.failed(found, bad.arguments, "python")
    magic = house.failed(found, bad.arguments, "magic")
    shell = house.shell(found, bad.arguments)
    assert python["ename"] == magic["ename"] == bad.error
    assert len(python["traceback"]) == len(magic["traceback"]) == 2, "a person's mistake is no traceback"
    problem, remedy = two_sentences(shell["error"])
    assert shell["code"] == bad.code
    assert bad.says[0] in problem
    assert bad.says[1] in remedy
    assert f"{problem} {remedy}" == python["evalue"] == magic["evalue"]
    if bad.people:
        assert house.tool(found, bad.arguments) is None
    else:
        tool = house.tool(found, bad.arguments, refused=True)
        if bad.tool:  # an assistant has fewer folders, and can't widen them
            assert tool.startswith(problem.partition(" (")[0])
            assert tool.endswith(bad.tool)
            assert "mc.allow" not in tool
        else:
            assert tool == python["evalue"]
    assert kept(house) == before


def test_a_senseless_variable_is_named_everywhere_and_starts_nothing(house: House, tmp_path: Path) -> None:
    says = "MC_MCP_PORT (environment) is 'abc', but a port from 1 to 65535 is expected. Correct it, or unset it."
    variables = environment(tmp_path / "home", MC_MCP_PORT="abc")
    with running(house.work, variables) as kernel:
        kernel.text("%load_ext modelcypher_nb\nimport modelcypher_nb as mc")
        for cell in ("mc.model_list()", "%mc model list", "mc.serve()", "%mc mcp start"):
            reply = kernel.run(cell)[-1]
            assert (reply["ename"], reply["evalue"]) == ("SettingError", says), cell
            assert len(reply["traceback"]) == 2
    other = House(house.kernel, house.work, variables, "")
    answer = other.shell(find("model_list"), {})
    assert (" ".join(two_sentences(answer["error"])), answer["code"]) == (says, 64)
    assert not (tmp_path / "home" / "mcp").exists()


def test_a_server_in_a_shell_is_refused_with_the_cell_that_starts_it(house: House) -> None:
    answer = house.shell(find("mcp_start"), {})
    assert two_sentences(answer["error"]) == (
        "mcp start works on a notebook's live kernel, and this process isn't one.",
        "Run it in a notebook cell: %mc mcp start",
    )
    assert answer["code"] == 64


def test_a_second_start_with_other_settings_is_refused_and_the_first_server_goes_on(house: House) -> None:
    address = house.said("print(json.dumps(control.connection().url))")
    house.kernel.text("mc.settings_set('mcp_port', '1234')")
    for cell in ("mc.serve()", "%mc mcp start"):
        reply = house.kernel.run(cell)[-1]
        assert reply["ename"] == "ConflictError"
        assert reply["evalue"] == (
            "The server runs already, with other settings (MC_MCP_PORT). Stop it first, then start it: %mc mcp stop"
        )
        assert len(reply["traceback"]) == 2
    assert house.said("print(json.dumps(control.connection().url))") == address
