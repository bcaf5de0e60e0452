"""The tools of a profile, made mechanically from OPERATIONS; an answer is facts, an error two sentences."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...errors import InternalError, ModelCypherError, UnknownIdError, UsageError
from ...guard.secrets import shown
from ...operations import names
from ...operations.operation import Operation, find, run
from ...operations.wire import camel, wire
from .answers import fitted, harmless, serialised
from .schemas import input_schema, output_schema

if TYPE_CHECKING:
    from mcp.types import CallToolResult, Tool

    from ...operations.session import Call

__all__ = ["Toolbox", "answer", "offered"]


def _never(operation: Operation) -> bool:
    """What no profile offers: what a person must do, what destroys (until confirmation exists), what a shell does."""
    return operation.people_only or operation.effect == "destroy" or operation.place == "shell"


def offered(profile: str) -> tuple[Operation, ...]:
    """The operations that a profile's assistants get, in the product's order."""
    everything = [operation for name in names() if not _never(operation := find(name))]
    if profile == "full":
        return tuple(everything)
    chosen = [operation for operation in everything if profile in operation.profiles]
    if profile == "monitoring":
        chosen = [operation for operation in chosen if operation.effect == "read"]
    return tuple(chosen)


def _tool(operation: Operation) -> Tool:
    from mcp.types import Tool, ToolAnnotations

    return Tool(
        name=operation.tool,
        description=operation.description,
        input_schema=input_schema(operation),
        output_schema=output_schema(operation),
        # All four are said: a client takes a hint that is left out for the worse of its values.
        annotations=ToolAnnotations(
            read_only_hint=operation.effect == "read",
            destructive_hint=operation.effect == "destroy",
            idempotent_hint=operation.idempotent,
            open_world_hint=operation.reaches_network,
        ),
    )


def _failed(error: ModelCypherError) -> CallToolResult:
    from mcp.types import CallToolResult, TextContent

    return CallToolResult(content=[TextContent(type="text", text=shown(error, 2000))], is_error=True)


class Toolbox:
    """The tools of one profile, and what happens when one is called."""

    def __init__(self, profile: str) -> None:
        self.profile = profile
        self._operations = {operation.tool: operation for operation in offered(profile)}
        self.listed: tuple[Tool, ...] = tuple(_tool(operation) for operation in self._operations.values())

    @property
    def names(self) -> tuple[str, ...]:
        """The tools' names."""
        return tuple(self._operations)

    def schema(self, tool: str) -> Mapping[str, Any] | None:
        """What a tool takes, or None where there is no such tool."""
        return next((item.input_schema for item in self.listed if item.name == tool), None)

    def call(self, call: Call, tool: str, arguments: Mapping[str, Any]) -> CallToolResult:
        """Use a tool; every failure is an answer of two sentences, never an exception."""
        from mcp.types import CallToolResult, TextContent

        try:
            facts = self._facts(call, tool, arguments)
        except ModelCypherError as error:
            return _failed(error)
        except BaseException as error:  # noqa: BLE001 - a SystemExit of anyone's must not end the server's thread
            kind = type(error).__name__
            return _failed(
                InternalError(f"{shown(tool, 80)} failed inside: {kind}.", "Please report it with the call.")
            )
        return CallToolResult(content=[TextContent(type="text", text=serialised(facts))], structured_content=facts)

    def _facts(self, call: Call, tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        operation = self._operations.get(tool)
        if operation is None:
            raise UnknownIdError(
                f"There is no tool '{shown(tool, 80)}' in the profile {self.profile}.",
                f"The tools are: {', '.join(self.names)}.",
            )
        facts = answer(operation, call, arguments)
        return fitted(facts, arguments.get("cursor"))


def answer(operation: Operation, call: Call, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """An operation's facts as JSON, asked for with the names that the wire has."""
    python_names = {camel(item.name): item.name for item in operation.parameters}
    unknown = [name for name in arguments if name not in python_names]
    try:
        facts = run(operation, call, {python_names.get(name, name): value for name, value in arguments.items()})
    except UsageError as error:
        if unknown:
            error.problem = f"{operation.tool} has no parameter '{shown(unknown[0], 60)}'."
            error.remedy = f"It takes: {', '.join(python_names) or 'nothing'}."
        for wire_name, python_name in python_names.items():  # the executor names parameters as Python does
            error.problem = re.sub(rf"\b{python_name}\b", wire_name, error.problem)
        raise
    answered: dict[str, Any] = harmless(wire(operation, facts))
    return answered
