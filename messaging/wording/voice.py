"""The voice check: what in a wording sounds as if nobody had written it. It marks the passage and says what to do about it;
it writes nothing, and it keeps nobody from signing."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from messaging.policy.floor import Touchpoint, touchpoint_of
from messaging.wording import reading_ease
from messaging.wording.marks import marks_in
from messaging.wording.passages import Phrases, Word, without_marks, words_of
from messaging.wording.voice_habits import FORM_LETTER, HABITS, JARGON, PASSIVE_REFUSAL, Habit

WE: Final = "we_without_a_name"
EXCLAMATION: Final = "exclamation"
TOO_SHORT: Final = "too_short"
TOO_LONG: Final = "too_long"
HARD_TO_READ: Final = "hard_to_read"

TITLES: Final = {
    FORM_LETTER: "Form letter",
    PASSIVE_REFUSAL: "Nobody decides",
    JARGON: "Jargon",
    WE: "“We” without a name",
    EXCLAMATION: "Exclamation marks",
    TOO_SHORT: "Too short",
    TOO_LONG: "Too long",
    HARD_TO_READ: "Hard to read",
}

AT_MOST: Final = 60
"""Findings that are shown of one text; whoever has more knows by then."""

LENGTHS: Final = {
    Touchpoint.SCHEDULING: (20, 125),
    Touchpoint.INFORMATION_REQUEST: (20, 125),
    Touchpoint.REMINDER: (15, 100),
    Touchpoint.SURVEY: (20, 125),
    Touchpoint.ACKNOWLEDGEMENT: (30, 150),
    Touchpoint.STATUS_UPDATE: (25, 150),
    Touchpoint.REJECTION: (40, 200),
    Touchpoint.TALENT_POOL: (25, 175),
    Touchpoint.CHECK_IN: (15, 150),
    Touchpoint.INTERVIEW_PREPARATION: (40, 350),
    Touchpoint.FEEDBACK: (40, 350),
    Touchpoint.OFFER: (40, 300),
}
"""Words of the body, at least and at most. Mails of 50 to 125 words were answered most often in Boomerang's count of 40
million mails (2016), so that is the most where an answer is asked for. The other numbers are Byhand's own judgement."""
ANY_LENGTH: Final = (20, 250)

WHOLE: Final = frozenset({TOO_SHORT, TOO_LONG, HARD_TO_READ})
_ADVERSE: Final = frozenset({Touchpoint.REJECTION, Touchpoint.FEEDBACK})
_WE: Final = frozenset({"we", "our", "ours", "ourselves"})
_I: Final = frozenset({"i", "my", "me", "mine", "myself"})
_NAMES: Final = ("sender.name", "sender.first_name", "interview.interviewers")
_EXCLAMATION: Final = re.compile("[!\uff01]+")
_HABIT_OF: Final[dict[str, Habit]] = {phrase: habit for habit in HABITS for phrase in habit.phrases}
_PHRASES: Final = Phrases(tuple(_HABIT_OF))


@dataclass(frozen=True, kw_only=True)
class Remark:
    """One finding: the passage from `start` to `end` of the part, in characters; why it is marked; what to do; and where the
    rule comes from."""

    code: str
    part: str  # "subject" or "body"
    start: int
    end: int
    passage: str
    why: str
    to_do: str
    source: str

    @property
    def title(self) -> str:
        return TITLES[self.code]

    @property
    def is_in_a_few_words(self) -> bool:
        """Whether a short passage is meant, and not how the text is as a whole."""
        return self.code not in WHOLE


@dataclass(frozen=True, kw_only=True)
class Voice:
    """What was found, and what was measured: words of the body with the fewest and most that its kind should have, and the
    reading ease, None where it is too short or not English."""

    remarks: tuple[Remark, ...]
    words: int
    fewest: int
    most: int
    ease: int | None
    is_english: bool

    @property
    def sources(self) -> tuple[str, ...]:
        """Where the rules behind the remarks come from, each once."""
        return tuple(dict.fromkeys(remark.source for remark in self.remarks))


@lru_cache(maxsize=1_024)
def listen(*, subject: str, body: str, touchpoint: str) -> Voice:
    """The voice of a wording, of its text as written. Any text has an answer, in time linear to its length. The phrases are
    English; in another language only length and exclamation marks are looked at."""
    kind = touchpoint_of(touchpoint)
    fewest, most = LENGTHS.get(kind, ANY_LENGTH)
    said = without_marks(body)
    words = words_of(said)
    spoken = [word for place, word in enumerate(words) if not place or word.start != words[place - 1].start]
    ease = reading_ease.measure(said, words)
    remarks = [
        *_habits("subject", subject, words_of(without_marks(subject))),
        *_exclamations("subject", subject, kind),
        *_habits("body", body, words),
        *_we_without_a_name(body, words),
        *_exclamations("body", body, kind),
        *_length(body, spoken, fewest=fewest, most=most),
        *_hard_to_read(body, ease),
    ]
    remarks.sort(key=lambda remark: (remark.part != "subject", remark.start, remark.end))
    return Voice(
        remarks=tuple(remarks[:AT_MOST]),
        words=len(spoken),
        fewest=fewest,
        most=most,
        ease=ease.score if ease else None,
        is_english=reading_ease.looks_english(words),
    )


