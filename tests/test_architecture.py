"""The house stands: imports point down, nothing heavy loads by itself, files and processes have one door each."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = Path(__file__).parent.parent / "modelcypher_nb"
NAME = PACKAGE.name

# What may import what: its own floor, or a lower one.
FLOORS = {
    "errors": 0, "settings": 0, "extras": 0, "guard": 0, "formats": 1, "store": 2, "training": 3, "operations": 4,
    "views": 5, "surfaces": 6, "__init__": 6, "__main__": 6,
}  # fmt: skip

HEAVY = {
    "torch",
    "numpy",
    "ipywidgets",
    "pydantic",
    "mcp",
    "mlflow",
    "matplotlib",
    "anywidget",
    "IPython",
    "jsonschema",
}
MODULES_AT_MOST = 40

# Files that open, outside the guard; each with its reason.
OPENERS = {
    "operations/doctor.py": "looks at the environment it runs in: kernel specification, Lab extension",
    "store/network_home.py": "asks the system of which kind the home's file system is",
    "surfaces/mcp/http.py": "puts /dev/null in the place of a forked child's sockets",
    "training/child.py": "reads the script that its person named, as Python itself would",
    "training/ownership.py": "asks the system for its boot id and a process's start time",
}

# Files that start processes or reach for sockets; each with its reason.
PROCESS_AND_NETWORK = {
    "training/child.py": "starts a training script in a process of its own",
    "training/ownership.py": "asks for this machine's name",
    "surfaces/mcp/http.py": "listens on the loopback address",
    "surfaces/mcp/discovery.py": "asks for this machine's name",
}


class Import(NamedTuple):
    """One import: who, whom, where, and whether it happens while the importer itself is imported."""

    importer: str
    imported: str
    line: int
    at_once: bool


@cache
def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def walk(node: ast.AST, *, at_once: bool = True) -> Iterator[tuple[ast.AST, bool]]:
    """Every node but those only type checkers see, and whether it runs when the module is imported."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            for other in child.orelse:
                yield other, at_once
            continue
        inner = at_once and not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        yield child, at_once
        yield from walk(child, at_once=inner)


def imports() -> Iterator[Import]:
    """Every import within the package, to the module that is meant."""
    for name, path in modules().items():
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        for node, at_once in walk(tree(path)):
            if isinstance(node, ast.Import):
                targets = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
                module = ".".join([*base, *(node.module or "").split(".")]).strip(".")
                inner = [f"{module}.{alias.name}" for alias in node.names]
                targets = [one if one in modules() else module for one in inner]
            else:
                continue
            for target in targets:
                if target in modules():
                    yield Import(name, target, node.lineno, at_once)


def floor(module: str) -> int:
    room = module.split(".")[1] if "." in module else "__init__"
    return FLOORS[room]


def test_every_room_has_a_floor() -> None:
    rooms = {name.split(".")[1] for name in modules() if "." in name}
    assert rooms <= set(FLOORS)


def test_imports_point_to_their_own_floor_or_down() -> None:
    upward = [
        f"{one.importer}:{one.line} imports {one.imported}"
        for one in imports()
        # The package itself holds nothing but its version and lazy names.
        if one.imported != NAME and floor(one.imported) > floor(one.importer)
    ]
    assert not upward


def test_no_module_imports_itself_in_a_circle() -> None:
    graph: dict[str, set[str]] = {name: set() for name in modules()}
    for one in imports():
        if one.at_once and one.imported != one.importer:
            graph[one.importer].add(one.imported)
    circles = []
    done: set[str] = set()

    def visit(name: str, above: tuple[str, ...]) -> None:
        if name in above:
            circles.append(" -> ".join((*above[above.index(name) :], name)))
        elif name not in done:
            for following in sorted(graph[name]):
                visit(following, (*above, name))
            done.add(name)

    for name in graph:
        visit(name, ())
    assert not circles


def loaded_by(code: str) -> set[str]:
    """The modules that a fresh interpreter has after running code, beyond what it has by itself."""
    shell = [sys.executable, "-P", "-S", "-c"]
    print_modules = "import sys; print(*sorted(sys.modules))"
    path = f"import sys; sys.path[:] += {[str(PACKAGE.parent), *sys.path]!r};"
    bare = subprocess.run([*shell, print_modules], capture_output=True, text=True, check=True).stdout.split()
    full = subprocess.run([*shell, f"{path} {code}; {print_modules}"], capture_output=True, text=True, check=True)
    return set(full.stdout.split()) - set(bare)


