"""Answers for machines, and the file that one may go to: the same for the shell and for magics."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

from ..operations.session import Call

if TYPE_CHECKING:
    from .words import Request

__all__ = ["answer_file", "machine_answer", "machine_text", "write_answer"]


def machine_answer(request: Request, facts: Any) -> dict[str, Any] | None:
    """The facts as JSON values, or as SARIF; None where a person's answer was asked for."""
    if request.sarif:
        from ..operations.session import current
        from .sarif import sarif

        return sarif(facts, current().start)
    if not request.json:
        return None
    from ..operations.wire import wire

    return wire(request.operation, facts)


def machine_text(content: dict[str, Any]) -> str:
    """JSON values as text, in ASCII: no character of a file can steer a terminal."""
    import json

    return json.dumps(content, indent=2, allow_nan=False)


def write_answer(file: BinaryIO, facts: Any, content: dict[str, Any] | None) -> None:
    """Write the machine's answer, or a person's where none was asked for."""
    if content is None:
        from ..views.text import render

        text = render(facts)
    else:
        text = machine_text(content)
    file.write(f"{text}\n".encode("utf-8", "backslashreplace"))


@contextmanager
def answer_file(call: Call, request: Request) -> Iterator[BinaryIO | None]:
    """The new file that the answer goes to, opened before the work: a name that is taken costs no scan.

    Raises:
        ConflictError: the file exists.
        PathRefusedError: its folder isn't allowed.
    """
    if request.output is None:
        yield None
        return
    with call.guard.create(request.output) as file:
        yield file
