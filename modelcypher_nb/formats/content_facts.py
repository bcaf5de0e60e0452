"""A described content as facts to show: tensors with their places and aliases, and everything else as a tree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..guard.secrets import shown
from ..guard.source import FileSource, RangeSource
from .pickles.brief import LONGEST_TEXT, brief, kind_of
from .pickles.strided import bytes_of
from .pickles.values import Composite, Described, Opaque, PlainDict, Shell, Storage, Tensor
from .report import TensorInfo, TreeNode

__all__ = ["ATTRIBUTES", "tensor_infos", "tree_of"]

ATTRIBUTES = "(attributes)"  # a state dict's versions of its modules stand there
MOST_NODES = 600
MOST_CHILDREN = 100
DEEPEST = 24


def tensor_infos(tensors: Mapping[str, Tensor | Composite], file: str) -> tuple[TensorInfo, ...]:
    """What is told about each tensor.

    Args:
        tensors: by name, in the file's order.
        file: the file's name, which each bears.
    """
    shared = _shared_storages(tensors)
    first: dict[tuple[Any, ...], str] = {}
    infos = []
    for name, value in tensors.items():
        if isinstance(value, Composite):
            size = sum(part.element_count * bytes_of(part.dtype) for part in value.tensors.values())
            infos.append(TensorInfo(name, value.dtype, value.shape, size, file, layout=value.layout))
            continue
        place = (id(value.storage), value.dtype, value.offset, value.shape, value.stride, value.conj, value.neg)
        alias = first.setdefault(place, name) if value.storage.source is not None else name
        infos.append(_info(name, value, file, None if alias == name else alias, shared))
    return tuple(infos)


def _shared_storages(tensors: Mapping[str, Tensor | Composite]) -> set[int]:
    seen: set[int] = set()
    shared: set[int] = set()
    for value in tensors.values():
        if isinstance(value, Tensor):
            (shared if id(value.storage) in seen else seen).add(id(value.storage))
    return shared


def _info(name: str, tensor: Tensor, file: str, alias: str | None, shared: set[int]) -> TensorInfo:
    size = tensor.element_count * bytes_of(tensor.dtype)
    storage = tensor.storage
    shape = tensor.shape
    if tensor.dtype == "F4" and shape:  # torch counts pairs, safetensors values
        shape = (*shape[:-1], 2 * shape[-1])
    is_part = id(storage) in shared or storage.size_bytes > size
    is_contiguous = tensor.is_contiguous
    return TensorInfo(
        name,
        tensor.dtype,
        shape,
        size,
        file,
        _offset(storage, tensor.offset * bytes_of(tensor.dtype)) if is_contiguous else 0,
        layout="meta" if storage.source is None else "dense",
        strides=None if is_contiguous else tensor.stride,
        alias_of=alias,
        storage=storage.key if is_part else None,
        storage_bytes=storage.size_bytes if is_part else None,
    )


def _offset(storage: Storage, inner: int) -> int:
    source = storage.source
    if isinstance(source, RangeSource):
        outermost, offset = source.place()
        if isinstance(outermost, FileSource):
            return offset + inner
    return 0


def tree_of(root: Any) -> TreeNode:
    """Everything that a file holds, bounded: so many nodes in all, so many within one, so deep."""
    return _Tree().node("", root, 0)


class _Tree:
    def __init__(self) -> None:
        self._left = MOST_NODES
        self._above: set[int] = set()

    def node(self, key: str, value: Any, depth: int) -> TreeNode:
        """One value and what is in it."""
        self._left -= 1
        kind = kind_of(value)
        inner = _inner(value)
        count = 0 if inner is None else len(inner)
        if inner is None or not count:
            return TreeNode(key, kind, brief(value, 1).removeprefix("tensor "))
        if depth >= DEEPEST or id(value) in self._above:
            return TreeNode(key, kind, f"{count} values", omitted=count)
        self._above.add(id(value))
        children: list[TreeNode] = []
        for name, item in _pairs(inner):
            if self._left <= 0 or len(children) >= MOST_CHILDREN:
                break
            children.append(self.node(name, item, depth + 1))
        self._above.discard(id(value))
        return TreeNode(
            key, kind, f"{count} {'value' if count == 1 else 'values'}", tuple(children), count - len(children)
        )


def _inner(value: Any) -> Any:
    """The values within one: a dict of them, or something to go through; None where there are none."""
    if type(value) is PlainDict and value.attributes:
        return {**value, ATTRIBUTES: value.attributes}
    if isinstance(value, dict | list | tuple | set | frozenset):
        return value
    if isinstance(value, Tensor) or not isinstance(value, Described):
        return None
    if type(value) is Opaque:
        return _of_opaque(value)
    if isinstance(value, Composite):
        return {**value.tensors, **value.facts}
    parts = [one for one in value.parts() if one is not None]
    return parts[0] if isinstance(value, Shell) and parts and isinstance(parts[0], dict) else parts or None


def _of_opaque(value: Opaque) -> dict[Any, Any]:
    state = value.state if isinstance(value.state, dict) else {} if value.state is None else {"(state)": value.state}
    return {**{f"({number})": one for number, one in enumerate((*value.arguments, *value.items), 1)}, **state}


def _pairs(inner: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(inner, dict):
        for key, item in inner.items():
            yield (shown(key, LONGEST_TEXT) if isinstance(key, str) else brief(key)), item
    else:
        for number, item in enumerate(inner):
            yield str(number), item
