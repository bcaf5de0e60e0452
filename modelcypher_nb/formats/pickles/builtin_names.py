"""Python's own plain values that a pickle has no opcode for and calls: sets, bytes, dicts, ranges, types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from .arguments import a_number, exactly, made_empty
from .trust import Trusted
from .values import Described, Global, LazyBytes, Opaque, PlainDict, Shell, UnfitError

if TYPE_CHECKING:
    from .context import Context

__all__ = ["NAMES", "Growing"]

# What a missing key of a defaultdict may be given: made without arguments, each is empty or zero.
FACTORIES = frozenset({
    "builtins.list", "builtins.dict", "builtins.int", "builtins.set", "builtins.float", "builtins.str", "builtins.bool",
    "builtins.tuple", "builtins.frozenset", "builtins.complex", "builtins.bytes", "collections.OrderedDict",
    "torch.amp.grad_scaler._refresh_per_optimizer_state", "torch.cuda.amp.grad_scaler._refresh_per_optimizer_state",
})  # fmt: skip
MOST_SAME_HASHES = 1000  # distinct members of one hash cost the square of their number
MOST_KEY_NESTING = 8
KEY_COST = 64  # for each member of a tuple that is hashed


class Growing(Shell):
    """A shell whose value is a list that grows as its file appends to it; of a bounded one the oldest items leave."""

    __slots__ = ("longest",)

    asks_parts: ClassVar[bool] = True

    def __init__(self, kind: str, value: list[Any], longest: int | None) -> None:
        super().__init__(kind, value)
        self.longest = longest
        self.extend([])

    def extend(self, items: list[Any]) -> None:
        """Append."""
        self.value.extend(items)
        if self.longest is not None and len(self.value) > self.longest:
            del self.value[: len(self.value) - self.longest]


# Bytes and texts


def _encode(context: Context, arguments: tuple[Any, ...]) -> bytes:
    """How protocols 0 to 2 write bytes; any other codec is somebody's own."""
    del context
    exactly(arguments, 2)
    text, codec = arguments
    if type(text) is not str or type(codec) is not str or codec not in {"latin1", "latin-1"}:
        raise UnfitError("encodes with another codec than latin1")
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError as error:
        raise UnfitError("encodes characters that are no bytes") from error


def _bytes(context: Context, arguments: tuple[Any, ...]) -> bytes | LazyBytes:
    del context
    exactly(arguments, 0, 1)
    if not arguments:
        return b""
    if type(arguments[0]) is bytes or type(arguments[0]) is LazyBytes:
        return arguments[0]
    raise UnfitError("is given what are no bytes")


def _bytearray(context: Context, arguments: tuple[Any, ...]) -> bytearray | LazyBytes:
    if len(arguments) == 2:
        return bytearray(_encode(context, arguments))
    data = _bytes(context, arguments)
    if isinstance(data, LazyBytes):
        return LazyBytes(data.source, data.offset, data.size, is_mutable=True)
    return bytearray(data)


# Collections


def _members(context: Context, items: Any) -> list[Any]:
    if type(items) not in {list, tuple}:
        raise UnfitError("is given members that are no list")
    for item in items:
        _prove_hashable(context, item, 0)
    if len({hash(item) for item in items}) + MOST_SAME_HASHES < len(items):
        raise UnfitError("is given members whose hashes collide")
    return list(items)


def _prove_hashable(context: Context, item: Any, nesting: int) -> None:
    if type(item) is tuple and nesting < MOST_KEY_NESTING:
        context.spend(KEY_COST * len(item))  # tuples of one tuple of one tuple stand for endless ones
        for one in item:
            _prove_hashable(context, one, nesting + 1)
        return
    plain = item is None or type(item) in {str, bytes, bool, int, float, complex, frozenset}
    if not plain and (type(item) is Opaque or not isinstance(item, Described) or item.asks_parts):
        raise UnfitError("is given a member whose hash would run code")


def _set(context: Context, arguments: tuple[Any, ...]) -> set[Any]:
    exactly(arguments, 0, 1)
    return set(_members(context, arguments[0])) if arguments else set()


def _frozenset(context: Context, arguments: tuple[Any, ...]) -> frozenset[Any]:
    exactly(arguments, 0, 1)
    return frozenset(_members(context, arguments[0])) if arguments else frozenset()


def _list(context: Context, arguments: tuple[Any, ...]) -> list[Any]:
    del context
    exactly(arguments, 0, 1)
    if arguments and type(arguments[0]) not in {list, tuple}:
        raise UnfitError("is given what is no list")
    return list(arguments[0]) if arguments else []


