"""What a parsed template reaches for beyond the data of a chat."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from ...guard.secrets import shown
from .bindings import constant_text, method_of
from .flow import Flow
from .names import ATTRIBUTE_FILTERS, CALLABLES, FILTERS, FRAMES, METHODS, TESTS
from .values import BUILT, INPUT, SAFE, Value, joined

if TYPE_CHECKING:
    from jinja2 import nodes

__all__ = ["Reach", "reaches"]

REACHING_FORMAT = re.compile(r"\{[^{}]*[.\[]\s*_")
LOADERS = {"Include": "include", "Import": "import", "FromImport": "from ... import", "Extends": "extends"}


class Reach(NamedTuple):
    """One thing that a template has no business with.

    Attributes:
        rule: a stable name for its kind.
        what: the rest of a sentence that starts with the template.
        line: where it stands.
        name: the attribute, function or filter.
    """

    rule: str
    what: str
    line: int
    name: str | None = None


def reaches(tree: nodes.Template) -> Iterator[Reach]:
    """Everything that a template reaches for.

    Raises:
        TooComplexError: it takes more steps to judge than any real one.
        RecursionError: its expressions nest too deep.
    """
    flow = Flow(tree)
    for node in flow.nodes:
        judge = JUDGES.get(type(node).__name__)
        if judge is not None:
            yield from judge(flow, node)


def _is_reaching(name: str) -> bool:
    return name.startswith("_") or name in FRAMES


def _attribute(name: str, line: int) -> Iterator[Reach]:
    if _is_reaching(name):
        yield Reach("template-attribute", f"reaches for the attribute '{shown(name, 80)}'", line, name)


def _named(value: Value, line: int, *, dotted: bool = False) -> Iterator[Reach]:
    """Judge what stands where a name is looked up.

    Args:
        value: what it can be.
        line: where it stands.
        dotted: whether dots and commas separate names in it.
    """
    names = {part for text in value.texts for part in (re.split(r"[.,]", text) if dotted else [text])}
    known = sorted(name for name in names if _is_reaching(name))
    for name in known[:4]:
        yield from _attribute(name, line)
    if not known and (value.kinds & BUILT or (dotted and value.kinds & SAFE)):
        what = "looks up an attribute by a name that it puts together from pieces"
        yield Reach("template-computed-name", what, line)


def _getattr(_: Flow, node: Any) -> Iterator[Reach]:
    return _attribute(node.attr, node.lineno)


def _getitem(flow: Flow, node: Any) -> Iterator[Reach]:
    if type(node.arg).__name__ != "Slice":
        yield from _named(flow.value(node.arg), node.lineno)


def _filter(flow: Flow, node: Any) -> Iterator[Reach]:
    if node.name not in FILTERS:
        yield Reach("template-filter", f"uses the filter '{shown(node.name, 80)}', which no chat template has",
                    node.lineno, node.name)  # fmt: skip
    arguments = list(node.args)
    name: str | None = node.name
    while name in {"map", "select", "reject"} and arguments:  # they name another filter, or a test, and its arguments
        name, arguments = constant_text(arguments[0]), arguments[1:]
        if name is None:
            yield Reach("template-computed-name", "names a filter or a test by an expression", node.lineno)
        else:
            yield from _known_word(name, node.lineno)
    yield from _attributes_of(flow, node, name, arguments)


def _known_word(name: str, line: int) -> Iterator[Reach]:
    if name not in FILTERS and name not in TESTS:
        what = f"uses the filter or test '{shown(name, 80)}', which no chat template has"
        yield Reach("template-filter", what, line, name)


def _attributes_of(flow: Flow, node: Any, name: str | None, arguments: list[Any]) -> Iterator[Reach]:
    """Judge the arguments of a filter that name attributes."""
    place = ATTRIBUTE_FILTERS.get(name or "")
    looked_up = [flow.value(arguments[place])] if place is not None and place < len(arguments) else []
    looked_up += [flow.value(keyword.value) for keyword in node.kwargs if keyword.key in {"attribute", "name"}]
    if place is not None or name == "map":
        looked_up += [flow.value(part).revealed() for part in (node.dyn_args, node.dyn_kwargs) if part is not None]
    if looked_up:
        value = joined(looked_up)
        if name == "attr" and value.kinds & INPUT:
            yield Reach(
                "template-computed-name", "looks up an attribute by a name that the conversation gives", node.lineno
            )
        yield from _named(value, node.lineno, dotted=name != "attr")


def _test(_: Flow, node: Any) -> Iterator[Reach]:
    if node.name not in TESTS:
        what = f"uses the test '{shown(node.name, 80)}', which no chat template has"
        yield Reach("template-filter", what, node.lineno, node.name)


def _call(flow: Flow, node: Any) -> Iterator[Reach]:
    callee, line = node.node, node.lineno
    method = method_of(callee)
    if method is not None:
        yield from _method(flow, method, line)
    elif type(callee).__name__ != "Name":
        yield Reach("template-call", "calls what an expression gives", line)
    elif flow.is_joiner(callee):
        return
    elif flow.is_bound(callee) or not (callee.name in CALLABLES or callee.name in flow.macros):
        what = f"calls '{shown(callee.name, 80)}', which no chat template has"
        yield Reach("template-call", what, line, callee.name)


def _method(flow: Flow, method: tuple[Any, str], line: int) -> Iterator[Reach]:
    owner, name = method
    if name not in METHODS and not _is_reaching(name):  # the latter is judged as an attribute
        yield Reach("template-call", f"calls the method '{shown(name, 80)}', which no data of a chat has", line, name)
    if name in {"format", "format_map"}:
        template = flow.value(owner)
        if any(REACHING_FORMAT.search(text) for text in template.texts):
            yield Reach("template-attribute", "reaches for an attribute from within a format", line, name)
        elif template.kinds & (BUILT | SAFE) or (template.kinds & INPUT and not template.texts):
            yield Reach("template-computed-name", "uses a format that isn't constant", line, name)


def _loader(_: Flow, node: Any) -> Iterator[Reach]:
    word = LOADERS[type(node).__name__]
    yield Reach("template-include", f"loads another template ({word})", node.lineno, word)


JUDGES: dict[str, Callable[[Flow, Any], Iterator[Reach]]] = {
    "Getattr": _getattr,
    "Getitem": _getitem,
    "Filter": _filter,
    "Test": _test,
    "Call": _call,
    **dict.fromkeys(LOADERS, _loader),
}
