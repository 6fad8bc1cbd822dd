"""Text as a reader sees it: different code points that look alike become one, and what cannot be seen disappears."""

import re
import unicodedata
from functools import lru_cache
from typing import Final

_LOOKALIKES: Final = (
    # Cyrillic
    ("АВЕЅІЈКМНОРСТХУԌԚԜӀ", "ABESIJKMHOPCTXYGQWI"),
    ("авеѕіјкмнорстхуԁԛԝӏһѵгп", "abesijkmhopctxydqwlhvrn"),
    # Greek
    ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX"),
    ("αεικνορτυχγηω", "aeikvoptuxynw"),
    # Armenian and Latin letters of other alphabets
    ("օսհոցզıɑɡɩ", "ouhngqiagi"),
)
_APOSTROPHES: Final = "\u2018\u2019\u201a\u201b\u02bc\u02b9\u02bb\u0060\u00b4\u2032\uff07\u05f3\ua78c"
_UNSEEN_SPACES: Final = "\u2800\u3164\u115f\u1160\uffa0"
"""Blank glyphs that Unicode counts as letters or symbols."""

_SEEN: Final = str.maketrans(
    {
        **{ord(a): b for trick, plain in _LOOKALIKES for a, b in zip(trick, plain, strict=True)},
        **dict.fromkeys(map(ord, _APOSTROPHES), "'"),
        **dict.fromkeys(map(ord, _UNSEEN_SPACES), " "),
    }
)
_DROPPED: Final = frozenset({"Cf", "Mn", "Me", "Cc", "Cs"})
_KEPT_CONTROLS: Final = frozenset("\t\n\r\x0b\x0c\x1c\x1d\x1e\x1f\x85")
_WORD: Final = re.compile(r"[^\W_]+(?:'[^\W_]+)*")


def fold(text: str) -> str:
    """Caseless text in which homoglyphs are Latin letters and invisible characters and accents are gone.

    Text in Cyrillic or Greek becomes gibberish, but always the same gibberish, so two folded texts still compare.
    """
    if text.isascii():
        return text.lower()
    # Apostrophes first: compatibility decomposition would turn an acute accent into a space.
    decomposed = unicodedata.normalize("NFKD", text.translate(_SEEN)).translate(_SEEN)
    seen = (c for c in decomposed if c in _KEPT_CONTROLS or unicodedata.category(c) not in _DROPPED)
    return "".join(seen).casefold()


@lru_cache(maxsize=16_384)
def folded_words(chunk: str) -> tuple[str, ...]:
    """The words of a short piece of text, folded; an apostrophe inside a word stays."""
    return tuple(_WORD.findall(fold(chunk)))
