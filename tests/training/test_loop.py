"""How a loop was left, on every Python that this machine has: what tells is private to each version."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import modelcypher_nb
from modelcypher_nb.training import loop

# Each line is the body of a function; the loop's own module needs nothing that isn't Python's.
LEFT = """
for b in new(): break
for b in new(): return b
for b in new(): return 7
for x in "a":~ for b in new():~  with open("/dev/null"): return x
for b in new():~ try: break~ finally: x = 1
for b in new():~ with open("/dev/null"): break
for b in enumerate(new()): break
s = new(); next(s); s = None; x = s
s = new(); next(s); s = 3; return s
s = new(); next(s); del s
s = [new()]; next(s[0]); s.clear()
s = [new()]; next(s[0]); s[0] = None
s = new(); next(s)~def inner(): return s~s = None
def g():~ for b in new(): yield b~g = g(); next(g); g.close()
def g():~ for b in new(): yield b~g = g(); next(g); del g
""".strip().splitlines()
RAISED = """
for b in new(): int("x")
for b in new(): raise ValueError
for b in new(): {}["k"]
for b in new(): b.nope
for b in new(): b / 0
for b in new(): b.x = 1
for b in new(): b[0] = 1
for b in new(): c, d = b
for b in new(): nope
for b in new():~ print(unbound, end=""); unbound = 1
for b in new():~ with open("/dev/null"): int("x")
for b in new():~ try: int("x")~ finally: z = 1
for b in new():~ try: int("x")~ except ValueError: raise KeyError
for b in new(): 1 < "a"
for b in new(): import no_such_module
for b in new(): assert b is None
for b in new():~ for c in b: pass
for b in enumerate(new()): int("x")
def g():~ for b in new():~  yield b; int("x")~for _ in g(): pass
""".strip().splitlines()
PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
from modelcypher_nb.training.commands import Mailbox
from modelcypher_nb.training.loop import Steps

class Run:
    def __init__(self):
        self.mailbox, self.how = Mailbox(), []
    def loop_left(self):
        self.how.append("left")
    def loop_raised(self, error, *, hard, frame=None):
        self.how.append("raised" if error is None else repr(error))

def new():
    global run
    run = Run()
    return Steps(run, iter(range(5)))

for body in sys.argv[2:]:
    space = {"new": new}
    exec("def played():\\n " + body.replace("~", "\\n "), space)
    try:
        space["played"]()
    except Exception:
        pass
    print(*run.how)
"""


def pythons() -> list[str]:
    names = [f"python3.{minor}" for minor in range(11, 20)]
    known = filter(None, map(shutil.which, names))
    found = [sys.executable, *(path for path in known if "shims" not in path)]  # pyenv's may lead nowhere
    found += [str(path) for path in Path.home().glob(".pyenv/versions/3.1[1-9]*/bin/python")]
    return list(dict.fromkeys(found))


def played(python: str, bodies: list[str]) -> list[str]:
    source = str(Path(modelcypher_nb.__file__).parents[1])
    command = [python, "-c", PROGRAM, source, *bodies]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()


@pytest.mark.parametrize("python", pythons())
def test_a_loop_that_was_left_is_told_from_one_whose_body_raised(python: str) -> None:
    assert dict(zip(LEFT, played(python, LEFT), strict=True)) == dict.fromkeys(LEFT, "left")
    assert dict(zip(RAISED, played(python, RAISED), strict=True)) == dict.fromkeys(RAISED, "raised")


@pytest.mark.parametrize("names", [(), ("POP_TOP", "CALL"), ("POP_TOP", "RAISE")])
def test_a_python_with_other_instructions_is_not_believed(
    monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...]
) -> None:
    loop._readable.cache_clear()
    assert loop._readable()
    monkeypatch.setattr(loop, "DROPS", names)
    loop._readable.cache_clear()
    assert not loop._readable()
    monkeypatch.undo()
    loop._readable.cache_clear()
