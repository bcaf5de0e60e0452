"""Whether the home folder lies on a network file system, where SQLite's shared memory can't be relied on."""

from __future__ import annotations

import os
import re

__all__ = ["is_on_network"]

NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "9p", "ceph", "glusterfs", "lustre", "gpfs", "beegfs",
     "fuse.sshfs", "fuse.glusterfs", "fuse.gcsfuse", "fuse.s3fs", "fuse.rclone", "fuse.juicefs", "fuse.ceph-fuse"}
)  # fmt: skip
ESCAPED = re.compile(r"\\([0-7]{3})")  # how the table writes spaces, tabs, line ends and backslashes


def is_on_network(path: str, mounts: str = "/proc/self/mounts") -> bool:
    """Whether the innermost mount that holds a path is of a network file system."""
    real = os.path.realpath(path)
    best, kind = "", ""
    try:
        with open(mounts, encoding="utf-8", errors="surrogateescape") as lines:  # noqa: PTH123 - the kernel's own table
            for line in lines:
                _, mount, found, *_ = line.split(" ")
                mount = ESCAPED.sub(lambda code: chr(int(code[1], 8)), mount)
                inside = real == mount or real.startswith(mount.rstrip("/") + "/")
                if inside and len(mount) >= len(best):  # of two mounts on one folder the later is what is seen
                    best, kind = mount, found
    except FileNotFoundError:
        return False  # not Linux: no table to read, and no network home is supported there
    return kind in NETWORK
