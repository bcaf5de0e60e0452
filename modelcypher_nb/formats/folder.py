"""What the files around the weights say: configuration, model card, place in the Hub's cache."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..errors import MissingFileError, ModelCypherError
from ..guard.safe_path import SafePath
from ..guard.secrets import shown
from .beside import CODE_SUFFIXES
from .report import Finding
from .strict_json import parse
from .templates.judging import LONGEST_TEMPLATE, judge

__all__ = ["CONFIGURATIONS", "FolderFacts", "describe_folder", "hub_source", "is_told"]

CONFIG_LIMIT = 16 << 20
CARD_LIMIT = 64 << 10  # front matter stands at the top; the prose below it may be long
# Each of these is read by some library that imports what it names: transformers' Auto classes, PEFT, Diffusers,
# Sentence Transformers, ModelScope.
CONFIGURATIONS = (
    "config.json",
    "tokenizer_config.json",
    "preprocessor_config.json",
    "processor_config.json",
    "image_processor_config.json",
    "video_preprocessor_config.json",
    "feature_extractor_config.json",
    "generation_config.json",
    "chat_template.json",
    "adapter_config.json",
    "model_index.json",
    "modular_config.json",
    "modular_model_index.json",
    "modules.json",
    "router_config.json",
    "sentence_bert_config.json",
    "config_sentence_transformers.json",
    "configuration.json",
)
TEMPLATE_SUFFIXES = (".jinja", ".jinja2", ".j2")
TOLD_SUFFIXES = (*TEMPLATE_SUFFIXES, *CODE_SUFFIXES)
CUSTOM_GENERATE = "custom_generate/generate.py"
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


def is_told(name: str) -> bool:
    """Whether a file beside the weights is one that `describe_folder` wants to know of; a disk may not mind case."""
    lower = name.lower()
    return lower in CONFIGURATIONS or lower.endswith(TOLD_SUFFIXES)


def describe_folder(folder: SafePath, base: str = "", configurations: Iterable[str] = ()) -> FolderFacts:
    """Read the model card and the configurations of a folder; what can't be read is a finding.

    Args:
        folder: the model's folder.
        base: where in it the model itself lies, with a closing slash; empty for the folder itself.
        configurations: every file that `is_told` chose, at any depth: each may name code, or be code.
    """
    findings: list[Finding] = []
    architecture = None
    told = list(configurations)
    programs = [name for name in told if name.lower().endswith(CODE_SUFFIXES)]
    present = frozenset(programs)
    for name in told:
        where = f"{folder.display}/{shown(name)}"
        if name.lower().endswith(TEMPLATE_SUFFIXES):
            findings.extend(_template(folder, name, where))
        elif name not in present:
            from .folder_code import judge_configuration  # a folder of bare checkpoints needs none of it

            content = _configuration(folder, name, findings)
            findings.extend(judge_configuration(name, content, where, present))
            if name == f"{base}config.json":
                architecture = _architecture(content)
    findings.extend(_programs(folder, programs))
    card = _card(folder, f"{base}README.md", findings)
    return FolderFacts(
        architecture,
        card.get("license_name") or card.get("license"),
        card.get("base_model"),
        card.get("pipeline_tag"),
        tuple(findings),
    )


def hub_source(location: str) -> tuple[str | None, str | None]:
    """The repository and commit that a place in the Hub's cache stands for."""
    match = HUB_PLACE.search(location)
    if match is None:
        return None, None
    return match[1].replace("--", "/", 1), match[2]


def _configuration(folder: SafePath, name: str, findings: list[Finding]) -> Any:
    try:
        with folder / name as safe:
            return parse(safe.read_bytes(CONFIG_LIMIT), safe.display, constants=True)
    except ModelCypherError as error:
        findings.append(Finding("malformed", error.problem, f"{folder.display}/{shown(name)}", error.remedy))
        return {}


def _template(folder: SafePath, name: str, where: str) -> list[Finding]:
    try:
        with folder / name as safe:
            return judge(safe.read_bytes(4 * LONGEST_TEMPLATE).decode("utf-8", "backslashreplace"), where)
    except ModelCypherError as error:
        return [Finding("malformed", error.problem, where, error.remedy)]


def _programs(folder: SafePath, names: list[str]) -> list[Finding]:
    """Python code in the folder is only told of, unless a library looks for it under this very name."""
    findings = [
        Finding(
            "code",
            "The folder's own generate function is Python code, which transformers looks for under this name.",
            f"{folder.display}/{shown(name)}",
            "Read that code before any library loads this folder with trust_remote_code=True.",
            "custom-generate",
        )
        for name in names
        if f"/{name}".lower().endswith(f"/{CUSTOM_GENERATE}")
    ]
    if names:
        listed = ", ".join(shown(name, 60) for name in names[:6]) + (", ..." if len(names) > 6 else "")
        what = f"The folder holds Python code ({listed}); nothing here runs it."
        remedy = "Read it before anything imports it."
        findings.append(Finding("weights", what, folder.display, remedy, "python-code"))
    return findings


def _architecture(config: Any) -> str | None:
    if not isinstance(config, dict):
        return None
    listed = config.get("architectures")
    if isinstance(listed, list) and listed and isinstance(listed[0], str):
        return listed[0]
    model_type = config.get("model_type")
    return model_type if isinstance(model_type, str) else None


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
