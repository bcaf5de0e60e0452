"""safetensors: describe a file's header, load its tensors into torch, save a state dict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

from ..errors import UnsupportedFormatError, UsageError
from ..extras import require
from ..guard.safe_path import SafePath
from ..guard.secrets import shown
from ..guard.source import RangeSource, Source
from .pickles.strided import strides_of
from .pickles.values import Composite, Storage, Tensor
from .report import TensorInfo
from .safetensors_header import DTYPE_BITS, Header, describe
from .safetensors_layout import Entry, header_bytes, in_order, is_name
from .torch_dtypes import TORCH_NAMES, dtype_named, has_torch

if TYPE_CHECKING:
    import torch

__all__ = ["SAFETENSORS_NAMES", "describe", "load", "save", "tensors_of"]

Plan = Sequence[tuple[TensorInfo, Any, tuple[int, ...]]]  # each with the dtype and shape that torch gives it

SAFETENSORS_NAMES = {TORCH_NAMES[name]: name for name in DTYPE_BITS if name in TORCH_NAMES}
PIECE_BYTES = 1 << 20  # what one write of a saved tensor takes


def load(safe: SafePath, header: Header | None = None, *, mapped: bool | None = None) -> dict[str, Any]:
    """Load every tensor of a file, from the very bytes that its header was proven against.

    What `formats.convert` wrote as a group of tensors comes back as the value it was, and every further name of a
    tensor over the same memory.

    Args:
        safe: the open file.
        header: its header where it was described already.
        mapped: map the file instead of reading it. None maps files that are only ever replaced, never rewritten in
            place (the toolkit's own and the Hub's): a mapped file that is cut short kills the process, and one that is
            overwritten changes loaded tensors. Writing to a mapped tensor stays private to this process.

    Returns:
        Tensors by name, in file order: torch's, or numpy's arrays where torch isn't installed.

    Raises:
        MalformedError: the file contradicts itself, or was cut.
        UnreadableError: the disk refused.
        UnsupportedFormatError: what is installed has no type for a tensor.
    """
    header = header or describe(safe.source(), safe.name)
    if not has_torch():
        from .arrays import to_numpy

        return dict(to_numpy(tensors_of(safe.source(), header)))
    import torch

    parts = {place["tensor"] for entry in header.groups.values() for place in entry["parts"].values()}
    plain = [tensor for tensor in header.tensors if tensor.name not in parts] if parts else header.tensors
    plan = _planned(torch, plain, safe.display)
    is_mapped = safe.managed if mapped is None else mapped
    found = (_mapped if is_mapped and safe.identity.size > header.data_start else _read)(torch, safe, plan)
    if header.groups:
        from .arrays import to_torch

        found |= to_torch(_groups(safe.source(), header), mapped=mapped)
    for alias, name in header.aliases.items():
        found[alias] = found[name].detach()
    return found


def tensors_of(source: Source, header: Header) -> dict[str, Tensor | Composite]:
    """Describe every value of a file as the other formats are described, each over its own bytes.

    Args:
        source: the file's bytes.
        header: what it says, proven against them.
    """
    groups = _groups(source, header)
    parts = {place["tensor"] for entry in header.groups.values() for place in entry["parts"].values()}
    found: dict[str, Tensor | Composite] = {
        tensor.name: _described(source, tensor) for tensor in header.tensors if tensor.name not in parts
    }
    found |= groups
    return found | {alias: found[name] for alias, name in header.aliases.items()}


def _groups(source: Source, header: Header) -> dict[str, Tensor | Composite]:
    if not header.groups:
        return {}
    from .composites import joined

    tensors = {tensor.name: tensor for tensor in header.tensors}
    return {
        name: joined(entry, tensors, lambda info: _described(source, info)) for name, entry in header.groups.items()
    }


def _described(source: Source, tensor: TensorInfo) -> Tensor:
    """A tensor over its own bytes, which lie in row-major order."""
    shape = _torch_shape(tensor, source.label) if tensor.shape else ()  # a group may hold one packed pair
    data = RangeSource(source, tensor.offset, tensor.size_bytes)
    storage = Storage(tensor.name, tensor.dtype, tensor.size_bytes, data)
    return Tensor(storage, tensor.dtype, shape, strides_of(shape))


def _planned(torch: Any, tensors: Iterable[TensorInfo], label: str) -> Plan:
    """The tensors with torch's dtypes and shapes.

    Raises:
        UnsupportedFormatError: torch has no type for one.
    """
    dtypes: dict[str, Any] = {}
    plan = []
    for tensor in tensors:
        dtype = dtypes.get(tensor.dtype)
        if dtype is None:
            dtype = dtypes[tensor.dtype] = dtype_named(torch, tensor.dtype, tensor.name, label)
        shape = tensor.shape if tensor.dtype != "F4" else _torch_shape(tensor, label)
        plan.append((tensor, dtype, shape))
    return plan


def _torch_shape(tensor: TensorInfo, label: str) -> tuple[int, ...]:
    if tensor.dtype != "F4":
        return tensor.shape
    if not tensor.shape or tensor.shape[-1] % 2:  # torch packs two along the last dimension
        raise UnsupportedFormatError(
            f"Tensor '{shown(tensor.name, 80)}' of {label} is F4 {list(tensor.shape)}: torch packs pairs of the last "
            "dimension, which is odd.",
            "Ask its maker to pad the last dimension to an even length.",
        )
    return (*tensor.shape[:-1], tensor.shape[-1] // 2)


def _mapped(torch: Any, safe: SafePath, plan: Plan) -> dict[str, Any]:
    """Tensors over one private mapping; each has its own slice of it as storage, as safetensors gives them."""
    from .tensors_torch import map_file

    storage = map_file(torch, safe)
    empty: dict[Any, Any] = {}
    result, rest = {}, []
    for tensor, dtype, shape in plan:
        begin = tensor.offset
        if not tensor.size_bytes or begin % dtype.itemsize:  # a header of odd length leaves data unaligned
            rest.append((tensor, dtype, shape))
            continue
        one = empty.get(dtype)
        if one is None:
            one = empty[dtype] = torch.empty(0, dtype=dtype, device="cpu")
        result[tensor.name] = one.new_empty(0).set_(storage[begin : begin + tensor.size_bytes], 0, shape)
    if not rest:
        return result
    result |= _read(torch, safe, rest)
    return {tensor.name: result[tensor.name] for tensor, _, _ in plan}


def _read(torch: Any, safe: SafePath, plan: Plan) -> dict[str, Any]:
    """Read tensors into memory that torch owns: no copy in between."""
    from .torch_memory import read_together

    source = safe.source()
    memories = [torch.empty(tensor.size_bytes, dtype=torch.uint8, device="cpu") for tensor, _, _ in plan]
    read_together(
        [(source, one[0].offset, memory) for one, memory in zip(plan, memories, strict=True) if one[0].size_bytes]
    )
    return {
        tensor.name: memory.view(dtype).view(shape)
        if tensor.size_bytes
        else torch.empty(shape, dtype=dtype, device="cpu")
        for (tensor, dtype, shape), memory in zip(plan, memories, strict=True)
    }


def save(tensors: Mapping[str, torch.Tensor], file: BinaryIO, metadata: Mapping[str, str] | None = None) -> None:
    """Write a state dict as safetensors, streaming, in the layout of safetensors' own writer.

    Lazy conjugates and negatives are resolved and strided views gathered first (safetensors writes the former wrongly).
    Tensors that share storage (tied weights, views) are each written in full, so every name loads by itself.

    Args:
        tensors: dense tensors by name, on any device.
        file: where to; `guard.create` gives one.
        metadata: texts for `__metadata__`, written in order of their keys.

    Raises:
        UsageError: a value is no dense tensor, or has a dtype that safetensors doesn't know.
    """
    torch = require("torch", "Saving tensors")
    entries = in_order([_entry(torch, name, tensor) for name, tensor in tensors.items()])
    file.write(header_bytes(entries, metadata))
    for entry in entries:
        _write(torch, tensors[entry.name], file)


def _entry(torch: Any, name: object, tensor: object) -> Entry:
    dtype = _storable(torch, name, tensor)
    shape = list(tensor.shape)  # type: ignore[attr-defined] # proven a line above
    if dtype == "F4":
        shape[-1] *= 2
    return Entry(str(name), dtype, tuple(shape), tensor.numel() * tensor.element_size())  # type: ignore[attr-defined]


def _storable(torch: Any, name: object, tensor: object) -> str:
    """The dtype under which a tensor is stored."""
    if not is_name(name):
        raise UsageError(f"{shown(repr(name), 80)} can't be a tensor's name.", "Name each tensor by an ordinary text.")
    if not isinstance(tensor, torch.Tensor):
        kind = type(tensor).__name__
        raise UsageError(
            f"'{shown(name, 80)}' is a {kind}, not a tensor.",
            "Save tensors only, and other values as JSON beside them.",
        )
    if tensor.layout != torch.strided or tensor.device.type == "meta" or tensor.is_quantized:
        raise UsageError(
            f"'{shown(name, 80)}' is no dense tensor with values ({tensor.layout}, {tensor.device}, {tensor.dtype}).",
            "Make it one first, with .to_dense() or .dequantize().",
        )
    known = SAFETENSORS_NAMES.get(str(tensor.dtype).removeprefix("torch."))
    if known is None:
        raise UsageError(
            f"'{shown(name, 80)}' is {tensor.dtype}, which safetensors doesn't know.",
            "Convert it first: torch.view_as_real(x) for complex128, or x.to(torch.float32).",
        )
    if known == "F4" and not tensor.ndim:
        raise UsageError(
            f"'{shown(name, 80)}' packs two F4 values, which a shape without dimensions can't say.", "Use x.view(1)."
        )
    return known


def _write(torch: Any, tensor: torch.Tensor, file: BinaryIO) -> None:
    if not tensor.numel():
        return
    plain = tensor.detach().cpu().resolve_conj().resolve_neg().contiguous()
    flat = memoryview(plain.view(-1).view(torch.uint8).numpy())  # type: ignore[arg-type] # numpy arrays are buffers
    file.writelines(flat[start : start + PIECE_BYTES] for start in range(0, len(flat), PIECE_BYTES))
