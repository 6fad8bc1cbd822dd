"""Turns a wording and values into one message, or says precisely why not; it never raises and never leaves a blank."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from liquid.exceptions import LiquidError, ResourceLimitError

from messaging.wording.flaws import parse
from messaging.wording.language import RENDERED_LIMIT, MissingValue
from messaging.wording.placeholders import Values
from messaging.wording.structure import Flaw

SUBJECT_LIMIT: Final = 200
"""Characters of a subject's source."""
BODY_LIMIT: Final = 64 * 1024
"""Bytes of a body's source in UTF-8."""
RENDERED_SUBJECT_LIMIT: Final = 998
"""Characters of a rendered subject: the longest line that RFC 5322 (section 2.1.1) allows."""
FOREIGN_PLACEHOLDER: Final = "foreign_placeholder"
"""The one code that does not keep a text from being rendered: it may be meant."""

# C0 and C1 controls, line and paragraph separators, bidirectional embeddings, overrides and isolates, surrogates.
_HIDDEN: Final = r"\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff"
_HIDDEN_IN_VALUES: Final = re.compile(f"[{_HIDDEN}]+")
_HIDDEN_IN_TEXT: Final = re.compile(f"(?![\\t\\n])[{_HIDDEN}]")
_NOTHING: Final[Mapping[str, str]] = {}
_LINE_ENDINGS: Final = re.compile(r"\r\n?")
_FOLDED_LINES: Final = re.compile(r"\n(?:[ \t]*\n){2,}")
_SLOT_WORDS: Final = (
    "name|first|last|candidate|company|organi[sz]ation|job|role|title|position|department|date|day|time|place|"
    "location|recruiter|interviewer|manager|sender|your|insert|link|phone|email|reason"
)
_FOREIGN: Final = re.compile(
    r"\[\[?[A-Z][A-Z0-9 _'-]{1,40}\]"  # [FIRST NAME]
    rf"|\[\[?(?i:[a-z_ '-]{{0,30}}\b(?:{_SLOT_WORDS})\b[a-z_ '-]{{0,30}})\]"  # [your name]
    r"|\(\([^()\n]{1,60}\)\)"
    r"|<<[^<>\n]{1,60}>>"
    r"|\$?\{[^{}\n]{1,60}\}+"
    r"|\*\|[^|\n]{1,60}\|\*"
    r"|%%?[A-Za-z][A-Za-z]*_[A-Za-z_]{1,40}%"  # %FIRST_NAME%, and not "5 % to 10 %"
    r"|\}\}|%\}"
)


_ENCODED_WORD: Final = (
    "Mail programs take what stands between =? and ?= for a code and show something else; leave it out."
)


@dataclass(frozen=True, kw_only=True)
class TextFinding:
    """One thing to change in a wording; `line` and `column` count from 1, in characters."""

    code: str
    sentence: str
    part: str  # "subject" or "body"
    line: int
    column: int


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """A message as it would be read. Only with nothing `missing` and no `problem` is it fit to leave.

    `missing` names the placeholders that were to be printed and had no value, in the order of the text; each shows
    in the text as `[missing: name]`. With a `problem`, subject and body are empty.
    """

    subject: str
    body: str
    missing: tuple[str, ...]
    problem: str


def holds_encoded_word(line: str) -> bool:
    """Whether mail programs may read a part of this line of the head as other characters (RFC 2047, section 2:
    =?charset?q?…?=). Wider than the rule, because they are."""
    start = line.find("=?")
    return start >= 0 and line.find("?=", start + 2) >= 0


def check(*, subject: str, body: str) -> tuple[TextFinding, ...]:
    """Everything to change before this wording can be signed, subject first; empty when it is fine."""
    return (*_check_part("subject", subject), *_check_part("body", body))


