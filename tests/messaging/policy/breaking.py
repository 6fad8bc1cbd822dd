"""Breaks messaging/policy/decision.py in one place at a time: a comparison turned, a condition dropped, a number moved, an
answer swapped or left out. What only chooses the words of a sentence is left alone."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any

from messaging.policy import decision
from tests.mutants.ways import of_decisions, replaced

SOURCE = Path(str(decision.__file__)).read_text(encoding="utf-8")
RULES = frozenset(rule.__name__ for rule in decision.RULES)
# What puts them together, what they are made of, and the numbers they hold times against.
PARTS = frozenset({"decide", "reserve_of", "_floor_of", "_is_by_a_person", "_is_adverse", "_is_reach_known"})
NUMBERS = frozenset({"STALE_AFTER", "SURVEY_WITHIN", "ASK_AGAIN_AFTER", "HELD_UP_FOR"})


@dataclass(frozen=True, kw_only=True)
class Broken:
    """One fault: where it is, and everything that decides with it in it."""

    place: str  # function, or the name of a number
    line: int
    what: str
    code: Mapping[str, Callable[..., Any]]

    def __str__(self) -> str:
        return f"{self.place}, line {self.line}: {self.what}"


def broken_in_every_way() -> Iterator[Broken]:
    statements = [one for one in ast.parse(SOURCE).body if _name_of(one) in RULES | PARTS | NUMBERS]
    whole = _compile(statements)
    for statement in statements:
        for number, node in enumerate(ast.walk(statement)):
            for way in of_decisions(node):
                other = copy.deepcopy(statement)
                replaced(other, number, way)
                space = dict(vars(decision))
                # All of them, so that they call each other here.
                exec(whole, space)
                exec(_compile([other]), space)
                yield Broken(place=_name_of(statement), line=getattr(node, "lineno", 0), what=way.what, code=space)


def _compile(statements: list[ast.stmt]) -> CodeType:
    return compile(ast.fix_missing_locations(ast.Module(body=statements, type_ignores=[])), "<broken>", "exec")


def rules_made_of(place: str) -> list[str]:
    """The rules that a fault in this place can reach, through whatever they call."""
    names = {
        _name_of(statement): {one.id for one in ast.walk(statement) if isinstance(one, ast.Name)}
        for statement in ast.parse(SOURCE).body
    }
    reached = {place}
    while more := {name for name, used in names.items() if used & reached} - reached:
        reached |= more
    return [rule.__name__ for rule in decision.RULES if rule.__name__ in reached]


def _name_of(statement: ast.stmt) -> str:
    if isinstance(statement, ast.FunctionDef):
        return statement.name
    if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
        return statement.targets[0].id
    return ""
