from __future__ import annotations

import argparse
import datetime as dt
import pickle
import types
import uuid
from collections import Counter, OrderedDict, defaultdict, deque
from contextlib import suppress
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelcypher_nb.errors import MalformedError
from modelcypher_nb.formats.pickles.context import Context
from modelcypher_nb.formats.pickles.machine import Machine
from modelcypher_nb.formats.pickles.values import Global, PlainDict, Shell
from modelcypher_nb.guard.source import BytesSource
from tests.samples.assembler import Built, Call, Name, New, Raw, assembled, opcodes

PROTOCOLS = range(6)
EAST = dt.timezone(dt.timedelta(hours=5, minutes=30), "somewhere")


def walked(data: bytes) -> tuple[Any, Context]:
    context = Context("a.pkl")
    return Machine(BytesSource(data, "a.pkl"), context).run(), context


def harmless(value: Any, protocol: int) -> Any:
    found, context = walked(pickle.dumps(value, protocol))
    assert {finding.level for finding in context.findings} <= {"data"}, context.findings
    return found


def levels(value: Any, protocol: int = 2) -> set[str]:
    context = Context("a.pkl")
    with suppress(MalformedError):
        Machine(BytesSource(assembled(value, protocol), "a.pkl"), context).run()
    return {finding.level for finding in context.findings}


PLAIN = [
    {1, "a", None, (1, 2.5)}, set(), frozenset({b"a", 2}), frozenset(), b"", b"\xff\x00a", bytearray(b"ab"),
    bytearray(),    1 + 2j, OrderedDict(a=1, b=[2]), [OrderedDict()],
]  # fmt: skip


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("value", PLAIN, ids=repr)
def test_plain_values_without_an_opcode_stay_plain_and_unremarked(value: Any, protocol: int) -> None:
    found, context = walked(pickle.dumps(value, protocol))
    assert found == value
    assert type(found) is (PlainDict if type(value) is OrderedDict else type(value))
    assert not context.findings


SHELLS: list[tuple[Any, Any]] = [
    (dt.date(2024, 2, 29), "2024-02-29"),
    (dt.time(1, 2, 3, 4), "01:02:03.000004"),
    (dt.time(1, 2, fold=1), "01:02:00"),
    (dt.datetime(2024, 1, 2, 3, 4, 5, tzinfo=dt.UTC), "2024-01-02T03:04:05+00:00"),
    (dt.datetime(2024, 1, 2, 3, 4, 5, 6, tzinfo=EAST), "2024-01-02T03:04:05.000006+05:30"),
    (dt.timedelta(-1, 2, 3), (-1, 2, 3)),
    (dt.timezone(-dt.timedelta(hours=3, seconds=30)), "-03:00:30"),
    (dt.UTC, "UTC"),
    (Decimal("-1.5E+30"), "-1.5E+30"), (Decimal("NaN"), "NaN"), (Fraction(-1, 3), (-1, 3)),
    (uuid.UUID(int=5), "00000000-0000-0000-0000-000000000005"),
    (PurePosixPath("/a/b"), "/a/b"), (PureWindowsPath("C:\\a\\b"), "C:\\a\\b"), (Path("a/b"), "a/b"), (Path(), "."),
    (argparse.Namespace(lr=1, layers=[2]), {"lr": 1, "layers": [2]}),
    (types.SimpleNamespace(a=1), {"a": 1}),
    (range(1, 9, 3), (1, 9, 3)), (slice(None, 3), (None, 3, None)),
    (deque([1, 2, 3]), [1, 2, 3]), (deque([1, 2, 3], 2), [2, 3]), (deque(), []),
    (type(None), "NoneType"),
]  # fmt: skip


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(("value", "expected"), SHELLS, ids=[repr(value) for value, _ in SHELLS])
def test_a_shell_is_read_as_its_data(value: Any, expected: Any, protocol: int) -> None:
    found = harmless(value, protocol)
    assert isinstance(found, Shell)
    assert found.value == expected


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("value", [defaultdict(list, a=[1]), defaultdict(None, {1: 2}), Counter("abca")], ids=repr)
def test_the_other_dicts_are_dicts(value: Any, protocol: int) -> None:
    found = harmless(value, protocol)
    assert type(found) is PlainDict
    assert found == value
    assert found.kind == f"collections.{type(value).__name__}"


def test_a_state_dict_keeps_its_attributes() -> None:
    value = OrderedDict(weight=1)
    value._metadata = {"": {"version": 2}}  # type: ignore[attr-defined] # as torch does
    found, context = walked(pickle.dumps(value, 2))
    assert found.attributes == {"_metadata": {"": {"version": 2}}}
    assert not context.findings


