"""How long `mc model scan` of a small file takes in a fresh process, beside the imports it can't do without.

    python benchmarks/bench_cold_start.py [ROUNDS]

The package is built into a wheel's layout in a throwaway environment, with its bytecode, beside this interpreter's
libraries. Both commands run in turn, so that a busy moment hits both; medians are compared. The goal is a ratio of 2.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
import venv
from pathlib import Path

SOURCE = Path(__file__).parent.parent
GOAL = 2.0
ROUNDS = 31
BASELINE = "import click, sqlite3, json, dataclasses"
# What pip writes for `[project.scripts]`.
CONSOLE = """\
#!{python}
import sys
from modelcypher_nb.__main__ import main
if __name__ == "__main__":
    sys.exit(main())
"""


def installed(folder: Path) -> tuple[Path, Path]:
    """An environment with the package and this interpreter's libraries; gives its Python and its `mc`."""
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    libraries = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    shutil.copytree(
        SOURCE / "modelcypher_nb", libraries / "modelcypher_nb", ignore=shutil.ignore_patterns("__pycache__")
    )
    (libraries / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    subprocess.run([python, "-m", "compileall", "-q", libraries / "modelcypher_nb"], check=True, env=variables(folder))
    command = folder / "bin" / "mc"
    command.write_text(CONSOLE.format(python=python))
    command.chmod(0o755)
    return python, command


def variables(folder: Path) -> dict[str, str]:
    """A fresh HOME, and bytecode as an installation has it."""
    dropped = ("PYTHON", "MC_", "HF_", "MODELCYPHER_", "XDG_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return {**kept, "HOME": str(folder / "home")}


def small_model(folder: Path) -> Path:
    """A safetensors file with one tensor, in a project folder."""
    work = folder / "work"
    (work / ".git").mkdir(parents=True)
    header = json.dumps({"weight": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}}).encode()
    path = work / "small.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(16))
    return path


def seconds(command: list[str], folder: Path, environment: dict[str, str]) -> float:
    """One fresh process, from start to end."""
    started = time.perf_counter()
    subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        python, command = installed(folder / "environment")
        model = small_model(folder)
        environment = variables(folder)
        # The registry exists, as it does from the first change on: looking a name up in it is part of the scan.
        subprocess.run([command, "allow", str(model.parent)], check=True, env=environment, stdout=subprocess.DEVNULL)
        commands = {
            "baseline": [str(python), "-c", BASELINE],
            "mc model scan PATH": [str(command), "model", "scan", f"./{model.name}"],
            "mc model scan NAME": [str(command), "model", "scan", model.name],
            "mc model scan PATH --json": [str(command), "model", "scan", f"./{model.name}", "--json"],
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(rounds):
            for name, words in commands.items():
                times[name].append(seconds(words, model.parent, environment))
    medians = {name: statistics.median(values) for name, values in times.items()}
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {rounds} rounds in turn, medians")
    print(f"baseline: python -c '{BASELINE}'")
    for name, median in medians.items():
        print(f"  {name:<28} {median * 1000:7.1f} ms   {median / medians['baseline']:5.2f}")
    worst = max(medians.values()) / medians["baseline"]
    print(f"worst ratio {worst:.2f}, goal {GOAL:.2f}: {'met' if worst <= GOAL else 'missed'}")
    return 0 if worst <= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
