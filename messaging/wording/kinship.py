"""Says whether a text is the writer's own or a known text in disguise, and shows the passage that is too close."""

import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from rapidfuzz import process
from rapidfuzz.distance import Indel

from messaging.wording.folding import folded_words

THRESHOLD: Final = 50.0
"""From this score on a text counts as the known text.

The score is the share, in per cent, of the writer's words that stand in passages or sentences taken over from *one*
known text. Greeting and sign-off do not count on either side. A passage is taken over when runs of three equal words
cover it, gaps of up to two words bridged, over seven words or more; a sentence, when it has six words or more and is
at least 70 per cent equal, word by word, to a sentence of the known text. Shorter coincidences are stock phrases.

It reads as a rule that can be said aloud: half of the words must be the writer's. It was checked against the labelled
set in the tests, which is small and was written for them: texts made from a template (name swapped, sentences
reordered, a word inserted in each, a line appended, look-alike letters) score 87 or more there, messages with stock
phrases that recruiters could have written themselves 14 or less. A test keeps 15 points free on each side.

What it cannot see is a paraphrase: somebody who says the same thing in other words throughout has written the words.
"""

FEWEST_WORDS: Final = 12
_RUN: Final = 3
_GAP: Final = 2
_PASSAGE: Final = 7
_SENTENCE: Final = 6
_SENTENCE_SIMILARITY: Final = 0.70
_MEASURED_IN_FULL: Final = 10
"""Known texts that share most word pairs and are measured in full; the others share less than all of these."""
_WORDS_READ: Final = 3_000
"""More than any mail has; it bounds the work that a hostile text can cause."""

_LIQUID: Final = re.compile(r"\{\{[^{}]*\}\}|\{%[^{}]*%\}")
_GREETINGS: Final = frozenset({"dear", "hi", "hello", "hey", "greetings", "good"})
_SIGN_OFFS: Final = (
    ("kind", "regards"), ("best", "regards"), ("warm", "regards"), ("with", "regards"), ("regards",),
    ("best", "wishes"), ("all", "the", "best"), ("warmly",), ("sincerely",), ("yours",), ("best",), ("cheers",),
    ("many", "thanks"), ("thanks",), ("thank", "you"), ("take", "care"), ("with", "best"), ("with", "kind"),
    ("with", "warm"), ("warmest",), ("kindest",),
)  # fmt: skip
_GREETING_WORDS: Final = 5
_SIGN_OFF_WORDS: Final = 4
_SIGNATURE_LINES: Final = 6
_SIGNATURE_WORDS: Final = 8


@dataclass(frozen=True, kw_only=True)
class KnownText:
    """A text that a person's own message must differ from; `label` says where it comes from."""

    label: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Kin:
    """The known text that a message is closest to; `score` goes from 0 to 100.

    `passage` is the longest part of the message that was taken over, and `known_passage` where it comes from. `marks`: where
    in the message every part that was taken over begins and ends.
    """

    label: str
    score: float
    passage: str
    known_passage: str
    marks: tuple[tuple[int, int], ...]


@dataclass(frozen=True, kw_only=True)
class _Reading:
    """A text as words, with the place of each word in the text and the sentences as ranges of words."""

    text: str
    words: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]
    sentences: tuple[tuple[int, int], ...]
    pairs: frozenset[int]

    def passage(self, first: int, last: int) -> str:
        return " ".join(self.text[self.spans[first][0] : self.spans[last][1]].split())


def too_short(text: str) -> bool:
    """Whether there are too few words, without greeting and sign-off, to be anybody's own message."""
    return len(_read(text).words) < FEWEST_WORDS


def closest(text: str, *, others: Iterable[KnownText]) -> Kin | None:
    """The known text that most of this text is taken from, or None where nothing is shared.

    A text that is `too_short` is measured like any other; whether it may be sent is the caller's question.
    """
    own = _read(text)
    shared = ((len(own.pairs & _read(other.text).pairs), other) for other in others)
    ranked = sorted((pair for pair in shared if pair[0]), key=lambda pair: -pair[0])
    kin = (_measure(own, other) for _, other in ranked[:_MEASURED_IN_FULL])
    return max((found for found in kin if found), key=lambda found: found.score, default=None)


def too_close(text: str, *, others: Iterable[KnownText]) -> Kin | None:
    """The known text that this text is, up to small changes, or None where the words are the writer's own."""
    kin = closest(text, others=others)
    return kin if kin and kin.score >= THRESHOLD else None


def _measure(own: _Reading, other: KnownText) -> Kin | None:
    known = _read(other.text)
    taken = _taken_passages(own, known)
    for first, last in own.sentences:
        if last - first >= _SENTENCE and not all(taken[first:last]) and _has_twin(own.words[first:last], known):
            taken[first:last] = [True] * (last - first)
    if not any(taken):
        return None
    stretches = _stretches(taken)
    first, last = max(stretches, key=lambda stretch: stretch[1] - stretch[0])
    return Kin(
        label=other.label,
        score=100 * sum(taken) / len(taken),
        passage=own.passage(first, last - 1),
        known_passage=_source_of(own.words[first:last], known),
        marks=tuple((own.spans[start][0], own.spans[end - 1][1]) for start, end in stretches),
    )


