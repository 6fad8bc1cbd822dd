"""On what kind of file system a file is: SQLite’s locks hold on a disk of this machine and not over a network."""

from __future__ import annotations

from pathlib import Path

MOUNTS = Path("/proc/self/mounts")  # Linux; elsewhere nothing is known
NETWORK = frozenset(
    {"9p", "afs", "ceph", "cifs", "glusterfs", "lustre", "ncpfs", "nfs", "nfs4", "smb3", "smbfs", "vboxsf"}
    | {"fuse.glusterfs", "fuse.s3fs", "fuse.sshfs"}
)


def find_network(path: Path) -> str:
    """The name of the network file system that holds it; empty where it is none, or nobody can say."""
    try:
        lines = MOUNTS.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return ""
    place = path.resolve()
    # Device, place, kind, …; of two at one place the later one is on top.
    mounted = {Path(_plain(line.split()[1])): line.split()[2] for line in lines if len(line.split()) > 2}
    around = [where for where in mounted if place.is_relative_to(where)]
    kind = mounted[max(around, key=lambda where: len(where.parts))] if around else ""
    return kind if kind in NETWORK else ""


def _plain(text: str) -> str:
    """Blanks and their like are written as octal numbers there."""
    for code in ("040", "011", "012", "134"):
        text = text.replace(f"\\{code}", chr(int(code, 8)))
    return text
