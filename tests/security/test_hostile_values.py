"""Values in braces that fight back: whatever an object does when asked for its text, one argument or two lines."""

from __future__ import annotations

import fractions
import numbers
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelcypher_nb.errors import ModelCypherError, UsageError
from modelcypher_nb.surfaces.variables import read, word_of


def refusal(shell: Any, value: Any, line: str = "model show {x}") -> ModelCypherError:
    """What the person is told of a value in braces."""
    shell.user_ns["x"] = value
    result = shell.run_cell(f"%mc {line}", silent=True, store_history=False)
    assert isinstance(result.error_in_exec, ModelCypherError), repr(result.error_in_exec)
    assert str(result.error_in_exec).replace("\n", "").isprintable()
    return result.error_in_exec


def raising(*_: Any) -> Any:
    raise RuntimeError("never asked")


class EvilPath:
    def __init__(self, answer: Callable[[], Any]) -> None:
        self._answer = answer

    def __fspath__(self) -> Any:
        return self._answer()


class EvilNumber(fractions.Fraction):
    __str__ = __repr__ = __format__ = raising


class EvilText(str):
    __slots__ = ()
    __str__ = __repr__ = __format__ = __contains__ = encode = replace = raising  # type: ignore[assignment]


HOSTILE: dict[str, Any] = {
    "a path that raises": EvilPath(raising),
    "a path that is a number": EvilPath(lambda: 5),
    "a path of bytes that are no text": EvilPath(lambda: b"\xff/../etc/passwd"),
    "a number that raises": EvilNumber(1),
    "an object without text": type("Evil", (), {"__str__": raising, "__repr__": raising})(),
    "a class that hides its module": type("Evil", (), {"__module__": 5})(),
    "a list": ["a", "b"],
    "bytes": b"/etc/passwd",
    "nothing": None,
    "a NUL": "a\0b",
    "a NUL that looks like a mark": "a\x000\x00b",
    "a NUL that looks like a mark of nothing": "a\x0099\x00b",
    "half a surrogate pair": "\ud800",
    "a terminal's escape": "\x1b[2J\x07",
    "a text of a megabyte": "x" * 1_000_000,
}


@pytest.mark.promise("DISPLAY-3")
@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_value_is_two_sentences(shell: Any, kind: str) -> None:
    error = refusal(shell, HOSTILE[kind])
    assert error.problem
    assert error.remedy
    assert len(str(error)) < 3000


@pytest.mark.parametrize(
    "value", ["--json", "-h", "--help", "--allow=/", "a b", "a --strict", "'", '"; x', "{y}", "$HOME"]
)
def test_a_value_is_one_word_and_never_an_option(shell: Any, work: Path, value: str) -> None:
    (work / "sub").mkdir()
    error = refusal(shell, f"./{value}" if "/" not in value else value)
    assert type(error).__name__ == "MissingFileError"
    assert type(refusal(shell, value)).__name__ == "UnknownIdError" or value.endswith("/")


def test_a_texts_own_methods_arent_asked(shell: Any) -> None:
    assert word_of(EvilText("plain")) == "plain"
    line = read("model show {x}")
    assert line.filled(line.words[-1], {"x": EvilText("plain")}, {}) == "plain"


def test_a_value_that_names_a_mark_of_another_isnt_filled_again() -> None:
    line = read("{a}{b}")
    assert line.filled(line.words[0], {"a": "\x001\x00", "b": "B"}, {}) == "\x001\x00B"


def test_an_expression_that_raises_is_told_without_its_words_being_obeyed() -> None:
    line = read("model show {x}")

    class Evil:
        @property
        def reference(self) -> str:
            raise KeyboardInterrupt

    with pytest.raises(UsageError):
        line.filled(line.words[-1], {"x": Evil()}, {})
    assert not isinstance(Evil(), numbers.Number)
