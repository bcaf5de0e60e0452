"""The real semantics of pickle over inert stand-ins: CPython's own unpickler, which finds recorders instead of names.

A recorder notes what would happen to it instead of doing it. What is noted beyond naming, making and filling is a
danger, whatever our own machine thinks of the same bytes.
"""

from __future__ import annotations

import _compat_pickle
import argparse
import collections
import contextlib
import io
import pickle
import types
from collections.abc import Callable
from typing import Any

from modelcypher_nb.formats.pickles.closed_names import CLOSED
from modelcypher_nb.formats.pickles.object_names import OBJECT_CALLS, OBJECT_CLASSES, OBJECT_VALUES
from modelcypher_nb.formats.pickles.trusted_names import TRUSTED

__all__ = ["dangers"]

MOST = 1 << 16  # no stand-in is made with a larger number, which may be a size
# Python's own containers are really made: what they do with recorders is what is asked.
REAL: dict[tuple[str, str], Any] = {
    **{("builtins", one.__name__): one for one in (list, tuple, dict, set, frozenset, slice, complex)},
    **{
        ("collections", one.__name__): one
        for one in (collections.OrderedDict, collections.defaultdict, collections.Counter, collections.deque)
    },
    ("argparse", "Namespace"): argparse.Namespace,
    ("types", "SimpleNamespace"): types.SimpleNamespace,
}


class AttributeDict(dict[Any, Any]):
    """As lightning writes it: an attribute that is missing is an item."""

    def __getattr__(self, key: str) -> Any:
        """An item."""
        try:
            return self[key]
        except KeyError as error:
            raise AttributeError(key) from error


class InstanceDict(dict[Any, Any]):
    """As easydict writes it: every item is an attribute too."""

    def __setitem__(self, key: Any, value: Any) -> None:
        """Set both."""
        if isinstance(key, str):
            object.__setattr__(self, key, value)
        super().__setitem__(key, value)


REAL |= {
    (f"{library}.utilities.data", "AttributeDict"): AttributeDict
    for library in ("lightning_fabric", "lightning.fabric")
}
REAL |= {("yacs.config", "CfgNode"): AttributeDict, ("easydict", "EasyDict"): InstanceDict}


