from __future__ import annotations

import io
import json
import os
import pickle
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from modelcypher_nb.errors import MalformedError, UnsafeFileError
from modelcypher_nb.formats import detect
from modelcypher_nb.formats.content import Content
from modelcypher_nb.formats.limits import LIMITS
from modelcypher_nb.formats.magic import recognise
from modelcypher_nb.formats.pickles.values import Composite, Opaque
from modelcypher_nb.formats.readers import read_content
from modelcypher_nb.formats.report import ModelReport
from modelcypher_nb.guard.paths import Guard
from modelcypher_nb.guard.source import BytesSource


class Net(torch.nn.Module):
    """A module of this test, which no loader could import."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
        self.tied = self.layers[0]
        self.register_buffer("steps", torch.arange(5))


def examined(guard: Guard, name: str) -> ModelReport:
    with guard.open(name) as safe:
        return detect.examine(safe)


def content_of(data: bytes) -> Content:
    source = BytesSource(data, "a.pt")
    return read_content(source, recognise(source), "a.pt", LIMITS, beside=frozenset(), trusted=frozenset())


def saved(value: Any, **options: Any) -> bytes:
    target = io.BytesIO()
    torch.save(value, target, **options)
    return target.getvalue()


LAYOUTS: list[dict[str, Any]] = [
    {},
    {"_use_new_zipfile_serialization": False},
    *({"pickle_protocol": protocol} for protocol in (3, 4, 5)),
    {"_use_new_zipfile_serialization": False, "pickle_protocol": 4},
]


@pytest.mark.parametrize("options", LAYOUTS, ids=str)
def test_a_state_dict_is_weights_in_every_layout_and_protocol(options: dict[str, Any]) -> None:
    state = Net().state_dict()
    content = content_of(saved(state, **options))
    assert not content.findings
    assert content.pickled
    assert list(content.tensors) == list(state)
    for name, tensor in content.tensors.items():
        assert (tensor.shape, tensor.stride) == (tuple(state[name].shape), state[name].stride())  # type: ignore[union-attr]


@pytest.mark.parametrize("options", LAYOUTS, ids=str)
def test_a_whole_module_is_objects_and_bears_the_names_of_its_state_dict(options: dict[str, Any]) -> None:
    net = Net()
    content = content_of(saved(net, **options))
    assert {finding.level for finding in content.findings} == {"objects"}
    assert set(content.tensors) == set(net.state_dict())
    assert isinstance(content.root, Opaque)


def test_tied_and_sliced_tensors_are_told_with_their_true_cost(guard: Guard, tmp_path: Path) -> None:
    base = torch.arange(1000.0)
    torch.save({"a": base, "b": base, "part": base[10:20], "turned": base.view(10, 100).T}, tmp_path / "a.pt")
    tensors = {tensor.name: tensor for tensor in examined(guard, "a.pt").tensors}
    assert tensors["b"].alias_of == "a"
    assert (tensors["part"].size_bytes, tensors["part"].storage_bytes) == (40, 4000)
    assert tensors["turned"].strides == (1, 100)
    assert len({tensor.storage for tensor in tensors.values()}) == 1
    raw = (tmp_path / "a.pt").read_bytes()
    assert raw[tensors["part"].offset :][:40] == base[10:20].numpy().tobytes()


def test_what_is_no_tensor_is_shown_as_a_tree(guard: Guard, tmp_path: Path) -> None:
    torch.save({"epoch": 3, "args": {"lr": 0.1, "name": "run"}, "w": torch.ones(2)}, tmp_path / "a.pt")
    with guard.open("a.pt") as safe:
        tree = detect.describe(safe).tree
    assert tree is not None
    shown = {node.key: node for node in tree.children}
    assert (shown["epoch"].kind, shown["epoch"].text) == ("int", "3")
    assert [node.text for node in shown["args"].children] == ["0.1", "'run'"]
    assert shown["w"].kind == "tensor"


def rezipped(data: bytes, change: Callable[[str, bytes], bytes | None]) -> bytes:
    """The archive anew, its members changed; sound as a zip."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = change(name, old.read(name))
            if content is not None:
                new.writestr(name, content)
    return target.getvalue()


WEIGHT = {"w": torch.arange(6.0)}
LIES: dict[str, Callable[[str, bytes], bytes | None]] = {
    "a storage is cut": lambda name, data: data[:-4] if name.endswith("data/0") else data,
    "a storage is missing": lambda name, data: None if name.endswith("data/0") else data,
    "the pickle goes on": lambda name, data: data + b"N." if name.endswith("data.pkl") else data,
    "an unknown byte order": lambda name, data: b"middle" if name.endswith("byteorder") else data,
    "a view beyond its storage": lambda _, data: data.replace(b"K\x06\x85", b"K\x09\x85"),
    "a huge view of one value": lambda _, data: data.replace(
        b"K\x06\x85q\x08K\x01\x85", b"\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x40\x85q\x08K\x00\x85"
    ),
}


@pytest.mark.parametrize("name", LIES)
def test_a_lie_about_storages_is_malformed(name: str) -> None:
    data = saved(WEIGHT)
    changed = rezipped(data, LIES[name])
    assert changed != rezipped(data, lambda _, content: content)
    content = content_of(changed)
    assert isinstance(content.error, MalformedError)
    assert {finding.level for finding in content.findings} == {"malformed"}


