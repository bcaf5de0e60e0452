from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from modelcypher_nb.errors import ConflictError
from modelcypher_nb.guard.safe_path import SafePath
from modelcypher_nb.store.host_claim import SILENCE_SECONDS, HostClaim


def test_another_host_is_refused_with_the_variable_that_moves_its_home(home: SafePath) -> None:
    HostClaim(home, "first").renew()
    with pytest.raises(ConflictError, match="the host first used it") as caught:
        HostClaim(home, "second").renew()
    assert "MODELCYPHER_NB_HOME" in caught.value.remedy


def test_the_same_host_may_have_many_processes(home: SafePath) -> None:
    HostClaim(home, "first").renew()
    HostClaim(home, "first").renew()


def test_a_host_that_fell_silent_loses_its_claim_and_finds_that_out(home: SafePath) -> None:
    first = HostClaim(home, "first")
    first.renew()
    claim = Path(home.location, "host.json")
    claim.write_text(json.dumps({"host": "first", "heartbeat": time.time() - SILENCE_SECONDS - 1}))
    HostClaim(home, "second").renew()
    assert json.loads(claim.read_text())["host"] == "second"
    first._next = 0.0  # its next heartbeat is due
    with pytest.raises(ConflictError, match="second"):
        first.renew()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"\xff"])
def test_a_claim_that_says_nothing_holds_nothing(home: SafePath, content: bytes) -> None:
    Path(home.location, "host.json").write_bytes(content)
    HostClaim(home, "first").renew()
    assert json.loads(Path(home.location, "host.json").read_text())["host"] == "first"
