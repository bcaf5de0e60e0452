"""What safetensors has no type for, as documented groups of plain tensors, and back again.

A group is an entry of the JSON map under the metadata key `modelcypher_nb.groups`: the value's name, its layout, dtype
and shape, its plain facts, and its parts, each with the tensor of the file that holds it. Parts are called by torch's
own accessors, so any loader can rebuild the value:

- dense values of a dtype that safetensors lacks have one part: `view_as_real` (complex32 as F16, complex128 as F64,
  with a last dimension of two) or `bits` (the same bytes as whole numbers);
- sparse values: `indices` and `values`, or `crow_indices`, `col_indices` (`ccol_indices`, `row_indices`) and `values`;
- quantized values: `int_repr`, and `scales` and `zero_points` where there is one for each channel;
- nested values: `buffer`, `sizes`, `strides`, `offsets`;
- meta tensors have no part: they have no values.

Names under which the very same bytes stand a second time are in the map under `modelcypher_nb.aliases`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ..errors import MalformedError, UnsupportedFormatError
from ..guard.secrets import shown
from .header_shape import MOST_DIMENSIONS
from .pickles.values import COMPRESSED, Composite, Storage, Tensor
from .remedies import FETCH_AGAIN
from .report import TensorInfo
from .strict_json import parse

__all__ = ["ALIASES", "GROUPS", "Written", "grouped", "is_plain", "joined", "read_aliases", "read_groups", "written"]

ALIASES = "modelcypher_nb.aliases"
GROUPS = "modelcypher_nb.groups"
# A dtype that safetensors lacks: the one its bytes are written as, and whether each value becomes a pair.
WRITTEN_AS = {
    "C32": ("F16", True), "C128": ("F64", True), "BITS8": ("U8", False), "QI8": ("I8", False), "QU8": ("U8", False),
    "QI32": ("I32", False), "QU4": ("U8", False), "QU2": ("U8", False), "BITS16": ("U16", False),
    **{f"BITS{size}": ("U8", False) for size in ("1X8", "2X4", "4X2")},
}  # fmt: skip
PARTS = {
    "sparse_coo": ("indices", "values"),
    **{layout: (*indices, "values") for layout, indices in COMPRESSED.items()},
    "nested": ("buffer", "sizes", "strides", "offsets"),
}
PER_TENSOR, PER_CHANNEL = ("int_repr",), ("int_repr", "scales", "zero_points")
SCHEMES = ("per_tensor_affine", "per_channel_affine", "per_channel_affine_float_qparams")
FACTS = {"sparse_coo": {"is_coalesced"}, "quantized": {"qscheme", "scale", "zero_point", "axis"}, "meta": {"stride"}}
FIELDS = frozenset({"layout", "dtype", "shape", "facts", "parts"})


class Written(NamedTuple):
    """How safetensors says the values of a tensor.

    Attributes:
        tensor: the values.
        dtype: by safetensors' names.
        shape: as the header says it; a packed pair counts as two.
    """

    tensor: Tensor
    dtype: str
    shape: tuple[int, ...]


def is_plain(value: Tensor | Composite) -> bool:
    """Whether safetensors has a type for it."""
    if not isinstance(value, Tensor) or value.storage.device == "meta" or value.dtype in WRITTEN_AS:
        return False
    return value.dtype != "F4" or bool(value.shape)  # a shape without dimensions can't say that it packs two


def written(tensor: Tensor) -> Written:
    """The same bytes as safetensors says them."""
    dtype, is_pair = WRITTEN_AS.get(tensor.dtype, (tensor.dtype, False))
    if is_pair:
        return Written(tensor, dtype, (*tensor.shape, 2))
    if dtype != "F4":
        return Written(tensor, dtype, tensor.shape)
    if not tensor.shape:
        return Written(tensor, "U8", ())
    return Written(tensor, dtype, (*tensor.shape[:-1], 2 * tensor.shape[-1]))


def grouped(
    name: str, value: Tensor | Composite, taken: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Written]]:
    """What a value that isn't plain is written as.

    Args:
        name: its name.
        value: the value.
        taken: names that other tensors of the file bear.

    Returns:
        What the metadata says of it, and its parts by the names that they are written under.

    Raises:
        UnsupportedFormatError: no group is defined for it.
    """
    layout = _layout(value)
    parts: dict[str, dict[str, str]] = {}
    tensors: dict[str, Written] = {}
    for part, tensor in _parts(name, value, layout).items():
        one = written(tensor)
        place = _free(f"{name}.{_dense_part(one) if layout == 'dense' else part}", taken, tensors)
        tensors[place] = one
        parts[part] = {"tensor": place, "dtype": tensor.dtype}
    facts = _facts(value, layout)
    return {"layout": layout, "dtype": value.dtype, "shape": list(value.shape), "facts": facts, "parts": parts}, tensors


def _layout(value: Tensor | Composite) -> str:
    if isinstance(value, Composite):
        return value.layout
    return "meta" if value.storage.device == "meta" else "dense"


def _dense_part(one: Written) -> str:
    return "view_as_real" if len(one.shape) > len(one.tensor.shape) else "bits"


def _parts(name: str, value: Tensor | Composite, layout: str) -> dict[str, Tensor]:
    if isinstance(value, Tensor):
        return {} if layout == "meta" else {"values": value}
    names = _part_names(layout, value.facts)
    if names is None or not set(names) <= value.tensors.keys():
        raise UnsupportedFormatError(
            f"'{shown(name, 80)}' is a {shown(layout, 40)} tensor, which no group of tensors is defined for.",
            "Convert the file's other tensors without it.",
        )
    return {part: value.tensors[part] for part in names}


def _part_names(layout: Any, facts: Mapping[str, Any]) -> tuple[str, ...] | None:
    if layout == "quantized":
        return PER_TENSOR if facts.get("qscheme") == "per_tensor_affine" else PER_CHANNEL
    return PARTS.get(layout) if isinstance(layout, str) else None


def _facts(value: Tensor | Composite, layout: str) -> dict[str, Any]:
    if isinstance(value, Tensor):
        return {"stride": list(value.stride)} if layout == "meta" else {}
    known = FACTS.get(layout, set())
    # JSON has no infinity: a scale is written as a text from which Python reads the same number.
    return {key: repr(fact) if isinstance(fact, float) else fact for key, fact in value.facts.items() if key in known}


def _free(name: str, *taken: Mapping[str, Any]) -> str:
    while any(name in names for names in taken):
        name += "_"
    return name


# Back again


def read_aliases(metadata: Mapping[str, str], names: Mapping[str, Any], label: str) -> dict[str, str]:
    """The further names of tensors.

    Args:
        metadata: the file's.
        names: the tensors and groups that they may stand for.
        label: the file's, for messages.

    Raises:
        MalformedError: the map is none, or an alias is a name of its own or stands for nothing.
    """
    aliases = _json_map(metadata, ALIASES, label)
    for alias, name in aliases.items():
        if alias in names or not isinstance(name, str) or name not in names:
            raise _lie(label, ALIASES, alias, "stands for nothing, or for two tensors")
    return aliases


def read_groups(
    metadata: Mapping[str, str], tensors: Mapping[str, TensorInfo], label: str
) -> dict[str, dict[str, Any]]:
    """The groups of a file, proven to be made of its tensors.

    Args:
        metadata: the file's.
        tensors: its plain tensors by name.
        label: the file's, for messages.

    Raises:
        MalformedError: the map is none, or a group isn't made as this module makes it.
    """
    groups, used = _json_map(metadata, GROUPS, label), set[str]()
    for name, entry in groups.items():
        problem = _problem(entry, tensors, used)
        if problem is None and name in tensors:
            problem = "bears the name of a tensor"
        if problem is not None:
            raise _lie(label, GROUPS, name, problem)
    return groups


def _json_map(metadata: Mapping[str, str], key: str, label: str) -> dict[str, Any]:
    if key not in metadata:
        return {}
    found = parse(metadata[key].encode(), f"The metadata '{key}' of {label}")
    if not isinstance(found, dict):
        raise MalformedError(f"The metadata '{key}' of {label} is no map.", FETCH_AGAIN)
    return found


def _lie(label: str, key: str, name: str, problem: str) -> MalformedError:
    return MalformedError(f"'{shown(name, 80)}' in the metadata '{key}' of {label} {problem}.", FETCH_AGAIN)


def _problem(entry: Any, tensors: Mapping[str, TensorInfo], used: set[str]) -> str | None:
    """What is wrong with a group's entry."""
    if type(entry) is not dict or entry.keys() != FIELDS or type(entry["parts"]) is not dict:
        return "isn't described by layout, dtype, shape, facts and parts"
    layout, facts, parts = entry["layout"], entry["facts"], entry["parts"]
    if not _is_shape(entry["shape"]) or type(facts) is not dict or not _are_facts(layout, facts, entry):
        return "has a shape or facts that no group has"
    names = {"dense": ("values",), "meta": ()}.get(layout) if type(layout) is str else None
    names = _part_names(layout, facts) if names is None else names
    if names is None or set(parts) != set(names):
        return "isn't made of the parts of its layout"
    for part in parts.values():
        problem = _part_problem(part, tensors, used)
        if problem is not None:
            return problem
    if layout == "dense" and list(_view(tensors, parts["values"]).shape) != entry["shape"]:
        return "has another shape than its part"
    return None


