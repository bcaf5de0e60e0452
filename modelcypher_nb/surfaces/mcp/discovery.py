"""Discovery: how a process of the same user finds a kernel's server without a port or a token in any configuration.

`python -m modelcypher_nb.surfaces.mcp.discovery --shell` prints the address and the token for the shell that asks.
"""

from __future__ import annotations

import os
import secrets
import socket
import stat
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...errors import MalformedError, MissingFileError, ModelCypherError, PathRefusedError, ServerError, UsageError
from ...formats import strict_json
from ...operations.wire import plain
from ...store.records import JobOwner
from ...training.ownership import is_alive, this_process

if TYPE_CHECKING:
    from ...guard.safe_path import SafePath
    from ...operations.session import Session

__all__ = ["Connection", "Entry", "connection", "newest", "publish", "withdraw"]

SCHEMA = "mc.mcp.discovery.v1"
FOLDER = "mcp"
SUFFIX = ".json"
ENTRY_BYTES = 16 << 10

USAGE = "usage: python -m modelcypher_nb.surfaces.mcp.discovery --shell | --headers"


@dataclass(frozen=True, slots=True)
class Connection:
    """What a client needs to call; neither part shows in its text."""

    url: str = field(repr=False)
    headers: dict[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Entry:
    """A running server as its file tells of it.

    Attributes:
        nonce: of the kernel's session; the file bears it as its name.
        owner: the process that serves.
    """

    nonce: str
    owner: JobOwner
    profile: str
    started_at: float
    tools: tuple[str, ...]
    url: str = field(repr=False)
    token: str = field(repr=False)

    @property
    def connection(self) -> Connection:
        """What a client needs to call it."""
        return Connection(self.url, {"Authorization": f"Bearer {self.token}"})


def publish(home: SafePath, url: str, token: str, profile: str, tools: tuple[str, ...]) -> Entry:
    """Write the file of a server that just started: new, readable for its owner alone.

    Files of processes that are gone are swept away first.
    """
    import json

    entry = Entry(secrets.token_hex(16), this_process(), profile, time.time(), tools, url, token)
    # Not `plain`, for the one field that is meant to leave: the token, which everything else redacts.
    content = {"_schema": SCHEMA, "nonce": entry.nonce, "owner": plain(entry.owner), "profile": profile}
    content |= {"startedAt": entry.started_at, "tools": list(tools), "url": url, "token": token}
    with home.folder(FOLDER) as folder:
        _sweep(folder)
        with folder.create(entry.nonce + SUFFIX) as file:
            os.fchmod(file.fileno(), stat.S_IRUSR | stat.S_IWUSR)  # before the first byte is in it
            file.write(json.dumps(content).encode())
    return entry


def withdraw(home: SafePath, entry: Entry) -> None:
    """Remove the file of a server that stopped; one that is gone already is as good."""
    with home.folder(FOLDER) as folder:
        _remove(folder, entry.nonce + SUFFIX)


def newest(home: SafePath) -> Entry | None:
    """The server that started last among those that run, or None."""
    if not any(entry.name == FOLDER for entry in home.list()):
        return None  # asking makes no folder
    with home / FOLDER as folder:
        entries = [entry for name in _names(folder) if (entry := _read(folder, name)) is not None]
    return max(entries, key=lambda entry: entry.started_at, default=None)


def connection(session: Session | None = None) -> Connection:
    """How to call the newest server on this home, for a client in a process of its own.

    Raises:
        ServerError: none runs.
    """
    if session is None:
        from ...operations.session import current

        session = current()
    entry = newest(session.home)
    if entry is None:
        raise ServerError(
            "No notebook serves assistants on this home.", "Start the server in a notebook cell: %mc mcp start"
        )
    return entry.connection


def _names(folder: SafePath) -> list[str]:
    return [entry.name for entry in folder.list() if entry.is_file and entry.name.endswith(SUFFIX)]


def _read(folder: SafePath, name: str) -> Entry | None:
    """A live server's entry; None for a file that isn't ours alone, whose process is gone, or that vanished."""
    try:
        with folder / name as safe:
            status = os.fstat(safe.fileno())
            if status.st_uid != os.getuid() or stat.S_IMODE(status.st_mode) & 0o077:
                return None  # whoever wrote it could lead a client, and the person's words, to their own server
            entry = _parsed(strict_json.parse(safe.read_bytes(ENTRY_BYTES), name))
    except (MissingFileError, MalformedError, PathRefusedError):
        return None
    if entry is None or entry.owner.host != socket.gethostname():
        return None  # the address is a loopback address: on another host it means another server
    return entry if is_alive(entry.owner) else None


def _parsed(content: Any) -> Entry | None:
    if not isinstance(content, dict) or content.get("_schema") != SCHEMA:
        return None
    try:
        owner = content["owner"]
        return Entry(
            nonce=str(content["nonce"]),
            owner=JobOwner(owner["host"], owner["bootId"], owner["pid"], owner["startTime"], owner["heartbeat"]),
            profile=str(content["profile"]),
            started_at=float(content["startedAt"]),
            tools=tuple(content["tools"]),
            url=str(content["url"]),
            token=str(content["token"]),
        )
    except (KeyError, TypeError, ValueError):
        return None


def _sweep(folder: SafePath) -> None:
    for name in _names(folder):
        if _read(folder, name) is None:
            _remove(folder, name)


def _remove(folder: SafePath, name: str) -> None:
    try:
        with folder / name as safe:
            folder.delete(safe)
    except (MissingFileError, PathRefusedError):
        return  # gone, or no longer what it was: either way it isn't this server's any more


def main(arguments: list[str]) -> int:
    """Print the newest server's address and token in the form that was asked for."""
    import json
    import shlex

    try:
        if arguments == ["--headers"]:
            text = json.dumps(connection().headers)
        elif arguments == ["--shell"]:
            found = connection()
            token = found.headers["Authorization"].removeprefix("Bearer ")
            variables = {"MODELCYPHER_MCP_URL": found.url, "MODELCYPHER_MCP_TOKEN": token}
            text = "\n".join(f"export {name}={shlex.quote(value)}" for name, value in variables.items())
        else:
            raise UsageError("Name one form of output.", USAGE)
    except ModelCypherError as error:
        sys.stderr.write(f"{error.problem}\n{error.remedy}\n")
        return error.exit_code
    sys.stdout.write(text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
