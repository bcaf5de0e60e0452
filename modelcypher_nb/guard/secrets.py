"""Redaction of secrets, and escaping of what could deceive a reader, in everything shown, logged, stored or sent."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["redact", "remember", "shown"]

REDACTED = "[redacted]"

# Each pattern keeps its first group (the harmless lead) and replaces the rest.
PATTERNS = (
    re.compile(r"(\bhf_)[A-Za-z0-9]{16,}"),  # Hugging Face user access tokens
    re.compile(r"(\bapi_org_)[A-Za-z0-9]{16,}"),  # Hugging Face organisation tokens
    re.compile(r"(\bconfirm_)[A-Za-z0-9_-]{22,}"),  # our confirmation tokens
    re.compile(r"(\b[Bb]earer\s+)[A-Za-z0-9._~+/=-]{8,}"),  # Authorization headers
    re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s/:@]+:)[^\s/@]+(?=@)"),  # a password within a URL
    re.compile(r"(\b)eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"),  # JSON Web Tokens
)

# Control, bidirectional and zero-width characters: they can hide or reorder what a person reads.
DECEIVING = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]")

_known: set[str] = set()


def remember(secret: str | None) -> None:
    """Redact this very value from now on; a value shorter than 8 characters would blot out ordinary words."""
    if secret and len(secret) >= 8:
        _known.add(secret)


def redact(text: str) -> str:
    """Replace secrets in a text by `[redacted]`."""
    for secret in _known:
        if secret in text:
            text = text.replace(secret, REDACTED)
    for pattern in PATTERNS:
        text = pattern.sub(rf"\g<1>{REDACTED}", text)
    return text


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def shown(value: Any, limit: int = 500) -> str:
    """The text of a value that is safe to show: redacted, deceiving characters escaped, cut at `limit` characters."""
    text = redact(str(value))
    text = DECEIVING.sub(_escaped, text[: limit + 1].encode("utf-8", "backslashreplace").decode())
    return text if len(text) <= limit else text[: limit - 1] + "…"
