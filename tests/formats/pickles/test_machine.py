from __future__ import annotations

import pickle
import pickletools
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelcypher_nb.errors import MalformedError
from modelcypher_nb.formats.limits import Limits
from modelcypher_nb.formats.pickles.context import Context
from modelcypher_nb.formats.pickles.machine import Machine
from modelcypher_nb.formats.pickles.values import Global, LazyBytes, Opaque, PlainDict
from modelcypher_nb.guard.source import BytesSource
from tests.samples.assembler import Built, Call, Name, New, Raw, assembled


def walked(data: bytes, context: Context | None = None) -> tuple[Any, Context]:
    context = context or Context("a.pkl")
    return Machine(BytesSource(data, "a.pkl"), context).run(), context


def judged(value: Any, protocol: int = 2, *, beside: frozenset[str] = frozenset()) -> Context:
    context = Context("a.pkl", beside=beside)
    walked(assembled(value, protocol), context)
    return context


def levels(context: Context) -> set[str]:
    return {finding.level for finding in context.findings}


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(max_size=300),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers() | st.tuples(st.integers(), st.text()), inner, max_size=5)
        | st.frozensets(st.integers() | st.text(), max_size=5)
    ),
    max_leaves=20,
)


@settings(max_examples=300, deadline=None)
@given(PLAIN, st.integers(0, 5))
def test_plain_data_is_read_as_pickle_itself_reads_it(value: Any, protocol: int) -> None:
    found, context = walked(pickle.dumps(value, protocol))
    assert found == value
    assert not levels(context) - {"data"}


@settings(max_examples=300, deadline=None)
@given(PLAIN, st.integers(0, 5), st.data())
def test_a_damaged_pickle_ends_in_a_verdict(value: Any, protocol: int, data: st.DataObject) -> None:
    whole = bytearray(pickle.dumps(value, protocol))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    damaged = bytes(whole[: data.draw(st.integers(1, len(whole)))])
    context = Context("a.pkl")
    try:
        walked(damaged, context)
    except MalformedError:
        assert "malformed" in levels(context)


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_end_in_a_verdict(data: bytes) -> None:
    context = Context("a.pkl")
    try:
        walked(data, context)
    except MalformedError:
        assert "malformed" in levels(context)


def test_every_opcode_that_python_knows_is_known_here() -> None:
    from modelcypher_nb.formats.pickles.opcodes import OBEY

    known = {code for code in range(256) if OBEY[code] is not None}
    assert known == {ord(opcode.code) for opcode in pickletools.opcodes}


@pytest.mark.parametrize("protocol", range(6))
def test_a_call_is_code_and_says_which_with_what(protocol: int) -> None:
    found, context = walked(assembled(Call(Name("os", "system"), ("echo harmless",)), protocol))
    assert isinstance(found, Opaque)
    assert (found.kind, found.arguments, found.is_code) == ("os.system", ("echo harmless",), True)
    (finding,) = context.findings
    assert (finding.level, finding.rule, finding.name) == ("code", "pickle-call", "os.system")
    assert finding.excerpt == "os.system('echo harmless')"
    assert finding.offset is not None
    assert finding.remedy


INSTANCE = New(Name("mine.models", "Net"))


@pytest.mark.parametrize(
    "value",
    [
        INSTANCE,
        Built(INSTANCE, {"weight": [1, 2], "inner": INSTANCE}),
        Call(Name("copyreg", "_reconstructor"), (Name("mine.models", "Net"), Name("builtins", "object"), None)),
        New(Name("__main__", "Net")),
    ],
    ids=["bare", "filled", "reconstructed", "of the main module"],
)
def test_an_instance_that_is_only_built_and_filled_is_objects(value: Any) -> None:
    assert levels(judged(value)) == {"objects"}


