"""The words of every command, and what is said about each: what shell, magic and completion have in common."""

from __future__ import annotations

from collections.abc import Iterator

from ..operations import ALIASES, names
from ..operations.operation import Operation, Parameter, find

__all__ = ["EXIT_CODES", "commands", "explained", "is_positional", "metavar", "option_name", "resolve"]

# Click keeps lines after \\b as they are.
EXIT_CODES = """\b
Exit codes:
  0    done
  1    model scan found code in a file (with --strict also objects)
  2    malformed, unreadable, or no longer what was registered
  3    a format that isn't read
  64   a wrong argument or setting
  65   a move that a state, a verdict or a conflict refuses
  66   no such file or id, or a path outside the allowed folders
  69   a part or a server is missing (also: doctor found a fault)
  70   our own fault
  130  interrupted
"""
REFERENCES = ("path", "model", "job", "variable", "name")


def is_positional(item: Parameter) -> bool:
    """Whether a parameter stands by itself: references, the rest of the words, and what a verb can't do without.

    A required quantity with a unit (`--learning-rate 1e-4`) is named all the same: a bare number wouldn't tell.
    """
    if item.param.kind in REFERENCES or item.param.kind == "rest":
        return True
    return item.required and item.type in {str, int}


def option_name(item: Parameter) -> str:
    """`--kebab-case`."""
    return "--" + item.name.replace("_", "-")


def commands() -> Iterator[tuple[str, ...]]:
    """Every command's words, in the product's order, then the short forms."""
    for name in names():
        group, _, verb = name.partition("_")
        yield group, verb.replace("_", "-")
    yield from ALIASES


def resolve(*words: str) -> Operation | None:
    """The operation of a command's words, or None; only its own module is imported."""
    words = ALIASES.get(words, words)
    name = "_".join(words).replace("-", "_")
    return find(name) if len(words) == 2 and name in names() else None


def metavar(item: Parameter) -> str:
    """How a positional parameter is called in a help text."""
    word = {"model": "MODEL", "job": "JOB", "path": "PATH", "variable": "NAME"}.get(item.param.kind)
    word = word if word is not None and not item.name.startswith("target") else item.name.upper().replace("_", "-")
    word = word + "..." if item.is_list else word
    return word if item.required else f"[{word}]"


def explained(item: Parameter) -> str:
    """The parameter's sentence, with its bounds and default."""
    notes = [*item.param.bounds]
    if item.default not in {None, False}:
        notes.append(f"default {item.default}")
    if item.is_list and not is_positional(item):
        notes.append("may be repeated")
    return item.param.description + (f" ({'; '.join(notes)})" if notes else "")