def render(*, subject: str, body: str, values: Values) -> Rendered:
    """Fill in a wording. Values are printed as they are, never parsed; line breaks in them become spaces.

    A placeholder that only decides an `if` may be missing. Three or more line ends in a row, as an `if` that did not
    apply leaves them, become two.
    """
    for finding in check(subject=subject, body=body):
        if finding.code != FOREIGN_PLACEHOLDER:
            where = f"{finding.part.capitalize()}, line {finding.line}, column {finding.column}"
            return _unrendered(f"{where}: {finding.sentence}")
    noted: list[str] = []
    try:
        subject_text = " ".join(_fill(subject, values, noted).split())
        body_text = _FOLDED_LINES.sub("\n\n", _fill(body, values, noted)).strip("\n")
    except ResourceLimitError:
        return _unrendered(f"With its values filled in, this text is longer than {RENDERED_LIMIT // 1024} KiB.")
    except LiquidError as error:  # pragma: no cover  # what `check` lets through does not fail; if it does, say so
        return _unrendered(f"This text could not be filled in: {error}.")
    if not subject_text or not body_text.strip():
        part = "body" if subject_text else "subject"
        return _unrendered(f"With its values filled in, the {part} is empty.")
    if len(subject_text) > RENDERED_SUBJECT_LIMIT:
        return _unrendered(
            f"With its values filled in, the subject is longer than {RENDERED_SUBJECT_LIMIT} characters."
        )
    if holds_encoded_word(subject_text):
        return _unrendered(f"With its values filled in, the subject reads “{subject_text}”. {_ENCODED_WORD}")
    return Rendered(
        subject=subject_text,
        body=body_text,
        missing=tuple(dict.fromkeys(noted)),
        problem="",
    )


def _unrendered(problem: str) -> Rendered:
    return Rendered(subject="", body="", missing=(), problem=problem)


def _fill(source: str, values: Values, noted: list[str]) -> str:
    parsed = parse(_LINE_ENDINGS.sub("\n", source))
    namespace: dict[str, dict[str, object]] = {}
    for name in parsed.names:
        group, _, field = name.partition(".")
        value = _HIDDEN_IN_VALUES.sub(" ", values.get(group, _NOTHING).get(field, "")).strip()
        namespace.setdefault(group, {})[field] = value or MissingValue(name, noted=noted)
    return parsed.template.render(namespace)


def _check_part(part: str, written: str) -> tuple[TextFinding, ...]:
    source = _LINE_ENDINGS.sub("\n", written)
    flaws = sorted(_flaws(part, source), key=lambda flaw: flaw.offset)
    return tuple(_placed(part, source, flaw) for flaw in flaws)


def _flaws(part: str, source: str) -> Iterator[Flaw]:
    if not source.strip():
        yield Flaw(code="empty", sentence=f"The {part} is empty.", offset=0)
        return
    if part == "subject" and len(source) > SUBJECT_LIMIT:
        sentence = f"The subject has {len(source)} characters; it can have {SUBJECT_LIMIT}."
        yield Flaw(code="too_long", sentence=sentence, offset=SUBJECT_LIMIT)
        return
    if part == "body" and len(source.encode(errors="surrogatepass")) > BODY_LIMIT:
        sentence = f"The body is longer than {BODY_LIMIT // 1024} KiB."
        yield Flaw(code="too_long", sentence=sentence, offset=0)
        return
    if part == "subject" and "\n" in source:
        sentence = "The subject has a line break. Write it in one line."
        yield Flaw(code="line_break", sentence=sentence, offset=source.index("\n"))
    if part == "subject" and holds_encoded_word(source):
        yield Flaw(code="encoded_word", sentence=_ENCODED_WORD, offset=source.index("=?"))
    if hidden := _HIDDEN_IN_TEXT.search(source):
        sentence = f"There is an invisible character here (U+{ord(hidden.group()):04X}). Delete it."
        yield Flaw(code="control_character", sentence=sentence, offset=hidden.start())
    parsed = parse(source)
    yield from parsed.flaws
    for foreign in _FOREIGN.finditer(parsed.prose):
        sentence = (
            f'"{foreign.group()}" looks like a blank to be filled in, and would be sent as it stands. '
            "Placeholders look like {{ candidate.first_name }}."
        )
        yield Flaw(code=FOREIGN_PLACEHOLDER, sentence=sentence, offset=foreign.start())


def _placed(part: str, source: str, flaw: Flaw) -> TextFinding:
    line = source.count("\n", 0, flaw.offset) + 1
    column = flaw.offset - (source.rfind("\n", 0, flaw.offset) + 1) + 1
    return TextFinding(code=flaw.code, sentence=flaw.sentence, part=part, line=line, column=column)
