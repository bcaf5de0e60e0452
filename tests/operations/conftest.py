"""What the tests of operations share: a file that would run code in any other loader."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.samples.assembler import Call, Name, assembled
from tests.samples.containers import tensor, torch_zip


@pytest.fixture
def hostile(work: Path) -> Path:
    """A checkpoint of one tensor, with a call in it."""
    path = work / "evil.pt"
    content = assembled({"w": tensor(), "e": Call(Name("posix", "system"), ("touch ran",))})
    path.write_bytes(torch_zip(content, {"0": bytes(range(16))}))
    return path
