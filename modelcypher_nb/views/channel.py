"""One view's wire: sequence numbers, signs of life, and the binary form of points."""

from __future__ import annotations

import contextvars
import sys
import time
from array import array
from collections.abc import Callable, Mapping, Sequence
from typing import Any

__all__ = ["Channel", "Points", "Publish", "in_this_context", "points_message", "unbind"]

SILENCE_SECONDS = 30.0  # without an acknowledgement, while messages were sent

# For each series the steps and the values that were added, equally many of each.
Points = Mapping[str, tuple[Sequence[float], Sequence[float]]]
Publish = Callable[[dict[str, Any], list[bytes] | None], None]


def unbind(comm: Any) -> None:
    """Let clicks pass a busy cell.

    ipykernel 7.4 hands a comm's messages to the shell of the comm's last publish, which may be the busy one. There is
    no public way to say otherwise, so the attribute is looked for: other versions don't have it.
    """
    if hasattr(comm, "_reply_subshell_for"):
        comm._reply_subshell_for = None  # noqa: SLF001 - as above


class Channel:
    """One view's wire.

    Args:
        publish: sends a message and its buffers; callable from any thread.
        client: the view's own id.
    """

    def __init__(self, publish: Publish, client: str = "") -> None:
        self._publish = publish
        self.client = client
        self.sequence = 0
        self.quiet = False
        self._waiting_since: float | None = None

    def send(self, message: dict[str, Any]) -> None:
        """Send a message that has no place in the sequence."""
        self._publish(message, None)

    def send_next(self, message: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        """Send the next message of the sequence."""
        self.sequence += 1
        if self._waiting_since is None:
            self._waiting_since = time.monotonic()
        self._publish({**message, "seq": self.sequence}, buffers)

    def heard(self) -> bool:
        """Note a sign of life; gives whether the view had been given up."""
        self._waiting_since = None
        was_quiet, self.quiet = self.quiet, False
        return was_quiet

    def given_up(self) -> bool:
        """Whether nothing more is sent, because nobody has acknowledged anything for long.

        A page that was closed or reloaded closes no comm. One in a background tab answers late, and then gets a
        snapshot.
        """
        if self._waiting_since is not None and time.monotonic() - self._waiting_since > SILENCE_SECONDS:
            self.quiet = True
        return self.quiet

    def is_of(self, other: Channel) -> bool:
        """Whether both belong to one view, which opened its wire anew."""
        return self is other or (bool(self.client) and self.client == other.client)


def in_this_context(send: Callable[..., None]) -> Publish:
    """A publisher that sends as if from here: ipykernel 7.0 finds no parent message in threads of our own."""
    context = contextvars.copy_context()
    return lambda message, buffers: context.copy().run(send, message, buffers=buffers)


def points_message(points: Points) -> tuple[dict[str, Any] | None, bytes]:
    """The points message and its buffer: for each series all steps, then all values, little-endian float64."""
    entries, columns = [], array("d")
    for name, (steps, values) in points.items():
        if len(steps):
            entries.append({"name": name, "count": len(steps)})
            columns.extend(steps)
            columns.extend(values)
    if not entries:
        return None, b""
    if sys.byteorder == "big":
        columns.byteswap()
    return {"type": "points", "series": entries}, columns.tobytes()
