"""What surrounds one walk of a pickle: its file, its bounds, who resolves its persistent ids, what was found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..limits import LIMITS, Limits
from ..report import Finding, Level

if TYPE_CHECKING:
    from .machine import Machine

__all__ = ["Context"]

MOST_OF_A_RULE = 50  # findings told one by one; a file may hold a million of the same
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

    def inner(self, member: str | None) -> Context:
        """The surroundings of another pickle of the same file; findings go to the same list."""
        inner = Context(
            self.where, self.limits, member, self.findings, None, self.beside, None, self.trusted, self.depth + 1
        )
        inner._told, inner._counts = self._told, self._counts
        return inner
