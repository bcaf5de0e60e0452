from __future__ import annotations

from collections.abc import Callable

import pytest

from modelcypher_nb.errors import InternalError, UnknownIdError
from modelcypher_nb.store.catalog import Catalog
from modelcypher_nb.store.records import ModelRecord, ModelSource


def test_a_model_is_read_back_as_it_was_added(catalog: Catalog, model: Callable[..., ModelRecord]) -> None:
    added = catalog.add_model(
        model(tags=("vision", "small"), aliases=("best",), source=ModelSource("me/digits", "abc"), lineage={"step": 3})
    )
    assert (added.version, catalog.model("digits").verdict) == (1, added.verdict)
    found = catalog.model("digits")
    assert found.source == ModelSource("me/digits", "abc")
    assert (set(found.tags), found.aliases, found.lineage) == ({"vision", "small"}, ("best",), {"step": 3})


def test_the_same_bytes_at_the_same_place_are_the_same_version(
    catalog: Catalog, model: Callable[..., ModelRecord]
) -> None:
    first = catalog.add_model(model())
    assert catalog.add_model(model(registered_at=2000.0)) == first
    assert catalog.add_model(model(digest="sha256:01")).version == 2
    assert catalog.add_model(model()).version == 3  # not the latest any more


def test_a_reference_means_latest_version_alias_or_number(catalog: Catalog, model: Callable[..., ModelRecord]) -> None:
    for number in range(3):
        catalog.add_model(model(digest=f"sha256:0{number}"))
    catalog.set_alias("digits", 1, "production")
    catalog.set_alias("digits", 2, "production")
    assert catalog.model("digits").version == 3
    assert catalog.model("digits@1").version == 1
    assert catalog.model("digits@production").version == 2
    assert [record.aliases for record in catalog.versions("digits")] == [(), ("production",), ()]


def test_an_unknown_model_names_those_near_it(catalog: Catalog, model: Callable[..., ModelRecord]) -> None:
    catalog.add_model(model())
    with pytest.raises(UnknownIdError, match="did you mean digits") as caught:
        catalog.model("digitss")
    assert "mc model list" in caught.value.remedy
    with pytest.raises(UnknownIdError) as caught:
        catalog.model("digits@9")
    assert "digits@1" in caught.value.remedy


def test_a_reference_that_would_deceive_is_shown_escaped(catalog: Catalog) -> None:
    with pytest.raises(UnknownIdError) as caught:
        catalog.model("a\x1b[31m")
    assert "\x1b" not in str(caught.value)


def test_pages_are_filtered_by_kind_and_tag_and_count_all(catalog: Catalog, model: Callable[..., ModelRecord]) -> None:
    for number in range(5):
        catalog.add_model(model(f"m{number}", registered_at=float(number), tags=("even",) if number % 2 == 0 else ()))
    catalog.add_model(model("adapter", kind="adapter", registered_at=9.0))
    page, total = catalog.models(tag="even", limit=2)
    assert ([record.id for record in page], total) == (["m4", "m2"], 3)
    page, total = catalog.models(kind="adapter")
    assert ([record.id for record in page], total) == (["adapter"], 1)
    assert [record.id for record in catalog.models(limit=2, offset=4)[0]] == ["m1", "m0"]


def test_a_deleted_version_is_not_found_and_its_number_is_not_given_again(
    catalog: Catalog, model: Callable[..., ModelRecord]
) -> None:
    catalog.add_model(model())
    catalog.update_model("digits", 1, state="deleted")
    with pytest.raises(UnknownIdError):
        catalog.model("digits")
    assert catalog.models() == ([], 0)
    assert catalog.add_model(model()).version == 2


def test_an_update_replaces_tags_and_state(catalog: Catalog, model: Callable[..., ModelRecord]) -> None:
    catalog.add_model(model(tags=("old",)))
    catalog.update_model("digits", 1, tags=("new",), state="quarantined")
    found = catalog.model("digits")
    assert (found.tags, found.state) == (("new",), "quarantined")
    with pytest.raises(UnknownIdError):
        catalog.update_model("digits", 7, state="missing")
    with pytest.raises(InternalError):
        catalog.update_model("digits", 1, colour="red")
    with pytest.raises(UnknownIdError):
        catalog.set_alias("digits", 7, "best")
