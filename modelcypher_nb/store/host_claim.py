"""One host at a time on a home folder of a network file system: a claim with a heartbeat."""

from __future__ import annotations

import json
import math
import os
import time
from typing import TYPE_CHECKING, Any

from ..errors import ConflictError
from ..guard.secrets import shown

if TYPE_CHECKING:
    from ..guard.safe_path import SafePath

__all__ = ["HostClaim"]

CLAIM_NAME = "host.json"
LOCK_NAME = "host.lock"
CLAIM_LIMIT_BYTES = 4096
BEAT_SECONDS = 10.0
# A host that wrote nothing for this long has left: its next use of the home finds out who came.
SILENCE_SECONDS = 60.0


class HostClaim:
    """This host's claim on a home folder that several hosts can see, renewed with use.

    Locks and shared memory of a network file system can't be relied on across hosts, so two hosts never use one
    catalog at a time.

    Args:
        home: the home folder.
        host: this machine's name; its own where None.
    """

    def __init__(self, home: SafePath, host: str | None = None) -> None:
        self._home = home
        self._host = host or os.uname().nodename
        self._next = -math.inf

    def renew(self) -> None:
        """Claim the home, or renew the claim where it is due.

        Raises:
            ConflictError: another host uses it.
        """
        if time.monotonic() < self._next:
            return
        with self._home.lock(LOCK_NAME):
            claim = self._read()
            age = time.time() - float(claim.get("heartbeat", -math.inf))
            other = claim.get("host", self._host)
            if other != self._host and age < SILENCE_SECONDS:
                raise ConflictError(
                    f"The home folder {self._home.display} is on a network file system, and the host "
                    f"{shown(other, 80)} used it {max(0, age):.0f} seconds ago.",
                    f"Work on that host, or wait {SILENCE_SECONDS:.0f} seconds after its last use, or set "
                    "MODELCYPHER_NB_HOME to a folder of this machine.",
                )
            with self._home.replace(CLAIM_NAME) as file:
                file.write(json.dumps({"host": self._host, "heartbeat": time.time()}).encode())
        self._next = time.monotonic() + BEAT_SECONDS

    def _read(self) -> dict[str, Any]:
        if not any(entry.name == CLAIM_NAME for entry in self._home.list()):
            return {}
        with self._home / CLAIM_NAME as safe:
            try:
                content = json.loads(safe.read_bytes(CLAIM_LIMIT_BYTES))
            except ValueError:
                return {}  # not ours: a claim that says nothing holds nothing
        return content if isinstance(content, dict) else {}
