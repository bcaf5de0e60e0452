"""What a template's expression can be, as far as its names matter: its constant texts, or how it is built."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import NamedTuple

__all__ = [
    "ANY",
    "BUILT",
    "INPUT",
    "NOTHING",
    "NUMBER",
    "SAFE",
    "Value",
    "built",
    "concatenated",
    "cut",
    "element",
    "joined",
    "texts_of",
]

MOST_TEXTS = 64
MOST_CHOICES = 32  # of constants, to compute what they give together
LONGEST_TEXT = 4096

# What a value may be beside its constant texts.
NUMBER = 1
INPUT = 2  # from the conversation, or text in which the template puts no underscore
SAFE = 4  # text that begins with something else than an underscore
BUILT = 8  # text that the template makes and that may begin with an underscore
MANY = 16  # more texts than are kept; they never come back, or the search for all values might not end


class Value(NamedTuple):
    """What an expression can be.

    Attributes:
        kinds: a sum of the kinds above.
        texts: the constant texts that it can be.
        within: what the values of a dict written in the template can be; only reached by a key or by its methods.
    """

    kinds: int = 0
    texts: frozenset[str] = frozenset()
    within: tuple[int, frozenset[str]] = (0, frozenset())

    def revealed(self) -> Value:
        """With all that lies within brought to the surface."""
        return bounded(self.kinds | self.within[0], self.texts | self.within[1])

    def hidden(self) -> Value:
        """With everything moved within, as a dict holds it."""
        value = self.revealed()
        return Value(within=(value.kinds, value.texts))


NOTHING = Value()
ANY = Value(BUILT)  # also what is not understood


def bounded(kinds: int, texts: frozenset[str], within: tuple[int, frozenset[str]] = (0, frozenset())) -> Value:
    """A value whose texts are few; of many only that is kept which could matter."""
    return Value(*_few(kinds, texts), _few(*within))


def _few(kinds: int, texts: frozenset[str]) -> tuple[int, frozenset[str]]:
    if not texts or (len(texts) <= MOST_TEXTS and not kinds & MANY and max(map(len, texts)) <= LONGEST_TEXT):
        return kinds, texts
    if all(text and not text.startswith("_") for text in texts):
        return kinds | MANY | SAFE, frozenset()
    return kinds | MANY | _makes(texts), frozenset()


def _makes(texts: Iterable[str]) -> int:
    """What parts of these texts, in any order, can be: an underscore only comes from where one is."""
    return BUILT if any("_" in text for text in texts) else INPUT


def texts_of(*texts: str) -> Value:
    """The value of constants."""
    return bounded(0, frozenset(texts))


def joined(values: Iterable[Value]) -> Value:
    """One of several values."""
    kinds, inner_kinds = 0, 0
    texts: list[frozenset[str]] = []
    inner_texts: list[frozenset[str]] = []
    for value in values:
        kinds |= value.kinds
        inner_kinds |= value.within[0]
        if value.texts:
            texts.append(value.texts)
        if value.within[1]:
            inner_texts.append(value.within[1])
    return bounded(kinds, frozenset[str]().union(*texts), (inner_kinds, frozenset[str]().union(*inner_texts)))


def built(values: Iterable[Value]) -> Value:
    """Text made of other values in whatever way: an underscore can only come from where one is."""
    whole = joined(values).revealed()
    return Value(BUILT if whole.kinds & (BUILT | SAFE) else _makes(whole.texts))


def element(value: Value) -> Value:
    """One of a list's items, or a part of a text: which of both it is, only a run would tell."""
    return value._replace(kinds=value.kinds | _makes(value.texts)) if value.texts else value


def folded(parts: list[Value], join: Callable[..., str]) -> Value:
    """Text made of constants: computed for each choice of them, as long as they are few."""
    choices = 1
    for part in parts:
        choices *= len(part.texts)
    texts: frozenset[str] = frozenset()
    if 0 < choices <= MOST_CHOICES:
        texts = frozenset(join(*choice) for choice in itertools.product(*(sorted(part.texts) for part in parts)))
    if texts and not any(part.kinds for part in parts):
        return bounded(0, texts)
    return bounded(built(parts).kinds, texts)


def concatenated(parts: list[Value]) -> Value:
    """The parts one after the other: what begins with a letter stays harmless, whatever follows."""
    value = folded(parts, lambda *texts: "".join(texts))
    begins = parts[0] if parts else NOTHING
    known = begins.kinds & ~MANY == SAFE or (begins.kinds == 0 and begins.texts)
    if value.kinds == BUILT and known and all(text and not text.startswith("_") for text in begins.texts):
        return Value(SAFE, frozenset(text for text in value.texts if not text.startswith("_")))
    return value


def cut(value: Value, part: Callable[[str], str] | None) -> Value:
    """A part, or the reverse, of a text or of a list; what a list's dicts hold stays within them.

    Args:
        value: the whole.
        part: gives it for a text; None where it isn't constant.
    """
    if not value.texts:
        return value
    if part is None:
        return Value(built([Value(value.kinds, value.texts)]).kinds, frozenset(), value.within)
    return Value(value.kinds, frozenset(part(text) for text in value.texts), value.within)
