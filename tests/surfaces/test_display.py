from __future__ import annotations

from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from modelcypher_nb.operations import facts
from modelcypher_nb.operations.facts import WHERE
from modelcypher_nb.surfaces import display
from modelcypher_nb.views.sheets import SHEETS


@pytest.fixture
def shell() -> Any:
    made = InteractiveShell()
    display.register(made)
    return made


def test_every_sheet_s_type_is_where_the_formatter_looks_for_it() -> None:
    for name in SHEETS:
        assert getattr(facts, name).__module__ == f"{display.FACTS}.{WHERE[name]}"


def test_facts_show_themselves_as_tables_in_a_terminal(shell: Any) -> None:
    data, _ = shell.display_formatter.format(facts.ModelList((), 0))
    assert "none is registered yet" in data["text/plain"]
    assert "none is registered yet" in data["text/html"]


def test_unregistered_facts_are_shown_as_any_object(shell: Any) -> None:
    shell.display_formatter.format(facts.ModelList((), 0))
    display.unregister(shell)
    data, _ = shell.display_formatter.format(facts.ModelList((), 0))
    assert set(data) == {"text/plain"}
    assert data["text/plain"].startswith("ModelList(")
    display.unregister(shell)


def test_the_facts_of_a_live_network_are_shown_as_a_table(shell: Any) -> None:
    import torch

    from modelcypher_nb.views.memory import live_facts

    data, _ = shell.display_formatter.format(live_facts(torch.nn.Linear(2, 2)))
    assert "live object, nothing was read from a file" in data["text/plain"]
