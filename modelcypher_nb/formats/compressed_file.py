"""A file within a compressed stream: unpacked within bounds, and read by what it turns out to be."""

from __future__ import annotations

from ..guard.source import Source
from .compressed import unwrap
from .content import Content
from .limits import LIMITS, Limits
from .report import Finding

__all__ = ["read"]


def read(
    source: Source,
    where: str,
    limits: Limits = LIMITS,
    *,
    beside: frozenset[str] = frozenset(),
    trusted: frozenset[str] = frozenset(),
) -> Content:
    """Describe what a compressed file holds.

    Args:
        source: the packed bytes.
        where: the file, as it is shown.
        limits: the bounds; also of how deep streams may lie in one another.
        beside: names that Python would import from the file's folder.
        trusted: full names that a person allowed for this content.

    Raises:
        MalformedError: the stream is damaged, or unpacks to more than is allowed.
    """
    from .magic import recognise
    from .readers import read_content

    inner = unwrap(source, limits)
    kind = recognise(inner)
    packed = recognise(source).name
    if kind.reader is None or kind.reader == "compressed_file":
        what = f"The format of {where} isn't read: {kind.name} within a {packed}."
        finding = Finding("unsupported", what, where, "Unpack it, and look at what is in it.", "unsupported")
        return Content(f"{kind.name} in a {packed}", findings=[finding])
    content = read_content(inner, kind, where, limits, beside=beside, trusted=trusted)
    content.format = f"{content.format} in a {packed}"
    return content
