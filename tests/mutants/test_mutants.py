"""What is found to be broken is broken, where it is said to be."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.mutants import mutants, tracing, ways

SOURCE = '''
LIMIT = 3


class Box:
    @property
    def is_full(self) -> bool:
        """Words."""
        return self.count >= LIMIT and not self.open


def pick(rows):
    logger.info("picked")
    with lock():
        try:
            rows.sort()
        except OSError:
            raise
    return rows.filter(status=Status.HELD).order_by("due")[:500]
'''


@pytest.fixture
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Each mutant of the source with the line that differs."""
    monkeypatch.setattr(mutants, "ROOT", tmp_path)
    (tmp_path / "box.py").write_text(SOURCE)
    before = ast.unparse(ast.parse(SOURCE)).splitlines()
    lines = {}
    for mutant in mutants.mutants_of("box.py"):
        tree = ast.parse(SOURCE)
        node = list(ast.walk(tree))[mutant.number]
        ways.replaced(tree, mutant.number, mutants.ways_of(node)[mutant.way])
        after = ast.unparse(tree).splitlines()
        lines[f"{mutant.place}: {mutant.what}"] = next(
            new for old, new in zip(before, after, strict=True) if old != new
        )
    return {name: line.strip() for name, line in lines.items()}


def test_each_changes_one_place_and_says_which(found: dict[str, str]) -> None:
    assert found == {
        "LIMIT: 3 becomes 4": "LIMIT = 4",
        "LIMIT: 3 becomes 2": "LIMIT = 2",
        "Box.is_full: it answers nothing": "return None",
        "Box.is_full: and becomes or, or the other way round": "return self.count >= LIMIT or not self.open",
        "Box.is_full: operand 1 is dropped": "return True and (not self.open)",
        "Box.is_full: operand 2 is dropped": "return self.count >= LIMIT and True",
        "Box.is_full: GtE becomes Lt": "return self.count < LIMIT and (not self.open)",
        "Box.is_full: GtE becomes Gt": "return self.count > LIMIT and (not self.open)",
        "Box.is_full: a not is dropped": "return self.count >= LIMIT and bool(self.open)",
        "pick: without lock()": "with __import__('contextlib').nullcontext():",
        "pick: it is left out": "pass",
        "pick: it answers nothing": "return None",
        "pick: it is not cut": "return rows.filter(status=Status.HELD).order_by('due')",
        "pick: without .order_by('due')": "return rows.filter(status=Status.HELD)[:500]",
        "pick: in the opposite order": "return rows.filter(status=Status.HELD).order_by('-due')[:500]",
        "pick: without status=Status.HELD": "return rows.filter().order_by('due')[:500]",
        "pick: without .filter(status=Status.HELD)": "return rows.order_by('due')[:500]",
        "pick: HELD becomes CANCELLED": "return rows.filter(status=Status.CANCELLED).order_by('due')[:500]",
    }


def test_a_line_that_moved_keeps_its_tests_and_a_new_one_gets_those_of_its_neighbours() -> None:
    tests_at = {"1": ["a"], "2": ["b"], "4": ["d"]}
    moved = tracing._moved(tests_at, "one\ntwo\n\nfour", "new\none\ntwo changed\n\nfour\n\nelsewhere")
    assert moved == {
        "1": ["a"],  # before the first
        "2": ["a"],
        "3": ["a", "b"],
        "4": [],
        "5": ["d"],
        "6": ["d"],
        "7": ["d"],
    }
    assert tracing._moved({"2": ["b"]}, "\n\n\n\ntwo\n\n", "\n\n\n\ntwo\n\nelsewhere")["7"] == ["b"]
