"""Names that come out of a file (shards, archive members), judged under POSIX and Windows grammar alike."""

from __future__ import annotations

import re

from ..errors import PathRefusedError
from .secrets import DECEIVING, shown

__all__ = ["components"]

# Windows opens a device for these names, whatever extension follows.
DEVICES = frozenset(
    ["con", "prn", "aux", "nul", "conin$", "conout$"]
    + [f"{port}{digit}" for port in ("com", "lpt") for digit in "0123456789¹²³"]
)
WINDOWS_CHARACTERS = frozenset('\\:*?"<>|')
LONGEST_NAME_BYTES = 255


def _fault(component: str) -> str | None:
    faults = {
        "a part of it is empty, '.' or '..'": component in {"", ".", ".."},
        "a part of it is longer than 255 bytes": len(component.encode("utf-8", "surrogatepass")) > LONGEST_NAME_BYTES,
        "it holds control or invisible characters": DECEIVING.search(component) is not None,
        "it holds a character that is a separator, a drive, a stream or a wildcard on Windows": bool(
            WINDOWS_CHARACTERS.intersection(component)
        ),
        "a part of it ends in a dot or a space": component.endswith((".", " ")),
        "a part of it names a device on Windows": component.split(".", 1)[0].rstrip(" ").lower() in DEVICES,
    }
    return next((fault for fault, holds in faults.items() if holds), None)


# A component that no system reads in another way; whatever else it may be is judged one by one.
PLAIN = re.compile(r"[0-9A-Za-z_-]+(?:\.[0-9A-Za-z_-]+)*")


def components(name: str) -> tuple[str, ...]:
    """Split a relative name into its components.

    Raises:
        PathRefusedError: the name is absolute, leaves its folder, or means different things on different systems.
    """
    parts = tuple(name.split("/"))
    for part in parts:
        if PLAIN.fullmatch(part) and len(part) <= LONGEST_NAME_BYTES and part.split(".", 1)[0].lower() not in DEVICES:
            continue
        fault = _fault(part)
        if fault is not None:
            raise PathRefusedError(
                f"The name '{shown(name, 80)}' is refused: {fault}.",
                "A name inside a model may only point to a file in the model's own folder: fetch the model again.",
            )
    return parts
