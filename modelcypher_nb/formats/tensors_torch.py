"""Described tensors as torch's: storages read once and shared, strides and lazy bits as torch leaves them."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from ..errors import MalformedError, UnsupportedFormatError
from ..extras import require
from ..guard.safe_path import SafePath
from ..guard.secrets import shown
from ..guard.source import FileSource, RangeSource
from .gather import source_of, swap_bytes
from .pickles.strided import bytes_of
from .pickles.values import COMPRESSED, Composite, Storage, Tensor
from .remedies import FETCH_AGAIN
from .torch_dtypes import dtype_named
from .torch_memory import read_together

if TYPE_CHECKING:
    import torch

__all__ = ["TorchMaker", "map_file"]

ALIGNMENT = 16  # of the widest element; what lies in a file otherwise is read, not mapped


class TorchMaker:
    """Makes torch's tensors of described ones; the same description gives the same tensor, the same storage the same.

    Attributes:
        torch: the library.

    Args:
        mapped: map files instead of reading them; None maps those that are only ever replaced.
        is_whole: whether parameters become parameters, with their gradients' requests; else every tensor is plain.
    """

    def __init__(self, *, mapped: bool | None = None, is_whole: bool = False) -> None:
        self.torch = require("torch", "Loading tensors")
        self._mapped = mapped
        self._is_whole = is_whole
        self._storages: dict[int, Any] = {}
        self._maps: dict[int, Any] = {}
        self._made: dict[int, Any] = {}
        self._kept: list[object] = []  # what the numbers above are the ids of

    def prepare(self, values: Iterable[Tensor | Composite]) -> None:
        """Read all storages that these need, the large ones by two threads."""
        todo = []
        for tensor in _dense(values):
            storage = tensor.storage
            if id(storage) in self._storages or storage.source is None or not storage.size_bytes:
                continue
            self._kept.append(storage)
            found = self._map(storage)
            if found is None:
                memory = self.torch.empty(storage.size_bytes, dtype=self.torch.uint8, device="cpu")
                found = memory.untyped_storage()
                todo.append((storage.source, 0, memory))
            self._storages[id(storage)] = found
        read_together(todo)
        self._swap(values)

    def make(self, name: str, value: Tensor | Composite) -> torch.Tensor:
        """The tensor of a description whose storages were prepared.

        Raises:
            MalformedError: its parts contradict each other, or its bytes are missing.
            UnsupportedFormatError: torch has no such tensor.
        """
        made = self._made.get(id(value))
        if made is None:
            made = self._built(name, value)
            self._made[id(value)] = made
            self._kept.append(value)
        return made  # type: ignore[no-any-return] # torch itself is imported untyped here

    def _built(self, name: str, value: Tensor | Composite) -> Any:
        if isinstance(value, Tensor) and value.dtype != "C32":
            return self._tensor(name, value)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that complex halves, compressed and nested layouts are young
            return self._tensor(name, value) if isinstance(value, Tensor) else self._composite(name, value)

    def _map(self, storage: Storage) -> Any:
        """Its part of its file's one mapping; None where it is to be read."""
        source = storage.source
        outer, offset = source.place() if isinstance(source, RangeSource) else (source, 0)
        if not isinstance(outer, FileSource) or not isinstance(outer.opener, SafePath) or offset % ALIGNMENT:
            return None
        safe = outer.opener
        if not (safe.managed if self._mapped is None else self._mapped) or storage.big_endian:
            return None
        if id(safe) not in self._maps:
            self._maps[id(safe)] = map_file(self.torch, safe)
            self._kept.append(safe)
        return self._maps[id(safe)][offset : offset + storage.size_bytes]

    def _swap(self, values: Iterable[Tensor | Composite]) -> None:
        done: set[int] = set()
        for tensor in _dense(values):
            storage, unit = tensor.storage, swap_bytes(tensor)
            if unit > 1 and id(storage) not in done and id(storage) in self._storages:
                done.add(id(storage))
                whole = self.torch.empty(0, dtype=self.torch.uint8, device="cpu").set_(self._storages[id(storage)])
                whole.numpy().view(f"u{unit}").byteswap(inplace=True)

    def _tensor(self, name: str, tensor: Tensor) -> Any:
        torch = self.torch
        dtype = dtype_named(torch, tensor.dtype, name)
        if tensor.storage.device == "meta":
            made = torch.empty_strided(tensor.shape, tensor.stride, dtype=dtype, device="meta")
        else:
            made = torch.empty(0, dtype=dtype, device="cpu").set_(
                self._storage(name, tensor), tensor.offset, tensor.shape, tensor.stride
            )
        if tensor.conj:
            made = made.conj()
        if tensor.neg:
            made = torch._neg_view(made)  # noqa: SLF001 - the one way to a lazy negative
        return self._as_saved(name, tensor, made) if self._is_whole else made

    def _storage(self, name: str, tensor: Tensor) -> Any:
        storage = tensor.storage
        if not storage.size_bytes:
            return self._storages.setdefault(id(storage), self.torch.UntypedStorage(0, device="cpu"))
        source_of(tensor, name)
        last = tensor.offset + sum(
            (length - 1) * step for length, step in zip(tensor.shape, tensor.stride, strict=True)
        )
        # Proven when it was described; memory is never worth less than a second look.
        if tensor.element_count and (last + 1) * bytes_of(tensor.dtype) > storage.size_bytes:
            raise _lie(name, f"reaches beyond the {storage.size_bytes} bytes of its storage")
        return self._storages[id(storage)]

    def _as_saved(self, name: str, tensor: Tensor, made: Any) -> Any:
        if tensor.requires_grad and not (made.is_floating_point() or made.is_complex()):
            raise _lie(name, f"is {tensor.dtype} and asks for gradients, which only fractions have")
        if tensor.is_parameter:
            return self.torch.nn.Parameter(made, requires_grad=tensor.requires_grad)
        return made.requires_grad_(tensor.requires_grad)

    # Made of several

    def _composite(self, name: str, value: Composite) -> Any:
        parts = {part: self.make(f"{name}.{part}", tensor) for part, tensor in value.tensors.items()}
        build = {"quantized": self._quantized, "nested": self._nested}.get(value.layout, self._sparse)
        try:
            return build(name, value, parts)
        except (RuntimeError, ValueError, IndexError, KeyError, TypeError) as error:
            raise _lie(name, f"is no sound {value.layout} tensor: {shown(error, 200)}") from error

    def _sparse(self, name: str, value: Composite, parts: dict[str, Any]) -> Any:
        torch, facts = self.torch, value.facts
        if value.layout == "sparse_coo":
            return torch.sparse_coo_tensor(
                parts["indices"],
                parts["values"],
                value.shape,
                device=parts["values"].device,
                check_invariants=True,
                is_coalesced=facts.get("is_coalesced"),
            )
        if value.layout not in COMPRESSED:
            raise UnsupportedFormatError(
                f"Tensor '{shown(name, 80)}' is {shown(value.layout, 40)}, which isn't loaded.",
                "Load the other tensors from a file without it.",
            )
        first, second = COMPRESSED[value.layout]
        layout = getattr(torch, value.layout)
        return torch.sparse_compressed_tensor(
            parts[first],
            parts[second],
            parts["values"],
            value.shape,
            layout=layout,
            device=parts["values"].device,
            check_invariants=True,
        )

    def _quantized(self, name: str, value: Composite, parts: dict[str, Any]) -> Any:
        torch, facts, plain = self.torch, value.facts, value.tensors["int_repr"]
        dtype = dtype_named(torch, value.dtype, name)
        if facts["qscheme"] == "per_tensor_affine":
            made = torch._empty_affine_quantized(  # noqa: SLF001 - as torch itself loads them
                plain.shape, scale=facts["scale"], zero_point=facts["zero_point"], dtype=dtype, device="cpu"
            )
        else:
            axis, length = facts["axis"], parts["scales"].numel()
            if axis >= len(plain.shape) or {length, parts["zero_points"].numel()} != {plain.shape[axis]}:
                raise _lie(name, "has another number of scales than channels")
            made = torch._empty_per_channel_affine_quantized(  # noqa: SLF001
                plain.shape,
                scales=parts["scales"],
                zero_points=parts["zero_points"],
                axis=axis,
                dtype=dtype,
                device="cpu",
            )
        return made.set_(self._storage(name, plain), plain.offset, plain.shape, plain.stride)

    def _nested(self, name: str, value: Composite, parts: dict[str, Any]) -> Any:
        del value
        buffer, sizes, strides, offsets = (parts[part] for part in ("buffer", "sizes", "strides", "offsets"))
        if any(part.dtype != self.torch.int64 for part in (sizes, strides, offsets)) or sizes.ndim != 2:
            raise _lie(name, "has sizes that are no table of whole numbers")
        if sizes.shape != strides.shape or offsets.shape != sizes.shape[:1] or buffer.ndim != 1:
            raise _lie(name, "has other sizes than strides or offsets")
        # torch believes these: a wrong one would read memory that isn't the tensor's.
        for size, stride, offset in zip(sizes.tolist(), strides.tolist(), offsets.tolist(), strict=True):
            last = offset + sum((length - 1) * step for length, step in zip(size, stride, strict=True))
            if min((*size, *stride, offset), default=0) < 0 or (0 not in size and last >= buffer.numel()):
                raise _lie(name, "has a part that reaches beyond its values")
        return self.torch._nested_view_from_buffer(buffer, sizes, strides, offsets)  # noqa: SLF001


def _lie(name: str, problem: str) -> MalformedError:
    return MalformedError(f"Tensor '{shown(name, 80)}' {problem}.", FETCH_AGAIN)


def _dense(values: Iterable[Tensor | Composite]) -> Iterator[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        else:
            yield from value.tensors.values()


def map_file(torch: Any, safe: SafePath) -> Any:
    """A private mapping of a whole file as a storage; it holds no descriptor, as Python's mmap would.

    Raises:
        MalformedError: the file was cut since it was opened.
    """
    try:
        return torch.UntypedStorage.from_file(safe.for_library(), shared=False, nbytes=safe.identity.size)
    except RuntimeError as error:
        raise MalformedError(
            f"{safe.display} became shorter than {safe.identity.size} bytes since it was opened.",
            "Wait until its writer is done and try again.",
        ) from error
