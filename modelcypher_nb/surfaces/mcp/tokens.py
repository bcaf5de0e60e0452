"""The launch token: 256 random bits that are new at each start and are never shown."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from ...guard.secrets import remember

__all__ = ["LaunchToken", "bearer"]

BITS = 256


class LaunchToken:
    """What a client must present; its text is redacted from everything that is shown, logged or stored."""

    __slots__ = ("_digest", "_text")

    def __init__(self) -> None:
        self._text = secrets.token_urlsafe(BITS // 8)
        self._digest: bytes | None = hashlib.sha256(self._text.encode()).digest()
        remember(self._text)

    def __repr__(self) -> str:
        return "<LaunchToken>"

    def __reduce__(self) -> tuple[type[LaunchToken], tuple[()]]:
        return LaunchToken, ()  # a pickled copy is another token: this one leaves the process by `reveal` alone

    def reveal(self) -> str:
        """The token itself, for the one request header it belongs in."""
        return self._text

    def matches(self, presented: bytes) -> bool:
        """Whether this is the token; the time it takes tells nothing, whatever length was presented."""
        digest = self._digest
        return digest is not None and hmac.compare_digest(hashlib.sha256(presented).digest(), digest)

    def revoke(self) -> None:
        """Match nothing from now on, on connections that are still open as well."""
        self._digest = None


def bearer(authorization: list[bytes]) -> bytes | None:
    """The token of a request's Authorization headers, or None unless there is exactly one and it is a Bearer."""
    if len(authorization) != 1:
        return None  # two headers: a proxy and we might each believe another one
    scheme, _, token = authorization[0].partition(b" ")
    return token.strip(b" ") if scheme.lower() == b"bearer" else None
