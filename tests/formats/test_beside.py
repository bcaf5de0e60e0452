from __future__ import annotations

from pathlib import Path

import pytest

from modelcypher_nb.formats import beside as module
from modelcypher_nb.formats.beside import beside
from modelcypher_nb.guard.paths import Guard


def names(guard: Guard) -> frozenset[str]:
    with guard.open(".") as folder:
        return beside(folder)


def put(folder: Path, *places: str) -> None:
    for place in places:
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("evil.py", "evil"),
        ("evil.pyc", "evil"),
        ("evil.so", "evil"),
        ("evil.cpython-311-x86_64-linux-gnu.so", "evil"),
        ("evil.abi3.so", "evil"),
        ("EVIL.PY", "EVIL"),
        ("my-model.py", "my-model"),
        ("evil/__init__.py", "evil"),
        ("evil/net.py", "evil"),
        ("evil/a/b/net.py", "evil"),
    ],
)
def test_what_python_would_import_from_a_folder_is_named(guard: Guard, tmp_path: Path, place: str, name: str) -> None:
    put(tmp_path, place)
    assert names(guard) == {name}


@pytest.mark.parametrize(
    "place",
    ["model.bin", "py", "config.json", "models/weights.bin", "evil.d/net.py", "__main__.py", "a/b/model.safetensors"],
)
def test_what_python_would_not_import_is_not_named(guard: Guard, tmp_path: Path, place: str) -> None:
    put(tmp_path, place)
    assert names(guard) == frozenset()


def test_an_empty_folder_gives_no_names(guard: Guard) -> None:
    assert names(guard) == frozenset()


def test_a_link_counts_by_where_it_leads_and_one_that_is_refused_counts(guard: Guard, tmp_path: Path) -> None:
    put(tmp_path, "real/net.py", "plain/weights.bin")
    (tmp_path / "linked").symlink_to("real")
    (tmp_path / "harmless").symlink_to("plain")
    (tmp_path / "outside").symlink_to("/etc")
    (tmp_path / "module.py").symlink_to("/etc/passwd")
    assert names(guard) == {"real", "linked", "outside", "module"}


def test_a_folder_too_large_to_be_looked_through_counts(
    guard: Guard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, *(f"many/{number}.bin" for number in range(5)))
    assert names(guard) == frozenset()
    monkeypatch.setattr(module, "MOST_ENTRIES", 4)
    assert names(guard) == {"many"}
