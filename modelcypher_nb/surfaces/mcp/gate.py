"""The gate before the MCP app: host and origin, size, token, form of the body, rate, in this order on every route."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from ...errors import MalformedError
from ...formats import strict_json
from .tokens import bearer

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from .limiter import Limiter

__all__ = ["BODY_BYTES", "PATH", "Gate"]

PATH = "/mcp"
BODY_BYTES = 1 << 20
# Strangers that look for an authorization server must hear that there is none, or they start a login that can't end.
DISCOVERY_PATH = "/.well-known/"


class Refusal(NamedTuple):
    """What a caller is told instead of being let through."""

    status: int
    text: str
    headers: tuple[tuple[bytes, bytes], ...] = ()


TOO_LARGE = Refusal(413, f"The body is larger than {BODY_BYTES} bytes.")


def _values(scope: Scope, name: bytes) -> list[bytes]:
    return [value for key, value in scope["headers"] if key == name]


async def _refuse(send: Send, refusal: Refusal) -> None:
    """Answer in plain text and close the connection."""
    body = refusal.text.encode()
    start = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        (b"connection", b"close"),
        *refusal.headers,
    ]
    await send({"type": "http.response.start", "status": refusal.status, "headers": start})
    await send({"type": "http.response.body", "body": body})


async def _body(receive: Receive) -> bytes | None:
    """The whole body, counted while it arrives (a chunked one declares no length); None where it is too large."""
    body = bytearray()
    while len(body) <= BODY_BYTES:
        message = await receive()
        body += message.get("body", b"")  # a client that left has no more of it, and no ear for the answer
        if not message.get("more_body", False):
            return bytes(body)
    return None


def _replay(body: bytes, receive: Receive) -> Receive:
    """Hand the app the body that was read, then what follows it."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def following() -> Message:
        return pending.pop() if pending else await receive()

    return following


class Gate:
    """An ASGI app that lets through what may reach the MCP app.

    Args:
        app: the MCP app.
        address: `127.0.0.1:port`, the one name this server answers to.
        matches: whether a token is the launch token.
        limiter: delays what comes too fast.
    """

    def __init__(self, app: ASGIApp, address: str, matches: Callable[[bytes], bool], limiter: Limiter) -> None:
        self._app = app
        self._host = address.encode()
        self._origin = f"http://{address}".encode()
        self._matches = matches
        self._limiter = limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on; nothing but HTTP comes here."""
        refusal = self._place(scope) or self._size(scope) or self._caller(scope)
        if refusal is not None:
            await _refuse(send, refusal)
            return
        # Read only now: a stranger's body isn't kept in memory, and its declared size was judged above.
        body = await _body(receive)
        refusal = TOO_LARGE if body is None else self._form(scope, body) or await self._rate() or self._route(scope)
        if refusal is not None or body is None:
            await _refuse(send, refusal or TOO_LARGE)
            return
        await self._app(scope, _replay(body, receive), send)

    def _place(self, scope: Scope) -> Refusal | None:
        """Refuse what a browser sends that was led here by another name or another page."""
        if _values(scope, b"host") != [self._host]:
            return Refusal(421, "This server doesn't answer to that host name.")
        origins = _values(scope, b"origin")
        if origins and origins != [self._origin]:
            return Refusal(403, "Pages of other origins may not call this server.")
        if scope["path"].startswith(DISCOVERY_PATH):
            return Refusal(404, "There is no authorization server here: the token of the launch is what counts.")
        return None

    def _size(self, scope: Scope) -> Refusal | None:
        declared = _values(scope, b"content-length")
        if any(not length.isdigit() or len(length) > 12 or int(length) > BODY_BYTES for length in declared):
            return TOO_LARGE
        return None

    def _caller(self, scope: Scope) -> Refusal | None:
        token = bearer(_values(scope, b"authorization"))
        if token is None or not self._matches(token):
            return Refusal(401, "A token is needed.", ((b"www-authenticate", b"Bearer"),))
        return None

    def _form(self, scope: Scope, body: bytes) -> Refusal | None:
        """Refuse malformed JSON: two readers of one text must not see two different calls in it."""
        if scope["method"] != "POST" or not body:
            return None
        try:
            strict_json.parse(body, "The body")
        except MalformedError as error:
            return Refusal(400, error.problem)
        return None

    async def _rate(self) -> Refusal | None:
        """Wait for a turn. One launch token is one principal: a client's name is a claim that could change a call."""
        if await self._limiter.admit("launch"):
            return None
        return Refusal(429, "Too many calls wait already. Ask less often.", ((b"retry-after", b"1"),))

    def _route(self, scope: Scope) -> Refusal | None:
        return None if scope["path"] == PATH else Refusal(404, f"There is nothing here; the MCP endpoint is {PATH}.")
