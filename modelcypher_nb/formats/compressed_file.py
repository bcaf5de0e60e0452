"""A file within a compressed stream: unpacked within bounds, and read by what it turns out to be."""

from __future__ import annotations

from ..guard.source import Source
from .compressed import unwrap
from .content import Content
from .pickles.context import Context
from .report import Finding

__all__ = ["read"]


def read(source: Source, context: Context) -> Content:
    """Describe what a compressed file holds.

    Args:
        source: the packed bytes.
        context: the surroundings; findings go there.

    Raises:
        MalformedError: the stream is damaged, or unpacks to more than is allowed.
    """
    from .magic import recognise
    from .readers import read_kind

    inner = unwrap(source, context.limits)
    kind = recognise(inner)
    packed = recognise(source).name
    if kind.reader is None or kind.reader == "compressed_file":
        what = f"The format of {context.where} isn't read: {kind.name} within a {packed}."
        finding = Finding("unsupported", what, context.where, "Unpack it, and look at what is in it.", "unsupported")
        return Content(f"{kind.name} in a {packed}", findings=[finding])
    content = read_kind(inner, kind, context)
    if kind.reader == "gguf":  # joblib unpickles whatever it unpacks
        from .pickle_file import walk

        plain = Context(context.where, context.limits, beside=context.beside)
        walk(inner, plain)
        content.findings.extend(one for one in plain.findings if one.level == "code")
    content.format = f"{content.format} in a {packed}"
    return content
