from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelcypher_nb.errors import ConflictError
from modelcypher_nb.guard.safe_path import SafePath
from modelcypher_nb.store.catalog import Catalog
from modelcypher_nb.store.connection import FILE_NAME
from modelcypher_nb.store.schema import MIGRATIONS, SCHEMA_VERSION, migrate

OLD = Path(__file__).parent / "data" / "catalog-1.sqlite3"


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    yield connection
    connection.close()


def version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def shape(connection: sqlite3.Connection) -> set[str]:
    return {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}


def test_a_catalog_of_version_1_is_read_whole_and_becomes_the_newest(home: SafePath, catalog: Catalog) -> None:
    shutil.copy(OLD, Path(home.location, FILE_NAME))
    assert catalog.model("digits@production").tags == ("small",)
    assert (catalog.job("digits").step, catalog.job("digits").state) == (7, "completed")
    assert catalog.checkpoint("digits-aaaaaa", 7).files == ("model.safetensors",)
    assert [row.verb for row in catalog.commands("digits-aaaaaa")] == ["pause"]
    assert [row.operation for row in catalog.audit(principal="person")] == ["model_list"]
    catalog.close()
    migrated = sqlite3.connect(f"{home.location}/{FILE_NAME}")
    assert version(migrated) == SCHEMA_VERSION
    assert "audit_by_principal" in shape(migrated)
    migrated.close()


def test_a_catalog_of_a_newer_release_is_refused_and_left_as_it_is(home: SafePath, catalog: Catalog) -> None:
    newer = sqlite3.connect(f"{home.location}/{FILE_NAME}", isolation_level=None)
    newer.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    newer.close()
    with pytest.raises(ConflictError, match="pip install -U"):
        catalog.jobs()
    newer = sqlite3.connect(f"{home.location}/{FILE_NAME}")
    assert (version(newer), shape(newer)) == (SCHEMA_VERSION + 1, set())
    newer.close()


def test_a_migration_that_fails_half_way_leaves_the_old_version(connection: sqlite3.Connection) -> None:
    migrate(connection)
    before = shape(connection)
    broken = (*MIGRATIONS, "CREATE TABLE extra (a);\nCREATE TABLE extra (a);")
    with pytest.raises(sqlite3.OperationalError):
        migrate(connection, broken)
    assert (version(connection), shape(connection)) == (SCHEMA_VERSION, before)


def test_a_full_disk_is_named_though_sqlite_ended_the_migration_itself(connection: sqlite3.Connection) -> None:
    def refused(connection: sqlite3.Connection) -> None:
        connection.execute("ROLLBACK")  # as SQLite does where a disk is full
        raise sqlite3.OperationalError("database or disk is full")

    with pytest.raises(sqlite3.OperationalError, match="is full"):
        migrate(connection, (*MIGRATIONS, refused))


def test_a_migration_may_be_a_function(connection: sqlite3.Connection) -> None:
    migrate(connection, (*MIGRATIONS, lambda found: found.execute("CREATE TABLE extra (a)") and None))
    assert version(connection) == SCHEMA_VERSION + 1
    assert "extra" in shape(connection)


def test_a_catalog_of_the_newest_version_is_not_written_to(connection: sqlite3.Connection) -> None:
    migrate(connection)
    before = connection.total_changes
    connection.execute("BEGIN IMMEDIATE")  # a migration would try this too, and fail
    migrate(connection)
    connection.execute("ROLLBACK")
    assert connection.total_changes == before


def test_of_two_processes_that_migrate_one_does_and_the_other_sees_it(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite3"
    first, second = (sqlite3.connect(path, isolation_level=None) for _ in range(2))
    migrate(first)
    # The second looked at the version before the first began.
    migrate(second)
    assert version(second) == SCHEMA_VERSION
    first.close()
    second.close()