class Recorder:
    """Anything that isn't plain data; each method that pickle or a container could call is a note."""

    def __init__(self, log: list[str], text: str) -> None:
        self.log = log
        self.text = text

    def note(self, what: str) -> Recorder:
        """Note a danger."""
        self.log.append(f"{what} {self.text}")
        return Inert(self.log, self.text)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Note a call."""
        del arguments, named
        return self.note("calls")

    def __setstate__(self, state: Any) -> None:
        """Note a state."""
        del state
        self.note("sets a state of")

    def __hash__(self) -> int:
        """Note that it is a key."""
        self.note("hashes")
        return id(self)

    def __eq__(self, other: object) -> bool:
        """Note that it is compared."""
        return self is other

    def __setitem__(self, key: Any, value: Any) -> None:
        """Note an item."""
        del key, value
        self.note("assigns into")

    def __iter__(self) -> Any:
        """Note that it is gone through."""
        self.note("goes through")
        return iter(())

    def append(self, item: Any) -> None:
        """Note an item."""
        del item
        self.note("appends to")

    extend = add = append


class Inert(Recorder):
    """What a reading of ours stands in for, or what comes after a danger: it may take anything."""

    def note(self, what: str) -> Recorder:
        """Nothing: its own tests say what it takes."""
        if what == "calls":
            self.log.append(f"calls what {self.text} gave")
        return self


class Thing(Recorder):
    """An instance that is only made and filled."""

    is_filled = False
    takes_more = False

    def __setstate__(self, state: Any) -> None:
        """Note any state but one dict of texts."""
        plain = isinstance(state, dict) and all(type(key) is str for key in state)
        if not self.takes_more and (self.is_filled or not plain):
            self.note("fills")
        self.is_filled = True


class Named(Recorder):
    """A name that would be imported."""

    def __init__(self, log: list[str], module: str, name: str) -> None:
        super().__init__(log, f"{module}.{name}")
        self.key = (module, name)
        self.is_made = False
        trusted = TRUSTED.get(self.key)
        self.is_read = trusted is not None and trusted.call is not None
        self.is_listed = self.key in OBJECT_CALLS
        self.is_class = (module.partition(".")[0] not in CLOSED or self.key in OBJECT_CLASSES) and "." not in name
        self.is_class = self.is_class and (module == "__main__" or "__main__" not in module.split("."))
        self.is_known = trusted is not None or self.is_listed or self.key in OBJECT_VALUES or self.key in OBJECT_CLASSES
        self.is_known = self.is_known or self.key in RECONSTRUCTORS
        if not self.is_known and not self.is_class:
            self.note("imports")
        self.__dict__["__new__"] = self._new

    def __hash__(self) -> int:
        """A class or function is a key like any other."""
        return id(self)

    def reduced(self, *arguments: Any) -> Any:
        """Make what the name stands for, where it is harmless: an opcode calls it, not something that holds it."""
        if self.key in RECONSTRUCTORS:
            return RECONSTRUCTORS[self.key](self, *arguments)
        if self.is_listed or self.is_read:
            return self._made(arguments, {})
        return self.note("calls")

    def _new(self, cls: Any, *arguments: Any, **named: Any) -> Any:
        del cls
        if self.is_listed or self.is_read:
            return self._made(arguments, named)
        if arguments or named or not self.is_class:
            return self.note("makes")
        self.is_made = True
        return Thing(self.log, self.text)

    def _made(self, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        self.is_made = True
        if self.is_listed:
            made = Thing(self.log, self.text)
            made.takes_more = True
            return made
        real = REAL.get(self.key)
        if real is None or any(isinstance(one, int) and abs(one) > MOST for one in arguments):
            return Inert(self.log, self.text)
        return real(*arguments, **named)


def _reconstructed(maker: Named, cls: Any, base: Any, state: Any) -> Any:
    if isinstance(base, Named) and base.key == ("builtins", "object") and state is None and isinstance(cls, Named):
        return cls.__new__(cls)  # type: ignore[call-overload] # its own, which the instance bears
    return maker.note("reconstructs by")


def _new_object(maker: Named, cls: Any, *arguments: Any) -> Any:
    return cls.__new__(cls, *arguments) if isinstance(cls, Named) else maker.note("makes by")


RECONSTRUCTORS: dict[tuple[str, str], Callable[..., Any]] = {
    ("copyreg", "_reconstructor"): _reconstructed,
    ("copyreg", "__newobj__"): _new_object,
}


def _called(function: Any, arguments: Any) -> Any:
    return function.reduced(*arguments) if isinstance(function, Named) else function(*arguments)


class _Unpickler(pickle._Unpickler):  # type: ignore[name-defined,misc] # CPython's reference, in Python
    log: list[str]
    named: list[Named]
    dispatch = dict(pickle._Unpickler.dispatch)  # type: ignore[attr-defined]  # noqa: RUF012 - as its base has it

    def load_reduce(self) -> None:
        """REDUCE, told apart from other calls."""
        arguments = self.stack.pop()
        self.stack[-1] = _called(self.stack[-1], arguments)

    dispatch[pickle.REDUCE[0]] = load_reduce

    def _instantiate(self, klass: Any, arguments: Any) -> None:
        self.append(_called(klass, arguments))

    def find_class(self, module: str, name: str) -> Named:
        """Record a name as Python 3 would look for it."""
        if self.proto < 3:
            if (module, name) in _compat_pickle.NAME_MAPPING:
                module, name = _compat_pickle.NAME_MAPPING[module, name]
            elif module in _compat_pickle.IMPORT_MAPPING:
                module = _compat_pickle.IMPORT_MAPPING[module]
        found = Named(self.log, module, name)
        self.named.append(found)
        return found


def dangers(data: bytes) -> list[str]:
    """What opening a pickle would do beyond naming, making and filling, up to its end or to its first error."""
    unpickler = _Unpickler(io.BytesIO(data))
    unpickler.log, unpickler.named = [], []
    unpickler.proto = 0
    with contextlib.suppress(Exception):  # what came before the error happened
        unpickler.load()
    bare = [one for one in unpickler.named if not one.is_made and not one.is_known]
    return unpickler.log + [f"imports {one.text}" for one in bare]
