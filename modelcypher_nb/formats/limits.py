"""How much a file may ask for before it is refused; each bound is a setting."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["LIMITS", "Limits"]

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of one reading. What a file really holds costs time and memory in proportion; these stop lies.

    Attributes:
        pickle_bytes: the longest pickle that is walked, big byte strings within it not counted.
        nesting: how deep values, and files within files, may nest.
        members: how many members an archive may have.
        unpacked_ratio: how many times its packed size a stream may unpack to, beyond `unpacked_slack`.
        unpacked_slack: what any stream may unpack to, in bytes.
        expanded_ratio: how many times its storage a tensor's values may take, beyond `expanded_slack`.
        expanded_slack: what the values of any tensor may take, in bytes, however small its storage.
    """

    pickle_bytes: int = 256 * MIB
    nesting: int = 1_000
    members: int = 200_000
    unpacked_ratio: int = 100
    unpacked_slack: int = 64 * MIB
    expanded_ratio: int = 1_000
    expanded_slack: int = 64 * MIB

    def unpacked(self, packed: int) -> int:
        """The most bytes that a stream of that packed size may unpack to."""
        return self.unpacked_slack + self.unpacked_ratio * packed

    def expanded(self, stored: int) -> int:
        """The most bytes that the values of a tensor over a storage of that size may take."""
        return self.expanded_slack + self.expanded_ratio * stored


LIMITS = Limits()