@pytest.mark.parametrize(
    "value",
    [
        New(Name("mine.models", "Net"), (1,)),
        New(Name("mine", "Net.inner")),
        New(Name("mine.__main__", "Net")),
        Built(Built(INSTANCE, {"a": 1}), {"b": 2}),
        Built(INSTANCE, {1: 2}),
        Built(INSTANCE, ({"a": 1}, {"b": 2})),
        Built(INSTANCE, [1]),
        Built(Name("mine", "Net"), {"a": 1}),
        Built({}, {"a": 1}),
        Call(Name("copyreg", "_reconstructor"), (Name("mine", "Net"), Name("builtins", "dict"), {})),
        Call(Call(Name("builtins", "list")), ()),
        Call(INSTANCE, ()),
        Name("mine", "Net"),
        [Name("mine", "function")],
        {"a": (Name("os", "system"),)},
        Raw(b"cmine\nNet\n0N"),
        Raw(b"\x82\x01"),
        New(Name("subprocess", "Popen")),
        New(Name("numpy", "memmap")),
    ],
    ids=[
        "with arguments", "a dotted name", "a package's main", "filled twice", "filled by numbers", "slots",
        "filled by a list", "a rewired class", "a rewired dict", "over a base", "a computed call", "a called object",
        "a name alone", "a name in a list", "a name deep within", "a name dropped", "an extension",
        "a class of the standard library", "a class of a closed package",
    ],
)  # fmt: skip
def test_any_other_shape_is_code(value: Any) -> None:
    assert "code" in levels(judged(value))


@pytest.mark.parametrize(
    "code",
    [b"]\x8c\x01ax", b"(\x8c\x01k\x8c\x01vu", b"\x8c\x01k\x8c\x01vs", b"\x8c\x01ka", b"(\x8c\x01k\x90"],
    ids=["junk", "setitems", "setitem", "append", "additems"],
)
def test_items_given_to_a_foreign_object_are_code(code: bytes) -> None:
    pickled = b"\x80\x04cmine\nNet\n)\x81" + code + b"."
    context = Context("a.pkl")
    try:
        walked(pickled, context)
    except MalformedError:
        assert code.startswith(b"]")
    else:
        assert "code" in levels(context)


def test_an_object_as_a_key_is_code_for_its_hash_is_its_own() -> None:
    for tail in (b"}h\x00K\x01s.", b"\x8f(h\x00\x90.", b"(h\x00\x91."):
        context = Context("a.pkl")
        walked(b"\x80\x04cmine\nNet\n)\x81\x94" + tail, context)
        assert "code" in levels(context)


def test_what_a_call_did_before_a_fault_is_told() -> None:
    for fault in (b"\xff", b"X\x04\x00\x00\x00\xff\xff\xff\xff", b"", b"h\x63", b"t"):
        context = Context("a.pkl")
        with pytest.raises(MalformedError):
            walked(b"\x80\x02cos\nsystem\n\x8c\x04echo\x85R" + fault, context)
        assert levels(context) == {"code", "malformed"}


def test_a_module_beside_the_file_is_imported_from_there() -> None:
    assert "code" in levels(judged(INSTANCE, beside=frozenset({"mine"})))
    assert "code" in levels(judged(New(Name("argparse", "Namespace")), beside=frozenset({"argparse"})))
    assert levels(judged(INSTANCE, beside=frozenset({"yours"}))) == {"objects"}


def test_a_name_of_python_2_is_judged_by_what_it_is_called_today() -> None:
    assert "code" in levels(judged(Call(Name("__builtin__", "eval"), ("1",))))
    found, context = walked(assembled(Call(Name("__builtin__", "set"), ([1, 2],))))
    assert found == {1, 2}
    assert not levels(context) - {"data"}


def test_a_state_dict_keeps_its_attributes() -> None:
    import collections

    state: Any = collections.OrderedDict(weight=1)
    state._metadata = {"": {"version": 1}}
    found, context = walked(pickle.dumps(state, 2))
    assert isinstance(found, PlainDict)
    assert (dict(found), found.attributes) == ({"weight": 1}, {"_metadata": {"": {"version": 1}}})
    assert not levels(context)


def test_a_long_byte_string_stays_in_the_file() -> None:
    data = bytes(range(256)) * 1000
    found, _ = walked(pickle.dumps([data, "after"], 4))
    lazy, after = found
    assert isinstance(lazy, LazyBytes)
    assert (lazy.read(), after) == (data, "after")


