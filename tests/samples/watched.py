"""A child that examines, describes and converts samples while every event of the interpreter is noted.

    python -m tests.samples.watched SAMPLES WARM OUT

SAMPLES and WARM hold one folder for each sample, made beforehand; its `judged` file names what is to be judged. The
warm ones come first: whatever our own code imports once, it imports there. Then the watch begins. The answer is one
line of JSON: how often each event came, and the first events that aren't on the list.
"""

from __future__ import annotations

import collections
import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Any

from modelcypher_nb.errors import ModelCypherError
from modelcypher_nb.formats import detect
from modelcypher_nb.formats.conversion import convert_model
from modelcypher_nb.formats.readers import Terms
from modelcypher_nb.guard.paths import Guard
from modelcypher_nb.guard.roots import Root

BEGIN, END = "/the-watch-begins", "/the-watch-ends"
JUDGED = "judged"
# What our own reading and writing does, and why.
OWN_EVENTS = {
    "open": "the sample, its folder, and the file that a conversion writes",
    "os.listdir": "a folder that is judged, and the modules beside a file",
    "os.scandir": "a folder that is judged",
    "os.link": "a converted file is published under its name once it is whole",
    "os.remove": "the temporary name of a converted file",
    "os.rename": "a converted file is published",
    "os.mkdir": "a folder within a converted folder",
    "os.chmod": "a converted file gets the rights that the umask leaves",
    "fcntl.flock": "a converted file's lock",
    "ctypes.get_errno": "why the guard could not open something",
    "builtins.id": "which descriptions are one and the same value",
    "array.__new__": "numbers are swapped without numpy",
}

# Functions of the C library that the guard and the copy call by name; a file has no say in which.
C_FUNCTIONS = {"sync_file_range", "syscall", "madvise", "posix_fadvise"}


class Watch:
    """Notes events while it is on.

    Attributes:
        counts: how often each event came.
        strangers: the first events that aren't our own, or that open what isn't in the samples' folders.
    """

    def __init__(self, *places: Path) -> None:
        self.counts: collections.Counter[str] = collections.Counter()
        self.strangers: list[str] = []
        self.is_on = False
        self._places = tuple(str(place) for place in places)

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Take an event."""
        if not self.is_on:
            return
        self.counts[event] += 1
        own = event in OWN_EVENTS and (event != "open" or self._is_ours(arguments[0]))
        own = own or (event == "ctypes.dlopen" and arguments[0] is None)
        own = own or (event == "ctypes.dlsym" and arguments[1] in C_FUNCTIONS)
        if not own and len(self.strangers) < 20:
            self.strangers.append(f"{event}{arguments!r}"[:300])

    def _is_ours(self, path: Any) -> bool:
        """A descriptor, a name below an open folder, or a path in the samples' folders."""
        if isinstance(path, int):
            return True
        text = os.fsdecode(path)
        return "/" not in text or text.startswith(self._places) or any(place.startswith(text) for place in self._places)


def _use(folder: Path, out: Path) -> None:
    """Do with one sample everything that needs no torch."""
    guard = Guard((Root.pin(str(folder), "working"), Root.pin(str(out), "working")), str(folder))
    with guard.open(folder / (folder / JUDGED).read_text()) as safe, guard.open(out) as target:
        detect.examine(safe)
        with contextlib.suppress(ModelCypherError):
            detect.describe(safe)
        with contextlib.suppress(ModelCypherError):
            convert_model(safe, target, f"{folder.name}.safetensors", Terms(), rescue=True)


def main() -> int:
    """Warm up, then watch."""
    samples, warm, out = (Path(word) for word in sys.argv[1:4])
    for folder in sorted(warm.iterdir()):
        (out / f"warm-{folder.name}").mkdir()
        _use(folder, out / f"warm-{folder.name}")
    folders = sorted(samples.iterdir())
    for folder in folders:
        (out / folder.name).mkdir()
    watch = Watch(samples, out)
    sys.addaudithook(watch)
    with contextlib.suppress(OSError):
        os.stat(BEGIN)  # noqa: PTH116 - for strace to see
    watch.is_on = True
    for folder in folders:
        _use(folder, out / folder.name)
    watch.is_on = False
    with contextlib.suppress(OSError):
        os.stat(END)  # noqa: PTH116
    converted = sum(1 for _ in out.glob("[0-9]*/*.safetensors"))
    print(json.dumps({"counts": watch.counts, "strangers": watch.strangers, "converted": converted}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
