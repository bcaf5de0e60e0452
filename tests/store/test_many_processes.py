"""Many processes on one home for minutes (`MC_LONG_SECONDS`): nobody fails, and nothing is lost."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from modelcypher_nb.guard.safe_path import SafePath
from modelcypher_nb.store.catalog import Catalog
from modelcypher_nb.store.series import SeriesReader

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]

SECONDS = float(os.environ.get("MC_LONG_SECONDS", "120"))
PROCESSES = 8
WORKER = """
import time
me, seconds = sys.argv[2], float(sys.argv[3])
end, jobs, steps, asked = time.monotonic() + seconds, 0, 0, 0
while time.monotonic() < end:
    jobs += 1
    job = f"job-{me}-{jobs:06}"
    catalog.add_job(JobRecord(job, f"job-{me}", "queued", time.time()))
    catalog.move_job(job, "running")
    with home.folder("runs") as runs, runs.folder(job) as folder:
        writer = SeriesWriter(folder, 1)
        for step in range(1, 51):
            writer.append(step, {"train/loss": 1.0 / step})
            steps += 1
        writer.close()
    catalog.update_job(job, step=50)
    sequence = catalog.request(job, "pause", {}, "person")
    catalog.receive(sequence)
    catalog.finish(sequence, {"ok": True})
    asked += 1
    assert catalog.command(sequence).done_at is not None
    catalog.jobs(limit=20)
    catalog.data_version()
    catalog.move_job(job, "completed")
    assert catalog.job(job).step == 50
print(json.dumps([jobs, steps, asked]))
"""


def test_many_processes_on_one_home_lose_nothing(home: SafePath, programs: Any) -> None:
    workers = [programs.start(WORKER, str(number), str(SECONDS)) for number in range(PROCESSES)]
    answers = [worker.communicate() for worker in workers]
    assert [errors.decode() for _, errors in answers] == [""] * PROCESSES
    told = [json.loads(output) for output, _ in answers]
    catalog = Catalog.open(home)
    assert catalog.jobs(states=("completed",))[1] == catalog.jobs()[1] == sum(jobs for jobs, _, _ in told)
    with catalog._connection.reading() as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    with home / "runs" as runs:
        counts = [SeriesReader(runs / entry.name).read("train/loss").count for entry in runs.list()]
    assert counts == [50] * sum(jobs for jobs, _, _ in told)
    catalog.close()
