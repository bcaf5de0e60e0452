"""Files of joblib: a pickle between whose opcodes the raw bytes of every array lie; what else they could be is told."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from ..errors import MalformedError
from ..guard.source import Source
from .pickles.context import Context
from .pickles.machine import Machine

__all__ = ["FORMAT", "ArrayTaker", "judge_as_plain"]

FORMAT = "joblib file"


class ArrayTaker:
    """Takes the bytes of each array from the file right after what stands in for it was filled.

    Attributes:
        count: how many arrays were taken.
        is_ambiguous: whether `pickle.load` would take any of those bytes for opcodes.
    """

    def __init__(self) -> None:
        self.count = 0
        self.is_ambiguous = False

    def __call__(self, machine: Machine, value: Any) -> Any:
        """Give the array that a stand-in announces; None for any other value."""
        take = getattr(value, "take_from", None)  # `joblib_names.Wrapper` alone; its module waits for a file with one
        array = None if take is None else take(machine)
        if array is not None:
            self.count += 1
            self.is_ambiguous = self.is_ambiguous or value.is_ambiguous
        return array


def judge_as_plain(source: Source, context: Context) -> None:
    """Add to the findings what `pickle.load` would run in bytes that joblib takes for numbers."""
    plain = Context(context.where, context.limits, context.member, beside=context.beside, trusted=context.trusted)
    with suppress(MalformedError):  # the rule: numbers are no opcodes
        Machine(source, plain).run()
    known = {(one.rule, one.offset) for one in context.findings}
    context.findings.extend(
        one for one in plain.findings if one.level == "code" and (one.rule, one.offset) not in known
    )
