"""Which values a template's expressions can have, whatever conversation it is given."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .bindings import EVERY_ATTRIBUTE, HEAP, LOOPED, Bindings, constant_text, method_of
from .names import (
    CALLABLES,
    LOOP_NUMBERS,
    METHODS,
    MUTATORS,
    NUMBER_FILTERS,
    NUMBER_METHODS,
    SELECTING_FILTERS,
    SELECTING_METHODS,
    SHORTENING_METHODS,
)
from .values import (
    ANY,
    BUILT,
    INPUT,
    NOTHING,
    NUMBER,
    SAFE,
    Value,
    built,
    concatenated,
    cut,
    element,
    joined,
    texts_of,
)

if TYPE_CHECKING:
    from jinja2 import nodes

__all__ = ["Flow"]

# Methods that can make an underscore out of numbers or other characters.
CONJURING_METHODS = frozenset({"translate", "format", "format_map", "decode"})


class Flow(Bindings):
    """The values of one template, found by going over its bindings until nothing is added any more.

    Order and conditions are left out: a name may have every value that is ever bound to it.
    """

    def __init__(self, tree: nodes.Template) -> None:
        super().__init__(tree)
        self._memo: dict[int, Value] = {}
        self._solve()

    def value(self, node: nodes.Node | None) -> Value:
        """What an expression can be."""
        if node is None:
            return NOTHING
        known = self._memo.get(id(node))
        if known is None:
            self._spend(1)
            read = getattr(self, f"_read_{type(node).__name__.lower()}", None)
            known = self._memo[id(node)] = ANY if read is None else read(node)
        return known

    def _solve(self) -> None:
        changed = True
        while changed:
            changed = False
            self._memo.clear()
            for key, source in self._bindings:
                before = self._values.get(key, NOTHING)
                after = joined((before, source()))
                if after != before:
                    self._values[key] = after
                    changed = True
        self._memo.clear()

    def _attribute(self, names: frozenset[str] | set[str]) -> Value:
        return joined(self._kept(("attribute", name)) for name in names)

    def _read_name(self, node: Any) -> Value:
        place = self._place(node)
        if place is not None:
            return joined((self._kept(place), Value(INPUT)))  # it may be asked for before it is set
        if node.name in CALLABLES or node.name in self.macros or node.name in {"lipsum", "self"}:
            return ANY  # the text of a function holds its name
        return joined((Value(INPUT), self._kept(HEAP)))

    def _read_const(self, node: Any) -> Value:
        return texts_of(node.value) if isinstance(node.value, str) else Value(NUMBER)

    def _read_templatedata(self, node: Any) -> Value:
        return texts_of(node.data)

    def _read_list(self, node: Any) -> Value:
        return joined([self._kept(HEAP), *(self.value(item) for item in node.items)])

    _read_tuple = _read_list

    def _read_dict(self, node: Any) -> Value:
        """Its keys lie open, as a loop over it gives them; its values lie within where their keys are known."""
        parts = [self._kept(HEAP)]
        for pair in node.items:
            value = self.value(pair.value)
            parts += [self.value(pair.key), value.hidden() if constant_text(pair.key) is not None else value]
        return joined(parts)

    def _read_number(self, _: Any) -> Value:
        return Value(NUMBER)

    _read_compare = _read_test = _read_not = _read_neg = _read_pos = _read_sub = _read_div = _read_number
    _read_floordiv = _read_pow = _read_number

    def _read_either(self, node: Any) -> Value:
        return joined((self.value(node.left), self.value(node.right)))

    _read_and = _read_or = _read_either

    def _read_condexpr(self, node: Any) -> Value:
        return joined((self.value(node.expr1), self.value(node.expr2)))

    def _read_concat(self, node: Any) -> Value:
        return concatenated([self.value(part) for part in node.nodes])

    def _read_add(self, node: Any) -> Value:
        parts = [self.value(node.left), self.value(node.right)]
        if any(type(side).__name__ in {"List", "Tuple"} for side in (node.left, node.right)):
            return joined(parts)
        if any(part.within != NOTHING.within for part in parts):  # lists of messages, or a text beside them
            return joined([*parts, built(Value(part.kinds, part.texts) for part in parts)])
        if any(part.kinds == NUMBER and not part.texts for part in parts):
            return Value(NUMBER)
        return concatenated(parts)

    def _read_mul(self, node: Any) -> Value:
        return built([self.value(node.left), self.value(node.right)])

    def _read_mod(self, node: Any) -> Value:
        left = self.value(node.left)
        if left.kinds == NUMBER and not left.texts:
            return left
        return _formatted(left, self.value(node.right))

    def _read_getattr(self, node: Any) -> Value:
        is_loop = type(node.node).__name__ == "Name" and node.node.name == "loop" and not self.is_bound(node.node)
        base, kept = NOTHING if is_loop else self.value(node.node), self._attribute({node.attr})
        if node.attr in LOOP_NUMBERS:
            return joined((Value(NUMBER), kept))
        if node.attr in {"previtem", "nextitem"}:
            kept = joined((kept, self._kept(LOOPED)))
        if node.attr in METHODS and "_" in node.attr:
            return ANY
        return joined((base, kept))

    def _read_getitem(self, node: Any) -> Value:
        base = self.value(node.node)
        if type(node.arg).__name__ == "Slice":
            return _part(node.node, base, _slicer(node.arg))
        key = self.value(node.arg)
        if key == Value(NUMBER):
            return cut(base, _picker(node.arg)) if type(node.node).__name__ == "Const" else element(base)
        name = constant_text(node.arg)
        if name is not None:
            return joined((base, self._attribute({name})))
        return joined((base.revealed(), self._kept(EVERY_ATTRIBUTE)))

    def _read_call(self, node: Any) -> Value:
        method = method_of(node.node)
        if method is not None:
            return self._read_method(node, *method)
        if type(node.node).__name__ == "Name" and node.node.name not in self.macros:
            return self._read_global(node, node.node.name)
        return ANY

    def _read_global(self, node: Any, name: str) -> Value:
        arguments = [self.value(argument) for argument in self._arguments(node)]
        if name == "range":
            return Value(NUMBER)
        if name == "dict":
            keys = texts_of(*(keyword.key for keyword in node.kwargs))
            return joined([keys, *arguments, *(argument.hidden() for argument in arguments)])
        if name == "namespace":
            return joined([Value(INPUT), *(self.value(argument) for argument in node.args)])
        if name in {"cycler", "joiner"}:
            return joined(arguments)
        return built(arguments) if name == "strftime_now" else ANY

    def _read_method(self, node: Any, owner: Any, name: str) -> Value:
        base = self.value(owner)
        arguments = [self.value(argument) for argument in self._arguments(node)]
        if name in NUMBER_METHODS or (name in MUTATORS and name not in SELECTING_METHODS):
            return Value(NUMBER)
        if name in SELECTING_METHODS:
            return self._selected(node, name, base, arguments)
        if name in SHORTENING_METHODS:
            return built([base])
        if name in CONJURING_METHODS and (base.texts or base.kinds & BUILT):
            return ANY
        return built([base, *arguments])

    def _selected(self, node: Any, name: str, base: Value, arguments: list[Value]) -> Value:
        if name in {"keys", "copy", "next"}:
            return base
        if name in {"get", "pop", "setdefault"} and node.args:
            key = constant_text(node.args[0])
            found = base.revealed() if key is None else joined((base, self._attribute({key})))
            return joined([found, *arguments[1:]])
        return joined([base.revealed(), *arguments])

    def _read_filter(self, node: Any) -> Value:
        return self._filtered(node.name, self.value(node.node), node)

    def _filtered(self, name: str, base: Value, node: Any) -> Value:
        arguments = [self.value(argument) for argument in self._arguments(node)]
        if name in {"attr", "map"}:
            return self._mapped(name, base, node, arguments)
        if name == "from_json":  # an escape in it can be an underscore
            return ANY if base.texts or base.kinds & (BUILT | SAFE) else base
        if name in NUMBER_FILTERS:
            return Value(NUMBER)
        if name in SELECTING_FILTERS:
            return _chosen(name, base, arguments)
        if name in {"reverse", "safe"}:
            return base if name == "safe" else _part(node.node, base, lambda text: text[::-1])
        return _formatted(base, joined(arguments)) if name == "format" else built([base, *arguments])

    def _mapped(self, name: str, base: Value, node: Any, arguments: list[Value]) -> Value:
        inner = constant_text(node.args[0]) if node.args else None
        if name == "map" and inner is not None:
            return joined((base, built([base.revealed(), *arguments[1:]])))
        names = joined(arguments).texts
        return joined((base.revealed(), self._attribute({part for text in names for part in text.split(".")})))


def _part(whole: Any, value: Value, part: Callable[[str], str] | None) -> Value:
    """A part of a text, or of a list, whose items stay whole."""
    less = cut(value, part)
    return less if type(whole).__name__ == "Const" else joined((value, less))


def _chosen(name: str, base: Value, arguments: list[Value]) -> Value:
    """What a filter gives that picks some of what it is given."""
    if name in {"items", "dictsort"}:
        return base.revealed()
    if name in {"d", "default"}:
        return joined([base, *arguments])
    return joined([element(base), *(arguments if name in {"batch", "slice"} else ())])


def _formatted(template: Value, arguments: Value) -> Value:
    """What `%` makes of a text; a character by its number can be an underscore from nowhere."""
    if any("c" in text or "*" in text for text in template.texts):
        return ANY
    value = built([template, arguments])
    known = template.texts and template.kinds == 0 and all(text[:1] not in {"", "%", "_"} for text in template.texts)
    return concatenated([template, ANY]) if known and value.kinds == BUILT else value


def _number(node: Any) -> int | None:
    """The constant number of an index, with its sign."""
    if type(node).__name__ == "Neg":
        value = _number(node.node)
        return None if value is None else -value
    value = getattr(node, "value", None) if type(node).__name__ == "Const" else None
    return value if type(value) is int else None


def _slicer(node: Any) -> Callable[[str], str] | None:
    bounds = [_number(part) for part in (node.start, node.stop, node.step)]
    given = [part for part in (node.start, node.stop, node.step) if part is not None]
    if sum(bound is not None for bound in bounds) != len(given) or bounds[2] == 0:
        return None
    return lambda text: text[slice(*bounds)]


def _picker(node: Any) -> Callable[[str], str] | None:
    index = _number(node)
    return None if index is None else lambda text: text[index : index + 1 or None]
