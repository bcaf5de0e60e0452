"""What a name, a call, an instance and a state mean for the verdict; everything that isn't allowed is `code`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...guard.secrets import shown
from ..remedies import FETCH_AGAIN
from .arguments import inert_attributes
from .brief import brief
from .context import Context
from .faults import FaultError
from .object_states import StateJudge
from .trust import Trusted
from .trusted_names import TRUSTED
from .values import Described, Global, LazyBytes, LieError, Opaque, PlainDict, Tensor, UnfitError

__all__ = ["Policy"]

# What a reading may copy of an argument, in bytes for each of its items; small ones aren't counted.
COPIED = {str: 1, bytes: 1, LazyBytes: 1, bytearray: 1, list: 64, tuple: 64, dict: 64, PlainDict: 64}
FREE_BYTES = 1024
# Of the names that are read where they are called: what would load a file, or call what it is given.
NEVER_HELD = frozenset({
    ("torch.storage", "_load_from_bytes"), ("torch._tensor", "_rebuild_from_type_v2"), ("operator", "getitem"),
    ("_operator", "getitem"), ("copyreg", "_reconstructor"), ("copyreg", "__newobj__"),
})  # fmt: skip
RECONSTRUCTORS = frozenset({("copyreg", "_reconstructor"), ("copyreg", "__newobj__")})


class Policy:
    """The judgement over one pickle.

    Attributes:
        context: where findings go.
    """

    def __init__(self, context: Context) -> None:
        self.context = context
        self._strangers: list[Global] = []
        self._known: dict[tuple[str, str], Global] = {}
        self._remarked: set[int] = set()  # ids of known names, which live as long as this
        self._states = StateJudge()
        self._is_old = True

    # Names

    def name(self, module: str, name: str, offset: int) -> Global:
        """Describe a name that the pickle would import."""
        key = (module, name)
        known = self._known.get(key)
        if known is not None:
            return known
        trusted = TRUSTED.get(key)
        if trusted is None and self._is_old:
            module, name = self._mapped(module, name)
            trusted = TRUSTED.get((module, name))
        found = Global(module, name, offset)
        if self._lies_beside(module) or self._lies_beside(key[0]):  # the last protocols import a name as it is spelled
            self._code("pickle-beside", "imports {} from a file that lies beside it", found, offset)
            found.as_called = True
        elif trusted is None and (module, name) not in RECONSTRUCTORS:
            self._strangers.append(found)
            return found
        else:
            found.trusted = trusted
        self._known[key] = found
        return found

    def rename(self, *, is_old: bool) -> None:
        """Look for names as Python 2 wrote them, or as they are spelled: the protocol says which, from here on."""
        if is_old != self._is_old:
            self._is_old, self._known = is_old, {}

    def _mapped(self, module: str, name: str) -> tuple[str, str]:
        from .python2_names import map_name

        return map_name(module, name)

    def _lies_beside(self, module: str) -> bool:
        top = module.partition(".")[0]
        return top in self.context.beside and top not in self.context.loaded

    def extension(self, code: int, offset: int) -> Opaque:
        """A name by a number from a registry that only the other loader's process knows."""
        what = f"A name is given by the number {code} of a registry that the opening program fills."
        self.context.tell("code", "pickle-extension", what, offset, name=f"copyreg.extension.{code}")
        return Opaque(f"extension {code}", offset=offset, is_code=True)

    def persistent(self, identity: Any, offset: int) -> Any:
        """What a persistent id stands for."""
        if self.context.persistent is None:
            raise FaultError("refers to something outside of it, which this format has nothing of,")
        try:
            return self.context.persistent(identity)
        except UnfitError as error:
            what = f"A persistent id {error}: {brief(identity)}."
            self.context.tell("malformed", "pickle-persistent-id", what, offset, excerpt=brief(identity))
            if isinstance(error, LieError) and error.stands_for is not None:
                return error.stands_for
            return Opaque("persistent id", (identity,), offset=offset, is_code=True)

    # Calls

    def call(self, target: Any, arguments: Any, offset: int) -> Any:
        """Describe a call; only what our own reading stands in for is more than a description."""
        if type(arguments) is not tuple:
            raise FaultError("calls something with what is no tuple")
        if type(target) is not Global:
            return self._computed(target, arguments, offset)
        if (target.module, target.name) in RECONSTRUCTORS:
            return self._reconstruct(target, arguments, offset)
        trusted = target.trusted
        if trusted is not None and trusted.call is not None and not trusted.is_only_made:
            return self._read(target, trusted, arguments, offset)
        return self._listed_call(target, arguments, offset) or self._foreign_call(target, arguments, offset)

    def _computed(self, target: Any, arguments: tuple[Any, ...], offset: int) -> Opaque:
        what = f"A computed value is called: {brief(target)} with {brief(arguments)}."
        self.context.tell("code", "pickle-computed-call", what, offset, excerpt=brief(arguments))
        return Opaque(f"call of {brief(target)}", arguments, offset=offset, is_code=True)

    def _read(self, target: Global, trusted: Trusted, arguments: tuple[Any, ...], offset: int) -> Any:
        self._account(arguments)
        try:
            value = trusted.call(self.context, arguments)  # type: ignore[misc] # the callers ask whether it is there
        except LieError as error:
            what = f"A tensor {error}: {brief(arguments)}."
            self.context.tell("malformed", "tensor-bounds", what, offset, excerpt=brief(arguments), remedy=FETCH_AGAIN)
            return self._refused(target, arguments, offset)
        except UnfitError as error:
            self._code("pickle-unusual-call", f"calls {{}}, which {error}", target, offset, arguments)
            return self._refused(target, arguments, offset)
        if trusted.level != "weights" and id(target) not in self._remarked:
            self._remarked.add(id(target))  # a file may hold a million of the same
            what = f"It holds {_shown(target)}: {trusted.reason}."
            self.context.tell(trusted.level, "pickle-shell", what, offset, name=target.text)
        return value

    def _account(self, values: Iterable[Any]) -> None:
        """Charge for what a reading may copy or go through; the memo gives one value to any number of them."""
        cost = 0
        for value in values:
            weight = COPIED.get(type(value))
            if weight is not None:
                cost += weight * len(value)
        if cost > FREE_BYTES:
            self.context.spend(cost)

    def _reconstruct(self, target: Global, arguments: tuple[Any, ...], offset: int) -> Any:
        if not arguments or type(arguments[0]) is not Global:
            return self._computed(target, arguments, offset)
        if target.name == "__newobj__":
            return self.new(arguments[0], arguments[1:], offset)
        base = arguments[1] if len(arguments) == 3 else None
        named = base.text if type(base) is Global else None
        if named == "builtins.object" and arguments[2] is None:
            return self.new(arguments[0], (), offset)
        if named == "builtins.dict" and type(arguments[2]) is dict and arguments[0].trusted is not None:
            made = self.new(arguments[0], (), offset)
            if type(made) is PlainDict:  # a class of dicts that was read, as protocols 0 and 1 write it
                made.update(arguments[2])
                return made
        self._code("pickle-call", "reconstructs {} over a base", arguments[0], offset, arguments)
        return self._refused(arguments[0], arguments, offset)

    def _listed_call(self, target: Global, arguments: tuple[Any, ...], offset: int) -> Opaque | None:
        from .object_names import OBJECT_CALLS

        if self._is_program(target.module):  # a named tuple or an enumeration of the program itself
            target.as_class = True
            return Opaque(target.text, arguments, offset=offset)
        listed = OBJECT_CALLS.get((target.module, target.name))
        if listed is None or not listed.accepts(arguments):
            return None
        target.as_class = True
        self._object(target, offset)
        return Opaque(target.text, arguments, offset=offset, accepts=listed.accepts_state)

    def _foreign_call(self, target: Global, arguments: tuple[Any, ...], offset: int) -> Opaque:
        self._code("pickle-call", "calls {}", target, offset, arguments)
        return self._refused(target, arguments, offset)

    def _refused(self, target: Global, arguments: tuple[Any, ...], offset: int) -> Opaque:
        target.as_called = True
        return Opaque(target.text, arguments, offset=offset, is_code=True)

    # Instances

    def new(self, target: Any, arguments: Any, offset: int, named: Any = None) -> Any:
        """Describe an instance: `objects` only in the one shape that is built and filled by Python itself."""
        if type(arguments) is not tuple:
            raise FaultError("makes an instance with what is no tuple")
        if type(target) is not Global:
            return self._computed(target, arguments, offset)
        if target.trusted is not None and target.trusted.call is not None and not named:
            return self._read(target, target.trusted, arguments, offset)
        listed = self._listed_call(target, arguments, offset) if named is None else None
        if listed is not None:
            return listed
        if arguments or named is not None or not self._is_plain_class(target):
            return self._foreign_call(target, (*arguments, named) if named else arguments, offset)
        if not self._is_object_class(target):
            return self._foreign_call(target, (), offset)
        target.as_class = True
        self._object(target, offset)
        return Opaque(target.text, offset=offset)

    def _is_plain_class(self, target: Global) -> bool:
        parts = target.module.split(".")
        return "." not in target.name and ("__main__" not in parts or target.module == "__main__")

    def _is_object_class(self, target: Global) -> bool:
        from .closed_names import CLOSED
        from .object_names import OBJECT_CLASSES

        if target.text in self.context.trusted or self._is_program(target.module):
            return True
        return target.module.partition(".")[0] not in CLOSED or (target.module, target.name) in OBJECT_CLASSES

    def _is_program(self, module: str) -> bool:
        return self.context.is_program and (module + ".").startswith("__torch__.")

    def _object(self, target: Global, offset: int) -> None:
        from .closed_names import CLOSED

        if self._is_program(target.module):
            return
        top = target.module.partition(".")[0]
        if top in CLOSED:
            what = f"It holds an object of {_shown(target)}, which is shown by its name and state."
        else:
            what = (
                f"It holds an object of {_shown(target)}: another loader imports {shown(top, 60)} and runs its class's "
                "own __setstate__ and __del__."
            )
        self.context.tell("objects", "pickle-object", what, offset, name=target.text)

    # What is done to values

    def fill(self, target: Any, state: Any, offset: int) -> None:
        """BUILD on an object or on what takes no state."""
        self._account((state,))
        is_plain = type(state) in {dict, PlainDict} and all(type(key) is str for key in state)
        if type(target) is PlainDict and is_plain:
            self.attach(target, state.items(), offset)
            target.attributes.update(state)
            return
        if type(target) is not Opaque:
            if type(target) is Global:
                target.as_called = True
            what = f"A state is set on {brief(target)}, which rewires it."
            self.context.tell("code", "pickle-build", what, offset, name=_name(target), excerpt=brief(state))
            return
        fits = is_plain and self._states.is_inert(state)
        if self._is_program(target.kind):
            fits = True
        elif target.accepts is not None:
            fits = target.accepts(state)
        if not target.is_code and (target.is_built or not fits):
            what = f"An object of {shown(target.kind, 120)} is given a state of a shape that runs its class's own code."
            self.context.tell("code", "pickle-build", what, offset, name=target.kind, excerpt=brief(state))
            target.is_code = True
        target.is_built = True
        target.state = state

    def attach(self, target: PlainDict, pairs: Iterable[tuple[Any, Any]], offset: int) -> None:
        """Judge what becomes an attribute of a dict: another loader calls some of them right away."""
        try:
            inert_attributes(pairs)
        except UnfitError as error:
            what = f"A dict of the class {shown(target.kind, 120)} {shown(str(error), 120)}."
            self.context.tell("code", "pickle-build", what, offset, name=target.kind)

    def build(self, target: Described, state: Any, offset: int) -> None:
        """BUILD on a value that our own reading made."""
        self._account(state if type(state) is tuple else (state,))
        self._act(target, lambda: target.build(state), state, offset)

    def set_items(self, target: Any, pairs: list[tuple[Any, Any]], offset: int) -> None:
        """Item assignment on anything but a plain dict."""
        self._act(target, lambda: target.set_items(pairs), pairs[:4], offset)

    def extend(self, target: Any, items: list[Any], offset: int) -> None:
        """Appending to anything but a plain list or set."""
        self._act(target, lambda: target.extend(items), items[:4], offset)

    def _act(self, target: Any, action: Any, given: Any, offset: int) -> None:
        unfit: UnfitError | None = UnfitError("takes no such thing")
        if type(target) is not PlainDict and isinstance(target, Described):
            unfit = None
            try:
                action()
            except LieError as error:
                what = f"{brief(target)} {error}."
                self.context.tell("malformed", "tensor-bounds", what, offset, excerpt=brief(given), remedy=FETCH_AGAIN)
                return
            except UnfitError as error:
                unfit = error
        if unfit is not None:
            what = f"{brief(target)} {unfit}."
            self.context.tell("code", "pickle-item", what, offset, name=_name(target), excerpt=brief(given))
            if type(target) is Opaque:
                target.is_code = True
                target.items.extend(_flat(given))

    def may_be_hashed(self, value: Any, offset: int) -> bool:
        """Whether a value may be a key; an object's own hash would run its class's code."""
        if type(value) is Opaque:
            if not value.is_code:
                what = f"An object of {shown(value.kind, 120)} is hashed, which runs its class's own code."
                self.context.tell("code", "pickle-hash", what, offset, name=value.kind)
            return True
        if type(value) is Tensor and type(value.state) is dict and "__class__" in value.state:
            name = str(value.state["__class__"])
            what = f"A tensor of the class {shown(name, 120)} is hashed, which runs its class's own code."
            self.context.tell("code", "pickle-hash", what, offset, name=name)
            return True
        return isinstance(value, frozenset) or (isinstance(value, Described) and not value.asks_parts)

    # The end

    def finish(self, root: Any) -> None:
        """Judge the names that were neither called nor made an object of: a bare import runs code too."""
        strangers, self._strangers = self._strangers, []
        if not strangers:
            return
        values = _globals_within(root)
        for known in self._known.values():
            if (known.module, known.name) in NEVER_HELD and id(known) in values:
                self._code("pickle-name", "puts {} where an object may call it", known, known.offset)
        for stranger in strangers:
            is_value = id(stranger) in values
            if stranger.as_called or (stranger.as_class and not is_value) or self._is_listed_value(stranger):
                continue
            how = "holds the name" if is_value else "imports"
            self._code("pickle-name", f"{how} {{}}", stranger, stranger.offset)

    def _is_listed_value(self, stranger: Global) -> bool:
        from .object_names import OBJECT_CLASSES, OBJECT_VALUES

        key = (stranger.module, stranger.name)
        if key not in OBJECT_VALUES and key not in OBJECT_CLASSES and stranger.text not in self.context.trusted:
            return False
        what = f"It holds the name {_shown(stranger)}, which is shown and not imported."
        self.context.tell("objects", "pickle-value", what, stranger.offset, name=stranger.text)
        return True

    def _code(self, rule: str, what: str, target: Global, offset: int, arguments: Any = None) -> None:
        """Tell of a name; its text takes the place of `{}` in the sentence, where one more is told at all."""
        if target.text in self.context.trusted and rule == "pickle-name":  # never a call: that isn't holding a class
            text = f"A person allowed {_shown(target)} for this content; it stays a description."
            self.context.tell("objects", "pickle-allowed", text, offset, name=target.text)
            return
        if self.context.is_full(rule):
            return
        excerpt = None if arguments is None else f"{_shown(target)}{brief(arguments)}"
        sentence = f"Whatever opens this pickle {what.replace('{}', _shown(target), 1)}."
        self.context.tell("code", rule, sentence, offset, name=target.text, excerpt=excerpt)


def _shown(target: Global) -> str:
    return shown(target.text, 120)


def _name(target: Any) -> str | None:
    return target.text if type(target) is Global else target.kind if type(target) is Opaque else None


def _flat(given: Any) -> list[Any]:
    return [part for one in given for part in (one if type(one) is tuple else (one,))]


def _globals_within(root: Any) -> set[int]:
    """The ids of all names that stand as values somewhere in the content."""
    found: set[int] = set()
    seen: set[int] = set()
    todo = [root]
    while todo:
        value = todo.pop()
        if value is None or isinstance(value, str | int | float | bytes):
            continue
        identity = id(value)
        if identity in seen:
            continue
        seen.add(identity)
        if type(value) is Global:
            found.add(identity)
        elif isinstance(value, dict):
            todo.extend(value.keys())
            todo.extend(value.values())
            if type(value) is PlainDict:
                todo.append(value.attributes)
        elif isinstance(value, list | tuple | set | frozenset):
            todo.extend(value)
        elif isinstance(value, Described):
            todo.extend(value.parts())
    return found
