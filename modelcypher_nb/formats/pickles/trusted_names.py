"""The allow-list: every name for which a reading of ours stands in; nothing else is more than a description."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

from .trust import Trusted

__all__ = ["TRUSTED"]

# Whose names each of our tables reads, by the first part of their module; a table is built when a file first names one.
THEMES: dict[str, tuple[str, ...]] = {
    "torch": ("torch_names",),
    **dict.fromkeys(("builtins", "collections", "_codecs"), ("builtin_names",)),
    "numpy": ("numpy_names", "numpy_random"),
    "ml_dtypes": ("numpy_names",),
    "joblib": ("joblib_names",),
    "sklearn": ("joblib_names", "sklearn_names"),
    **dict.fromkeys(("datetime", "pytz"), ("date_names",)),
    **dict.fromkeys(("argparse", "decimal", "fractions", "pathlib", "types", "uuid"), ("library_names",)),
    **dict.fromkeys(("omegaconf", "typing", "operator", "_operator", "lightning_fabric"), ("config_names",)),
    **dict.fromkeys(("addict", "box", "easydict", "munch", "yacs"), ("config_names",)),
    **dict.fromkeys(("lightning", "pytorch_lightning"), ("config_names", "enum_names")),
    "transformers": ("enum_names", "trainer_names", "output_names"),
    **dict.fromkeys(("accelerate", "sentence_transformers"), ("enum_names", "trainer_names")),
    "peft": ("enum_names",),
    "trl": ("trainer_names",),
}


class _Allowed(Mapping[tuple[str, str], Trusted]):
    """(module, name), as a pickle spells them with Python 2's names mapped, to its reading; no name has a dot in it."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Trusted] = {}
        self._missing = dict(THEMES)

    def get(self, key: tuple[str, str], default: Any = None) -> Any:
        """The reading of a name, or the default."""
        library = key[0].partition(".")[0]
        if library in self._missing:
            self._build(library)
        return self._known.get(key, default)

    def _build(self, library: str) -> None:
        for table in self._missing.get(library, ()):
            self._known.update(import_module(f".{table}", __package__).NAMES)
        self._missing.pop(library, None)  # last: another thread that finds it gone finds the names there

    def _whole(self) -> dict[tuple[str, str], Trusted]:
        for library in tuple(self._missing):
            self.get((library, ""))
        return self._known

    def __getitem__(self, key: tuple[str, str]) -> Trusted:
        return self._whole()[key]

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._whole())

    def __len__(self) -> int:
        return len(self._whole())


TRUSTED = _Allowed()
