"""A model split over several files, as `model.safetensors.index.json` or `pytorch_model.bin.index.json` tells."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from ..errors import MalformedError, PathRefusedError
from ..guard.names import components
from ..guard.safe_path import SafePath
from ..guard.secrets import shown
from .remedies import FETCH_AGAIN
from .strict_json import parse

__all__ = ["INDEX_SUFFIXES", "prove_cover", "read_weight_map"]

INDEX_SUFFIXES = (".safetensors.index.json", ".bin.index.json")
INDEX_LIMIT = 32 << 20  # a thousand shards take about 10 MB


def read_weight_map(folder: SafePath, index: str) -> dict[str, str]:
    """Read which shard holds which tensor.

    Raises:
        MalformedError: the index is no JSON, has no map of texts, or names a file outside its folder.
    """
    with folder / index as safe:
        label = f"The index {safe.display}"
        content = parse(safe.read_bytes(INDEX_LIMIT), label)
    weight_map = content.get("weight_map") if isinstance(content, dict) else None
    if not isinstance(weight_map, dict) or not all(isinstance(shard, str) for shard in weight_map.values()):
        raise MalformedError(f"{label} has no weight_map from tensors to file names.", FETCH_AGAIN)
    for shard in dict.fromkeys(weight_map.values()):
        try:
            components(shard)
        except PathRefusedError as error:
            raise MalformedError(f"{label} is refused: {error.problem}", error.remedy) from error
    return weight_map


def prove_cover(index: str, weight_map: Mapping[str, str], held: Mapping[str, AbstractSet[str]]) -> None:
    """Prove that the index and the shards themselves place the same tensors in the same files.

    Args:
        index: the index's name, for messages.
        weight_map: what it says.
        held: the names of the tensors in each sound file, by file name.

    Raises:
        MalformedError: a shard or a tensor is missing, or a shard holds a tensor that the index doesn't place there.
    """
    expected: dict[str, set[str]] = {}
    for name, shard in weight_map.items():
        expected.setdefault(shard, set()).add(name)
    for shard, names in expected.items():
        if shard not in held:
            raise MalformedError(
                f"The shard {shown(shard, 80)} that {shown(index, 80)} names isn't in its folder.",
                "Fetch the missing file, or the whole model again.",
            )
        found = held[shard]
        if found != names:
            raise _uncovered(index, shard, sorted(names - found), sorted(found - names))


def _uncovered(index: str, shard: str, missing: list[str], stray: list[str]) -> MalformedError:
    if missing:
        return MalformedError(
            f"{shown(index, 80)} places '{shown(missing[0], 80)}' in {shown(shard, 80)}, which doesn't hold it"
            f" ({len(missing)} such).",
            FETCH_AGAIN,
        )
    return MalformedError(
        f"{shown(shard, 80)} holds '{shown(stray[0], 80)}', which {shown(index, 80)} doesn't place there"
        f" ({len(stray)} such).",
        FETCH_AGAIN,
    )
