"""The shell: one handler runs a command, prints facts or JSON, and gives every outcome its exit code."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..errors import InternalError, ModelCypherError, StorageError
from ..guard.secrets import shown
from ..operations.operation import find
from ..operations.operation import run as execute
from ..operations.session import current
from ..settings import remember_secrets
from .reports import answer_file, machine_answer, machine_text, write_answer

if TYPE_CHECKING:
    from .words import Request

__all__ = ["run"]

INTERRUPTED = 130
ANSWER_CHARACTERS = 1_000_000  # of one line
NOTE_CHARACTERS = 2_000


def run(words: Sequence[str], program: str = "mc") -> int:
    """Run one command and give its exit code; errors are two lines on stderr."""
    code = 0
    try:
        text, code = _answer(words, program)
        _write(text)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read the answer (`head`) has enough; nothing went wrong, and nobody is left to be told.
        _close_stdout()
        return code
    except ModelCypherError as error:
        return _refuse(error, program)
    except OSError as error:  # of stdout: the executor turned every other one into ours
        _close_stdout()
        problem = f"The answer can't be written: {shown(error)}."
        return _refuse(StorageError(problem, "Free some space, then repeat the command."), program)
    except BaseException as error:  # noqa: BLE001 - Python's own exit code 1 would mean danger
        problem = f"{program} failed inside: {type(error).__name__}: {shown(error)}."
        return _refuse(InternalError(problem, "Please report this with the command that shows it."), program)
    return code


def _answer(words: Sequence[str], program: str) -> tuple[str, int]:
    """Execute the command and give its text and exit code."""
    from .words import parse

    request = parse(words, program, in_shell=True)
    if request is None:
        return "", 0
    call = current().person()
    for folder in request.allow:
        execute(find("settings_allow"), call, {"path": folder})
    if sys.stderr.isatty():
        from .progress import on_terminal

        call.session.show_progress = on_terminal
    with answer_file(call, request) as file:
        facts = execute(request.operation, call, request.arguments)
        content = machine_answer(request, facts)
        if file is not None:
            write_answer(file, facts, content)
    if (warning := getattr(facts, "warning", None)) is not None:
        _note(shown(f"{warning.text} {warning.command}", NOTE_CHARACTERS))
    answer = machine_text(content) if content is not None and file is None else _text(request, facts)
    if request.operation.name == "settings_allow" and not request.arguments.get("lasting"):
        _note("This allows it for this one command, which is over. For good: mc settings allow --lasting DIR")
    return answer, getattr(facts, "exit_code", 0)


def _text(request: Request, facts: Any) -> str:
    from ..views.text import render

    # The views escape what they were given; once more here, because this is the terminal's own door.
    drawn = render(facts, every_row="limit" in request.arguments)
    return "\n".join(shown(line, ANSWER_CHARACTERS) for line in drawn.split("\n"))


def _write(text: str) -> None:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal without Unicode is no reason to fail
    if text:
        sys.stdout.write(text + "\n")
    sys.stdout.flush()  # here, where a full disk still has an exit code


def _note(text: str) -> None:
    with contextlib.suppress(OSError):
        sys.stderr.write(text + "\n")


def _close_stdout() -> None:
    """Close it in vain: what it holds can't be written, and Python would try again at its end."""
    with contextlib.suppress(OSError):
        sys.stdout.close()


def _refuse(error: ModelCypherError, program: str) -> int:
    """Two lines on stderr, and the error's exit code."""
    remember_secrets(os.environ)  # a mistyped command is refused before a session has learnt what is secret
    with contextlib.suppress(OSError):  # stderr is the last place there is
        sys.stderr.write(f"{program}: {shown(error.problem, 4000)}\n    {shown(error.remedy, 4000)}\n")
        sys.stderr.flush()
    return error.exit_code
