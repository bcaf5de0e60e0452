"""What gives the names and attributes of a template their values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from .names import MUTATORS
from .values import ANY, NOTHING, Value, joined, texts_of

if TYPE_CHECKING:
    from jinja2 import nodes

__all__ = ["EVERY_ATTRIBUTE", "HEAP", "LOOPED", "Bindings", "Key", "TooComplexError", "constant_text", "method_of"]

MOST_STEPS = 400_000  # about a second; a real template takes some thousand
MOST_BINDINGS = 100_000

# Where a value may be kept: a scope's name, an attribute's name, or one of these.
Key = tuple[Any, ...]
HEAP: Key = ("heap",)  # what is put into any list or dict
EVERY_ATTRIBUTE: Key = ("attribute",)
LOOPED: Key = ("looped",)  # what any loop goes over
RECURSED: Key = ("recursed",)  # what any loop is called with


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


def _is_joiner(node: Any) -> bool:
    return type(node).__name__ == "Call" and type(node.node).__name__ == "Name" and node.node.name == "joiner"


class Bindings:
    """The bindings of one template, found by one walk over its tree.

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
        self._joiners: set[Key] = set()
        self._others: set[Key] = set()
        self._steps = 0
        self._walk(tree)
        for node in self.nodes:
            binder = getattr(self, f"_bind_{type(node).__name__.lower()}", None)
            if binder is not None:
                binder(node)
        self._bound = {key for key, _ in self._bindings}

    def value(self, node: nodes.Node | None) -> Value:
        """What an expression can be."""
        raise NotImplementedError

    def is_bound(self, name: nodes.Node) -> bool:
        """Whether the template itself gives a name a value other than by a macro."""
        return self._place(name) is not None

    def is_joiner(self, name: nodes.Node) -> bool:
        """Whether a name is never given anything but one of Jinja's joiners, which are there to be called."""
        place = self._place(name)
        return place in self._joiners and place not in self._others

    def _spend(self, steps: int) -> None:
        self._steps += steps
        if self._steps > MOST_STEPS or len(self._bindings) > MOST_BINDINGS:
            raise TooComplexError

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
            if kind == "Name":
                self._scopes[id(node)] = scopes
            todo.extend((child, scopes) for child in reversed(list(node.iter_child_nodes())))

    def _place(self, name: Any) -> Key | None:
        """Where the value of a name is kept: in the innermost macro that binds it, else outside of all."""
        scopes = self._scopes.get(id(name), ())
        for depth in range(len(scopes), -1, -1):
            key: Key = ("name", scopes[:depth][-1:], name.name)
            if key in self._bound:
                return key
        return None

    def _kept(self, key: Key) -> Value:
        return self._values.get(key, NOTHING)

    def _add(self, key: Key, source: Callable[[], Value], *, joiner: bool = False) -> None:
        self._spend(1)
        self._bindings.append((key, source))
        (self._joiners if joiner else self._others).add(key)

    def _bind(self, target: Any, source: Callable[[], Value]) -> None:
        kind = type(target).__name__
        if kind == "Name":
            self._add(("name", self._scopes[id(target)][-1:], target.name), source)
        elif kind == "NSRef":
            self._bind_attribute(target.attr, source)
        else:
            for item in getattr(target, "items", ()):
                self._bind(item, source)

    def _bind_attribute(self, name: str, source: Callable[[], Value]) -> None:
        self._add(("attribute", name), source)
        self._add(EVERY_ATTRIBUTE, source)

    def _bind_assign(self, node: Any) -> None:
        source = partial(self.value, node.node)
        if type(node.target).__name__ == "Name" and _is_joiner(node.node):
            self._add(("name", self._scopes[id(node.target)][-1:], node.target.name), source, joiner=True)
        else:
            self._bind(node.target, source)

    def _bind_assignblock(self, node: Any) -> None:
        parts = [part for output in node.body for part in getattr(output, "nodes", [output])]
        constant = all(type(part).__name__ == "TemplateData" for part in parts) and node.filter is None
        value = texts_of("".join(part.data for part in parts)) if constant else ANY
        self._bind(node.target, lambda: value)

    def _bind_for(self, node: Any) -> None:
        self._bind(node.target, lambda: joined((self.value(node.iter), self._kept(RECURSED))))
        self._add(LOOPED, partial(self.value, node.iter))

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
                self._add(RECURSED, partial(self._all_arguments, node))
        for keyword in node.kwargs:
            self._bind_attribute(keyword.key, partial(self.value, keyword.value))
        if method is not None and method[1] in MUTATORS:
            self._add(HEAP, partial(self._all_arguments, node))

    def _bind_parameters(self, call: Any, macro: Any, scopes: tuple[int, ...]) -> None:
        self._spend(len(macro.args) + len(call.args) + len(call.kwargs))
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
            self._add(("name", scopes[-1:], name), lambda: joined((names, self._all_arguments(call))))

    def _all_arguments(self, node: Any) -> Value:
        return joined(self.value(argument) for argument in self._arguments(node))

    @staticmethod
    def _arguments(node: Any) -> Iterator[Any]:
        yield from node.args
        yield from (keyword.value for keyword in node.kwargs)
        yield from (part for part in (node.dyn_args, node.dyn_kwargs) if part is not None)
