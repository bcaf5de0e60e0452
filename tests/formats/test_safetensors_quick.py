from __future__ import annotations

import json
import random
from typing import Any

import pytest
import torch
from safetensors.torch import save

from modelcypher_nb.errors import MalformedError
from modelcypher_nb.formats import safetensors_header
from modelcypher_nb.formats.safetensors_header import DTYPE_BITS, describe
from modelcypher_nb.formats.safetensors_quick import quick
from modelcypher_nb.guard.source import BytesSource

SOUND = save(
    {"layer.weight": torch.ones(3, 4), "bias": torch.ones(4, dtype=torch.bfloat16), "steps": torch.tensor(7)},
    {"format": "pt"},
)
SPLICES = [
    b'"dtype":"F32",', b'"shape":[2],', b'"x":1,', b'"a":"b",', b"{", b"}", b"[", b"]", b",", b":", b'"', b"-", b" ",
    b"\n",
    b"\\", b"\\u0041", b"null", b"true", b"false", b"1.0", b"1e0", b"0", b"00", b"-1", b"NaN", b"[]", b"{}",
    b'""', b"\x7f", b"\x00",
    b'"__metadata__":{"a":"b"},', b'"__metadata__":{},', "é".encode(), b"9" * 5000,
]  # fmt: skip


def parts(data: bytes) -> tuple[bytes, bytes]:
    length = int.from_bytes(data[:8], "little")
    return data[8 : 8 + length].rstrip(b" "), data[8 + length :]


def looked_at(text: bytes, data: bytes, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What the reader says that looks at each tensor by itself."""
    with monkeypatch.context() as patch:
        patch.setattr(safetensors_header, "quick", lambda *_: None)
        return describe(BytesSource(len(text).to_bytes(8, "little") + text + data, "file"))


def test_a_header_as_safetensors_writes_it_is_proven_in_bulk() -> None:
    text, data = parts(SOUND)
    found = quick(text, DTYPE_BITS, len(data))
    assert found is not None
    assert list(found[0]) == ["steps", "layer.weight", "bias"]
    assert found[1] == {"format": "pt"}


def test_tensors_come_in_file_order_whatever_the_header_s(monkeypatch: pytest.MonkeyPatch) -> None:
    text, data = parts(SOUND)
    turned = dict(reversed(json.loads(text).items()))
    forged = json.dumps(turned).encode()
    found = quick(forged, DTYPE_BITS, len(data))
    assert found is not None
    assert list(found[0]) == ["steps", "layer.weight", "bias"]
    source = BytesSource(len(forged).to_bytes(8, "little") + forged + data, "file")
    assert describe(source).tensors == looked_at(forged, data, monkeypatch).tensors


ODD: list[Any] = [
    {"dtype": "F32", "shape": {}, "data_offsets": [0, 4]},
    {"dtype": "F32", "shape": [True], "data_offsets": [0, 4]},
    {"dtype": "F32", "shape": [1.0], "data_offsets": [0, 4]},
    {"dtype": "F32", "shape": [-1, -1], "data_offsets": [0, 4]},
    {"dtype": "F32", "shape": [1], "data_offsets": [False, 4]},
    {"dtype": "F32", "shape": [1], "data_offsets": [0.0, 4]},
    {"dtype": "F32", "shape": [1] * 65, "data_offsets": [0, 4]},
    {"dtype": "F32", "shape": [2**62, 4, 0], "data_offsets": [0, 0]},
    {"dtype": "F32", "shape": [1], "data_offsets": [0, 4], "more": []},
    {"dtype": "F32", "shape": [1], "data_offsets": [0, 4, 4]},
    ["dtype", "shape", "data_offsets"],
]


@pytest.mark.parametrize("entry", ODD, ids=range(len(ODD)))
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": "), (",\n", ":\t")])
def test_what_is_odd_is_never_proven_in_bulk(entry: Any, separators: tuple[str, str]) -> None:
    text = json.dumps({"x": entry}, separators=separators).encode()
    assert quick(text, DTYPE_BITS, 4) is None
    assert quick(text, DTYPE_BITS, 0) is None


def mutated(dice: random.Random, text: bytes) -> bytes:
    changed = bytearray(text)
    for _ in range(dice.randint(1, 3)):
        at = dice.randrange(len(changed))
        match dice.randrange(5):
            case 0:
                changed[at] ^= 1 << dice.randrange(8)
            case 1:
                del changed[at : at + dice.randint(1, 30)]
            case 2:
                changed[at:at] = changed[at : at + dice.randint(1, 60)]
            case _:
                where = dice.choice([at, text.find(b'"', at), text.find(b"[", at) + 1, text.find(b",", at) + 1])
                changed[where:where] = dice.choice(SPLICES)
        if not changed:
            return b"{}"
    return bytes(changed)


def test_no_mutation_is_proven_in_bulk_that_a_closer_look_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    text, data = parts(SOUND)
    dice, proven = random.Random(7), 0  # noqa: S311 - the same mutations each time
    for _ in range(20_000):
        changed = mutated(dice, text)
        found = quick(changed, DTYPE_BITS, len(data))
        if found is None or not changed.startswith(b"{"):
            continue
        proven += 1
        closer = looked_at(changed, data, monkeypatch)  # raises where it refuses
        assert list(found[0]) == [tensor.name for tensor in closer.tensors]
        assert found[1] == closer.metadata
        assert closer.findings == ()
        assert (
            describe(BytesSource(len(changed).to_bytes(8, "little") + changed + data, "file")).tensors == closer.tensors
        )
    assert proven > 200


def test_a_key_that_stands_twice_is_never_proven_in_bulk(monkeypatch: pytest.MonkeyPatch) -> None:
    one = b'"dtype":"F32","shape":[1],"data_offsets":[0,4]'
    for text in (
        b'{"a":{%b},"a":{%b}}' % (one, one),
        b'{"a":{"dtype":"F32",%b}}' % one,
        b'{"a":{"shape":[1],%b}}' % one,
        b'{"__metadata__":{"k":"v","k":"v"},"a":{%b}}' % one,
        b'{"__metadata__":{},"__metadata__":{},"a":{%b}}' % one,
        b'{"a":1,"a":{%b}}' % one,
    ):
        assert quick(text, DTYPE_BITS, 4) is None
        with pytest.raises(MalformedError):
            looked_at(text, bytes(4), monkeypatch)
