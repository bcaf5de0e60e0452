"""What the tests of values share: tensors of every kind, a file of them, and a comparison bit for bit."""

from __future__ import annotations

import io
import warnings
from typing import Any

import torch

from modelcypher_nb.formats import torch_zip
from modelcypher_nb.formats.content import Content
from modelcypher_nb.formats.pickles.context import Context
from modelcypher_nb.guard.source import BytesSource

DENSE = (
    torch.bool, torch.uint8, torch.int8, torch.int16, torch.uint16, torch.int32, torch.uint32, torch.int64,
    torch.uint64, torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex32, torch.complex64,
    torch.complex128, torch.float8_e4m3fn, torch.float8_e5m2, torch.float8_e4m3fnuz, torch.float8_e5m2fnuz,
    torch.float8_e8m0fnu, torch.float4_e2m1fn_x2, torch.bits8,
)  # fmt: skip


def noise(dtype: torch.dtype, shape: tuple[int, ...], seed: int = 0) -> torch.Tensor:
    """Every bit pattern may occur, NaN payloads too: what is compared is bytes."""
    count = torch.Size(shape).numel()
    generator = torch.Generator().manual_seed(seed)
    if dtype == torch.bool:
        return torch.randint(0, 2, (count,), generator=generator, dtype=torch.uint8).bool().view(shape)
    raw = torch.randint(0, 256, (count * dtype.itemsize,), generator=generator, dtype=torch.uint8)
    return raw.view(dtype).view(shape)


def bytes_of(tensor: torch.Tensor) -> bytes:
    """The values in row-major order, whatever the strides; lazy conjugates and negatives resolved."""
    if not tensor.numel():
        return b""
    raw = tensor.detach().resolve_conj().resolve_neg()
    size = raw.element_size()
    whole = torch.empty(0, dtype=torch.uint8).set_(raw.untyped_storage())  # type: ignore[call-overload]
    index = raw.storage_offset() + sum(
        torch.arange(length).view([-1 if axis == place else 1 for axis in range(raw.ndim)]) * step
        for place, (length, step) in enumerate(zip(raw.shape, raw.stride(), strict=True))
    )
    places = torch.as_tensor(index).reshape(-1, 1) * size + torch.arange(size)
    return bytes(whole[places.reshape(-1)].numpy())


def facts_of(tensor: torch.Tensor, *, with_strides: bool = True) -> dict[str, Any]:
    """Everything that tells one tensor from another, its values as bytes."""
    if tensor.is_nested:
        return {"nested": [facts_of(one, with_strides=with_strides) for one in tensor.unbind()]}
    found: dict[str, Any] = {"dtype": tensor.dtype, "shape": tuple(tensor.shape), "layout": tensor.layout}
    found["device"] = tensor.device.type
    if tensor.layout == torch.sparse_coo:
        parts = {"indices": tensor._indices(), "values": tensor._values()}
        found["is_coalesced"] = tensor.is_coalesced()
    elif tensor.layout in {torch.sparse_csr, torch.sparse_bsr}:
        parts = {"rows": tensor.crow_indices(), "columns": tensor.col_indices(), "values": tensor.values()}
    elif tensor.layout in {torch.sparse_csc, torch.sparse_bsc}:
        parts = {"columns": tensor.ccol_indices(), "rows": tensor.row_indices(), "values": tensor.values()}
    elif tensor.is_quantized:
        parts = {"int_repr": tensor.int_repr()}
        found |= quantizer_of(tensor)
    else:
        if with_strides:
            found |= {"stride": tensor.stride(), "conj": tensor.is_conj(), "neg": tensor.is_neg()}
        return found | ({"bytes": bytes_of(tensor)} if tensor.device.type != "meta" else {})
    return found | {name: facts_of(part, with_strides=with_strides) for name, part in parts.items()}


def quantizer_of(tensor: torch.Tensor) -> dict[str, Any]:
    if tensor.qscheme() == torch.per_tensor_affine:
        return {"scale": tensor.q_scale(), "zero_point": tensor.q_zero_point()}
    scales, points = tensor.q_per_channel_scales(), tensor.q_per_channel_zero_points()
    return {"axis": tensor.q_per_channel_axis(), "scales": scales.tolist(), "zero_points": points.tolist()}


def everything() -> dict[str, torch.Tensor]:
    """Tensors of every dtype, shape and layout that torch saves."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of layouts in beta
        return _everything()


def _everything() -> dict[str, torch.Tensor]:
    found = {
        f"{number:02}.{str(dtype).removeprefix('torch.')}.{len(shape)}": noise(dtype, shape, number)
        for number, dtype in enumerate(DENSE)
        for shape in ((), (5,), (0, 3), (2, 3, 4))
    }
    grid, numbers = torch.arange(24.0).view(4, 6), noise(torch.complex64, (3, 5), 7)
    compressed = torch.eye(4) + torch.diag(torch.ones(3), 1)
    found |= {
        "grid": grid, "transposed": grid.t(), "row": grid[1], "every other": grid[:, ::2], "tied": grid,
        "expanded": torch.ones(1).expand(5), "windows": torch.arange(9.0).as_strided((4, 3), (2, 1)),
        "channels last": torch.arange(24.0).view(1, 2, 3, 4).to(memory_format=torch.channels_last),
        "conjugate": numbers.conj(), "transposed conjugate": noise(torch.complex128, (2, 3), 8).t().conj(),
        "conjugate pair": noise(torch.complex32, (3,), 5).conj(),
        "negative": noise(torch.complex64, (3,), 9).conj().imag, "double negative": torch._neg_view(grid.clone()),
        "negative bfloat16": torch._neg_view(noise(torch.bfloat16, (7,), 3)),
        "negative whole": torch._neg_view(torch.tensor([1, -2, -(2**31)], dtype=torch.int32)),
        "parameter": torch.nn.Parameter(torch.randn(3)), "meta": torch.ones(2, 3, device="meta").t(),
        "coo": torch.eye(4).to_sparse(), "hybrid": torch.ones(3, 2).to_sparse(1),
        "uncoalesced": torch.sparse_coo_tensor([[0, 0]], [1.0, 2.0], (3,)),
        "complex coo": noise(torch.complex128, (2, 2), 4).to_sparse(), "empty coo": torch.zeros(3, 0).to_sparse(),
        "csr": compressed.to_sparse_csr(), "csc": compressed.to_sparse_csc(),
        "bsr": compressed.to_sparse_bsr((2, 2)), "bsc": compressed.to_sparse_bsc((2, 2)),
        "per tensor": torch.quantize_per_tensor(torch.randn(3, 4), 0.1, 3, torch.qint8),
        "per tensor 32": torch.quantize_per_tensor(torch.randn(3, 4), 1e-3, 0, torch.qint32),
        "per channel": torch.quantize_per_channel(
            torch.randn(3, 4), torch.tensor([0.1, 0.2, 0.3, 0.4]), torch.tensor([0, 1, 2, 3]), 1, torch.quint8
        ),
        "nested": torch.nested.nested_tensor([torch.ones(2, 3), torch.zeros(4, 3)]),
    }  # fmt: skip
    return found


def described(content: Any, **options: Any) -> Content:
    """What is read of a file that torch itself wrote of a content."""
    found = torch_zip.read(BytesSource(saved(content, **options), "file"), Context("file"))
    assert found.error is None
    return found


def saved(content: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    torch.save(content, file, **options)
    return file.getvalue()
