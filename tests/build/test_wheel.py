"""What a person gets when they install: the wheel's front end, and the hook that builds it."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
import tarfile
import typing
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from modelcypher_nb.operations import doctor
from modelcypher_nb.views.messages import ViewName

ROOT = Path(__file__).resolve().parents[2]
FRONT_END = ROOT / "frontend"
EXTENSION = re.compile(r"^modelcypher_nb-[^/]+\.data/data/share/jupyter/labextensions/modelcypher-nb/(.+)$")

# Addresses that stand in comments of bundled libraries or name a standard; a page never asks for one of them.
HARMLESS = ("https://github.com/leeoniya/uPlot", "http://www.w3.org/")


def load_hook() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def build(kind: str, source: Path, target: Path) -> Path:
    command = [sys.executable, "-m", "build", f"--{kind}", "--no-isolation", "--outdir", str(target), str(source)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    (built,) = target.iterdir()
    return built


def borrow_node_modules(folder: Path) -> None:
    """Link the clone's installed packages, so that a second build asks no registry."""
    (folder / "frontend" / "node_modules").symlink_to(FRONT_END / "node_modules")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    return zipfile.ZipFile(build("wheel", ROOT, tmp_path_factory.mktemp("wheel")))


@pytest.fixture
def copy(tmp_path: Path, wheel: zipfile.ZipFile) -> Path:
    """The front end's sources elsewhere, beside nothing that was built from them."""
    assert wheel.namelist(), "the wheel's build has installed the packages that the copy borrows"
    skip = shutil.ignore_patterns("node_modules", "lib", "labextension")
    shutil.copytree(FRONT_END, tmp_path / "frontend", ignore=skip)
    (tmp_path / "modelcypher_nb" / "views" / "static").mkdir(parents=True)
    borrow_node_modules(tmp_path)
    return tmp_path


def extension_files(wheel: zipfile.ZipFile) -> dict[str, bytes]:
    matches = {name: EXTENSION.match(name) for name in wheel.namelist()}
    return {match[1]: wheel.read(name) for name, match in matches.items() if match}


def front_end_scripts(wheel: zipfile.ZipFile) -> dict[str, str]:
    names = [name for name in wheel.namelist() if name.endswith(".js")]
    return {name: wheel.read(name).decode() for name in names}


def built_modules(wheel: zipfile.ZipFile) -> dict[str, str]:
    """Every script but the bundler's own entry, whose numbers depend on the folder that it was made in."""
    return {name: script for name, script in front_end_scripts(wheel).items() if "remoteEntry" not in name}


def test_build_doctor_and_wire_know_the_same_views() -> None:
    assert load_hook().VIEWS == doctor.VIEWS == typing.get_args(ViewName)


@pytest.mark.slow
@pytest.mark.parametrize("view", typing.get_args(ViewName))
def test_the_wheel_holds_each_view_as_a_module_with_a_default_export(wheel: zipfile.ZipFile, view: str) -> None:
    module = wheel.read(f"modelcypher_nb/views/static/{view}.js").decode()
    assert re.search(r"export\{[^}]*\bas default\b", module)


@pytest.mark.slow
def test_the_wheel_holds_the_extension_that_jupyterlab_will_load(wheel: zipfile.ZipFile) -> None:
    files = extension_files(wheel)
    package = json.loads(files["package.json"])
    assert package["jupyterlab"]["_build"]["load"] in files
    assert package["jupyterlab"]["_build"]["extension"] == "./extension"
    assert json.loads(files["install.json"])["packageName"] == "modelcypher_nb"
    assert any(b"application/vnd.modelcypher.v1+json" in content for content in files.values())


@pytest.mark.slow
def test_the_wheel_packs_nothing_twice_and_no_build_leftovers(wheel: zipfile.ZipFile) -> None:
    names = wheel.namelist()
    assert len(names) == len(set(names))
    leftovers = [
        name for name in names if re.search(r"node_modules|\.map$|\.tsx?$|sha256$|\.gitkeep$|^frontend/", name)
    ]
    assert leftovers == []
    assert not any("sourceMappingURL" in script for script in front_end_scripts(wheel).values())


