"""Our judge against the real semantics: whatever opening a file would really do must be in the verdict.

`MC_FUZZ_CASES` is the number of programs in the long tests (400,000 where it isn't set), `MC_FUZZ_SEED` the seed.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from modelcypher_nb.formats import detect
from modelcypher_nb.formats.beside import beside
from modelcypher_nb.formats.pickle_file import walk
from modelcypher_nb.formats.pickles.context import Context
from modelcypher_nb.formats.readers import Terms
from modelcypher_nb.guard.paths import Guard
from modelcypher_nb.guard.roots import Root
from modelcypher_nb.guard.source import BytesSource
from tests.samples.assembler import opcodes
from tests.samples.hostile_readings import SAMPLES
from tests.samples.recorded import dangers
from tests.samples.sample import MARKER

CASES = int(os.environ.get("MC_FUZZ_CASES", "400000"))
SEED = int(os.environ.get("MC_FUZZ_SEED", "1"))
FEW = 20_000

# What a person runs to open each, and by which the file's command runs.
OPENERS = {
    "numbers whose flags say objects": "joblib.load(path)",
    "padding that is a byte string": "pickle.load(open(path, 'rb'))",
    "an array of objects that recalls others": "pickle.load(open(path, 'rb'))",
    "a checkpoint that is an export too": "torch.load(path, weights_only=False)",
    "a tar that is a checkpoint": "torch.load(path, weights_only=False)",
    "operators by another name": "torch.jit.load(path)(torch.ones(2))",
    "operators within parentheses": "torch.jit.load(path)(torch.ones(2))",
    "operators spelled apart": "torch.jit.load(path)(torch.ones(2))",
    "torch by another name": "torch.jit.load(path)(torch.ones(2))",
    "operators between three quotes": "torch.jit.load(path)(torch.ones(2))",
    "Python 2's name beside": "sys.path.insert(0, os.path.dirname(path)); pickle.load(open(path, 'rb'))",
    "a library's name beside": "fresh(path)",
    "weights and a pickle in weights": "safetensors.torch.load_file(path); pickle.load(open(path, 'rb'))",
    "a packed model and a pickle": "joblib.load(path)",
    "a program within a pickle": "torch.load(path, weights_only=False)(torch.ones(2))",
}
CHILD = """
import contextlib, json, os, pickle, sys, warnings
warnings.simplefilter("ignore")
import joblib, numpy, safetensors.torch, subprocess, torch
def fresh(path):  # a process that has imported nothing yet, in the file's folder
    subprocess.run([sys.executable, "-c", "import pickle; pickle.load(open('a.pkl', 'rb'))"], cwd=os.path.dirname(path))
for path, opener in json.loads(sys.argv[1]):
    with contextlib.suppress(Exception):
        exec(opener)
