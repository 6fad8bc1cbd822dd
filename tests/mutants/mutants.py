"""Every way in which a module of the product can be broken, one at a time, and how it is put in place of what runs."""

from __future__ import annotations

import ast
import functools
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from tests.mutants.ways import Way, of_decisions, of_effects, replaced

ROOT = Path(__file__).resolve().parents[2]
GROUPS = {
    "policy": ("messaging/policy/decision.py", "messaging/policy/floor.py", "messaging/policy/record.py"),
    "gate": ("messaging/gate.py",),
    "egress": ("messaging/delivery/egress.py",),
    "outbox": ("messaging/delivery/outbox.py",),
}
SHOWN = 110  # of a statement


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """`place`, `at` and `what` name it, whatever line it moves to."""

    path: str
    place: str  # function or method, or the name of a constant
    at: str  # the statement, as far as it has no statements of its own
    what: str
    lines: range
    number: int  # of the node, in the order of ast.walk
    way: int
    is_constant: bool

    @property
    def name(self) -> tuple[str, str, str]:
        return f"{Path(self.path).stem}.{self.place}", self.at, self.what

    def __str__(self) -> str:
        return f"{self.path}, {self.place}: {self.at}: {self.what}"


def mutants_of(path: str) -> list[Mutant]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    numbers = {id(node): number for number, node in enumerate(ast.walk(tree))}
    found = [
        Mutant(
            path=path,
            place=place,
            at=_head_of(statement),
            what=way.what,
            lines=_lines_of(statement),
            number=numbers[id(node)],
            way=index,
            is_constant=isinstance(statement, ast.Assign | ast.AnnAssign) and place in _names_of(statement),
        )
        for place, statement, node in _places(tree)
        for index, way in enumerate(ways_of(node))
    ]
    # What is named alike is told apart by its order.
    count: Counter[tuple[str, str, str]] = Counter()
    distinct = []
    for mutant in found:
        count[mutant.name] += 1
        again = count[mutant.name]
        distinct.append(replace(mutant, what=f"{mutant.what} ({again})") if again > 1 else mutant)
    return distinct


def ways_of(node: ast.AST) -> list[Way]:
    return [*of_decisions(node), *of_effects(node)]


def _places(tree: ast.Module) -> Iterator[tuple[str, ast.stmt, ast.AST]]:
    """Each node that may be broken, with its statement and where that stands."""
    for statement in tree.body:
        match statement:
            case ast.FunctionDef(name=name):
                yield from _in_body(name, statement)
            case ast.ClassDef(name=name):
                for method in statement.body:
                    if isinstance(method, ast.FunctionDef):
                        yield from _in_body(f"{name}.{method.name}", method)
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name != "logger":
                yield from ((name, statement, node) for node in _inside(value))
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                yield from ((name, statement, node) for node in _inside(value))


def _in_body(place: str, block: ast.AST) -> Iterator[tuple[str, ast.stmt, ast.AST]]:
    """Of everything that has statements of its own: a function, a condition, a loop."""
    for statement in _statements_of(block):
        if _only_says(statement):
            continue
        yield place, statement, statement
        if not isinstance(statement, ast.FunctionDef | ast.Raise):
            for child in ast.iter_child_nodes(statement):
                if not isinstance(child, ast.stmt | ast.ExceptHandler) and child is not getattr(
                    statement, "annotation", None
                ):
                    yield from ((place, statement, node) for node in _inside(child))
        for handler in getattr(statement, "handlers", []):
            yield place, statement, handler
            yield from _in_body(place, handler)
        yield from _in_body(place, statement)


def _statements_of(block: ast.AST) -> list[ast.stmt]:
    return [one for field in ("body", "orelse", "finalbody") for one in _list_of(block, field)]


def _list_of(block: ast.AST, field: str) -> list[ast.stmt]:
    statements = getattr(block, field, [])
    return statements if isinstance(statements, list) else []


def _only_says(statement: ast.stmt) -> bool:
    """A docstring, a line of the log, a name that is no statement."""
    match statement:
        case ast.Expr(value=ast.Constant()):
            return True
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id="logger")))):
            return True
    return False


