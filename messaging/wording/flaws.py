"""What is wrong with the Liquid of one text: every flaw with its place, and a template only where there is none."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from liquid import BoundTemplate
from liquid.builtin.expressions import (
    BooleanExpression,
    Filter,
    FilteredExpression,
    Path,
    StringLiteral,
    tokenize,
)
from liquid.builtin.expressions.logical import (
    ContainsExpression,
    EqExpression,
    LogicalAndExpression,
    LogicalOrExpression,
    NeExpression,
)
from liquid.builtin.expressions.primitive import IntegerLiteral
from liquid.exceptions import LiquidError
from liquid.expression import Expression
from liquid.stream import TokenStream
from liquid.token import TOKEN_EXPRESSION, Token
from rapidfuzz import fuzz, process

from messaging.wording.language import FILTERS, LIQUID
from messaging.wording.marks import Mark, MarkKind, marks_in
from messaging.wording.placeholders import GROUPS, REGISTRY, placeholders_in
from messaging.wording.structure import TAGS, Flaw, flaws_of_structure

PLACEHOLDER_LIMIT: Final = 100
MARK_LIMIT: Final = 400
"""Marks of any kind in one text; with EXPRESSION_LIMIT it bounds the work and the recursion of Liquid's parser."""
EXPRESSION_LIMIT: Final = 300
TRUNCATE_LIMIT: Final = 10_000
_SUGGESTION_CUTOFF: Final = 70
_CONDITIONS: Final = (
    BooleanExpression,
    LogicalAndExpression,
    LogicalOrExpression,
    EqExpression,
    NeExpression,
    ContainsExpression,
)
_NOTHING: Final = LIQUID.from_string("")


@dataclass(frozen=True, kw_only=True)
class Parsed:
    """With flaws, `template` is an empty one. `prose` is the text with its marks blanked, of the same length."""

    template: BoundTemplate
    names: tuple[str, ...]
    flaws: tuple[Flaw, ...]
    prose: str


@lru_cache(maxsize=128)
def parse(source: str) -> Parsed:
    """Parse one text. Remembered per text, so that a thousand messages of one wording are parsed once."""
    marks = tuple(marks_in(source))
    prose = _without_marks(source, marks)
    if len(marks) > MARK_LIMIT:
        sentence = f"There are {len(marks)} placeholders and tags in this text; at most {MARK_LIMIT} can be read."
        flaw = Flaw(
            code="too_many_placeholders",
            sentence=sentence,
            offset=marks[MARK_LIMIT].start,
        )
        return Parsed(template=_NOTHING, names=(), flaws=(flaw,), prose=prose)
    names: dict[str, int] = {}
    flaws = [*_too_many(marks), *flaws_of_structure(marks)]
    for mark in marks:
        flaws.extend(_flaws_of(source, mark, names))
    flaws.sort(key=lambda flaw: flaw.offset)
    if flaws:
        return Parsed(template=_NOTHING, names=(), flaws=tuple(flaws), prose=prose)
    try:
        template = LIQUID.from_string(source)
    except LiquidError as error:  # pragma: no cover  # the checks above are meant to be stricter than Liquid
        flaw = Flaw(code="syntax", sentence=f"This text could not be read: {error}.", offset=0)
        return Parsed(template=_NOTHING, names=(), flaws=(flaw,), prose=prose)
    return Parsed(template=template, names=tuple(names), flaws=(), prose=prose)


def _without_marks(source: str, marks: tuple[Mark, ...]) -> str:
    pieces: list[str] = []
    position = 0
    for mark in marks:
        pieces += (source[position : mark.start], " " * (mark.end - mark.start))
        position = mark.end
    return "".join(pieces) + source[position:]


def _too_many(marks: tuple[Mark, ...]) -> Iterator[Flaw]:
    outputs = [mark for mark in marks if mark.kind is MarkKind.OUTPUT]
    if len(outputs) > PLACEHOLDER_LIMIT:
        sentence = f"There are {len(outputs)} placeholders in this text; at most {PLACEHOLDER_LIMIT} can be used."
        yield Flaw(
            code="too_many_placeholders",
            sentence=sentence,
            offset=outputs[PLACEHOLDER_LIMIT].start,
        )


def _flaws_of(source: str, mark: Mark, names: dict[str, int]) -> Iterator[Flaw]:
    if mark.kind is MarkKind.UNCLOSED:
        close = "}}" if source.startswith("{{", mark.start) else "%}"
        sentence = f"This {source[mark.start : mark.end]} is never closed with {close}."
        yield Flaw(code="unclosed", sentence=sentence, offset=mark.start)
    elif mark.kind is MarkKind.TAG and mark.name not in TAGS:
        named = f'no tag "{_short(mark.name)}"' if mark.name else "no tag without a name"
        sentence = f"There is {named} in a wording. Only if, elsif, else and endif can be used."
        yield Flaw(code="unknown_tag", sentence=sentence, offset=mark.start)
    elif len(mark.expression) > EXPRESSION_LIMIT:
        sentence = f"What stands here is longer than the {EXPRESSION_LIMIT} characters that one mark can have."
        yield Flaw(code="too_long", sentence=sentence, offset=mark.start)
    elif mark.name in ("else", "endif"):
        if mark.expression:
            sentence = f"Nothing can stand after {mark.name} in {{% {mark.name} %}}."
            yield Flaw(code="syntax", sentence=sentence, offset=mark.expression_start)
    elif not mark.expression:
        what = "a placeholder, such as {{ candidate.first_name }}"
        what = what if mark.kind is MarkKind.OUTPUT else "a condition, such as {% if job.department %}"
        yield Flaw(code="syntax", sentence=f"This is empty. Write {what}.", offset=mark.start)
    else:
        yield from _flaws_of_expression(source, mark, names)


