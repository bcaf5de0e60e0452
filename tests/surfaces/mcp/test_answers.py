from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelcypher_nb.errors import UsageError
from modelcypher_nb.store.records import JobRecord
from modelcypher_nb.surfaces.mcp.answers import ANSWER_BYTES, fitted, serialised
from tests.mcp_served import Served, text_of


def answer_bytes(facts: dict[str, Any]) -> int:
    text = serialised(facts)
    return len(json.dumps({"content": [{"type": "text", "text": text}], "structuredContent": facts}).encode())


def test_a_small_answer_is_left_alone() -> None:
    facts = {"_schema": "mc.job.list.v1", "items": [1, 2], "total": 2}
    assert fitted(facts) is facts


def test_a_page_that_is_too_large_ends_earlier_and_nothing_is_lost(served: Served) -> None:
    for number in range(40):
        served.session.catalog.add_job(
            JobRecord(f"run-{number:06d}", "run", "completed", float(number), config={"x": "y" * 300})
        )
    seen: list[str] = []
    cursor = None
    while True:
        result = served.call("mc_job_list", **({} if cursor is None else {"cursor": cursor}))
        assert len(result.model_dump_json(by_alias=True, exclude_none=True).encode()) < 8192
        assert result.structured_content is not None
        seen += [item["id"] for item in result.structured_content["items"]]
        cursor = result.structured_content.get("cursor")
        if cursor is None:
            break
    assert seen == [f"run-{number:06d}" for number in reversed(range(40))]


def test_what_is_left_out_of_a_list_is_counted() -> None:
    facts = {"_schema": "x", "events": [{"step": step, "text": "t" * 50} for step in range(200)]}
    small = fitted(facts)
    assert small["trimmed"] == {"events": 200}
    assert 0 < len(small["events"]) < 200
    assert small["events"] == facts["events"][: len(small["events"])]


def test_a_series_is_thinned_to_its_extremes_and_its_ends() -> None:
    values = [float(index % 7) for index in range(2000)]
    values[777], values[1234] = 99.0, -99.0
    steps = list(range(2000))
    small = fitted({"_schema": "x", "series": [{"name": "loss", "count": 2000, "steps": steps, "values": values}]})
    series = small["series"][0]
    assert len(series["steps"]) < 500
    assert {99.0, -99.0} <= set(series["values"])
    assert (series["steps"][0], series["steps"][-1]) == (0, 1999)
    assert all(values[step] == value for step, value in zip(series["steps"], series["values"], strict=True))


def test_an_answer_that_can_shrink_no_further_is_refused_with_the_way_out() -> None:
    with pytest.raises(UsageError, match="a smaller limit"):
        fitted({f"field{number}": "x" * 200 for number in range(40)})


FACTS = st.dictionaries(
    st.sampled_from(["items", "rows", "events", "job", "metadata", "series", "name"]),
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(max_size=400),
        lambda inner: (
            st.lists(inner, max_size=60)
            | st.dictionaries(st.text(max_size=8) | st.sampled_from(["steps", "values", "total"]), inner, max_size=60)
        ),
        max_leaves=120,
    ),
)


@settings(max_examples=150, deadline=None)
@given(FACTS)
def test_any_facts_fit_or_are_refused(facts: dict[str, Any]) -> None:
    try:
        small = fitted(facts)
    except UsageError:
        return
    assert len(serialised(small).encode()) < ANSWER_BYTES
    assert set(facts) <= set(small)


def test_the_text_of_a_large_answer_is_whole_json(served: Served) -> None:
    served.session.catalog.add_job(
        JobRecord("big-000000", "big", "completed", 1.0, config={f"key{n}": "v" * 100 for n in range(300)})
    )
    result = served.call("mc_job_show", jobId="big")
    assert json.loads(text_of(result)) == result.structured_content
    assert "trimmed" in json.loads(text_of(result))
