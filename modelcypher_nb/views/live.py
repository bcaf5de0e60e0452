"""A displayed object while its kernel lives: snapshots for views that join, changes for all, actions from buttons."""

from __future__ import annotations

import contextvars
import logging
import threading
from collections.abc import Mapping
from typing import Any

from ..errors import InternalError, ModelCypherError, UsageError
from ..guard.secrets import shown
from .channel import Channel, Points, points_message
from .messages import ViewName

__all__ = ["Shown"]

MOST_CHANNELS = 50  # of one object
MOST_ACTIONS = 16  # at work at once

log = logging.getLogger(__name__)


class Shown:
    """A displayed object. Subclasses say what it is; this class keeps the views of it in step.

    Args:
        view: which view draws it.
        key: its id in this kernel.
    """

    def __init__(self, view: ViewName, key: str) -> None:
        self.view = view
        self.key = key
        self.lock = threading.RLock()
        self.channels: list[Channel] = []
        self._known: dict[str, Any] = {}
        self._offered: list[str] = []
        self._at_work = 0

    def now(self, *, whole: bool) -> tuple[Points, dict[str, Any]]:
        """Points added since the last call, and the data as of this very moment.

        Args:
            whole: whether the data holds everything, for a snapshot, or may leave `series` out.
        """
        raise NotImplementedError

    def actions(self) -> list[str]:
        """What a person may do to it now."""
        return []

    def act(self, action: str, arguments: dict[str, Any]) -> str | None:
        """Do it; gives a sentence for the person, or None."""
        raise NotImplementedError

    def tend(self) -> bool:
        """Look after its output at each tick; gives whether that is needed again."""
        return False

    def join(self, channel: Channel) -> None:
        """Give a view its snapshot, and from then on every change."""
        with self.lock:
            self.channels = [one for one in self.channels if not one.is_of(channel)][1 - MOST_CHANNELS :]
            points, data = self.now(whole=True)
            self._tell(points, data)
            self.channels.append(channel)
            channel.send_next({"type": "snapshot", "data": data, "actions": self._offered})

    def leave(self, channel: Channel) -> None:
        """Forget a view."""
        with self.lock:
            self.channels = [one for one in self.channels if one is not channel]

    def push(self) -> None:
        """Send what changed to every view that listens."""
        with self.lock:
            if self.channels:
                self._tell(*self.now(whole=False))

    def _tell(self, points: Points, data: dict[str, Any]) -> None:
        message, buffer = points_message(points)
        changed = self._changed(data)
        for channel in self.channels:
            if channel.given_up():
                continue
            if message is not None:
                channel.send_next(message, [buffer])
            if changed:
                channel.send_next(changed)

    def _changed(self, data: dict[str, Any]) -> dict[str, Any]:
        """A facts message of the keys that changed, or an empty one."""
        news = {
            key: value
            for key, value in data.items()
            if key != "series" and not (self._known.get(key) is value or self._known.get(key) == value)
        }
        self._known |= news
        before, self._offered = self._offered, self.actions()
        if not news and before == self._offered:
            return {}
        moved = {"actions": self._offered} if before != self._offered else {}
        return {"type": "facts", "data": news, **moved}

    def receive(self, channel: Channel, message: Mapping[str, Any]) -> None:
        """Take a view's message; on a thread that may not wait, so that work is given to another."""
        kind, revived = message.get("type"), channel.heard()
        if kind == "ask" or revived:
            self.join(channel)
        if kind == "action":
            self._start(channel, message)

    def _start(self, channel: Channel, message: Mapping[str, Any]) -> None:
        token, action = shown(message.get("token", ""), 100), shown(message.get("action", ""), 40)
        arguments = message.get("arguments")
        given = dict(arguments) if isinstance(arguments, Mapping) else {}
        channel.send({"type": "received", "token": token})
        with self.lock:
            if self._at_work >= MOST_ACTIONS:
                busy = UsageError("Too many requests are being worked on.", "Wait for the earlier ones.")
                channel.send(_refusal(token, busy))
                return
            self._at_work += 1
        here = contextvars.copy_context()  # what the action publishes belongs to the message that asked for it
        job = (self._work, channel, token, action, given)
        threading.Thread(target=here.run, args=job, name=f"modelcypher-{action}", daemon=True).start()

    def _work(self, channel: Channel, token: str, action: str, arguments: dict[str, Any]) -> None:
        try:
            text = self._done(action, arguments)
        except ModelCypherError as error:
            reply = _refusal(token, error)
        else:
            reply = {"type": "reply", "token": token, "ok": True, **({"text": text} if text else {})}
        finally:
            with self.lock:
                self._at_work -= 1
        self.push()
        channel.send(reply)

    def _done(self, action: str, arguments: dict[str, Any]) -> str | None:
        if action not in self.actions():
            raise UsageError(f"'{action}' isn't possible now.", "Run the cell again to see the object as it is.")
        try:
            return self.act(action, arguments)
        except ModelCypherError:
            raise
        except Exception as error:
            log.exception("The action %s failed inside", action)
            raise InternalError(
                f"{action} failed inside: {type(error).__name__}: {shown(error)}.",
                "This is a fault of modelcypher_nb: please report it with the kernel's log.",
            ) from error


def _refusal(token: str, error: ModelCypherError) -> dict[str, Any]:
    problem, remedy = shown(error.problem, 2000), shown(error.remedy, 2000)
    return {"type": "reply", "token": token, "ok": False, "problem": problem, "remedy": remedy}
