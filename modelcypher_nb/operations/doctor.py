"""The doctor: names every missing or mismatched part with the command that mends it."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from .. import __version__
from ..errors import ModelCypherError, SettingError
from ..extras import EXTRA_OF
from ..guard.secrets import shown
from ..settings import SETTINGS
from .facts import Check, DoctorFacts
from .operation import operation
from .session import Call, Session

if TYPE_CHECKING:
    from packaging.requirements import Requirement

__all__: list[str] = []

EXTENSION = "modelcypher-nb"
VIEWS = ("model_card", "training_run", "registry", "server", "refusal")
NEEDED = {
    "ipykernel": "the kernel's side of live views",
    "anywidget": "widgets outside JupyterLab",
    "mcp": "the server for assistants",
    "torch": "loading and training",
    "jupyterlab": "the notebook itself",
}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _python() -> Check:
    found = f"Python {'.'.join(map(str, sys.version_info[:3]))} in {shown(sys.prefix)}"
    if sys.platform != "linux":
        return Check("python", ok=False, found=f"{found} on {sys.platform}", remedy="Use Linux, or WSL on Windows.")
    return Check("python", ok=True, found=found)


def _package(wanted: Requirement, needed_for: str, install: str) -> Check:
    version = _version(wanted.name)
    if version is None:
        return Check(wanted.name, ok=False, found=f"not installed; {needed_for}", remedy=install)
    if not wanted.specifier.contains(version, prereleases=True):
        found = f"{version}, which isn't within {wanted.specifier}; {needed_for}"
        return Check(wanted.name, ok=False, found=found, remedy=install)
    return Check(wanted.name, ok=True, found=version)


def _packages() -> Iterator[Check]:
    """What a notebook needs most, in the ranges that the package's own metadata states."""
    from packaging.requirements import Requirement

    wanted = {one.name: one for one in map(Requirement, metadata.requires("modelcypher_nb") or ())}
    for name, needed_for in NEEDED.items():
        one = wanted[name]
        what = f"modelcypher_nb[{EXTRA_OF[name]}]" if name in EXTRA_OF else f"{name}{one.specifier}"
        yield _package(one, needed_for, f"{sys.executable} -m pip install '{what}'")


def _front_end() -> Check:
    static = Path(__file__).parent.parent / "views" / "static"
    missing = [name for name in VIEWS if not (static / f"{name}.js").is_file()]
    if missing:
        return Check(
            "front end",
            ok=False,
            found=f"the bundles of {', '.join(missing)} aren't built",
            remedy=f"{sys.executable} -m pip install --force-reinstall --no-deps .",
        )
    return Check("front end", ok=True, found=f"{len(VIEWS)} bundles")


def _extension_folders(prefix: str) -> Iterator[Path]:
    for base in (os.path.join(prefix, "share", "jupyter"), os.path.expanduser("~/.local/share/jupyter")):  # noqa: PTH111, PTH118
        yield Path(base) / "labextensions" / EXTENSION / "package.json"


def _extension(prefix: str, where: str, python: str) -> Check:
    """Whether a Lab that runs from `prefix` finds our extension, and of this version."""
    for manifest in _extension_folders(prefix):
        if manifest.is_file():
            version = str(json.loads(manifest.read_text(encoding="utf-8")).get("version", "?"))
            if version == __version__:
                return Check("lab extension", ok=True, found=f"{version} in {where}")
            found = f"{version} in {where}, but the kernel's package is {__version__}"
            return Check("lab extension", ok=False, found=found, remedy=f"{python} -m pip install -U modelcypher_nb")
    return Check(
        "lab extension",
        ok=False,
        found=f"absent from {where}: cards and runs draw as plain widgets and vanish from saved notebooks",
        remedy=f"{python} -m pip install modelcypher_nb",
    )


def _lab_python() -> str | None:
    """The interpreter of the Jupyter server that started this kernel, or None outside one."""
    if "JPY_PARENT_PID" not in os.environ:
        return None
    import psutil

    for process in psutil.Process().parents():
        command = process.cmdline()
        if any("jupyter" in os.path.basename(word) for word in command[:3]):  # noqa: PTH119
            return command[0]
    return None


def _environments() -> Iterator[Check]:
    """Python, Lab and kernel should be of one environment; Lab's own must hold the extension."""
    python = _lab_python()
    if python is not None:
        prefix = str(Path(python).parent.parent)
        same = os.path.realpath(prefix) == os.path.realpath(sys.prefix)
        yield Check("lab environment", ok=True, found="the kernel's own" if same else shown(prefix))
        yield _extension(prefix, "the Lab's environment", python)
    else:
        yield _extension(sys.prefix, "this environment", sys.executable)
    spec = Path(sys.prefix) / "share" / "jupyter" / "kernels" / "python3" / "kernel.json"
    if spec.is_file():
        command = str(json.loads(spec.read_text(encoding="utf-8"))["argv"][0])
        foreign = os.path.isabs(command) and Path(command).parent != Path(sys.executable).parent  # noqa: PTH117
        yield Check(
            "kernel",
            ok=not foreign,
            found=f"the kernel named python3 starts {shown(command)}",
            remedy=f"{sys.executable} -m ipykernel install --sys-prefix" if foreign else None,
        )


def _command() -> Check:
    """The name `mc` may be Midnight Commander's or MinIO's."""
    found = shutil.which("mc")
    ours = Path(sys.executable).parent / "mc"
    if found is None or (ours.exists() and Path(found).samefile(ours)):
        return Check("mc command", ok=True, found=shown(found) if found else "not on PATH")
    return Check(
        "mc command",
        ok=False,
        found=f"{shown(found)} is another program",
        remedy=f"Use modelcypher-nb, or {sys.executable} -m modelcypher_nb",
    )


def _browser() -> Check:
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        remedy = "apt-get install -y chromium (only the browser tests need it)"
        return Check("browser", ok=False, found="no Chromium on PATH", remedy=remedy)
    return Check("browser", ok=True, found=shown(found))


def _settings(session: Session) -> Iterator[Check]:
    faults = []
    for setting in SETTINGS:
        try:
            session.settings.entry(setting.key)
        except SettingError as error:
            faults.append(error)
    for fault in faults:
        yield Check("setting", ok=False, found=fault.problem, remedy=fault.remedy)
    if not faults:
        yield Check("settings", ok=True, found=f"all {len(SETTINGS)} parse")
    for notice in session.settings.notices:
        yield Check("notice", ok=True, found=notice)


def _home(session: Session) -> Check:
    try:
        with session.home.lock("doctor.lock"):
            mode = os.stat(session.home_path).st_mode & 0o777  # noqa: PTH116
    except ModelCypherError as error:
        return Check("home", ok=False, found=error.problem, remedy=error.remedy)
    if mode & 0o077:
        remedy = f"chmod 700 '{shown(session.home_path)}'"
        return Check("home", ok=False, found=f"{shown(session.home_path)} is open to others ({mode:o})", remedy=remedy)
    return Check("home", ok=True, found=shown(session.home_path))


@operation(effect="read", people_only=True, needs_settings=False)
def system_doctor(call: Call) -> DoctorFacts:
    """Look for missing and mismatched parts, and name the command that mends each."""
    checks = (
        _python(),
        *_packages(),
        _front_end(),
        *_environments(),
        _command(),
        _browser(),
        _home(call.session),
        *_settings(call.session),
    )
    return DoctorFacts(checks, all(check.ok for check in checks))