def test_a_pickle_that_torch_ignores_is_judged_too() -> None:
    evil = b"cos\nsystem\n(S'echo harmless'\ntR."
    added = rezipped(saved(WEIGHT), lambda name, data: evil if name.endswith("serialization_id") else data)
    hidden = added.replace(b".data/serialization_id", b".data/serializatio.pkl")
    content = content_of(hidden)
    assert [finding.level for finding in content.findings] == ["code"]
    assert content.findings[0].member is not None
    assert content.findings[0].member.endswith(".pkl")


def test_a_torch_file_pickled_on_its_own_is_read_within_the_pickle() -> None:
    weight = torch.arange(12.0).view(3, 4)
    content = content_of(pickle.dumps({"w": weight, "inner": weight.T}, 4))
    assert not content.findings
    assert {name: tensor.shape for name, tensor in content.tensors.items()} == {"w": (3, 4), "inner": (4, 3)}


@pytest.mark.filterwarnings("ignore:Sparse CSR")
@pytest.mark.filterwarnings("ignore:torch.quantize")
def test_sparse_and_quantized_tensors_are_made_of_their_parts() -> None:

    sparse = torch.eye(4).to_sparse()
    content = content_of(saved({"coo": sparse, "csr": torch.eye(4).to_sparse_csr()}))
    assert not content.findings
    coo = content.tensors["coo"]
    assert isinstance(coo, Composite)
    assert (coo.layout, coo.shape, set(coo.tensors)) == ("sparse_coo", (4, 4), {"indices", "values"})
    quantized = torch.quantize_per_channel(
        torch.ones(2, 3), torch.ones(2), torch.zeros(2, dtype=torch.int64), 0, torch.qint8
    )
    found = content_of(saved(quantized)).tensors["data"]
    assert isinstance(found, Composite)
    assert (found.dtype, found.facts["axis"], set(found.tensors)) == ("QI8", 0, {"int_repr", "scales", "zero_points"})


class Runs:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, ("touch ran",)


@pytest.mark.parametrize("options", LAYOUTS, ids=str)
def test_a_checkpoint_that_would_run_code_is_named_and_refused_and_its_tensors_rescued(
    guard: Guard, tmp_path: Path, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"w": torch.arange(6.0), "trap": Runs()}, tmp_path / "a.pt", **options)
    report = examined(guard, "a.pt")
    assert report.verdict.level == "code"
    assert report.verdict.findings[0].name == "posix.system"
    with guard.open("a.pt") as safe:
        with pytest.raises(UnsafeFileError, match=r"posix\.system"):
            detect.load(safe)
        rescued = detect.load(safe, rescue=True)
    assert torch.equal(rescued["w"], torch.arange(6.0))
    assert not (tmp_path / "ran").exists()


@pytest.fixture(scope="module")
def program() -> bytes:
    target = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch advises to export instead
        torch.jit.save(torch.jit.script(torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU())), target)
    return target.getvalue()


def test_a_torchscript_program_that_only_computes_is_objects(program: bytes) -> None:
    content = content_of(program)
    assert {finding.level for finding in content.findings} == {"objects"}
    assert set(content.tensors) == {"0.weight", "0.bias"}


@pytest.mark.parametrize(
    "call", ["torch.from_file", "torch.save", "ops.aten.from_file", "ops.mine.anything", "torch.ops.mine.anything",
             "ops.prim.rpc_async", "torch.classes.mine.Thing", "ops.inductor.thing"]
)  # fmt: skip
def test_a_torchscript_program_that_reaches_out_is_code(program: bytes, call: str) -> None:
    def change(name: str, data: bytes) -> bytes:
        is_linear = "linear" in name and name.endswith(".py")  # scripted twice in a process, its file has another name
        return data.replace(b"return", f"a = {call}(1)\n    return".encode(), 1) if is_linear else data

    content = content_of(rezipped(program, change))
    (finding,) = [finding for finding in content.findings if finding.level == "code"]
    assert finding.name == call
    assert finding.member is not None
    assert "linear" in finding.member


def test_text_in_a_program_is_no_call(program: bytes) -> None:
    def change(name: str, data: bytes) -> bytes:
        return data.replace(b"return", b'a = "torch.save(x)"\n    return', 1) if name.endswith("linear.py") else data

    assert "code" not in {finding.level for finding in content_of(rezipped(program, change)).findings}


def test_an_exported_programs_weights_are_read(tmp_path: Path) -> None:
    layer = torch.nn.Linear(3, 4)
    path = tmp_path / "a.pt2"
    torch.export.save(torch.export.export(layer, (torch.ones(1, 3),)), path)
    content = content_of(path.read_bytes())
    assert {finding.level for finding in content.findings} == {"objects"}
    assert {name: tensor.shape for name, tensor in content.tensors.items()} == {"weight": (4, 3), "bias": (4,)}
    lying = rezipped(
        path.read_bytes(),
        lambda name, data: (
            data.replace(b'"as_int": 4', b'"as_int": 5') if name.endswith("weights_config.json") else data
        ),
    )
    assert isinstance(content_of(lying).error, MalformedError)
    odd = rezipped(
        path.read_bytes(), lambda name, data: json.dumps([]).encode() if name.endswith("weights_config.json") else data
    )
    assert isinstance(content_of(odd).error, MalformedError)