def test_a_value_may_hold_itself() -> None:
    loop: list[Any] = []
    loop.append(loop)
    found, context = walked(pickle.dumps(loop, 2))
    assert found[0] is found
    assert not context.findings


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"\x80\x06N.", "beyond 5"),
        (b"\x80\x04\x95\xff\x00\x00\x00\x00\x00\x00\x00N.", "frame of 255 bytes"),
        (b"\x80\x04\x95\x03\x00\x00\x00\x00\x00\x00\x00\x8c\x05hello.", "shorter than its content"),
        (b"\x80\x04\x95\x04\x00\x00\x00\x00\x00\x00\x00N.NN", "before the end of its frame"),
        (b"(N", "ends where"),
        (b"}]Ns.", "makes a list the key"),
        (b"h\x07.", "recalls value 7"),
        (b"r\x00\x00\x00\x00.", "empty stack"),
        (b"\x8b\xff\xff\xff\xff.", "negative length"),
        (b"B\xff\xff\xff\x7f.", "announces 2147483647 bytes"),
        (b"X\xff\xff\xff\x7f.", "ends where"),
        (b"I" + b"9" * 5000 + b"\n.", "isn't one"),
        (b"V" + b"a" * 100_000, "a line without an end"),
        (b"\x97.", "outside of it"),
        (b"N0.", "empty stack"),
        (b"Qx.", "empty stack"),
        (b"NQ.", "this format has nothing of"),
        (b"(NN\x96" + struct.pack("<Q", 1 << 62), "announces"),
    ],
)
def test_a_lie_is_malformed_and_told_with_its_place(data: bytes, problem: str) -> None:
    with pytest.raises(MalformedError, match=problem):
        walked(data)


def test_limits_are_kept() -> None:
    deep_key = b"N" + b"\x85" * 100
    with pytest.raises(MalformedError, match="too deep"):
        walked(b"}" + deep_key + b"Ns.")
    colliding = b"}(" + b"".join(pickle.dumps(n * (2**61 - 1), 2)[2:-1] + b"N" for n in range(1, 2_100)) + b"u."
    with pytest.raises(MalformedError, match="share a hash"):
        walked(colliding)
    with pytest.raises(MalformedError, match="MC_LIMIT_PICKLE_BYTES"):
        walked(b"(" + b"K\x01" * 2_000_000 + b"l.", Context("a.pkl", Limits(pickle_bytes=1 << 20)))


def test_numeric_keys_in_any_number_are_taken_while_their_hashes_differ() -> None:
    keys = {(first, second): 1 for first in range(200) for second in range(200)}
    found, _ = walked(pickle.dumps([keys] * 3 + [dict.fromkeys(keys)], 4))
    assert len(found[3]) == 40_000


@pytest.mark.parametrize(
    "call",
    [
        b"c_codecs\nencode\nh\x00X\x06\0\0\0latin1\x86R",
        b"cdecimal\nDecimal\nh\x00\x85R",
    ],
)
def test_one_value_is_not_copied_without_end(call: bytes) -> None:
    text = b"X" + struct.pack("<I", 1 << 20) + b"1" * (1 << 20) + b"q\0"
    with pytest.raises(MalformedError, match="far more often"):
        walked(b"\x80\x02]" + text + b"0(" + call * 1000 + b"e.")


def test_a_file_within_the_file_is_read_once() -> None:
    inner = b"q\0".join([b"\x80\x03]C" + bytes([4]) + b"\x80\x02N.", b""])
    _, context = walked(inner + b"0(" + b"ctorch.storage\n_load_from_bytes\nh\0\x85R" * 3 + b"e.")
    assert [finding.level for finding in context.findings].count("code") == 2


def test_findings_of_one_kind_are_bounded() -> None:
    many = b"(" + b"cos\nsystem\n)R" * 10_000 + b"l."
    _, context = walked(many)
    assert 1 <= len(context.findings) <= 100


def test_a_name_a_person_allowed_for_this_content_is_objects() -> None:
    value = Built(New(Name("subprocess", "CompletedProcess")), {"args": 1})
    assert "code" in levels(judged(value))
    context = Context("a.pkl", trusted=frozenset({"subprocess.CompletedProcess"}))
    walked(assembled(value), context)
    assert levels(context) == {"objects"}


def test_a_global_is_never_more_than_its_name() -> None:
    found, _ = walked(b"cantigravity\nfly\n.")
    assert isinstance(found, Global)
    assert found.text == "antigravity.fly"


def test_a_module_beside_the_file_counts_under_the_name_that_the_file_spells() -> None:
    for protocol in (2, 4):
        value = Call(Name("copy_reg", "_reconstructor"), (Name("mine", "Net"), Name("builtins", "object"), None))
        assert "code" in levels(judged(value, protocol, beside=frozenset({"copy_reg"})))
        # From protocol 3 on Python looks for the old name itself, which nobody has.
        assert ("code" in levels(judged(value, protocol))) == (protocol > 2)
