"""How hard an English text is to read, by Flesch's formula.

206.835 - 1.015 · (words / sentences) - 84.6 · (syllables / words), from Rudolf Flesch, “A new readability yardstick”,
Journal of Applied Psychology 32 (1948), 221–233. It was fitted to English and says nothing about any other
language. Syllables are counted by groups of vowels, which is right for most words and off by a few points for a text.
"""

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from messaging.wording.passages import Word

FEWEST_WORDS: Final = 40
"""In whole sentences; Flesch counted samples of a hundred words, and a few words alone swing by twenty points."""
HARD: Final = 50
"""Below it Flesch calls a text difficult, the reading of somebody who has been to a college; plain English starts at 60."""

_VOWELS: Final = re.compile(r"[aeiouy]+")
_FUNCTION_WORDS: Final = frozenset(
    ("the", "a", "an", "and", "or", "but", "of", "to", "in", "on", "at", "for", "with", "from", "by", "as", "is", "are",
     "was", "were", "be", "been", "have", "has", "had", "will", "would", "can", "not", "you", "your", "we", "our", "i", "it",
     "this", "that", "if")
)  # fmt: skip
_ENGLISH_FROM: Final = 0.15
"""The share of such words; English prose has two or three times that, its neighbours less than half."""
_FULL_STOP: Final = re.compile(r"[.!?…]")


@dataclass(frozen=True, kw_only=True)
class Ease:
    """`score` is 100 for very easy and 0 for very hard, cut off there. `start` and `end` enclose the longest sentence."""

    score: int
    start: int
    end: int


def looks_english(words: Sequence[Word]) -> bool:
    known = sum(word.text in _FUNCTION_WORDS for word in words)
    return bool(words) and known >= _ENGLISH_FROM * len(words)


def measure(text: str, words: Sequence[Word]) -> Ease | None:
    """`words` are those of the text. None where it is too short, or not English. Counted is what ends like a sentence: no
    greeting, no signature, no heading."""
    bounds = [place for place, word in enumerate(words) if word.opens]
    sentences = [
        words[first:last]
        for first, last in itertools.pairwise([*bounds, len(words)])
        if _ends_like_a_sentence(text, words, last)
    ]
    counted = [word for sentence in sentences for word in sentence]
    if len(counted) < FEWEST_WORDS or not looks_english(counted):
        return None
    syllables = sum(syllables_in(word.text) for word in counted)
    score = 206.835 - 1.015 * len(counted) / len(sentences) - 84.6 * syllables / len(counted)
    longest = max(sentences, key=len)
    return Ease(score=round(min(max(score, 0), 100)), start=longest[0].start, end=longest[-1].end)


def _ends_like_a_sentence(text: str, words: Sequence[Word], last: int) -> bool:
    until = words[last].start if last < len(words) else len(text)
    return _FULL_STOP.search(text, words[last - 1].end, until) is not None


@lru_cache(maxsize=16_384)
def syllables_in(word: str) -> int:
    """Of a folded word; about."""
    groups = len(_VOWELS.findall(word))
    silent = word.endswith(("e", "es", "ed")) and not word.endswith(("le", "les", "ted", "ded", "ses", "ces", "ges"))
    return max(groups - silent, 1)
