"""What the tests of operations share: a file that would run code in any other loader, and an ear for progress."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from modelcypher_nb.operations.session import Session
from tests.samples.assembler import Call, Name, assembled
from tests.samples.containers import tensor, torch_zip


@pytest.fixture
def hostile(work: Path) -> Path:
    """A checkpoint of one tensor, with a call in it."""
    path = work / "evil.pt"
    content = assembled({"w": tensor(), "e": Call(Name("posix", "system"), ("touch ran",))})
    path.write_bytes(torch_zip(content, {"0": bytes(range(16))}))
    return path


@pytest.fixture
def told(session: Session) -> list[Any]:
    """What a person is told of progress: what is counted, then how much of it is done."""
    heard: list[Any] = []

    @contextmanager
    def show(what: str) -> Iterator[Callable[[int, int], None]]:
        heard.append(what)
        yield lambda done, total: heard.append((done, total))

    session.show_progress = show
    return heard
