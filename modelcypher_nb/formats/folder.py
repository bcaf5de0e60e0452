"""What the files around the weights say: configuration, model card, place in the Hub's cache."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..errors import MissingFileError, ModelCypherError
from ..guard.safe_path import SafePath
from ..guard.secrets import shown
from .report import Finding
from .strict_json import parse

__all__ = ["CONFIGURATIONS", "FolderFacts", "beside", "describe_folder", "hub_source"]

CONFIG_LIMIT = 16 << 20
CARD_LIMIT = 64 << 10  # front matter stands at the top; the prose below it may be long
# Each of these is read by transformers' Auto classes, which import what their auto_map names.
CONFIGURATIONS = (
    "config.json",
    "tokenizer_config.json",
    "preprocessor_config.json",
    "processor_config.json",
    "image_processor_config.json",
    "video_preprocessor_config.json",
    "feature_extractor_config.json",
    "generation_config.json",
)
IMPORTABLE = (".py", ".pyc", ".so", ".pyd")
# The Hub's cache: models--organisation--name/snapshots/commit (or /blobs/digest, where its links lead).
HUB_PLACE = re.compile(r"(?:^|/)models--([^/]+?)/(?:snapshots/([0-9a-f]{40})|blobs)(?:/|$)")
CARD_LINE = re.compile(r"(license|license_name|base_model|pipeline_tag)[ \t]*:[ \t]*(.*)")


@dataclass(frozen=True, slots=True)
class FolderFacts:
    """What a model's folder says beside its weights; None where it doesn't."""

    architecture: str | None = None
    license: str | None = None
    base_model: str | None = None
    pipeline: str | None = None
    findings: tuple[Finding, ...] = ()


def describe_folder(folder: SafePath, base: str = "", configurations: Iterable[str] = ()) -> FolderFacts:
    """Read the model card and the configurations of a folder; what can't be read is a finding.

    Args:
        folder: the model's folder.
        base: where in it the model itself lies, with a closing slash; empty for the folder itself.
        configurations: every configuration that was found in it, at any depth: each may name code.
    """
    findings: list[Finding] = []
    architecture = None
    for name in configurations:
        content = _configuration(folder, name, findings)
        findings.extend(_named_code(content, f"{folder.display}/{shown(name)}"))
        if name == f"{base}config.json":
            architecture = _architecture(content)
    card = _card(folder, f"{base}README.md", findings)
    return FolderFacts(
        architecture,
        card.get("license_name") or card.get("license"),
        card.get("base_model"),
        card.get("pipeline_tag"),
        tuple(findings),
    )


def beside(folder: SafePath) -> frozenset[str]:
    """The names that Python would import from a folder: its modules, compiled ones too, and its folders."""
    return frozenset(
        name
        for entry in folder.list()
        if (name := entry.name.partition(".")[0]).isidentifier()
        and (entry.name.endswith(IMPORTABLE) or not (entry.is_file or "." in entry.name))
    )


def hub_source(location: str) -> tuple[str | None, str | None]:
    """The repository and commit that a place in the Hub's cache stands for."""
    match = HUB_PLACE.search(location)
    if match is None:
        return None, None
    return match[1].replace("--", "/", 1), match[2]


def _configuration(folder: SafePath, name: str, findings: list[Finding]) -> dict[str, Any]:
    try:
        with folder / name as safe:
            content = parse(safe.read_bytes(CONFIG_LIMIT), safe.display, constants=True)
    except ModelCypherError as error:
        findings.append(Finding("malformed", error.problem, f"{folder.display}/{shown(name)}", error.remedy))
        return {}
    return content if isinstance(content, dict) else {}


def _architecture(config: dict[str, Any]) -> str | None:
    listed = config.get("architectures")
    if isinstance(listed, list) and listed and isinstance(listed[0], str):
        return listed[0]
    model_type = config.get("model_type")
    return model_type if isinstance(model_type, str) else None


def _named_code(config: dict[str, Any], where: str) -> list[Finding]:
    """Every Python class that an `auto_map`, at any depth (composed models nest configurations), would import."""
    found: list[Finding] = []
    todo: list[Any] = [config]
    while todo:
        value = todo.pop()
        if isinstance(value, list):
            todo.extend(value)
        if not isinstance(value, dict):
            continue
        todo.extend(value.values())
        if value.get("auto_map"):
            found.append(
                Finding(
                    "code",
                    f"auto_map names Python code: {', '.join(_texts(value['auto_map']))}.",
                    where,
                    "Read that code before any library loads this folder with trust_remote_code=True.",
                )
            )
    return found


def _texts(value: Any) -> list[str]:
    values = value.values() if isinstance(value, dict) else value if isinstance(value, list) else (value,)
    flat = [inner for outer in values for inner in (outer if isinstance(outer, list) else [outer])]
    return [shown(text, 120) for text in flat if text is not None][:8]


def _card(folder: SafePath, name: str, findings: list[Finding]) -> dict[str, str]:
    try:
        with folder / name as safe:
            source = safe.source()
            text = source.read_at(0, min(source.size, CARD_LIMIT)).decode("utf-8", "replace")
    except MissingFileError:
        return {}
    except ModelCypherError as error:
        findings.append(Finding("weights", error.problem, f"{folder.display}/{shown(name)}", error.remedy))
        return {}
    lines = text.removeprefix("\ufeff").splitlines()
    if not lines or lines[0].rstrip() != "---":
        return {}
    return _front_matter(lines[1:])


def _front_matter(lines: list[str]) -> dict[str, str]:
    """The few keys of a card's YAML that we show: a plain or quoted word, or the first of a list.

    A full YAML reader would be one more parser of a stranger's text; a value that needs one is left out.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(lines):
        if line.rstrip() in {"---", "..."}:
            break
        match = CARD_LINE.fullmatch(line.rstrip())
        if match is None:
            continue
        value = _scalar(match[2]) or _first_item(match[2], lines[number + 1 :])
        if value:
            found.setdefault(match[1], value)
    return found


def _scalar(text: str) -> str | None:
    text = re.sub(r"(?:^|\s)#.*$", "", text).strip()
    if text[:1] == "[" and text[-1:] == "]":
        text = text[1:-1].split(",")[0].strip()
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "'\"":
        text = text[1:-1]
    return text if text and len(text) <= 200 and text[0] not in "|>&*!{[%@`'\"" else None


def _first_item(value: str, following: list[str]) -> str | None:
    """The first entry of a block list that stands under its key."""
    if value.strip() or not following:
        return None
    item = re.fullmatch(r"\s*-\s+(.+)", following[0].rstrip())
    return _scalar(item[1]) if item else None