def _is_shape(value: Any) -> bool:
    return type(value) is list and len(value) <= MOST_DIMENSIONS and all(_is_size(one) for one in value)


def _is_size(value: Any) -> bool:
    return type(value) is int and 0 <= value < 1 << 63


def _are_facts(layout: Any, facts: dict[str, Any], entry: dict[str, Any]) -> bool:
    if type(layout) is not str or type(entry["dtype"]) is not str or not facts.keys() <= FACTS.get(layout, set()):
        return False
    if layout == "meta":
        return _is_shape(facts.get("stride")) and len(facts["stride"]) == len(entry["shape"])
    if layout == "sparse_coo":
        return type(facts.get("is_coalesced", False)) is bool
    if layout != "quantized":
        return True
    if facts.get("qscheme") == "per_tensor_affine":
        return _is_number(facts.get("scale")) and type(facts.get("zero_point")) is int
    return facts.get("qscheme") in SCHEMES and _is_size(facts.get("axis"))


def _is_number(value: Any) -> bool:
    try:
        return type(value) is str and len(value) < 40 and float(value) is not None
    except ValueError:
        return False


def _part_problem(part: Any, tensors: Mapping[str, TensorInfo], used: set[str]) -> str | None:
    if type(part) is not dict or part.keys() != {"tensor", "dtype"} or type(part["tensor"]) is not str:
        return "has a part that isn't described by tensor and dtype"
    info = tensors.get(part["tensor"])
    if info is None or part["tensor"] in used:
        return "has a part that no tensor is, or that is part of two groups"
    used.add(part["tensor"])
    dtype = part["dtype"] if type(part["dtype"]) is str else ""
    needed, is_pair = WRITTEN_AS.get(dtype, ("U8" if dtype == "F4" and not info.shape else dtype, False))
    if info.dtype != needed or (is_pair and info.shape[-1:] != (2,)):
        return f"has a part of {shown(dtype, 20)}, which its tensor isn't"
    return None


