"""Every rule that a finding bears is explained, and no rule is explained that none bears."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import modelcypher_nb.formats
from modelcypher_nb.formats.report import VERDICTS
from modelcypher_nb.formats.rules import RULES

FORMATS = Path(modelcypher_nb.formats.__file__).parent


def texts(node: ast.expr) -> Iterator[str]:
    """The constants that an expression may be: a text, or one of two."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from texts(node.body)
        yield from texts(node.orelse)


def used() -> Iterator[tuple[str, str]]:
    """Each rule in the source: the second argument of `tell`, the fifth of `Finding`."""
    for path in sorted(FORMATS.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = ast.unparse(node.func)
            place = (
                1
                if called.endswith(".tell")
                else 4
                if called == "Finding"
                else 0
                if called in {"self._code", "_code"}
                else None
            )
            if place is not None and len(node.args) > place:
                yield from ((rule, f"{path.name}:{node.lineno}") for rule in texts(node.args[place]))
            for keyword in node.keywords:
                if keyword.arg == "rule":
                    yield from ((rule, f"{path.name}:{node.lineno}") for rule in texts(keyword.value))


def test_every_rule_in_the_source_is_explained() -> None:
    found = list(used())
    assert len(found) > 20
    assert not sorted({(rule, where) for rule, where in found if rule not in RULES})


def test_every_explained_rule_stands_in_the_source() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in FORMATS.rglob("*.py") if path.name != "rules.py")
    families = tuple(f"gguf-{level}" for level in VERDICTS)  # made of the level where they are told
    assert not [name for name in RULES if name not in VERDICTS and f'"{name}"' not in source and name not in families]
