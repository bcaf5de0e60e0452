"""Inventory, status and doctor: measured, bounded, and each fault with the command that mends it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from packaging.requirements import Requirement

import modelcypher_nb as mc
from modelcypher_nb.operations.doctor import _package
from modelcypher_nb.operations.session import Session


def test_the_inventory_is_this_machine_s(session: Session) -> None:
    facts = mc.inventory()
    assert facts.cpu_count == os.cpu_count()
    assert facts.memory_bytes == psutil.virtual_memory().total
    assert 0 < facts.disk_free_bytes < facts.disk_total_bytes
    assert facts.devices[0].kind == "cpu"
    assert facts.libraries["torch"].split(".")[0].isdigit()


def test_the_status_counts_what_is_there(session: Session, small_model: Path) -> None:
    assert (mc.status().models, mc.status().jobs, mc.status().live_jobs) == (0, 0, ())
    mc.model_register(small_model)
    facts = mc.status()
    assert (facts.models, facts.server, facts.in_kernel) == (1, "stopped", False)
    assert facts.posture["telemetry"] == "none"


def test_looking_at_the_machine_imports_no_torch(home: Path) -> None:
    code = "import sys, modelcypher_nb as mc; mc.inventory(); mc.doctor(); print('torch' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "False\n"


def test_every_fault_has_its_remedy(session: Session) -> None:
    checks = mc.doctor().checks
    assert {"python", "ipykernel", "mcp", "torch", "home", "settings"} <= {check.name for check in checks}
    assert all(check.remedy for check in checks if not check.ok)


def test_a_missing_an_old_and_an_untested_newer_part_are_told_apart() -> None:
    missing = _package(Requirement("no-such-package"), "nothing", "pip install it")
    old = _package(Requirement("pytest>=999"), "tests", "pip install a newer one")
    new = _package(Requirement("pytest<1"), "tests", "pip install an older one")
    assert (missing.ok, missing.remedy) == (False, "pip install it")
    assert "not installed" in missing.found
    assert (old.ok, new.ok) == (False, False)
    assert "isn't within >=999; tests" in old.found
    assert "isn't within <1; tests" in new.found


def test_a_home_that_is_open_to_others_is_a_fault(session: Session, home: Path) -> None:
    home.mkdir(mode=0o700)
    assert next(check for check in mc.doctor().checks if check.name == "home").ok
    home.chmod(0o755)
    fault = next(check for check in mc.doctor().checks if check.name == "home")
    assert fault.remedy == f"chmod 700 '{home}'"


def test_another_program_named_mc_is_named(session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "bin" / "mc"
    other.parent.mkdir()
    other.write_text("#!/bin/sh\n")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", f"{other.parent}:{os.environ['PATH']}")
    fault = next(check for check in mc.doctor().checks if check.name == "mc command")
    assert not fault.ok
    assert "-m modelcypher_nb" in str(fault.remedy)
    assert mc.doctor().exit_code == 69
