"""Whether the home folder lies on a network file system, where SQLite's shared memory can't be relied on."""

from __future__ import annotations

import os

__all__ = ["is_on_network"]

NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "9p", "ceph", "glusterfs", "lustre", "gpfs", "beegfs",
     "fuse.sshfs", "fuse.glusterfs", "fuse.gcsfuse", "fuse.s3fs"}
)  # fmt: skip


def is_on_network(path: str, mounts: str = "/proc/self/mounts") -> bool:
    """Whether the innermost mount that holds a path is of a network file system."""
    real = os.path.realpath(path)
    best, kind = "", ""
    try:
        with open(mounts, encoding="utf-8", errors="surrogateescape") as lines:  # noqa: PTH123 - the kernel's own table
            for line in lines:
                _, mount, found, *_ = line.split(" ")
                mount = mount.replace("\\040", " ")
                inside = real == mount or real.startswith(mount.rstrip("/") + "/")
                if inside and len(mount) >= len(best):
                    best, kind = mount, found
    except FileNotFoundError:
        return False  # not Linux: no table to read, and no network home is supported there
    return kind in NETWORK
