from __future__ import annotations

import io
import json
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch

from modelcypher_nb.errors import MalformedError
from modelcypher_nb.formats.convert import convert
from modelcypher_nb.formats.safetensors_header import describe
from modelcypher_nb.guard.source import BytesSource
from tests.formats.tensor_values import described


def sound(tensors: dict[str, torch.Tensor]) -> tuple[dict[str, Any], bytes]:
    """The header and the data of a conversion."""
    file = io.BytesIO()
    convert(described(tensors).tensors, file)
    data = file.getvalue()
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def refused(tensors: dict[str, torch.Tensor], key: str, change: Callable[[Any], Any], says: str) -> None:
    """A header whose map was changed is refused, where the unchanged one was not."""
    header, data = sound(tensors)
    for changed in (False, True):
        content = json.loads(header["__metadata__"][key])
        text = json.dumps(change(content) if changed else content)
        forged = json.dumps(header | {"__metadata__": {key: text}}).encode()
        source = BytesSource(len(forged).to_bytes(8, "little") + forged + data, "file")
        if changed:
            with pytest.raises(MalformedError, match=says):
                describe(source)
        else:
            describe(source)


def entry(name: str, **fields: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda groups: groups | {name: groups[name] | fields}


def part(name: str, which: str, **fields: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def change(groups: dict[str, Any]) -> dict[str, Any]:
        groups[name]["parts"][which] |= fields
        return groups

    return change


with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # quantization is to leave torch
    SPARSE = {"s": torch.eye(3).to_sparse(), "plain": torch.ones(2)}
    QUANTIZED = {"q": torch.quantize_per_tensor(torch.ones(2), 0.1, 3, torch.qint8)}
    CHANNELS = {"q": torch.quantize_per_channel(torch.ones(2, 2), torch.ones(2), torch.zeros(2), 0, torch.qint8)}
    COMPLEX = {"c": torch.ones(2, 3, dtype=torch.complex128)}
    META = {"m": torch.ones(2, device="meta"), "x": torch.ones(1)}
LIES: list[tuple[dict[str, torch.Tensor], Callable[[Any], Any], str]] = [
    (SPARSE, lambda _: [], "is no map"),
    (SPARSE, lambda groups: groups | {"s": 1}, "isn't described by layout"),
    (SPARSE, lambda groups: groups | {"plain": groups["s"]}, "part of two groups|bears the name of a tensor"),
    (SPARSE, lambda groups: {"plain": groups["s"]}, "bears the name of a tensor"),
    (SPARSE, lambda groups: groups | {"t": groups["s"]}, "part of two groups"),
    (SPARSE, entry("s", layout="unheard", facts={}), "isn't made of the parts"),
    (SPARSE, entry("s", layout=["dense"]), "shape or facts"),
    (SPARSE, entry("s", layout="sparse_csr"), "shape or facts"),
    (SPARSE, entry("s", more=1), "isn't described by layout"),
    (SPARSE, entry("s", shape=[3, -3]), "shape or facts"),
    (SPARSE, entry("s", shape=[2**63]), "shape or facts"),
    (SPARSE, entry("s", shape="33"), "shape or facts"),
    (SPARSE, entry("s", facts={"is_coalesced": 1}), "shape or facts"),
    (SPARSE, entry("s", facts={"call": "os.system"}), "shape or facts"),
    (SPARSE, entry("s", parts={}), "isn't made of the parts"),
    (SPARSE, part("s", "values", tensor="absent"), "no tensor is"),
    (SPARSE, part("s", "values", tensor="s.indices"), "part of two groups"),
    (SPARSE, part("s", "values", tensor=3), "isn't described by tensor and dtype"),
    (SPARSE, part("s", "values", dtype="F64"), "part of F64, which its tensor isn't"),
    (SPARSE, part("s", "values", dtype=None), "which its tensor isn't"),
    (SPARSE, part("s", "values", more=1), "isn't described by tensor and dtype"),
    (QUANTIZED, entry("q", facts={"qscheme": "per_tensor_affine", "scale": 0.1, "zero_point": 3}), "shape or facts"),
    (QUANTIZED, entry("q", facts={"qscheme": "per_tensor_affine", "scale": "x", "zero_point": 3}), "shape or facts"),
    (QUANTIZED, entry("q", facts={"qscheme": "per_tensor_affine", "scale": "1"}), "shape or facts"),
    (QUANTIZED, entry("q", facts={"qscheme": "unheard", "axis": 0}), "shape or facts"),
    (CHANNELS, entry("q", facts={"qscheme": "per_channel_affine", "axis": -1}), "shape or facts"),
    (COMPLEX, entry("c", shape=[3, 2]), "another shape than its part"),
    (COMPLEX, part("c", "values", dtype="C32"), "which its tensor isn't"),
    (META, entry("m", facts={"stride": [1, 2]}), "shape or facts"),
    (META, entry("m", facts={}), "shape or facts"),
]


@pytest.mark.parametrize(("tensors", "change", "says"), LIES, ids=range(len(LIES)))
def test_a_lying_map_of_groups_is_refused(
    tensors: dict[str, torch.Tensor], change: Callable[[Any], Any], says: str
) -> None:
    refused(tensors, "modelcypher_nb.groups", change, says)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda _: ["b"], "is no map"),
        (lambda _: {"b": "absent"}, "stands for nothing"),
        (lambda _: {"b": ["a"]}, "stands for nothing"),
        (lambda _: {"a": "c"}, "or for two tensors"),
        (lambda _: {"b": "a", "d": "b"}, "stands for nothing"),
    ],
)
def test_a_lying_map_of_aliases_is_refused(change: Callable[[Any], Any], says: str) -> None:
    weight = torch.ones(2)
    refused({"a": weight, "b": weight, "c": torch.ones(3)}, "modelcypher_nb.aliases", change, says)


def test_a_map_that_is_no_json_or_says_a_thing_twice_is_refused() -> None:
    header, data = sound(SPARSE)
    for text in ("{", '{"s":1,"s":2}', '{"s":NaN}', "[" * 100_000):
        forged = json.dumps(header | {"__metadata__": {"modelcypher_nb.groups": text}}).encode()
        with pytest.raises(MalformedError, match=r"metadata 'modelcypher_nb.groups' of file"):
            describe(BytesSource(len(forged).to_bytes(8, "little") + forged + data, "file"))


def test_metadata_of_others_is_left_alone() -> None:
    header, data = sound({"x": torch.ones(2)})
    header["__metadata__"] = {"groups": "{", "modelcypher": "["}
    forged = json.dumps(header).encode()
    found = describe(BytesSource(len(forged).to_bytes(8, "little") + forged + data, "file"))
    assert (found.groups, found.aliases) == ({}, {})
