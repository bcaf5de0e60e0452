from __future__ import annotations

import json
import re
from typing import Any

import pytest

from modelcypher_nb.formats.report import Finding, TensorInfo, TreeNode, Verdict
from modelcypher_nb.operations.facts import ModelFacts
from modelcypher_nb.views.bundle import MOST_BYTES, SAVED, bundle, payload
from modelcypher_nb.views.messages import MIME, WIDGET_MIME
from modelcypher_nb.views.sheet import Sheet, table
from modelcypher_nb.views.sheets_models import model_sheet
from modelcypher_nb.views.thin import decimate, encoded, thinned


def size(made: dict[str, Any]) -> int:
    """The bytes that a notebook file holds of a bundle."""
    return len(json.dumps(made, ensure_ascii=False).encode())


def card(tensors: int) -> dict[str, Any]:
    """A card's data with so many tensors."""
    rows = [
        {"name": f"layers.{i}.weight", "dtype": "F32", "shape": [64, 64], "sizeBytes": 16_384} for i in range(tensors)
    ]
    return {"name": "net", "format": "safetensors", "tensorCount": tensors, "tensors": rows}


def run(points: int, series: int = 6) -> dict[str, Any]:
    """A run's data with so many points."""
    values = [float(i % 977) / 977 for i in range(points)]
    one = {"count": points, "steps": list(range(points)), "values": values}
    return {
        "job": {"id": "r-1", "name": "r", "state": "running", "step": points},
        "series": [{"name": f"s{i}", **one} for i in range(series)],
        "events": [{"step": i, "kind": "pause", "text": "x" * 300} for i in range(200)],
        "checkpoints": [],
    }


def test_a_small_object_is_kept_whole() -> None:
    data = card(3)
    assert thinned(data, 10_000) == data


@pytest.mark.parametrize("data", [card(20_000), run(1_000_000), run(3_000, series=400)])
def test_the_largest_object_stays_within_its_bytes_in_all_formats_together(data: dict[str, Any]) -> None:
    rows = [("x" * 1000, "<" * 1000)] * 5_000
    sheet = Sheet("T", tables=(table("Rows", ("a", "b"), rows),))
    made = bundle(payload("model_card", "card-1", "n" * 32, data), sheet, widget="w" * 32, picture=b"\0" * 30_000)
    assert set(made) == {MIME, WIDGET_MIME, "text/html", "text/plain", "image/png"}
    assert size(made) <= MOST_BYTES


def values(width: int, depth: int) -> dict[str, Any]:
    """A node of a card's tree with so many values in each of so many levels."""
    made: dict[str, Any] = {"key": "k" * 100, "kind": "dict", "text": "x" * 100}
    return {**made, "children": [values(width, depth - 1) for _ in range(width)]} if depth else made


def card_sheet(tensors: int, width: int, depth: int) -> Sheet:
    """What HTML and text say of such a card."""
    rows = tuple(TensorInfo(f"layers.{i}", "F32", (64, 64), 16_384, alias_of="layers.0") for i in range(tensors))
    facts = ModelFacts(
        name="net",
        path="/data/net.pt",
        format="torch checkpoint",
        verdict=Verdict(
            "data", (Finding("data", "<" * 2_000, "/data/net.pt", "&" * 2_000, excerpt="'" * 2_000),) * 900
        ),
        parameter_count=12,
        dtypes={"F32": 12},
        size_bytes=48,
        placement="on this disk",
        tensor_count=tensors,
        tensors=rows,
        tree=tree(width, depth),
    )
    return model_sheet(facts)


def tree(width: int, depth: int) -> TreeNode:
    children = tuple(tree(width, depth - 1) for _ in range(width)) if depth else ()
    return TreeNode("<" * 100, "dict", "&" * 100, children)


@pytest.mark.parametrize(("width", "depth"), [(600, 1), (24, 2), (2, 8), (1, 24)])
def test_a_card_of_a_huge_tree_and_twenty_thousand_tensors_stays_within_its_bytes(width: int, depth: int) -> None:
    data = {**card(20_000), "tree": values(width, depth)}
    made = bundle(payload("model_card", "card-1", "n" * 32, data), card_sheet(20_000, width, depth))
    assert size(made) <= MOST_BYTES
    kept = json.loads(made[MIME]["data"])
    assert kept["tree"]["children"], "the first level stays as long as anything does"
    assert len(kept["tensors"]) + kept["leftOut"]["tensors"] == 20_000


def test_a_thinned_tree_keeps_the_way_to_what_it_keeps_and_counts_the_rest() -> None:
    whole = values(24, 2)
    kept = thinned({"tree": whole}, 20_000)["tree"]
    assert len(encoded(kept)) < 20_000
    assert len(kept["children"]) + kept["omitted"] == 24
    assert all(len(child["children"]) + child["omitted"] == 24 for child in kept["children"])
    deep = thinned({"tree": values(2, 8)}, 20_000)["tree"]
    assert len(deep["children"]) == 2


def test_what_was_left_out_is_counted() -> None:
    kept = thinned(card(20_000), 20_000)
    assert len(kept["tensors"]) + kept["leftOut"]["tensors"] == 20_000
    assert kept["tensorCount"] == 20_000
    assert kept["tensors"][0]["name"] == "layers.0.weight"


def test_thinning_is_the_same_each_time_and_changes_no_argument() -> None:
    data = run(5_000)
    before = json.dumps(data)
    assert thinned(data, 30_000) == thinned(data, 30_000)
    assert json.dumps(data) == before


def test_thinned_curves_keep_their_extremes_and_their_last_point() -> None:
    data = run(100_000, series=1)
    data["series"][0]["values"][54_321] = 1e6
    one = thinned(data, 30_000)["series"][0]
    assert len(one["steps"]) < 2_000
    assert one["count"] == 100_000
    assert max(one["high"]) == 1e6
    assert one["steps"][-1] == 99_999


def test_a_stretch_of_nothing_but_nan_has_no_extremes() -> None:
    one: dict[str, Any] = {"steps": [0, 1, 2, 3], "values": [None, None, 2.0, 3.0]}
    decimate(one, 2)
    assert one == {"steps": [1, 3], "values": [None, 3.0], "low": [None, 2.0], "high": [None, 3.0]}


def test_numbers_that_json_lacks_are_null_and_long_texts_are_cut() -> None:
    made = thinned({"job": {"loss": float("nan"), "name": "x" * 5_000}}, 10_000)
    assert made["job"]["loss"] is None
    assert len(made["job"]["name"]) == 400
    assert b"NaN" not in encoded(made)


def test_saved_html_says_that_nothing_was_checked_here() -> None:
    made = bundle(payload("model_card", "card-1", "n", card(1)), Sheet("T"))
    assert SAVED in made["text/html"]
    assert WIDGET_MIME not in made


def test_the_nonce_and_the_id_stand_in_the_payload_alone() -> None:
    made = bundle(payload("model_card", "card-5f5f", "0123456789abcdef", card(1)), Sheet("T"))
    rest = json.dumps({key: value for key, value in made.items() if key != MIME})
    assert not re.search("0123456789abcdef|card-5f5f", rest)
