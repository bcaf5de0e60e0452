"""Both ways in which the guard opens files, for tests that must hold over each."""

from __future__ import annotations

import pytest

from modelcypher_nb.guard import beneath

WAYS = ("openat2", "walk")


def opened_by(way: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Have every guard that is made from now on open files in this way; skip where the kernel doesn't have it."""
    if way == "walk":
        monkeypatch.setattr(beneath, "_call", beneath.absent)
    elif beneath.openat2() is beneath.absent:
        pytest.skip("this kernel, or what confines this process, has no openat2")
    return way