def _flaws_of_expression(source: str, mark: Mark, names: dict[str, int]) -> Iterator[Flaw]:
    parent = Token(TOKEN_EXPRESSION, mark.expression, mark.expression_start, source)
    parser = FilteredExpression if mark.kind is MarkKind.OUTPUT else BooleanExpression
    try:
        expression = parser.parse(LIQUID, TokenStream(tokenize(mark.expression, parent)))
    except LiquidError as error:
        # A token that stands for the end of the expression has no index.
        index = error.token.start_index if error.token else -1
        sentence = f"This could not be read: {error.args[0]}."
        yield Flaw(
            code="syntax",
            sentence=sentence,
            offset=index if index >= 0 else mark.expression_start,
        )
        return
    if not isinstance(expression, FilteredExpression):
        yield from _flaws_of_condition(source, expression, names)
        return
    yield from _flaws_of_operand(source, expression.left, names, allowed=(Path,))
    for used in expression.filters or ():
        yield from _flaws_of_filter(source, used, names)


def _flaws_of_condition(source: str, condition: Expression, names: dict[str, int]) -> Iterator[Flaw]:
    if not isinstance(condition, _CONDITIONS):
        yield from _flaws_of_operand(source, condition, names, allowed=(Path, StringLiteral))
        return
    for child in condition.children():
        yield from _flaws_of_condition(source, child, names)


def _flaws_of_operand(
    source: str,
    operand: Expression,
    names: dict[str, int],
    *,
    allowed: tuple[type[Expression], ...],
) -> Iterator[Flaw]:
    """Only placeholders and quoted text: every value is text, so that comparing it with more would always mislead."""
    if isinstance(operand, Path):
        yield from _flaws_of_path(source, operand, names)
    elif not isinstance(operand, allowed):
        if allowed == (Path,):
            sentence = "Only a placeholder can stand between {{ and }}, followed by filters."
        else:
            sentence = (
                "Only placeholders and quoted text can be used here, with ==, !=, contains, and, or. "
                "To ask whether a value is known, write {% if job.department %}."
            )
        yield Flaw(
            code="not_a_placeholder",
            sentence=sentence,
            offset=operand.token.start_index,
        )


def _flaws_of_path(source: str, path: Path, names: dict[str, int]) -> Iterator[Flaw]:
    written, start = str(path), path.token.start_index
    # `candidate['first_name']` is the same path; one way to write a name is enough to search for and to document.
    if written in REGISTRY and source.startswith(written, start):
        names.setdefault(written, start)
        return
    sentence = f'There is no placeholder "{_short(written)}".'
    if written in REGISTRY:
        sentence = f"Write this placeholder as {written}, without brackets or spaces."
    elif written in GROUPS:
        sentence = f'"{written}" is a group of placeholders. Name one, such as {placeholders_in(written)[0].name}.'
    elif closest := process.extractOne(
        written.lower(),
        tuple(REGISTRY),
        scorer=fuzz.ratio,
        score_cutoff=_SUGGESTION_CUTOFF,
    ):
        sentence += f" Did you mean {closest[0]}?"
    yield Flaw(code="unknown_placeholder", sentence=sentence, offset=start)


def _flaws_of_filter(source: str, used: Filter, names: dict[str, int]) -> Iterator[Flaw]:
    start = used.token.start_index
    if used.name not in FILTERS:
        sentence = f'There is no filter "{_short(used.name)}". The filters are {", ".join(FILTERS)}.'
        yield Flaw(code="unknown_filter", sentence=sentence, offset=start)
        return
    values = tuple(argument.value for argument in used.args if not hasattr(argument, "name"))
    if used.name == "default":
        right = len(used.args) == len(values) == 1 and isinstance(values[0], Path | StringLiteral)
        needed = 'one text in quotes or one placeholder, such as default: "there"'
    elif used.name == "truncate":
        right = len(used.args) == len(values) == 1 and _is_length(values[0])
        needed = f"a number of characters from 1 to {TRUNCATE_LIMIT}, such as truncate: 60"
    else:
        right, needed = not used.args, "nothing after it"
    if not right:
        sentence = f"The filter {used.name} needs {needed}."
        yield Flaw(code="filter_argument", sentence=sentence, offset=start)
    for value in values:
        if isinstance(value, Path):
            yield from _flaws_of_path(source, value, names)


def _is_length(value: Expression) -> bool:
    return isinstance(value, IntegerLiteral) and 1 <= value.value <= TRUNCATE_LIMIT


def _short(written: str) -> str:
    return written if len(written) <= 60 else f"{written[:59]}…"
