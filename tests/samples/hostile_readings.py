"""Ways past a judge that reads for itself: files of which the real library makes more than a reading of ours could.

Each was tried: the library runs the command, calls what the file put there, or takes bytes for something else.
"""

from __future__ import annotations

import io
import json
import struct
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .assembler import Built, Call, Name, New, assembled, opcodes
from .containers import Entry, float64, legacy, torch_entries, torch_zip, wrapped, zipped
from .sample import CODE, MALFORMED, REFUSED, Sample, file_maker, marker_in

__all__ = ["SAMPLES"]

ORDERED = Name("collections", "OrderedDict")
SIZE = Name("torch", "Size")
META = (Name("torch", "float32"), (1,), (1,), False)
BUILDER = Name("torch._utils", "_rebuild_meta_tensor_no_storage")


def _command(marker: str) -> Call:
    return Call(Name("posix", "system"), (f"touch {marker}",))


def _bare(marker: str) -> bytes:
    """A pickle of protocol 0, which bears no mark."""
    return f"cposix\nsystem\n(Vtouch {marker}\ntR.".encode()


# numpy and joblib


def _dtype(code: str, size: int, alignment: int, flags: int, order: str = "|") -> Built:
    state = (3, order, None, None, None, size, alignment, flags)
    return Built(Call(Name("numpy", "dtype"), (code, False, True)), state)


def _array(dtype: Any, items: Any, shape: tuple[int, ...] = (1,)) -> Built:
    made = Call(Name("numpy.core.multiarray", "_reconstruct"), (Name("numpy", "ndarray"), (0,), b"b"))
    return Built(made, (1, shape, dtype, False, items))


def _joblib(dtype: Any, count: int, alignment: int | None = None) -> bytes:
    """A joblib file up to where the array's bytes begin."""
    state = {"subclass": Name("numpy", "ndarray"), "shape": (count,), "order": "C", "dtype": dtype, "allow_mmap": False}
    state |= {} if alignment is None else {"numpy_array_alignment_bytes": alignment}
    return b"\x80\x02" + opcodes(Built(New(Name("joblib.numpy_pickle", "NumpyArrayWrapper")), state))


def _swallowed(marker: str) -> bytes:
    """A pickle whose beginning is what 67 says: a byte string of 255 bytes, and then opcodes, within the numbers."""
    items = bytearray(400)
    program = opcodes(_command(marker)) + b"."
    items[189 : 189 + len(program)] = program
    return bytes([67]) + b"\xff" * 67 + bytes(items) + b"."


def _flagged(marker: str) -> bytes:
    """Joblib asks the flags whether to unpickle; numbers, to whoever asks the type."""
    program = assembled(_command(marker))
    return _joblib(_dtype("u1", -1, -1, 63), len(program)) + program + b"."


def _recalling(marker: str) -> bytes:
    """To pickle.load the array's own pickle goes on with the outer memo, where other texts have these numbers."""
    objects = _dtype("O8", -1, -1, 63)
    kept = b"".join(opcodes(one, 4) + b"\x94" for one in ("posix", "system", (f"touch {marker}",)))
    own = b"".join(opcodes(one, 4) + b"\x940" for one in ("numpy", "dtype", ("O8", False, True)))
    inner = b"\x80\x04" + own + b"h\x00h\x01\x93h\x02R0" + opcodes(_array(objects, [1]), 4) + b"."
    return b"\x80\x04(" + kept + _joblib(objects, 1)[2:] + inner + b"t."


def _record(field: Any, value: Any, place: int = 8, code: str = "O8") -> Built:
    fields = {"a": (_dtype(code, -1, -1, 63), 0), "b": (field, place)}
    record = Call(Name("numpy", "dtype"), ("V16", False, True))
    state = (3, "|", None, ("a", "b"), fields, 16, 1, 27)
    return _array(Built(record, state), [(1, value)])


