"""A torch file within a pickle: what `torch.storage._load_from_bytes` is given, read by the same readers."""

from __future__ import annotations

from typing import Any

from ..errors import ModelCypherError
from ..guard.source import BytesSource, RangeSource, Source
from .pickles.context import Context
from .pickles.faults import FaultError
from .pickles.values import LazyBytes

__all__ = ["read_nested"]

DEEPEST = 8


def read_nested(data: bytes | LazyBytes, context: Context) -> Any:
    """Describe a torch file that a pickle holds as bytes; findings go to the same file's."""
    from . import torch_legacy, torch_zip
    from .zip_archive import ZipArchive

    if context.depth >= DEEPEST:
        raise FaultError(f"holds torch files within torch files, more than {DEEPEST} deep,")
    source: Source = (
        RangeSource(data.source, data.offset, data.size)
        if isinstance(data, LazyBytes)
        else BytesSource(data, context.where)
    )
    within = context.inner(context.member)
    is_zip = source.read_at(0, min(4, source.size)) == b"PK\x03\x04"
    try:
        if is_zip:
            content = torch_zip.read_archive(ZipArchive.read(source, context.limits), within)
        else:
            content = torch_legacy.read_stream(source, within)
    except ModelCypherError as error:
        raise FaultError(f"holds a torch file that can't be read ({error.problem})") from None
    return content.root
