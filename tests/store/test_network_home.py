from __future__ import annotations

from pathlib import Path

import pytest

from modelcypher_nb.store.network_home import is_on_network

TABLE = r"""/dev/sda / ext4 rw 0 0
server:/home /home nfs4 rw 0 0
/dev/sdb /home/local xfs rw 0 0
server:/x /with\040space nfs rw 0 0
server:/y /twice nfs rw 0 0
tmpfs /twice tmpfs rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/var/x", False),
        ("/home", True),
        ("/home/ada/.local", True),
        ("/homestead", False),
        ("/home/local/ada", False),
        ("/with space/x", True),
        ("/twice/x", False),
    ],
)
def test_the_innermost_and_latest_mount_decides(tmp_path: Path, path: str, expected: bool) -> None:
    table = tmp_path / "mounts"
    table.write_text(TABLE)
    assert is_on_network(path, str(table)) is expected


def test_without_a_table_nothing_is_on_a_network(tmp_path: Path) -> None:
    assert is_on_network("/home", str(tmp_path / "none")) is False


def test_this_machine_has_a_table() -> None:
    assert is_on_network("/proc") is False