"""


@pytest.mark.slow
def test_the_real_libraries_run_what_we_refuse(tmp_path: Path) -> None:
    work = []
    for number, (name, opener) in enumerate(OPENERS.items()):
        folder = tmp_path / str(number)
        folder.mkdir()
        sample = next(sample for sample in SAMPLES if sample.name == f"reading: {name}")
        path = sample.make(folder)
        guard = Guard((Root.pin(str(folder), "working"),), str(folder))
        with guard.open(path) as safe, guard.open(folder) as around:
            assert detect.examine(safe, Terms(beside=beside(around))).verdict.level in {"code", "malformed"}
        assert not (folder / MARKER).exists()
        work.append((str(path), opener))
    subprocess.run([sys.executable, "-c", CHILD, json.dumps(work)], check=True, timeout=200, capture_output=True)
    silent = [name for number, name in enumerate(OPENERS) if not (tmp_path / str(number) / MARKER).exists()]
    assert not silent, "these samples prove nothing, for nothing ran"


# Random programs

# Names that may be called, made or held, each in its way, and those that may not at all.
NAMES = (
    ("posix", "system"), ("builtins", "eval"), ("torch.hub", "load"), ("numpy", "memmap"), ("os.path", "join"),
    ("collections", "OrderedDict"), ("collections", "defaultdict"), ("collections", "deque"),
    ("collections", "Counter"), ("builtins", "list"), ("builtins", "set"), ("builtins", "dict"), ("builtins", "object"),
    ("builtins", "getattr"),
    ("argparse", "Namespace"), ("types", "SimpleNamespace"), ("easydict", "EasyDict"), ("yacs.config", "CfgNode"),
    ("lightning_fabric.utilities.data", "AttributeDict"), ("transformers.training_args", "TrainingArguments"),
    ("copyreg", "_reconstructor"), ("copyreg", "__newobj__"), ("copy_reg", "_reconstructor"), ("__builtin__", "set"),
    ("torch", "Size"), ("torch", "float32"), ("torch", "FloatStorage"), ("torch.nn.modules.linear", "Linear"),
    ("torch.nn.functional", "relu"), ("torch.storage", "_load_from_bytes"), ("torch._tensor", "_rebuild_from_type_v2"),
    ("somebody.models", "Thing"), ("somebody.__main__", "Thing"), ("somebody", "Thing.method"), ("__main__", "Net"),
    ("numpy", "dtype"), ("datetime", "date"), ("sklearn.tree._tree", "Tree"), ("operator", "getitem"),
)  # fmt: skip
HARMFUL = {"posix", "torch.hub", "os.path", "somebody.__main__", "sklearn.tree._tree"}
HARMLESS = tuple(
    (module, name) for module, name in NAMES if module not in HARMFUL and name not in {"eval", "memmap", "Thing.method"}
)
TEXTS = ("a", "b", "keys", "items", "__setstate__", "__class__", "__dict__", "append", "extend", "add", "update")
SINGLE = b"(()]}NN\x88\x89\x8f0122tttlde\x85\x86\x87asu\x90\x91RRRR\x81\x81\x81\x92obbbb\x94\x94\x94\x93.Q"


def _name(dice: random.Random) -> bytes:
    """A name, a harmful one now and then."""
    module, name = dice.choice(NAMES if dice.random() < 0.15 else HARMLESS)
    return f"c{module}\n{name}\n".encode()


def _text(dice: random.Random) -> bytes:
    return opcodes(dice.choice(TEXTS))


def _method(dice: random.Random) -> bytes:
    """An attribute or item that may be called, by a name that something looks up."""
    return opcodes(dice.choice(("__setstate__", "keys", "items", "a"))) + _name(dice) + b"s"


def _values(dice: random.Random) -> bytes:
    return opcodes(dice.choice([0, 1, 255, {"a": 1}, {"__setstate__": None}, [1], (1, 2), b"bytes", 1.5]), 3)


PUSHED: tuple[Callable[[random.Random], bytes], ...] = (
    _name,
    lambda dice: _name(dice) + dice.choice([b")\x81", b")R"]),
    lambda dice: b"".join(opcodes(one, 4) for one in dice.choice(HARMLESS)) + b"\x93",
    lambda dice: b"(i" + _name(dice)[1:] if dice.random() < 0.2 else b"}",
    _text,
    _text,
    lambda dice: b"q" + bytes([dice.randrange(4)]),
    lambda dice: b"h" + bytes([dice.randrange(4)]),
    lambda dice: b"h" + bytes([dice.randrange(4)]),
    _values,
)


def _pushed(dice: random.Random) -> bytes:
    """A value, or something kept."""
    return dice.choice(PUSHED)(dice)


# Steps that fit the stack more often than not: calls, instances, states, items.
SHAPED: tuple[Callable[[random.Random], bytes], ...] = (
    lambda dice: _name(dice) + b"(" + _pushed(dice) + b"tR",
    lambda dice: _name(dice) + b")" + dice.choice([b"R", b"\x81", b"\x81"]),
    lambda dice: _name(dice) + b")\x81}" + _text(dice) + _pushed(dice) + b"sb",
    lambda dice: b"}" + _text(dice) + _pushed(dice) + b"sb",
    lambda dice: _text(dice) + _pushed(dice) + b"s",
    lambda dice: b"(" + _pushed(dice) + _pushed(dice) + bytes([dice.choice(b"udtle\x90\x91o")]),
    lambda dice: b"ccopyreg\n_reconstructor\n(" + _name(dice) + b"cbuiltins\nobject\nNtR",
    lambda dice: b"(" + _name(dice) + dice.choice([b"", _pushed(dice)]) + b"o",
    lambda dice: (
        _name(dice) + b")R" + dice.choice([b"}" + _method(dice) + b"b", _method(dice)]) + b"}" + opcodes("a") + b"Nsb"
    ),
    lambda dice: b"ccollections\nOrderedDict\n" + _name(dice) + b")R}" + _method(dice) + b"b\x85R",
    lambda dice: _name(dice) + b"(" + _pushed(dice) + b"t}\x92",
)


def _shaped(dice: random.Random) -> bytes:
    return dice.choice(SHAPED)(dice)


def _kept(dice: random.Random, number: int) -> bytes:
    value = dice.choice([b"}", b"]", b"\x8f", b")", b"K\x01", _name(dice), _name(dice) + b")R", _name(dice) + b")\x81"])
    return value + b"q" + bytes([number]) + dice.choice([b"0", b"0", b""])


def program(dice: random.Random) -> bytes:
    """A program of up to two dozen steps."""
    start = dice.choice([b"", b"\x80\x02", b"\x80\x04"])
    steps = [_kept(dice, number) for number in range(dice.randrange(4))]  # so that recalling rarely fails
    for _ in range(dice.randint(1, 6)):
        kind = dice.random()
        if kind < 0.65:
            steps.append(_shaped(dice))
        elif kind < 0.88:
            steps.append(_pushed(dice))
        elif kind < 0.99:
            steps.append(bytes([dice.choice(SINGLE)]))
        else:
            steps.append(dice.choice([b"\x80\x04", b"\x80\x02", b"\x95" + bytes([3]) + bytes(7), b"\x82\x01", b"P0\n"]))
    return start + b"".join(steps) + b"."


def mutated(dice: random.Random, data: bytes) -> bytes:
    """One to three changes: a bit, a cut, a doubled part, an opcode, a step."""
    changed = bytearray(data)
    for _ in range(dice.randint(1, 3)):
        at = dice.randrange(len(changed) + 1)
        match dice.randrange(5):
            case 0:
                changed[at : at + 1] = bytes(byte ^ (1 << dice.randrange(8)) for byte in changed[at : at + 1])
            case 1:
                del changed[at : at + dice.randint(1, 12)]
            case 2:
                changed[at:at] = changed[at : at + dice.randint(1, 30)]
            case 3:
                changed[at : at + dice.randrange(2)] = bytes([dice.choice(SINGLE)])
            case _:
                changed[at:at] = _shaped(dice)
    return bytes(changed)


def _level(data: bytes) -> str:
    context = Context("a file")
    walk(BytesSource(data, "a file"), context)
    return detect.worst(finding.level for finding in context.findings)


def _compare(cases: int, make: Callable[[random.Random], bytes]) -> Counter[str]:
    """Every danger is refused; gives how many of each there were."""
    dice, counts = random.Random(SEED), Counter[str]()  # noqa: S311 - repeatable, no secret
    for number in range(cases):
        data = make(dice)
        found = dangers(data)
        level = _level(data)
        assert not found or level in {"code", "malformed"}, f"case {number}: {level}, though it {found[0]}: {data!r}"
        counts[level] += 1
        counts["dangers"] += bool(found)
    return counts


def _from_samples(dice: random.Random) -> bytes:
    return mutated(dice, program(dice))


MAKERS: dict[str, Callable[[random.Random], bytes]] = {"programs": program, "changed programs": _from_samples}


@pytest.mark.parametrize("which", MAKERS)
def test_no_random_program_does_more_than_its_verdict_says(which: str) -> None:
    known = set(sys.modules)
    counts = _compare(FEW, MAKERS[which])
    strangers = {name for name in set(sys.modules) - known if not name.startswith("modelcypher_nb.formats.")}
    assert not strangers, "a name led to a module"
    assert counts["dangers"] > FEW // 10, "hardly any program is dangerous: the comparison shows nothing"
    assert counts["weights"] + counts["data"] + counts["objects"] > FEW // 500, "nearly all is refused"


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("which", MAKERS)
def test_no_program_of_many_does_more_than_its_verdict_says(which: str) -> None:
    counts = _compare(CASES, MAKERS[which])
    print(f"{CASES} {which} of seed {SEED}: {dict(sorted(counts.items()))}")
    assert counts["dangers"] > CASES // 10
