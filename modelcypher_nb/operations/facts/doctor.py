"""What the operations of the doctor give."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Check", "DoctorFacts"]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that the doctor looked at; a fault names the command that mends it."""

    name: str
    ok: bool
    found: str
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class DoctorFacts:
    """Every part that was looked at."""

    checks: tuple[Check, ...]
    healthy: bool

    @property
    def exit_code(self) -> int:
        """What a shell gives: 69 where a part is missing or doesn't fit."""
        return 0 if self.healthy else 69
