"""What the operations of settings give."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["SettingFacts", "SettingsFacts"]


@dataclass(frozen=True, slots=True)
class SettingFacts:
    """A setting's value, a secret's only as set or not, and where it came from."""

    key: str
    variable: str
    value: str
    origin: str
    meaning: str


@dataclass(frozen=True, slots=True)
class SettingsFacts:
    """Settings in force."""

    settings: tuple[SettingFacts, ...]
    notices: tuple[str, ...] = ()
    roots: tuple[str, ...] = ()
