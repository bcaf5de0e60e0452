from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from modelcypher_nb.errors import MalformedError
from modelcypher_nb.formats.pickles.context import Context
from modelcypher_nb.formats.pickles.enum_names import CLASSES as ENUMS
from modelcypher_nb.formats.pickles.machine import Machine
from modelcypher_nb.formats.pickles.trainer_names import CLASSES as TRAINERS
from modelcypher_nb.formats.pickles.values import PlainDict, Shell
from modelcypher_nb.guard.source import BytesSource
from tests.samples.assembler import Built, Call, Name, New, Raw, assembled, opcodes


def walked(data: bytes) -> tuple[Any, Context]:
    context = Context("a.pkl")
    value = None
    with suppress(MalformedError):
        value = Machine(BytesSource(data, "a.pkl"), context).run()
    return value, context


def read(value: Any, protocol: int = 2) -> tuple[Any, set[str]]:
    found, context = walked(assembled(value, protocol))
    return found, {finding.level for finding in context.findings}


def items(target: Any, content: dict[str, Any]) -> Raw:
    """A value that is assigned items."""
    return Raw(opcodes(target) + b"(" + b"".join(opcodes(key) + opcodes(item) for key, item in content.items()) + b"u")


# OmegaConf, as its versions 2.0 to 2.4 pickle it

ANY = Name("typing", "Any")


def facts(key: Any, object_type: Any = None, *, container: bool = False, **more: Any) -> Built:
    state = {
        "ref_type": ANY, "object_type": object_type, "optional": True, "key": key, "flags": {}, "flags_root": False,
        "resolver_cache": Call(Name("collections", "defaultdict"), (Name("builtins", "dict"),)), **more,
    }  # fmt: skip
    if container:
        state |= {"key_type": ANY, "element_type": ANY}
    return Built(New(Name("omegaconf.base", "ContainerMetadata" if container else "Metadata")), state)


def node(value: Any, key: Any, kind: str = "AnyNode") -> Built:
    state = {"_metadata": facts(key), "_parent": None, "_val": value}
    return Built(New(Name("omegaconf.nodes", kind)), state)


def config(content: Any, **more: Any) -> Built:
    of = Name("builtins", "dict")
    state = {"_metadata": facts(None, of, container=True), "_parent": None, "_content": content, **more}
    return Built(New(Name("omegaconf.dictconfig", "DictConfig")), state)


def listed(content: Any) -> Built:
    state = {"_metadata": facts("b", Name("builtins", "list"), container=True), "_parent": None, "_content": content}
    return Built(New(Name("omegaconf.listconfig", "ListConfig")), state)


@pytest.mark.parametrize("protocol", [2, 4])
def test_a_configuration_of_omegaconf_is_its_values(protocol: int) -> None:
    inner = listed([node(1, 0), node(2.5, 1, "FloatNode")])
    found, levels = read(config({"a": node(1, "a"), "b": inner, "c": node("${a}", "c")}), protocol)
    assert levels == {"data"}
    assert {key: value.value for key, value in found.value.items() if key != "b"} == {"a": 1, "c": "${a}"}
    assert [value.value for value in found.value["b"].value] == [1, 2.5]


def test_a_missing_configuration_is_read() -> None:
    assert read(config("???"))[0].value == "???"
    assert read(config(None))[1] == {"data"}


def test_a_generic_type_is_read() -> None:
    of = Call(Name("_operator", "getitem"), (Name("typing", "Dict"), (Name("builtins", "str"), ANY)))
    found, levels = read(Built(New(Name("omegaconf.base", "Metadata")), {"ref_type": of, "key": None}))
    assert levels == {"data"}
    assert found.value["ref_type"].kind == "typing"


HARMFUL_CONFIGURATIONS = {
    "a name in its content": config({"a": node(Name("os", "system"), "a")}),
    "a name as a type": config({}, _metadata=facts(None, Name("os", "system"), container=True)),
    "a name as a parent": config({}, _parent=Name("os", "system")),
    "a key of its own": config({}, _evil=1),
    "no metadata": Built(New(Name("omegaconf.dictconfig", "DictConfig")), {"_content": {}}),
    "a second state": Built(config({}), {"_metadata": facts(None), "_content": {}}),
    "a state that is no dict": Built(New(Name("omegaconf.dictconfig", "DictConfig")), (None, {"_content": {}})),
    "arguments": New(Name("omegaconf.dictconfig", "DictConfig"), ({},)),
    "an item": items(config({}), {"a": 1}),
    "metadata of its own": Built(New(Name("omegaconf.base", "Metadata")), {"evil": 1}),
    "a type that is an object": Built(New(Name("omegaconf.base", "Metadata")), {"ref_type": New(Name("a", "B"))}),
    "an item of something": Call(Name("operator", "getitem"), ({"a": 1}, "a")),
    "an item of a name": Call(Name("operator", "getitem"), (Name("os", "environ"), "PATH")),
}


@pytest.mark.parametrize("name", HARMFUL_CONFIGURATIONS)
def test_a_configuration_that_omegaconf_never_writes_is_code(name: str) -> None:
    assert "code" in read(HARMFUL_CONFIGURATIONS[name])[1]


# Dicts with attributes

LIGHTNING = Name("lightning.fabric.utilities.data", "AttributeDict")
KINDS = [
    LIGHTNING, Name("lightning_fabric.utilities.data", "AttributeDict"), Name("munch", "Munch"),
    Name("pytorch_lightning.utilities.parsing", "AttributeDict"), Name("yacs.config", "CfgNode"),
    Name("easydict", "EasyDict"), Name("addict.addict", "Dict"),
]  # fmt: skip


