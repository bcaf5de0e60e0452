from __future__ import annotations

import logging
import os
import pickle
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from modelcypher_nb.errors import ConflictError, NotAllowedError, ServerError, SettingError, UsageError
from modelcypher_nb.guard.secrets import redact
from modelcypher_nb.operations.operation import find, run
from modelcypher_nb.operations.session import Session
from modelcypher_nb.operations.wire import wire
from modelcypher_nb.surfaces.mcp.control import Control
from modelcypher_nb.surfaces.mcp.tokens import LaunchToken
from tests.conftest import Command
from tests.mcp_served import Served, environment, serve


def connects(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_second_start_gives_the_running_server(served: Served) -> None:
    before = served.url, served.token
    again = served.control.start(Session(served.environment, str(served.working)))
    assert again.state == "running"
    assert (served.url, served.token) == before


@pytest.mark.parametrize(
    ("variable", "value"),
    [("MC_MCP_PROFILE", "full"), ("MC_MCP_RATE", "3"), ("MC_MCP_BURST", "4"), ("MC_MCP_PORT", "1234")],
)
def test_a_second_start_with_other_settings_is_refused(served: Served, variable: str, value: str) -> None:
    other = Session({**served.environment, variable: value}, str(served.working))
    with pytest.raises(ConflictError, match=variable) as caught:
        served.control.start(other)
    assert "mc mcp stop" in caught.value.remedy
    assert served.control.status(served.session).state == "running"


def test_a_second_start_on_another_home_is_refused(served: Served, tmp_path: Path) -> None:
    with pytest.raises(ConflictError, match="MODELCYPHER_NB_HOME"):
        served.control.start(
            Session({**served.environment, "MODELCYPHER_NB_HOME": str(tmp_path / "b")}, str(served.working))
        )


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("MC_MCP_AUTH_ENABLED", "1"),
        ("MC_MCP_AUTH_ISSUER", "https://auth.example.com"),
        ("MC_MCP_AUTH_AUDIENCE", "https://mcp.example.com"),
        ("MC_MCP_AUTH_JWKS_URI", "https://auth.example.com/jwks"),
        ("MC_MCP_AUTH_INTROSPECTION_URI", "https://auth.example.com/introspect"),
        ("MC_MCP_AUTH_INTROSPECTION_CLIENT_ID", "notebook"),
        ("MC_MCP_AUTH_INTROSPECTION_CLIENT_SECRET", "something-secret"),
        ("MC_MCP_AUTH_LEEWAY", "5"),
        ("MC_MCP_HOST", "0.0.0.0"),  # noqa: S104 - the point of the test
        ("MC_MCP_HOST", "localhost"),
        ("MC_MCP_TLS_CERT", "/tmp/cert.pem"),
        ("MC_MCP_TLS_KEY", "/tmp/key.pem"),
        ("MC_MCP_PUBLIC_URL", "https://mcp.example.com"),
        ("MC_MCP_REQUIRE_CONFIRMATION", "0"),
        ("MC_MCP_CONFIRMATION_MODE", "token"),
    ],
)
@pytest.mark.promise("OAUTH-1")
def test_a_setting_that_asks_for_what_isnt_built_refuses_the_start(tmp_path: Path, variable: str, value: str) -> None:
    with pytest.raises(SettingError, match=variable) as caught, serve(tmp_path, **{variable: value}):
        pytest.fail("it started")
    assert f"Unset {variable}" in caught.value.remedy
    assert "something-secret" not in str(caught.value)


def test_a_value_that_doesnt_parse_refuses_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="MC_MCP_RATE"), serve(tmp_path, MC_MCP_RATE="fast"):
        pytest.fail("it started")


def test_what_the_policy_asks_for_is_no_reason_to_refuse(tmp_path: Path) -> None:
    with serve(tmp_path, MC_MCP_REQUIRE_CONFIRMATION="1", MC_MCP_CONFIRMATION_TIMEOUT="300") as running:
        assert running.control.status(running.session).state == "running"


def test_stop_ends_it_and_may_be_repeated(served: Served) -> None:
    port = served.port
    assert connects(port)
    assert served.control.stop(served.session).state == "stopped"
    assert served.control.stop(served.session).state == "stopped"
    assert not connects(port)
    with pytest.raises(ServerError, match="mc mcp start"):
        served.control.connection()


def test_stop_doesnt_wait_for_clients_that_stay_connected(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.port)) as idle:
        served.control.stop(served.session)
        idle.settimeout(20)
        assert idle.recv(100) == b""


def test_a_revoked_token_matches_nothing() -> None:
    token = LaunchToken()
    assert token.matches(token.reveal().encode())
    token.revoke()
    assert not token.matches(token.reveal().encode())


def test_a_server_whose_thread_died_is_replaced_and_leaves_no_file(served: Served) -> None:
    old = served.control._running
    assert old is not None
    old.http.stop()
    with pytest.raises(ServerError):
        served.control.connection()
    assert served.control.start(served.session).state == "running"
    folder = Path(served.environment["MODELCYPHER_NB_HOME"]) / "mcp"
    assert len(list(folder.iterdir())) == 1
    assert not served.call("mc_job_list").is_error


def test_a_new_start_has_a_new_token(served: Served) -> None:
    old = served.token
    served.control.stop(served.session)
    served.control.start(served.session)
    assert served.token != old
    assert served.post({}, Authorization=f"Bearer {old}")[0] == 401


