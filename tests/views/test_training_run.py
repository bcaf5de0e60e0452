"""A run as a person sees it in a real notebook's outputs, and as a program holds it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from modelcypher_nb.errors import UsageError
from modelcypher_nb.operations.session import Session
from modelcypher_nb.views import training_run
from modelcypher_nb.views.bundle import MOST_BYTES
from modelcypher_nb.views.messages import MIME, WIDGET_MIME
from modelcypher_nb.views.training_run import TrainingRun

LOOP = """
import torch
import modelcypher_nb as mc
torch.manual_seed(0)
model = torch.nn.Linear(4, 2)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
data = [(torch.randn(8, 4), torch.randint(0, 2, (8,))) for _ in range(20)]
run = mc.TrainingRun("in-cell", model=model, optimizer=optimizer, seed=0)
for inputs, targets in run.steps(data, epochs=2):
    optimizer.zero_grad()
    loss = torch.nn.functional.cross_entropy(model(inputs), targets)
    loss.backward()
    optimizer.step()
    run.log(loss=loss)
run
"""


def outputs(kernel: Any, code: str) -> list[tuple[str, str | None, dict[str, Any]]]:
    """Kind, display id and data of everything that a cell shows."""
    kinds = {"display_data", "update_display_data", "execute_result"}
    return [
        (one["msg_type"], one["content"].get("transient", {}).get("display_id"), one["content"]["data"])
        for one in kernel.run(code)
        if one["msg_type"] in kinds
    ]


def saved(bundle: dict[str, Any]) -> Any:
    """The data that the notebook's file holds, as text."""
    return json.loads(bundle[MIME]["data"])


@pytest.mark.slow
def test_a_loop_in_a_cell_shows_its_panel_once_and_leaves_the_last_state(kernel: Any) -> None:
    first, last = outputs(kernel, LOOP)
    assert (first[0], last[0]) == ("display_data", "update_display_data")
    assert first[1] == last[1] is not None
    data = last[2]
    assert set(data) == {MIME, WIDGET_MIME, "text/html", "text/plain", "image/png"}
    assert len(json.dumps(data, ensure_ascii=False).encode()) <= MOST_BYTES
    payload = saved(data)
    assert (payload["job"]["state"], payload["job"]["step"]) == ("completed", 40)
    assert {one["name"] for one in payload["series"]} >= {"train/loss", "train/grad_norm", "train/learning_rate"}
    assert "owner" not in payload["job"]


@pytest.mark.slow
def test_the_text_of_a_seeded_run_is_the_same_each_time(kernel: Any) -> None:
    one, other = (outputs(kernel, LOOP)[-1][2]["text/plain"] for _ in range(2))
    assert one == other
    assert "in-cell  [completed]" in one


@pytest.mark.slow
def test_a_run_shown_in_another_cell_is_shown_there_too(kernel: Any) -> None:
    outputs(kernel, LOOP)
    shown = outputs(kernel, "run")
    assert [kind for kind, _, _ in shown] == ["display_data"]


@pytest.mark.slow
def test_a_background_run_updates_its_output_when_it_ends(kernel: Any) -> None:
    kernel.run("import threading; import modelcypher_nb as mc; go = threading.Event()")
    kernel.run("""
def train(run):
    for batch in run.steps(range(50)):
        run.log(loss=1 / (batch + 1))
        go.wait(60)
""")
    shown = outputs(kernel, "background = mc.TrainingRun('background'); background.start(train)")
    assert [kind for kind, _, _ in shown] == ["display_data"]
    assert saved(shown[0][2])["job"]["state"] in {"queued", "running"}
    assert "image/png" not in shown[0][2]
    ended = outputs(kernel, "go.set(); background.wait(); None")
    assert [kind for kind, _, _ in ended] == ["update_display_data"]
    assert ended[0][1] == shown[0][1]
    assert saved(ended[0][2])["job"]["state"] == "completed"


