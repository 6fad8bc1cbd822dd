"""How large each run is, and the table of what was counted. `make chaos` names sizes; what it does not name is short."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

PROPERTY = "chaos"  # under which a report carries its row, also from one process of pytest to the other
HEAD = ("test", "size", "faults", "violations", "seconds")


def size(name: str, short: int) -> int:
    """A number from the command line of `make chaos`, else the one that `make test` takes."""
    return int(os.environ.get(f"CHAOS_{name}") or short)


@dataclass(kw_only=True)
class Count:
    """What one run did so far."""

    size: int = 0
    faults: int = 0
    violations: int = 0


@contextmanager
def counted(record: Callable[[str, object], None], name: str) -> Iterator[Count]:
    """Puts a row into the table, also where the run fails. `record` is pytest's record_property."""
    count = Count()
    started = time.monotonic()
    try:
        yield count
    finally:
        seconds = f"{time.monotonic() - started:.1f}"
        record(PROPERTY, [name, f"{count.size:,}", f"{count.faults:,}", f"{count.violations:,}", seconds])


def print_table(terminal: pytest.TerminalReporter) -> None:
    rows: list[list[Any]] = [
        value
        for outcome in ("passed", "failed")
        for report in terminal.getreports(outcome)
        for name, value in report.user_properties
        if name == PROPERTY
    ]
    if not rows:
        return
    terminal.write_sep("-", "faults on purpose")
    widths = [max(len(str(row[column])) for row in [HEAD, *rows]) for column in range(len(HEAD))]
    for row in [HEAD, *rows]:
        first, *others = [str(value) for value in row]
        cells = [first.ljust(widths[0]), *(text.rjust(width) for text, width in zip(others, widths[1:], strict=True))]
        terminal.write_line("  ".join(cells))
