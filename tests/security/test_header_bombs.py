"""Headers made to cost more than they weigh: memory and time stay within a small multiple of the file's bytes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from modelcypher_nb.errors import MalformedError
from modelcypher_nb.formats.header_shape import MOST_DIMENSIONS, SMALL_BYTES, refuse_bomb
from modelcypher_nb.formats.odd_names import MOST_TOLD
from modelcypher_nb.formats.safetensors_header import HEADER_LIMIT, describe
from modelcypher_nb.guard.source import BytesSource

# Each is repeated up to the largest header that is read at all.
BOMBS = {
    "lists": (b'{"a":[', b"[],", b"0]}"),
    "objects": (b'{"a":[', b"{},", b"0]}"),
    "objects with a key": (b'{"a":[', b'{"":0},', b"0]}"),
    "fractions": (b'{"a":[', b"1.1,", b"1]}"),
    "a shape without end": (b'{"a":{"dtype":"F32","shape":[', b"1,", b'1],"data_offsets":[0,4]}}'),
    "numbers of 4299 digits": (b'{"a":{"shape":[', b"9" * 4299 + b",", b"0]}}"),
    "one number": (b'{"a":{"shape":[', b"9", b"]}}"),
    "lists in lists": (b'{"a":', b"[", b"0}"),
    "objects in objects": (b"{", b'"a":{', b"}"),
    "one name over and over": (b"{", b'"a":0,', b'"b":0}'),
    "empty tensors": (b"{", b'"a":{},', b'"b":{}}'),
    "tensors of texts": (b"{", b'"a":{"":"","":"","":""},', b'"b":{}}'),
    "words": (b'{"a":[', b"null,", b"true]}"),
    "a text that never ends": (b'{"', b"\\\\", b'\\"}'),
    "metadata of numbers": (b'{"__metadata__":{', b'"":0,', b'"":""}}'),
}
MEASURED = """
import resource, sys
from modelcypher_nb.errors import MalformedError
from modelcypher_nb.formats.safetensors_header import describe
from modelcypher_nb.guard.source import BytesSource
from tests.security.test_header_bombs import BOMBS, bomb

data = bomb(*BOMBS[sys.argv[1]])
megabytes = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
before = megabytes()
resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
try:
    describe(BytesSource(data, "bomb"))
except MalformedError:
    print(megabytes() - before)
"""


def bomb(start: bytes, piece: bytes, end: bytes) -> bytes:
    count = (HEADER_LIMIT - len(start) - len(end)) // len(piece)
    header = start + piece * count + end
    return len(header).to_bytes(8, "little") + header


@pytest.mark.promise("WEIGHTS-2")
@pytest.mark.parametrize("kind", BOMBS)
def test_a_header_of_100_megabytes_costs_a_few_times_its_bytes_and_is_refused(kind: str) -> None:
    command = [sys.executable, "-c", MEASURED, kind]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2], timeout=300
    )
    assert float(done.stdout) < 400  # parsing some of them takes 3000


def entry(number: int) -> str:
    return f'"layers.{number}[\\"0\\"].{{w}}":{{"dtype":"U8","shape":[1],"data_offsets":[{number},{number + 1}]}}'


@pytest.mark.parametrize("gap", ["", " ", "\n\t"])
def test_a_large_header_of_real_tensors_is_read_however_it_is_spaced(gap: str) -> None:
    count = SMALL_BYTES // 60
    fact = '"__metadata__": {"config": "{\\"a\\": [[1, 2], {}]}", "plain": "text"}'
    text = "{" + f",{gap}".join([fact, *(entry(number) for number in range(count))]).replace(":{", f":{gap}{{{gap}")
    header = (text + "}").encode()
    assert len(header) > SMALL_BYTES
    found = describe(BytesSource(len(header).to_bytes(8, "little") + header + bytes(count), "large"))
    assert len(found.tensors) == count
    assert found.tensors[1].name == 'layers.1["0"].{w}'
    assert found.metadata["plain"] == "text"


def test_the_look_beforehand_takes_every_tensor_that_the_parser_takes() -> None:
    shapes = ("[]", "[ 1 ,2]", f"[{','.join(['9223372036854775807'] * MOST_DIMENSIONS)}]")
    for shape in shapes:
        one = f'"t":{{ "shape" : {shape} ,\n"data_offsets":[0,0],"dtype":"F8_E4M3"}}'
        refuse_bomb(b"{" + b",".join([one.encode()] * (SMALL_BYTES // len(one) + 1)) + b" }", "large")


def test_a_tensor_has_no_more_dimensions_than_programs_compute_with() -> None:
    header = f'{{"a":{{"dtype":"U8","shape":{[1] * 65},"data_offsets":[0,1]}}}}'.encode()
    with pytest.raises(MalformedError, match="65 dimensions"):
        describe(BytesSource(len(header).to_bytes(8, "little") + header + b"\0", "x"))


@pytest.mark.promise("DISPLAY-3")
def test_a_hundred_thousand_odd_names_are_told_of_in_a_hundred_sentences() -> None:
    facts = ",".join(f'"\\u202e{number}":""' for number in range(100_000))
    header = f'{{"__metadata__":{{{facts}}}}}'.encode()
    found = describe(BytesSource(len(header).to_bytes(8, "little") + header, "x"))
    assert len(found.findings) == MOST_TOLD + 1
    assert all(finding.what.isprintable() for finding in found.findings)
