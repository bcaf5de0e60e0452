"""Configurations that checkpoints carry: dicts whose keys are attributes too, and OmegaConf's nodes, as data.

Source: the pickles that lightning 2.6, omegaconf 2.0 to 2.4, yacs, easydict, munch, addict and box write.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from .arguments import a_state, exactly, inert_attributes, made_empty
from .trust import Reading, Trusted
from .values import Global, PlainDict, Shell, UnfitError

if TYPE_CHECKING:
    from .context import Context

__all__ = ["NAMES", "Node"]

# Subclasses of dict that set an attribute for each key, or give each key as an attribute, and do nothing else.
ATTRIBUTE_DICTS = (
    "lightning.fabric.utilities.data.AttributeDict", "lightning_fabric.utilities.data.AttributeDict",
    "lightning.pytorch.utilities.parsing.AttributeDict", "pytorch_lightning.utilities.parsing.AttributeDict",
    "yacs.config.CfgNode", "easydict.EasyDict", "munch.Munch", "addict.addict.Dict",
)  # fmt: skip
CONTAINERS = (
    "omegaconf.dictconfig.DictConfig", "omegaconf.listconfig.ListConfig", "omegaconf.tupleconfig.TupleConfig",
    "omegaconf.base.UnionNode",
)  # fmt: skip
NODES = tuple(
    f"omegaconf.nodes.{name}Node"
    for name in ("Any", "None", "String", "Path", "Integer", "Bytes", "Float", "Boolean", "Enum", "Literal")
)
METADATA = ("omegaconf.base.Metadata", "omegaconf.base.ContainerMetadata")
TYPED = frozenset({"ref_type", "object_type", "key_type", "element_type"})
METADATA_KEYS = TYPED | {"optional", "key", "flags", "flags_root", "resolver_cache"}
# What a node keeps beside its content: where it hangs, and what some kinds of nodes may hold.
NODE_KEYS = frozenset(
    {"_metadata", "_parent", "_content", "_val", "_flags_cache", "enum_type", "literal_type", "fields"}
)
BOX = "box.box.Box"
TYPING = ("Any", "Dict", "List", "Tuple", "Union", "Optional", "Literal")


class Node(Shell):
    """One of OmegaConf's values; its value is what it holds.

    Attributes:
        rest: where it hangs in the configuration, its type and its flags.
    """

    __slots__ = ("rest",)

    asks_parts: ClassVar[bool] = True

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.rest: dict[str, Any] = {}

    def parts(self) -> tuple[Any, ...]:
        """What it holds, and what is told about it."""
        return (self.value, self.rest)

    def build(self, state: Any) -> None:
        """Take the content and the metadata that OmegaConf writes."""
        state = dict(a_state(state))
        if self.rest or not set(state) <= NODE_KEYS or type(state.get("_metadata")) is not Facts:
            raise UnfitError("is given a state that isn't OmegaConf's")
        self.value = state.pop("_content", state.pop("_val", None))
        self.rest = state


class Facts(Shell):
    """What OmegaConf knows of a value: types, flags, its key."""

    __slots__ = ()

    asks_parts: ClassVar[bool] = True

    def build(self, state: Any) -> None:
        """Take the types and flags that OmegaConf writes."""
        state = a_state(state)
        if (
            self.value is not None
            or not set(state) <= METADATA_KEYS
            or not all(_is_type(state.get(key)) for key in TYPED)
        ):
            raise UnfitError("is given a state that isn't OmegaConf's")
        if type(state.get("flags", {})) not in {dict, type(None)} or type(state.get("resolver_cache", {})) not in {
            dict, PlainDict,
        }:  # fmt: skip
            raise UnfitError("is given a state that isn't OmegaConf's")
        self.value = state


class Box(Shell):
    """python-box's dict; its settings name the class that it makes of dicts within, so they come last, and proven."""

    __slots__ = ("settings",)

    asks_parts: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__(BOX, {})
        self.settings: dict[str, Any] | None = None

    def parts(self) -> tuple[Any, ...]:
        """Its items and its settings."""
        return (self.value, self.settings)

    def set_items(self, pairs: list[tuple[Any, Any]]) -> None:
        """Take items."""
        if self.settings is not None:
            raise UnfitError("is given items after its settings")
        self.value.update(pairs)

    def build(self, state: Any) -> None:
        """Take the settings."""
        settings = a_state(a_state(state).get("_box_config"))
        made = settings.get("box_class")
        if set(state) != {"_box_config"} or not (made is None or (type(made) is Global and made.text == BOX)):
            raise UnfitError("is given settings that aren't a box's")
        self.settings = settings


def _is_type(value: Any) -> bool:
    return value is None or type(value) is Global or (type(value) is Shell and value.kind in {"type", "typing"})


def _node_of(kind: str) -> Reading:
    return made_empty(lambda: Node(kind))


def _facts_of(kind: str) -> Reading:
    return made_empty(lambda: Facts(kind))


def _attribute_dict_of(kind: str) -> Reading:
    def read(context: Context, arguments: tuple[Any, ...]) -> PlainDict:
        """Items follow; addict alone gives them as pairs at once, and then once more."""
        del context
        pairs = [pair for pair in arguments if type(pair) is tuple and len(pair) == 2 and type(pair[0]) is str]
        if len(pairs) != len(arguments) or (pairs and kind != "addict.addict.Dict"):
            raise UnfitError("is given arguments that its library never writes")
        inert_attributes(pairs)
        return PlainDict(kind, pairs)

    return read


def _generic(context: Context, arguments: tuple[Any, ...]) -> Shell:
    """A type with parameters, such as `Dict[str, Any]`: an item of one of typing's own names."""
    del context
    exactly(arguments, 2)
    of, parameters = arguments
    if type(of) is not Global or of.module != "typing" or of.name not in TYPING:
        raise UnfitError("takes an item of something")
    inner = parameters if type(parameters) is tuple else (parameters,)
    if not all(_is_type(one) for one in inner):
        raise UnfitError("takes an item by what is no type")
    return Shell("typing", (of, *inner))


def _table(names: tuple[str, ...], reason: str, reading: Any) -> dict[tuple[str, str], Trusted]:
    return {
        (name.rpartition(".")[0], name.rpartition(".")[2]): Trusted(reason, reading(name), level="data")
        for name in names
    }


NAMES: dict[tuple[str, str], Trusted] = {
    **{
        key: Trusted(trusted.reason, trusted.call, is_value=True, level="data")
        for key, trusted in _table(ATTRIBUTE_DICTS, "a dict with attributes", _attribute_dict_of).items()
    },
    ("box.box", "Box"): Trusted("a dict with attributes", made_empty(Box), is_value=True, level="data"),
    **_table((*CONTAINERS, *NODES), "a configuration's value", _node_of),
    **_table(METADATA, "what is told about a configuration's value", _facts_of),
    **{("typing", name): Trusted("a type, as a value only", is_value=True) for name in TYPING},
    ("operator", "getitem"): Trusted("a type with parameters", _generic, level="data"),
    ("_operator", "getitem"): Trusted("a type with parameters", _generic, level="data"),
}
