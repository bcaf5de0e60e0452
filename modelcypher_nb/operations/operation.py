"""An Operation is one verb: an ordinary typed function with its effects attached, and `run` is the only executor."""

from __future__ import annotations

import importlib
import inspect
import time
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from ..errors import InternalError, ModelCypherError, NotAllowedError, UnknownIdError, UsageError
from ..guard.secrets import redact, shown

if TYPE_CHECKING:
    from .session import Call

__all__ = ["Operation", "Param", "Parameter", "find", "operation", "run", "spelled"]

Effect = Literal["read", "write", "destroy"]
Place = Literal["everywhere", "kernel", "shell"]
Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Param:
    """What every surface says about a parameter.

    Attributes:
        description: one sentence.
        ge: the least value.
        le: the greatest value.
        choices: the only values.
        kind: what it refers to, for completion: path, model, job, setting, a kernel's variable, another thing's
            name, the rest of the words, or text.
    """

    description: str
    ge: float | None = None
    le: float | None = None
    choices: tuple[str, ...] = ()
    kind: Literal["text", "path", "model", "job", "setting", "variable", "name", "rest"] = "text"

    @property
    def bounds(self) -> tuple[str, ...]:
        """Which values it takes, in words; nothing where any will do."""
        if self.choices:
            return ("one of " + ", ".join(self.choices),)
        if self.ge is not None and self.le is not None:
            return (f"{spelled(self.ge)} to {spelled(self.le)}",)
        return (f"{spelled(self.ge)} or more",) if self.ge is not None else ()


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter as surfaces see it: its plain type, whether it is a list of it, and whether it may be left out."""

    name: str
    type: type
    is_list: bool
    required: bool
    default: Any
    param: Param


@dataclass(frozen=True, slots=True)
class Operation:
    """One verb.

    Attributes:
        name: `group_verb`.
        function: takes a Call, then the parameters; gives facts.
        effect: read, write or destroy.
        reaches_network: whether it makes external calls.
        idempotent: whether repeating it changes nothing more.
        people_only: whether assistants never get it.
        place: everywhere, or only in a kernel or a shell.
        profiles: the MCP profiles beside `full` that offer it.
        needs_settings: whether a senseless setting stops it (not the doctor, who names it).
    """

    name: str
    function: Callable[..., Any]
    effect: Effect
    reaches_network: bool
    idempotent: bool
    people_only: bool
    place: Place
    profiles: tuple[str, ...]
    needs_settings: bool = True

    @property
    def group(self) -> str:
        """The first word."""
        return self.name.partition("_")[0]

    @property
    def verb(self) -> str:
        """The second word."""
        return self.name.partition("_")[2]

    @property
    def tool(self) -> str:
        """The assistant's name for it."""
        return f"mc_{self.name}"

    @property
    def command(self) -> str:
        """The person's name for it."""
        return f"{self.group} {self.verb.replace('_', '-')}" if self.verb else self.group

    @property
    def schema(self) -> str:
        """The name of its answer's shape."""
        return f"mc.{self.name.replace('_', '.')}.v1"

    @property
    def scope(self) -> str:
        """The OAuth scope that a caller must hold."""
        if self.effect == "read":
            return "mc:read"
        if self.effect == "destroy":
            return "mc:destroy"
        return "mc:train" if self.group in {"job", "train"} else "mc:write"

    @property
    def summary(self) -> str:
        """The docstring's first line."""
        return (self.function.__doc__ or "").strip().partition("\n")[0]

    @property
    def description(self) -> str:
        """The whole docstring, unindented."""
        return inspect.cleandoc(self.function.__doc__ or "")

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """What it takes beside the Call."""
        return _parameters(self.function)


def operation(
    *,
    effect: Effect,
    idempotent: bool | None = None,
    reaches_network: bool = False,
    people_only: bool = False,
    place: Place = "everywhere",
    profiles: tuple[str, ...] = (),
    needs_settings: bool = True,
) -> Callable[[Function], Function]:
    """Attach an operation's data to its function, which stays an ordinary function."""

    def attach(function: Function) -> Function:
        function.__operation__ = Operation(  # type: ignore[attr-defined]
            name=function.__name__,
            function=function,
            effect=effect,
            reaches_network=reaches_network,
            idempotent=effect == "read" if idempotent is None else idempotent,
            people_only=people_only,
            place=place,
            profiles=profiles,
            needs_settings=needs_settings,
        )
        return function

    return attach


def _plain(annotation: Any) -> tuple[type, bool]:
    """The plain type within `X | None`, `list[X]` or a Literal, and whether it is a list."""
    origin = typing.get_origin(annotation)
    if origin in {typing.Union, types.UnionType}:
        (inner,) = (part for part in typing.get_args(annotation) if part is not type(None))
        return _plain(inner)
    if origin in {list, tuple}:
        return _plain(typing.get_args(annotation)[0])[0], True
    return annotation, False


@cache
def _parameters(function: Callable[..., Any]) -> tuple[Parameter, ...]:
    hints = typing.get_type_hints(function, include_extras=True)
    found = []
    for name, signature in list(inspect.signature(function).parameters.items())[1:]:
        annotation = hints[name]
        assert typing.get_origin(annotation) is Annotated, f"{function.__name__}: {name} needs a Param"  # noqa: S101
        plain, is_list = _plain(annotation.__origin__)
        param = next(item for item in annotation.__metadata__ if isinstance(item, Param))
        required = signature.default is inspect.Parameter.empty
        found.append(Parameter(name, plain, is_list, required, None if required else signature.default, param))
    return tuple(found)


