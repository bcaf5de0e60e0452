"""The names under which Python would import what lies in a folder: a pickle loaded there reaches that code."""

from __future__ import annotations

from ..errors import ModelCypherError
from ..guard.safe_path import Entry, SafePath

__all__ = ["CODE_SUFFIXES", "beside"]

# Of importlib: source, bytecode without source, extension modules; the part between name and ending names a platform.
CODE_SUFFIXES = (".py", ".pyc", ".pyo", ".pyw", ".so", ".pyd")
MOST_ENTRIES = 20_000
DEPTH = 3


def beside(folder: SafePath) -> frozenset[str]:
    """The top-level names that `import` would find in a folder.

    `__main__` is left out: it is always the running program, never a file that lies there.

    Args:
        folder: the open folder.
    """
    entries = folder.list()
    names = {entry.name.split(".", 1)[0] for entry in entries if _is_code(entry)}
    left = [MOST_ENTRIES]
    names |= {entry.name for entry in entries if _may_be_package(entry, names) and _holds_code(folder, entry, left, 0)}
    return frozenset(names - {"__main__", ""})


def _is_code(entry: Entry) -> bool:
    return not entry.is_folder and entry.name.lower().endswith(CODE_SUFFIXES)


def _may_be_package(entry: Entry, known: set[str]) -> bool:
    """A folder, or a link that may lead to one; a name with a dot is none that `import` can reach."""
    return not entry.is_file and "." not in entry.name and entry.name not in known


def _holds_code(parent: SafePath, entry: Entry, left: list[int], depth: int) -> bool:
    """Whether code lies in a folder or below; what can't be looked at is taken for code, for it may be."""
    try:
        with parent / entry.name as inner:
            if not inner.is_folder:
                return False
            entries = inner.list()
            left[0] -= len(entries)
            if left[0] < 0 or any(_is_code(one) for one in entries):
                return True
            below = [one for one in entries if _may_be_package(one, set())]
            return depth < DEPTH and any(_holds_code(inner, one, left, depth + 1) for one in below)
    except ModelCypherError:
        return True
