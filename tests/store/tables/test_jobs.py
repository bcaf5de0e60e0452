from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from modelcypher_nb.errors import ConflictError, InternalError, JobStateError, UnknownIdError
from modelcypher_nb.store.catalog import Catalog
from modelcypher_nb.store.moves import MOVES
from modelcypher_nb.store.records import JobError, JobOwner, JobRecord, JobState


def test_a_job_is_read_back_as_it_was_added(catalog: Catalog, job: Callable[..., JobRecord]) -> None:
    record = job(
        owner=JobOwner("here", "boot", 12, 3.0, 4.0), config={"learning_rate": 0.1}, series=("train/loss",), loss=0.5
    )
    catalog.add_job(record)
    assert catalog.job("digits-aaaaaa") == record


def test_a_job_name_means_its_newest_run(catalog: Catalog, job: Callable[..., JobRecord]) -> None:
    catalog.add_job(job("digits-aaaaaa", created_at=1.0))
    catalog.add_job(job("digits-bbbbbb", created_at=2.0))
    catalog.add_job(job("digits", name="other", created_at=0.0))
    assert catalog.job("digits").id == "digits"  # an id goes before a name
    assert catalog.job("other").id == "digits"
    catalog.add_job(job("x", name="fresh", created_at=5.0))
    catalog.add_job(job("y", name="fresh", created_at=4.0))
    assert catalog.job("fresh").id == "x"


def test_an_unknown_job_names_those_near_it(catalog: Catalog, job: Callable[..., JobRecord]) -> None:
    catalog.add_job(job())
    with pytest.raises(UnknownIdError, match="did you mean digits"):
        catalog.job("digit")


def test_an_id_is_taken_once(catalog: Catalog, job: Callable[..., JobRecord]) -> None:
    catalog.add_job(job())
    with pytest.raises(ConflictError):
        catalog.add_job(job())


@pytest.mark.parametrize("now", MOVES)
@pytest.mark.parametrize("to", MOVES)
def test_a_job_moves_only_as_the_table_says(
    catalog: Catalog, job: Callable[..., JobRecord], now: JobState, to: JobState
) -> None:
    catalog.add_job(job(state=now))
    if to in MOVES[now]:
        assert catalog.move_job("digits-aaaaaa", to).state == to
        assert catalog.job("digits-aaaaaa").state == to
    else:
        with pytest.raises(JobStateError) as caught:
            catalog.move_job("digits-aaaaaa", to)
        assert all(allowed in caught.value.remedy for allowed in MOVES[now])
        assert catalog.job("digits-aaaaaa").state == now


def test_moves_keep_the_times_and_the_error(catalog: Catalog, job: Callable[..., JobRecord]) -> None:
    catalog.add_job(job())
    started = catalog.move_job("digits-aaaaaa", "running").started_at
    failed = catalog.move_job("digits-aaaaaa", "failed", error=JobError("ValueError", "no"))
    assert failed.error == JobError("ValueError", "no")
    assert failed.ended_at is not None
    again = catalog.move_job("digits-aaaaaa", "queued")
    assert (again.error, again.ended_at, again.started_at) == (None, None, started)


def test_of_many_threads_that_end_a_job_one_wins(catalog: Catalog, job: Callable[..., JobRecord]) -> None:
    catalog.add_job(job(state="running"))
    outcomes: list[str] = []

    def end(to: str) -> None:
        try:
            outcomes.append(catalog.move_job("digits-aaaaaa", to).state)
        except JobStateError:
            outcomes.append("refused")

    threads = [threading.Thread(target=end, args=(to,)) for to in ("completed", "cancelled", "failed") * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("refused") == len(threads) - 1
    assert catalog.job("digits-aaaaaa").state in outcomes


def test_a_state_is_moved_and_not_set(catalog: Catalog, job: Callable[..., JobRecord]) -> None:
    catalog.add_job(job())
    with pytest.raises(InternalError):
        catalog.update_job("digits-aaaaaa", state="completed")
    catalog.update_job("digits-aaaaaa", step=7, owner=JobOwner("here", "boot", 1, 2.0, 3.0), error=None)
    assert (catalog.job("digits-aaaaaa").step, catalog.job("digits-aaaaaa").owner.pid) == (7, 1)
    with pytest.raises(UnknownIdError):
        catalog.update_job("nobody", step=1)


def test_lists_are_filtered_by_state_the_newest_first(catalog: Catalog, job: Callable[..., JobRecord]) -> None:
    for number, state in enumerate(("running", "completed", "paused", "queued")):
        catalog.add_job(job(f"j{number}", state=state, created_at=float(number)))
    page, total = catalog.jobs(("running", "paused"), limit=1)
    assert ([record.id for record in page], total) == (["j2"], 2)
    assert [record.id for record in catalog.jobs()[0]] == ["j3", "j2", "j1", "j0"]
    assert catalog.jobs(()) == ([], 0)
    assert [record.id for record in catalog.live_jobs_named("digits")] == ["j3", "j2", "j0"]