@pytest.mark.parametrize("name", KINDS, ids=lambda name: name.module)
def test_a_dict_with_attributes_is_a_dict(name: Name) -> None:
    found, levels = read(Built(items(New(name), {"lr": 0.1, "layers": [2]}), {"lr": 0.1}))
    assert type(found) is PlainDict
    assert (found, found.attributes, levels) == ({"lr": 0.1, "layers": [2]}, {"lr": 0.1}, {"data"})


def test_a_dict_of_addict_is_given_its_items_twice() -> None:
    name = Name("addict.addict", "Dict")
    assert read(items(New(name, (("a", 1), ("b", 2))), {"a": 1, "b": 2})) == ({"a": 1, "b": 2}, {"data"})
    assert read(New(LIGHTNING, (("a", 1),)))[1] == {"code"}
    assert read(New(name, (1,)))[1] == {"code"}


def test_a_box_is_read_and_names_no_class_but_its_own() -> None:
    box = Name("box.box", "Box")
    settings = {"_box_config": {"box_class": box, "frozen_box": False}}
    found, levels = read(Built(items(New(box), {"a": 1}), settings))
    assert (found.value, levels) == ({"a": 1}, {"data"})
    for harmful in (
        Built(New(box), {"_box_config": {"box_class": Name("numpy", "memmap")}}),
        items(Built(New(box), settings), {"a": {}}),
        Built(New(box), {"_box_config": {}, "more": 1}),
        New(box, (1,)),
    ):
        assert "code" in read(harmful)[1]


# Enum classes, trainers, answers of models


@pytest.mark.parametrize("name", [(module, name) for module, names in ENUMS.items() for name in names], ids=".".join)
def test_an_enum_of_a_known_name_is_its_value(name: tuple[str, str]) -> None:
    found, levels = read(Call(Name(*name), ("no",)))
    assert isinstance(found, Shell)
    assert (found.kind, found.value, levels) == (".".join(name), "no", {"data"})


@pytest.mark.parametrize(
    "call",
    [
        Call(Name("transformers.trainer_utils", "set_seed"), ("no",)),
        Call(Name("transformers.trainer_utils", "IntervalStrategy"), ()),
        Call(Name("transformers.trainer_utils", "IntervalStrategy"), ("A", {"B": 1})),
        Call(Name("transformers.trainer_utils", "IntervalStrategy"), ("x" * 1000,)),
        Call(Name("transformers.trainer_utils", "IntervalStrategy"), (New(Name("somebody", "Own")),)),
        Call(Name("somebody.enums", "Colour"), ("red",)),
    ],
    ids=range(6),
)
def test_any_other_call_with_a_text_is_code(call: Call) -> None:
    assert "code" in read(call)[1]


@pytest.mark.parametrize("name", [(module, name) for module, names in TRAINERS.items() for name in names], ids=".".join)
def test_a_trainers_settings_are_its_attributes(name: tuple[str, str]) -> None:
    strategy = Call(Name("transformers.trainer_utils", "IntervalStrategy"), ("steps",))
    found, levels = read(Built(New(Name(*name)), {"learning_rate": 5e-5, "logging_strategy": strategy}))
    assert levels == {"data"}
    assert found.value["learning_rate"] == 5e-5
    assert found.value["logging_strategy"].value == "steps"


def test_a_trainers_settings_hide_no_name_and_take_no_arguments() -> None:
    name = Name("transformers.training_args", "TrainingArguments")
    assert "code" in read(Built(New(name), {"a": Name("os", "system")}))[1]
    assert "code" in read(New(name, ("output",)))[1]
    assert "code" in read(Built(New(name), (None, {"a": 1})))[1]


def test_a_models_answer_is_a_dict() -> None:
    name = Name("transformers.modeling_outputs", "CausalLMOutput")
    found, levels = read(Built(items(Call(name, (None, (None, None))), {"a": 1}), {"loss": None}))
    assert (found, found.attributes, levels) == ({"a": 1}, {"loss": None}, {"data"})
    assert "code" in read(Call(name, ({"a": 1},)))[1]
    assert "code" in read(Call(name, (Name("os", "system"),)))[1]


# What Python 2 wrote


def test_python_2s_bytes_and_dates_are_read() -> None:
    moment = b"cdatetime\ndatetime\n(S'\\x07\\xe2\\x0b\\x0c\\r\\x0e\\x0f\\x00\\x00\\xc8'\ntR."
    assert walked(moment)[0].value == "2018-11-12T13:14:15.000200"
    ascii_only = b"cdatetime\ndate\n(S'\\x07d\\x01\\x02'\ntR."
    assert walked(ascii_only)[0].value == "1892-01-02"
    both = b"cdatetime\ndate\n(S'\\x07\\xc3\\xa4\\x02'\ntR."  # valid UTF-8, and no date at all
    assert {finding.level for finding in walked(both)[1].findings} == {"code"}
    ordered = b"ccollections\nOrderedDict\n((lp0\n(lp1\nS'a'\naI1\naatR."
    assert walked(ordered)[0] == {"a": 1}
    assert walked(b"c__builtin__\nset\n((lp0\nI1\natR.")[0] == {1}
    assert walked(b"c__builtin__\nxrange\n(I0\nI3\nI1\ntR.")[0].value == (0, 3, 1)
