"""What the tests of formats share: a folder, guards on it, and a writer of safetensors files that may lie."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelcypher_nb.guard.paths import Guard
from modelcypher_nb.guard.roots import Root


@pytest.fixture
def guard(tmp_path: Path) -> Guard:
    """A guard whose only root is the test's folder."""
    return Guard((Root.pin(str(tmp_path), "working"),), str(tmp_path))


@pytest.fixture
def managed_guard(tmp_path: Path) -> Guard:
    """The same folder as one whose files are only ever replaced."""
    return Guard((Root.pin(str(tmp_path), "home"),), str(tmp_path))


@pytest.fixture
def forged() -> Callable[..., bytes]:
    """Build a safetensors file from a header that may say anything."""

    def build(header: Any, data: bytes = b"", *, padding: bytes | None = None, length: int | None = None) -> bytes:
        text = header if isinstance(header, bytes) else json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8) if padding is None else padding
        return (len(text) if length is None else length).to_bytes(8, "little") + text + data

    return build
