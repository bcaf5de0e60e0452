from __future__ import annotations

import dataclasses

from modelcypher_nb.operations.session import Session
from modelcypher_nb.store.records import JobRecord
from modelcypher_nb.training.ownership import this_process
from modelcypher_nb.views.model_card import ModelCard
from modelcypher_nb.views.registry import Registry
from modelcypher_nb.views.training_run import TrainingRun


def test_an_empty_registry_says_how_to_fill_it(session: Session) -> None:
    registry = Registry()
    assert registry.models.total == 0
    assert "mc model register PATH" in str(registry)
    assert registry.data()["totals"]["models"] == 0


def test_the_registry_lists_models_runs_checkpoints_and_storage(network: str) -> None:
    ModelCard(network).register("net")
    run = TrainingRun("short")
    for _ in run.steps([1]):
        run.log(loss=1.0)
    registry = Registry()
    data = registry.payload["data"]
    assert data["models"][0]["verdict"] == {"level": "weights", "findings": []}
    assert data["jobs"][0]["state"] == "completed"
    assert "owner" not in data["jobs"][0]
    assert {row["category"] for row in data["storage"]} >= {"model", "run"}
    assert [model.id for model in registry.models.items] == ["net"]
    html = registry.bundle()["text/html"]
    assert "net@1" in html
    assert "short" in html


def test_a_run_that_lost_its_process_is_recovered_and_named(session: Session) -> None:
    dead = dataclasses.replace(this_process(), start_time=1.0)
    session.catalog.add_job(JobRecord("lost-aaaaaa", "lost", "running", 1.0, owner=dead))
    assert [record.id for record in Registry().recover().items] == ["lost-aaaaaa"]
    assert session.catalog.job("lost").state == "interrupted"
    assert Registry().recover().total == 0