def test_types_may_stand_as_values() -> None:
    found, context = walked(pickle.dumps([int, float, list, dict, ..., NotImplemented], 2))
    assert all(type(one) is Global for one in found)
    assert not context.findings


@given(st.datetimes(timezones=st.none() | st.just(dt.UTC) | st.just(EAST)), st.sampled_from(PROTOCOLS))
@settings(max_examples=200, deadline=None)
def test_every_moment_is_read_as_its_iso_text(moment: dt.datetime, protocol: int) -> None:
    assert harmless(moment, protocol).value == moment.isoformat()


ANCHORS = ([], ["/"], ["C:"], ["C:\\"], ["\\\\server\\share\\"])


@given(st.sampled_from(ANCHORS), st.lists(st.text("ab. ", min_size=1, max_size=5), max_size=4))
@settings(max_examples=300, deadline=None)
def test_every_path_is_read_as_the_same_path(drive: list[str], parts: list[str]) -> None:
    for kind in (PurePosixPath, PureWindowsPath):
        path = kind(*drive, *parts)
        assert kind(harmless(path, 4).value) == path


ENCODE = Name("_codecs", "encode")
HARMFUL = {
    "another codec": Call(ENCODE, ("a", "rot13")),
    "a codec by default": Call(ENCODE, ("a",)),
    "characters that are no bytes": Call(ENCODE, ("\u20ac", "latin1")),
    "a bytearray of a size": Call(Name("builtins", "bytearray"), (10**12,)),
    "bytes of a size": Call(Name("builtins", "bytes"), (10**12,)),
    "a list of a range": Call(Name("builtins", "list"), (Call(Name("builtins", "range"), (0, 10**12, 1)),)),
    "a set of an object": Call(Name("builtins", "set"), ([New(Name("somebody", "Own"), ())],)),
    "a set of a list": Call(Name("builtins", "set"), ([[]],)),
    "a class": Call(Name("builtins", "type"), ("A", (), {})),
    "the class of something": Call(Name("builtins", "type"), (1,)),
    "a factory": Call(Name("collections", "defaultdict"), (Name("os", "getcwd"),)),
    "a trusted factory that isn't plain": Call(Name("collections", "defaultdict"), (Name("numpy", "memmap"),)),
    "pairs that are none": Call(Name("collections", "OrderedDict"), ([1],)),
    "a day that no calendar has": Call(Name("datetime", "date"), (b"\x07\xe8\x02\x1f",)),
    "a day of numbers": Call(Name("datetime", "date"), (2024, 1, 1)),
    "a zone of somebody's": Call(Name("datetime", "datetime"), (bytes(10), New(Name("somebody", "Zone"), ()))),
    "a path of a path": Call(Name("pathlib", "Path"), (Call(Name("pathlib", "Path"), ("a",)),)),
    "a decimal that is none": Call(Name("decimal", "Decimal"), ("os.system",)),
    "a decimal of a tuple": Call(Name("decimal", "Decimal"), ((0, (1,), 2),)),
    "a fraction over nothing": Call(Name("fractions", "Fraction"), (1, 0)),
    "an identifier of a text": Call(Name("uuid", "UUID"), ("00000000-0000-0000-0000-000000000005",)),
    "a second number of an identifier": Built(Built(New(Name("uuid", "UUID"), ()), {"int": 1}), {"int": 2}),
    "a namespace of arguments": Call(Name("argparse", "Namespace"), (1,)),
    "a namespace of slots": Built(New(Name("argparse", "Namespace"), ()), (None, {"a": 1})),
    "a range that never moves": Call(Name("builtins", "range"), (0, 1, 0)),
    "a complex number of texts": Call(Name("builtins", "complex"), ("1", "2")),
    "items of a namespace": Raw(opcodes(New(Name("argparse", "Namespace"))) + opcodes("a") + b"Ns"),
    "a deque of a text": Call(Name("collections", "deque"), ("abc",)),
}


@pytest.mark.parametrize("name", HARMFUL)
def test_a_trusted_name_in_a_use_of_its_own_is_code(name: str) -> None:
    assert "code" in levels(HARMFUL[name])


def test_colliding_members_of_a_set_are_refused_before_they_cost_anything() -> None:
    collisions = [index * (2**61 - 1) for index in range(30_000)]
    assert "code" in levels(Call(Name("builtins", "set"), (collisions,)))


@pytest.mark.parametrize("protocol", [0, 1, 2])
def test_a_large_set_of_older_protocols_opens(protocol: int) -> None:
    assert harmless(set(range(50_000)), protocol) == set(range(50_000))
