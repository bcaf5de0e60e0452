from __future__ import annotations

from modelcypher_nb.store.catalog import Catalog

ONE, OTHER = "sha256:" + "1" * 64, "sha256:" + "2" * 64


def names(catalog: Catalog, digest: str | None = None) -> set[tuple[str, str]]:
    return {(row.digest, row.class_name) for row in catalog.allowed_classes(digest)[0]}


def test_a_class_is_allowed_for_the_content_that_was_named_and_no_other(catalog: Catalog) -> None:
    assert catalog.allowed_classes() == ([], 0)
    catalog.allow_class(ONE, "package.Class", 5)
    assert names(catalog, ONE) == {(ONE, "package.Class")}
    assert names(catalog, OTHER) == set()


def test_allowing_twice_is_once_and_learns_the_size(catalog: Catalog) -> None:
    catalog.allow_class(ONE, "package.Class", None)
    before = catalog.allowed_classes()[0][0]
    catalog.allow_class(ONE, "package.Class", 5)
    (after,), total = catalog.allowed_classes()
    assert (total, after.size_bytes, after.allowed_at) == (1, 5, before.allowed_at)
    catalog.allow_class(ONE, "package.Class", None)
    assert catalog.allowed_classes()[0][0].size_bytes == 5


def test_what_was_allowed_is_taken_back_alone(catalog: Catalog) -> None:
    for digest, name in ((ONE, "a.A"), (ONE, "b.B"), (OTHER, "a.A")):
        catalog.allow_class(digest, name, 1)
    assert catalog.disallow_class(ONE, "a.A")
    assert not catalog.disallow_class(ONE, "a.A")
    assert names(catalog) == {(ONE, "b.B"), (OTHER, "a.A")}


def test_allowances_come_in_pages(catalog: Catalog) -> None:
    for number in range(5):
        catalog.allow_class(ONE, f"a.A{number}", 1)
    first, total = catalog.allowed_classes(limit=2)
    rest, _ = catalog.allowed_classes(limit=10, offset=2)
    assert (total, len(first), len(rest)) == (5, 2, 3)
    assert len({row.class_name for row in (*first, *rest)}) == 5
