"""Facts as JSON: camelCase, nothing absent, nothing that JSON hasn't, no secret."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelcypher_nb.errors import UsageError
from modelcypher_nb.operations.operation import find
from modelcypher_nb.operations.paging import following, offset_of, page
from modelcypher_nb.operations.wire import camel, plain, wire


@dataclass(frozen=True)
class Inner:
    size_bytes: int
    missing: str | None = None


@dataclass(frozen=True)
class Outer:
    grad_norm: float
    parts: tuple[Inner, ...]
    by_name: dict[str, Any]
    kept_back: object = field(default=None, metadata={"wire": False})


def test_names_become_camel_case_and_keys_of_mappings_stay() -> None:
    facts = Outer(1.5, (Inner(3),), {"learning_rate": 1, "F32": 2}, object())
    assert plain(facts) == {
        "gradNorm": 1.5,
        "parts": [{"sizeBytes": 3}],
        "byName": {"learning_rate": 1, "F32": 2},
    }
    assert camel("tokens_per_second") == "tokensPerSecond"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_json_hasn_t_becomes_null(value: float) -> None:
    assert plain({"values": (1.0, value)}) == {"values": [1.0, None]}


def test_secrets_are_redacted_wherever_they_stand() -> None:
    text = json.dumps(plain(Outer(0.0, (), {"note": "token hf_abcdefghijklmnopqrstuvwxyz"})))
    assert "abcdefghijklmnop" not in text


def test_an_answer_bears_its_schema_first() -> None:
    assert next(iter(wire(find("model_list"), Inner(1)))) == "_schema"


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner),
)


@given(values)
def test_any_value_is_json(value: Any) -> None:
    json.dumps(plain(value), allow_nan=False)


@given(st.integers(0, 60), st.integers(1, 20))
def test_pages_put_together_are_the_whole_list(count: int, limit: int) -> None:
    seen: list[int] = []
    cursor: str | None = None
    while True:
        rows, cursor = page(range(count), limit, cursor)
        seen += rows
        if cursor is None:
            break
    assert seen == list(range(count))


@pytest.mark.parametrize("cursor", ["", "-1", "x", "1.5", "9" * 13, "٣", "1 "])
def test_a_cursor_that_is_none_is_an_error(cursor: str) -> None:
    with pytest.raises(UsageError, match="no cursor"):
        offset_of(cursor)


def test_the_last_page_has_no_cursor() -> None:
    assert following("10", 5, 15) is None
    assert following("10", 5, 16) == "15"
