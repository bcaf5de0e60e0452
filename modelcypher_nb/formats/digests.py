"""SHA-256 of files as `sha256sum` gives it, and one digest over several files that anybody can repeat."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..errors import UnreadableError
from ..guard.safe_path import SafePath

__all__ = ["changed_meanwhile", "combined_digest", "file_digest"]

PIECE_BYTES = 1 << 20


def file_digest(safe: SafePath, step: Callable[[int], None] | None = None) -> str:
    """The hexadecimal digits of a file's SHA-256.

    Args:
        safe: the open file.
        step: called with the bytes done, after each MiB.

    Raises:
        UnreadableError: the disk refused, or the file changed while it was read.
    """
    import hashlib  # OpenSSL's library is heavy beside the reading of a header

    source, state = safe.source(), hashlib.sha256()
    # One buffer for all: fresh memory for each piece costs 4 in a hundred. A thread that reads ahead costs as much.
    buffer = memoryview(bytearray(min(PIECE_BYTES, source.size)))
    for offset in range(0, source.size, PIECE_BYTES):
        piece = buffer[: source.size - offset]
        source.read_into(offset, piece)
        state.update(piece)
        if step is not None:
            step(offset + len(piece))
    if not safe.unchanged():
        raise changed_meanwhile(safe)
    return state.hexdigest()


def combined_digest(digests: Mapping[str, str]) -> str:
    """`sha256:` and the SHA-256 of what `LC_ALL=C sha256sum NAMES` prints, sorted by name.

    Args:
        digests: file name to hexadecimal digits.
    """
    import hashlib

    lines = "".join(f"{digests[name]}  {name}\n" for name in sorted(digests))
    return "sha256:" + hashlib.sha256(lines.encode()).hexdigest()


def changed_meanwhile(safe: SafePath) -> UnreadableError:
    """The error for a file that isn't what it was when its reading began."""
    return UnreadableError(f"{safe.display} changed while it was read.", "Wait until its writer is done and try again.")
