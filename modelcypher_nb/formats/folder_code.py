"""What a model's configurations would have another library import, and the templates they hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from functools import partial
from typing import Any

from ..errors import PathRefusedError
from ..guard.names import components
from ..guard.secrets import shown
from .folder_names import KNOWN_LIBRARIES, KNOWN_MODULES, PIPELINE_MODULES
from .report import Finding
from .templates.judging import Templates

__all__ = ["judge_configuration"]

READ_CODE = "Read that code before any library loads this folder with trust_remote_code=True."
READ_CLASS = "Read that code before any library loads this folder: it imports the name and calls what it finds."
MOST_FINDINGS = 50
DOTTED = re.compile(r"[A-Za-z_][\w]*(?:\.[A-Za-z_]\w*)+")
TORCH_LAYER = re.compile(r"torch\.nn\.(?:modules\.(?:activation|linear)\.)?[A-Z]\w*")
TRANSFORMERS_CLASS = re.compile(r"(?:transformers|diffusers)(?:\.models\.\w+\.(?:modeling|pipeline)_\w+)?")
OUTSIDE = re.compile(r"^(?:/|~|[A-Za-z]:[\\/]|\\\\|\.\.?[\\/]|[a-z]+://)|(?:^|[\\/])\.\.(?:[\\/]|$)")


def judge_configuration(place: str, content: Any, where: str, present: AbstractSet[str] = frozenset()) -> list[Finding]:
    """Judge a parsed configuration: every name in it that a library imports, every chat template.

    Args:
        place: the file within the model's folder.
        content: what its JSON says.
        where: the file, as findings call it.
        present: the Python files of the folder, by their places in it.
    """
    folder, _, name = place.rpartition("/")
    name = name.lower()
    judges = FILES.get(name)
    findings = list(judges(content, where, f"{folder}/" if folder else "", present)) if judges is not None else []
    findings += _by_keys(name, content, where)
    if len(findings) > MOST_FINDINGS:
        rest = Finding("code", f"{len(findings) - MOST_FINDINGS} more findings like these.", where, READ_CODE)
        findings = [*findings[:MOST_FINDINGS], rest] if _has_code(findings) else findings[:MOST_FINDINGS]
    return findings


def _has_code(findings: list[Finding]) -> bool:
    return any(finding.level == "code" for finding in findings)


def _code(rule: str, what: str, where: str, name: str | None = None, remedy: str = READ_CODE) -> Finding:
    return Finding("code", what, where, remedy, rule, name=name)


def _by_keys(file: str, content: Any, where: str) -> Iterator[Finding]:
    """Look at every key at any depth: composed models nest their configurations."""
    todo: list[tuple[Any, bool]] = [(content, True)]
    templates = Templates(where)
    while todo:
        value, is_top = todo.pop()
        if isinstance(value, list):
            todo.extend((item, False) for item in value)
        if not isinstance(value, dict):
            continue
        todo.extend((item, False) for item in value.values())
        for key in KEYS.keys() & value.keys():
            yield from KEYS[key](value[key], where)
        for key in TEMPLATES & value.keys():
            yield from _templates(value[key], key, templates)
        if is_top:
            for key in TOP_KEYS.get(file, {}).keys() & value.keys():
                yield from TOP_KEYS[file][key](value[key], where)


def _texts(value: Any) -> list[str]:
    """The texts within a value, in their order, as deep as they nest."""
    found: list[str] = []
    todo = [value]
    while todo:
        one = todo.pop()
        if isinstance(one, str):
            found.append(one)
        elif isinstance(one, dict | list):
            todo.extend(reversed(list(one.values()) if isinstance(one, dict) else one))
    return found


def _named(key: str, value: Any, where: str, *, what: str = "names Python code") -> Iterator[Finding]:
    """A key that names code whatever its value is, as long as there is one."""
    if not value:
        return
    texts = _texts(value) or [shown(value, 120)]
    listed = ", ".join(shown(text, 120) for text in texts[:8])
    yield _code(f"config-{key.strip('_').replace('_', '-')}", f"{key} {what}: {listed}.", where, shown(texts[0], 120))


def _templates(value: Any, key: str, templates: Templates) -> Iterator[Finding]:
    """One template, a list of named ones, or a map of them; each is judged."""
    if isinstance(value, str):
        yield from templates.judge(value, key)
        return
    items = enumerate(value) if isinstance(value, list) else value.items() if isinstance(value, dict) else ()
    for place, item in items:
        named = item.get("name") if isinstance(item, dict) else None
        member = f"{key}[{shown(named if isinstance(named, str) else place, 40)}]"
        for text in _texts(item):
            yield from templates.judge(text, member)


def _auto_mapping(value: Any, where: str) -> Iterator[Finding]:
    """PEFT imports the library and takes the class from it."""
    if not isinstance(value, dict) or not value:
        return
    library, name = value.get("parent_library"), value.get("base_model_class")
    if isinstance(library, str) and TRANSFORMERS_CLASS.fullmatch(library) and _is_class(name):
        return
    full = shown(f"{library}.{name}", 120)
    yield _code("config-auto-mapping", f"auto_mapping names Python code: {full}.", where, full, READ_CLASS)


def _is_class(name: Any) -> bool:
    return isinstance(name, str) and re.fullmatch(r"[A-Z]\w*", name) is not None


def _megatron(value: Any, where: str) -> Iterator[Finding]:
    """PEFT imports what stands there as soon as a megatron_config stands beside it."""
    if isinstance(value, str) and value not in {"", "megatron.core"}:
        what = f"megatron_core names Python code: {shown(value, 120)}."
        yield _code("config-megatron-core", what, where, shown(value, 120), READ_CLASS)


def _attention(value: Any, where: str) -> Iterator[Finding]:
    """A repository's name there is downloaded as a compiled kernel and run."""
    for text in _texts(value):
        if "/" in text:
            what = f"The attention implementation {shown(text, 120)} is code of another repository."
            yield _code("config-kernel", what, where, shown(text, 120))


