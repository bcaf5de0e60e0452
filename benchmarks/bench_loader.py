"""What opening, judging, converting and loading cost, beside a copy, torch, safetensors and the other scanners.

    python benchmarks/bench_loader.py [--no-peers] [--megabytes 920] [--rounds 5] [--seconds 120] [--folder DIR]

About 1 GB of files is generated once, in DIR or a temporary folder. Each line's ways run in turn, so that a busy moment
hits all of them; medians are compared. Everything is read from the page cache. A scanner has so many seconds for the
samples, which come in random order; what it doesn't get to isn't counted.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

import loader_files  # noqa: E402
import torch  # noqa: E402
from bench_cold_start import BASELINE, variables  # noqa: E402
from loader_peers import PEERS, WEIGHTS_ONLY, Verdicts, python_of, verdicts  # noqa: E402
from safetensors import safe_open  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402

from modelcypher_nb.formats import detect  # noqa: E402
from modelcypher_nb.formats.beside import beside  # noqa: E402
from modelcypher_nb.formats.conversion import convert_model  # noqa: E402
from modelcypher_nb.formats.readers import Terms  # noqa: E402
from modelcypher_nb.guard.paths import Guard  # noqa: E402
from modelcypher_nb.guard.roots import Root  # noqa: E402

SHARDS, SMALL = 1000, 2000
Way = Callable[[], object]
PEAK = r"""
import re, sys
from pathlib import Path
from modelcypher_nb.formats.conversion import convert_model
from modelcypher_nb.formats.readers import Terms
from modelcypher_nb.guard.paths import Guard
from modelcypher_nb.guard.roots import Root
source, small, target = sys.argv[1:]
guard = Guard((Root.pin(str(Path(source).parent.parent), "working"),), str(Path(source).parent.parent))
field = lambda name: int(re.search(name + r":\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024
with guard.open(target) as folder:
    with guard.open(small) as safe:  # what a conversion imports belongs to the idle process
        convert_model(safe, folder, "small.safetensors", Terms())
    idle = field("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    with guard.open(source) as safe:
        convert_model(safe, folder, "big.safetensors", Terms())
print(field("VmHWM") - idle)
"""


def opened(path: Path) -> contextlib.AbstractContextManager[object]:
    """A file or folder of the benchmark through a guard."""
    guard = Guard((Root.pin(str(path.parent), "working"),), str(path.parent))
    return guard.open(path)


def medians(ways: dict[str, Way], rounds: int, *, after: Way = lambda: None) -> dict[str, float]:
    """Seconds of each way, run in turn; what `after` does isn't counted."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            os.sync()
            begin = time.perf_counter()
            way()
            taken[name].append(time.perf_counter() - begin)
            after()
    return {name: statistics.median(values) for name, values in taken.items()}


def line(name: str, seconds: float, base: float, goal: str = "") -> None:
    print(f"  {name:<52}{1000 * seconds:11.1f} ms {seconds / base:9.3f}  {goal}", flush=True)


def synced(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def whole_file(checkpoint: Path, work: Path, rounds: int) -> float:
    """Inspect, scan and convert one big checkpoint; gives the seconds of a scan."""
    out = work / "out"

    def emptied() -> None:
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()

    def inspected() -> None:
        with opened(checkpoint) as safe:
            detect.describe(safe)  # type: ignore[arg-type]

    def scanned() -> None:
        with opened(checkpoint) as safe:
            detect.examine(safe)  # type: ignore[arg-type]

    def converted() -> None:
        guard = Guard((Root.pin(str(work), "working"),), str(work))
        with guard.open(checkpoint) as safe, guard.open(out) as target:
            convert_model(safe, target, "model.safetensors", Terms())

    def copied() -> None:
        shutil.copyfile(checkpoint, out / "copy")

    def copied_and_synced() -> None:
        copied()
        synced(out / "copy")

    def by_torch() -> None:
        save_file(torch.load(checkpoint, weights_only=True), out / "torch.safetensors")
        synced(out / "torch.safetensors")

    emptied()
    ways = {"copy": copied, "inspect": inspected, "scan": scanned}
    found = medians(ways, rounds, after=emptied)
    print(f"{checkpoint.name}, {checkpoint.stat().st_size / 1e9:.2f} GB; ratios to shutil.copyfile")
    line("shutil.copyfile", found["copy"], found["copy"])
    line("inspect, in process", found["inspect"], found["copy"], "goal 0.02")
    line("scan, in process", found["scan"], found["copy"], "goal 0.02")
    writing = medians({"copy": copied_and_synced, "convert": converted, "torch": by_torch}, rounds, after=emptied)
    print("conversion; ratios to the copy with fsync")
    line("shutil.copyfile and fsync", writing["copy"], writing["copy"])
    line("convert, checked and synced", writing["convert"], writing["copy"], "goal 1.5")
    line("torch.load, save_file and fsync", writing["torch"], writing["copy"])
    print(f"  {'convert to torch.load + save_file + fsync':<52}{writing['convert'] / writing['torch']:24.3f}  goal 0.4")
    print(f"  {'memory of a conversion above the idle process':<52}{peak(checkpoint, work, out):11.1f} MB, goal 20")
    emptied()
    return found["scan"]


def peak(checkpoint: Path, work: Path, out: Path) -> float:
    """Megabytes that a conversion takes above the idle process, which has converted a small file before."""
    small = next((work / "small").iterdir())
    command = [sys.executable, "-c", PEAK, str(checkpoint), str(small), str(out)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    return float(done.stdout)


def installed(work: Path) -> tuple[Path, Path]:
    """An environment with the wheel, compiled, beside this interpreter's libraries; gives its Python and its `mc`."""
    home = work / "installed"
    if not (home / "bin" / "mc").exists():
        command = [
            sys.executable,
            "-m",
            "build",
            "--wheel",
            "--no-isolation",
            "--outdir",
            str(work / "wheel"),
            str(ROOT),
        ]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        wheel = next((work / "wheel").glob("*.whl"))
        pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-deps", "--compile", str(wheel)]
        subprocess.run(pip, check=True)
        mine = next(Path(entry) for entry in sys.path if entry.endswith("site-packages"))
        libraries = next((home / "lib").glob("python*")) / "site-packages"
        (libraries / "libraries.pth").write_text(f"{mine}\n")
    return home / "bin" / "python", home / "bin" / "mc"


def cold(checkpoint: Path, work: Path, scan: float, rounds: int) -> None:
    """A scan in a fresh process, beside the imports that a command can't do without."""
    python, command = installed(work)
    environment = variables(work)
    (checkpoint.parent / ".git").mkdir(exist_ok=True)

    def fresh(*words: str) -> Way:
        return lambda: subprocess.run(
            words,
            cwd=checkpoint.parent,
            env=environment,
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    scanning = fresh(str(command), "model", "scan", f"./{checkpoint.name}")
    ways = {"imports": fresh(str(python), "-c", BASELINE), "scan": scanning}
    found = medians(ways, 3 * rounds)
    print("a fresh process; ratios to the imports alone")
    line(f"python -c '{BASELINE}'", found["imports"], found["imports"])
    line("mc model scan", found["scan"], found["imports"])
    line("mc model scan, above the scan itself", found["scan"] - scan, found["imports"], "goal 2")


def headers(folder: Path, rounds: int) -> None:
    """The headers of a sharded model."""

    def ours() -> None:
        with opened(folder) as safe:
            detect.describe(safe)  # type: ignore[arg-type]

    def theirs() -> None:
        for path in sorted(folder.glob("*.safetensors")):
            with safe_open(path, "pt") as file:
                for name in file.keys():  # noqa: SIM118 - no mapping
                    file.get_slice(name).get_shape()

    found = medians({"safe_open": theirs, "ours": ours}, rounds)
    print(f"the headers of {SHARDS:,} shards; ratios to safe_open")
    line("safe_open, each name with its shape", found["safe_open"], found["safe_open"])
    line("describe the folder", found["ours"], found["safe_open"], "goal 1")


def loading(weights: Path, rounds: int) -> None:
    """Load safetensors and touch every tensor."""

    def touched(tensors: dict[str, torch.Tensor]) -> None:
        for tensor in tensors.values():
            tensor.view(torch.int32).sum()

    def ours(*, mapped: bool) -> None:
        with opened(weights) as safe:
            touched(detect.load(safe, mapped=mapped))  # type: ignore[arg-type]

    ways = {
        "load_file": lambda: touched(load_file(weights)),
        "mapped": lambda: ours(mapped=True),
        "read": lambda: ours(mapped=False),
    }
    found = medians(ways, rounds)
    print("load with every tensor touched; ratios to safetensors, which maps every file")
    line("safetensors.torch.load_file", found["load_file"], found["load_file"])
    line("load, mapped as managed files and the Hub's are", found["mapped"], found["load_file"], "goal 1.05")
    line("load, read into memory as your own files are", found["read"], found["load_file"])


def many(folder: Path, work: Path, rounds: int, peers: Path | None) -> None:
    """A folder of small checkpoints."""

    def ours() -> None:
        with opened(folder) as safe:
            detect.examine(safe)  # type: ignore[arg-type]

    seconds = medians({"ours": ours}, rounds)["ours"]
    print(f"a folder of {SMALL:,} small checkpoints")
    print(f"  {'scan, in process':<52}{SMALL / seconds:11.0f} files a second, goal 500", flush=True)
    if peers is None:
        return
    picklescan = PEERS[0]
    paths = sorted(str(path) for path in folder.iterdir())
    answer = verdicts(python_of(picklescan, peers), picklescan.script, paths, work, 600)
    rate = len(answer.found) / answer.seconds
    print(f"  {'picklescan, in process':<52}{rate:11.0f} files a second")
    print(f"  {'ours to picklescan':<52}{SMALL / seconds / rate:11.1f} times as fast, goal 5", flush=True)


def written(work: Path) -> Iterator[tuple[str, str]]:
    """Every sample that is one file, as its kind and its path."""
    from tests.samples import benign, hostile

    for kind, samples in (("hostile", hostile.SAMPLES), ("benign", benign.SAMPLES)):
        for number, sample in enumerate(samples):
            if kind == "hostile" and sample.expected != {"code"}:
                continue
            folder = work / "samples" / f"{kind}-{number:04}"
            folder.mkdir(parents=True)
            path = sample.make(folder)
            if path.is_file():
                yield kind, str(path)


def our_verdicts(paths: list[str]) -> Verdicts:
    found, begin = {}, time.perf_counter()
    words = {"code": "flagged", "malformed": "refused", "unsupported": "refused"}
    for path in paths:
        file = Path(path)
        guard = Guard((Root.pin(str(file.parent), "working"),), str(file.parent))
        with guard.open(file) as safe, guard.open(file.parent) as folder:
            found[path] = words.get(detect.examine(safe, Terms(beside=beside(folder))).verdict.level, "clean")
    return Verdicts(found, time.perf_counter() - begin)


def detection(work: Path, peers: Path | None, seconds: float) -> None:
    """Who flags what."""
    samples = list(written(work))
    hostile = [path for kind, path in samples if kind == "hostile"]
    benign = [path for kind, path in samples if kind == "benign"]
    everything = [path for _, path in samples]
    random.Random(7).shuffle(everything)  # noqa: S311 - repeatable
    print(f"detection on {len(hostile)} hostile and {len(benign)} benign files of our samples")
    print(f"  {'':<24}{'flagged':>16}{'flagged, refused':>20}{'benign flagged':>20}{'files/s':>10}")
    table("modelcypher_nb", our_verdicts(everything), hostile, benign)
    if peers is None:
        return
    for peer in PEERS:
        table(peer.name, verdicts(python_of(peer, peers), peer.script, everything, work, seconds), hostile, benign)
    table("torch weights_only", verdicts(sys.executable, WEIGHTS_ONLY, everything, work, seconds), hostile, benign)


def table(name: str, answer: Verdicts, hostile: list[str], benign: list[str]) -> None:
    flagged, judged = answer.share(hostile, "flagged")
    kept, _ = answer.share(hostile, "flagged", "refused")
    alarms, harmless = answer.share(benign, "flagged")
    rate = len(answer.found) / answer.seconds if answer.seconds else 0
    shares = [f"{100 * count / max(of, 1):5.1f} % of {of}" for count, of in ((flagged, judged), (kept, judged))]
    print(f"  {name:<24}{shares[0]:>16}{shares[1]:>20}{f'{alarms} of {harmless}':>20}{rate:10.0f}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--no-peers", action="store_true", help="measure without the other scanners, and without pip")
    parser.add_argument("--megabytes", type=int, default=920, help="the size of the big checkpoint")
    parser.add_argument("--rounds", type=int, default=5, help="how often each way runs")
    parser.add_argument("--seconds", type=float, default=120, help="what each scanner has for the samples")
    parser.add_argument("--folder", type=Path, help="where files and environments are kept for the next time")
    words = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = (words.folder or Path(temporary)).resolve()
        work.mkdir(exist_ok=True, parents=True)
        peers = None if words.no_peers else work / "peers"
        checkpoint, weights = loader_files.big(work / "big", words.megabytes)
        many_small = loader_files.small(work / "small", SMALL)
        sharded = loader_files.shards(work / "shards", SHARDS)
        print(
            f"Python {sys.version.split()[0]}, torch {torch.__version__}, {os.cpu_count()} cores, {words.rounds} rounds"
        )
        scan = whole_file(checkpoint, work, words.rounds)
        cold(checkpoint, work, scan, words.rounds)
        headers(sharded, words.rounds)
        loading(weights, words.rounds)
        many(many_small, work, words.rounds, peers)
        with tempfile.TemporaryDirectory(dir=work) as samples:
            detection(Path(samples), peers, words.seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
