"""Whether the conditions of a text fit together: each if closed, and nothing outside one or after its else."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from messaging.wording.language import NESTING_LIMIT
from messaging.wording.marks import Mark

TAGS: Final = ("if", "elsif", "else", "endif")


@dataclass(frozen=True, kw_only=True)
class Flaw:
    """One thing that keeps a text from being rendered; `offset` counts characters from its start."""

    code: str
    sentence: str
    offset: int


def flaws_of_structure(marks: tuple[Mark, ...]) -> Iterator[Flaw]:
    """The flaws of one text's marks, in no particular order."""
    open_ifs: list[Mark] = []
    in_else: list[bool] = []
    for mark in marks:
        if mark.name == "if":
            open_ifs.append(mark)
            in_else.append(False)
            if len(open_ifs) == NESTING_LIMIT + 1:
                sentence = f"Conditions stand inside each other more than {NESTING_LIMIT} deep here."
                yield Flaw(code="too_deep", sentence=sentence, offset=mark.start)
        elif mark.name in TAGS and not open_ifs:
            sentence = f"This {{% {mark.name} %}} has no {{% if %}} before it."
            yield Flaw(code="structure", sentence=sentence, offset=mark.start)
        elif mark.name == "endif":
            open_ifs.pop()
            in_else.pop()
        elif mark.name in TAGS:
            if in_else[-1]:
                sentence = f"This {{% {mark.name} %}} comes after the {{% else %}} of the same condition."
                yield Flaw(code="structure", sentence=sentence, offset=mark.start)
            in_else[-1] = mark.name == "else"
    for mark in open_ifs:
        sentence = "This {% if %} is never closed. Put an {% endif %} where it ends."
        yield Flaw(code="structure", sentence=sentence, offset=mark.start)
