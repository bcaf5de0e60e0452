"""Calls that no checkpoint has a use for, each in one carrier, and a few of them in every carrier."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from .assembler import Call, Name, Persistent, assembled
from .callables import ROWS, called
from .containers import Entry, joblib_array, legacy, npy, tensor, torch_entries, torch_zip, wrapped, zipped
from .sample import CODE, Sample, marker_in

__all__ = ["CARRIERS", "SAMPLES"]


class Carrier(NamedTuple):
    """A file that a payload travels in."""

    name: str
    file: str
    content: Callable[[Any], bytes]


def _state(payload: Any) -> dict[str, Any]:
    """A state dict with something else in it."""
    return {"layer.weight": tensor(), "extra": payload, "epoch": 3}


def _script(data: Any, constants: Any) -> bytes:
    """A TorchScript archive; the program itself does nothing."""
    code = b"class Net(Module):\n  __parameters__ = []\n  __buffers__ = []\n"
    return zipped(
        Entry("net/data.pkl", assembled(data)),
        Entry("net/code/__torch__.py", code),
        Entry("net/code/__torch__.py.debug_pkl", assembled(())),
        Entry("net/constants.pkl", assembled(constants)),
        Entry("net/byteorder", b"little"),
        Entry("net/version", b"3\n"),
    )


def _export(payload: Any) -> bytes:
    """A .pt2 whose weights are a torch checkpoint of their own."""
    inner = torch_zip(assembled(_state(payload)))
    return zipped(
        Entry("net/archive_format", b"pt2"),
        Entry("net/archive_version", b"0"),
        Entry("net/byteorder", b"little"),
        Entry("net/models/model.json", b"{}"),
        Entry("net/data/weights/model.pt", inner),
        Entry("net/version", b"3\n"),
    )


def _hooks(payload: Any) -> bytes:
    return torch_zip(assembled({"weight": tensor(hooks=payload)}))


def _shell(payload: Any) -> bytes:
    """The payload where a harmless constructor takes an argument."""
    return assembled(Call(Name("collections", "OrderedDict"), ([("a", payload)],)))


_OBJECT_DTYPE = Call(Name("numpy", "dtype"), ("O8", False, True))

CARRIERS: tuple[Carrier, ...] = (
    *(
        Carrier(f"pickle protocol {number}", "model.pkl", lambda payload, number=number: assembled(payload, number))
        for number in range(6)
    ),
    Carrier("pickle without a frame", "model.pickle", lambda payload: assembled(payload, 4, framed=False)),
    Carrier("pickle named safetensors", "model.safetensors", lambda payload: assembled([payload], 2)),
    Carrier("pickle as a dict key", "model.pkl", lambda payload: assembled({payload: 1}, 2)),
    Carrier("pickle in a state dict", "model.ckpt", lambda payload: assembled({"a": [1, (2, payload)]}, 4)),
    Carrier("pickle in a shell", "model.pkl", _shell),
    Carrier("second of two pickles", "model.pkl", lambda payload: assembled({"a": 1}) + assembled(payload)),
    Carrier("torch zip", "model.pt", lambda payload: torch_zip(assembled(_state(payload)))),
    Carrier("torch zip protocol 4", "model.BIN", lambda payload: torch_zip(assembled(_state(payload), 4))),
    Carrier("torch zip deflated", "model.pth", lambda payload: torch_zip(assembled(_state(payload)), method=8)),
    Carrier("torch zip hooks", "model.pt", _hooks),
    Carrier(
        "torch zip storage kind", "model.bin", lambda payload: torch_zip(assembled({"weight": tensor(kind=payload)}))
    ),
    Carrier(
        "torch zip persistent id", "model.bin", lambda payload: torch_zip(assembled({"weight": Persistent(payload)}))
    ),
    Carrier("torch zip named safetensors", "a.safetensors", lambda payload: torch_zip(assembled(payload))),
    *(
        Carrier(f"legacy {part}", "model.pth", lambda payload, part=part: legacy(**{part: assembled(payload)}))
        for part in ("version", "info", "content", "keys")
    ),
    Carrier(
        "legacy magic in a list",
        "model.pth",
        lambda payload: legacy(magic=assembled([payload, 0x1950A86A20F9469CFC6C])),
    ),
    Carrier("npy of objects", "array.npy", lambda payload: npy(assembled([payload], 3))),
    Carrier("npy version 2", "array.npy", lambda payload: npy(assembled([payload], 4), version=2)),
    Carrier("npy of records", "array.npy", lambda payload: npy(assembled([payload], 3), "[('a', '|O'), ('b', '<i4')]")),
    Carrier("npz member", "arrays.npz", lambda payload: zipped(Entry("a.npy", npy(assembled([payload], 3))))),
    Carrier(
        "npz deflated member", "arrays.npz", lambda payload: zipped(Entry("a.npy", npy(assembled([payload])), method=8))
    ),
    Carrier("npz raw pickle", "arrays.npz", lambda payload: zipped(Entry("a.npy", assembled([payload], 3)))),
    Carrier("joblib", "model.joblib", lambda payload: assembled({"model": payload}, 4)),
    Carrier(
        "joblib array of objects", "a.joblib", lambda payload: joblib_array(_OBJECT_DTYPE, (1,), assembled([payload]))
    ),
    Carrier("joblib array dtype", "a.joblib", joblib_array),
    Carrier("joblib zlib", "model.joblib", lambda payload: wrapped(assembled([payload], 4), "zlib")),
    *(
        Carrier(f"{how} pickle", f"model.pkl.{how}", lambda payload, how=how: wrapped(assembled([payload], 4), how))
        for how in ("gz", "bz2", "xz", "lzma")
    ),
    Carrier("gz torch zip", "model.pt.gz", lambda payload: wrapped(torch_zip(assembled(_state(payload))), "gz")),
    Carrier("TorchScript data", "net.pt", lambda payload: _script({"x": payload}, ())),
    Carrier("TorchScript constants", "net.pt", lambda payload: _script({"x": 1}, (payload,))),
    Carrier("pt2", "net.pt2", _export),
    Carrier(
        "zip in a torch zip",
        "model.pt",
        lambda payload: zipped(
            *torch_entries(assembled({"weight": tensor()})), Entry("archive/more.pt", torch_zip(assembled(payload)))
        ),
    ),
    Carrier(
        "another pickle in a torch zip",
        "model.pt",
        lambda payload: zipped(
            *torch_entries(assembled({"weight": tensor()})), Entry("archive/more.pkl", assembled(payload))
        ),
    ),
)
EVERYWHERE = (
    ("posix", "system"),
    ("builtins", "eval"),
    ("subprocess", "Popen"),
    ("pkgutil", "resolve_name"),
    ("torch.serialization", "load"),
    ("numpy.testing._private.utils", "runstring"),
    ("pip._internal", "main"),
    ("somebodys_package.loading", "make"),
)


def _sample(row: Any, carrier: Carrier) -> Sample:
    def make(folder: Path) -> Path:
        path = folder / carrier.file
        path.write_bytes(carrier.content(called(row, marker_in(folder))))
        return path

    name = f"{row[0]}.{row[1]} in {carrier.name}"
    return Sample(name, make, CODE, f"Another loader would call {row[0]}.{row[1]}.")


def _samples() -> list[Sample]:
    chosen = {
        (row[:2], carrier.name): _sample(row, carrier) for row in ROWS if row[:2] in EVERYWHERE for carrier in CARRIERS
    }
    for number, row in enumerate(ROWS):
        carrier = CARRIERS[number % len(CARRIERS)]
        chosen.setdefault((row[:2], carrier.name), _sample(row, carrier))
    return list(chosen.values())


SAMPLES: tuple[Sample, ...] = tuple(_samples())