def test_the_port_that_was_asked_for_is_used_and_can_be_used_again(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    for _ in range(2):
        with serve(tmp_path, MC_MCP_PORT=str(port)) as running:
            assert running.port == port
            assert not running.call("mc_job_list").is_error


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        with pytest.raises(ServerError, match=port) as caught, serve(tmp_path, MC_MCP_PORT=port):
            pytest.fail("it started")
    assert "MC_MCP_PORT" in caught.value.remedy


def test_the_root_logger_is_left_as_it_was(tmp_path: Path) -> None:
    root = logging.getLogger()
    before = list(root.handlers), root.level
    with serve(tmp_path) as running:
        running.call("mc_job_list")
        assert (list(root.handlers), root.level) == before


def test_neither_token_nor_address_shows_in_what_a_person_may_display(served: Served) -> None:
    found = served.control.connection()
    shown = repr(found) + repr(served.control.status(served.session).tools) + repr(LaunchToken())
    assert served.token not in shown
    assert str(served.port) not in shown
    assert redact(f"the token is {served.token}") == "the token is [redacted]"


def test_a_pickled_token_is_another_one() -> None:
    token = LaunchToken()
    assert pickle.loads(pickle.dumps(token)).reveal() != token.reveal()  # noqa: S301 - our own bytes


def test_config_holds_neither_address_nor_token(served: Served) -> None:
    config = served.control.config(served.session, None)
    text = "".join(config.snippets.values()) + config.note
    assert set(config.snippets) == {"python", "claude-code", "json", "inspector"}
    assert served.token not in text
    assert str(served.port) not in text
    assert redact(text) == text
    with pytest.raises(UsageError, match="python"):
        served.control.config(served.session, "emacs")


def test_the_python_snippet_works_in_another_process(served: Served) -> None:
    snippet = served.control.config(served.session, "python").snippets["python"]
    done = subprocess.run(
        [sys.executable, "-P", "-c", snippet],
        env={**os.environ, **served.environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "mc.job.list.v1" in done.stdout
    assert served.control.status(served.session).clients == ("mcp",)


@pytest.mark.parametrize("form", ["--shell", "--headers"])
def test_a_shell_gets_address_and_token_when_it_asks(served: Served, form: str) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "modelcypher_nb.surfaces.mcp.discovery", form],
        env={**os.environ, **served.environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert served.token in done.stdout
    assert (served.url in done.stdout) == (form == "--shell")


def test_a_shell_hears_that_nothing_serves(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "modelcypher_nb.surfaces.mcp.discovery", "--shell"],
        env={**os.environ, **environment(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout) == (69, "")
    assert "mc mcp start" in done.stderr


def test_the_shell_sees_a_kernels_server_by_its_file(served: Served) -> None:
    elsewhere = Control().status(Session(served.environment, str(served.working)))
    assert (elsewhere.state, elsewhere.profile) == ("running", "assistant")
    assert elsewhere.address == f"127.0.0.1:{served.port}"


def test_a_shell_cant_start_it(tmp_path: Path) -> None:
    session = Session(environment(tmp_path / "home"), str(tmp_path))
    with pytest.raises(UsageError, match="live kernel"):
        run(find("mcp_start"), session.person(), {})


def test_an_assistant_cant_reach_its_verbs(served: Served) -> None:
    for name in ("mcp_start", "mcp_stop", "mcp_status", "mcp_config", "mcp_audit"):
        with pytest.raises(NotAllowedError):
            run(find(name), served.session.assistant("x"), {})


def test_status_counts_calls_and_names_clients(served: Served) -> None:
    served.call("mc_job_list", as_client="claude")
    served.call("mc_job_list", as_client="cursor\n\x1b[31m")
    facts = served.control.status(served.session)
    assert facts.clients == ("claude", "cursor\\x0a\\x1b[31m")
    assert facts.calls == 2
    assert wire(find("mcp_status"), facts)["state"] == "running"


AT_EXIT = """
from modelcypher_nb.operations.session import current
from modelcypher_nb.surfaces.mcp.control import control
control.start(current())
"""


def test_the_process_ends_at_once_and_leaves_no_file(tmp_path: Path) -> None:
    variables = environment(tmp_path / "home")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-P", "-c", AT_EXIT],
        env={**os.environ, **variables},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list((tmp_path / "home" / "mcp").iterdir()) == []


FORK = """
import http.client, os, socket
from modelcypher_nb.operations.session import current
from modelcypher_nb.surfaces.mcp.control import control

control.start(current())
found = control.connection()
port = int(found.url.split(":")[2].split("/")[0])
connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
connection.request("PATCH", "/mcp", headers=found.headers)
connection.getresponse().read()
client = connection.sock  # it stays, so the fork copies it

told, tell = os.pipe()
stay, leave = os.pipe()
child = os.fork()
if child == 0:
    os.close(leave)
    try:
        control.connection()
    except ConnectionError:
        os.write(tell, b"1")  # it has no server
    os.read(stay, 1)  # lives on until the parent is done
    os._exit(0)
os.close(tell)
assert os.read(told, 1) == b"1"
control.stop(current())
assert client.recv(100) == b"", "the child kept the connection open"
assert socket.socket().connect_ex(("127.0.0.1", port)) != 0, "the child kept the port"
os.close(leave)
assert os.waitpid(child, 0)[1] == 0
print("done")
"""


def test_a_forked_child_keeps_neither_port_nor_server(program: Command) -> None:
    done = program(FORK)
    assert done.stdout == "done\n", done.stderr
