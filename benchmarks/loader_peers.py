"""The scanners that the loader is measured against, each in a virtual environment of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

__all__ = ["PEERS", "WEIGHTS_ONLY", "Peer", "Verdicts", "python_of", "verdicts"]

# Every script judges the files of a list in random order until its time is up, within one process: what a peer needs to
# start isn't counted. It prints one JSON object: the verdict of each file, and the seconds that they took together.
LOOP = """
import json, sys, time
files, seconds = json.load(open(sys.argv[1])), float(sys.argv[2])
found, begin = {}, time.perf_counter()
for path in files:
    if time.perf_counter() - begin > seconds:
        break
    try:
        found[path] = judge(path)
    except BaseException as error:
        found[path] = "refused"
print("\\n" + json.dumps({"found": found, "seconds": time.perf_counter() - begin}))
"""
PICKLESCAN = """
import logging
logging.disable(logging.CRITICAL)
from picklescan.scanner import scan_file_path
def judge(path):
    result = scan_file_path(path)
    return "flagged" if result.issues_count else "refused" if result.scan_err or not result.scanned_files else "clean"
"""
MODELSCAN = """
import logging
logging.disable(logging.CRITICAL)
from modelscan.modelscan import ModelScan
def judge(path):
    result = ModelScan().scan(path)
    summary = result["summary"]
    if summary["total_issues"]:
        return "flagged"
    return "refused" if result["errors"] or not summary["scanned"]["total_scanned"] else "clean"
"""
FICKLING = """
import zipfile
from fickling.loader import scan_file, scan_zip_archive
def judge(path):
    results = scan_zip_archive(path) if zipfile.is_zipfile(path) else scan_file(path)
    results = list(results) if isinstance(results, (list, tuple)) else [results]
    if not results:
        return "refused"
    if not all(result.is_safe for result in results):
        return "flagged"
    return "refused" if any(result.errors for result in results) else "clean"
"""
MODELAUDIT = """
import logging
logging.disable(logging.CRITICAL)
from modelaudit.core import scan_model_directory_or_file
def judge(path):
    result = scan_model_directory_or_file(path)
    if any(str(issue.severity).upper().endswith(("WARNING", "CRITICAL")) for issue in result.issues):
        return "flagged"
    return "refused" if result.has_errors or not result.success else "clean"
"""
WEIGHTS_ONLY = """
import warnings
warnings.simplefilter("ignore")
import torch
def judge(path):
    try:
        torch.load(path, weights_only=True, map_location="cpu")
    except Exception as error:
        return "flagged" if "nsupported global" in str(error) or "nsupported class" in str(error) else "refused"
    return "clean"
"""


@dataclass(frozen=True)
class Peer:
    """One scanner.

    Attributes:
        name: what it is called.
        requirements: what pip installs: the tested release, and what it forgot to ask for.
        script: defines `judge(path)`.
    """

    name: str
    requirements: tuple[str, ...]
    script: str


PEERS = (
    Peer("picklescan", ("picklescan==1.0.5",), PICKLESCAN),
    Peer("modelscan", ("modelscan==0.8.8",), MODELSCAN),
    Peer("fickling", ("fickling==0.1.12", "typing_extensions"), FICKLING),
    Peer("modelaudit", ("modelaudit==0.2.54",), MODELAUDIT),
)
# No peer reports to anybody from here.
QUIET = {"PROMPTFOO_DISABLE_TELEMETRY": "1", "NO_ANALYTICS": "1", "DO_NOT_TRACK": "1"}


@dataclass(frozen=True)
class Verdicts:
    """What a scanner said of the files that it got to, and how long it took for them."""

    found: dict[str, str]
    seconds: float

    def share(self, paths: list[str], *words: str) -> tuple[int, int]:
        """How many of the files that were judged got one of the verdicts, and how many were judged."""
        judged = [self.found[path] for path in paths if path in self.found]
        return sum(verdict in words for verdict in judged), len(judged)


def python_of(peer: Peer, folder: Path) -> Path:
    """The interpreter of a peer's environment; made where it is missing."""
    home = folder / peer.name
    python = home / "bin" / "python"
    done = home / ".installed"
    if not done.exists():
        print(f"installing {', '.join(peer.requirements)} ...", flush=True)
        venv.create(home, with_pip=True, clear=True)
        command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *peer.requirements]
        subprocess.run(command, check=True, timeout=900)
        done.touch()
    return python


def verdicts(python: Path | str, script: str, paths: list[str], work: Path, seconds: float) -> Verdicts:
    """Have a scanner judge files, for so many seconds at most."""
    listing = work / "files.json"
    listing.write_text(json.dumps(paths))
    command = [str(python), "-c", script + LOOP, str(listing), str(seconds)]
    environment = {**os.environ, **QUIET, "HOME": str(work)}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=seconds + 300, env=environment, cwd=work
    )
    if done.returncode:
        print(done.stderr[-800:], file=sys.stderr)
        return Verdicts({}, 0.0)
    answer = json.loads(done.stdout.splitlines()[-1])
    return Verdicts(answer["found"], answer["seconds"])
