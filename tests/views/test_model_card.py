from __future__ import annotations

import os
from typing import Any

import ipywidgets
import pytest
import torch

from modelcypher_nb.errors import ConflictError, InternalError, PathRefusedError, UnknownIdError, UsageError
from modelcypher_nb.operations.models import model_show
from modelcypher_nb.operations.session import Session
from modelcypher_nb.views.messages import MIME
from modelcypher_nb.views.model_card import ModelCard
from modelcypher_nb.views.widget import module_text


def test_a_card_of_a_path_names_what_is_in_the_file(network: str) -> None:
    card = ModelCard(network)
    assert (card.name, card.verdict, card.sha256) == ("net.safetensors", "weights", "")
    assert {tensor.name for tensor in card.tensors} == {"layer.weight", "layer.bias", "head"}
    data = card.payload["data"]
    assert data["dtypes"] == {"F32": 16, "BF16": 2}
    assert data["metadata"] == {"made by": "a test"}
    assert "digest" not in data


def test_a_card_loads_the_tensors_that_it_shows(network: str) -> None:
    tensors = ModelCard(network).load()
    assert torch.equal(tensors["layer.weight"], torch.ones(4, 3))
    assert tensors["head"].dtype == torch.bfloat16


def test_a_file_that_changed_since_is_stale_and_isn_t_loaded(network: str, session: Session) -> None:
    card = ModelCard(network)
    assert not card.stale
    os.utime(f"{session.start}/{network}", (1, 1))
    assert card.stale
    with pytest.raises(ConflictError, match="changed since this card was made"):
        card.load()


def test_the_digest_is_computed_on_request_and_observed(network: str) -> None:
    card = ModelCard(network)
    seen: list[Any] = []
    card.observe(lambda change: seen.append(change["new"]), "sha256")
    digest = card.digest()
    assert seen == [digest]
    assert card.payload["data"]["digest"] == digest
    assert card.facts.digest == digest


def test_a_registered_card_is_found_by_name_and_verified(network: str) -> None:
    card = ModelCard(network).register("my-net")
    assert card.facts.reference == "my-net@1"
    assert ModelCard("my-net").sha256 == card.sha256
    assert card.verify().intact


def test_the_facts_of_model_show_make_the_same_card(network: str, session: Session) -> None:
    facts = model_show(session.person(), network)
    assert ModelCard(facts).payload["data"] == ModelCard(network).payload["data"]


def test_a_live_network_is_shown_from_memory_without_a_verdict() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU())
    card = ModelCard(model, name="mine")
    data = card.payload["data"]
    assert (card.name, card.verdict, data["format"]) == ("mine", "", "in memory")
    assert data["parameterCount"] == 16
    assert "path" not in data
    assert data["bytes"] == "in this process's memory: 64 B on cpu"
    assert card.load()["0.weight"] is model[0].weight
    with pytest.raises(UsageError, match="lives in memory"):
        card.digest()


def test_a_state_dict_is_shown_from_memory() -> None:
    card = ModelCard({"a": torch.zeros(2, dtype=torch.int8)})
    assert card.payload["data"]["dtypes"] == {"I8": 2}


def test_a_card_goes_into_a_box(network: str) -> None:
    box = ipywidgets.VBox([ModelCard(network)])
    assert box.children[0].name == "net.safetensors"


def test_outside_of_a_kernel_a_card_prints_and_gives_no_widget_view(network: str, session: Session) -> None:
    card = ModelCard(network)
    bundle = card.bundle()
    assert set(bundle) == {MIME, "text/html", "text/plain"}
    assert bundle["text/plain"] == str(card)
    assert f"{session.start}/{network}" in str(card)


@pytest.mark.usefixtures("session")
@pytest.mark.parametrize(
    ("model", "error"),
    [(3, UsageError), ("no-such-model", UnknownIdError), ("/etc/hostname", PathRefusedError), ({}, UsageError)],
)
def test_what_isn_t_a_model_is_refused_with_the_way_out(model: Any, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        ModelCard(model)
    assert caught.value.remedy  # type: ignore[attr-defined]


def test_a_package_without_its_front_end_says_how_to_build_it() -> None:
    with pytest.raises(InternalError, match="isn't built"):
        module_text("no_such_view")  # type: ignore[arg-type]


def test_a_card_s_figure_names_its_tensors(network: str) -> None:
    labels = [label.get_text() for label in ModelCard(network).figure().axes[1].get_yticklabels()]
    assert labels == ["layer.weight", "layer.bias", "head"]
