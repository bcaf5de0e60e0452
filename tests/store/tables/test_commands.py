from __future__ import annotations

import pytest

from modelcypher_nb.errors import UnknownIdError
from modelcypher_nb.guard.safe_path import SafePath
from modelcypher_nb.store.catalog import Catalog


def test_a_command_goes_from_requested_to_received_to_done(catalog: Catalog) -> None:
    number = catalog.request("j", "set", {"learning_rate": 0.1}, "person")
    assert [row.arguments for row in catalog.commands("j")] == [{"learning_rate": 0.1}]
    catalog.receive(number)
    received = catalog.command(number).received_at
    catalog.receive(number)
    assert catalog.command(number).received_at == received
    catalog.finish(number, {"ok": True})
    catalog.finish(number, {"ok": False})  # too late: it was answered
    assert catalog.command(number).result == {"ok": True}
    assert catalog.commands("j") == []
    assert [row.sequence for row in catalog.commands("j", open_only=False)] == [number]


def test_commands_come_in_order_beyond_a_number_for_one_job(catalog: Catalog) -> None:
    numbers = [catalog.request(job, "pause", {}, "person") for job in ("a", "b", "a")]
    assert [row.sequence for row in catalog.commands("a")] == [numbers[0], numbers[2]]
    assert [row.sequence for row in catalog.commands("a", numbers[0])] == [numbers[2]]
    with pytest.raises(UnknownIdError):
        catalog.command(99)


def test_the_data_version_changes_when_another_connection_wrote(home: SafePath, catalog: Catalog) -> None:
    catalog.request("a", "pause", {}, "person")
    before = catalog.data_version()
    assert catalog.data_version() == before
    other = Catalog.open(home)
    other.request("a", "resume", {}, "person")
    other.close()
    assert catalog.data_version() != before