def test_importing_the_package_loads_nothing_heavy_and_few_modules() -> None:
    loaded = loaded_by(f"import {NAME}")
    assert not {name.partition(".")[0] for name in loaded} & HEAVY
    assert len(loaded) <= MODULES_AT_MOST, sorted(loaded)


def test_the_count_of_loaded_modules_sees_a_heavy_import() -> None:
    assert len(loaded_by("import dataclasses")) > 30


@pytest.mark.parametrize("verb", ["model scan x", "job list", "settings show"])
def test_a_verb_s_own_module_loads_nothing_heavy(verb: str) -> None:
    words = verb.split()
    loaded = loaded_by(f"from modelcypher_nb.surfaces.words import parse; parse({words!r}, 'mc', in_shell=True)")
    assert not {name.partition(".")[0] for name in loaded} & HEAVY


def calls(path: Path) -> Iterator[tuple[str, int]]:
    for node, _ in walk(tree(path)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node.lineno


def test_only_the_guard_opens_files() -> None:
    def opens(called: str) -> bool:
        tail = called.rpartition(".")[2]
        by_path = tail in {"read_text", "read_bytes", "write_text", "write_bytes"}
        return called in {"open", "os.open", "io.open", "os.fdopen", "codecs.open"} or by_path

    found = {
        f"{path.relative_to(PACKAGE)}:{line} calls {called}"
        for path in modules().values()
        if path.parent.name != "guard" and str(path.relative_to(PACKAGE)) not in OPENERS
        for called, line in calls(path)
        if opens(called) and not called.startswith(("safe.", "file.", "self._home."))
    }
    assert not found


def test_every_reasoned_exception_is_still_needed() -> None:
    for file in (*OPENERS, *PROCESS_AND_NETWORK):
        assert (PACKAGE / file).is_file(), f"{file} is gone: take it off the list"


def test_only_named_files_start_processes_or_reach_for_sockets() -> None:
    found = {
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in modules().values()
        for node, _ in walk(tree(path))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""])
        if name.partition(".")[0] in {"subprocess", "socket", "http", "urllib", "requests", "httpx", "ftplib"}
        and not getattr(node, "level", 0)
    }
    assert {place.partition(":")[0] for place in found} <= set(PROCESS_AND_NETWORK), found


def test_nothing_is_evaluated_outside_the_magic_s_braces() -> None:
    found = {
        str(path.relative_to(PACKAGE))
        for path in modules().values()
        for called, _ in calls(path)
        if called in {"eval", "exec", "pickle.load", "pickle.loads", "torch.load", "marshal.loads", "os.system"}
    }
    assert found <= {"surfaces/variables.py", "training/child.py"}


def declared(path: Path) -> set[str] | None:
    for node in tree(path).body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(target, ast.Name) and target.id == "__all__":
            value = node.value  # type: ignore[attr-defined]
            return {element.value for element in value.elts if isinstance(element, ast.Constant)}
    return None


@pytest.mark.parametrize("name", modules())
def test_every_declared_name_exists(name: str) -> None:
    module = importlib.import_module(name)
    assert not [one for one in declared(modules()[name]) or () if not hasattr(module, one)]


def test_what_another_room_uses_is_declared_and_nothing_private_is_used() -> None:
    undeclared = set()
    for name, path in modules().items():
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        for node, _ in walk(tree(path)):
            if not isinstance(node, ast.ImportFrom) or not node.level:
                continue
            base = package.split(".")[: len(package.split(".")) - node.level + 1]
            source = ".".join([*base, *(node.module or "").split(".")]).strip(".")
            for alias in node.names:
                if f"{source}.{alias.name}" in modules() or alias.name == "__version__" or source == NAME:
                    continue
                same_room = source.split(".")[1:2] == name.split(".")[1:2]
                known = declared(modules()[source]) or set()
                if alias.name.startswith("_") or not (same_room or alias.name in known):
                    undeclared.add(f"{name}:{node.lineno} takes {alias.name} from {source}")
    assert not undeclared


def test_type_checkers_know_every_public_name() -> None:
    package = importlib.import_module(NAME)
    (only_checked,) = (node for node in tree(PACKAGE / "__init__.py").body if isinstance(node, ast.If))
    known = {
        alias.name
        for node in only_checked.body
        if isinstance(node, ast.ImportFrom) and node.level
        for alias in node.names
    }
    assert known == set(package._PUBLIC)


def test_the_package_s_own_names_are_what_it_says() -> None:
    package = importlib.import_module(NAME)
    assert sorted(package.__all__) == package.__all__
    assert set(package._PUBLIC) <= set(package.__all__)
    assert set(package.__all__) <= set(dir(package))
    for name in package.__all__:
        assert getattr(package, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'absent'"):
        _ = package.absent
