"""The control of this kernel's server: one a kernel, started and stopped any number of times."""

from __future__ import annotations

import atexit
import os
import threading
from typing import TYPE_CHECKING

from ...errors import ConflictError, ModelCypherError, ServerError, SettingError
from ...guard.secrets import shown
from ...operations.facts import ServerConfig, ServerFacts
from . import discovery, snippets
from .discovery import Connection
from .http import HOST, HttpServer
from .limiter import Limiter
from .tokens import LaunchToken

if TYPE_CHECKING:
    from ...operations.session import Session
    from ...settings import SettingValue

__all__ = ["Control", "control"]

MODE = "launch token"
CLIENTS_KEPT = 32
# Settings whose part isn't built: where one is set, the person counts on it, so the server doesn't start without it.
NOT_BUILT = (
    "mcp_public_url", "mcp_tls_cert", "mcp_tls_key", "mcp_auth_issuer", "mcp_auth_audience", "mcp_auth_jwks_uri",
    "mcp_auth_introspection_uri", "mcp_auth_introspection_client_id", "mcp_auth_introspection_client_secret",
    "mcp_auth_leeway", "mcp_confirmation_mode",
)  # fmt: skip
# What tells one way of serving from another.
ASKED = ("mcp_profile", "mcp_port", "mcp_rate", "mcp_burst")


def _refuse(entry: SettingValue, what: str) -> SettingError:
    value = "set" if entry.secret else f"'{shown(entry.value, 80)}'"
    return SettingError(
        f"{entry.variable} is {value} ({entry.origin}), but {what}.",
        f"Unset {entry.variable}, then start again: the server takes its launch token, on {HOST} only.",
    )


def check_built(session: Session) -> None:
    """Refuse settings that ask for what this version doesn't have; nothing weaker is ever started in their place.

    Raises:
        SettingError: one is set.
    """
    settings = session.settings
    settings.check()
    if settings["mcp_auth_enabled"]:
        raise _refuse(settings.entry("mcp_auth_enabled"), "this version has no OAuth")
    if settings["mcp_host"] != HOST:
        raise _refuse(settings.entry("mcp_host"), "this version listens on this machine only")
    if not settings["mcp_require_confirmation"]:
        raise _refuse(settings.entry("mcp_require_confirmation"), "this version offers no destructive tool to confirm")
    for key in NOT_BUILT:
        entry = settings.entry(key)
        if entry.origin != "default":
            raise _refuse(entry, "this version doesn't have what it asks for")


class Running:
    """A started server: its token, its tools, who called."""

    def __init__(self, session: Session) -> None:
        from .server import McpApp

        settings = session.settings
        self.home = session.home_path
        self.asked = {key: settings[key] for key in ASKED}
        self.profile: str = settings["mcp_profile"]
        self.clients: dict[str, None] = {}  # an ordered set: who called, the last of them last
        self.calls = 0
        self._token = LaunchToken()
        self._home = session.home
        app = McpApp(session, self.profile, self._called)
        self.tools = app.tools
        limiter = Limiter(settings["mcp_rate"], settings["mcp_burst"])
        self.http = HttpServer(app.server(), settings["mcp_port"], self._token.matches, limiter)
        self.http.start()
        try:
            self._entry = discovery.publish(self._home, self.http.url, self._token.reveal(), self.profile, self.tools)
        except BaseException:
            self.http.stop()
            raise

    def _called(self, name: str) -> None:
        """Count a call; only the event loop's thread comes here."""
        self.calls += 1
        self.clients.pop(shown(name, 60), None)
        self.clients[shown(name, 60)] = None
        if len(self.clients) > CLIENTS_KEPT:
            del self.clients[next(iter(self.clients))]

    def stop(self) -> None:
        """Withdraw the file first: nobody is led to a server that is about to go."""
        self._token.revoke()
        try:
            discovery.withdraw(self._home, self._entry)
        finally:
            self.http.stop()

    @property
    def connection(self) -> Connection:
        """What a client needs to call."""
        return self._entry.connection

    def facts(self) -> ServerFacts:
        """What people may know of it."""
        return ServerFacts(
            "running", self.profile, MODE, self.tools, self.http.address, tuple(self.clients), self.calls
        )


class Control:
    """Starts and stops the server of this process; in another process it says what runs on the same home."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: Running | None = None
        os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        """A forked child has no server, and must not take the parent's file away when it ends."""
        self._lock = threading.Lock()
        self._running = None

    def start(self, session: Session) -> ServerFacts:
        """Start the server, or give the running one.

        Raises:
            SettingError: a setting asks for what isn't built.
            ConflictError: one runs with other settings.
            ServerError: it can't listen, or didn't come up.
        """
        check_built(session)
        with self._lock:
            if self._alive() is None:
                self._end()  # what is left of one whose thread died
                self._running = Running(session)
                atexit.unregister(self._end)
                atexit.register(self._end)
            running = self._running
            assert running is not None  # noqa: S101 - made above
            self._same(running, session)
            return running.facts()

    def _same(self, running: Running, session: Session) -> None:
        wanted = {key: session.settings[key] for key in ASKED}
        other = [key for key in ASKED if wanted[key] != running.asked[key]]
        if other or running.home != session.home_path:
            names = ", ".join(session.settings.entry(key).variable for key in other) or "MODELCYPHER_NB_HOME"
            raise ConflictError(
                f"The server runs already, with other settings ({names}).", "Stop it first, then start it: %mc mcp stop"
            )

    def stop(self, session: Session) -> ServerFacts:
        """Stop the server; harmless when none runs."""
        with self._lock:
            running, self._running = self._running, None
            if running is not None:
                running.stop()
        return self._stopped(session)

    def status(self, session: Session) -> ServerFacts:
        """What runs here; in a process that is no kernel, what the newest kernel on the same home serves."""
        running = self._alive()
        if running is not None:
            return running.facts()
        entry = None if session.in_kernel else discovery.newest(session.home)
        if entry is None:
            return self._stopped(session)
        address = entry.url.removeprefix("http://").partition("/")[0]
        return ServerFacts("running", entry.profile, MODE, entry.tools, address)

    def config(self, session: Session, client: str | None) -> ServerConfig:  # noqa: ARG002 - the protocol's
        """Snippets for clients; they hold neither address nor token."""
        return ServerConfig(snippets.snippets(client), snippets.NOTE)

    def connection(self) -> Connection:
        """How to call this process's own server; its text shows neither address nor token.

        Raises:
            ServerError: none runs.
        """
        running = self._alive()
        if running is None:
            raise ServerError("No server runs in this process.", "Start it: %mc mcp start")
        return running.connection

    def _alive(self) -> Running | None:
        running = self._running
        return running if running is not None and running.http.running else None

    def _stopped(self, session: Session) -> ServerFacts:
        from .tools import offered

        profile = session.settings["mcp_profile"]
        return ServerFacts("stopped", profile, MODE, tuple(operation.tool for operation in offered(profile)))

    def _end(self) -> None:
        """At the process's end: no port, thread or file stays behind."""
        running, self._running = self._running, None
        if running is not None:
            try:
                running.stop()
            except ModelCypherError:
                return  # the home is gone with its files; nobody is left to tell


control = Control()
