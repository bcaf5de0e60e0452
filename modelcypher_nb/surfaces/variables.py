"""`{expression}` in a magic's line: words are split first, and each value becomes exactly one argument, never more."""

from __future__ import annotations

import numbers
import os
import re
import shlex
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..errors import ModelCypherError, UsageError
from ..guard.secrets import shown

__all__ = ["Line", "read", "word_of"]

# Stands for a value while the words are read. No line holds a NUL, so no text can be taken for it.
MARK = re.compile("\0([0-9]+)\0")
SHOWN_MARK = re.compile(r"\\x00([0-9]+)\\x00")


class Line(NamedTuple):
    """A magic's line: words in which marks stand for expressions."""

    words: list[str]
    expressions: list[str]

    def filled(self, value: Any, names: Mapping[str, Any], local: Mapping[str, Any]) -> Any:
        """An argument, or a list of them, with its marks replaced by their values' texts."""
        if isinstance(value, list):
            return [self.filled(item, names, local) for item in value]
        if not isinstance(value, str):
            return value
        return MARK.sub(lambda match: self._text(int(match[1]), names, local), value)

    def _text(self, index: int, names: Mapping[str, Any], local: Mapping[str, Any]) -> str:
        expression = self.expressions[index]
        try:
            value = eval(expression, {**names}, {**local})  # noqa: S307 - the person's own code in the person's own cell
        except Exception as error:
            raise UsageError(
                f"{{{shown(expression, 80)}}} gives no value: {type(error).__name__}: {shown(error, 200)}.",
                "Correct it, or write {{ where a brace itself is meant.",
            ) from error
        return word_of(value, expression)

    def named(self, error: ModelCypherError) -> None:
        """Say an expression instead of its mark in an error."""
        error.problem = SHOWN_MARK.sub(self._braces, MARK.sub(self._braces, error.problem))
        error.remedy = SHOWN_MARK.sub(self._braces, MARK.sub(self._braces, error.remedy))

    def _braces(self, match: re.Match[str]) -> str:
        index = int(match[1])  # a value may hold what looks like a mark
        return f"{{{shown(self.expressions[index], 80)}}}" if index < len(self.expressions) else match[0]


def read(line: str) -> Line:
    """Split a line as a shell does, with every `{expression}` set aside first.

    Single quotes keep braces as they are, `{{` and `}}` mean one brace.

    Raises:
        UsageError: a quote isn't closed, an expression doesn't parse, or one would make an option's name.
    """
    if "\0" in line:
        raise UsageError("The line holds a NUL character.", "Remove it: no name and no path has one.")
    text, expressions = _set_aside(line)
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"The line can't be split into words: {error}.", "Close the quote.") from error
    for word in words:
        option = word.partition("=")[0]
        if option.startswith("-") and MARK.search(option):
            raise UsageError(
                "An option's name can't come from a variable.", "Write the option out, and give its value in braces."
            )
    return Line(words, expressions)


def _set_aside(line: str) -> tuple[str, list[str]]:
    """Replace each expression by a mark."""
    parts: list[str] = []
    expressions: list[str] = []
    place, quoted = 0, False
    while place < len(line):
        character = line[place]
        if character == "'":
            quoted = not quoted
        if not quoted and line[place : place + 2] in {"{{", "}}"}:
            parts.append(character)
            place += 2
        elif not quoted and character == "{":
            expression = _expression(line, place)
            parts.append(f"\0{len(expressions)}\0")
            expressions.append(expression)
            place += len(expression) + 2
        else:
            parts.append(character)
            place += 1
    return "".join(parts), expressions


def _expression(line: str, start: int) -> str:
    """The shortest text after a brace that is a Python expression and ends at a brace."""
    end = line.find("}", start)
    while end >= 0:
        text = line[start + 1 : end]
        try:
            compile(text.strip(), "<%mc>", "eval")
        except (SyntaxError, ValueError):
            end = line.find("}", end + 1)
        else:
            return text
    rest = shown(line[start:], 60)
    raise UsageError(f"'{rest}' holds no Python expression.", "Correct it, or write {{ where a brace itself is meant.")


def word_of(value: Any, expression: str = "the value") -> str:
    """The one word that a value stands for: a text, a number, a path, or the name or id of what is ours.

    Raises:
        UsageError: it stands for none, or for several.
    """
    try:
        found = _word(value)
    except Exception as error:  # a number's or a path's own text, which its class makes
        raise UsageError(
            f"{{{shown(expression, 80)}}} gives no text: {type(error).__name__}.", "Give its text itself in braces."
        ) from error
    if found is not None:
        return found
    kind = type(value).__name__
    problem = f"{{{shown(expression, 80)}}} is of type {shown(kind, 60)}, which no single word stands for."
    raise UsageError(
        problem, "Give a text, a number, a path, or a model or run of this toolkit in each pair of braces."
    )


def _word(value: Any) -> str | None:
    if isinstance(value, str):
        return str.__str__(value)  # of a class of its own: the characters, whatever its methods say
    if isinstance(value, numbers.Number):
        return str(value)
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    module = type(value).__module__
    ours = isinstance(module, str) and module.partition(".")[0] == __package__.partition(".")[0]
    return _reference(value) if ours else None


def _reference(value: Any) -> str | None:
    """What names an object of ours: a model by its reference or path, a run by its id."""
    facts = getattr(value, "facts", None) or value  # a card stands for its facts
    facts = getattr(facts, "job", facts)  # and what was told of a run, for the run
    reference = getattr(facts, "reference", None)
    if reference is None and getattr(facts, "version", None) is not None:
        reference = f"{facts.id}@{facts.version}"  # a row of a list of models
    for found in (reference, getattr(facts, "id", None), getattr(facts, "path", None)):
        if isinstance(found, str):
            return found
    return None
