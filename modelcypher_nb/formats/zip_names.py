"""Names of an archive's members: each judged, and no two that some reader would take for one."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..errors import MalformedError, PathRefusedError
from ..guard.names import components
from ..guard.secrets import DECEIVING, shown

__all__ = ["judged_names"]

# A torch file's first folder is the stem of its own name and an npz's members are named as its maker pleased: "12:30",
# "kernel:0", "aux". Nothing is ever written under these names, so what couldn't leave a folder on any system is let be.
TOLERATED = str.maketrans(dict.fromkeys(':*?"<>|', "_"))
NOWHERE = frozenset({"", ".", ".."})
DRIVE = re.compile(r"[A-Za-z]:")
# What almost every name ends in: printable ASCII but for the separators.
PLAIN = re.compile(r"(?![A-Za-z]:|\.{1,2}$)[ -.0-\[\]-~]{1,250}")
LONGEST_PART_BYTES = 253  # less than a file system's 255, for what `_reason` adds
LONGEST_BYTES = 4096  # no system opens a longer path
REMEDY = "Don't unpack it. Fetch the file again from where it came, or ask its maker to save it anew."


def judged_names(label: str, raw: list[tuple[bytes, bool]]) -> list[str]:
    """Decode and judge the names of all members.

    Args:
        label: what to call the archive.
        raw: each name's bytes, and whether it is marked as UTF-8.

    Raises:
        MalformedError: a name could leave a folder or deceive, or two are the same to a reader that minds no case.
    """
    names: list[str] = []
    folders: set[str] = set()
    for data, is_utf8 in raw:
        try:
            name = data.decode("utf-8" if is_utf8 else "ascii")
        except UnicodeDecodeError:
            raise _refused(label, data.decode("utf-8", "backslashreplace"), "readers decode it differently") from None
        folder, slash, last = name.rpartition("/")
        folder += slash  # "" and "/" are two: the second begins an absolute name
        if folder not in folders or PLAIN.fullmatch(last) is None:
            whole = name.removesuffix("/")
            if not _is_harmless(whole, data.removesuffix(b"/")):
                raise _refused(label, name, _reason(whole))
            folders.add(folder)
        names.append(name)
    _twins(label, names, names, "stands twice in its directory")
    if not all(name.endswith(".npy") for name in names):  # NumPy minds the case: its arrays may well be w and W
        _twins(label, names, [_folded(name) for name in names], "is the name of another member to some readers")
    return names


def _is_harmless(name: str, data: bytes) -> bool:
    """Judge a name at once, not part by part: a file may hold millions of parts."""
    return (
        DECEIVING.search(name) is None
        and "\\" not in name
        and (DRIVE.match(name) is None or name.endswith(".npy"))
        and NOWHERE.isdisjoint(name.split("/"))
        and len(data) <= LONGEST_BYTES
        and max(map(len, data.split(b"/"))) <= LONGEST_PART_BYTES
    )


def _reason(name: str) -> str:
    """Why a name that isn't harmless is refused, in the words that a path's refusal has."""
    if len(name.encode()) > LONGEST_BYTES:
        return f"it is longer than {LONGEST_BYTES} bytes"
    if DRIVE.match(name):
        return "it begins with a drive on Windows"
    parts = [part if part in NOWHERE else f"_{part.translate(TOLERATED)}_" for part in name.split("/")]
    try:
        components("/".join(parts))
    except PathRefusedError as error:
        return error.problem.rpartition(" is refused: ")[2].rstrip(".")
    return "it can't be shown to stay in its folder"


def _folded(name: str) -> str | bytes:
    """A name for a reader that minds neither case nor Unicode form; bytes where text may take four times more."""
    if name.isascii():
        return name.rstrip("/").lower()
    from unicodedata import normalize

    folded = normalize("NFC", name.rstrip("/").casefold())
    return folded if folded.isascii() else folded.encode()


def _twins(label: str, names: list[str], keys: Sequence[str | bytes], fault: str) -> None:
    if len(set(keys)) == len(keys):
        return
    seen: set[str | bytes] = set()
    for name, key in zip(names, keys, strict=True):
        if key in seen:
            raise _refused(label, name, f"it {fault}")
        seen.add(key)


def _refused(label: str, name: str, reason: str) -> MalformedError:
    return MalformedError(f"{label} has a member named '{shown(name, 80)}', which is refused: {reason}.", REMEDY)
