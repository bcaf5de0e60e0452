"""Every displayed object of a session by its id, and the one thread that keeps their views up to date."""

from __future__ import annotations

import hmac
import logging
import os
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, TypeVar

from ..guard.secrets import shown
from ..operations.session import Session, current
from .channel import Channel, in_this_context, unbind
from .live import Shown
from .messages import COMM_TARGET

__all__ = ["Hub", "hub"]

TICK_SECONDS = 0.1
MOST_SHOWN = 200  # objects that may be asked for; the oldest display goes first

log = logging.getLogger(__name__)
Kind = TypeVar("Kind", bound=Shown)


class Hub:
    """The displayed objects of one session."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._shown: OrderedDict[str, Shown] = OrderedDict()
        self._tended: dict[str, Shown] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        if session.in_kernel:
            import comm

            comm.get_comm_manager().register_target(COMM_TARGET, self.opened)

    def add(self, made: Kind) -> Kind:
        """Let an object be asked for; gives the one that bears its id already, where there is one."""
        with self._lock:
            known = self._shown.get(made.key)
            if known is None or type(known) is not type(made):
                known = self._shown[made.key] = made
            self._shown.move_to_end(made.key)
            if len(self._shown) > MOST_SHOWN:
                # The oldest that nobody looks at; where all are looked at, the oldest of all but this one.
                idle = (key for key, one in self._shown.items() if not one.channels and one is not known)
                del self._shown[next(idle, next(iter(self._shown)))]
        assert isinstance(known, type(made))  # noqa: S101 - the branch above says so
        return known

    def known(self, key: str) -> Shown | None:
        """The object of that id."""
        return self._shown.get(key)

    def find(self, view: object, key: object, nonce: object) -> Shown | None:
        """The object that a view names, if this kernel displayed it; a forged or foreign name finds nothing."""
        if not (isinstance(key, str) and isinstance(nonce, str)):
            return None
        if not hmac.compare_digest(nonce.encode("utf-8", "replace"), self.session.nonce.encode()):
            return None
        found = self._shown.get(key)
        return found if found is not None and found.view == view else None

    def tend(self, made: Shown) -> None:
        """Have an object's output looked after until it needs no more."""
        with self._lock:
            self._tended[made.key] = made
        self.wake()

    def wake(self) -> None:
        """Have the pump running."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._pump, name="modelcypher-views", daemon=True)
                self._thread.start()

    def opened(self, comm: Any, message: Mapping[str, Any]) -> None:
        """A view of the JupyterLab extension asks for an object over a comm of its own."""
        unbind(comm)
        data = _content(message)
        found = self.find(data.get("view"), data.get("id"), data.get("nonce"))
        if found is None:
            comm.send({"type": "refused"})
            comm.close()
            return
        channel = Channel(in_this_context(comm.send), shown(data.get("clientId", ""), 80))
        comm.on_msg(lambda received: found.receive(channel, _content(received)))
        comm.on_close(lambda _: found.leave(channel))
        found.join(channel)
        self.wake()

    def _pump(self) -> None:
        tick = threading.Event()
        while True:
            tick.wait(TICK_SECONDS)
            with self._lock:
                looked_at = {key: one for key, one in self._shown.items() if one.channels}
                work = list({**self._tended, **looked_at}.values())
                if not work:
                    self._thread = None
                    return
            for one in work:
                self._serve(one)

    def _serve(self, one: Shown) -> None:
        try:
            one.push()
            wanted = one.key in self._tended and one.tend()
        except Exception:  # one object's trouble (a full disk, a file that went) must not silence the others
            log.exception("The view of %s is not kept up to date any more", shown(one.key, 80))
            wanted, one.channels = False, []
        if not wanted:
            with self._lock:
                self._tended.pop(one.key, None)


def _content(message: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a comm's message carries; a stranger's may be of any shape."""
    data = message.get("content", {}).get("data")
    return data if isinstance(data, Mapping) else {}


_hub: Hub | None = None
_making = threading.Lock()


def hub() -> Hub:
    """The hub of this process's session."""
    global _hub  # noqa: PLW0603 - one a session, as the session is one a process
    session = current()
    with _making:
        if _hub is None or _hub.session is not session:
            _hub = Hub(session)
        return _hub


def _after_fork() -> None:
    """A child has neither the thread nor the kernel's sockets."""
    global _hub, _making
    _hub, _making = None, threading.Lock()


os.register_at_fork(after_in_child=_after_fork)
