from __future__ import annotations

import sqlite3

import pytest

from modelcypher_nb.guard.safe_path import SafePath
from modelcypher_nb.store.audit_record import AuditRecord
from modelcypher_nb.store.catalog import Catalog
from modelcypher_nb.store.connection import FILE_NAME


def a_use(number: int, principal: str = "person") -> AuditRecord:
    return AuditRecord(float(number), principal, "model_list", {"limit": number}, "ok", 1.5)


def test_the_newest_uses_come_first_of_all_or_of_one_principal(catalog: Catalog) -> None:
    for number in range(4):
        catalog.add_audit(a_use(number, "person" if number % 2 else "assistant:a"))
    assert catalog.audit(limit=2) == [a_use(3), a_use(2, "assistant:a")]
    assert catalog.audit(principal="assistant:a") == [a_use(2, "assistant:a"), a_use(0, "assistant:a")]


@pytest.mark.parametrize("statement", ["DELETE FROM audit", "UPDATE audit SET outcome = 'ok'"])
def test_the_audit_log_only_grows(home: SafePath, catalog: Catalog, statement: str) -> None:
    catalog.add_audit(a_use(1))
    catalog.close()
    connection = sqlite3.connect(f"{home.location}/{FILE_NAME}")
    with pytest.raises(sqlite3.IntegrityError, match="only grows"):
        connection.execute(statement)
    connection.close()