def _view(tensors: Mapping[str, TensorInfo], part: dict[str, str]) -> TensorInfo:
    """A part's tensor with the dtype and the shape that its values have; packed pairs still count as two."""
    info, dtype = tensors[part["tensor"]], part["dtype"]
    shape = info.shape[:-1] if WRITTEN_AS.get(dtype, ("", False))[1] else info.shape
    return TensorInfo(info.name, dtype, shape, info.size_bytes, info.file, info.offset)


def joined(
    entry: Mapping[str, Any], tensors: Mapping[str, TensorInfo], make: Callable[[TensorInfo], Tensor]
) -> Tensor | Composite:
    """The value of a proven group.

    Args:
        entry: what the metadata says of it.
        tensors: the file's plain tensors by name.
        make: describes the values at a place of the file.
    """
    layout, dtype, shape, facts = entry["layout"], entry["dtype"], tuple(entry["shape"]), dict(entry["facts"])
    parts = {part: make(_view(tensors, place)) for part, place in entry["parts"].items()}
    if layout == "dense":
        return parts["values"]
    if layout == "meta":
        return Tensor(Storage("meta", dtype, 0, None, device="meta"), dtype, shape, tuple(facts["stride"]))
    if "scale" in facts:
        facts["scale"] = float(facts["scale"])
    return Composite(layout, shape, dtype, parts, facts)
