"""The trust ledger: a person allows a class for one content; it counts there alone, and stays closed all the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modelcypher_nb.errors import NotAllowedError, UnknownIdError, UsageError
from modelcypher_nb.formats.pickles.values import Opaque
from modelcypher_nb.operations.loading import load_model
from modelcypher_nb.operations.operation import find, run
from modelcypher_nb.operations.session import Session
from tests.samples.assembler import Built, Call, Name, New, assembled

# A class of a closed package that is on no list, in the one shape that is only built and filled.
NAME = "torch.package.analyze.Invented"
HELD = Built(New(Name("torch.package.analyze", "Invented")), {"a": 1})


def do(session: Session, verb: str, /, **arguments: Any) -> Any:
    return run(find(verb), session.person(), arguments)


def level(session: Session, path: str) -> str:
    worst: str = do(session, "model_scan", path=path).worst
    return worst


@pytest.fixture
def held(work: Path) -> Path:
    """A file that holds an object of the class."""
    path = work / "held.pkl"
    path.write_bytes(assembled({"part": HELD}))
    return path


@pytest.mark.promise("WEIGHTS-10")
def test_an_allowed_class_is_objects_in_that_content_and_code_in_every_other(session: Session, held: Path) -> None:
    (held.parent / "other.pkl").write_bytes(assembled({"part": HELD, "more": 1}))
    assert level(session, "held.pkl") == "code"
    facts = do(session, "model_trust", digest="held.pkl", class_name=NAME)
    assert [(row.class_name, row.digest) for row in facts.items] == [(NAME, facts.digest)]
    assert level(session, "held.pkl") == "objects"
    assert level(session, "other.pkl") == "code"
    (held.parent / "copy.bin").write_bytes(held.read_bytes())
    assert level(session, "copy.bin") == "objects"  # the content counts, not the name


def test_a_changed_byte_ends_the_allowance(session: Session, held: Path) -> None:
    do(session, "model_trust", digest="held.pkl", class_name=NAME)
    data = held.read_bytes()
    held.write_bytes(data.replace(b"\x01", b"\x02"))
    assert held.stat().st_size == len(data)
    assert level(session, "held.pkl") == "code"


def test_an_allowance_holds_for_later_sessions_until_it_is_taken_back(session: Session, held: Path) -> None:
    do(session, "model_trust", digest="held.pkl", class_name=NAME)
    assert level(Session(), "held.pkl") == "objects"
    assert do(session, "model_trust", digest="held.pkl", class_name=NAME, remove=True).total == 0
    assert level(Session(), "held.pkl") == "code"
    with pytest.raises(UnknownIdError, match="isn't allowed"):
        do(session, "model_trust", digest="held.pkl", class_name=NAME, remove=True)


def test_a_registered_model_s_row_follows_what_is_allowed(session: Session, held: Path) -> None:
    do(session, "model_register", path="held.pkl", name="held")
    rows = [do(session, "model_list").items[0].verdict]
    do(session, "model_trust", digest="held", class_name=NAME)
    rows.append(do(session, "model_list").items[0].verdict)
    do(session, "model_trust", digest="held", class_name=NAME, remove=True)
    rows.append(do(session, "model_list").items[0].verdict)
    assert rows == ["code", "objects", "code"]


def test_what_is_allowed_stays_closed_when_it_is_loaded(session: Session, held: Path) -> None:
    do(session, "model_trust", digest="held.pkl", class_name=NAME)
    with pytest.warns(UserWarning, match="relies on pickle"):
        content = load_model(session.person(), "held.pkl", mapped=None, whole=True, rescue=False)
    assert type(content["part"]) is Opaque
    assert content["part"].kind == NAME


def test_a_digest_alone_allows_for_a_file_that_isn_t_here_yet(session: Session, held: Path) -> None:
    digest = do(session, "model_trust", digest="held.pkl").digest
    do(session, "model_trust", digest=digest, class_name=NAME)
    assert level(session, "held.pkl") == "objects"


def test_several_classes_are_allowed_one_by_one(session: Session, work: Path) -> None:
    second = Built(New(Name("torch.package.analyze", "Second")), {})
    (work / "two.pkl").write_bytes(assembled([HELD, second]))
    do(session, "model_trust", digest="two.pkl", class_name=NAME)
    assert level(session, "two.pkl") == "code"
    do(session, "model_trust", digest="two.pkl", class_name="torch.package.analyze.Second")
    assert level(session, "two.pkl") == "objects"
    assert do(session, "model_trust").total == 2


def test_a_file_in_a_folder_is_allowed_as_it_is_by_itself(session: Session, held: Path) -> None:
    folder = held.parent / "folder"
    folder.mkdir()
    (folder / "a.pkl").write_bytes(held.read_bytes())
    do(session, "model_trust", digest="held.pkl", class_name=NAME)
    assert level(session, "folder") == "objects"
    with pytest.raises(UsageError, match="Name the file in it"):
        do(session, "model_trust", digest="folder", class_name=NAME)


@pytest.mark.parametrize(
    "value",
    [
        Call(Name("torch.package.analyze", "Invented"), ("argument",)),
        Call(Name("posix", "system"), ("true",)),
        Built(New(Name("torch.package.analyze", "Invented"), ("argument",)), {}),
    ],
)
def test_what_is_more_than_built_and_filled_can_t_be_allowed(session: Session, work: Path, value: Any) -> None:
    (work / "called.pkl").write_bytes(assembled(value))
    name = do(session, "model_scan", path="called.pkl").results[0].verdict.findings[0].name
    with pytest.raises(UsageError, match="can't be allowed"):
        do(session, "model_trust", digest="called.pkl", class_name=name)
    assert do(session, "model_trust").total == 0
    digest = do(session, "model_trust", digest="called.pkl").digest
    do(session, "model_trust", digest=digest, class_name=name)  # by its digest nobody can look into it
    assert level(session, "called.pkl") == "code"


def test_a_class_that_the_file_doesn_t_hold_isn_t_allowed(session: Session, held: Path) -> None:
    with pytest.raises(UsageError, match=NAME):
        do(session, "model_trust", digest="held.pkl", class_name="torch.package.analyze.Mistyped")
    assert do(session, "model_trust").total == 0


@pytest.mark.parametrize(
    ("digest", "class_name"),
    [
        ("sha256:12", NAME),
        ("sha256:" + "G" * 64, NAME),
        ("sha256:" + "0" * 64, "Class"),
        ("sha256:" + "0" * 64, "a b.C"),
        ("sha256:" + "0" * 64, "*.*"),
        ("sha256:" + "0" * 64, "a." + "b" * 600),
        (None, NAME),
    ],
)
def test_what_is_no_digest_or_no_class_is_refused(session: Session, digest: str | None, class_name: str) -> None:
    with pytest.raises(UsageError):
        do(session, "model_trust", digest=digest, class_name=class_name)
    assert do(session, "model_trust").total == 0


@pytest.mark.promise("WEIGHTS-10")
def test_no_assistant_allows_anything(session: Session, held: Path) -> None:
    with pytest.raises(NotAllowedError):
        run(find("model_trust"), session.assistant("helper"), {"digest": "held.pkl", "class_name": NAME})
    assert level(session, "held.pkl") == "code"


def test_allowing_is_audited(session: Session, held: Path) -> None:
    do(session, "model_trust", digest="held.pkl", class_name=NAME)
    row = session.catalog.audit(1)[0]
    assert (row.principal, row.operation, row.outcome) == ("person", "model_trust", "done")
    assert row.arguments == {"digest": "held.pkl", "class_name": NAME}


def test_only_a_file_of_a_known_size_is_hashed(session: Session, held: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from modelcypher_nb.formats import detect

    do(session, "model_trust", digest="held.pkl", class_name=NAME)
    (held.parent / "larger.pkl").write_bytes(assembled({"part": HELD, "more": "text"}))
    hashed: list[str] = []
    digest = detect.digest
    monkeypatch.setattr(detect, "digest", lambda safe: hashed.append(safe.name) or digest(safe))
    do(session, "model_scan", path=["held.pkl", "larger.pkl"])
    assert hashed == ["held.pkl"]


def test_a_file_that_changes_after_its_digest_is_judged_anew_and_not_as_allowed(
    session: Session, held: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from modelcypher_nb.formats import detect

    do(session, "model_trust", digest="held.pkl", class_name=NAME)
    digest = detect.digest

    def and_then_changes(safe: Any) -> str:
        found = digest(safe)
        held.write_bytes(held.read_bytes().replace(b"\x01", b"\x02"))
        return found

    monkeypatch.setattr(detect, "digest", and_then_changes)
    facts = do(session, "model_scan", path="held.pkl")
    assert (facts.worst, facts.exit_code) == ("malformed", 2)
    assert "changed" in facts.results[0].verdict.findings[0].what


def test_scanning_makes_no_catalog(session: Session, home: Path, held: Path) -> None:
    do(session, "model_scan", path="held.pkl")
    assert not (home / "catalog.sqlite3").exists()