def _masked(fill: Any) -> Built:
    arguments = (Name("numpy.ma", "MaskedArray"), Name("numpy", "ndarray"), (0,), b"b")
    state = (1, (1,), float64(), False, bytes(8), b"\0", fill)
    return Built(Call(Name("numpy.ma.core", "_mareconstruct"), arguments), state)


THING = New(Name("somebody.models", "Thing"))
NUMPY: dict[str, tuple[str, Callable[[str], bytes]]] = {
    "numbers whose flags say objects": ("a.joblib", _flagged),
    "an array of objects that recalls others": ("a.pkl", _recalling),
    "padding that is a byte string": ("a.pkl", lambda marker: _joblib(float64_bytes(), 400, 128) + _swallowed(marker)),
    "pointers as bytes": ("a.pkl", lambda _: assembled(_array(_dtype("V8", 8, 1, 5), b"AAAAAAAA"), 3)),
    "objects whose flags say numbers": ("a.pkl", lambda _: assembled(_dtype("O8", -1, -1, 0), 3)),
    "texts of a negative size": ("a.pkl", lambda _: assembled(_dtype("S5", -1, 1, 0), 3)),
    "an alignment of nothing": ("a.pkl", lambda _: assembled(_dtype("S5", 5, 0, 0), 3)),
    "an object that becomes a number": ("a.pkl", lambda _: assembled(_record(float64(), THING), 3)),
    "a number over an object": ("a.pkl", lambda _: assembled(_record(float64(), 1.5, 0), 3)),
    "a number over an object's half": ("a.pkl", lambda _: assembled(_record(float64(), 1.5, 4, "O4"), 3)),
    "an object that fills in": ("a.pkl", lambda _: assembled(_masked(THING), 3)),
}


def float64_bytes() -> Built:
    """The dtype of bytes, as numpy pickles it."""
    return _dtype("u1", -1, -1, 0)


# Dicts and plain objects, whose methods pickle looks up on them


def _assigned(target: Any, key: str, value: Any) -> bytes:
    return opcodes(target) + opcodes(key) + opcodes(value) + b"s"


def _twice(target: bytes, first: Any) -> bytes:
    """A state that holds a method, and then the state that it is called with."""
    return b"\x80\x02" + target + (opcodes(first) + b"b" if first is not None else b"") + opcodes({"a": 1}) + b"b."


ATTRIBUTE_DICTS = ("lightning_fabric.utilities.data.AttributeDict", "yacs.config.CfgNode", "easydict.EasyDict")
METHODS: dict[str, Callable[[], bytes]] = {
    "a state that is called on a dict": lambda: _twice(opcodes(Call(ORDERED)), {"__setstate__": SIZE}),
    "a state that is called on a namespace": lambda: _twice(
        opcodes(New(Name("argparse", "Namespace"))), {"__setstate__": SIZE}
    ),
    "keys that are called": lambda: assembled(Call(ORDERED, (Built(Call(ORDERED), {"keys": SIZE}),))),
    **{
        f"an item that is called, {name}": lambda name=name: _twice(  # type: ignore[misc]
            _assigned(New(Name(*name.rsplit(".", 1))), "__setstate__", SIZE), None
        )
        for name in ATTRIBUTE_DICTS
    },
    "an instance by a call": lambda: assembled(Call(Name("transformers.training_args", "TrainingArguments"))),
    "hooks among attributes": lambda: _subclassed(Name("torch", "Tensor"), {"_backward_hooks": {0: SIZE}}),
    "a class among attributes": lambda: _subclassed(Name("torch", "Tensor"), {"__class__": SIZE}),
    "a package's main as a tensor's class": lambda: _subclassed(Name("somebody.__main__", "Tensor"), {}),
    "a tensor of a stranger's class as a key": lambda: assembled(
        {_tensor(Name("somebody.tensors", "Tensor"), {}): 1}  # assembled() writes keys as it writes values
    ),
    "what loads a file in an object": lambda: assembled(
        Built(THING, {"hook": Name("torch.storage", "_load_from_bytes")})
    ),
}


