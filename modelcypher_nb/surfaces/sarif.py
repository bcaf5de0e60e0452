"""A scan's facts as SARIF 2.1.0, the form in which code hosts and editors take findings."""

from __future__ import annotations

from typing import Any

from ..formats.report import Finding, Level
from ..formats.rules import Rule, rule_of
from ..guard.secrets import redact
from ..operations.facts import ScanFacts, ScanResult

__all__ = ["sarif"]

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
START = "START"
UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/")
LEVELS: dict[Level, str] = {
    "code": "error", "malformed": "error", "unsupported": "warning", "objects": "warning", "data": "note",
    "weights": "none",
}  # fmt: skip
# How code hosts order alerts; of 10.
SEVERITIES: dict[Level, str] = {"code": "9.0", "malformed": "6.0", "objects": "4.0"}


def sarif(facts: ScanFacts, start: str) -> dict[str, Any]:
    """The report of one scan.

    Args:
        facts: what the scan gave.
        start: the start folder; files in it are told relative to it.
    """
    rules = _Rules()
    results = [_result(finding, one, facts, start, rules) for one in facts.results for finding in one.verdict.findings]
    # Each file once, however often it was named: the schema asks for it.
    artifacts = {one["location"]["uri"]: one for result in facts.results for one in _artifacts(result, start)}
    run = {
        "tool": {"driver": _driver(rules)},
        "invocations": [{"executionSuccessful": True, "exitCode": facts.exit_code}],
        "originalUriBaseIds": {START: {"uri": f"file://{_quoted(start.rstrip('/'))}/"}},
        "artifacts": list(artifacts.values()),
        "results": results,
        "columnKind": "unicodeCodePoints",
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


class _Rules:
    """The rules that results refer to, in the order of their first use."""

    def __init__(self) -> None:
        self.told: dict[str, dict[str, Any]] = {}

    def index(self, name: str, rule: Rule, level: Level) -> int:
        if name not in self.told:
            self.told[name] = _rule(name, rule, level)
        return list(self.told).index(name)


def _driver(rules: _Rules) -> dict[str, Any]:
    from .. import __version__

    return {
        "name": "modelcypher_nb",
        "semanticVersion": __version__,
        "rules": list(rules.told.values()),
    }


def _rule(name: str, rule: Rule, level: Level) -> dict[str, Any]:
    title, text = rule
    properties: dict[str, Any] = {"tags": ["security"]}
    if level in SEVERITIES:
        properties["security-severity"] = SEVERITIES[level]
    return {
        "id": name,
        "shortDescription": {"text": f"{title}."},
        "fullDescription": {"text": text.replace("`", "")},
        "help": {"text": text.replace("`", ""), "markdown": text},
        "defaultConfiguration": {"level": LEVELS[level]},
        "properties": properties,
    }


def _result(finding: Finding, one: ScanResult, facts: ScanFacts, start: str, rules: _Rules) -> dict[str, Any]:
    name, rule = rule_of(finding)
    level = "error" if facts.strict and finding.level == "objects" else LEVELS[finding.level]
    place = _located(finding, one, start)
    made: dict[str, Any] = {
        "ruleId": name,
        "ruleIndex": rules.index(name, rule, finding.level),
        "level": level,
        "kind": "informational" if level == "none" else "fail",
        "message": {"text": redact(" ".join(part for part in (finding.what, finding.remedy) if part))},
        "locations": [place],
        "partialFingerprints": {"finding/v1": _fingerprint(name, finding, place)},
        "properties": {"verdict": finding.level},
    }
    for key, value in (("name", finding.name), ("excerpt", finding.excerpt)):
        if value is not None:
            made["properties"][key] = redact(value)
    return made


def _located(finding: Finding, one: ScanResult, start: str) -> dict[str, Any]:
    """The file, as the byte in it where that is known; an archive's member is a place within it."""
    where = finding.where if finding.where.startswith("/") else f"{one.path}/{finding.where}"
    region: dict[str, Any] = {"startLine": 1}  # code hosts leave out what has no line
    place: dict[str, Any] = {"physicalLocation": {"artifactLocation": _artifact_location(where, start)}}
    if finding.member is not None:
        member: dict[str, Any] = {"fullyQualifiedName": redact(finding.member), "kind": "member"}
        if finding.offset is not None:
            member["properties"] = {"byteOffset": finding.offset}
        place["logicalLocations"] = [member]
    elif finding.offset is not None:
        region["byteOffset"] = finding.offset
    place["physicalLocation"]["region"] = region
    return place


def _artifacts(one: ScanResult, start: str) -> list[dict[str, Any]]:
    """What was judged: of a folder, each of its files."""
    judged = [(f"{one.path}/{file.name}", file.format, file.level, file.size_bytes) for file in one.files]
    return [
        {
            "location": _artifact_location(path, start),
            "length": size_bytes,
            "roles": ["analysisTarget"],
            "properties": {"verdict": level, "format": kind},
        }
        for path, kind, level, size_bytes in judged or [(one.path, one.format, one.verdict.level, one.size_bytes)]
    ]


def _artifact_location(where: str, start: str) -> dict[str, str]:
    lead = start.rstrip("/") + "/"
    if where.startswith(lead) or where == start:
        return {"uri": _quoted(where[len(lead) :]) or ".", "uriBaseId": START}
    return {"uri": f"file://{_quoted(where)}"}


def _quoted(path: str) -> str:
    """A path as part of a URI: whatever isn't plain is percent-encoded."""
    data = redact(path).encode("utf-8", "surrogateescape")
    return "".join(chr(byte) if byte in UNRESERVED else f"%{byte:02X}" for byte in data)


def _fingerprint(name: str, finding: Finding, place: dict[str, Any]) -> str:
    """The same for the same finding in the same file, whatever the machine and the order of the scan."""
    import hashlib

    uri = place["physicalLocation"]["artifactLocation"]["uri"]
    parts = (name, uri, finding.member, finding.name, finding.offset)
    return hashlib.sha256("\0".join(str(part) for part in parts).encode("utf-8", "backslashreplace")).hexdigest()