def _remark(part: str, text: str, start: int, end: int, *, habit: Habit) -> Remark:
    return Remark(
        code=habit.code,
        part=part,
        start=start,
        end=end,
        passage=text[start:end],
        why=habit.why,
        to_do=habit.to_do,
        source=habit.source,
    )


def _habits(part: str, text: str, words: Sequence[Word]) -> Iterator[Remark]:
    for passage in _PHRASES.find(words):
        yield _remark(part, text, passage.start, passage.end, habit=_HABIT_OF[passage.phrase])


def _we_without_a_name(text: str, words: Sequence[Word]) -> Iterator[Remark]:
    we = next((word for word in words if word.text in _WE), None)
    # A small “i” is none: “i.e.” speaks for nobody.
    speaks = any(word.text in _I and not (word.text == "i" and text[word.start] == "i") for word in words)
    if we is None or speaks or any(mark.expression.startswith(_NAMES) for mark in marks_in(text)):
        return
    habit = Habit(
        code=WE,
        why="“We” speaks here, and nowhere in the text does a person.",
        to_do="Write “I” where you mean yourself, name the people or the team, and put your name under it with sender.name.",
        source="Byhand’s own rule: whatever is sent has a person behind it",
        phrases=(),
    )
    yield _remark("body", text, we.start, we.end, habit=habit)


def _exclamations(part: str, text: str, kind: Touchpoint) -> Iterator[Remark]:
    allowed = 0 if kind in _ADVERSE or part == "subject" else 1
    runs = list(_EXCLAMATION.finditer(without_marks(text)))
    surplus = [run for number, run in enumerate(runs) if number >= allowed or len(run.group()) > 1]
    if not surplus:
        return
    marks = sum(len(run.group()) for run in runs)
    counted = f"There {'is one exclamation mark' if marks == 1 else f'are {marks} exclamation marks'}"
    habit = Habit(
        code=EXCLAMATION,
        why=f"{counted}; {'here none helps' if not allowed else 'one is plenty'}.",
        to_do="End the sentence with a full stop, and let the words carry the feeling.",
        source="Mailchimp content style guide, “exclamation points”: sparingly, one at a time, none with bad news",
        phrases=(),
    )
    yield _remark(part, text, surplus[0].start(), surplus[0].end(), habit=habit)


def _length(text: str, words: Sequence[Word], *, fewest: int, most: int) -> Iterator[Remark]:
    if not words or fewest <= len(words) <= most:
        return
    is_long = len(words) > most
    counted = "one word" if len(words) == 1 else f"{len(words)} words"
    first = words[most] if is_long else words[0]
    habit = Habit(
        code=TOO_LONG if is_long else TOO_SHORT,
        why=f"It has {counted}; a message of this kind should have {fewest} to {most}.",
        to_do=(
            "Leave out what the reader does not need to act or to understand; keep one thing per paragraph."
            if is_long
            else "Say what happens next, when, and who answers questions."
        ),
        source="Boomerang, 2016: mails of 50 to 125 words are answered most; for other kinds Byhand’s own numbers",
        phrases=(),
    )
    yield _remark("body", text, first.start, words[-1].end, habit=habit)


def _hard_to_read(text: str, ease: reading_ease.Ease | None) -> Iterator[Remark]:
    if ease is None or ease.score >= reading_ease.HARD:
        return
    habit = Habit(
        code=HARD_TO_READ,
        why=f"Reading ease is {ease.score} of 100; plain English starts at 60. This is the longest sentence.",
        to_do="Split the longest sentences, and choose short words for long ones.",
        source="Flesch, 1948; made for English alone",
        phrases=(),
    )
    yield _remark("body", text, ease.start, ease.end, habit=habit)


def in_pieces(text: str, remarks: Iterable[Remark]) -> list[tuple[str, bool]]:
    """A part in pieces that make it up; True for those that a remark is about. What is said of the whole is not marked."""
    pieces: list[tuple[str, bool]] = []
    position = 0
    for remark in sorted((one for one in remarks if one.is_in_a_few_words), key=lambda one: one.start):
        start = max(remark.start, position)
        if start < remark.end:
            pieces += [(text[position:start], False), (text[start : remark.end], True)]
            position = remark.end
    pieces.append((text[position:], False))
    return [piece for piece in pieces if piece[0]]
