from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from modelcypher_nb.errors import ServerError
from modelcypher_nb.operations.session import Session
from modelcypher_nb.surfaces.mcp import discovery
from tests.mcp_served import Served, environment


def folder_of(served: Served) -> Path:
    return Path(served.environment["MODELCYPHER_NB_HOME"]) / "mcp"


def content_of(served: Served) -> dict[str, Any]:
    (file,) = folder_of(served).iterdir()
    content: dict[str, Any] = json.loads(file.read_text())
    return content


def add(served: Served, content: object, name: str = "other.json", mode: int = 0o600) -> Path:
    file = folder_of(served) / name
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    file.chmod(mode)
    return file


def test_the_file_is_its_owners_alone_in_a_folder_that_is_too(served: Served) -> None:
    (file,) = folder_of(served).iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder_of(served).stat().st_mode) == 0o700
    content = content_of(served)
    assert content["owner"]["pid"] == os.getpid()
    assert (content["url"], content["token"]) == (served.url, served.token)


def test_it_is_private_whatever_the_umask_is(tmp_path: Path) -> None:
    session = Session(environment(tmp_path / "home"), str(tmp_path))
    before = os.umask(0)
    try:
        discovery.publish(session.home, "http://127.0.0.1:1/mcp", "t" * 43, "assistant", ())
    finally:
        os.umask(before)
    (file,) = (tmp_path / "home" / "mcp").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_another_process_finds_the_newest_server(served: Served) -> None:
    later = content_of(served) | {
        "nonce": "x",
        "startedAt": content_of(served)["startedAt"] + 1,
        "url": "http://127.0.0.1:9/mcp",
    }
    assert discovery.connection(served.session).url == served.url
    add(served, later)
    assert discovery.connection(served.session).url == "http://127.0.0.1:9/mcp"


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o620, 0o666])
def test_a_file_that_others_could_read_or_write_is_not_believed(served: Served, mode: int) -> None:
    add(served, content_of(served) | {"startedAt": 9e9, "url": "http://127.0.0.1:9/mcp"}, mode=mode)
    assert discovery.connection(served.session).url == served.url


@pytest.mark.skipif(os.getuid() != 0, reason="only root gives files away")
def test_another_users_file_is_not_believed(served: Served) -> None:
    file = add(served, content_of(served) | {"startedAt": 9e9, "url": "http://127.0.0.1:9/mcp"})
    os.chown(file, 12345, 12345)
    assert discovery.connection(served.session).url == served.url


def test_a_link_to_a_file_elsewhere_is_not_believed(served: Served, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.json"
    elsewhere.write_text(json.dumps(content_of(served) | {"startedAt": 9e9, "url": "http://127.0.0.1:9/mcp"}))
    elsewhere.chmod(0o600)
    (folder_of(served) / "link.json").symlink_to(elsewhere)
    assert discovery.connection(served.session).url == served.url


def dead_owner() -> dict[str, Any]:
    code = (
        "import json; from modelcypher_nb.operations.wire import plain;"
        "from modelcypher_nb.training.ownership import this_process; print(json.dumps(plain(this_process())))"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    owner: dict[str, Any] = json.loads(done.stdout)
    return owner


def test_the_file_of_a_dead_process_is_ignored_and_swept_by_the_next_start(served: Served) -> None:
    content = content_of(served)
    stale = add(served, content | {"startedAt": 9e9, "owner": dead_owner()})
    reused = add(served, content | {"startedAt": 9e9, "owner": content["owner"] | {"startTime": 1.0}}, "reused.json")
    assert discovery.connection(served.session).url == served.url
    served.control.stop(served.session)
    served.control.start(served.session)
    assert not stale.exists()
    assert not reused.exists()
    assert discovery.connection(served.session).url == served.url


def test_a_server_on_another_host_is_not_ours(served: Served) -> None:
    content = content_of(served)
    add(served, content | {"startedAt": 9e9, "owner": content["owner"] | {"host": socket.gethostname() + "x"}})
    assert discovery.connection(served.session).url == served.url


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"_schema": "mc.mcp.discovery.v1"}', "x" * 20_000, '{"a": NaN}']
)
def test_a_file_that_lies_about_its_form_is_ignored(served: Served, text: str) -> None:
    add(served, text)
    assert discovery.connection(served.session).url == served.url


def test_nothing_found_says_how_to_start(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="mc mcp start"):
        discovery.connection(Session(environment(tmp_path / "home"), str(tmp_path)))


def test_a_stopped_server_leaves_no_file(served: Served) -> None:
    served.control.stop(served.session)
    assert list(folder_of(served).iterdir()) == []