def _activation(value: Any, where: str) -> Iterator[Finding]:
    """Sentence Transformers imports a dotted name there and calls it; other libraries have plain words."""
    if isinstance(value, str) and DOTTED.search(value) and not TORCH_LAYER.fullmatch(value):
        what = f"The activation function names Python code: {shown(value, 120)}."
        yield _code("config-activation", what, where, shown(value, 120), READ_CLASS)


def _trust(value: Any, where: str) -> Iterator[Finding]:
    if value is True:
        what = "trust_remote_code is switched on in the configuration itself."
        yield Finding("weights", what, where, "Switch it off; libraries should ask you.", "config-trust")


def _base_model(value: Any, where: str) -> Iterator[Finding]:
    """A path there is opened by whatever loads the adapter, and is most often only the trainer's own machine."""
    if isinstance(value, str) and OUTSIDE.search(value):
        what = f"The base model is a path out of this folder: {shown(value, 200)}."
        remedy = "Name the base model yourself when you load this one."
        yield Finding("weights", what, where, remedy, "config-base-model")


def _modules(content: Any, where: str, *_: Any) -> Iterator[Finding]:
    """modules.json of Sentence Transformers: the class of each step, and the folder it reads."""
    for item in content if isinstance(content, list) else []:
        if isinstance(item, dict):
            yield from _module_class(item.get("type"), where)
            yield from _module_path(item.get("path"), where)


def _module_class(name: Any, where: str) -> Iterator[Finding]:
    if isinstance(name, str) and _is_known_module(name):
        what = f"The module {shown(name, 120)} is a class of Sentence Transformers."
        yield Finding("weights", what, where, None, "config-modules", name=shown(name, 120))
    elif name is not None:
        what = f"The module {shown(name, 120)} is Python code that isn't Sentence Transformers' own."
        yield _code("config-modules", what, where, shown(name, 120), READ_CLASS)


