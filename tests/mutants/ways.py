"""In how many ways one place of a program can be broken, as changes of its syntax tree: `of_decisions` turns what it
decides, `of_effects` leaves out or changes what it does."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

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
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.BitOr: ast.BitAnd,
}
ANSWERS = {"_hand_off": "_stop", "_stop": "_hand_off", "max": "min"}
# The functions that `of_decisions` does not know, and the cells of the floor.
NAMES = {"min": "max", "any": "all", "all": "any", "_A": "_S", "_S": "_W", "_W": "_S"}
# Members of enumerations, each with one that is easily taken for it.
MEMBERS = {
    "SEND": "LATER", "LATER": "HAND_OFF", "HAND_OFF": "STOP", "STOP": "HAND_OFF",
    "SCHEDULED": "HELD", "HELD": "CANCELLED", "CANCELLED": "HELD", "SENDING": "SCHEDULED", "SENT": "UNCERTAIN",
    "FAILED": "UNCERTAIN", "ACCEPTED": "REFUSED", "REFUSED": "REJECTED", "REJECTED": "REFUSED", "UNCERTAIN": "REJECTED",
    "PERSON": "AUTOMATION", "AUTOMATION": "PERSON",
    "AUTOMATIC": "PERSON_SENDS", "PERSON_SENDS": "PERSON_WRITES", "PERSON_WRITES": "PERSON_SENDS",
    "REJECTION": "OFFER", "OFFER": "REJECTION", "SURVEY": "TALENT_POOL", "TALENT_POOL": "SURVEY", "UNKNOWN": "CHECK_IN",
    "PHONE_SCREEN": "REVIEW", "HIRED": "OFFER", "URGENT_DAYS": "DAYS", "DAYS": "URGENT_DAYS",
}  # fmt: skip
ENUMERATIONS = {"Milestone", "Origin", "Outcome", "Reserve", "Status", "Touchpoint", "HandOff"}
# Methods that narrow, order or clean what they are called on, so that it goes on without them.
NARROWING = {
    "distinct", "exclude", "filter", "order_by", "rstrip", "select_for_update", "setdefault", "strip", "using"
}  # fmt: skip
# Keywords that every function asks for, or that say how and not what.
OF_NO_MATTER = {"now", "clock", "strict", "exc_info", "output_field", "key", "kw_only", "frozen", "label"}


@dataclass(frozen=True, kw_only=True)
class Way:
    what: str  # in words
    change: Callable[[ast.AST], ast.AST]  # of a copy of the node, which it may change; answers what stands in its place


def replaced(tree: ast.AST, number: int, way: Way) -> None:
    """Breaks the node of this number, in the order of `ast.walk`, where it stands."""
    nodes = list(ast.walk(tree))
    broken = nodes[number]
    other = way.change(copy.deepcopy(broken))
    for node in nodes:
        for name, value in ast.iter_fields(node):
            if value is broken:
                setattr(node, name, other)
            elif isinstance(value, list):
                value[:] = [other if one is broken else one for one in value]
    ast.fix_missing_locations(tree)


# --- What it decides ---------------------------------------------------------------------------------------------------


def of_decisions(node: ast.AST) -> Iterator[Way]:
    yield from _of_conditions(node)
    yield from _of_answers(node)


def _of_conditions(node: ast.AST) -> Iterator[Way]:
    match node:
        case ast.Compare():
            for at, operator in enumerate(node.ops):
                for other in TURNED[type(operator)]:
                    yield Way(what=f"{type(operator).__name__} becomes {other.__name__}", change=_turning(at, other))
        case ast.BoolOp():
            yield Way(what="and becomes or, or the other way round", change=_swap_junction)
            for at in range(len(node.values)):
                yield Way(what=f"operand {at + 1} is dropped", change=_dropping(at))
        case ast.UnaryOp(op=ast.Not()):
            yield Way(what="a not is dropped", change=_drop_not)
        case ast.If() | ast.IfExp():
            yield Way(what="the condition is always True", change=_deciding(value=True))
            yield Way(what="the condition is always False", change=_deciding(value=False))


def _of_answers(node: ast.AST) -> Iterator[Way]:
    match node:
        case ast.Return(value=ast.Constant(value=None)):
            pass
        case ast.Return(value=ast.expr()):
            yield Way(what="it answers nothing", change=_answer_nothing)
        case ast.Constant(value=int() as value) if type(value) is int:
            yield Way(what=f"{value} becomes {value + 1}", change=_changing(value + 1))
            yield Way(what=f"{value} becomes {value - 1}", change=_changing(value - 1))
        case ast.Name(id=name) if name in ANSWERS:
            yield Way(what=f"{name} becomes {ANSWERS[name]}", change=_naming(ANSWERS[name]))


def _turning(at: int, to: type[ast.cmpop]) -> Callable[[ast.AST], ast.AST]:
    def turn(node: ast.AST) -> ast.AST:
        assert isinstance(node, ast.Compare)
        node.ops[at] = to()
        return node

    return turn


def _swap_junction(node: ast.AST) -> ast.AST:
    assert isinstance(node, ast.BoolOp)
    node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    return node


def _dropping(at: int) -> Callable[[ast.AST], ast.AST]:
    def drop(node: ast.AST) -> ast.AST:
        assert isinstance(node, ast.BoolOp)
        # It says nothing any more: true among ands, false among ors.
        node.values[at] = ast.Constant(isinstance(node.op, ast.And))
        return node

    return drop


def _drop_not(node: ast.AST) -> ast.AST:
    assert isinstance(node, ast.UnaryOp)
    return ast.Call(func=ast.Name("bool", ast.Load()), args=[node.operand], keywords=[])


def _deciding(*, value: bool) -> Callable[[ast.AST], ast.AST]:
    def decide(node: ast.AST) -> ast.AST:
        assert isinstance(node, ast.If | ast.IfExp | ast.While)
        node.test = ast.Constant(value)
        return node

    return decide


def _answer_nothing(node: ast.AST) -> ast.AST:
    return ast.Return(ast.Constant(None))


def _changing(value: str | int) -> Callable[[ast.AST], ast.AST]:
    return lambda _: ast.Constant(value)


def _naming(name: str) -> Callable[[ast.AST], ast.AST]:
    return lambda _: ast.Name(name, ast.Load())


# --- What it does ------------------------------------------------------------------------------------------------------


def of_effects(node: ast.AST) -> Iterator[Way]:
    yield from _of_statements(node)
    yield from _of_expressions(node)
    yield from _of_names(node)


def _of_statements(node: ast.AST) -> Iterator[Way]:
    match node:
        case ast.Expr(value=ast.Call()) | ast.Raise() | ast.AugAssign() | ast.Delete():
            yield Way(what="it is left out", change=_leave_out)
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript() | ast.Tuple(elts=[ast.Attribute(), *_])]):
            yield Way(what="it is left out", change=_leave_out)
        case ast.With():
            for at, item in enumerate(node.items):
                if item.optional_vars is None:
                    yield Way(what=f"without {ast.unparse(item)}", change=_without_context(at))
        case ast.ExceptHandler() if not _only_raises(node):
            yield Way(what="it catches nothing", change=_raise_again)
        case ast.While() if not isinstance(node.test, ast.Constant):
            yield Way(what="the condition is always False", change=_deciding(value=False))
        case ast.Break() | ast.Continue():
            other = ast.Continue() if isinstance(node, ast.Break) else ast.Break()
            yield Way(what="break becomes continue, or the other way round", change=lambda _: other)


def _of_expressions(node: ast.AST) -> Iterator[Way]:
    match node:
        case ast.Call():
            yield from _of_calls(node)
        case ast.comprehension():
            for at, condition in enumerate(node.ifs):
                yield Way(what=f"not only if {ast.unparse(condition)}", change=_without_condition(at))
        case ast.BinOp() if type(node.op) in OPERATORS and not _is_text(node.left) and not _is_text(node.right):
            other = OPERATORS[type(node.op)]
            yield Way(what=f"{type(node.op).__name__} becomes {other.__name__}", change=_computing(other))
        case ast.Subscript(slice=ast.Slice()):
            yield Way(what="it is not cut", change=_without_cut)


def _of_names(node: ast.AST) -> Iterator[Way]:
    match node:
        case ast.Name(id=name, ctx=ast.Load()) if name in NAMES:
            yield Way(what=f"{name} becomes {NAMES[name]}", change=_naming(NAMES[name]))
        case ast.Attribute(attr=name, ctx=ast.Load()) if name in MEMBERS and _last_name(node.value) in ENUMERATIONS:
            yield Way(what=f"{name} becomes {MEMBERS[name]}", change=_choosing(MEMBERS[name]))
        case ast.Constant(value=bool() as value):
            yield Way(what=f"{value} becomes {not value}", change=_changing(not value))
        case ast.Constant(value=""):
            yield Way(what="'' is a word", change=_changing("x"))
        case ast.Constant(value=str() as word) if not any(sign.isspace() for sign in word):
            yield Way(what=f"{word!r} is another word", change=_changing(f"{word}x"))


def _of_calls(node: ast.Call) -> Iterator[Way]:
    for keyword in node.keywords:
        if keyword.arg and keyword.arg not in OF_NO_MATTER and not _makes_something(node.func):
            yield Way(what=f"without {ast.unparse(keyword)}", change=_without_keyword(keyword.arg))
    if isinstance(node.func, ast.Attribute) and node.func.attr in NARROWING:
        arguments = ", ".join(map(ast.unparse, [*node.args, *node.keywords]))
        yield Way(what=f"without .{node.func.attr}({arguments})", change=_without_call)
    if isinstance(node.func, ast.Attribute) and node.func.attr == "order_by" and node.args:
        yield Way(what="in the opposite order", change=_reverse)


def _makes_something(function: ast.expr) -> bool:
    """A class, whose fields have no defaults here."""
    return _last_name(function)[:1].isupper()


def _last_name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _only_raises(node: ast.ExceptHandler) -> bool:
    """It catches nothing as it is."""
    return len(node.body) == 1 and isinstance(node.body[0], ast.Raise) and node.body[0].exc is None


def _leave_out(node: ast.AST) -> ast.AST:
    return ast.Pass()


def _without_context(at: int) -> Callable[[ast.AST], ast.AST]:
    def leave(node: ast.AST) -> ast.AST:
        assert isinstance(node, ast.With)
        node.items[at] = ast.withitem(ast.parse("__import__('contextlib').nullcontext()", mode="eval").body)
        return node

    return leave


def _raise_again(node: ast.AST) -> ast.AST:
    assert isinstance(node, ast.ExceptHandler)
    node.body = [ast.Raise()]
    return node


def _without_condition(at: int) -> Callable[[ast.AST], ast.AST]:
    def ask_less(node: ast.AST) -> ast.AST:
        assert isinstance(node, ast.comprehension)
        # Asked and not heard, for it may give a name to what it finds.
        node.ifs[at] = ast.BoolOp(ast.Or(), [node.ifs[at], ast.Constant(value=True)])
        return node

    return ask_less


def _computing(operator: type[ast.operator]) -> Callable[[ast.AST], ast.AST]:
    def compute(node: ast.AST) -> ast.AST:
        assert isinstance(node, ast.BinOp)
        node.op = operator()
        return node

    return compute


def _without_cut(node: ast.AST) -> ast.AST:
    assert isinstance(node, ast.Subscript)
    return node.value


def _choosing(member: str) -> Callable[[ast.AST], ast.AST]:
    def choose(node: ast.AST) -> ast.AST:
        assert isinstance(node, ast.Attribute)
        node.attr = member
        return node

    return choose


def _without_keyword(name: str) -> Callable[[ast.AST], ast.AST]:
    def leave(node: ast.AST) -> ast.AST:
        assert isinstance(node, ast.Call)
        node.keywords = [keyword for keyword in node.keywords if keyword.arg != name]
        return node

    return leave


def _without_call(node: ast.AST) -> ast.AST:
    assert isinstance(node, ast.Call)
    assert isinstance(node.func, ast.Attribute)
    return node.func.value


def _reverse(node: ast.AST) -> ast.AST:
    assert isinstance(node, ast.Call)
    for argument in node.args:
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            name = argument.value
            argument.value = name.removeprefix("-") if name.startswith("-") else f"-{name}"
    return node
