"""A notebook's outputs: publish one, replace one, and tell which cell is running."""

from __future__ import annotations

from typing import Any

from ..operations.session import current

__all__ = ["cell", "publish"]


def publish(bundle: dict[str, Any], name: str, *, update: bool = False) -> None:
    """Show a bundle in the running cell, or replace the outputs that bear its name."""
    from IPython import display

    show: Any = display.publish_display_data
    show(bundle, transient={"display_id": name}, update=update)


def cell() -> object:
    """What tells the running cell from every other; outside a kernel nothing equals it."""
    kernel = current().kernel
    if kernel is None:
        return object()
    # The request's id, not the execution count: a client may run cells without counting them.
    return kernel.get_parent("shell").get("header", {}).get("msg_id")
