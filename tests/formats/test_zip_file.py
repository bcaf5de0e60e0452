from __future__ import annotations

import gzip
import io
import pickle
import zipfile

import pytest

from modelcypher_nb.formats import zip_file
from modelcypher_nb.formats.content import Content
from modelcypher_nb.formats.pickles.context import Context
from modelcypher_nb.guard.source import BytesSource


class Evil:
    """Becomes a pickle that calls something."""

    def __reduce__(self) -> tuple[object, ...]:
        return print, ("called",)


def packed(name: str, data: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, data)
    return file.getvalue()


def read(data: bytes) -> Content:
    return zip_file.read(BytesSource(data, "a.zip"), Context("a.zip"))


def nested(data: bytes, times: int) -> bytes:
    for _ in range(times):
        data = packed("inner", data)
    return data


def test_a_pickle_deep_within_archives_is_judged() -> None:
    content = read(nested(pickle.dumps(Evil()), 5))
    assert {finding.rule for finding in content.findings if finding.level == "code"} == {"pickle-call"}


@pytest.mark.parametrize("times", [7, 2_000])
def test_archives_that_nest_too_deep_are_malformed(times: int) -> None:
    content = read(nested(pickle.dumps(Evil()), times))
    assert {finding.rule for finding in content.findings if finding.level == "malformed"} == {"zip-nesting"}


def test_a_compressed_member_is_no_broken_archive() -> None:
    content = read(packed("vocabulary.txt.gz", gzip.compress(b"words")))
    assert [finding.level for finding in content.findings] == ["unsupported"]
