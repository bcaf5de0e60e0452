"""Files of joblib: a pickle between whose opcodes the raw bytes of every array lie; what else they could be is told."""

from __future__ import annotations

from contextlib import suppress

from ..errors import MalformedError
from ..guard.source import Source
from .pickles.context import Context
from .pickles.machine import Machine

__all__ = ["FORMAT", "judge_as_plain"]

FORMAT = "joblib file"


def judge_as_plain(source: Source, context: Context) -> None:
    """Add to the findings what `pickle.load` would run in bytes that joblib takes for numbers."""
    plain = Context(context.where, context.limits, context.member, beside=context.beside, trusted=context.trusted)
    with suppress(MalformedError):  # the rule: numbers are no opcodes
        Machine(source, plain).run()
    known = {(one.rule, one.offset) for one in context.findings}
    context.findings.extend(
        one for one in plain.findings if one.level == "code" and (one.rule, one.offset) not in known
    )
