"""Where the `{{ }}` and `{% %}` of a text stand, found in linear time whatever the text is.

Liquid's own lexer takes quadratic time on long unclosed marks and takes `raw` blocks without being asked, so nothing
reaches it that was not cut out and measured here first.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

_OPENING: Final = re.compile(r"\{\{|\{%")
_TAG_NAME: Final = re.compile(r"#|\w+")


class MarkKind(Enum):
    """What a mark is: printed, a tag, or opened and never closed."""

    OUTPUT = "output"
    TAG = "tag"
    UNCLOSED = "unclosed"


@dataclass(frozen=True, kw_only=True)
class Mark:
    """One mark; `start` and `end` enclose it with its braces, `name` is that of a tag."""

    kind: MarkKind
    start: int
    end: int
    name: str = ""
    expression: str = ""
    expression_start: int = 0


def marks_in(source: str) -> Iterator[Mark]:
    """Every mark in order. One that is not closed before the next one opens counts as unclosed."""
    opening = _OPENING.search(source)
    while opening:
        start = opening.start()
        following = _OPENING.search(source, start + 2)
        until = following.start() if following else len(source)
        close = source.find("}}" if opening.group() == "{{" else "%}", start + 2, until)
        if close < 0:
            yield Mark(kind=MarkKind.UNCLOSED, start=start, end=start + 2)
        elif opening.group() == "{{":
            yield _output(source, start=start, end=close + 2)
        else:
            yield _tag(source, start=start, end=close + 2)
        opening = following


def _inside(source: str, start: int, end: int) -> tuple[int, int]:
    """The part between the braces, without the dashes that trim white space around a mark."""
    first, last = start + 2, end - 2
    if first < last and source[first] == "-":
        first += 1
    if first < last and source[last - 1] == "-":
        last -= 1
    return first, last


def _trimmed(source: str, first: int, last: int) -> tuple[str, int]:
    text = source[first:last]
    return text.strip(), first + len(text) - len(text.lstrip())


def _output(source: str, *, start: int, end: int) -> Mark:
    expression, expression_start = _trimmed(source, *_inside(source, start, end))
    return Mark(
        kind=MarkKind.OUTPUT,
        start=start,
        end=end,
        expression=expression,
        expression_start=expression_start,
    )


def _tag(source: str, *, start: int, end: int) -> Mark:
    first, last = _inside(source, start, end)
    _, name_start = _trimmed(source, first, last)
    found = _TAG_NAME.match(source, name_start, last)
    name = found.group() if found else ""
    expression, expression_start = _trimmed(source, min(name_start + len(name), last), last)
    return Mark(
        kind=MarkKind.TAG,
        start=start,
        end=end,
        name=name,
        expression=expression,
        expression_start=expression_start,
    )
