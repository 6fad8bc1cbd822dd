"""What runs on this machine, as far as the tests of starting and stopping ask."""

import subprocess
import time
from pathlib import Path
from typing import NamedTuple


class Row(NamedTuple):
    pid: int
    parent: int
    command: str


def running() -> list[Row]:
    """Without zombies. A machine without ps has /proc."""
    if Path("/proc/self/stat").exists():
        return [row for path in Path("/proc").glob("[0-9]*") if (row := _from_proc(path))]
    listing = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,stat=,args="], capture_output=True, text=True, check=True
    ).stdout
    lines = [line.split(maxsplit=3) for line in listing.splitlines()]
    return [Row(int(pid), int(parent), command) for pid, parent, state, command in lines if not state.startswith("Z")]


def _from_proc(path: Path) -> Row | None:
    try:
        state, parent = path.joinpath("stat").read_text().rpartition(")")[2].split()[:2]
        command = path.joinpath("cmdline").read_text().replace("\0", " ")
    except OSError:  # it ended while we looked
        return None
    return None if state == "Z" else Row(int(path.name), int(parent), command)


def left_of(pids: set[int]) -> set[int]:
    """Those that are still there, after the moment that it takes to die."""
    for _ in range(50):
        if not (left := pids & {row.pid for row in running()}):
            break
        time.sleep(0.1)
    return left


def family_of(pid: int) -> set[int]:
    """The process and all that descend from it."""
    table = running()
    family = {pid}
    while more := {row.pid for row in table if row.parent in family} - family:
        family |= more
    return family & {row.pid for row in table}
