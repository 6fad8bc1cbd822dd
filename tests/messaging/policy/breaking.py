"""Breaks messaging/policy/decision.py in one place at a time: a comparison turned, a condition dropped, a number moved, an
answer swapped or left out. What only chooses the words of a sentence is left alone."""

from __future__ import annotations

import ast
import copy
import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any

from messaging.policy import decision

SOURCE = Path(str(decision.__file__)).read_text(encoding="utf-8")
RULES = frozenset(rule.__name__ for rule in decision.RULES)
# What puts them together, what they are made of, and the numbers they hold times against.
PARTS = frozenset({"decide", "reserve_of", "_floor_of", "_is_by_a_person", "_is_adverse", "_is_reach_known"})
NUMBERS = frozenset({"STALE_AFTER", "SURVEY_WITHIN", "ASK_AGAIN_AFTER", "HELD_UP_FOR"})

TURNED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Lt: (ast.GtE, ast.LtE),
    ast.LtE: (ast.Gt, ast.Lt),
    ast.Gt: (ast.LtE, ast.GtE),
    ast.GtE: (ast.Lt, ast.Gt),
}
SWAPPED = {"_hand_off": "_stop", "_stop": "_hand_off", "max": "min"}

Way = tuple[str, Callable[[ast.AST], None]]  # in words, and what is done to the node


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
            for way, (what, _) in enumerate(_ways(node)):
                other = copy.deepcopy(statement)
                # The same node of the copy, found by its place.
                twin = next(itertools.islice(ast.walk(other), number, None))
                list(_ways(twin))[way][1](twin)
                space = dict(vars(decision))
                # All of them, so that they call each other here.
                exec(whole, space)
                exec(_compile([other]), space)
                yield Broken(place=_name_of(statement), line=getattr(node, "lineno", 0), what=what, code=space)


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


def _ways(node: ast.AST) -> Iterator[Way]:
    """All in which this one node can be broken."""
    match node:
        case ast.Compare():
            yield from _turned(node)
        case ast.BoolOp():
            yield "and becomes or, or the other way round", _swap_junction
            for at in range(len(node.values)):
                yield f"operand {at + 1} is dropped", _dropping(at)
        case ast.UnaryOp(op=ast.Not()):
            yield "a not is dropped", _drop_not
        case ast.If() | ast.IfExp():
            yield "the condition is always True", _deciding(value=True)
            yield "the condition is always False", _deciding(value=False)
        case ast.Return(value=ast.Constant(value=None)):
            pass
        case ast.Return():
            yield "it answers nothing", _answer_nothing
        case ast.Constant(value=int() as value) if type(value) is int:
            yield f"{value} becomes {value + 1}", _moving(1)
            yield f"{value} becomes {value - 1}", _moving(-1)
        case ast.Name(id=name) if name in SWAPPED:
            yield f"{name} becomes {SWAPPED[name]}", _swap_name


def _turned(node: ast.Compare) -> Iterator[Way]:
    for at, operator in enumerate(node.ops):
        for other in TURNED[type(operator)]:
            yield f"{type(operator).__name__} becomes {other.__name__}", _turning(at, other)


def _turning(at: int, to: type[ast.cmpop]) -> Callable[[ast.AST], None]:
    def turn(node: ast.AST) -> None:
        assert isinstance(node, ast.Compare)
        node.ops[at] = to()

    return turn


def _swap_junction(node: ast.AST) -> None:
    assert isinstance(node, ast.BoolOp)
    node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()


def _dropping(at: int) -> Callable[[ast.AST], None]:
    def drop(node: ast.AST) -> None:
        assert isinstance(node, ast.BoolOp)
        # It says nothing any more: true among ands, false among ors.
        node.values[at] = ast.Constant(isinstance(node.op, ast.And))

    return drop


def _drop_not(node: ast.AST) -> None:
    assert isinstance(node, ast.UnaryOp)
    node.operand = ast.UnaryOp(ast.Not(), node.operand)


def _deciding(*, value: bool) -> Callable[[ast.AST], None]:
    def decide(node: ast.AST) -> None:
        assert isinstance(node, ast.If | ast.IfExp)
        node.test = ast.Constant(value)

    return decide


def _answer_nothing(node: ast.AST) -> None:
    assert isinstance(node, ast.Return)
    node.value = ast.Constant(None)


def _moving(step: int) -> Callable[[ast.AST], None]:
    def move(node: ast.AST) -> None:
        assert isinstance(node, ast.Constant)
        assert isinstance(node.value, int)
        node.value += step

    return move


def _swap_name(node: ast.AST) -> None:
    assert isinstance(node, ast.Name)
    node.id = SWAPPED[node.id]
