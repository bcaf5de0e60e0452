"""The one definition and the one executor: who may, which values, the audit, errors of ours only."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import pytest

from modelcypher_nb.errors import (
    InternalError,
    ModelCypherError,
    NotAllowedError,
    StorageError,
    UnknownIdError,
    UsageError,
)
from modelcypher_nb.operations import ALIASES, OPERATIONS, names
from modelcypher_nb.operations.operation import Operation, Param, find, operation, run
from modelcypher_nb.operations.session import Call, Session
from modelcypher_nb.store.audit_record import AuditRecord
from modelcypher_nb.store.connection import FILE_NAME


@operation(effect="write", idempotent=True)
def toy_turn(  # noqa: PLR0917 - one parameter of each kind
    call: Call,
    name: Annotated[str, Param("A name.")],
    count: Annotated[int, Param("How many.", ge=1, le=9)] = 3,
    rate: Annotated[float | None, Param("How fast.")] = None,
    loud: Annotated[bool, Param("Whether it is heard.")] = False,
    tags: Annotated[list[str] | None, Param("Its tags.", choices=("a", "b"))] = None,
) -> dict[str, Any]:
    """Turn a toy.

    And say so.
    """
    if name == "break":
        raise RuntimeError("hf_abcdefghijklmnopqrstuvwxyz")
    return {"name": name, "count": count, "rate": rate, "loud": loud, "tags": tags}


TURN: Operation = toy_turn.__operation__  # type: ignore[attr-defined]


NOTED: list[str] = []


@operation(effect="write")
def toy_note(call: Call, name: Annotated[str, Param("A name.")]) -> None:
    """Note a toy."""
    del call
    NOTED.append(name)


NOTE: Operation = toy_note.__operation__  # type: ignore[attr-defined]


def test_every_other_name_follows_from_the_function_s() -> None:
    found = find("job_pause")
    assert (found.tool, found.command, found.schema) == ("mc_job_pause", "job pause", "mc.job.pause.v1")
    assert (TURN.summary, TURN.description) == ("Turn a toy.", "Turn a toy.\n\nAnd say so.")


@pytest.mark.parametrize("name", names())
def test_each_operation_is_whole(name: str) -> None:
    found = find(name)
    assert found.name == name
    assert "" not in {found.group, found.verb}
    assert found.summary.endswith((".", ";", ",")) or "\n" in found.description
    assert found.effect in {"read", "write", "destroy"}
    assert found.idempotent or found.effect != "read"
    assert set(found.profiles) <= {"assistant", "training", "inference", "monitoring"}
    for item in found.parameters:
        assert item.param.description.endswith("."), item.name
        assert item.type in {str, int, float, bool}, item.name


def test_names_are_unique_and_short_forms_lead_to_operations() -> None:
    assert len(set(names())) == len(OPERATIONS)
    for short, words in ALIASES.items():
        assert "_".join(words) in names(), short
        assert "_".join(short) not in names(), short


def test_an_unknown_operation_is_an_error() -> None:
    with pytest.raises(UnknownIdError, match="no operation 'toy_fly'"):
        find("toy_fly")


def test_texts_become_the_parameters_types(session: Session) -> None:
    given = {"name": Path("x/y"), "count": "4", "rate": "1e-3", "loud": "true", "tags": "a"}
    wanted = {"name": "x/y", "count": 4, "rate": 0.001, "loud": True, "tags": ["a"]}
    assert run(TURN, session.person(), given) == wanted
    assert run(TURN, session.person(), {"name": "x", "count": 4.0, "rate": None})["count"] == 4


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({}, "needs name"),
        ({"name": "x", "colour": 1}, "no parameter 'colour'"),
        ({"name": 3}, "Give a text"),
        ({"name": "x", "count": "many"}, "Give a whole number"),
        ({"name": "x", "count": 2.5}, "Give a whole number"),
        ({"name": "x", "count": True}, "Give a whole number"),
        ({"name": "x", "count": 0}, "count is 0"),
        ({"name": "x", "count": 10}, "count is 10"),
        ({"name": "x", "rate": "fast"}, "Give a number"),
        ({"name": "x", "loud": "perhaps"}, "Give true or false"),
        ({"name": "x", "loud": 1}, "Give true or false"),
        ({"name": "x", "tags": ["a", "c"]}, "tags is 'c'"),
        ({"name": "x", "tags": [1]}, "Give a text"),
    ],
)
def test_a_value_that_doesn_t_fit_is_a_usage_error(session: Session, given: dict[str, Any], problem: str) -> None:
    with pytest.raises(UsageError, match=problem) as caught:
        run(TURN, session.person(), given)
    assert caught.value.remedy.endswith(".")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "nan", "inf", 10**400, "1" * 5000])
def test_no_number_is_beyond_its_bounds(session: Session, value: object) -> None:
    with pytest.raises(UsageError):
        run(find("job_set"), session.person(), {"job_id": "x", "learning_rate": value})
    with pytest.raises(UsageError):
        run(find("model_list"), session.person(), {"limit": value})


def test_a_fault_of_ours_is_an_internal_error_with_its_cause_and_without_secrets(session: Session) -> None:
    with pytest.raises(InternalError) as caught:
        run(TURN, session.person(), {"name": "break"})
    assert isinstance(caught.value.__cause__, RuntimeError)
    assert "abcdefghijklmnop" not in str(caught.value)


def test_changes_are_audited_and_a_person_s_reads_are_not(session: Session) -> None:
    person, assistant = session.person(), session.assistant("helper")
    run(TURN, person, {"name": "x", "rate": None})
    run(find("model_list"), person, {})
    run(find("model_list"), assistant, {})
    with pytest.raises(UsageError):
        run(TURN, person, {})
    rows = session.catalog.audit()
    assert [(row.principal, row.operation, row.outcome.partition(":")[0]) for row in reversed(rows)] == [
        ("person", "toy_turn", "done"),
        ("assistant:helper", "model_list", "done"),
        ("person", "toy_turn", "UsageError"),
    ]
    assert rows[-1].arguments == {"name": "x"}


def test_where_the_home_can_t_be_made_nothing_is_done_unrecorded(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (work / "file").write_text("no folder")
    monkeypatch.setenv("MODELCYPHER_NB_HOME", str(work / "file" / "home"))
    with pytest.raises(StorageError, match="home can't be made: Not a directory") as caught:
        run(NOTE, Session().person(), {"name": "top"})
    assert "MODELCYPHER_NB_HOME" in caught.value.remedy
    assert NOTED == []


def test_what_was_done_and_not_recorded_is_told_as_done(session: Session) -> None:
    session.catalog.add_audit(AuditRecord(0.0, "person", "toy_turn", {}, "done", 1.0))
    with sqlite3.connect(Path(session.home_path) / FILE_NAME) as other:
        other.execute("DROP TABLE audit")
    other.close()
    with pytest.raises(
        StorageError, match=r"^toy turn is done, but isn't in the audit log: The catalog .* no such table"
    ):
        run(TURN, session.person(), {"name": "top"})
    with pytest.raises(StorageError, match=r"^The catalog .* no such table"):
        run(TURN, session.person(), {"name": "top", "count": 0})


def test_the_audit_log_holds_no_secret(session: Session) -> None:
    run(TURN, session.person(), {"name": "hf_abcdefghijklmnopqrstuvwxyz"})
    assert "abcdefghijklmnop" not in json.dumps(session.catalog.audit()[0].arguments)


PEOPLE_ONLY = [name for name in names() if find(name).people_only]


@pytest.mark.parametrize("name", PEOPLE_ONLY)
def test_an_assistant_is_refused_what_only_people_do(session: Session, name: str) -> None:
    with pytest.raises(NotAllowedError, match="people only"):
        run(find(name), session.assistant("helper"), {})


@pytest.mark.parametrize(
    ("scopes", "name", "allowed"),
    [
        ({"mc:read"}, "model_list", True),
        ({"mc:read"}, "job_pause", False),
        ({"mc:read"}, "model_tag", False),
        ({"mc:write"}, "job_pause", False),
        ({"mc:train"}, "model_list", False),
    ],
)
def test_a_token_s_scopes_bound_its_calls(session: Session, scopes: set[str], name: str, allowed: bool) -> None:
    def attempt() -> Any:
        return run(find(name), session.assistant("helper", frozenset(scopes)), {})

    if allowed:
        assert attempt().total == 0
    else:
        with pytest.raises(NotAllowedError, match="scope"):
            attempt()


def test_a_verb_of_the_kernel_is_refused_elsewhere(session: Session) -> None:
    with pytest.raises(UsageError, match="live kernel"):
        run(find("kernel_show"), session.person(), {})


def test_a_senseless_setting_stops_every_verb_but_the_doctor(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MC_MCP_PORT", "many")
    session = Session()
    with pytest.raises(ModelCypherError, match="MC_MCP_PORT"):
        run(find("model_list"), session.person(), {})
    checks = run(find("system_doctor"), session.person(), {}).checks
    assert any("MC_MCP_PORT" in check.found for check in checks if not check.ok)


@pytest.mark.parametrize("make", [Session.person, lambda session: session.assistant("x\x1b[2J" * 40)])
def test_a_principal_is_short_and_harmless(session: Session, make: Callable[[Session], Call]) -> None:
    principal = make(session).principal
    assert len(principal) <= 80
    assert "\x1b" not in principal
