"""The guard: `open` and `create` are the only ways from a text to a file."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import BinaryIO

from ..errors import PathRefusedError, StorageError, UsageError
from .beneath import HOW_BYTES, OPENAT2, REGISTRY, WITHOUT_LINKS, Call, absent, openat2, place_beneath
from .roots import Root, is_home_or_above
from .safe_path import SafePath, explained
from .secrets import shown
from .typed import absolute_of, refuse_nul
from .writing import AppendFile

__all__ = ["Guard", "allowable", "home_guard"]


@dataclass(frozen=True)
class Guard:
    """What one caller may touch.

    Attributes:
        roots: the folders beneath which a path may lie.
        start: the folder that relative paths mean.
        hidden: whether components that start with a dot may be named below a root.
        closed: folders that stay shut even where they lie beneath a root; a root within one is open again.
    """

    roots: tuple[Root, ...]
    start: str
    hidden: bool = True
    closed: tuple[Root, ...] = ()

    def with_root(self, root: Root) -> Guard:
        """The same guard with one more root; a root that is there already is allowed for assistants if this one is."""
        if all(known.path != root.path for known in self.roots):
            return replace(self, roots=(*self.roots, root))
        if not root.for_assistants or any(known.for_assistants for known in self.roots if known.path == root.path):
            return self
        widened = (replace(known, for_assistants=True) if known.path == root.path else known for known in self.roots)
        return replace(self, roots=tuple(widened))

    def for_assistants(self) -> Guard:
        """What an assistant may touch: the working folder and what was allowed for it, no dotted names.

        The toolkit's home isn't, wherever it lies: there an assistant has ids.
        """
        open_ones = tuple(root for root in self.roots if root.for_assistants)
        homes = tuple(root for root in self.roots if root.kind == "home")
        return Guard(open_ones, self.start, hidden=False, closed=homes)

    def open(self, text: str | os.PathLike[str]) -> SafePath:
        """Open an existing file or folder for reading.

        Args:
            text: what a person or an assistant wrote; `~/` expands, a relative path means below the start folder.

        Raises:
            PathRefusedError: it lies outside the roots, or can't be proven to stay inside.
            MissingFileError: there is nothing there.
        """
        if text.__class__ is str:  # the ordinary case, made fast: a plain path below a root, without links
            call, places = self._quick
            first = text[:1]
            absolute = text if first == "/" else f"{self.start}/{text}" if first != "~" else ""
            for prefix, size, root, managed in places:
                if absolute.startswith(prefix):
                    rest = absolute[size:]
                    if "/." in rest or "//" in rest or "\0" in rest or REGISTRY in rest or rest[-1] == "/":
                        break
                    try:
                        descriptor = call(OPENAT2, root, rest[1:].encode(), WITHOUT_LINKS, HOW_BYTES)
                        if descriptor >= 0:
                            return SafePath(descriptor, absolute, self, managed)
                    except (OSError, UnicodeEncodeError):
                        break
                    break
        return self.open_resolved(
            absolute_of(text, self.start)
        )  # all others, and whatever the lines above couldn't open

    @cached_property
    def _quick(self) -> tuple[Call, tuple[tuple[str, int, int, bool], ...]]:
        """The system call, and beginning, its length, descriptor and kind of each root that `open` needn't compare.

        A root counts where the form of a path tells that it lies there: no other root, and nothing closed, lies in it.
        """
        call = openat2()
        if call is absent or sys.getfilesystemencoding() != "utf-8":
            return call, ()
        closed = {name for root in self.closed for name in (root.path, root.given)}
        names = closed.union(*((root.path, root.given) for root in self.roots))
        return call, tuple(
            (f"{root.path}/", len(root.path), root.descriptor(), root.managed)
            for root in sorted(self.roots, key=lambda root: root.kind != "working")
            if root.is_pinned
            and root.path not in closed
            and not (root.is_file or root.holds_devices or any(name.startswith(f"{root.path}/") for name in names))
        )

    def open_resolved(self, absolute: str, *, typed: bool = True) -> SafePath:
        """Open an absolute path: links are resolved, then the way from the root follows none.

        Args:
            absolute: the path.
            typed: whether a caller wrote it; a refusal of a name from a file never offers to allow its folder.
        """
        refuse_nul(absolute)
        given = os.path.normpath(absolute)
        safe = None if ".." in absolute.split("/") else self._without_links(given)
        if safe is not None:
            return safe
        real = self._resolved(absolute, typed=typed)
        root, parts = self._beneath(real, absolute, typed=typed)
        try:
            return SafePath(root.open(parts), real, self, root.managed, given)
        except OSError as error:
            raise explained(error, absolute) from error

    def _without_links(self, absolute: str) -> SafePath | None:
        """Open a path by its components below a root, or give None where the components alone don't tell the place."""
        found = self._innermost(absolute)
        if found is None:
            return None
        location = os.path.join(found[0].path, *([] if found[0].is_file else found[1]))  # noqa: PTH118
        if location != absolute:  # the root was named by a link: by its own name it may lie in another
            found = self._innermost(location)
        if found is None or self._is_hidden(found[1]):
            return None
        try:
            return SafePath(found[0].open(found[1]), location, self, found[0].managed, absolute)
        except OSError as error:
            if error.errno == errno.ELOOP:
                return None
            raise explained(error, absolute) from error

    def allows(self, text: str | os.PathLike[str]) -> bool:
        """Whether a path lies beneath a root, whatever is there."""
        try:
            self._beneath(self._resolved(absolute_of(text, self.start), typed=False), str(text))
        except PathRefusedError:
            return False
        return True

    def _resolved(self, absolute: str, *, typed: bool) -> str:
        """Where a path leads: as the kernel says beneath a root, else by hand from the top."""
        found = self._innermost(absolute)
        try:
            if found is not None and not found[0].is_file:
                place = place_beneath(found[0].descriptor(), "/".join(found[1]))
                if place is not None:
                    return place
            return os.path.realpath(absolute)
        except OSError as error:
            self._beneath(os.path.normpath(absolute), absolute, typed=typed)  # outside the roots nothing more is told
            raise explained(error, absolute) from error

    def folder(self, text: str | os.PathLike[str]) -> SafePath:
        """Open a folder, made with its parents where it is missing."""
        absolute = os.path.normpath(absolute_of(text, self.start))
        root, parts = self._beneath(absolute, absolute, writing=True)
        try:
            current = SafePath(os.dup(root.descriptor()), root.path, self, root.managed)
        except OSError as error:
            raise explained(error, absolute) from error
        for part in parts:
            with current as parent:
                current = parent.folder(part)
        return current

    @contextmanager
    def create(self, text: str | os.PathLike[str]) -> Iterator[BinaryIO]:
        """Write a new file: it appears whole, or not at all, and never replaces another.

        Raises:
            ConflictError: the file exists.
            PathRefusedError: it would lie outside the roots, or there is a link on the way.
        """
        with self._parent(text) as (folder, name), folder.create(name) as file:
            yield file

    @contextmanager
    def replace(self, text: str | os.PathLike[str]) -> Iterator[BinaryIO]:
        """Write one of our own files anew, whole or not at all."""
        with self._parent(text) as (folder, name), folder.replace(name) as file:
            yield file

    def append(self, text: str | os.PathLike[str]) -> AppendFile:
        """Open a file to add records at its end."""
        with self._parent(text) as (folder, name):
            return folder.append(name)

    @contextmanager
    def lock(self, text: str | os.PathLike[str], *, wait: bool = True) -> Iterator[None]:
        """Hold a lock file."""
        with self._parent(text) as (folder, name), folder.lock(name, wait=wait):
            yield

    def delete(self, safe: SafePath) -> int:
        """Remove what was opened and checked; gives the bytes that were freed."""
        with self._parent(safe.location) as (folder, _):
            return folder.delete(safe)

    @contextmanager
    def _parent(self, text: str | os.PathLike[str]) -> Iterator[tuple[SafePath, str]]:
        """Open the folder of a file that is about to be written; links on the way are refused, not resolved."""
        absolute = os.path.normpath(absolute_of(text, self.start))
        root, parts = self._beneath(absolute, absolute, writing=True)
        if not parts:
            raise UsageError(f"{shown(absolute)} is a folder, not a file.", "Name a file in it.")
        location = os.path.join(root.path, *parts[:-1])  # noqa: PTH118
        try:
            folder = SafePath(root.open(parts[:-1]), location, self, root.managed)
        except OSError as error:
            raise explained(error, os.path.dirname(absolute)) from error  # noqa: PTH120
        with folder:
            yield folder, parts[-1]

    def _beneath(
        self, absolute: str, asked: str, *, typed: bool = True, writing: bool = False
    ) -> tuple[Root, tuple[str, ...]]:
        """The innermost root that holds a path, and the components below it.

        Raises:
            PathRefusedError: there is none, or a component is hidden from the caller.
        """
        found = self._innermost(absolute, writing=writing)
        if found is None:
            raise self._refusal(absolute, asked, typed=typed)
        self.refuse_hidden(found[1], asked)
        return found

    def _innermost(self, absolute: str, *, writing: bool = False) -> tuple[Root, tuple[str, ...]] | None:
        best: tuple[Root, tuple[str, ...]] | None = None
        for root in (*self.closed, *self.roots):  # of two that are the same folder, the closed one counts
            parts = None if writing and root.is_file else root.relative(absolute)
            if parts is not None and (best is None or len(parts) < len(best[1])):
                best = root, parts
        return None if best is None or best[0] in self.closed else best

    def refuse_below(self, folder: str, parts: tuple[str, ...], asked: str) -> None:
        """Refuse what lies below an open folder and is hidden or closed to the caller.

        Raises:
            PathRefusedError: it is.
        """
        self.refuse_hidden(parts, asked)
        if self.closed and self._innermost(os.path.join(folder, *parts)) is None:  # noqa: PTH118
            raise self._refusal(folder, asked, typed=False)

    def _is_hidden(self, parts: tuple[str, ...]) -> bool:
        return not self.hidden and any(part.startswith(".") for part in parts)

    def refuse_hidden(self, parts: tuple[str, ...], asked: str) -> None:
        """Refuse components that start with a dot to whoever may not name them.

        Raises:
            PathRefusedError: there is one.
        """
        if self._is_hidden(parts):
            raise PathRefusedError(
                f"{shown(asked)} has a part that starts with a dot, which assistants neither read nor write.",
                "Ask the person to copy what is needed to a visible file in the working folder.",
            )

    def _refusal(self, absolute: str, asked: str, *, typed: bool) -> PathRefusedError:
        allowed = tuple(shown(root.path) for root in self.roots)
        names = ", ".join(allowed) if allowed else "none"
        problem = f"{shown(asked)} lies outside the allowed folders ({names})."
        if not typed:
            return PathRefusedError(
                problem, "A link inside a model may only lead to allowed folders: fetch the model again."
            )
        if not self.hidden:
            return PathRefusedError(problem, "Ask the person to register the model: mc model register PATH")
        folder = allowable(absolute)
        quoted = shown(folder).replace("'", "\\'")
        what = "this file" if os.path.isfile(folder) else "its folder"  # noqa: PTH113
        return PathRefusedError(
            problem,
            f"Allow {what} with mc.allow('{quoted}') in a notebook, or mc --allow '{quoted}' ... in a shell.",
            folder=folder,
            roots=allowed,
        )


def allowable(absolute: str) -> str:
    """What is allowed for the sake of a path: its folder; the one file where its folder is the user's home or above."""
    if os.path.isdir(absolute):  # noqa: PTH112
        return absolute
    folder = os.path.dirname(absolute)  # noqa: PTH120
    return absolute if os.path.isfile(absolute) and is_home_or_above(folder) else folder  # noqa: PTH113


def home_guard(home: str) -> Guard:
    """The guard of the toolkit's own home, made private where it is missing.

    Raises:
        StorageError: the disk refuses to make it.
    """
    try:
        os.makedirs(home, mode=0o700, exist_ok=True)  # noqa: PTH103
    except OSError as error:
        raise StorageError(
            f"The toolkit's home {shown(home)} can't be made: {error.strerror}.",
            "Set MODELCYPHER_NB_HOME to a folder that you may write to.",
        ) from error
    return Guard((Root.pin(home, "home"),), home)
