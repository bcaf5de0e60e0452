"""A raw pickle file, or several stacked one after another: each is walked, and what stands between them is told."""

from __future__ import annotations

from typing import Any

from ..errors import MalformedError
from ..guard.source import Source
from .content import Content
from .joblib_file import FORMAT as JOBLIB
from .joblib_file import ArrayTaker, judge_as_plain
from .pickles.context import PYTHON_LOADED, Context
from .pickles.flatten import flatten
from .pickles.machine import Machine
from .remedies import FETCH_AGAIN

__all__ = ["PICKLE_READERS", "finished", "read", "walk"]

FORMAT = "pickle"
MOST_PICKLES = 10_000
PICKLE_READERS = frozenset({"pickle_file", "torch_legacy"})  # of the kinds whose bytes `walk` walks


def read(source: Source, context: Context) -> Content:
    """Describe a file of pickles.

    Args:
        source: the file's bytes.
        context: the surroundings; findings go there.
    """
    context.on_build = taker = ArrayTaker()  # joblib's files are pickles that hold more; nothing says so beforehand
    context.loaded = PYTHON_LOADED
    roots, error = walk(source, context)
    if taker.is_ambiguous:
        judge_as_plain(source, context)
    root = roots[0] if len(roots) == 1 else roots
    name = JOBLIB if taker.count else FORMAT
    return finished(Content(name, root, pickled=True, error=error), context)


def walk(source: Source, context: Context) -> tuple[list[Any], MalformedError | None]:
    """Walk the pickles of a source from its first byte to its last.

    Returns:
        What each holds, and the fault that ended the walk before the end.
    """
    machine = Machine(source, context)
    roots: list[Any] = []
    try:
        while machine.position < source.size:
            roots.append(machine.run())
            if len(roots) >= MOST_PICKLES:
                raise _junk(context, machine, f"holds more than {MOST_PICKLES} pickles")
            if machine.position < source.size and source.read_at(machine.position, 1) not in STARTS:
                raise _junk(context, machine, "goes on after its end with what is no pickle")
    except MalformedError as error:
        return roots, error
    return roots, None


# What a second pickle may start with: a protocol, or a mark, an empty container, a name or a value of protocol 0.
STARTS = frozenset(bytes([code]) for code in b"\x80(]})cIFNSV.LK")


def _junk(context: Context, machine: Machine, what: str) -> MalformedError:
    error = MalformedError(f"The pickle in {context.where} {what} at byte {machine.position}.", FETCH_AGAIN)
    context.tell("malformed", "pickle-malformed", error.problem, machine.position, remedy=error.remedy)
    return error


def finished(content: Content, context: Context) -> Content:
    """Complete a content from what its walks found."""
    content.findings = context.findings
    content.tensors = flatten(content.root, context.limits)
    if content.error is None:
        lie = next((finding for finding in context.findings if finding.level == "malformed"), None)
        if lie is not None:
            content.error = MalformedError(lie.what, lie.remedy or FETCH_AGAIN)
    return content
