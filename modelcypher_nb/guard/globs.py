"""Patterns in a person's path: expanded by us beneath the roots, for magics and assistants have no shell to do it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..errors import PathRefusedError, UsageError
from .safe_path import Entry, SafePath
from .secrets import shown

if TYPE_CHECKING:
    from .paths import Guard

__all__ = ["has_pattern", "matching"]

ENTRY_LIMIT = 100_000
DEPTH_LIMIT = 32
ANY_DEPTH = "**"


def has_pattern(text: str) -> bool:
    """Whether a text holds `*`, `?` or `[`."""
    return any(character in text for character in "*?[")


def matching(guard: Guard, pattern: str) -> Iterator[str]:
    """Every path that a pattern names, sorted folder by folder, each as the pattern itself spells it.

    `*`, `?` and `[...]` stand within one component, `**` for any number of folders; at the end it means the folder
    itself. A name that starts with a dot is named by a pattern that does. Links to folders are followed where the
    pattern names them, not by `**`.

    Args:
        guard: what may be touched; names are looked up beneath its roots alone.
        pattern: a path, relative to the start folder or absolute.

    Raises:
        UsageError: it looks at too much.
        PathRefusedError: it begins outside the roots.
        MissingFileError: the folder that it begins in isn't there.
    """
    before = next(place for place, character in enumerate(pattern) if character in "*?[")
    lead = pattern[: pattern.rfind("/", 0, before) + 1]
    parts = [part for part in pattern[len(lead) :].split("/") if part not in {"", "."}]
    while parts[-1:] == [ANY_DEPTH]:
        parts.pop()
    if not parts:
        yield lead or "."
        return
    with guard.open(lead or ".") as folder:
        if folder.is_folder:
            yield from _Walk(pattern).within(folder, lead, tuple(parts), 0)


class _Walk:
    """One expansion, with what it has looked at so far."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.only_folders = pattern.endswith("/")
        self.looked_at = 0

    def within(self, folder: SafePath, lead: str, parts: tuple[str, ...], depth: int) -> Iterator[str]:
        first, rest = parts[0], parts[1:]
        if first == ANY_DEPTH:
            yield from self._at_any_depth(folder, lead, parts, depth)
            return
        for entry in self._entries(folder, depth):
            if not _fits(entry.name, first):
                continue
            if not rest and not self.only_folders:
                yield lead + entry.name
            elif not entry.is_file:
                yield from self._inside(folder, entry, lead, rest, depth)

    def _at_any_depth(self, folder: SafePath, lead: str, parts: tuple[str, ...], depth: int) -> Iterator[str]:
        rest = parts[1:]
        while rest[0] == ANY_DEPTH:
            rest = rest[1:]
        yield from self.within(folder, lead, rest, depth)
        for entry in self._entries(folder, depth):
            if entry.is_folder and not entry.name.startswith("."):
                yield from self._inside(folder, entry, lead, (ANY_DEPTH, *rest), depth)

    def _inside(self, folder: SafePath, entry: Entry, lead: str, rest: tuple[str, ...], depth: int) -> Iterator[str]:
        try:
            with folder.entry(entry) as inner:
                if inner.is_folder and rest:
                    yield from self.within(inner, f"{lead}{entry.name}/", rest, depth + 1)
                elif inner.is_folder:
                    yield lead + entry.name
        except FileNotFoundError:  # a link that leads nowhere holds nothing
            return
        except PathRefusedError:  # whoever opens it is told why; left out, it would read as clean
            yield lead + entry.name

    def _entries(self, folder: SafePath, depth: int) -> tuple[Entry, ...]:
        entries = folder.list()
        self.looked_at += len(entries)
        if self.looked_at > ENTRY_LIMIT or depth > DEPTH_LIMIT:
            most = f"{ENTRY_LIMIT:,} entries" if depth <= DEPTH_LIMIT else f"{DEPTH_LIMIT} levels of folders"
            raise UsageError(
                f"The pattern '{shown(self.pattern, 80)}' looks at more than {most}.", "Begin it in a smaller folder."
            )
        return entries


def _fits(name: str, pattern: str) -> bool:
    from fnmatch import fnmatchcase

    return fnmatchcase(name, pattern) and (pattern.startswith(".") or not name.startswith("."))
