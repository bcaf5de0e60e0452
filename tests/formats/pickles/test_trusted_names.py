"""The allow-list's readings, over any arguments: they give a description or a reason, and nothing else happens."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelcypher_nb.errors import MalformedError
from modelcypher_nb.formats.pickles.context import Context
from modelcypher_nb.formats.pickles.joblib_names import Wrapper
from modelcypher_nb.formats.pickles.machine import Machine
from modelcypher_nb.formats.pickles.numpy_arrays import Array, empty_array
from modelcypher_nb.formats.pickles.numpy_dtypes import DType, read_dtype
from modelcypher_nb.formats.pickles.trusted_names import THEMES, TRUSTED
from modelcypher_nb.formats.pickles.values import (
    Described,
    Global,
    LazyBytes,
    Opaque,
    PlainDict,
    Shell,
    Storage,
    Tensor,
    UnfitError,
)
from modelcypher_nb.guard.source import BytesSource

SOURCE = BytesSource(bytes(64), "a file")


def storage() -> Storage:
    return Storage("0", "F32", 64, SOURCE)


DESCRIBED: tuple[Callable[[], Any], ...] = (
    lambda: Global("builtins", "list", 0),
    lambda: Global("numpy", "ndarray", 0),
    lambda: Global("numpy", "record", 0),
    lambda: Global("torch", "float32", 0),
    lambda: Global("os", "system", 0),
    lambda: LazyBytes(SOURCE, 0, 64),
    lambda: Opaque("somebody.Own"),
    lambda: PlainDict("collections.OrderedDict", {"a": 1}),
    lambda: Shell("torch.Size", (2, 3)),
    lambda: Shell("datetime.timezone", "UTC"),
    lambda: Shell("datetime.timedelta", (0, 3600, 0)),
    storage,
    lambda: Tensor(storage(), "F32", (2, 3), (3, 1)),
    lambda: read_dtype("f4"),
    lambda: read_dtype("O"),
    lambda: empty_array("a file"),
    Wrapper,
)
TEXTS = ("b", "C", "K", "f8", "V8", "<", "latin1", "MT19937", "/", "cpu", "int", "1.5", "_metadata", "dtype", "shape")
SIMPLE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.integers(-1, 4),
    st.floats(),
    st.sampled_from(TEXTS),
    st.text(max_size=4),
    st.binary(max_size=12),
    st.binary(max_size=4).map(bytearray),
    st.complex_numbers(),
    st.sampled_from(DESCRIBED).map(lambda make: make()),
)
VALUES = st.recursive(
    SIMPLE,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=9).map(tuple),
        st.dictionaries(st.one_of(st.sampled_from(TEXTS), st.integers()), inner, max_size=3),
        st.just(set()),
    ),
    max_leaves=8,
)
CALLED = sorted(name for name, trusted in TRUSTED.items() if trusted.call is not None)


@given(data=st.data(), arguments=st.lists(VALUES, max_size=8).map(tuple))
@settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_reading_gives_a_description_or_a_reason_whatever_it_is_given(
    data: st.DataObject, arguments: tuple[Any, ...]
) -> None:
    trusted = TRUSTED[data.draw(st.sampled_from(CALLED))]
    assert trusted.call is not None
    try:
        made = trusted.call(Context("a file"), arguments)
    except UnfitError:
        return
    if isinstance(made, Described):
        _fill(made, data.draw(VALUES), data.draw(st.lists(st.tuples(st.text(max_size=2), VALUES), max_size=2)))
        list(made.parts())


def _fill(made: Described, state: Any, pairs: list[tuple[Any, Any]]) -> None:
    for act in (lambda: made.build(state), lambda: made.set_items(pairs), lambda: made.extend([state])):
        try:
            act()
        except UnfitError:
            continue


STATES: tuple[tuple[Callable[[], Described], int], ...] = (
    (lambda: read_dtype("f4"), 8),
    (lambda: read_dtype("V8"), 8),
    (lambda: read_dtype("M8"), 9),
    (lambda: DType("V", 0, is_record=True), 8),
    (lambda: empty_array("a file"), 5),
)


@given(data=st.data())
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
def test_an_array_and_its_dtype_take_any_state_or_say_why_not(data: st.DataObject) -> None:
    make, length = data.draw(st.sampled_from(STATES))
    made = make()
    state = data.draw(st.lists(VALUES, min_size=length, max_size=length).map(tuple))
    versioned = (length - 5, *state[1:]) if length >= 8 else (1, *state[1:])
    try:
        made.build(versioned)
    except UnfitError:
        return
    list(made.parts())


def test_no_trusted_name_has_a_dot_in_it() -> None:
    assert not [name for name in TRUSTED if "." in name[1]]


@pytest.mark.parametrize("table", sorted({table for tables in THEMES.values() for table in tables}))
def test_every_name_of_a_table_is_found_under_its_library(table: str) -> None:
    names = import_module(f"modelcypher_nb.formats.pickles.{table}").NAMES
    assert names
    assert all(table in THEMES[module.partition(".")[0]] for module, _ in names)
    assert all(TRUSTED.get(name) == reading for name, reading in names.items())


def test_a_plain_state_dict_waits_for_no_table_of_another_library() -> None:
    program = (
        "import sys\n"
        "from modelcypher_nb.formats import pickle_file\n"
        "from modelcypher_nb.formats.pickles.context import Context\n"
        "from modelcypher_nb.guard.source import BytesSource\n"
        "content = pickle_file.read(BytesSource(b'\\x80\\x02ccollections\\nOrderedDict\\n)R.', 'a'), Context('a'))\n"
        "assert content.root == {} and not content.findings\n"
        "print(sorted(name.rpartition('.')[2] for name in sys.modules if name.endswith('_names') or 'numpy' in name))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['builtin_names', 'trusted_names']"


def test_what_creates_or_opens_files_is_never_called() -> None:
    for name in (
        ("numpy", "memmap"),
        ("numpy", "ndarray"),
        ("builtins", "str"),
        ("builtins", "int"),
        ("typing", "Any"),
    ):
        assert TRUSTED[name].call is None
    for name in (("builtins", "getattr"), ("builtins", "eval"), ("os", "system"), ("numpy", "load"), ("numpy", "lib")):
        assert name not in TRUSTED


def test_an_array_of_the_same_dtype_object_is_not_changed_by_a_second_state() -> None:
    dtype = read_dtype("f4")
    array = empty_array("a file")
    array.build((1, (2,), dtype, False, bytes(8)))
    with pytest.raises(UnfitError, match="after it was used"):
        dtype.build((3, ">", None, None, None, -1, -1, 0))
    assert isinstance(array, Array)


def endless(make: bytes, width: int, levels: int) -> bytes:
    """Opcodes for a value of `width` references to one of `width` references and so on."""
    code = b"N"
    for level in range(levels):
        code += b"q" + bytes([level]) + b"0(" + (b"h" + bytes([level])) * width + make
    return code


BOMBS = {
    "a key of tuples of one tuple": b"}" + endless(b"t", 250, 7) + b"Ns.",
    "a set of tuples of one tuple": b"cbuiltins\nset\n(" + endless(b"t", 250, 7) + b"ltR.",
    "fields of tuples of one tuple": (
        b"ctransformers.modeling_outputs\nCausalLMOutput\n(" + endless(b"t", 250, 4) + b"tR."
    ),
    "a generator's state of lists of one list": (
        b"cnumpy.random._pickle\n__bit_generator_ctor\n)R}X\x01\0\0\0a" + endless(b"l", 250, 4) + b"sb."
    ),
    "a long state that many objects are given": (
        b"}(" + b"".join(b"X\x05\0\0\0%05dN" % index for index in range(20_000)) + b"uq\x00"
        b"cargparse\nNamespace\nq\x01" + b"h\x01)\x81h\x00b0" * 20_000 + b"."
    ),
    "many fields that many dtypes are given": (
        b"(" + b"".join(b"X\x05\0\0\0%05d" % index for index in range(20_000)) + b"tq\x00"
        b"cnumpy\ndtype\nq\x01"
        + b"h\x01(X\x02\0\0\0V8I00\nI01\ntR(K\x03X\x01\0\0\0|Nh\x00}K\x08K\x01K\x00tb0" * 20_000 + b"."
    ),
    "a text that many arrays are given": (
        b"X" + (10**6).to_bytes(4, "little") + b"a" * 10**6 + b"q\x00"
        b"cnumpy.core.multiarray\n_reconstruct\nq\x01cnumpy\nndarray\nq\x02cnumpy\ndtype\n(X\x02\0\0\0i1I00\nI01\ntRq\x03"
        b"J\x40\x42\x0f\x00\x85q\x04" + b"h\x01h\x02K\x00\x85C\x01b\x87R(K\x01h\x04h\x03I00\nh\x00tb0" * 20_000 + b"."
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_a_value_that_stands_for_an_endless_one_costs_little(name: str) -> None:
    context = Context("a file")
    steps = 0

    def count(*_: Any) -> None:
        nonlocal steps
        steps += 1
        if steps > 10_000_000:
            raise AssertionError(f"{name} goes on and on")

    sys.setprofile(count)
    try:
        with suppress(MalformedError):
            Machine(BytesSource(b"\x80\x03" + BOMBS[name], "a file"), context).run()
    finally:
        sys.setprofile(None)
    assert {finding.level for finding in context.findings} & {"code", "malformed"}
