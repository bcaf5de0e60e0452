"""The HTTP server in its thread: a socket of our own, uvicorn on it, the gate before the app."""

from __future__ import annotations

import asyncio
import contextvars
import os
import socket
import threading
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...errors import ServerError
from .gate import PATH, Gate

if TYPE_CHECKING:
    import uvicorn
    from mcp.server.lowlevel.server import Server
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

    from .limiter import Limiter

__all__ = ["HOST", "HttpServer"]

HOST = "127.0.0.1"
SESSIONS = 64
BACKLOG = 64
START_SECONDS = 15.0
STOP_SECONDS = 5.0  # a long call is let go on then; its caller is gone, and the token with it
GRACE_SECONDS = 1  # for answers that are on their way when the server stops

_live: weakref.WeakSet[HttpServer] = weakref.WeakSet()


def _released_in_child() -> None:
    """A forked child (a data loader's worker) lets go of the sockets, or clients would hang on them after a stop."""
    for server in list(_live):
        server.release_in_child()


os.register_at_fork(after_in_child=_released_in_child)


def _listener(port: int | None) -> socket.socket:
    # IPPROTO_TCP must be named: asyncio switches Nagle's delay off (44 ms a call) only on sockets that say TCP.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # the port of a server that just stopped
        listener.bind((HOST, port or 0))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise ServerError(
            f"The server can't listen on {HOST}, port {port or 'any'}: {error.strerror}.",
            "Unset MC_MCP_PORT to take a free port, or stop the program that holds it.",
        ) from error
    return listener


class HttpServer:
    """One server on the loopback address, from `start` to `stop`.

    Args:
        app: the MCP server.
        port: the port, or None for a free one.
        matches: whether a token is the launch token.
        limiter: delays calls that come too fast.
    """

    def __init__(self, app: Server[Any], port: int | None, matches: Callable[[bytes], bool], limiter: Limiter) -> None:
        self._socket = _listener(port)
        self.address = f"{HOST}:{self._socket.getsockname()[1]}"
        self._manager = _manager(app)
        self._ready = threading.Event()
        self._uvicorn = _uvicorn(Gate(self._manager.asgi_app, self.address, matches, limiter), self._ready)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._failure: BaseException | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where clients call."""
        return f"http://{self.address}{PATH}"

    @property
    def running(self) -> bool:
        """Whether calls are answered."""
        return self._thread is not None and self._thread.is_alive() and self._uvicorn.started

    def start(self) -> None:
        """Serve from a thread of its own.

        Raises:
            ServerError: it didn't come up; the cause is chained.
        """
        # What the thread prints belongs to the cell that started it, not to whichever cell runs later.
        context = contextvars.copy_context()
        self._thread = threading.Thread(target=context.run, args=(self._run,), name="modelcypher-mcp", daemon=True)
        _live.add(self)
        try:
            self._thread.start()
            self._ready.wait(START_SECONDS)
        except BaseException:  # the Stop button, while this cell waits
            self.stop()
            raise
        if not self.running:
            self.stop()
            raise ServerError(
                "The MCP server didn't come up.", "Start it again: %mc mcp start. If that fails too, report the cause."
            ) from self._failure

    def stop(self) -> None:
        """End the sessions, close the sockets, wait for the thread; harmless when done twice."""
        loop, stopping = self._loop, self._stopping
        if loop is not None and stopping is not None and not loop.is_closed():
            loop.call_soon_threadsafe(stopping.set)
        try:
            if self._thread is not None and self._thread.ident is not None:
                self._thread.join(STOP_SECONDS)
        finally:  # the Stop button may end the wait
            self._socket.close()
            _live.discard(self)

    def release_in_child(self) -> None:
        """Close what a fork copied, in the child alone: the parent's connections live on."""
        self._socket.close()
        nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        for connection in list(self._uvicorn.server_state.connections):
            accepted = connection.transport.get_extra_info("socket")
            if accepted is not None and accepted.fileno() >= 0:
                # Replaced, not closed: the copied objects will close this number when they are collected.
                os.dup2(nothing, accepted.fileno(), inheritable=False)
        os.close(nothing)
        self._loop = self._stopping = self._thread = None

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - the thread's end; `start` chains it to its own error
            self._failure = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        serving: asyncio.Task[None] | None = None
        try:
            async with self._manager.run():
                serving = asyncio.create_task(self._uvicorn.serve(sockets=[self._socket]))
                stopped = asyncio.create_task(self._stopping.wait())
                await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
                stopped.cancel()
            # The sessions ended with the manager, and open event streams with them: uvicorn has nothing to wait for.
        finally:
            self._uvicorn.should_exit = True
            if serving is not None:
                await serving


def _manager(app: Server[Any]) -> StreamableHTTPSessionManager:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

    from .gate import BODY_BYTES

    # One app for all protocol versions: the 2026 one has no sessions, the older ones are capped. Answers are plain
    # JSON: nothing here pushes to a client, and an event stream a call costs time.
    return StreamableHTTPSessionManager(
        app, json_response=True, max_sessions=SESSIONS, max_request_body_size=BODY_BYTES
    )


def _uvicorn(gate: Gate, ready: threading.Event) -> uvicorn.Server:
    import uvicorn

    class Announced(uvicorn.Server):
        """A server that says when it listens."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            """Begin to listen."""
            await super().startup(sockets)
            ready.set()

    return Announced(
        uvicorn.Config(
            gate,
            http="h11",
            loop="asyncio",
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            log_level="error",  # a stranger's malformed request is no news for the notebook's output
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=GRACE_SECONDS,
            h11_max_incomplete_event_size=16 << 10,
        )
    )
