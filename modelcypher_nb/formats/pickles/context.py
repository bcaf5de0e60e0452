"""What surrounds one walk of a pickle: its file, its bounds, who resolves its persistent ids, what was found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..limits import LIMITS, Limits
from ..report import Finding, Level
from .faults import FaultError

if TYPE_CHECKING:
    from .machine import Machine

__all__ = ["PYTHON_LOADED", "Context"]

MOST_OF_A_RULE = 50  # findings told one by one; a file may hold a million of the same
# What readings of ours may copy out of their arguments, in bytes: so much, and so much for each byte that is walked.
SPENDABLE_SLACK = 32 << 20
SPENDABLE_RATIO = 64
# Python has these loaded before it opens any pickle, and a library itself and numpy before it opens its own files: no
# file beside takes their place.
PYTHON_LOADED = frozenset({"builtins", "collections", "_codecs", "copyreg"})
LIBRARY_LOADED = PYTHON_LOADED | {"torch", "numpy"}
LOOK_FIRST = "Don't open it with another loader. See what it holds with: mc model show PATH"


@dataclass(slots=True)
class Context:
    """The surroundings of a walk.

    Attributes:
        where: the file, as it is shown.
        limits: the bounds.
        member: the archive member that the pickle is, where it is one.
        findings: what was found so far, over all pickles of the file.
        persistent: gives what a persistent id stands for, or raises `UnfitError`; None where the format has none.
        beside: names that Python would import from the folder of the file.
        on_build: called after BUILD filled a value; what it gives takes the value's place.
        trusted: full names that a person allowed for this very content.
        depth: how many files this one is nested in.
        loaded: top-level names that are imported before the file is opened.
        is_program: whether names below `__torch__` are the classes of a TorchScript program in the same file.
    """

    where: str
    limits: Limits = LIMITS
    member: str | None = None
    findings: list[Finding] = field(default_factory=list)
    persistent: Callable[[Any], Any] | None = None
    beside: frozenset[str] = frozenset()
    on_build: Callable[[Machine, Any], Any] | None = None
    trusted: frozenset[str] = frozenset()
    depth: int = 0
    is_program: bool = False
    loaded: frozenset[str] = LIBRARY_LOADED
    _room: list[int] = field(default_factory=lambda: [SPENDABLE_SLACK])
    _read_before: dict[int, object] = field(default_factory=dict)
    _told: set[tuple[str | None, str | None]] = field(default_factory=set)
    _counts: dict[str | None, int] = field(default_factory=dict)

    def tell(
        self,
        level: Level,
        rule: str,
        what: str,
        offset: int,
        *,
        name: str | None = None,
        excerpt: str | None = None,
        remedy: str | None = None,
    ) -> None:
        """Record a finding; of one rule only so many, and of harmless ones each name once."""
        if level not in {"code", "malformed"}:
            if (rule, name) in self._told:
                return
            self._told.add((rule, name))
        count = self._counts.get(rule, 0)
        if count >= MOST_OF_A_RULE:
            return
        self._counts[rule] = count + 1
        remedy = remedy or (LOOK_FIRST if level == "code" else None)
        self.findings.append(Finding(level, what, self.where, remedy, rule, self.member, offset, excerpt, name))

    def is_full(self, rule: str) -> bool:
        """Whether so many findings of a rule were told that no more are."""
        return self._counts.get(rule, 0) >= MOST_OF_A_RULE

    def allow(self, size: int) -> None:
        """Let the readings copy in proportion to bytes that are about to be walked."""
        self._room[0] += SPENDABLE_RATIO * size

    def spend(self, cost: int) -> None:
        """Account for what a reading copies: a value from the memo may be given to any number of calls.

        Raises:
            FaultError: it is far more than the file has bytes for.
        """
        self._room[0] -= cost
        if self._room[0] < 0:
            raise FaultError("has its values copied far more often than it has bytes for,")

    def is_new(self, data: object) -> bool:
        """Whether a file within the file wasn't read before; it is kept, so that no other takes its identity."""
        is_known = id(data) in self._read_before
        self._read_before[id(data)] = data
        return not is_known

    def inner(self, member: str | None) -> Context:
        """The surroundings of another pickle of the same file; findings go to the same list."""
        inner = Context(
            self.where, self.limits, member, self.findings, None, self.beside, None, self.trusted, self.depth + 1
        )
        inner._told, inner._counts = self._told, self._counts
        inner._room, inner._read_before = self._room, self._read_before
        return inner
