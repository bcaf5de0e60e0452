"""`%mc` and `%%mc`: the commands of the shell in a notebook cell, with the result object as their value."""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
import weakref
from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import ModelCypherError, UsageError
from ..guard.secrets import shown
from ..operations.operation import run
from ..operations.session import current
from .reports import answer_file, machine_answer, write_answer

__all__ = ["load", "unload"]

# What the package imports late: a file of such a name in the start folder would be run in its place.
OF_OURS = (
    "anyio", "anywidget", "click", "comm", "dotenv", "httpx2", "ipykernel", "ipywidgets", "json", "matplotlib", "mcp",
    "mlflow", "modelcypher_nb", "numpy", "platformdirs", "psutil", "pydantic", "safetensors", "sklearn", "sqlite3",
    "starlette", "tomlkit", "tomllib", "torch", "traitlets", "transformers", "uvicorn",
)  # fmt: skip


class _Installed:
    """What loading the extension did to one shell, to be undone."""

    def __init__(self, shell: Any) -> None:
        from .completion import matcher
        from .display import register

        self.shell = weakref.proxy(shell)
        self.matcher = matcher(shell)
        shell.register_magic_function(_magic(shell), "line_cell", "mc")
        shell.Completer.custom_matchers.append(self.matcher)
        register(shell)

    def undo(self) -> None:
        from .display import unregister

        unregister(self.shell)
        self.shell.Completer.custom_matchers.remove(self.matcher)
        for kind in ("line", "cell"):
            del self.shell.magics_manager.magics[kind]["mc"]


_installed: weakref.WeakKeyDictionary[Any, _Installed] = weakref.WeakKeyDictionary()
_warned: set[str] = set()


def load(shell: Any) -> None:
    """Give a shell the magics, their completion, and widgets for facts; harmless when done twice."""
    start = current().start
    _warn(start)
    with _without(start):  # a cell's start folder may be a stranger's: what loads now is ours
        from . import words  # noqa: F401 - and click with it
    if shell not in _installed:
        _installed[shell] = _Installed(shell)


def unload(shell: Any) -> None:
    """Take away what `load` gave."""
    installed = _installed.pop(shell, None)
    if installed is not None:
        installed.undo()


def _warn(start: str) -> None:
    """Say once which files of the start folder a kernel would import in place of packages of ours."""
    if start in _warned or not any(os.path.realpath(entry or ".") == start for entry in sys.path):
        return
    _warned.add(start)
    own = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))  # noqa: PTH120
    found = [name for name in _shadows(start) if not (name == "modelcypher_nb" and own == start)]
    if found:
        warnings.warn(
            f"The start folder {shown(start)} holds {', '.join(found)}, which this kernel imports in place of the "
            "packages of these names. Start the kernel in another folder if they aren't yours.",
            stacklevel=3,
        )


def _shadows(start: str) -> Iterator[str]:
    for name in OF_OURS:
        base = os.path.join(start, name)  # noqa: PTH118
        if os.path.isfile(f"{base}.py"):  # noqa: PTH113
            yield f"{name}.py"
        elif os.path.isfile(os.path.join(base, "__init__.py")):  # noqa: PTH113, PTH118
            yield name


@contextlib.contextmanager
def _without(start: str) -> Iterator[None]:
    """Import without the start folder for a moment."""
    before = list(sys.path)
    sys.path[:] = [entry for entry in before if entry and os.path.realpath(entry) != start]
    try:
        yield
    finally:
        sys.path[:] = before


def _magic(shell: Any) -> Any:
    """The magic's function for one shell."""
    from IPython.core.magic import needs_local_scope, no_var_expand, output_can_be_silenced

    @no_var_expand
    @needs_local_scope
    @output_can_be_silenced
    def mc(line: str, cell: str | None = None, *, local_ns: Mapping[str, Any] | None = None) -> Any:
        """Run a command of modelcypher_nb; the value is its result: `card = %mc model show PATH`.

        A variable in braces is one argument: `%mc model show {path}`. All commands: `%mc`; one: `%mc model show -h`.
        """
        if cell is not None and cell.strip():
            raise UsageError(
                f"%%mc {shown(line, 80)} takes no lines below it.",
                f"Write the command on one line: %mc {shown(line, 80)}",
            )
        return _run(line, shell.user_ns, local_ns or {})

    return mc


def _run(line: str, names: Mapping[str, Any], local: Mapping[str, Any]) -> Any:
    from .variables import read
    from .words import parse

    found = read(line.rstrip().removesuffix(";"))
    try:
        request = parse(found.words, "%mc", in_shell=False)
        if request is None:
            return None
        arguments = {name: found.filled(value, names, local) for name, value in request.arguments.items()}
        request = request._replace(output=found.filled(request.output, names, local))
    except ModelCypherError as error:
        found.named(error)
        raise
    call = current().person()
    with answer_file(call, request) as file:
        facts = run(request.operation, call, arguments)
        content = machine_answer(request, facts)
        if file is None:
            return facts if content is None else content
        write_answer(file, facts, content)
    return facts
