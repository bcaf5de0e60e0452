"""HTML and SVG made of elements, so that no text from data is ever taken for markup."""

from __future__ import annotations

import html

from ..guard.secrets import shown

__all__ = ["Markup", "element", "joined"]

LONGEST = 300  # characters of one text


class Markup(str):
    """Text that is markup already; only this module makes it."""

    __slots__ = ()


def element(
    tag: str, attributes: dict[str, str | float | bool] | None = None, *children: str, limit: int = LONGEST
) -> Markup:
    """One element; children that aren't markup are redacted, escaped and cut.

    Args:
        tag: its name.
        attributes: values are escaped; True gives a bare attribute, False leaves it out.
        children: texts and elements.
        limit: the characters of a text that are kept.
    """
    head = "".join(_attribute(name, value) for name, value in (attributes or {}).items())
    inner = "".join(child if isinstance(child, Markup) else html.escape(shown(child, limit)) for child in children)
    return Markup(f"<{tag}{head}>{inner}</{tag}>" if inner or tag not in EMPTY else f"<{tag}{head}/>")


# Drawn without an end tag; everything else keeps one, or HTML would swallow what follows.
EMPTY = frozenset({"br", "line", "path", "rect", "circle", "polyline", "polygon"})


def _attribute(name: str, value: str | float | bool) -> str:
    if value is True:
        return f" {name}"
    if value is False:
        return ""
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return f' {name}="{html.escape(shown(text, 4_000_000))}"'


def joined(*parts: Markup) -> Markup:
    """Elements one after the other."""
    return Markup("".join(parts))
