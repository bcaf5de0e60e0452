"""safetensors: describe a file's header, load its tensors into torch, save a state dict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO

from ..errors import MalformedError, UnsupportedFormatError, UsageError
from ..extras import require
from ..guard.safe_path import SafePath
from ..guard.secrets import shown
from .report import TensorInfo
from .safetensors_header import Header, describe
from .safetensors_layout import Entry, header_bytes, in_order, is_name

if TYPE_CHECKING:
    import torch

__all__ = ["SAFETENSORS_NAMES", "describe", "load", "save"]

# torch spells the packed and the 8-bit types its own way; the rest map by one rule each.
TORCH_NAMES = {
    "BOOL": "bool",
    "BF16": "bfloat16",
    "C64": "complex64",
    "F4": "float4_e2m1fn_x2",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E5M2": "float8_e5m2",
    "F8_E5M2FNUZ": "float8_e5m2fnuz",
    "F8_E8M0": "float8_e8m0fnu",
    **{
        f"{letter}{bits}": f"{kind}{bits}" for letter, kind in (("U", "uint"), ("I", "int")) for bits in (8, 16, 32, 64)
    },
    **{f"F{bits}": f"float{bits}" for bits in (16, 32, 64)},
}
SAFETENSORS_NAMES = {torch_name: name for name, torch_name in TORCH_NAMES.items()}
PIECE_BYTES = 1 << 20  # what one write of a saved tensor takes


def load(safe: SafePath, header: Header | None = None, *, mapped: bool | None = None) -> dict[str, torch.Tensor]:
    """Load every tensor of a file, from the very bytes that its header was proven against.

    Args:
        safe: the open file.
        header: its header where it was described already.
        mapped: map the file instead of reading it. None maps files that are only ever replaced, never rewritten in
            place (the toolkit's own and the Hub's): a mapped file that is cut short kills the process, and one that is
            overwritten changes loaded tensors. Writing to a mapped tensor stays private to this process.

    Returns:
        Tensors by name, in file order.
    """
    torch = require("torch", "Loading tensors")
    header = header or describe(safe.source(), safe.name)
    plan = [(tensor, *_torch_layout(torch, tensor, safe.display)) for tensor in header.tensors]
    if (safe.managed if mapped is None else mapped) and safe.identity.size > header.data_start:
        return _mapped(torch, safe, plan)
    return {tensor.name: _read(torch, safe, tensor, dtype, shape) for tensor, dtype, shape in plan}


def _torch_layout(torch: Any, tensor: TensorInfo, label: str) -> tuple[torch.dtype, tuple[int, ...]]:
    dtype = getattr(torch, TORCH_NAMES.get(tensor.dtype, ""), None)
    if dtype is None:
        raise UnsupportedFormatError(
            f"Tensor '{shown(tensor.name, 80)}' of {label} is {tensor.dtype}, which this torch has no type for.",
            "Name a newer torch's environment, or load the other tensors from a file without it.",
        )
    if tensor.dtype != "F4":
        return dtype, tensor.shape
    if not tensor.shape or tensor.shape[-1] % 2:  # torch packs two along the last dimension
        raise UnsupportedFormatError(
            f"Tensor '{shown(tensor.name, 80)}' of {label} is F4 {list(tensor.shape)}: torch packs pairs of the last "
            "dimension, which is odd.",
            "Ask its maker to pad the last dimension to an even length.",
        )
    return dtype, (*tensor.shape[:-1], tensor.shape[-1] // 2)


def _mapped(torch: Any, safe: SafePath, plan: list[tuple[TensorInfo, Any, tuple[int, ...]]]) -> dict[str, torch.Tensor]:
    """Tensors over one private mapping; each has its own slice of it as storage, as safetensors gives them."""
    size = safe.identity.size
    try:
        # torch's mapping keeps no descriptor open, as Python's mmap would for each of a thousand shards.
        storage = torch.UntypedStorage.from_file(safe.for_library(), shared=False, nbytes=size)
    except RuntimeError as error:
        raise MalformedError(
            f"{safe.display} became shorter than {size} bytes since it was opened.",
            "Wait until its writer is done and try again.",
        ) from error
    result = {}
    for tensor, dtype, shape in plan:
        if not tensor.size_bytes or tensor.offset % dtype.itemsize:  # a header of odd length leaves data unaligned
            result[tensor.name] = _read(torch, safe, tensor, dtype, shape)
            continue
        part = storage[tensor.offset : tensor.offset + tensor.size_bytes]
        result[tensor.name] = torch.empty(0, dtype=dtype).set_(part, 0, shape)
    return result


def _read(torch: Any, safe: SafePath, tensor: TensorInfo, dtype: Any, shape: tuple[int, ...]) -> torch.Tensor:
    """Read one tensor into memory that torch owns: no copy in between."""
    if not tensor.size_bytes:
        return torch.empty(shape, dtype=dtype)  # type: ignore[no-any-return] # torch itself is imported untyped here
    target = torch.empty(tensor.size_bytes, dtype=torch.uint8)
    safe.source().read_into(tensor.offset, memoryview(target.numpy()))
    return target.view(dtype).view(shape)  # type: ignore[no-any-return]


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
