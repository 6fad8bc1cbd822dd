"""What changed between two texts, word by word, as pieces that together make up both."""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import Enum
from typing import Final

_WORDS: Final = re.compile(r"\n|[^\S\n]+|\S+[^\S\n]*")
WORD_LIMIT: Final = 2_000
"""Words of one text up to which words are compared, and lines beyond it: the work grows with the square."""


class Change(Enum):
    SAME = "same"
    REMOVED = "removed"
    ADDED = "added"


@dataclass(frozen=True, kw_only=True)
class Piece:
    change: Change
    text: str

    @property
    def shown(self) -> str:
        """With a mark for each line break, which could not be seen to have come or gone otherwise."""
        return self.text.replace("\n", "¶\n")


def differences(old: str, new: str) -> tuple[Piece, ...]:
    """The removed pieces with the same ones make up `old`, the added ones with the same ones make up `new`."""
    before, after = _words(old), _words(new)
    by_word = len(before) <= WORD_LIMIT and len(after) <= WORD_LIMIT
    if not by_word:
        before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    pieces = []
    matcher = SequenceMatcher(None, before, after, autojunk=not by_word)
    for what, start, end, new_start, new_end in matcher.get_opcodes():
        if what == "equal":
            pieces.append(Piece(change=Change.SAME, text="".join(before[start:end])))
            continue
        if start < end:
            pieces.append(Piece(change=Change.REMOVED, text="".join(before[start:end])))
        if new_start < new_end:
            pieces.append(Piece(change=Change.ADDED, text="".join(after[new_start:new_end])))
    return tuple(pieces)


def _words(text: str) -> list[str]:
    return _WORDS.findall(text)
