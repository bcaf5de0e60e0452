"""Benign checkpoints of tensors: every dtype in every layout, saved in every way that torch has."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from .sample import WEIGHTS, Sample

__all__ = ["SAMPLES", "saved"]

Save = tuple[str, dict[str, Any]]
ZIP: Save = ("zip", {})
LEGACY: Save = ("legacy", {"_use_new_zipfile_serialization": False})
LATE_ZIP: Save = ("zip protocol 5", {"pickle_protocol": 5})
LATE_LEGACY: Save = ("legacy protocol 4", {"_use_new_zipfile_serialization": False, "pickle_protocol": 4})

# What has a storage class of its own; torch's old layout can hold only these.
OLD_DTYPES = (
    torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.complex64, torch.complex128, torch.uint8,
    torch.int8, torch.int16, torch.int32, torch.int64, torch.bool,
)  # fmt: skip
NEW_DTYPES = (
    torch.float8_e4m3fn, torch.float8_e4m3fnuz, torch.float8_e5m2, torch.float8_e5m2fnuz, torch.float8_e8m0fnu,
    torch.float4_e2m1fn_x2, torch.complex32, torch.uint16, torch.uint32, torch.uint64, torch.bits8, torch.bits16,
    torch.bits1x8, torch.bits2x4, torch.bits4x2,
)  # fmt: skip
DTYPES = OLD_DTYPES + NEW_DTYPES
COMPOSED = (torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.complex64, torch.int64)


def _values(dtype: torch.dtype, count: int = 24) -> torch.Tensor:
    """That many elements of ordinary bytes, no two neighbours alike."""
    if dtype is torch.bool:
        return torch.arange(count) % 3 == 0
    size = torch.empty(0, dtype=dtype).element_size()
    raw = (torch.arange(count * size) * 37 + 11) % 61  # small bytes: no NaN in any float
    return raw.to(torch.uint8).view(dtype)


LAYOUTS: dict[str, Callable[[torch.dtype], Any]] = {
    "plain": lambda dtype: _values(dtype).view(2, 3, 4),
    "zero-dim": lambda dtype: _values(dtype)[5],
    "empty": lambda dtype: torch.empty(0, 3, dtype=dtype),
    "sliced": lambda dtype: _values(dtype)[7:13],
    "stepped": lambda dtype: _values(dtype)[1::3],
    "transposed": lambda dtype: _values(dtype).view(4, 6).t(),
    "permuted": lambda dtype: _values(dtype).view(2, 3, 4).permute(2, 0, 1),
    "expanded": lambda dtype: _values(dtype)[:4].view(1, 4).expand(5, 4),
    "tied": lambda dtype: [shared := _values(dtype), shared, shared[3:9], shared.view(4, 6)],
    "channels last": lambda dtype: torch.empty_like(
        _values(dtype).view(1, 2, 3, 4), memory_format=torch.channels_last
    ).copy_(_values(dtype).view(1, 2, 3, 4)),
    "of one element": lambda dtype: _values(dtype, 1).view(1, 1, 1),
    "in a deep dict": lambda dtype: {"a": {"b": [{"c": (_values(dtype), 1)}]}, 3: _values(dtype)},
    "meta": lambda dtype: torch.empty(3, 4, dtype=dtype, device="meta"),
}


def saved(name: str, value: Callable[[], Any], how: Save, file: str = "model.pt") -> Callable[[Path], Path]:
    """A maker of a torch checkpoint."""

    def make(folder: Path) -> Path:
        path = folder / file
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # prototypes and deprecations of torch are what old files are made of
            torch.save(value(), path, **how[1])
        return path

    return make


def _sample(name: str, value: Callable[[], Any], how: Save) -> Sample:
    return Sample(f"{name}, {how[0]}", saved(name, value, how), WEIGHTS, "A checkpoint of tensors.", opens="torch")


def _of_dtypes() -> Iterator[Sample]:
    for number, dtype in enumerate(DTYPES):
        ways = (ZIP, LEGACY, LATE_ZIP, LATE_LEGACY) if dtype in OLD_DTYPES else (ZIP, LATE_ZIP)
        for place, (layout, build) in enumerate(LAYOUTS.items()):
            if layout == "channels last" and dtype not in OLD_DTYPES:
                continue
            # Two of the ways for each pair, in turns.
            for how in (ways[(number + place) % len(ways)], ways[(number + place + 1) % len(ways)]):
                name = f"{str(dtype).removeprefix('torch.')} {layout}"
                yield _sample(name, lambda build=build, dtype=dtype: {"weight": build(dtype), "epoch": 1}, how)


def _parameters() -> Iterator[Sample]:
    floating = [dtype for dtype in DTYPES if dtype.is_floating_point or dtype.is_complex]
    for dtype in floating:
        ways = (ZIP, LEGACY) if dtype in OLD_DTYPES else (ZIP,)
        for how in ways:
            name = str(dtype).removeprefix("torch.")
            yield _sample(
                f"{name} parameter",
                lambda dtype=dtype: {"w": torch.nn.Parameter(_values(dtype).view(4, 6), requires_grad=False)},
                how,
            )
    for how in (ZIP, LEGACY, LATE_ZIP):
        yield _sample("a parameter with a gradient", lambda: {"w": torch.nn.Parameter(torch.ones(2, 2))}, how)
        yield _sample("a tensor that requires a gradient", lambda: {"w": torch.ones(3, requires_grad=True)}, how)
        yield _sample("a list of parameters", lambda: [torch.nn.Parameter(torch.ones(n)) for n in range(1, 4)], how)
        yield _sample("a tied parameter", lambda: dict.fromkeys("ab", torch.nn.Parameter(torch.ones(2))), how)
        yield _sample("a buffer", lambda: {"b": torch.nn.Buffer(torch.arange(3.0))}, how)
        yield _sample("a tensor alone", lambda: torch.arange(12.0).view(3, 4), how)
        yield _sample("a parameter alone", lambda: torch.nn.Parameter(torch.ones(3)), how)
    for how in (ZIP, LEGACY):
        yield _sample("conj", lambda: {"w": torch.view_as_complex(torch.arange(8.0).view(4, 2)).conj()}, how)
        yield _sample("neg", lambda: {"w": torch.view_as_complex(torch.arange(8.0).view(4, 2)).conj().imag}, how)
        yield _sample(
            "conj of doubles", lambda: {"w": torch.view_as_complex(torch.arange(8.0).double().view(4, 2)).conj()}, how
        )
        yield _sample("a typed storage", _typed_storage, how)
    yield _sample("an untyped storage", lambda: {"s": torch.arange(4.0).untyped_storage()}, ZIP)


def _typed_storage() -> Any:
    return {"s": torch.FloatStorage([1.0, 2.0, 3.0])}


def _protocols() -> Iterator[Sample]:
    values: dict[str, Callable[[], Any]] = {
        "floats": lambda: {"a": torch.arange(6.0).view(2, 3), "b": 1},
        "views": lambda: {"a": (base := torch.arange(6))[1:4], "b": base},
        "state dict": lambda: torch.nn.Linear(3, 2).state_dict(),
        "trainer": lambda: {"step": 10**30, "note": "é\u2603", "best": 0.5, "t": torch.ones(1)},
        "bool and half": lambda: [torch.tensor([True, False]), torch.ones(2).half()],
        "complex": lambda: (torch.ones(2, dtype=torch.complex64), 1 + 2j),
    }
    for protocol in range(1, 6):
        for is_zip in (True, False):
            how = (
                f"{'zip' if is_zip else 'legacy'} protocol {protocol}",
                {"pickle_protocol": protocol, "_use_new_zipfile_serialization": is_zip},
            )
            for name, value in values.items():
                yield _sample(f"{name} by protocol", value, how)
    plain = {"a": [1, 2.5, None, True, "text", (1, 2), {"b": 10**700}], "n": -(1 << 40)}
    for is_zip in (True, False):
        how = (
            f"{'zip' if is_zip else 'legacy'} protocol 0",
            {"pickle_protocol": 0, "_use_new_zipfile_serialization": is_zip},
        )
        yield _sample("plain data", lambda: plain, how)


SPARSE: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "COO": lambda dense: dense.to_sparse(),
    "COO not coalesced": lambda dense: torch.sparse_coo_tensor(
        torch.tensor([[0, 0, 2], [1, 1, 3]]), dense.flatten()[:3], tuple(dense.shape)
    ),
    "COO with dense dimensions": lambda dense: dense.to_sparse(1),
    "COO of nothing": lambda dense: torch.zeros_like(dense).to_sparse(),
    "CSR": lambda dense: dense.to_sparse_csr(),
    "CSC": lambda dense: dense.to_sparse_csc(),
    "BSR": lambda dense: dense.to_sparse_bsr((2, 2)),
    "BSC": lambda dense: dense.to_sparse_bsc((2, 2)),
}


def _dense(dtype: torch.dtype) -> torch.Tensor:
    values = torch.arange(24).view(4, 6)
    return (values * (values % 3 == 0)).to(dtype)


def _composites() -> Iterator[Sample]:
    for layout, make in SPARSE.items():
        for dtype in COMPOSED:
            for how in (ZIP, LEGACY):
                name = f"sparse {layout} {str(dtype).removeprefix('torch.')}"
                yield _sample(name, lambda make=make, dtype=dtype: {"w": make(_dense(dtype))}, how)
    for how in (ZIP, LEGACY, LATE_ZIP):
        for name, make_one in QUANTIZED.items():
            yield _sample(f"quantized {name}", lambda make_one=make_one: {"w": make_one()}, how)
    for how in (ZIP, LATE_ZIP):
        for name, make_one in NESTED.items():
            yield _sample(f"nested {name}", lambda make_one=make_one: {"w": make_one()}, how)


def _ramp() -> torch.Tensor:
    return torch.arange(12.0).view(3, 4) / 7


def _per_channel(dtype: torch.dtype, axis: int = 0) -> torch.Tensor:
    count = _ramp().shape[axis]
    scales, zeros = torch.full((count,), 0.1).double(), torch.zeros(count).long()
    return torch.quantize_per_channel(_ramp(), scales, zeros, axis, dtype)


QUANTIZED: dict[str, Callable[[], torch.Tensor]] = {
    "per tensor quint8": lambda: torch.quantize_per_tensor(_ramp(), 0.1, 3, torch.quint8),
    "per tensor qint8": lambda: torch.quantize_per_tensor(_ramp(), 0.1, 0, torch.qint8),
    "per tensor qint32": lambda: torch.quantize_per_tensor(_ramp(), 0.01, 0, torch.qint32),
    "per channel qint8": lambda: _per_channel(torch.qint8),
    "per channel quint8 on axis 1": lambda: _per_channel(torch.quint8, 1),
    "per channel qint32": lambda: _per_channel(torch.qint32),
    "transposed": lambda: torch.quantize_per_tensor(_ramp(), 0.1, 3, torch.quint8).t(),
    "sliced": lambda: torch.quantize_per_tensor(_ramp(), 0.1, 3, torch.quint8)[1:],
}
NESTED: dict[str, Callable[[], torch.Tensor]] = {
    "strided": lambda: torch.nested.nested_tensor([torch.arange(3.0), torch.arange(5.0)]),
    "of matrices": lambda: torch.nested.nested_tensor([torch.ones(2, 3), torch.ones(4, 3)]),
}

SAMPLES: tuple[Sample, ...] = (*_of_dtypes(), *_parameters(), *_protocols(), *_composites())
