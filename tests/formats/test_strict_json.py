from __future__ import annotations

import pytest

from modelcypher_nb.errors import MalformedError
from modelcypher_nb.formats.strict_json import parse


@pytest.mark.parametrize("text", ['{"a":1,"a":2}', '{"x":{"a":1,"b":2,"a":1}}', '[{"a":{},"\\u0061":{}}]'])
def test_a_key_that_stands_twice_is_refused_at_any_depth(text: str) -> None:
    with pytest.raises(MalformedError, match="the key 'a' twice"):
        parse(text.encode(), "x")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b'{"a":NaN}', "NaN"),
        (b'{"a":-Infinity}', "-Infinity"),
        (b"{} {}", "isn't JSON at character 3"),
        (b'{"a":1', "isn't JSON"),
        (b'\xff{"a":1}', "isn't UTF-8 at byte 0"),
        (b"\xef\xbb\xbf{}", "isn't JSON"),
        (b'{"\\ud800":1}', "surrogate"),
        (b'{"\\uDEAD":1}', "surrogate"),
        (b"[" * 200_000, "nests deeper"),
        (b"1" * 10_000, "absurd length"),
    ],
)
def test_what_is_no_strict_json_is_refused_with_its_fault(text: bytes, says: str) -> None:
    with pytest.raises(MalformedError, match=says):
        parse(text, "The header")


def test_constants_that_pythons_writer_emits_are_read_where_allowed() -> None:
    assert parse(b'{"limit":[0.0,Infinity]}', "x", constants=True) == {"limit": [0.0, float("inf")]}


def test_a_whole_surrogate_pair_is_ordinary_text() -> None:
    assert parse(b'"\\ud83d\\ude00"', "x") == "\U0001f600"
