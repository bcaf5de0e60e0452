from __future__ import annotations

import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelcypher_nb.errors import ConflictError, MalformedError, PathRefusedError, StorageError, UnknownIdError
from modelcypher_nb.guard.safe_path import SafePath
from modelcypher_nb.store import connection as module
from modelcypher_nb.store.catalog import Catalog
from modelcypher_nb.store.connection import FILE_NAME
from modelcypher_nb.store.host_claim import HostClaim
from modelcypher_nb.store.records import JobRecord


def test_reading_a_fresh_home_gives_nothing_and_makes_nothing(home: SafePath, catalog: Catalog) -> None:
    assert (catalog.models(), catalog.jobs(), catalog.checkpoints()) == (([], 0),) * 3
    assert (catalog.commands("j"), catalog.audit(), catalog.data_version()) == ([], [], 0)
    with pytest.raises(UnknownIdError):
        catalog.model("digits")
    with pytest.raises(UnknownIdError):
        catalog.checkpoint("j", 1)
    assert home.list() == ()


def test_every_file_of_the_catalog_is_its_owners_alone(
    home: SafePath, catalog: Catalog, job: Callable[..., JobRecord]
) -> None:
    catalog.add_job(job())
    files = {path.name: stat.S_IMODE(path.stat().st_mode) for path in Path(home.location).iterdir()}
    assert files == dict.fromkeys([FILE_NAME, f"{FILE_NAME}-wal", f"{FILE_NAME}-shm"], 0o600)


def test_a_link_in_the_catalogs_place_is_never_followed(
    home: SafePath, catalog: Catalog, job: Callable[..., JobRecord], tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    Path(home.location, FILE_NAME).symlink_to(elsewhere)
    with pytest.raises(PathRefusedError):
        catalog.add_job(job())
    assert not elsewhere.exists()


def test_a_failed_write_leaves_nothing_and_the_next_one_works(catalog: Catalog, job: Callable[..., JobRecord]) -> None:
    class TornError(Exception):
        pass

    def torn() -> None:
        with catalog._connection.writing() as connection:
            connection.execute("INSERT INTO jobs VALUES ('a', 'a', 'queued', 1, '{}')")
            raise TornError

    with pytest.raises(TornError):
        torn()
    assert catalog.jobs() == ([], 0)
    catalog.add_job(job())
    assert catalog.jobs()[1] == 1


def test_a_damaged_catalog_says_what_stays_untouched(home: SafePath, catalog: Catalog) -> None:
    Path(home.location, FILE_NAME).write_bytes(b"no database at all, " * 100)
    with pytest.raises(MalformedError, match="damaged") as caught:
        catalog.jobs()
    assert "untouched" in caught.value.remedy


def test_a_catalog_that_another_process_holds_for_too_long_is_said(
    home: SafePath, catalog: Catalog, job: Callable[..., JobRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog.add_job(job())
    catalog.close()
    monkeypatch.setattr(module, "BUSY_MILLISECONDS", 1)
    holder = sqlite3.connect(f"{home.location}/{FILE_NAME}", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageError, match="locked"):
        catalog.update_job("digits-aaaaaa", step=1)
    holder.execute("ROLLBACK")
    holder.close()
    catalog.update_job("digits-aaaaaa", step=1)


def test_closing_is_no_end(catalog: Catalog, job: Callable[..., JobRecord]) -> None:
    catalog.add_job(job())
    catalog.close()
    assert catalog.jobs()[1] == 1


WRITER = """
for number in range(25):
    catalog.add_model(ModelRecord(id="shared", version=0, path="/m", format="safetensors", parameter_count=1, dtypes={},
        size_bytes=1, verdict=Verdict("weights"), registered_at=1.0, digest=f"{sys.argv[2]}-{number}"))
    catalog.request("j", "pause", {"from": sys.argv[2]}, "person")
"""


def test_processes_that_write_at_once_lose_nothing(catalog: Catalog, programs: Any) -> None:
    """They also race for making the file."""
    writers = [programs.start(WRITER, str(number)) for number in range(4)]
    assert [writer.communicate() for writer in writers] == [(b"", b"")] * 4
    versions = catalog.versions("shared")
    assert [record.version for record in versions] == list(range(1, 101))
    assert len({record.digest for record in versions}) == 100
    assert len(catalog.commands("j")) == 100


FORKER = """
catalog.request("j", "pause", {}, "parent")
held, release = threading.Event(), threading.Event()

def hold():
    with catalog._connection._lock:
        held.set()
        release.wait()

thread = threading.Thread(target=hold)
thread.start()
held.wait()
child = os.fork()
if child == 0:
    signal.alarm(20)
    catalog.request("j", "resume", {}, "child")
    os._exit(0 if len(catalog.commands("j")) == 2 else 1)
_, status = os.waitpid(child, 0)
release.set()
thread.join()
catalog.request("j", "cancel", {}, "parent")
print(status, [row.principal for row in catalog.commands("j")])
"""


def test_a_forked_child_opens_its_own_connection_though_a_thread_held_the_lock(programs: Any) -> None:
    assert programs.run(FORKER) == "0 ['parent', 'child', 'parent']"


KILLED = """
step = 0
catalog.add_job(JobRecord(id="j", name="j", state="running", created_at=1.0))
while True:
    step += 1
    catalog.update_job("j", step=step, loss=1.0 / step)
    os.write(1, b"%d\\n" % step)
"""


def test_a_writer_that_is_killed_leaves_every_update_it_was_told_of(catalog: Catalog, programs: Any) -> None:
    writer = programs.start(KILLED)
    assert writer.stdout is not None
    told = 0
    for line in writer.stdout:
        told = int(line)
        if told >= 40:
            writer.kill()
            break
    told = max([told, *(int(line) for line in writer.communicate()[0].split(b"\n")[:-1])])
    assert catalog.job("j").step in {told, told + 1}
    with catalog._connection.reading() as connection:
        assert connection is not None
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


def test_on_a_network_file_system_there_is_no_shared_memory_and_one_host(
    home: SafePath, catalog: Catalog, job: Callable[..., JobRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "is_on_network", lambda _: True)
    catalog.add_job(job())
    assert catalog.jobs()[1] == 1
    assert {path.name for path in Path(home.location).iterdir()} == {FILE_NAME, "host.json", "host.lock"}


def test_on_a_network_file_system_another_hosts_claim_refuses_the_first_use(
    home: SafePath, catalog: Catalog, job: Callable[..., JobRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "is_on_network", lambda _: True)
    HostClaim(home, "elsewhere").renew()
    with pytest.raises(ConflictError, match="the host elsewhere"):
        catalog.add_job(job())
    assert {path.name for path in Path(home.location).iterdir()} == {"host.json", "host.lock"}
