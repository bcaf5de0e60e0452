from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelcypher_nb.errors import MalformedError, UsageError
from modelcypher_nb.guard.paths import Guard
from modelcypher_nb.guard.source import BytesSource, Source


@given(data=st.binary(max_size=50), offset=st.integers(-5, 60), size=st.integers(-5, 60))
def test_a_read_gives_exactly_what_was_asked_for_or_refuses(data: bytes, offset: int, size: int) -> None:
    source: Source = BytesSource(data, "buffer")
    if 0 <= offset <= offset + size <= len(data):
        assert source.read_at(offset, size) == data[offset : offset + size]
    else:
        with pytest.raises(MalformedError, match=f"buffer has {len(data)} bytes"):
            source.read_at(offset, size)


def test_a_file_reads_like_its_bytes_and_into_given_memory(guard: Guard, inside: Path) -> None:
    with guard.open("file.txt") as safe:
        source = safe.source()
        assert (source.size, source.label) == (6, str(inside / "file.txt"))
        assert source.read_at(2, 4) == b"side"
        assert source.read_at(6, 0) == b""
        target = bytearray(4)
        source.read_into(1, memoryview(target))
        assert target == b"nsid"
        for offset, size in ((3, 4), (-1, 2), (7, 0)):
            with pytest.raises(MalformedError, match="asked for"):
                source.read_at(offset, size)
        with pytest.raises(MalformedError, match="asked for"):
            source.read_into(3, memoryview(target))


def test_a_file_cut_while_it_is_read_is_said_to_be(guard: Guard, inside: Path) -> None:
    with guard.open("file.txt") as safe:
        os.truncate(inside / "file.txt", 3)
        with pytest.raises(MalformedError, match="became shorter"):
            safe.source().read_at(0, 6)
        with pytest.raises(MalformedError, match="became shorter"):
            safe.source().read_into(0, memoryview(bytearray(6)))


def test_a_closed_file_is_refused_even_when_its_number_was_given_to_another(guard: Guard, outside: Path) -> None:
    safe = guard.open("file.txt")
    source, number = safe.source(), safe.fileno()
    with (outside / "secret.txt").open("rb") as other:
        safe.close()
        os.dup2(other.fileno(), number)  # as any later open may get the number that became free
    try:
        with pytest.raises(UsageError, match="was closed already"):
            source.read_at(0, 6)
        with pytest.raises(UsageError, match="was closed already"):
            safe.for_library()
    finally:
        os.close(number)


def test_a_source_keeps_the_file_open_that_nobody_else_holds(guard: Guard) -> None:
    assert guard.open("file.txt").source().read_at(0, 6) == b"inside"
