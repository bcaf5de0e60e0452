"""Reading into memory that torch owns: on huge pages, by two threads where there is much."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ..guard.source import FileSource, RangeSource, Source

__all__ = ["Read", "read_together"]

Read = tuple[Source, int, Any]  # where from, its first byte, and the tensor of bytes to fill

PIECE_BYTES = 16 << 20  # what a thread takes at once
THREADS = 2  # one can't fill memory as fast as the system can give it; more rarely help
HUGE_PAGE_BYTES = 2 << 20
MADV_HUGEPAGE = 14  # linux/mman.h


def read_together(reads: Sequence[Read]) -> None:
    """Fill every tensor of bytes from its source.

    Args:
        reads: each a source, the first byte, and a contiguous tensor of unsigned bytes that wasn't touched yet.

    Raises:
        MalformedError: a file was cut while it was read.
        UnreadableError: the disk refused.
    """
    by_file = [read for read in reads if _is_file(read[0])]
    _on_huge_pages([memory for _, _, memory in by_file])
    if sum(memory.numel() for _, _, memory in by_file) >= 2 * PIECE_BYTES:
        _by_threads(list(_pieces(by_file)))
    else:
        _one_by_one(by_file)
    _one_by_one([read for read in reads if not _is_file(read[0])])  # a stream is read from its start to its end


def _is_file(source: Source) -> bool:
    outer = source.place()[0] if isinstance(source, RangeSource) else source
    return isinstance(outer, FileSource)


def _one_by_one(reads: Sequence[Read]) -> None:
    for source, offset, memory in reads:
        source.read_into(offset, memoryview(memory.numpy()))


def _pieces(reads: Sequence[Read]) -> Iterator[tuple[Source, int, memoryview]]:
    for source, offset, memory in reads:
        view = memoryview(memory.numpy())
        for start in range(0, len(view), PIECE_BYTES):
            yield source, offset + start, view[start : start + PIECE_BYTES]


def _by_threads(pieces: list[tuple[Source, int, memoryview]]) -> None:
    from concurrent.futures import ThreadPoolExecutor  # torch has imported it

    with ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(lambda piece: piece[0].read_into(piece[1], piece[2]), pieces):
            pass


def _on_huge_pages(memories: Sequence[Any]) -> None:
    """Ask for large pages: a fault for each 4 KiB costs more than reading the bytes."""
    large = [memory for memory in memories if memory.numel() >= 2 * HUGE_PAGE_BYTES]
    advise = _advise() if large else None
    if advise is None:
        return
    for memory in large:
        begin = -(-memory.data_ptr() // HUGE_PAGE_BYTES) * HUGE_PAGE_BYTES
        end = (memory.data_ptr() + memory.numel()) // HUGE_PAGE_BYTES * HUGE_PAGE_BYTES
        advise(begin, end - begin)


def _advise() -> Callable[[int, int], object] | None:
    import ctypes

    call = getattr(ctypes.CDLL(None), "madvise", None)
    if call is None:
        return None
    # Only advice: where the system has no large pages it says so, and nothing is different.
    return lambda begin, size: call(ctypes.c_void_p(begin), ctypes.c_size_t(size), MADV_HUGEPAGE)