def _tensor(kind: Name, state: dict[str, Any]) -> Call:
    return Call(Name("torch._tensor", "_rebuild_from_type_v2"), (BUILDER, kind, META, state))


def _subclassed(kind: Name, state: dict[str, Any]) -> bytes:
    return assembled(_tensor(kind, state))


def _container(marker: str) -> bytes:
    """A class of the old layout whose source text is an object: torch asks whether it is empty."""
    del marker
    identity = ("module", Name("somebody.models", "Net"), THING, "class Net: ...")
    return legacy(content=assembled({"net": New(_Persistent(identity)), "weight": _weight()}))


def _Persistent(identity: Any) -> Any:  # noqa: N802 - reads as the class that it stands for
    from .assembler import Persistent

    return Persistent(identity)


def _weight() -> Call:
    identity = ("storage", Name("torch", "FloatStorage"), "0", "cpu", 4, None)
    arguments = (_Persistent(identity), 0, (4,), (1,), False, Call(ORDERED))
    return Call(Name("torch._utils", "_rebuild_tensor_v2"), arguments)


# Files that are two


def _tar_and_legacy(marker: str) -> bytes:
    """torch.load asks tarfile first, which wants no mark: a sum within the first block is enough."""
    inner = io.BytesIO()
    with tarfile.open(fileobj=inner, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        pickled = assembled(_command(marker))
        parts = {"storages": assembled(0) + assembled([]), "tensors": assembled(0), "pickle": pickled}
        for name, data in parts.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    rest = inner.getvalue()
    head = assembled(0x1950A86A20F9469CFC6C) + assembled(1001) + assembled({"little_endian": True}) + b"\x80\x02("
    head += b"X" + struct.pack("<I", 512 - len(head) - 5)
    block = bytearray(head.ljust(512))
    tail = _stored(len(rest), 0)
    tail = _stored(len(rest), -len(tail) % 512)
    block[124:136], block[156:157], block[148:156] = b"%011o " % len(tail), b"0", b" " * 8
    block[148:156] = b"%06o  " % sum(block)
    return bytes(block) + tail + rest


def _stored(count: int, padding: int) -> bytes:
    """The end of the pickles, and the count of a storage that takes all that follows."""
    identity = ("storage", Name("torch", "ByteStorage"), "0", "cpu", count, None)
    arguments = (_Persistent(identity), 0, (count,), (1,), False, Call(ORDERED))
    tensor = opcodes(Call(Name("torch._utils", "_rebuild_tensor_v2"), arguments))
    filler = b"X" + struct.pack("<I", padding) + b" " * padding
    return filler + tensor + b"t." + assembled(["0"]) + struct.pack("<q", count)


def _weights_and_pickle(marker: str) -> bytes:
    """A sound safetensors file; read as opcodes, its length is a text, and another one reaches up to its numbers."""
    program = b"\n0" + _bare(marker)
    length = 0x58 | 25 << 8
    entry = {"dtype": "U8", "shape": [len(program)], "data_offsets": [0, len(program)]}
    header = json.dumps({"__metadata__": {"a": "V"}, "w": entry}, separators=(",", ":")).encode()
    return length.to_bytes(8, "little") + header.ljust(length) + program


def _gguf_and_pickle(marker: str) -> bytes:
    """A sound GGUF file of so many tensors that their number begins a line, which ends within a text of its header."""
    count = 0x5600

    def text(value: bytes) -> bytes:
        return struct.pack("<Q", len(value)) + value

    pairs = [(b"general.architecture", b"llama"), (b"a", b"\n00" + _bare(marker))]
    body = b"".join(text(key) + struct.pack("<I", 8) + text(value) for key, value in pairs)
    one = struct.Struct("<IQIQ")  # a dimension of one number, of four bytes
    body += b"".join(text(b"%d" % number) + one.pack(1, 1, 0, 32 * number) for number in range(count))
    head = b"GGUF" + struct.pack("<IQQ", 3, count, len(pairs)) + body
    return head + bytes(-len(head) % 32 + 32 * count)


def _export(marker: str, *more: Entry, **program: Any) -> bytes:
    del marker
    text = json.dumps({"graph_module": {"graph": {"nodes": []}}} | program).encode()
    entries = [Entry("a/archive_format", b"pt2"), Entry("a/archive_version", b"0"), Entry("a/models/model.json", text)]
    return zipped(*entries, *more, Entry("a/byteorder", b"little"))


def _weights(marker: str, folder: str = "weights", **entry: Any) -> bytes:
    """A weight that its configuration says is a pickle, or that torch unpickles whatever is said."""
    table = {"path_name": "weight_0", "is_param": False, "use_pickle": True, "tensor_meta": None} | entry
    configuration = json.dumps({"config": {"w": table}}).encode()
    return _export(
        marker,
        Entry(f"a/data/{folder}/model_{folder}_config.json", configuration),
        Entry(f"a/data/{folder}/{table['path_name']}", _bare(marker)),
    )


def _evaluated(marker: str) -> str:
    return f"__import__('os').system('touch {marker}')"


def _spec(module: str) -> str:
    context = json.dumps({"default_factory_module": module, "default_factory_name": "x", "dict_context": []})
    return json.dumps([1, {"type": "collections.defaultdict", "context": context, "children_spec": []}])


TWO: dict[str, tuple[str, Callable[[str], bytes]]] = {
    "a checkpoint that is an export too": (
        "a.pt", lambda marker: zipped(*torch_entries(_bare(marker), {}), Entry("archive/archive_format", b"pt2"))
    ),
    "a pickle among an export's weights": ("a.pt2", _weights),
    "a pickle among an export's constants": (
        "a.pt2", lambda marker: _weights(marker, "constants", path_name="opaque_obj_0", use_pickle=False)
    ),
    "a size that is evaluated": ("a.pt2", lambda marker: _export(marker, sizes=[{"expr_str": _evaluated(marker)}])),
    "a guard that is executed": ("a.pt2", lambda marker: _export(marker, guards_code=[_evaluated(marker)])),
    "a guard that reaches": ("a.pt2", lambda marker: _export(marker, guards_code=["x.size.__globals__['os'] == 1"])),
    "an argument that is no operator": (
        "a.pt2", lambda marker: _export(marker, nodes=[{"as_operator": "torch.os.system"}])
    ),
    "a target that imports": (
        "a.pt2", lambda marker: _export(marker, nodes=[{"target": "torch.ops.higher_order.flat_apply"}])
    ),
    "a target that is no operator": ("a.pt2", lambda marker: _export(marker, nodes=[{"target": "torch.os.system"}])),
    "arguments that import": ("a.pt2", lambda marker: _export(marker, in_spec=_spec("somebody"))),
    "compiled code in an export": (
        "a.pt2", lambda marker: _export(marker, Entry("a/data/aotinductor/model/m.so", b"\x7fELF"))
    ),
}  # fmt: skip

# TorchScript, whose operators may be reached by another name

PROGRAMS = {
    "operators by another name": "_0 = ops\n    _0.aten.save(x, '{marker}')",
    "operators within parentheses": "(ops.aten).save(x, '{marker}')",
    "operators spelled apart": "ops. aten. save(x, '{marker}')",
    "torch by another name": "_0 = torch\n    x = _0.from_file('{marker}', True, 10)",
    "operators between three quotes": "_0 = (''' ' ''', ops.aten.save(x, '{marker}'), ''' ' ''')",
    "classes by another name": "_0 = __torch__\n    _1 = _0.torch.classes.mine.Thing()",
}


def _script(marker: str, line: str) -> bytes:
    code = f"class M(Module):\n  def forward(self: __torch__.M,\n    x: Tensor) -> Tensor:\n    {line}\n    return x\n"
    return zipped(
        Entry("archive/data.pkl", b"\x80\x02c__torch__\nM\n)\x81}b."),
        Entry("archive/code/__torch__.py", code.replace("{marker}", marker).encode()),
        Entry("archive/constants.pkl", b"\x80\x02)."),
        Entry("archive/version", b"3\n"),
    )


def _packed_program(marker: str) -> bytes:
    """A program within a pickle: torch.load of its bytes hands them to torch.jit.load, which runs __setstate__."""
    inner = _script(marker, "ops.aten.save(x, '{marker}')")
    return _checkpoint(assembled(Call(Name("torch.storage", "_load_from_bytes"), (inner,)), 3))


def _package(marker: str) -> bytes:
    code = f"import os\nos.system('touch {marker}')\n".encode()
    return zipped(*torch_entries(assembled([1]), {}), Entry("archive/somebody/__init__.py", code))


def _old_name_beside(folder: Path) -> Path:
    """The last protocols rename nothing that Python 2 wrote, so that a file of that name is imported."""
    (folder / "copy_reg.py").write_text(f"open({marker_in(folder)!r}, 'w')\n_reconstructor = print\n")
    arguments = (ORDERED, Name("builtins", "object"), None)
    path = folder / "a.pkl"
    path.write_bytes(assembled(Call(Name("copy_reg", "_reconstructor"), arguments), 4))
    return path


def _library_beside(folder: Path) -> Path:
    """What opens a bare pickle needn't have imported the library that it names."""
    (folder / "torch.py").write_text(f"open({marker_in(folder)!r}, 'w')\n")
    path = folder / "a.pkl"
    path.write_bytes(assembled(Call(SIZE, ([1],))))
    return path


def _checkpoint(content: bytes) -> bytes:
    return torch_zip(content, {})


SAMPLES: tuple[Sample, ...] = (
    *(Sample(f"reading: {name}", file_maker(file, make), CODE, name) for name, (file, make) in NUMPY.items()),
    *(
        Sample(f"reading: {name}", file_maker("a.pt", lambda _, make=make: _checkpoint(make())), CODE, name)  # type: ignore[misc]
        for name, make in METHODS.items()
    ),
    *(Sample(f"reading: {name}", file_maker(file, make), CODE, name) for name, (file, make) in TWO.items()),
    *(
        Sample(f"reading: {name}", file_maker("a.pt", lambda marker, line=line: _script(marker, line)), CODE, name)  # type: ignore[misc]
        for name, line in PROGRAMS.items()
    ),
    Sample("reading: a program within a pickle", file_maker("a.pt", _packed_program), CODE, "aten::save"),
    Sample("reading: a package that is a checkpoint", file_maker("a.pt", _package), CODE, "torch.package"),
    *(
        Sample(f"reading: weights and a pickle in {name}", file_maker(name, _weights_and_pickle), CODE, "both")
        for name in ("model.bin", "model.params", "model.safetensors", "weights")
    ),
    Sample("reading: a model and a pickle", file_maker("model.gguf", _gguf_and_pickle), CODE, "both"),
    Sample(
        "reading: a packed model and a pickle",
        file_maker("a.pkl.gz", lambda marker: wrapped(_gguf_and_pickle(marker), "gz")),
        CODE,
        "joblib unpickles what it unpacks",
    ),
    Sample("reading: a tar that is a checkpoint", file_maker("a.pt", _tar_and_legacy), MALFORMED, "tar"),
    Sample("reading: a container's text that is asked", file_maker("a.pt", _container), REFUSED, "__bool__"),
    Sample(
        "reading: a configuration as a key",
        file_maker("a.pt", lambda _: _checkpoint(assembled({New(Name("omegaconf.dictconfig", "DictConfig")): 1}))),
        REFUSED,
        "the hash of a configuration asks for the text of all that it holds",
    ),
    Sample("reading: a library's name beside", _library_beside, CODE, "torch.py"),
    Sample("reading: Python 2's name beside", _old_name_beside, CODE, "copy_reg.py"),
)
