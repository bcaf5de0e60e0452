from __future__ import annotations

from typing import Any

import pytest

from modelcypher_nb.errors import UnknownIdError
from modelcypher_nb.store.catalog import Catalog
from modelcypher_nb.store.records import CheckpointRecord


def a_checkpoint(step: int, **fields: Any) -> CheckpointRecord:
    return CheckpointRecord(
        **{"job": "j", "step": step, "state": "complete", "size_bytes": 4, "created_at": step, **fields}
    )


def test_a_checkpoint_is_read_back_and_replaced_at_the_same_step(catalog: Catalog) -> None:
    record = a_checkpoint(10, files=("model.safetensors",), loss=0.5)
    catalog.add_checkpoint(record)
    assert catalog.checkpoint("j", 10) == record
    catalog.add_checkpoint(a_checkpoint(10, loss=0.4))
    assert [found.loss for found in catalog.checkpoints("j")[0]] == [0.4]


def test_updates_change_fields_and_removal_forgets(catalog: Catalog) -> None:
    catalog.add_checkpoint(a_checkpoint(1))
    catalog.add_checkpoint(a_checkpoint(2))
    catalog.update_checkpoint("j", 1, pinned=True, state="corrupt")
    assert (catalog.checkpoint("j", 1).pinned, catalog.checkpoint("j", 1).state) == (True, "corrupt")
    catalog.remove_checkpoint("j", 1)
    assert [record.step for record in catalog.checkpoints()[0]] == [2]


def test_an_unknown_step_names_the_steps_there_are(catalog: Catalog) -> None:
    with pytest.raises(UnknownIdError, match="mc job checkpoint j"):
        catalog.checkpoint("j", 3)
    catalog.add_checkpoint(a_checkpoint(20))
    with pytest.raises(UnknownIdError, match="steps 20"):
        catalog.checkpoint("j", 3)