PERIODIC = """
import threading, time
import modelcypher_nb as mc
from modelcypher_nb.views import training_run
usual, training_run.UPDATE_SECONDS = training_run.UPDATE_SECONDS, 0.0
stop = threading.Event()
def train(run):
    for batch in run.steps(range(2)):
        run.log(loss=1.0)
        stop.wait(60)
periodic = mc.TrainingRun("periodic")
periodic.start(train)
periodic
"""
# Stays in the cell until the pump has begun two updates, and those are sent.
TWO_UPDATES = """
seen = {periodic._updated_at}
while len(seen) < 3:
    seen.add(periodic._updated_at)
    time.sleep(0.001)
training_run.UPDATE_SECONDS = usual
for thread in threading.enumerate():
    if thread.name == "modelcypher-output":
        thread.join()
"""


@pytest.mark.slow
def test_a_run_that_goes_on_updates_its_output_now_and_then_so_that_a_closed_tab_keeps_it(kernel: Any) -> None:
    (shown,) = outputs(kernel, PERIODIC)
    updates = outputs(kernel, TWO_UPDATES)
    assert kernel.value("usual") == "30.0"
    assert len(updates) >= 2
    assert {(kind, name) for kind, name, _ in updates} == {("update_display_data", shown[1])}
    assert saved(updates[-1][2])["job"]["state"] == "running"
    assert "image/png" not in updates[-1][2]
    kernel.run("stop.set(); periodic.wait(); None")


def test_between_two_updates_of_an_output_lie_thirty_seconds(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    run = TrainingRun("slow")
    started: list[str] = []
    clock = [100.0]
    monkeypatch.setattr(training_run.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(training_run.TrainingRun, "_update", lambda _: started.append(f"{clock[0] - 100:.0f} s"))
    run._updated_at = clock[0]
    for _ in range(650):
        assert run._tend()
        clock[0] += 0.1
    monkeypatch.undo()
    assert started == ["30 s", "60 s"]
    run.cancel()
    assert not run._tend()


@pytest.mark.slow
def test_a_job_s_facts_show_the_run_s_panel(kernel: Any) -> None:
    outputs(kernel, LOOP)
    ((kind, _, data),) = outputs(kernel, "mc.job_show(run.id)")
    assert kind == "execute_result"
    assert data[MIME]["view"] == "training_run"
    assert saved(data)["job"]["step"] == 40


@pytest.fixture
def trained(session: Session) -> TrainingRun:
    """A run of three steps that ended."""
    run = TrainingRun("short", config={"note": "<b>"})
    for batch in run.steps([3.0, 2.0, 1.0]):
        run.log(loss=batch)
    return run


def test_a_run_without_a_notebook_prints_and_keeps_its_numbers(trained: TrainingRun) -> None:
    assert (trained.state, trained.step) == ("completed", 3)
    assert "short  [completed]" in str(trained)
    assert "train/loss" in str(trained)
    html = trained.bundle()["text/html"]
    assert "<svg" in html
    assert "&lt;b&gt;" in html


def test_a_run_s_figure_has_its_series(trained: TrainingRun) -> None:
    assert "train/loss" in [axes.get_title(loc="left") for axes in trained.figure().axes]


def test_an_attached_run_shows_the_same_and_trains_nothing(trained: TrainingRun, session: Session) -> None:
    session.catalog.job("short")
    attached = TrainingRun.attach("short")
    assert attached.id == trained.id
    assert attached.data()["series"] == trained.data()["series"]


def test_a_run_of_another_process_refuses_what_only_its_own_can_do(session: Session) -> None:
    from modelcypher_nb.store.records import JobRecord

    session.catalog.add_job(JobRecord("far-aaaaaa", "far", "completed", 1.0))
    far = TrainingRun(job="far")
    assert far.state == "completed"
    for use in (lambda: far.steps([1]), lambda: far.log(loss=1), lambda: far.model, far.finish):
        with pytest.raises(UsageError, match="isn't this process's"):
            use()


def test_ipywidgets_can_still_write_warnings_to_a_run_s_log(trained: TrainingRun) -> None:
    trained._handle_msg({"content": {"data": {"method": "nonsense"}}})
    assert callable(trained.log.error)  # type: ignore[attr-defined]
