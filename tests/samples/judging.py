"""A child that judges samples, each in processes of its own under limits, and prints what came out.

    python -m tests.samples.judging FOLDER

FOLDER holds one folder for each sample, made beforehand; its `judged` file names what is to be judged. Each answer is
one line of JSON. The limits count from the idle process: that many seconds of processor, that much more memory.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from modelcypher_nb.errors import ModelCypherError
from modelcypher_nb.formats import detect
from modelcypher_nb.formats.conversion import convert_model
from modelcypher_nb.formats.readers import Terms
from modelcypher_nb.guard.paths import Guard
from modelcypher_nb.guard.roots import Root
from modelcypher_nb.guard.safe_path import SafePath

SECONDS = 2
MEMORY_BYTES = 200 << 20
JUDGED = "judged"


def _address_space() -> int:
    """The bytes that the process has mapped."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def _limited() -> None:
    most = _address_space() + MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _examined(safe: SafePath) -> dict[str, object]:
    verdict = detect.examine(safe).verdict
    first = verdict.findings[0].what[:200] if verdict.findings else ""
    return {"level": verdict.level, "findings": len(verdict.findings), "first": first}


def _converted(safe: SafePath) -> dict[str, object]:
    """Walk all that was described, as showing it does too, and write its tensors."""
    out = os.path.dirname(safe.location)  # noqa: PTH120
    guard = Guard((Root.pin(out, "working"),), out)
    with guard.open(out) as target, contextlib.suppress(ModelCypherError):
        convert_model(safe, target, "converted.safetensors", Terms(), rescue=True)
    return {}


def _child(folder: Path, verb: Callable[[SafePath], dict[str, object]], pipe: int) -> None:
    """Answer, whatever happens; never return to the parent's code."""
    try:
        _limited()
        guard = Guard((Root.pin(str(folder), "working"),), str(folder))
        with guard.open(folder / (folder / JUDGED).read_text()) as safe:
            answer = verb(safe)
    except BaseException as error:  # noqa: BLE001 - the parent is told of everything
        answer = {"error": repr(error)[:200], "trace": traceback.format_exc(limit=-3)[-900:]}
    used = resource.getrusage(resource.RUSAGE_SELF)
    answer |= {"seconds": round(used.ru_utime + used.ru_stime, 3), "peak_mib": used.ru_maxrss // 1024}
    os.write(pipe, json.dumps(answer).encode())
    os._exit(0)


def _answer(folder: Path, verb: Callable[[SafePath], dict[str, object]]) -> dict[str, object]:
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        _child(folder, verb, writer)
    os.close(writer)
    with open(reader, "rb") as answers:  # noqa: PTH123 - a descriptor
        data = answers.read()
    _, status = os.waitpid(child, 0)
    return dict(json.loads(data)) if data else {"error": f"killed: {os.waitstatus_to_exitcode(status)}"}


def main() -> int:
    """Judge every sample of a folder."""
    for folder in sorted(Path(sys.argv[1]).iterdir()):
        found = _answer(folder, _examined)
        found |= {"name": folder.name, "converted": _answer(folder, _converted)}
        print(json.dumps(found), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
