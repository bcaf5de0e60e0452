"""Patterns: what they match, what they leave alone, and that they stay beneath the roots and within bounds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from modelcypher_nb.errors import MissingFileError, PathRefusedError, UsageError
from modelcypher_nb.guard import globs
from modelcypher_nb.guard.globs import has_pattern, matching
from modelcypher_nb.guard.paths import Guard


@pytest.fixture
def models(inside: Path) -> Path:
    """Files at three depths, hidden ones among them."""
    for name in ("a.pt", "b.bin", ".hidden.pt", "deep/c.pt", "deep/deeper/d.pt", ".cache/e.pt", "odd[1].pt"):
        (inside / name).parent.mkdir(parents=True, exist_ok=True)
        (inside / name).touch()
    return inside


def found(guard: Guard, pattern: str) -> list[str]:
    return list(matching(guard, pattern))


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("*.pt", ["a.pt", "odd[1].pt"]),
        ("./?.pt", ["./a.pt"]),
        ("[ab].*", ["a.pt", "b.bin"]),
        (".*.pt", [".hidden.pt"]),
        ("*/*.pt", ["deep/c.pt"]),
        ("deep/*/d.pt", ["deep/deeper/d.pt"]),
        ("**/*.pt", ["a.pt", "odd[1].pt", "deep/c.pt", "deep/deeper/d.pt"]),
        ("**/**/d.pt", ["deep/deeper/d.pt"]),
        ("deep/**/*.pt", ["deep/c.pt", "deep/deeper/d.pt"]),
        ("deep/**", ["deep/"]),
        ("**", ["."]),
        ("d*/", ["deep"]),
        ("*.safetensors", []),
        ("a.pt/*", []),
        (".cache/*", [".cache/e.pt"]),
    ],
)
def test_a_pattern_names_these_and_no_others(models: Path, guard: Guard, pattern: str, names: list[str]) -> None:
    assert found(guard, pattern) == names


def test_an_absolute_pattern_gives_absolute_paths(models: Path, guard: Guard) -> None:
    assert found(guard, f"{models}/[a]*") == [f"{models}/a.pt"]


def test_a_pattern_never_begins_outside_the_roots(models: Path, outside: Path, guard: Guard) -> None:
    for pattern in (f"{outside}/*", "../*/secret.txt", "/*"):
        with pytest.raises(PathRefusedError):
            found(guard, pattern)
    assert found(guard, "*/../../outside/*") == []  # no folder has an entry of that name


def test_a_link_out_of_the_roots_is_named_and_not_looked_into(models: Path, outside: Path, guard: Guard) -> None:
    (models / "way").symlink_to(outside)
    assert found(guard, "w*/secret.txt") == ["way"]  # whoever opens it is told why it is refused
    assert "secret.txt" not in "".join(found(guard, "**/*"))


def test_a_link_to_a_folder_is_followed_where_it_is_named_and_nowhere_else(models: Path, guard: Guard) -> None:
    (models / "again").symlink_to(models / "deep")
    assert found(guard, "ag*/*.pt") == ["again/c.pt"]
    assert found(guard, "**/c.pt") == ["deep/c.pt"]
    (models / "gone").symlink_to(models / "nowhere")
    assert found(guard, "gon*/*") == []


def test_folders_are_looked_into_whatever_their_names_mean_on_other_systems(models: Path, guard: Guard) -> None:
    for name in ("runs/10:30:00", "runs/loss<1", "runs/nul"):
        (models / name).mkdir(parents=True)
        (models / name / "f.pt").touch()
    names = [f"runs/{name}/f.pt" for name in ("10:30:00", "loss<1", "nul")]
    assert found(guard, "runs/**/*.pt") == found(guard, "runs/*/f.pt") == names


def test_a_missing_folder_is_an_error_and_not_an_empty_match(models: Path, guard: Guard) -> None:
    with pytest.raises(MissingFileError):
        found(guard, "absent/*.pt")


def test_an_assistant_names_nothing_hidden(models: Path, guard: Guard) -> None:
    restricted = replace(guard, hidden=False)
    assert found(restricted, "*.pt") == ["a.pt", "odd[1].pt"]
    for pattern in (".cache/*", ".c*/*"):
        try:
            names = found(restricted, pattern)
        except PathRefusedError:
            continue
        assert "e.pt" not in "".join(names)


def test_a_walk_without_end_is_refused_with_the_way_out(
    models: Path, guard: Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(globs, "ENTRY_LIMIT", 5)
    with pytest.raises(UsageError, match="more than 5 entries"):
        found(guard, "**/*.pt")
    monkeypatch.undo()
    monkeypatch.setattr(globs, "DEPTH_LIMIT", 1)
    with pytest.raises(UsageError, match="1 levels"):
        found(guard, "**/*.pt")


def test_only_these_characters_make_a_pattern() -> None:
    assert all(has_pattern(text) for text in ("a*", "?", "x[1]"))
    assert not any(has_pattern(text) for text in ("", "a.pt", "{a,b}", "~/x", "]"))
