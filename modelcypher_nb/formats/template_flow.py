"""Which values a template's names and expressions can have, whatever conversation it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from .template_names import (
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
from .template_values import (
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

__all__ = ["Flow", "TooComplexError", "constant_text", "method_of"]

MOST_STEPS = 400_000  # about a second; a real template takes some thousand

# Where a value may be kept: a scope's name, an attribute's name, or what was put into any list.
Key = tuple[Any, ...]
HEAP: Key = ("heap",)
EVERY_ATTRIBUTE: Key = ("attribute",)

# Methods that can make an underscore out of numbers or other characters.
CONJURING_METHODS = frozenset({"translate", "format", "format_map", "decode"})


class TooComplexError(Exception):
    """A template that takes more steps to judge than any real one."""


def constant_text(node: nodes.Node | None) -> str | None:
    """The text of a constant."""
    value = getattr(node, "value", None) if type(node).__name__ == "Const" else None
    return value if isinstance(value, str) else None


def method_of(callee: nodes.Node) -> tuple[nodes.Node, str] | None:
    """The object and the constant name, where a call is that of a method, however it is spelled."""
    kind, fields = type(callee).__name__, callee
    if kind == "Getattr":
        return fields.node, fields.attr  # type: ignore[attr-defined]
    name = None
    if kind == "Getitem":
        name = constant_text(fields.arg)  # type: ignore[attr-defined]
    elif kind == "Filter" and fields.name == "attr" and fields.args:  # type: ignore[attr-defined]
        name = constant_text(fields.args[0])  # type: ignore[attr-defined]
    return (fields.node, name) if name is not None else None  # type: ignore[attr-defined]


class Flow:
    """The values of one template, found by going over its bindings until nothing is added any more.

    Order and conditions are left out: a name may have every value that is ever bound to it.

    Attributes:
        nodes: every node of the tree, in the order of the text.
        macros: the names of its macros.
    """

    def __init__(self, tree: nodes.Template) -> None:
        self.nodes: list[nodes.Node] = []
        self.macros: set[str] = set()
        self._bindings: list[tuple[Key, Callable[[], Value]]] = []
        self._values: dict[Key, Value] = {}
        self._scopes: dict[int, tuple[int, ...]] = {}
        self._macros_by_name: dict[str, list[tuple[Any, tuple[int, ...]]]] = {}
        self._loops: list[Any] = []
        self._memo: dict[int, Value] = {}
        self._steps = 0
        self._walk(tree)
        for node in self.nodes:
            binder = getattr(self, f"_bind_{type(node).__name__.lower()}", None)
            if binder is not None:
                binder(node)
        self._bound = {key for key, _ in self._bindings}
        self._solve()

    def is_bound(self, name: nodes.Node) -> bool:
        """Whether the template itself gives a name a value other than by a macro."""
        return self._place(name) is not None

    def value(self, node: nodes.Node | None) -> Value:
        """What an expression can be."""
        if node is None:
            return NOTHING
        known = self._memo.get(id(node))
        if known is None:
            self._steps += 1
            if self._steps > MOST_STEPS:
                raise TooComplexError
            read = getattr(self, f"_read_{type(node).__name__.lower()}", None)
            known = self._memo[id(node)] = ANY if read is None else read(node)
        return known

    def _walk(self, tree: nodes.Node) -> None:
        """Number every node and the macros it stands in; a stack, because a stranger chooses the depth."""
        todo: list[tuple[Any, tuple[int, ...]]] = [(tree, ())]
        while todo:
            node, scopes = todo.pop()
            self.nodes.append(node)
            kind = type(node).__name__
            if kind in {"Macro", "CallBlock"}:
                if kind == "Macro":
                    self.macros.add(node.name)
                self._macros_by_name.setdefault(getattr(node, "name", "caller"), []).append((node, (*scopes, id(node))))
                scopes = (*scopes, id(node))
            if kind in {"For", "Name"}:
                self._scopes[id(node)] = scopes
            if kind == "For":
                self._loops.append(node)
            todo.extend((child, scopes) for child in reversed(list(node.iter_child_nodes())))

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

    # What gives a name a value.

    def _bind(self, target: Any, source: Callable[[], Value]) -> None:
        kind = type(target).__name__
        if kind == "Name":
            self._bindings.append((("name", self._scopes[id(target)][-1:], target.name), source))
        elif kind == "NSRef":
            self._bind_attribute(target.attr, source)
        else:
            for item in getattr(target, "items", ()):
                self._bind(item, source)

    def _bind_attribute(self, name: str, source: Callable[[], Value]) -> None:
        self._bindings.append((("attribute", name), source))
        self._bindings.append((EVERY_ATTRIBUTE, source))

    def _bind_assign(self, node: Any) -> None:
        self._bind(node.target, partial(self.value, node.node))

    def _bind_assignblock(self, node: Any) -> None:
        parts = [part for output in node.body for part in getattr(output, "nodes", [output])]
        constant = all(type(part).__name__ == "TemplateData" for part in parts) and node.filter is None
        value = texts_of("".join(part.data for part in parts)) if constant else ANY
        self._bind(node.target, lambda: value)

    def _bind_for(self, node: Any) -> None:
        self._bind(node.target, partial(self.value, node.iter))

    def _bind_with(self, node: Any) -> None:
        for target, value in zip(node.targets, node.values, strict=True):
            self._bind(target, partial(self.value, value))

    def _bind_macro(self, node: Any) -> None:
        for parameter, default in zip(reversed(node.args), reversed(node.defaults), strict=False):
            self._bind(parameter, partial(self.value, default))

    _bind_callblock = _bind_macro

    def _bind_dict(self, node: Any) -> None:
        for pair in node.items:
            name = constant_text(pair.key)
            if name is not None:
                self._bind_attribute(name, partial(self.value, pair.value))

    def _bind_call(self, node: Any) -> None:
        method = method_of(node.node)
        if type(node.node).__name__ == "Name":
            for macro, scopes in self._macros_by_name.get(node.node.name, ()):
                self._bind_parameters(node, macro, scopes)
            if node.node.name == "loop":
                for loop in self._loops:
                    self._bind(loop.target, partial(self._all_arguments, node))
        for keyword in node.kwargs:
            self._bind_attribute(keyword.key, partial(self.value, keyword.value))
        if method is not None and method[1] in MUTATORS:
            self._bindings.append((HEAP, partial(self._all_arguments, node)))

    def _bind_parameters(self, call: Any, macro: Any, scopes: tuple[int, ...]) -> None:
        for parameter, argument in zip(macro.args, call.args, strict=False):
            self._bind(parameter, partial(self.value, argument))
        by_name = {parameter.name: parameter for parameter in macro.args}
        for keyword in call.kwargs:
            if keyword.key in by_name:
                self._bind(by_name[keyword.key], partial(self.value, keyword.value))
        if call.dyn_args is not None or call.dyn_kwargs is not None:
            for parameter in macro.args:
                self._bind(parameter, lambda: self._all_arguments(call).revealed())
        names = texts_of(*(keyword.key for keyword in call.kwargs))
        for name in ("varargs", "kwargs"):
            self._bindings.append((("name", scopes[-1:], name), lambda: joined((names, self._all_arguments(call)))))

    def _all_arguments(self, node: Any) -> Value:
        return joined(self.value(argument) for argument in self._arguments(node))

    @staticmethod
    def _arguments(node: Any) -> Iterator[Any]:
        yield from node.args
        yield from (keyword.value for keyword in node.kwargs)
        yield from (part for part in (node.dyn_args, node.dyn_kwargs) if part is not None)

    # What an expression gives.

    def _place(self, name: Any) -> Key | None:
        scopes = self._scopes.get(id(name), ())
        for depth in range(len(scopes), -1, -1):
            key: Key = ("name", scopes[:depth][-1:], name.name)
            if key in self._bound:
                return key
        return None

    def _kept(self, key: Key) -> Value:
        return self._values.get(key, NOTHING)

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
        if any(part.within != NOTHING.within for part in parts):
            return joined(parts)  # lists of messages
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
        base, kept = self.value(node.node), self._attribute({node.attr})
        if node.attr in LOOP_NUMBERS:
            return joined((Value(NUMBER), kept))
        if node.attr in {"previtem", "nextitem"}:
            kept = joined([kept, *(self.value(loop.iter) for loop in self._loops)])
        if node.attr in METHODS and "_" in node.attr:
            return ANY
        return joined((base, kept))

    def _read_getitem(self, node: Any) -> Value:
        base = self.value(node.node)
        if type(node.arg).__name__ == "Slice":
            return cut(base, _slicer(node.arg))
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
            return base if name == "safe" else cut(base, lambda text: text[::-1])
        return _formatted(base, joined(arguments)) if name == "format" else built([base, *arguments])

    def _mapped(self, name: str, base: Value, node: Any, arguments: list[Value]) -> Value:
        inner = constant_text(node.args[0]) if node.args else None
        if name == "map" and inner is not None:
            return joined((base, built([base.revealed(), *arguments[1:]])))
        names = joined(arguments).texts
        return joined((base.revealed(), self._attribute({part for text in names for part in text.split(".")})))


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
