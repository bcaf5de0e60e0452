"""SARIF: what the standard's schema asks of every object we write, and what code hosts ask beyond it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from modelcypher_nb.formats.report import VERDICTS, Finding, JudgedFile, Verdict
from modelcypher_nb.formats.rules import RULES
from modelcypher_nb.operations.facts import ScanFacts, ScanResult
from modelcypher_nb.surfaces.sarif import sarif
from tests.samples.assembler import Built, Call, Name, New, assembled
from tests.samples.containers import torch_zip

URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?://)?[^\s\"<>\\^`{|}\x00-\x1f]*|[^\s\"<>\\^`{|}:\x00-\x1f]*")
Shape = Mapping[str, tuple[bool, Any]]

# The parts of the schema that our report uses: name -> whether it is required, and its own shape. None of these objects
# takes a property that isn't listed.
MESSAGE: Shape = {"text": (True, str)}
PROPERTIES = dict
ARTIFACT_LOCATION: Shape = {"uri": (False, URI), "uriBaseId": (False, str)}
REGION: Shape = {"startLine": (False, int), "byteOffset": (False, int)}
LOGICAL: Shape = {"fullyQualifiedName": (False, str), "kind": (False, str), "properties": (False, PROPERTIES)}
LOCATION: Shape = {
    "physicalLocation": (False, {"artifactLocation": (False, ARTIFACT_LOCATION), "region": (False, REGION)}),
    "logicalLocations": (False, [LOGICAL]),
}
LEVELS = {"none", "note", "warning", "error"}
RESULT: Shape = {
    "ruleId": (False, str),
    "ruleIndex": (False, int),
    "level": (False, LEVELS),
    "kind": (False, {"informational", "fail"}),
    "message": (True, MESSAGE),
    "locations": (False, [LOCATION]),
    "partialFingerprints": (False, PROPERTIES),
    "properties": (False, PROPERTIES),
}
RULE: Shape = {
    "id": (True, str),
    "shortDescription": (False, MESSAGE),
    "fullDescription": (False, MESSAGE),
    "help": (False, {"text": (True, str), "markdown": (False, str)}),
    "defaultConfiguration": (False, {"level": (False, LEVELS)}),
    "properties": (False, PROPERTIES),
}
DRIVER: Shape = {"name": (True, str), "semanticVersion": (False, str), "rules": (False, [RULE])}
RUN: Shape = {
    "tool": (True, {"driver": (True, DRIVER)}),
    "invocations": (False, [{"executionSuccessful": (True, bool), "exitCode": (False, int)}]),
    "originalUriBaseIds": (False, PROPERTIES),
    "artifacts": (
        False,
        [
            {
                "location": (False, ARTIFACT_LOCATION),
                "length": (False, int),
                "roles": (False, [{"analysisTarget"}]),
                "properties": (False, PROPERTIES),
            }
        ],
    ),
    "results": (False, [RESULT]),
    "columnKind": (False, {"utf16CodeUnits", "unicodeCodePoints"}),
}
LOG: Shape = {"$schema": (False, URI), "version": (True, {"2.1.0"}), "runs": (True, [RUN])}


def check(value: Any, shape: Any, place: str = "log") -> None:
    """Compare a value with a shape, all of it."""
    if isinstance(shape, Mapping):
        assert isinstance(value, dict), place
        assert value.keys() <= shape.keys(), (place, value.keys() - shape.keys())
        for name, (required, inner) in shape.items():
            assert name in value or not required, f"{place} lacks {name}"
            if name in value:
                check(value[name], inner, f"{place}.{name}")
    elif isinstance(shape, list):
        assert isinstance(value, list), place
        for number, item in enumerate(value):
            check(item, shape[0], f"{place}[{number}]")
    elif isinstance(shape, set):
        assert value in shape, (place, value)
    elif isinstance(shape, re.Pattern):
        assert isinstance(value, str), place
        assert shape.fullmatch(value), (place, value)
    else:
        assert type(value) is shape, (place, value)


def facts(*findings: Finding, path: str = "/work/folder/a.pt", strict: bool = False, **more: Any) -> ScanFacts:
    worst = max((one.level for one in findings), key=VERDICTS.index, default="weights")
    result = ScanResult(path, "torch checkpoint", Verdict(worst, findings), 10, 1, 1, **more)
    return ScanFacts((result,), worst, 1, strict)


def finding(level: Any = "code", where: str = "/work/folder/a.pt", **more: Any) -> Finding:
    return Finding(level, "It calls posix.system.", where, "Don't open it.", **more)


def reported(given: ScanFacts, start: str = "/work") -> dict[str, Any]:
    log = sarif(given, start)
    check(log, LOG)
    json.dumps(log, allow_nan=False)
    run: dict[str, Any] = log["runs"][0]
    return run


@pytest.mark.parametrize("level", VERDICTS)
def test_every_level_becomes_what_the_standard_allows(level: Any) -> None:
    (result,) = reported(facts(finding(level)))["results"]
    # 3.27.10: a level other than "none" belongs to a result of the kind "fail".
    assert (result["kind"] == "fail") == (result["level"] != "none")
    expected = {"code": "error", "malformed": "error", "unsupported": "warning", "objects": "warning", "data": "note"}
    assert result["level"] == expected.get(level, "none")


def test_strictness_makes_objects_errors() -> None:
    assert reported(facts(finding("objects"), strict=True))["results"][0]["level"] == "error"
    assert reported(facts(finding("data"), strict=True))["results"][0]["level"] == "note"


@pytest.mark.parametrize(
    ("where", "uri", "base"),
    [
        ("/work/folder/a.pt", "folder/a.pt", "START"),
        ("/work/a b#%?.pt", "a%20b%23%25%3F.pt", "START"),
        ("/work/c:d.pt", "c%3Ad.pt", "START"),
        ("/work/модель.pt", "%D0%BC%D0%BE%D0%B4%D0%B5%D0%BB%D1%8C.pt", "START"),
        ("/worker/a.pt", "file:///worker/a.pt", None),
        ("/elsewhere/a\\x1b.pt", "file:///elsewhere/a%5Cx1b.pt", None),
        ("config.json", "folder/a.pt/config.json", "START"),
    ],
)
def test_a_place_is_a_uri_relative_to_the_start_folder(where: str, uri: str, base: str | None) -> None:
    location = reported(facts(finding(where=where)))["results"][0]["locations"][0]["physicalLocation"][
        "artifactLocation"
    ]
    assert (location["uri"], location.get("uriBaseId")) == (uri, base)


def test_a_byte_of_the_file_is_its_region_and_one_of_a_member_is_told_there() -> None:
    within_file, within_member, nowhere = reported(
        facts(finding(offset=202), finding(offset=7, member="archive/data.pkl"), finding())
    )["results"]
    assert within_file["locations"][0]["physicalLocation"]["region"] == {"startLine": 1, "byteOffset": 202}
    assert "logicalLocations" not in within_file["locations"][0]
    assert within_member["locations"][0]["physicalLocation"]["region"] == {"startLine": 1}
    assert within_member["locations"][0]["logicalLocations"] == [
        {"fullyQualifiedName": "archive/data.pkl", "kind": "member", "properties": {"byteOffset": 7}}
    ]
    assert nowhere["locations"][0]["physicalLocation"]["region"] == {"startLine": 1}


def test_each_result_refers_to_the_rule_that_explains_it() -> None:
    run = reported(
        facts(
            finding(rule="pickle-call"),
            finding("objects", rule="pickle-object"),
            finding(rule="pickle-call"),
            finding("data"),
        )
    )
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["pickle-call", "pickle-object", "data"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    assert rules[0]["properties"]["security-severity"] == "9.0"
    assert all(rule["help"]["text"] and rule["shortDescription"]["text"].endswith(".") for rule in rules)


def test_a_rule_that_nobody_explained_falls_back_to_its_level() -> None:
    assert reported(facts(finding(rule="never-heard-of")))["results"][0]["ruleId"] == "code"


def test_a_fingerprint_outlives_the_machine_and_the_order_and_tells_findings_apart() -> None:
    def marks(*found: Finding, path: str = "/work/folder/a.pt", start: str = "/work") -> list[str]:
        return [
            one["partialFingerprints"]["finding/v1"] for one in reported(facts(*found, path=path), start)["results"]
        ]

    one, other = finding(offset=1, name="a.b"), finding(offset=2, name="a.b")
    assert marks(one, other) == marks(other, one)[::-1]
    assert len(set(marks(one, other))) == 2
    moved = finding(offset=1, name="a.b", where="/home/ci/folder/a.pt")
    assert marks(moved, path="/home/ci/folder/a.pt", start="/home/ci") == marks(one)


def test_secrets_and_odd_characters_never_leave() -> None:
    token = "hf_" + "abcdefghijklmnopqrstuvwxyz"
    told = finding(where=f"/work/{token}.pt", name=token, excerpt=token, member=token)
    assert token not in json.dumps(sarif(facts(told, path=f"/work/{token}.pt"), "/work"))


def test_a_folder_lists_each_of_its_files_as_judged() -> None:
    files = (JudgedFile("a.pt", "pickle", "code", 5), JudgedFile("sub/b.pt", "pickle", "weights", 6))
    artifacts = reported(facts(finding(), path="/work/folder", files=files))["artifacts"]
    assert [(one["location"]["uri"], one["length"], one["properties"]["verdict"]) for one in artifacts] == [
        ("folder/a.pt", 5, "code"),
        ("folder/sub/b.pt", 6, "weights"),
    ]


def test_a_file_that_was_named_twice_is_one_artifact() -> None:
    given = facts(finding())
    twice = ScanFacts((*given.results, *given.results), "code", 1)
    assert len(reported(twice)["artifacts"]) == 1
    assert len(reported(twice)["results"]) == 2


def test_a_real_scan_s_report_is_sound(mc: Callable[..., Any], work: Path) -> None:
    (work / "evil.pt").write_bytes(torch_zip(assembled({"e": Call(Name("posix", "system"), ("true",))})))
    (work / "mine.pkl").write_bytes(assembled(Built(New(Name("mine.parts", "Part")), {})))
    (work / "cut.pkl").write_bytes(assembled({"a": 1})[:-1])
    (work / "sound.pkl").write_bytes(assembled({"a": 1}))
    result = mc("model", "scan", "--sarif", "*.p*")
    assert (result.returncode, result.stderr) == (1, "")
    log = json.loads(result.stdout)
    check(log, LOG)
    (run,) = log["runs"]
    assert run["invocations"] == [{"executionSuccessful": True, "exitCode": 1}]
    assert {one["properties"]["verdict"] for one in run["results"]} == {"code", "objects", "malformed"}
    assert len(run["artifacts"]) == 4
    assert run["originalUriBaseIds"] == {"START": {"uri": f"file://{work}/"}}


def test_the_report_goes_to_a_new_file_and_the_text_to_the_terminal(mc: Callable[..., Any], work: Path) -> None:
    (work / "evil.pkl").write_bytes(assembled(Call(Name("posix", "system"), ("true",))))
    result = mc("model", "scan", "--sarif", "--output", "report.sarif", "evil.pkl")
    assert result.returncode == 1
    assert "posix.system" in result.stdout
    check(json.loads((work / "report.sarif").read_text()), LOG)
    again = mc("model", "scan", "--json", "--output", "report.sarif", "evil.pkl")
    assert (again.returncode, again.stdout) == (65, "")
    assert json.loads((work / "report.sarif").read_text())["version"] == "2.1.0"
    assert mc("model", "scan", "--json", "--output", "report.json", "evil.pkl").returncode == 1
    assert json.loads((work / "report.json").read_text())["_schema"] == "mc.model.scan.v1"
    assert mc("model", "scan", "--output", "report.txt", "evil.pkl").returncode == 1
    assert "posix.system" in (work / "report.txt").read_text()
    assert mc("model", "scan", "--output", "/etc/report.txt", "evil.pkl").returncode == 66


def test_a_scan_that_fails_leaves_no_report(mc: Callable[..., Any], work: Path) -> None:
    assert mc("model", "scan", "--sarif", "--output", "report.sarif", "./absent.pt").returncode == 66
    assert not list(work.glob("*report*"))


def test_one_answer_has_one_form(mc: Callable[..., Any], work: Path) -> None:
    (work / "a.pkl").write_bytes(assembled({}))
    result = mc("model", "scan", "--sarif", "--json", "a.pkl")
    assert (result.returncode, result.stdout) == (64, "")


def test_every_rule_is_explained_in_sentences() -> None:
    for name, rule in RULES.items():
        assert rule.title, name
        assert rule.title[0].isupper(), name
        assert rule.help.endswith("."), name