def _taken_passages(own: _Reading, known: _Reading) -> list[bool]:
    """For each word whether it stands in a passage that is also in the known text."""
    run = min(_RUN, len(own.words))
    runs = {known.words[start : start + run] for start in range(len(known.words) - run + 1)}
    equal = [False] * len(own.words)
    for start in range(len(own.words) - run + 1):
        if own.words[start : start + run] in runs:
            equal[start : start + run] = [True] * run
    taken = list(equal)
    stretches = _stretches(equal)
    for (_, end), (start, _) in itertools.pairwise(stretches):
        if start - end <= _GAP:
            taken[end:start] = [True] * (start - end)
    for start, end in _stretches(taken):
        if end - start < min(_PASSAGE, len(own.words)):
            taken[start:end] = [False] * (end - start)
    return taken


def _stretches(flags: list[bool]) -> list[tuple[int, int]]:
    stretches: list[tuple[int, int]] = []
    start = 0
    for place, flag in enumerate([*flags, False]):
        if not flag:
            if place > start:
                stretches.append((start, place))
            start = place + 1
    return stretches


def _has_twin(sentence: tuple[str, ...], known: _Reading) -> bool:
    sentences = [known.words[first:last] for first, last in known.sentences]
    return (
        process.extractOne(
            sentence,
            sentences,
            scorer=Indel.normalized_similarity,
            score_cutoff=_SENTENCE_SIMILARITY,
        )
        is not None
    )


def _source_of(passage: tuple[str, ...], known: _Reading) -> str:
    """The stretch of the known text, as long as the passage, that has most of its words in their order."""
    length = len(passage)
    starts = {first for first, _ in known.sentences} | {0}
    for place in range(len(known.words)):
        if known.words[place : place + _RUN] == passage[:_RUN]:
            starts.add(place)
    windows = {start: known.words[start : start + length] for start in sorted(starts)}
    start = process.extractOne(passage, windows, scorer=Indel.normalized_similarity)[2]
    return known.passage(start, min(start + length, len(known.words)) - 1)


@lru_cache(maxsize=512)
def _read(text: str) -> _Reading:
    """Remembered, because the same few hundred known texts are compared while a person types."""
    # A wording's source is a known text too: what stands in its marks is nobody's words.
    plain = _LIQUID.sub(lambda mark: " " * len(mark.group()), text)
    words: list[str] = []
    spans: list[tuple[int, int]] = []
    ends = {0}
    for line_start, line in _body_lines(plain):
        if not line.strip():
            ends.add(len(words))
        for chunk in re.finditer(r"\S+", line):
            for word in folded_words(chunk.group()):
                words.append(word.replace("'", ""))
                spans.append((line_start + chunk.start(), line_start + chunk.end()))
            if chunk.group().rstrip("\"')]”’»").endswith((".", "!", "?", "…", ":", ";", "。")):
                ends.add(len(words))
        if len(words) > _WORDS_READ:
            break
    del words[_WORDS_READ:], spans[_WORDS_READ:]
    bounds = sorted({min(end, len(words)) for end in ends} | {len(words)})
    return _Reading(
        text=text,
        words=tuple(words),
        spans=tuple(spans),
        sentences=tuple(itertools.pairwise(bounds)),
        pairs=frozenset(map(hash, itertools.pairwise(words))),
    )


def _body_lines(text: str) -> list[tuple[int, str]]:
    """The lines with their places, without the greeting at the start and the sign-off with the signature at the end."""
    lines: list[tuple[int, str]] = []
    place = 0
    for line in text.splitlines(keepends=True):
        lines.append((place, line))
        place += len(line)
    filled = [number for number, (_, line) in enumerate(lines) if line.strip()]
    if filled and _is_greeting(lines[filled[0]][1]):
        lines[filled[0]] = (lines[filled[0]][0], "")
    for position, number in reversed(list(enumerate(filled))[-_SIGNATURE_LINES:]):
        words = _words_in(lines[number][1])
        if len(words) > _SIGNATURE_WORDS:
            break
        if len(words) <= _SIGN_OFF_WORDS and any(words[: len(start)] == start for start in _SIGN_OFFS):
            for signature in filled[position:]:
                lines[signature] = (lines[signature][0], "")
            break
    return lines


def _is_greeting(line: str) -> bool:
    words = _words_in(line)
    return bool(words) and words[0] in _GREETINGS and len(words) <= _GREETING_WORDS


def _words_in(line: str) -> tuple[str, ...]:
    return tuple(word for chunk in line.split() for word in folded_words(chunk))
