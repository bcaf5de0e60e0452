"""What `torch.export.save` writes (.pt2): raw weights, which are read, beside a program in JSON, which is judged."""

from __future__ import annotations

import re
from typing import Any

from ..errors import MalformedError
from ..guard.secrets import shown
from .content import Content
from .magic import TORCH_NUMBER, ZIP_START
from .nested_torch import read_source
from .pickle_file import walk
from .pickles.context import Context
from .pickles.faults import FaultError
from .pickles.strided import bytes_of, dense
from .pickles.torch_arguments import sizes
from .pickles.values import Storage, Tensor, UnfitError
from .remedies import FETCH_AGAIN
from .strict_json import parse
from .torch_export_program import judge_program
from .zip_archive import ZipArchive

__all__ = ["read_archive"]

FORMAT = "torch export (pt2)"
CONFIGURATIONS = ("_weights_config.json", "_constants_config.json")
DATA_FOLDERS = ("/weights/", "/constants/", "/sample_inputs/")
PLAIN_PATH = re.compile(r"(?:weight|tensor)_\w+")  # constants under other names are unpickled, whatever is said of them
NATIVE = (".so", ".dll", ".dylib", ".pyd", ".o", ".a", ".cubin", ".hsaco")
LONGEST_PROGRAM = 256 << 20
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
            if name.endswith(CONFIGURATIONS):
                content.root |= _weights(archive, name, context)
        content.pickled = _judge_pickles(archive, context, content.root)
        _judge_programs(archive, context)
    except FaultError as fault:
        content.error = MalformedError(f"{context.where} {fault}.", FETCH_AGAIN)
        context.tell("malformed", "torch-export", content.error.problem, 0, remedy=FETCH_AGAIN)
    except MalformedError as error:
        content.error = error
        if not any(finding.what == error.problem for finding in context.findings):
            context.tell("malformed", "torch-export", error.problem, 0, remedy=error.remedy)
    return content


def _entries(archive: ZipArchive, name: str, context: Context) -> dict[str, Any]:
    source = archive.open(name)
    if source.size > LONGEST_CONFIGURATION:
        raise MalformedError(f"'{shown(name, 80)}' has {source.size} bytes.", FETCH_AGAIN)
    label = f"'{shown(name, 80)}' of {context.where}"
    return _map(_map(parse(source.read_at(0, source.size), label), label).get("config"), label)


def _weights(archive: ZipArchive, name: str, context: Context) -> dict[str, Any]:
    label = f"'{shown(name, 80)}' of {context.where}"
    folder, found = name.rpartition("/")[0], {}
    for tensor, given in _entries(archive, name, context).items():
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


def _raw_members(archive: ZipArchive, context: Context) -> set[str]:
    """Members that torch takes for numbers, whatever they start with: what it unpickles isn't among them."""
    raw: set[str] = set()
    pickled: set[str] = set()
    for name in archive.members:
        if not name.endswith(CONFIGURATIONS):
            continue
        folder = name.rpartition("/")[0]
        for given in _entries(archive, name, context).values():
            entry = _map(given, name)
            path = f"{folder}/{entry.get('path_name')}"
            is_number = entry.get("use_pickle") is False and PLAIN_PATH.fullmatch(str(entry.get("path_name")))
            (raw if is_number else pickled).add(path)
    return raw - pickled


def _judge_pickles(archive: ZipArchive, context: Context, root: dict[str, Any]) -> bool:
    """Sample inputs, weights of special classes, constants, and the weights of older exports are pickles."""
    raw = _raw_members(archive, context)
    is_pickled = False
    for name in archive.members:
        source = archive.open(name)
        head = source.read_at(0, min(24, source.size))
        is_data = any(folder in f"/{name}" for folder in DATA_FOLDERS) and not name.endswith(".json")
        is_marked = head[:4] == ZIP_START or head[:1] == b"\x80" or name.endswith((".pt", ".pkl", ".pickle"))
        if not head or name in raw or not (is_data or is_marked):
            continue
        is_pickled = True
        if head[:4] == ZIP_START or TORCH_NUMBER in head:
            value = read_source(source, context, name)
        else:
            walk(source, context.inner(name))
            continue
        if name.endswith(("serialized_state_dict.pt", "serialized_constants.pt")) and isinstance(value, dict):
            root.update(value)
    return is_pickled


def _judge_programs(archive: ZipArchive, context: Context) -> None:
    """The graphs, and what is compiled already."""
    for name in archive.members:
        lower = name.lower()
        if "/aotinductor/" in lower or lower.endswith(NATIVE):
            what = f"The member '{shown(name, 80)}' is compiled code, which another loader runs."
            context.tell("code", "torch-export-native", what, 0, name=name)
        is_program = "/models/" in f"/{lower}" or lower.rpartition("/")[2] == "serialized_exported_program.json"
        if is_program and lower.endswith(".json"):
            source = archive.open(name)
            if source.size > LONGEST_PROGRAM:
                raise MalformedError(f"'{shown(name, 80)}' has {source.size} bytes.", FETCH_AGAIN)
            label = f"'{shown(name, 80)}' of {context.where}"
            judge_program(source.read_at(0, source.size), label, context.inner(name))
