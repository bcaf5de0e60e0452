"""JSON from a file, read so that no other reader can see something else in it."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from ..errors import MalformedError
from ..guard.secrets import shown
from .remedies import FETCH_AGAIN

__all__ = ["parse"]


class _FaultError(Exception):
    """What a hook found; becomes a MalformedError with the file's label."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise _FaultError(f"holds the key '{shown(name, 80)}' twice in one object")
            seen.add(name)
    return result


def _no_constant(text: str) -> NoReturn:
    raise _FaultError(f"holds {text}, which is no JSON")


def parse(data: bytes, label: str, *, constants: bool = False) -> Any:
    """Parse a whole JSON text.

    Args:
        data: the UTF-8 text; the caller bounds its length.
        label: what to call it in messages, as the subject of a sentence.
        constants: whether NaN and Infinity are let through, as Python's own writer emits them.

    Raises:
        MalformedError: it is no JSON, or a key stands twice in one object.
    """
    hooks: dict[str, Any] = {} if constants else {"parse_constant": _no_constant}
    try:
        text = data.decode("utf-8")
        value = json.loads(text, object_pairs_hook=_unique, **hooks)
        if "\\ud" in text or "\\uD" in text:
            json.dumps(value, ensure_ascii=False).encode()  # an escaped half of a surrogate pair is no text
    except _FaultError as error:
        raise MalformedError(f"{label} {error}.", FETCH_AGAIN) from None
    except UnicodeDecodeError as error:
        raise MalformedError(f"{label} isn't UTF-8 at byte {error.start}.", FETCH_AGAIN) from error
    except UnicodeEncodeError as error:
        raise MalformedError(f"{label} holds half of a surrogate pair, which is no text.", FETCH_AGAIN) from error
    except json.JSONDecodeError as error:
        raise MalformedError(f"{label} isn't JSON at character {error.pos}: {error.msg}.", FETCH_AGAIN) from error
    except RecursionError as error:
        raise MalformedError(f"{label} nests deeper than any real file does.", FETCH_AGAIN) from error
    except ValueError as error:  # a number of more digits than Python converts
        raise MalformedError(f"{label} holds a number of absurd length.", FETCH_AGAIN) from error
    return value
