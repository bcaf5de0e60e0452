"""Names of an archive's members: each judged, and no two that some reader would take for one."""

from __future__ import annotations

import re

from ..errors import MalformedError, PathRefusedError
from ..guard.names import components
from ..guard.secrets import shown

__all__ = ["judged_names"]

# A torch file's first folder is the stem of its own name and an npz's members are named as its maker pleased: "12:30",
# "kernel:0", "aux". Nothing is ever written under these names, so what couldn't leave a folder on any system is let be.
TOLERATED = str.maketrans(dict.fromkeys(':*?"<>|', "_"))
DRIVE = re.compile(r"[A-Za-z]:")
# What almost every name is made of: printable ASCII but for the separators, and letters of common scripts.
ASCII = r" -.0-\[\]-~"
LETTERS = r"\u00c0-\u024f\u0370-\u03ff\u0400-\u04ff\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7a3"
PLAIN = re.compile(
    rf"(?![A-Za-z]:)(?:(?!\.{{1,2}}(?:/|$))(?:[{ASCII}]{{1,250}}|[{ASCII}{LETTERS}]{{1,80}})(?:/(?=[^/])|$))+"
)
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
            _judge(label, name)
            folders.add(folder)
        names.append(name)
    _twins(label, names, names, "stands twice in its directory")
    if not all(name.endswith(".npy") for name in names):  # NumPy minds the case: its arrays may well be w and W
        _twins(label, names, [_folded(name) for name in names], "is the name of another member to some readers")
    return names


def _judge(label: str, name: str) -> None:
    whole = name.removesuffix("/")
    if PLAIN.fullmatch(whole) is not None:
        return
    if DRIVE.match(whole) and not whole.endswith(".npy"):
        raise _refused(label, name, "it begins with a drive on Windows")
    parts = whole.split("/")
    mended = [part if part in {"", ".", ".."} else f"_{part.translate(TOLERATED)}_" for part in parts]
    try:
        components("/".join(mended))
    except PathRefusedError as error:
        raise _refused(label, name, error.problem.rpartition(" is refused: ")[2].rstrip(".")) from None


def _folded(name: str) -> str:
    if name.isascii():
        return name.rstrip("/").lower()
    from unicodedata import normalize

    return normalize("NFC", name.rstrip("/").casefold())


def _twins(label: str, names: list[str], keys: list[str], fault: str) -> None:
    if len(set(keys)) == len(keys):
        return
    seen: set[str] = set()
    for name, key in zip(names, keys, strict=True):
        if key in seen:
            raise _refused(label, name, f"it {fault}")
        seen.add(key)


def _refused(label: str, name: str, reason: str) -> MalformedError:
    return MalformedError(f"{label} has a member named '{shown(name, 80)}', which is refused: {reason}.", REMEDY)