def _inside(node: ast.AST) -> Iterator[ast.AST]:
    """The node and what it is made of, without what chooses words or names a type or a column."""
    if isinstance(node, ast.JoinedStr | ast.Slice | ast.arguments | ast.arg):
        return
    yield node
    match node:
        case ast.Dict(keys=keys):
            names = {id(key) for key in keys if isinstance(key, ast.Constant)}
        case ast.Call(func=ast.Attribute(attr="values_list" | "values" | "order_by" | "select_related" | "annotate")):
            names = {id(argument) for argument in node.args}
        case ast.Call(func=ast.Name(id="isinstance" | "getattr" | "hasattr")):
            names = {id(argument) for argument in node.args[1:]}
        case _:
            names = set()
    for child in ast.iter_child_nodes(node):
        if id(child) not in names:
            yield from _inside(child)


def _head_of(statement: ast.stmt) -> str:
    head = " ".join(ast.unparse(statement).splitlines()[0].split())
    return head if len(head) <= SHOWN else f"{head[: SHOWN - 1]}…"


def _lines_of(statement: ast.stmt) -> range:
    body = _statements_of(statement)
    last = body[0].lineno - 1 if body else statement.end_lineno or statement.lineno
    return range(statement.lineno, max(last, statement.lineno) + 1)


class CannotBeImportedError(Exception):
    """Broken like this the module cannot even be imported, which nobody overlooks."""


# --- In place ----------------------------------------------------------------------------------------------------------


def put_in_place(mutant: Mutant) -> None:
    """From now on this process runs the broken code. Of a function its code is changed, so whoever holds it runs it."""
    from tests.written_anew import forget_queries  # of the product, which is not there before Django is

    path = ROOT / mutant.path
    tree = ast.parse(path.read_text(encoding="utf-8"))
    node = next(node for number, node in enumerate(ast.walk(tree)) if number == mutant.number)
    replaced(tree, mutant.number, ways_of(node)[mutant.way])
    module = sys.modules[mutant.path.removesuffix(".py").replace("/", ".")]
    function = _function_at(module, mutant.place)
    if function is not None:
        function.__code__ = _code_at(compile(tree, str(path), "exec"), mutant.place)
        forget_queries()
        return
    statement = next(one for one in tree.body if mutant.place in _names_of(one))
    space = dict(vars(module))
    try:
        exec(compile(ast.Module(body=[statement], type_ignores=[]), str(path), "exec"), space)
    except Exception as error:
        raise CannotBeImportedError(str(mutant)) from error
    _rename(module, mutant.place, space[mutant.place])


def _function_at(module: ModuleType, place: str) -> FunctionType | None:
    found: Any = module
    for name in place.split("."):
        found = vars(found)[name]
    for under in ("fget", "__func__", "_make"):  # of a property, a method of the class, a query that is written once
        found = getattr(found, under, None) or found
    while hasattr(found, "__wrapped__"):
        found = found.__wrapped__
    return found if isinstance(found, FunctionType) else None


def _code_at(code: CodeType, place: str) -> CodeType:
    for name in place.split("."):
        inner = [one for one in code.co_consts if isinstance(one, CodeType) and one.co_name == name]
        # Of several under one name the last counts, as it does for Python.
        code = inner[-1]
    return code


def _names_of(statement: ast.stmt) -> set[str]:
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            return {name}
    return set()


def _rename(home: ModuleType, name: str, value: object) -> None:
    """Wherever it was imported to, and where it is the default of an argument."""
    old = vars(home)[name]
    is_plain = isinstance(old, str | int | float)  # equal ones are often the same object
    for module in list(sys.modules.values()):
        if module is home or (not is_plain and getattr(module, name, None) is old):
            setattr(module, name, value)
    for function in vars(home).values():
        if isinstance(function, FunctionType) and function.__kwdefaults__:
            function.__kwdefaults__ = {
                key: value if default is old else default for key, default in function.__kwdefaults__.items()
            }


@functools.cache
def readers_of(path: str, constant: str) -> frozenset[int]:
    """The lines of a module on which a constant of it is read, through other constants too."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    names = {constant}
    while more := {
        name
        for statement in tree.body
        for name in _names_of(statement)
        if name not in names and names & _read_in(statement)
    }:
        names |= more
    return frozenset(node.lineno for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id in names)


def _read_in(statement: ast.stmt) -> set[str]:
    return {node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
