"""Facts as JSON: camelCase, `_schema`, absent fields left out, secrets redacted, numbers that JSON has."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from functools import cache
from typing import Any

from ..guard.secrets import redact
from .operation import Operation

__all__ = ["camel", "plain", "wire"]


@cache
def camel(name: str) -> str:
    """`snake_case` to `camelCase`."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def plain(value: Any) -> Any:
    """Facts as JSON values; a field marked `wire: False` stays in the process, keys of mappings stay as they are."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        result = {}
        for item in dataclasses.fields(value):
            content = getattr(value, item.name)
            if content is not None and item.metadata.get("wire", True):
                result[camel(item.name)] = plain(content)
        return result
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    return value


def wire(operation: Operation, facts: Any) -> dict[str, Any]:
    """An operation's answer as every machine surface gives it."""
    return {"_schema": operation.schema, **plain(facts)}
