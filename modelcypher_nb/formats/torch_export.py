"""What `torch.export.save` writes (.pt2): raw weights beside a program in JSON; the weights are read, nothing else."""

from __future__ import annotations

from typing import Any

from ..errors import MalformedError
from ..guard.secrets import shown
from .content import Content
from .pickles.context import Context
from .pickles.faults import FaultError
from .pickles.strided import bytes_of, dense
from .pickles.torch_names import sizes
from .pickles.values import Storage, Tensor, UnfitError
from .strict_json import FETCH_AGAIN, parse
from .torch_file import read_source
from .zip_archive import ZipArchive

__all__ = ["read_archive"]

FORMAT = "torch export (pt2)"
LONGEST_CONFIGURATION = 64 << 20
# ScalarType of torch/_export/serde/schema.py.
DTYPES = {
    1: "U8", 2: "I8", 3: "I16", 4: "I32", 5: "I64", 6: "F16", 7: "F32", 8: "F64", 9: "C32", 10: "C64", 11: "C128",
    12: "BOOL", 13: "BF16", 28: "U16", 29: "F8_E4M3", 30: "F8_E5M2", 31: "F8_E4M3FNUZ", 32: "F8_E5M2FNUZ",
    33: "F8_E8M0", 34: "U32", 35: "U64",
}  # fmt: skip


def read_archive(archive: ZipArchive, context: Context) -> Content:
    """Describe an exported program, its findings going to the context."""
    content = Content(FORMAT, root={})
    what = "It is an exported program: another loader builds a graph of its operators, and running the model runs them."
    context.tell("objects", "torch-export", what, 0)
    try:
        for name in archive.members:
            if name.endswith(("_weights_config.json", "_constants_config.json")):
                content.root |= _weights(archive, name, context)
        content.pickled = _judge_pickles(archive, context, content.root)
    except FaultError as fault:
        content.error = MalformedError(f"{context.where} {fault}.", FETCH_AGAIN)
        context.tell("malformed", "torch-export", content.error.problem, 0, remedy=FETCH_AGAIN)
    except MalformedError as error:
        content.error = error
        if not any(finding.what == error.problem for finding in context.findings):
            context.tell("malformed", "torch-export", error.problem, 0, remedy=error.remedy)
    return content


def _weights(archive: ZipArchive, name: str, context: Context) -> dict[str, Any]:
    source = archive.open(name)
    if source.size > LONGEST_CONFIGURATION:
        raise MalformedError(f"'{shown(name, 80)}' has {source.size} bytes.", FETCH_AGAIN)
    label = f"'{shown(name, 80)}' of {context.where}"
    entries = _map(_map(parse(source.read_at(0, source.size), label), label).get("config"), label)
    folder, found = name.rpartition("/")[0], {}
    for tensor, given in entries.items():
        entry = _map(given, label)
        if entry.get("use_pickle") or entry.get("tensor_meta") is None:
            continue  # judged with the other pickles
        try:
            found[tensor] = _tensor(archive, f"{folder}/{entry.get('path_name')}", entry, context)
        except (UnfitError, KeyError, TypeError) as error:
            problem = f"The tensor '{shown(tensor, 80)}' in {label} {shown(error, 120)}."
            raise MalformedError(problem, FETCH_AGAIN) from None
    return found


def _map(value: Any, label: str) -> dict[str, Any]:
    if type(value) is not dict:
        raise MalformedError(f"{label} isn't the table that torch writes.", FETCH_AGAIN)
    return value


def _numbers(values: Any) -> tuple[int, ...]:
    return sizes([one["as_int"] for one in values], "size")


def _tensor(archive: ZipArchive, member: str, entry: dict[str, Any], context: Context) -> Tensor:
    meta = entry["tensor_meta"]
    dtype = DTYPES.get(meta["dtype"])
    if dtype is None:
        raise UnfitError(f"has the unknown dtype {meta['dtype']!r}")
    source = archive.open(member)
    storage = Storage(member, dtype, source.size, source)
    if source.size % bytes_of(dtype):
        raise UnfitError("has a part of an element")
    (offset,) = _numbers([meta["storage_offset"]])
    tensor = dense(context, storage, dtype, _numbers(meta["sizes"]), _numbers(meta["strides"]), offset=offset)
    tensor.is_parameter = entry.get("is_param") is True
    return tensor


def _judge_pickles(archive: ZipArchive, context: Context, root: dict[str, Any]) -> bool:
    """Sample inputs, and the weights of older exports, are torch files of their own."""
    is_pickled = False
    for name in archive.members:
        source = archive.open(name)
        head = source.read_at(0, min(4, source.size))
        if head != b"PK\x03\x04" and head[:1] != b"\x80":
            continue
        if not name.endswith(".pt") and head[:1] == b"\x80" and "/weights/" in name:
            continue  # raw numbers that happen to start so
        is_pickled = True
        value = read_source(source, context, name)
        if name.endswith(("serialized_state_dict.pt", "serialized_constants.pt")) and isinstance(value, dict):
            root.update(value)
    return is_pickled
