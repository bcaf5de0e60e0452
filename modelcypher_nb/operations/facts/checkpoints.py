"""What the operations of checkpoints give."""

from __future__ import annotations

from dataclasses import dataclass

from ...store.records import CheckpointRecord

__all__ = ["CheckpointFacts", "CheckpointList"]


@dataclass(frozen=True, slots=True)
class CheckpointList:
    """A page of checkpoints, the newest first."""

    items: tuple[CheckpointRecord, ...]
    total: int
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class CheckpointFacts:
    """One checkpoint, and after `verify` whether its files are what was written."""

    checkpoint: CheckpointRecord
    path: str
    intact: bool | None = None

    @property
    def exit_code(self) -> int:
        """What a shell gives: 2 for files that aren't what was written."""
        return 2 if self.intact is False else 0
