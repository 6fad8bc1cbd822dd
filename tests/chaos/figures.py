"""How large each run is, and the table of what was counted. `make chaos` names sizes; what it does not name is short."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

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
    seed: int | None = None  # of the example that was drawn last


@contextmanager
def counted(record: Callable[[str, object], None], name: str) -> Iterator[Count]:
    """Puts a row into the table, also where the run fails. `record` is pytest's record_property."""
    count = Count()
    started = time.monotonic()
    try:
        yield count
    except BaseException as error:
        count.violations = count.violations or 1
        if count.seed is not None:
            error.add_note(f"Drawn again with: make chaos EXAMPLES=1 SEED={count.seed}")
        raise
    finally:
        record(PROPERTY, [name, count.size, count.faults, count.violations, time.monotonic() - started])


def print_table(terminal: pytest.TerminalReporter) -> None:
    """Parts of one run have one name, and one line."""
    sums: dict[str, list[float]] = {}
    for outcome in ("passed", "failed"):
        for report in terminal.getreports(outcome):
            for key, value in report.user_properties:
                if key == PROPERTY:
                    name, *numbers = value
                    sums[name] = [sum(pair) for pair in zip(numbers, sums.get(name, [0] * len(numbers)), strict=True)]
    if not sums:
        return
    terminal.write_sep("-", "faults on purpose")
    rows = [
        HEAD,
        *((name, *[f"{number:,}" for number in whole], f"{seconds:.1f}") for name, (*whole, seconds) in sums.items()),
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    for first, *others in rows:
        cells = [first.ljust(widths[0]), *(text.rjust(width) for text, width in zip(others, widths[1:], strict=True))]
        terminal.write_line("  ".join(cells))