def _is_known_module(name: str) -> bool:
    """Whether a dotted name leads to a known class through nothing but the library's own folders of modules."""
    match = re.fullmatch(r"sentence_transformers\.(?:\w+\.)?(?:models|modules)\.(?:(\w+)\.)?(\w+)", name)
    if match is None or match[2] not in KNOWN_MODULES:
        return False
    file = match[1]  # that holds the class, and bears its name, or the end of it
    return file is None or match[2].lower().endswith(file.replace("_", "").lower())


def _module_path(path: Any, where: str) -> Iterator[Finding]:
    if path is None or path == "":
        return
    try:
        components(path if isinstance(path, str) else "")
    except PathRefusedError as error:
        what = f"A module's path leaves the folder or is none: {error.problem}"
        yield Finding("malformed", what, where, error.remedy, "config-modules")


def _router(content: Any, where: str, *_: Any) -> Iterator[Finding]:
    """The routes of Sentence Transformers name a class for each of their modules."""
    types = content.get("types") if isinstance(content, dict) else None
    if isinstance(types, dict) and isinstance(content.get("structure"), dict):
        for name in types.values():
            yield from _module_class(name, where)


def _pipeline(content: Any, where: str, folder: str, present: AbstractSet[str]) -> Iterator[Finding]:
    """model_index.json of Diffusers: a library and a class for each component."""
    if not isinstance(content, dict):
        return
    pipeline = content.get("_class_name")
    if isinstance(pipeline, list):
        yield from _named("_class_name", pipeline, where, what="names a pipeline that is Python code")
    for component, value in content.items():
        if component.startswith("_") or not isinstance(value, list):
            continue
        hints = [part.get("type_hint") for part in value if isinstance(part, dict)]  # of a modular pipeline
        for named in (value, *hints):
            if isinstance(named, list) and named and isinstance(named[0], str):  # nothing else can be imported
                is_local = f"{folder}{component}/{named[0]}.py" in present
                yield from _component(component, named, where, is_local=is_local)


def _component(component: str, named: list[Any], where: str, *, is_local: bool) -> Iterator[Finding]:
    name = ".".join(shown(part, 60) for part in named[:2])
    if is_local:
        what = f"The component {shown(component, 60)} is Python code of the folder: {name}."
        yield _code("config-component", what, where, name)
    elif not _is_known_component(named):
        what = f"The component {shown(component, 60)} names Python code: {name}."
        yield _code("config-component", what, where, name, READ_CLASS)


def _is_known_component(value: list[Any]) -> bool:
    library, *rest = value
    known = library in KNOWN_LIBRARIES or library in PIPELINE_MODULES
    return known and bool(rest) and _is_class(rest[0])


def _plugins(value: Any, where: str) -> Iterator[Finding]:
    yield from _named("plugins", value, where, what="names packages that ModelScope installs")


def _allow_remote(value: Any, where: str) -> Iterator[Finding]:
    if value:
        yield _code("config-allow-remote", "allow_remote has ModelScope run the folder's own Python code.", where)


Judge = Callable[[Any, str], Iterator[Finding]]
KEYS: dict[str, Judge] = {
    **{key: partial(_named, key) for key in ("auto_map", "custom_pipelines", "custom_generate")},
    "auto_mapping": _auto_mapping,
    "megatron_core": _megatron,
    **dict.fromkeys(("attn_implementation", "_attn_implementation", "experts_implementation"), _attention),
    **dict.fromkeys(("activation_function", "activation_fn", "sbert_ce_default_activation_function"), _activation),
    "trust_remote_code": _trust,
    "base_model_name_or_path": _base_model,
}
TEMPLATES = frozenset({"chat_template", "chat_templates", "default_chat_template"})
TOP_KEYS: dict[str, dict[str, Judge]] = {
    "config.json": {"model_file": partial(_named, "model_file")},  # MLX imports it from the folder
    "configuration.json": {"plugins": _plugins, "allow_remote": _allow_remote},
}
FILES: dict[str, Callable[[Any, str, str, AbstractSet[str]], Iterator[Finding]]] = {
    "modules.json": _modules,
    "router_config.json": _router,
    "config.json": _router,
    "model_index.json": _pipeline,
    "modular_model_index.json": _pipeline,
}
