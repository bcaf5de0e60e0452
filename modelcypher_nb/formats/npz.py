"""NumPy's .npz archives: every member is an array, or is judged by what it really holds."""

from __future__ import annotations

from typing import Any

from ..errors import MalformedError
from ..guard.secrets import shown
from ..guard.source import Source
from .content import Content
from .npy import read_arrays
from .npy_header import MAGIC
from .pickle_file import PICKLE_READERS, finished, walk
from .pickles.context import Context
from .zip_archive import ZipArchive

__all__ = ["read", "read_archive"]

FORMAT = "NumPy archive (npz)"
ENDING = ".npy"


def read(source: Source, context: Context) -> Content:
    """Describe a .npz archive.

    Args:
        source: the file's bytes.
        context: the surroundings; findings go there.

    Raises:
        MalformedError: two readers could see different members, or it lies before anything in it was judged.
    """
    return finished(read_archive(ZipArchive.read(source, context.limits), context), context)


def read_archive(archive: ZipArchive, context: Context) -> Content:
    """Describe an archive whose directory is proven; findings go to the context.

    Raises:
        MalformedError: it lies before anything in it was judged.
    """
    content = Content(FORMAT, {})
    for name in archive.members:
        try:
            _read_member(archive, name, content, context)
            archive.verify(name)
        except MalformedError as error:
            content.error = content.error or error
    if content.error is not None:
        if not content.pickled:
            raise content.error
        what = content.error.problem
        context.tell("malformed", "npz-malformed", what, 0, remedy=content.error.remedy)
    return content


def _read_member(archive: ZipArchive, name: str, content: Content, context: Context) -> None:
    source = archive.open(name)
    within = context.inner(name)
    if source.size >= len(MAGIC) and source.read_at(0, len(MAGIC)) == MAGIC:
        value, is_pickled, error = read_arrays(source, within)
        content.root[_key(name, content.root)] = value
        content.pickled = content.pickled or is_pickled
        if error is not None:
            raise error
        return
    content.root[_key(name, content.root)] = _stranger(source, within, content)


def _key(name: str, taken: dict[str, Any]) -> str:
    """The name that numpy gives the member, unless another member has it."""
    key = name.removesuffix(ENDING)
    while key in taken:
        key += ENDING
    return key


def _stranger(source: Source, within: Context, content: Content) -> Any:
    """A member that is no array: a pickle is walked whatever its name, anything else isn't read and isn't clean."""
    from .magic import EMPTY, recognise

    kind = recognise(source)
    if kind.reader in PICKLE_READERS:
        content.pickled = True
        roots, error = walk(source, within)
        if error is not None:
            raise error
        return roots[0] if len(roots) == 1 else roots
    if kind is not EMPTY:
        what = f"The member '{shown(within.member, 80)}' is no array and isn't read: {kind.name}."
        within.tell(
            "unsupported", "npz-member", what, 0, name=within.member, remedy="Write the arrays to an archive alone."
        )
    return None
