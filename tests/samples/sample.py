"""What a sample is: a name, a way to make it, and the verdicts that it may get."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from modelcypher_nb.formats.report import Level

__all__ = [
    "CODE",
    "DATA",
    "MALFORMED",
    "MARKER",
    "OBJECTS",
    "REFUSED",
    "WEIGHTS",
    "Opener",
    "Sample",
    "file_maker",
    "marker_in",
]

MARKER = "MARKER-IT-RAN"

Opener = Literal["torch", "numpy", "joblib", "pickle", "script", "export", ""]

WEIGHTS: frozenset[Level] = frozenset({"weights"})
DATA: frozenset[Level] = frozenset({"data"})
CODE: frozenset[Level] = frozenset({"code"})
MALFORMED: frozenset[Level] = frozenset({"malformed"})
OBJECTS: frozenset[Level] = frozenset({"objects"})
# A container that lies, with something dangerous in it: whichever of the two is found first.
REFUSED: frozenset[Level] = frozenset({"malformed", "code"})


@dataclass(frozen=True, slots=True)
class Sample:
    """One file or folder to be judged.

    Attributes:
        name: stable and unique, fit for a test's id.
        make: writes it into an empty folder and gives what is to be judged: the file, or the folder itself.
        expected: the levels that its verdict may have.
        reason: what it would do, or why it is there.
        opens: the library that wrote a benign one, and whose own values a load must equal.
    """

    name: str
    make: Callable[[Path], Path]
    expected: frozenset[Level]
    reason: str
    opens: Opener = ""


def marker_in(folder: Path) -> str:
    """The file that a hostile sample writes if anything in it ever runs."""
    return str(folder / MARKER)


def file_maker(name: str, content: Callable[[str], bytes]) -> Callable[[Path], Path]:
    """A maker of one file whose bytes follow from where its marker would be written."""

    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(content(marker_in(folder)))
        return path

    return make
