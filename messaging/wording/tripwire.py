"""Finds phrases that mean a rejection, however they are typed; it reads words, and cannot tell what free text means."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from messaging.wording.folding import folded_words

DEFAULT_PHRASES: Final[tuple[str, ...]] = (
    "not be moving forward",
    "not moving forward",
    "not to move forward",
    "not be able to move forward",
    "unable to move forward",
    "not be progressing",
    "not progress your application",
    "not be proceeding",
    "not to proceed",
    "not be able to proceed",
    "not be taking your application further",
    "not be taking your application forward",
    "not taking your application further",
    "not be continuing with your application",
    "not be inviting you",
    "not be offering you",
    "not able to offer you",
    "unable to offer you",
    "not been selected",
    "not selected",
    "not been successful",
    "was not successful",
    "unsuccessful on this occasion",
    "application has been unsuccessful",
    "application was unsuccessful",
    "pursue other candidates",
    "pursue other applicants",
    "move forward with other candidates",
    "moving forward with other candidates",
    "proceed with other candidates",
    "proceed with another candidate",
    "go with another candidate",
    "chosen another candidate",
    "selected another candidate",
    "offered the role to another candidate",
    "offered the position to another candidate",
    "candidates whose experience more closely matches",
    "candidates who more closely match",
    "position has been filled",
    "role has been filled",
    "position is no longer available",
    "no longer under consideration",
    "no longer being considered",
    "not be considered further",
    "regret to inform",
    "regret to let you know",
    "sorry to tell you",
    "not the right fit",
    "not a good fit",
    "not a match for this role",
    "keep your details on file",
    "keep your resume on file",
    "keep your cv on file",
)
"""What people start from; the list they use is theirs. "Unfortunately" alone is not here: it also moves interviews."""

_IRREGULAR: Final = {
    "won't": "will not",
    "wont": "will not",
    "can't": "can not",
    "cant": "can not",
    "cannot": "can not",
    "shan't": "shall not",
}
_WITHOUT_APOSTROPHE: Final = frozenset(
    [
        "arent",
        "couldnt",
        "didnt",
        "doesnt",
        "dont",
        "hasnt",
        "havent",
        "isnt",
        "shouldnt",
        "wasnt",
        "werent",
        "wouldnt",
    ]
)
_ENDINGS: Final = (
    ("n't", " not"),
    ("'re", " are"),
    ("'ve", " have"),
    ("'ll", " will"),
    ("'m", " am"),
)


def rejection_phrases_in(text: str, *, phrases: Iterable[str]) -> tuple[str, ...]:
    """Those of the phrases that stand in the text as whole words, as they were given and in their order.

    Case, white space, line wraps, punctuation, invisible characters, look-alike letters and contractions make no
    difference. A phrase without a word in it is never found.
    """
    spoken = _spoken(text)
    found = (phrase for phrase in phrases if (words := _spoken_phrase(phrase)).strip() and words in spoken)
    return tuple(dict.fromkeys(found))


def _spoken(text: str) -> str:
    """The words with one space before, between and after them, contractions written out."""
    words = (written_out(word) for chunk in text.split() for word in folded_words(chunk))
    return f" {' '.join(words)} "


# The same few are looked for in every text.
_spoken_phrase = lru_cache(maxsize=1000)(_spoken)


def written_out(word: str) -> str:
    """A folded word without its contraction: “don't” becomes “do not”."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word in _WITHOUT_APOSTROPHE:
        return f"{word[:-2]} not"
    for ending, full in _ENDINGS:
        if word.endswith(ending):
            return word.removesuffix(ending) + full
    return word
