from __future__ import annotations

from modelcypher_nb.operations.facts import ServerFacts
from modelcypher_nb.operations.session import Session
from modelcypher_nb.views.server import ServerPanel

RUNNING = ServerFacts(
    "running", "assistant", "launch token", ("mc_job_pause", "mc_job_list"), "http://127.0.0.1:4242/mcp", ("claude",), 3
)


def test_what_is_saved_of_a_server_names_neither_its_address_nor_who_called(session: Session) -> None:
    panel = ServerPanel(RUNNING)
    saved = str(panel.bundle())
    assert "4242" not in saved
    assert "claude" not in saved
    tools = panel.payload["data"]["tools"]
    assert [(tool["name"], tool["readOnly"], tool["destructive"]) for tool in tools] == [
        ("mc_job_pause", False, False),
        ("mc_job_list", True, False),
    ]
    assert tools[0]["description"].startswith("Pause a running job")


def test_a_stopped_server_is_shown_as_such(session: Session) -> None:
    assert ServerPanel().facts.state == "stopped"