def _tuple(context: Context, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(_list(context, arguments))


def _is_bare_dict(value: Any) -> bool:
    """Whether a dict is copied without asking it: an attribute `keys` of its own would be called."""
    return type(value) is dict or (
        type(value) is PlainDict and not value.attributes and value.kind.startswith("collections.")
    )


def _dict(context: Context, arguments: tuple[Any, ...]) -> dict[Any, Any]:
    del context
    exactly(arguments, 0, 1)
    if arguments and not _is_bare_dict(arguments[0]):
        raise UnfitError("is given what is no dict")
    return dict(arguments[0]) if arguments else {}


def _ordered_dict(context: Context, arguments: tuple[Any, ...]) -> PlainDict:
    """Python 2 gave it a list of pairs; since then the pairs follow."""
    exactly(arguments, 0, 1)
    content = arguments[0] if arguments else ()
    if type(content) in {list, tuple}:
        if not all(type(pair) in {list, tuple} and len(pair) == 2 for pair in content):
            raise UnfitError("is given items that are no pairs")
        _members(context, [pair[0] for pair in content])
    elif not _is_bare_dict(content):
        raise UnfitError("is given what are no items")
    return PlainDict("collections.OrderedDict", content)


def _default_dict(context: Context, arguments: tuple[Any, ...]) -> PlainDict:
    del context
    exactly(arguments, 0, 1, 2)
    factory = arguments[0] if arguments else None
    if factory is not None and (type(factory) is not Global or factory.text not in FACTORIES):
        raise UnfitError("would call what isn't a plain type for each missing key")
    content = arguments[1] if len(arguments) == 2 else {}
    if not _is_bare_dict(content):
        raise UnfitError("is given what is no dict")
    return PlainDict("collections.defaultdict", content)


def _counter(context: Context, arguments: tuple[Any, ...]) -> PlainDict:
    return PlainDict("collections.Counter", _dict(context, arguments))


def _deque(context: Context, arguments: tuple[Any, ...]) -> Growing:
    del context
    exactly(arguments, 0, 1, 2)
    content = arguments[0] if arguments else ()
    if type(content) not in {list, tuple}:
        raise UnfitError("is given what is no list")
    longest = arguments[1] if len(arguments) == 2 else None
    if longest is not None:
        a_number(longest, "length", 0)
    return Growing("collections.deque", list(content), longest)


# Others


def _complex(context: Context, arguments: tuple[Any, ...]) -> complex:
    del context
    exactly(arguments, 2)
    if not all(type(one) is float for one in arguments):
        raise UnfitError("is given parts that are no numbers")
    return complex(*arguments)


def _range(context: Context, arguments: tuple[Any, ...]) -> Shell:
    del context
    exactly(arguments, 3)
    if not all(type(one) is int for one in arguments) or arguments[2] == 0:
        raise UnfitError("is given bounds that are no numbers")
    return Shell("range", arguments)


def _slice(context: Context, arguments: tuple[Any, ...]) -> Shell:
    del context
    exactly(arguments, 3)
    if not all(one is None or type(one) is int for one in arguments):
        raise UnfitError("is given bounds that are no numbers")
    return Shell("slice", arguments)


def _type(context: Context, arguments: tuple[Any, ...]) -> Shell:
    """With three arguments it makes a class; with one it tells the class of a value, and None's has no name."""
    del context
    exactly(arguments, 1)
    only = arguments[0]
    if only is None:
        return Shell("type", "NoneType")
    if type(only) is Global and only.text in {"builtins.Ellipsis", "builtins.NotImplemented"}:
        return Shell("type", f"{only.name}Type" if only.name == "NotImplemented" else "ellipsis")
    raise UnfitError("asks for the class of something")


_PLAIN = "a plain value of Python's"
NAMES: dict[tuple[str, str], Trusted] = {
    ("_codecs", "encode"): Trusted("how older protocols write bytes", _encode),
    ("builtins", "bytes"): Trusted(_PLAIN, _bytes, is_value=True),
    ("builtins", "bytearray"): Trusted(_PLAIN, _bytearray, is_value=True),
    ("builtins", "set"): Trusted(_PLAIN, _set, is_value=True),
    ("builtins", "frozenset"): Trusted(_PLAIN, _frozenset, is_value=True),
    ("builtins", "list"): Trusted(_PLAIN, _list, is_value=True),
    ("builtins", "tuple"): Trusted(_PLAIN, _tuple, is_value=True),
    ("builtins", "dict"): Trusted(_PLAIN, _dict, is_value=True),
    ("builtins", "complex"): Trusted(_PLAIN, _complex, is_value=True),
    ("builtins", "range"): Trusted("two bounds and a step", _range, is_value=True, level="data"),
    ("builtins", "slice"): Trusted("two bounds and a step", _slice, is_value=True, level="data"),
    ("builtins", "type"): Trusted("the class of None, as a value only", _type, is_value=True, level="data"),
    ("builtins", "object"): Trusted(
        "an object without content", made_empty(lambda: Shell("object")), is_value=True, level="data"
    ),
    ("collections", "OrderedDict"): Trusted("a dict", _ordered_dict, is_value=True),
    ("collections", "defaultdict"): Trusted("a dict", _default_dict, is_value=True, level="data"),
    ("collections", "Counter"): Trusted("a dict of counts", _counter, is_value=True, level="data"),
    ("collections", "deque"): Trusted("a list", _deque, is_value=True, level="data"),
    **{("builtins", name): Trusted("a plain type, as a value only", is_value=True)
       for name in ("bool", "int", "float", "str", "Ellipsis", "NotImplemented")},
}  # fmt: skip