def find(name: str) -> Operation:
    """The operation of that name; only its own module is imported.

    Raises:
        UnknownIdError: there is none.
    """
    from . import OPERATIONS

    for dotted in OPERATIONS:
        module, _, function = dotted.partition(":")
        if function == name:
            found: Operation = getattr(importlib.import_module(f"{__package__}.{module}"), function).__operation__
            return found
    raise UnknownIdError(f"There is no operation '{shown(name, 60)}'.", "List them with: mc --help")


# What a parameter of a type takes, in a refusal's second sentence.
KINDS = {
    int: "a whole number", float: "a number", str: "a text", bool: "true or false", dict: "a mapping",
}  # fmt: skip


def spelled(number: float) -> str:
    """A bound as people write it: 1,000,000 and not 1e+06."""
    return f"{number:,.0f}" if number == int(number) else f"{number:g}"


def _converted(item: Parameter, value: Any, name: str) -> Any:
    """One value in the parameter's type; text from a shell is converted, anything else must fit."""
    if item.type is bool and isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    if item.type in {int, float} and isinstance(value, (str, int, float)) and not isinstance(value, bool):
        try:
            number = item.type(value)
        except (ValueError, OverflowError):
            number = None
        if number is not None and (not isinstance(value, float) or number == value):
            return number
    elif item.type is str and hasattr(value, "__fspath__"):
        return str(value.__fspath__())
    elif item.type is dict and isinstance(value, Mapping):
        return dict(value)
    elif isinstance(value, item.type) and isinstance(value, bool) == (item.type is bool):  # True is no number here
        return value
    raise UsageError(f"{name}'s {item.name} is {shown(repr(value), 80)}.", f"Give {KINDS[item.type]}.")


def _bounded(item: Parameter, value: Any, name: str) -> Any:
    low, high, choices = item.param.ge, item.param.le, item.param.choices
    if choices and value not in choices:
        raise UsageError(f"{name}'s {item.name} is '{shown(value, 80)}'.", f"Give one of: {', '.join(choices)}.")
    if low is not None and not value >= low:
        raise UsageError(f"{name}'s {item.name} is {value}.", f"Give a value of {spelled(low)} or more.")
    if high is not None and not value <= high:
        raise UsageError(f"{name}'s {item.name} is {value}.", f"Give a value of {spelled(high)} or less.")
    return value


def checked(found: Operation, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments in their parameters' types and bounds.

    Raises:
        UsageError: one is unknown, missing, of another type or out of bounds.
    """
    known = {item.name: item for item in found.parameters}
    for name in arguments:
        if name not in known:
            takes = ", ".join(known) or "nothing"
            raise UsageError(f"{found.command} has no parameter '{shown(name, 60)}'.", f"It takes: {takes}.")
    result: dict[str, Any] = {}
    for name, item in known.items():
        if arguments.get(name) is None:
            if item.required:
                raise UsageError(f"{found.command} needs {name}.", item.param.description)
            continue
        value = arguments[name]
        if item.is_list:
            values = list(value) if isinstance(value, (list, tuple, set, frozenset)) else [value]
            result[name] = [_bounded(item, _converted(item, one, found.command), found.command) for one in values]
        else:
            result[name] = _bounded(item, _converted(item, value, found.command), found.command)
    return result


def _allowed(found: Operation, call: Call) -> None:
    if call.is_assistant and (found.people_only or found.effect == "destroy"):
        raise NotAllowedError(
            f"{found.command} is for people only; {call.principal} is an assistant.",
            f"Ask the person to run it: %mc {found.command}",
        )
    needed = found.scope
    if needed not in call.scopes:
        raise NotAllowedError(f"{found.command} needs the scope {needed}.", "Ask for a token that carries it.")
    if found.place == "kernel" and not call.session.in_kernel:
        raise UsageError(
            f"{found.command} works on a notebook's live kernel, and this process isn't one.",
            f"Run it in a notebook cell: %mc {found.command}",
        )
    if found.needs_settings:
        call.session.settings.check()


def run(found: Operation, call: Call, arguments: Mapping[str, Any]) -> Any:
    """Execute an operation: who may, which values, the guard, the audit, errors of ours only.

    Raises:
        ModelCypherError: whatever goes wrong; InternalError for a fault of ours, with the cause chained.
    """
    started = time.perf_counter()
    outcome = "interrupted"  # unless it comes to an end: Ctrl-C and the like pass through
    is_audited = call.is_assistant or found.effect != "read"
    if is_audited:
        call.session.home  # noqa: B018 - opened before the work: where it can't be, nothing is done unrecorded
    try:
        _allowed(found, call)
        facts = found.function(call, **checked(found, arguments))
        outcome = "done"
        return facts  # noqa: TRY300 - an else would be the outcome's own branch
    except ModelCypherError as error:
        error.problem, error.remedy = redact(error.problem), redact(error.remedy)
        outcome = f"{type(error).__name__}: {error.problem}"
        call.refused(error)
        raise
    except Exception as error:
        outcome = f"InternalError: {type(error).__name__}"
        raise InternalError(
            f"{found.command} failed inside: {type(error).__name__}: {shown(error)}.",
            "This is a fault of modelcypher_nb: please report it with the command that shows it.",
        ) from error
    finally:
        if is_audited:
            _audit(found, call, arguments, outcome, (time.perf_counter() - started) * 1000)


def _audit(found: Operation, call: Call, arguments: Mapping[str, Any], outcome: str, milliseconds: float) -> None:
    try:
        call.audit(found, arguments, outcome, milliseconds)
    except ModelCypherError as error:
        if outcome == "done":  # or else a person repeats what was done already
            error.problem = f"{found.command} is done, but isn't in the audit log: {error.problem}"
            error.remedy = "Don't repeat it. See what the toolkit's home lacks with: mc doctor"
        raise
