"""Files of joblib: a pickle between whose opcodes the raw bytes of every array lie; what else they could be is told."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from ..errors import MalformedError
from ..guard.source import Source
from .pickles.context import Context
from .pickles.faults import FaultError
from .pickles.machine import Machine
from .pickles.policy import Policy
from .pickles.values import Global

__all__ = ["FORMAT", "ArrayTaker", "judge_as_plain"]

FORMAT = "joblib file"
ARRAY_NAMES = frozenset({"_frombuffer", "_reconstruct", "dtype", "ndarray", "scalar"})
# Packages that have one of these names themselves, so that a walk goes on behind it.
HAVE_ARRAY_NAMES = frozenset({
    "cupy", "dask", "jax", "keras", "mlx", "mxnet", "numba", "numpy", "paddle", "pandas", "polars", "pyarrow", "scipy",
    "sklearn", "sparse", "tensorflow", "torch", "xarray",
})  # fmt: skip


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


class _PlainPolicy(Policy):
    """Ends a walk where Python would: at a name that was put together by accident, and that no module has.

    An array of objects recalls its own names by number, and in the outer pickle's memo other texts stand there.
    """

    def name(self, module: str, name: str, offset: int) -> Global:
        """Describe a name, unless importing it fails."""
        found = super().name(module, name, offset)
        is_lost = found.trusted is None and not found.as_called and name in ARRAY_NAMES
        if is_lost and module.partition(".")[0] not in HAVE_ARRAY_NAMES and "__main__" not in module.split("."):
            self._strangers.remove(found)
            raise FaultError("imports a name that no module has")
        return found


def judge_as_plain(source: Source, context: Context) -> None:
    """Add to the findings what `pickle.load` would run in bytes that joblib takes for numbers."""
    plain = Context(context.where, context.limits, context.member, beside=context.beside, trusted=context.trusted)
    machine = Machine(source, plain)
    machine.policy = _PlainPolicy(plain)
    with suppress(MalformedError):  # the rule: numbers are no opcodes
        machine.run()
    known = {(one.rule, one.offset) for one in context.findings}
    imported = {one.name for one in context.findings}  # where the walk ended before what they are for
    context.findings.extend(
        one
        for one in plain.findings
        if one.level == "code"
        and (one.rule, one.offset) not in known
        and not (one.rule == "pickle-name" and one.name in imported)
    )
