"""Redaction of secrets, and escaping of what could deceive a reader, in everything shown, logged, stored or sent."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["DECEIVING", "redact", "remember", "shown"]

REDACTED = "[redacted]"
MARGIN = 4096  # a secret that starts before the cut is recognised whole

# Each pattern keeps its first group (the harmless lead) and replaces the rest.
# Repetitions that may fail at their end are bounded, or a text made for it costs the square of its length.
PATTERNS = (
    re.compile(r"(\bhf_)[A-Za-z0-9]{16,}"),  # Hugging Face user access tokens
    re.compile(r"(\bapi_org_)[A-Za-z0-9]{16,}"),  # Hugging Face organisation tokens
    re.compile(r"(\bconfirm_)[A-Za-z0-9_-]{22,}"),  # our confirmation tokens
    re.compile(r"(\b[Bb]earer\s+)[A-Za-z0-9._~+/=-]{8,}"),  # Authorization headers
    re.compile(r"(\b[a-z][a-z0-9+.-]{0,30}://[^\s/:@]+:)[^\s/@]+(?=@)"),  # a password within a URL
    re.compile(r"(\b)eyJ[A-Za-z0-9_-]{8,1000}\.[A-Za-z0-9_-]{8,8000}\.[A-Za-z0-9_-]*"),  # JSON Web Tokens
)

# What a text must hold for any of them to match: one look instead of six, for each of many thousand paths.
HINT = re.compile(r"hf_|api_org_|confirm_|earer\s|://|eyJ")

# Control, bidirectional and zero-width characters, and all that Unicode lets a font leave out (its
# Default_Ignorable_Code_Point): they can hide or reorder what a person reads. The same set is in frontend/src/text.ts.
DECEIVING = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)

_known: set[str] = set()


def remember(secret: str | None) -> None:
    """Redact this very value from now on; a value shorter than 8 characters would blot out ordinary words."""
    if secret and len(secret) >= 8:
        _known.add(secret)


def redact(text: str) -> str:
    """Replace secrets in a text by `[redacted]`."""
    for secret in sorted(_known, key=len, reverse=True):  # a copy: another thread may learn one meanwhile
        if secret in text:
            text = text.replace(secret, REDACTED)
    if HINT.search(text) is None:
        return text
    for pattern in PATTERNS:
        text = pattern.sub(rf"\g<1>{REDACTED}", text)
    return text


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def shown(value: Any, limit: int = 500) -> str:
    """The text of a value that is safe to show: redacted, deceiving characters escaped, cut at `limit` characters."""
    raw = str(value)
    if len(raw) <= limit and raw.isascii() and raw.isprintable():
        text = redact(raw)
        return text if len(text) <= limit else text[: limit - 1] + "…"
    text = redact(raw[: limit + 1 + MARGIN])
    if len(raw) > limit + 1 + MARGIN:
        text = text[:-MARGIN]  # where the beginning of a secret may stand that the cut made unrecognisable
    text = DECEIVING.sub(_escaped, text[: limit + 1].encode("utf-8", "backslashreplace").decode())
    return text if len(text) <= limit else text[: limit - 1] + "…"
