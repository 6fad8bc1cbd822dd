"""Where the words of a text stand, and where the phrases of a list do, however they are typed."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

from messaging.wording.folding import fold
from messaging.wording.marks import MarkKind, marks_in
from messaging.wording.tripwire import written_out

_WORD: Final = re.compile(r"[^\W_]+(?:['\u2019\u02bc][^\W_]+)*")
_SENTENCE_ENDS: Final = re.compile(r"[.!?\u2026\u3002\uff01\uff1f]|\n[^\S\n]*\n|\n[^\S\n]*[-*•]\s")
# Of a word; what is longer is no word of any list.
_LONGEST: Final = 60
_FILLER: Final = "x"


class Word(NamedTuple):
    """`text` is folded and written out, so that two words may stand in one place: “don't” is “do” and “not”."""

    text: str
    start: int
    end: int
    opens: bool  # a sentence, a paragraph or an item of a list


@dataclass(frozen=True, kw_only=True)
class Passage:
    """A phrase of a list as it stands in a text; `end` is behind its last character."""

    phrase: str
    start: int
    end: int


def words_of(text: str) -> list[Word]:
    """In linear time, whatever the text is."""
    words: list[Word] = []
    position = 0
    for found in _WORD.finditer(text):
        opens = not words or _SENTENCE_ENDS.search(text, position, found.start()) is not None
        for said in _said(found.group()):
            words.append(Word(said, found.start(), found.end(), opens))
            opens = False
        position = found.end()
    return words


def without_marks(source: str) -> str:
    """The text of a wording, of the same length: a word where a value is printed, nothing where a condition stands."""
    pieces: list[str] = []
    position = 0
    for mark in marks_in(source):
        if mark.kind is MarkKind.UNCLOSED:
            continue
        filler = _FILLER if mark.kind is MarkKind.OUTPUT else " "
        pieces += (source[position : mark.start], filler * (mark.end - mark.start))
        position = mark.end
    return "".join(pieces) + source[position:]


class Phrases:
    """A list of phrases made ready to be found. `a|b` in a phrase stands for either word."""

    def __init__(self, phrases: Sequence[str]) -> None:
        self._by_first_word: dict[str, list[tuple[tuple[frozenset[str], ...], str]]] = {}
        for phrase in phrases:
            wanted = tuple(_alternatives(phrase))
            for first in wanted[0] if wanted else ():
                self._by_first_word.setdefault(first, []).append((wanted, phrase))
        for candidates in self._by_first_word.values():
            candidates.sort(key=lambda candidate: -len(candidate[0]))

    def find(self, words: Sequence[Word]) -> Iterator[Passage]:
        """From the first word on, the longest phrase at each place; passages do not overlap, nor reach over the end of a
        sentence."""
        at = 0
        while at < len(words):
            phrase, length = self._at(words, at)
            if length:
                yield Passage(phrase=phrase, start=words[at].start, end=words[at + length - 1].end)
            at += length or 1

    def _at(self, words: Sequence[Word], at: int) -> tuple[str, int]:
        for wanted, phrase in self._by_first_word.get(words[at].text, ()):
            stretch = words[at : at + len(wanted)]
            if len(stretch) == len(wanted) and all(
                word.text in either and not (place and word.opens)
                for place, (word, either) in enumerate(zip(stretch, wanted, strict=True))
            ):
                return phrase, len(wanted)
        return "", 0


def passages_of(text: str, phrases: Sequence[str]) -> dict[str, Passage]:
    """Of each phrase that is found in the text of a wording, the first place."""
    first: dict[str, Passage] = {}
    for passage in Phrases(phrases).find(words_of(without_marks(text))):
        first.setdefault(passage.phrase, passage)
    return first


def _alternatives(phrase: str) -> Iterator[frozenset[str]]:
    for chunk in phrase.split():
        if "|" in chunk:
            yield frozenset(" ".join(_said(word)) for word in chunk.split("|"))
        else:
            yield from (frozenset([said]) for word in _WORD.findall(chunk) for said in _said(word))


@lru_cache(maxsize=16_384)
def _said_briefly(word: str) -> tuple[str, ...]:
    return tuple(written_out(fold(word)).split())


def _said(word: str) -> tuple[str, ...]:
    return _said_briefly(word) if len(word) <= _LONGEST else (word[:_LONGEST],)