@pytest.mark.slow
def test_the_wheel_carries_the_licence_of_the_library_that_its_scripts_bundle(wheel: zipfile.ZipFile) -> None:
    (name,) = (name for name in wheel.namelist() if name.endswith("licenses/uPlot.txt"))
    assert wheel.read(name) == (FRONT_END / "node_modules" / "uplot" / "LICENSE").read_bytes()


@pytest.mark.slow
def test_no_script_of_the_wheel_asks_any_address(wheel: zipfile.ZipFile) -> None:
    for name, script in front_end_scripts(wheel).items():
        addresses = [found for found in re.findall(r"https?://[^\s\"'`)]+", script) if not found.startswith(HARMLESS)]
        assert addresses == [], name
        assert not re.search(r"\bfetch\(|XMLHttpRequest|sendBeacon|new WebSocket|EventSource", script), name


@pytest.mark.slow
def test_a_source_distribution_becomes_the_same_wheel(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    archive = build("sdist", ROOT, tmp_path / "sdist")
    with tarfile.open(archive) as unpacked:
        unpacked.extractall(tmp_path / "source", filter="data")
    (source,) = (tmp_path / "source").iterdir()
    assert not list((source / "modelcypher_nb" / "views" / "static").glob("*.js")), "the sources carry no bundle"
    borrow_node_modules(source)
    again = zipfile.ZipFile(build("wheel", source, tmp_path / "wheel"))
    assert built_modules(again) == built_modules(wheel)
    assert len(extension_files(again)) == len(extension_files(wheel))


@pytest.mark.slow
def test_unchanged_sources_are_not_built_again_and_a_changed_line_is(copy: Path) -> None:
    hook = load_hook()
    assert not hook.FrontEnd(copy).is_current()
    hook.FrontEnd(copy).build(lambda _line: None)
    assert hook.FrontEnd(copy).is_current()
    with (copy / "frontend" / "src" / "format.ts").open("a") as source:
        source.write("// a new line\n")
    assert not hook.FrontEnd(copy).is_current()


@pytest.mark.slow
def test_a_deleted_bundle_is_built_again(copy: Path) -> None:
    front_end = load_hook().FrontEnd(copy)
    front_end.build(lambda _line: None)
    (copy / "modelcypher_nb" / "views" / "static" / "registry.js").unlink()
    assert not front_end.is_current()


@pytest.mark.slow
def test_a_type_error_stops_the_build_and_names_its_line(copy: Path) -> None:
    hook = load_hook()
    with (copy / "frontend" / "src" / "format.ts").open("a") as source:
        source.write("export const wrong: number = 'text';\n")
    with pytest.raises(hook.FrontEndError, match=r"types don't check: .*(\n.*)*src/format\.ts\(\d+,\d+\)"):
        hook.FrontEnd(copy).build(lambda _line: None)
    assert not hook.FrontEnd(copy).is_current()


def test_missing_front_end_sources_are_said_in_one_sentence(tmp_path: Path) -> None:
    hook = load_hook()
    (tmp_path / "frontend").mkdir()
    with pytest.raises(hook.FrontEndError, match=r"has no package-lock\.json: build from a clone"):
        hook.FrontEnd(tmp_path).build(lambda _line: None)


def test_the_lockfile_pins_every_package_and_names_no_registry() -> None:
    lock = json.loads((FRONT_END / "package-lock.json").read_text())
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert packages
    assert [name for name, entry in packages.items() if "integrity" not in entry] == []
    assert [name for name, entry in packages.items() if "resolved" in entry] == []
    assert "omit-lockfile-registry-resolved=true" in (FRONT_END / ".npmrc").read_text().splitlines()


def test_no_source_of_the_front_end_writes_markup_or_runs_text() -> None:
    forbidden = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|createContextualFragment"
    )
    sources = sorted((FRONT_END / "src").glob("*.ts"))
    assert len(sources) > 10
    assert [path.name for path in sources if forbidden.search(path.read_text())] == []
