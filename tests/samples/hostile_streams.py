"""Pickles that play with the opcodes: what a scanner loses sight of, and a loader runs."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Any

from modelcypher_nb.formats.report import Level

from .assembler import Built, Call, Name, New, Persistent, Raw, assembled, filled, opcodes
from .containers import tensor, torch_zip
from .sample import CODE, REFUSED, Sample, file_maker

__all__ = ["SAMPLES"]

TOUCH = "touch {marker}"
RUN = Call(Name("os", "system"), (TOUCH,))
NEW = b"\x80\x04"
SYSTEM = b"cos\nsystem\n"
Content = Callable[[str], bytes]


def _text(value: str) -> bytes:
    return opcodes(value, 4)


def _plain(*parts: Any) -> Content:
    """A pickle of opcodes and values in a row, as they stand; `{marker}` in a text is filled in."""
    return lambda marker: b"".join(
        part if isinstance(part, bytes) else opcodes(filled(part, marker), 2) for part in parts
    )


def _raw(*parts: Any) -> Content:
    """The same with a protocol before and a STOP behind."""
    return _plain(b"\x80\x02", *parts, b".")


def _value(value: Any) -> Content:
    return _raw(value)


def _stack_global(module: bytes, name: bytes) -> Content:
    return _plain(NEW, module, name, b"\x93", (TOUCH,), b"R.")


def _then(tail: bytes) -> Content:
    """A call, and something wrong behind it: the call has run by then."""
    return _plain(b"\x80\x02", RUN, tail)


# Where the name of what is called is hidden.
NAMES: dict[str, Content] = {
    "a name from the memo": _stack_global(_text("os") + b"q\x00" + b"0" + _text("system") + b"q\x010h\x00", b"h\x01"),
    "a name from the far memo": _stack_global(_text("os") + b"r\xff\xff\x00\x000j\xff\xff\x00\x00", _text("system")),
    "a name from the text memo": _stack_global(_text("os") + b"p77\n0g77\n", _text("system")),
    "the memo holds the top of the stack": _stack_global(
        _text("math") + _text("os") + b"q\x000" + b"0h\x00", _text("system")
    ),
    "a memo that is overwritten": _stack_global(
        _text("math") + b"q\x000" + _text("os") + b"q\x000h\x00", _text("floor") + b"0" + _text("system")
    ),
    "texts pushed and dropped before": _stack_global(
        _text("os") + _text("system") + _text("collections") + _text("OrderedDict") + b"00", b""
    ),
    "a name doubled on the stack": _stack_global(_text("code") + b"2", b""),
    "a name within a mark that is dropped": _stack_global(
        b"(" + _text("collections") + b"1" + _text("os"), _text("system")
    ),
    "a unicode-escaped name": _stack_global(b"V\\u006f\\u0073\n", b"V\\u0073ystem\n"),
    "an escaped string": _stack_global(b"S'\\x6fs'\n", b'S"s\\x79stem"\n'),
    "a short binary string": _stack_global(b"U\x02os", b"U\x06system"),
    "a binary string": _stack_global(b"T\x02\0\0\0os", b"T\x06\0\0\0system"),
    "a long unicode": _stack_global(b"\x8d\x02\0\0\0\0\0\0\0os", _text("system")),
    "a computed module": _stack_global(opcodes(Call(Name("builtins", "str.lower"), ("OS",)), 4), _text("system")),
    "a computed name": _stack_global(_text("os"), opcodes(Call(Name("operator", "add"), ("sys", "tem")), 4)),
    "a dotted name": _stack_global(_text("torch"), _text("os.system")),
    "a dotted name through a listed module": _stack_global(_text("torch._utils"), _text("torch.os.system")),
    "a dotted name through a listed class": _stack_global(
        _text("collections"), _text("OrderedDict.__init__.__globals__")
    ),
    "a dotted name through an unknown package": _stack_global(_text("somebodys.package"), _text("os.system")),
    "a name's own attribute": _stack_global(_text("builtins"), _text("dict.__class__.__subclasses__")),
    "an empty module": _stack_global(_text(""), _text("system")),
    "a module with a space": _stack_global(_text("os "), _text("system")),
    "a module with a line break": _stack_global(_text("os\n"), _text("system")),
    "a full-width module": _stack_global(_text("\uff4f\uff53"), _text("system")),
    "a Cyrillic look-alike": _stack_global(_text("t\u043erch._utils"), _text("_rebuild_tensor_v2")),
    "a case twin of a listed name": _stack_global(_text("Collections"), _text("OrderedDict")),
    "a Python 2 name": _plain(b"c__builtin__\neval\n", (TOUCH,), b"R."),
    "a Python 2 module": _plain(Call(Name("commands", "getstatusoutput"), (TOUCH,)), b"."),
    "a Python 2 name that moved": _raw(Call(Name("itertools", "imap"), (Name("os", "system"), [TOUCH]))),
    "a Python 2 name of protocol 4": _stack_global(_text("__builtin__"), _text("apply")),
    "a carriage return in a name": _plain(b"cos\r\nsystem\r\n", (TOUCH,), b"R."),
}

OPCODES: dict[str, Content] = {
    "INST": _plain(b"(", TOUCH, b"ios\nsystem\n."),
    "INST of a dotted name": _plain(b"(", TOUCH, b"itorch\nos.system\n."),
    "OBJ": _plain(b"(", SYSTEM, TOUCH, b"o."),
    "OBJ and POP": _raw(b"(", SYSTEM, TOUCH, b"o0}"),
    "REDUCE and POP": _raw(RUN, b"0}"),
    "REDUCE and POP_MARK": _raw(b"}(", RUN, b"1"),
    "REDUCE under a mark that stays": _raw(b"(", RUN, b"}"),
    "NEWOBJ of a function": _raw(New(Name("os", "system"), (TOUCH,))),
    "NEWOBJ_EX": _raw(Name("subprocess", "Popen"), ([TOUCH],), {"shell": True}, b"\x92"),
    "NEWOBJ_EX without arguments": _raw(Name("somebodys.package", "Net"), b")}\x92"),
    "NEWOBJ_EX with words": _raw(Name("somebodys.package", "Net"), b")", {"a": 1}, b"\x92"),
    "a call of a call": _raw(Call(Call(Name("operator", "attrgetter"), ("system",)), (Name("os", "path"),))),
    "a call with a doubled function": _raw(SYSTEM, b"2", (TOUCH,), b"R0", (TOUCH,), b"R"),
    "a call of what the memo holds": _raw(SYSTEM, b"q\x000h\x00", (TOUCH,), b"R"),
    "an import that nobody uses": _raw(SYSTEM, b"0}"),
    "an import as a value": _raw({"a": Name("os", "system")}),
    "an import that starts a program": _raw(Name("antigravity", "fly"), b"0}"),
    "an import of a test that acts": _raw(Name("test.test_capi", "x"), b"0}"),
    "an import of a package's main": _raw(Name("idlelib.__main__", "x"), b"0}"),
    "no STOP": _then(b""),
    "a bad opcode after the call": _then(b"\xff."),
    "bad UTF-8 after the call": _then(b"X\x02\0\0\0\xff\xfe."),
    "an underflow after the call": _then(b"000000."),
    "a missing memo after the call": _then(b"h\xee."),
    "a text that is cut after the call": _then(b"X\xff\xff\xff\x7fabc"),
    "a bad integer after the call": _then(b"Iabc\n."),
    "a bad quote after the call": _then(b"S'abc\n."),
    "a mark that is missing after the call": _then(b"t."),
    "a second STOP": _then(b".."),
    "EXT1": _raw(b"\x82\x01", (TOUCH,), b"R"),
    "EXT2": _raw(b"\x83\x01\x01", (TOUCH,), b"R"),
    "EXT4": _raw(b"\x84\x01\x01\x01\x01", (TOUCH,), b"R"),
    "EXT1 as a value": _raw(b"\x82\x01"),
    "no protocol and new opcodes": _plain(b"\x8c\x02os\x8c\x06system\x93", (TOUCH,), b"R."),
    "a protocol in the middle": _plain(b"\x80\x02}0\x80\x04", RUN, b"."),
    "padding before the call": _raw(b"N0" * 100_000, RUN),
    "long padding before the call": _raw(b"B" + struct.pack("<I", 3 << 20) + bytes(3 << 20) + b"0", RUN),
    "padding of dicts": _raw(b"}0" * 50_000, RUN),
    "the fifth of five pickles": _plain(b"\x80\x02N." * 4, b"\x80\x02", RUN, b"."),
    "the hundredth of a hundred pickles": _plain(b"\x80\x02N." * 99, b"\x80\x02", RUN, b"."),
    "a persistent id of a call": _raw(Persistent(RUN)),
    "a persistent id of an import": _raw(Persistent(("storage", Name("os", "system"), "0", "cpu", 4))),
}

# Either the fault in the stream or the danger in it comes first.
BROKEN: dict[str, Content] = {
    "a module that is bytes": _stack_global(b"C\x02os", _text("system")),
    "a name that isn't UTF-8": _raw(b"cos\nsyst\xff\n", (TOUCH,), b"R"),
    "a frame shorter than its content": _plain(NEW, b"\x95" + struct.pack("<Q", 4), RUN, b"."),
    "a frame longer than the file": _plain(NEW, b"\x95" + struct.pack("<Q", 1 << 40), RUN, b"."),
    "a frame within a frame": _plain(NEW, b"\x95" + struct.pack("<Q", 60), b"\x95" + struct.pack("<Q", 40), RUN, b"."),
    "junk between two pickles": _plain(b"\x80\x02}.\xff\xfe\xfd\x80\x02", RUN, b"."),
    "zeros between two pickles": _plain(b"\x80\x02}.", bytes(64), b"\x80\x02", RUN, b"."),
    "text between two pickles": _plain(b"\x80\x02}.\nhello\n", RUN, b"."),
    "an out-of-band buffer": _plain(b"\x80\x05\x97", RUN, b"."),
    "a read-only buffer of a call": _plain(b"\x80\x05", RUN, b"\x98."),
    "a missing memo before the call": _raw(b"h\xee0", RUN),
    "an underflow before the call": _raw(b"0", RUN),
}

_NET = Name("somebodys.package", "Net")


def _built(target: Any, state: Any) -> Content:
    return _raw(Built(target, state))


# What is done to an object that is only meant to be built and filled.
SHAPES: dict[str, Content] = {
    "BUILD on a class": _built(Name("torch.nn.modules.linear", "Linear"), {"forward": Name("os", "system")}),
    "BUILD on a class of nobody's": _built(_NET, {"forward": 1}),
    "BUILD on a class with slot state": _built(Name("torch.nn.modules.linear", "Linear"), (None, {"forward": 1})),
    "BUILD on a module": _built(Name("torch", "nn"), {"Module": 1}),
    "BUILD on a function": _built(Name("torch._utils", "_rebuild_tensor_v2"), {"__code__": 1}),
    "BUILD on an instance's class": _built(Call(Name("builtins", "type"), (New(_NET),)), {"a": 1}),
    "BUILD with a function in it": _built(New(_NET), {"fn": Name("os", "system")}),
    "BUILD with nobody's function in it": _built(New(_NET), {"fn": Name("somebodys.package", "function")}),
    "BUILD with slot state": _built(New(_NET), (None, {"a": 1})),
    "BUILD with both states": _built(New(_NET), ({"a": 1}, {"b": 1})),
    "BUILD with a list": _built(New(_NET), [1]),
    "BUILD with a text": _built(New(_NET), "touch {marker}"),
    "BUILD with numbers as keys": _built(New(_NET), {1: 2}),
    "BUILD with an object as its state": _built(New(_NET), New(_NET)),
    "BUILD twice": _built(Built(New(_NET), {"a": 1}), {"b": 1}),
    "BUILD of a call": _built(Call(_NET), {"a": 1}),
    "NEWOBJ with an argument": _value(New(_NET, (1,))),
    "NEWOBJ of a dotted class": _value(New(Raw(b"csomebodys.package\nNet.Inner\n"))),
    "NEWOBJ of a package's main": _value(New(Name("somebodys.__main__", "Net"))),
    "NEWOBJ of a main below": _value(New(Name("__main__.inner", "Net"))),
    "NEWOBJ of a computed class": _value(New(Call(Name("builtins", "type"), ("X", (), {})))),
    "NEWOBJ of an instance": _value(New(New(_NET))),
    "a reconstructor of a file": _value(
        Call(Name("copy_reg", "_reconstructor"), (Name("numpy", "memmap"), Name("numpy", "ndarray"), "{marker}"))
    ),
    "a reconstructor with a base": _value(
        Call(Name("copyreg", "_reconstructor"), (_NET, Name("builtins", "list"), [1]))
    ),
    "a reconstructor with a state": _value(
        Call(Name("copyreg", "_reconstructor"), (_NET, Name("builtins", "object"), "{marker}"))
    ),
    "a reconstructor of a function": _value(
        Call(Name("copyreg", "_reconstructor"), (Name("os", "system"), Name("builtins", "str"), "touch {marker}"))
    ),
    "a reconstructor with more arguments": _value(
        Call(Name("copyreg", "_reconstructor"), (_NET, Name("builtins", "object"), None, 1))
    ),
    "SETITEM on an instance": _raw(New(_NET), "a", 1, b"s"),
    "SETITEMS on an instance": _raw(New(_NET), b"(", "a", 1, b"u"),
    "APPEND on an instance": _raw(New(_NET), 1, b"a"),
    "APPENDS on an instance": _raw(New(_NET), b"(", 1, b"e"),
    "ADDITEMS on an instance": _raw(New(_NET), b"(", 1, b"\x90"),
    "SETITEM on a class": _raw(Name("os", "environ"), "LD_PRELOAD", "x", b"s"),
    "SETITEM on sys.modules": _raw(Name("sys", "modules"), "os", None, b"s"),
    "APPEND on sys.path": _raw(Name("sys", "path"), "/tmp", b"a"),
    "APPENDS on a list of a module": _raw(Name("sys", "meta_path"), b"(", 1, b"e"),
    "an instance as a key": _value({New(_NET): 1}),
    "an instance as a member": _raw(b"\x8f(", New(_NET), b"\x90"),
    "an instance in a frozenset": _raw(b"(", New(_NET), b"\x91"),
    "an instance in a tuple as a key": _value({(1, New(_NET)): 1}),
    "a call in a frozenset": _value(Call(Name("builtins", "frozenset"), ([Call(_NET)],))),
    "an enumeration of nobody's": _value(Call(Name("somebodys.package", "Mode"), ("touch {marker}",))),
    "a defaultdict with a function": _value(Call(Name("collections", "defaultdict"), (Name("os", "system"),))),
    "a defaultdict with nobody's class": _value(Call(Name("collections", "defaultdict"), (_NET,))),
    "an ordered dict of a map": _value(
        Call(Name("collections", "OrderedDict"), (Call(Name("builtins", "map"), (Name("os", "system"), ["x"])),))
    ),
    "a dict of an instance": _value(Call(Name("builtins", "dict"), (New(_NET),))),
    "a set of an instance": _value(Call(Name("builtins", "set"), (New(_NET),))),
    "a list of an instance": _value(Call(Name("builtins", "list"), (New(_NET),))),
    "a path of an instance": _value(Call(Name("pathlib", "PosixPath"), (New(_NET),))),
    "a date with an odd zone": _value(
        Call(Name("datetime", "datetime"), (b"\x07\xe8\x01\x01\0\0\0\0\0\0", Call(Name("os", "system"), ("x",))))
    ),
    "an encoding of nobody's": _value(Call(Name("_codecs", "encode"), ("x", "somebodys_codec"))),
    "an encoding that computes": _value(Call(Name("_codecs", "encode"), ("x", "idna"))),
    "a partial": _raw(
        New(Name("functools", "partial"), (Name("os", "system"),)), (Name("os", "system"), ("x",), {}, None), b"b"
    ),
    "an ndarray subclass": _value(
        Call(Name("numpy.core.multiarray", "_reconstruct"), (Name("somebodys.package", "Array"), (0,), b"b"))
    ),
    "an array of objects with a call": _value(
        Built(
            Call(Name("numpy.core.multiarray", "_reconstruct"), (Name("numpy", "ndarray"), (0,), b"b")),
            (1, (1,), Call(Name("numpy", "dtype"), ("O8", False, True)), False, [Call(Name("os", "system"), ("x",))]),
        )
    ),
    "a scalar of objects": _value(
        Call(
            Name("numpy.core.multiarray", "scalar"),
            (Call(Name("numpy", "dtype"), ("O8", False, True)), Call(Name("os", "system"), ("x",))),
        )
    ),
}

# Classes of closed packages whose own methods do harm when they are only built and filled, or freed.
CLASSES: dict[str, tuple[Name, Any]] = {
    "scipy's frozen distribution": (
        Name("scipy.stats._continuous_distns", "norm_gen"),
        {"_parse_arg_template": "import os; os.system('touch {marker}')", "name": "x"},
    ),
    "scipy's rv_generic": (Name("scipy.stats._distn_infrastructure", "rv_continuous"), {"moment_type": 1}),
    "numpy's DataSource": (
        Name("numpy.lib._datasource", "DataSource"),
        {"_istmpdest": True, "_destpath": "{marker}"},
    ),
    "numpy's DataSource of version 2": (
        Name("numpy.lib._datasource", "DataSource"),
        {"_istmpdest": True, "_destpath": "/nonexistent"},
    ),
    "a temporary folder": (Name("tempfile", "TemporaryDirectory"), {"name": "{marker}"}),
    "a temporary file's closer": (Name("tempfile", "_TemporaryFileCloser"), {"name": "{marker}", "delete": True}),
    "a process": (Name("subprocess", "Popen"), {"_child_created": True, "pid": 1}),
    "a thread": (Name("threading", "Thread"), {"_target": None}),
    "a data loader's iterator": (
        Name("torch.utils.data.dataloader", "_MultiProcessingDataLoaderIter"),
        {"_workers": []},
    ),
    "a graph module": (Name("torch.fx.graph_module", "GraphModule"), {"_code": "import os"}),
    "a file system's map": (Name("fsspec.mapping", "FSMap"), {"root": "{marker}"}),
    "an open file of fsspec": (Name("fsspec.core", "OpenFile"), {"path": "{marker}"}),
    "a local file of fsspec": (
        Name("fsspec.implementations.local", "LocalFileOpener"),
        {"path": "{marker}", "mode": "w"},
    ),
    "a mock": (Name("unittest.mock", "MagicMock"), {"a": 1}),
    "an environment": (Name("os", "_Environ"), {"_data": {}}),
    "a memory map": (Name("numpy", "memmap"), {"filename": "{marker}"}),
    "a pool": (Name("multiprocessing.pool", "Pool"), {"_pool": []}),
    "a shared memory": (Name("multiprocessing.shared_memory", "SharedMemory"), {"_name": "x"}),
    "an archive": (Name("zipfile", "ZipFile"), {"fp": None}),
    "a wrapped file": (Name("torch.package.package_importer", "PackageImporter"), {"a": 1}),
    "a log handler": (Name("logging", "FileHandler"), {"baseFilename": "{marker}"}),
    "a string of sympy": (Name("sympy.core.symbol", "Symbol"), {"name": "x"}),
    "an HTTP connection": (Name("http.client", "HTTPConnection"), {"host": "127.0.0.1"}),
    "a library of ctypes": (Name("ctypes", "CDLL"), {"_name": "{marker}"}),
    "a script module": (Name("torch.jit._script", "RecursiveScriptModule"), {"_c": None}),
    "an inductor cache": (Name("torch._inductor.codecache", "CompiledFxGraph"), {"current_callable": None}),
    "a remote module": (Name("torch.distributed.nn.api.remote_module", "_RemoteModule"), {"on": "x"}),
}

_LIE = 1 << 62
# Tensors that lie about their storage, or that something else is done to than a tensor's file does.
TENSORS: dict[str, Any] = {
    "more elements than bytes": tensor(numel=1000, shape=(1000,)),
    "fewer bytes than declared": tensor(numel=5),
    "a view beyond its storage": tensor(shape=(5,)),
    "an offset beyond its storage": tensor(offset=3),
    "an offset of 2^62": tensor(offset=_LIE),
    "a negative offset": tensor(offset=-1),
    "a stride beyond its storage": tensor(stride=(2,)),
    "a negative stride": tensor(offset=3, stride=(-1,)),
    "a stride that overflows": tensor(shape=(3,), stride=(_LIE,)),
    "a stride-0 view of 2^62 elements": tensor(shape=(_LIE,), stride=(0,)),
    "a shape whose product overflows": tensor(shape=(1 << 32, 1 << 32, 4), stride=(0, 0, 0)),
    "a negative shape": tensor(shape=(-4,)),
    "a shape of a text": tensor(shape=("4",)),
    "a shape of booleans": tensor(shape=(True,)),
    "a shape of a fraction": tensor(shape=(4.0,)),
    "fewer strides than dimensions": tensor(shape=(2, 2), stride=(1,)),
    "65 dimensions of a tensor": tensor(shape=(1,) * 65, stride=(1,) * 65),
    "a missing storage": tensor("7"),
    "a storage outside of the archive": tensor("../../../etc/passwd"),
    "a storage that is the pickle": tensor("../data.pkl", numel=1),
    "a storage tag of nobody's": tensor(tag="file"),
    "a storage kind that is none": tensor(kind=Name("torch", "Tensor")),
    "a storage kind that is a text": tensor(kind="FloatStorage"),
    "hooks that aren't empty": tensor(hooks={"a": 1}),
    "two sizes of one storage": [tensor(), tensor(numel=2, shape=(2,))],
    "two kinds of one storage": [tensor(), tensor(kind=Name("torch", "DoubleStorage"))],
}
TOUCHED: dict[str, tuple[Any, ...]] = {
    "SETITEM on a tensor": (tensor(), 0, 1.0, b"s"),
    "APPEND on a tensor": (tensor(), 1, b"a"),
    "BUILD on a tensor with a function": (tensor(), {"fn": Name("os", "system")}, b"b"),
    "BUILD on a storage class": (Name("torch", "FloatStorage"), {"a": 1}, b"b"),
    "REDUCE of a tensor": (tensor(), (1,), b"R"),
    "a tensor as a function's argument": (Call(Name("somebodys.package", "f"), (tensor(),)),),
}


def _zipped(content: Content) -> Content:
    return lambda marker: torch_zip(content(marker))


def _both(table: dict[str, Content], expected: frozenset[Level]) -> Iterator[Sample]:
    """Each trick as a bare pickle and as the pickle of a torch checkpoint."""
    for name, content in table.items():
        yield Sample(f"{name}, bare", file_maker("model.pkl", content), expected, f"A pickle with {name}.")
        # A checkpoint's pickle is one; behind its STOP nothing may follow.
        mixed = expected if expected == REFUSED or "pickles" not in name else REFUSED
        yield Sample(f"{name}, in a zip", file_maker("model.pt", _zipped(content)), mixed, f"A checkpoint with {name}.")


def _tensors() -> Iterator[Sample]:
    for name, value in TENSORS.items():
        data = torch_zip(assembled({"weight": value}))
        maker = file_maker("model.pt", lambda _, data=data: data)
        yield Sample(f"tensor: {name}", maker, REFUSED, f"A tensor with {name}.")
    for name, parts in TOUCHED.items():
        content = _raw(*parts)
        yield Sample(f"tensor: {name}", file_maker("model.pt", _zipped(content)), CODE, f"{name}.")


def _classes() -> dict[str, Content]:
    return {name: _built(New(cls), state) for name, (cls, state) in CLASSES.items()}


SAMPLES: tuple[Sample, ...] = (
    *_both(NAMES, CODE),
    *_both(OPCODES, CODE),
    *_both(BROKEN, REFUSED),
    *_both(SHAPES, CODE),
    *_both(_classes(), CODE),
    *_tensors(),
)
