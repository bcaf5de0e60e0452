"""A torch file within a pickle: what `torch.storage._load_from_bytes` is given, read by the same readers."""

from __future__ import annotations

from typing import Any

from ..errors import ModelCypherError
from ..guard.source import BytesSource, RangeSource, Source
from .magic import ZIP_START
from .pickles.context import Context
from .pickles.faults import FaultError
from .pickles.values import LazyBytes

__all__ = ["read_nested", "read_source"]

DEEPEST = 8


def read_nested(data: bytes | LazyBytes, context: Context) -> Any:
    """Describe a torch file that a pickle holds as bytes; findings go to the same file's."""
    source: Source = (
        RangeSource(data.source, data.offset, data.size)
        if isinstance(data, LazyBytes)
        else BytesSource(data, context.where)
    )
    return read_source(source, context, context.member)


def read_source(source: Source, context: Context, member: str | None) -> Any:
    """Describe a torch file within another file.

    Raises:
        FaultError: it can't be read, which makes what holds it malformed.
    """
    from . import torch_legacy, torch_zip
    from .zip_archive import ZipArchive

    if context.depth >= DEEPEST:
        raise FaultError(f"holds torch files within torch files, more than {DEEPEST} deep,")
    within = context.inner(member)
    try:
        if source.read_at(0, min(4, source.size)) == ZIP_START:
            archive = ZipArchive.read(source, context.limits)
            if any(name.lower().endswith("/constants.pkl") for name in archive.members):
                from . import torchscript  # torch.load hands such a file to torch.jit.load

                return torchscript.read_archive(archive, within).root
            return torch_zip.read_archive(archive, within).root
        return torch_legacy.read_stream(source, within).root
    except ModelCypherError as error:
        raise FaultError(f"holds a torch file that can't be read ({error.problem})") from None
