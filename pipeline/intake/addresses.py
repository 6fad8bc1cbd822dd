"""One text becomes one mail address, or a sentence that says why it is not one.

Everything that is taken here can be put into a mail as its only recipient; what merely looks odd is taken and flagged,
because a person can tell and code cannot.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from email_validator import EmailNotValidError, validate_email

from pipeline.outcomes import Refusal

# RFC 5321, 4.5.3.1: 64 characters, the @-sign and 255 characters; more than that is not looked at.
LONGEST = 320
# What a mail system accepts in full, and what our tables hold.
LONGEST_STORED = 254
LONGEST_FLAG = 200
# What spreadsheets leave around a value. A line break is not among them: it is how headers are smuggled in.
PADDING = " \t\u00a0\u3000\ufeff"
SEVERAL = re.compile(r"@.*[,;\s/|].*@")

# Scripts that one writing system mixes by nature; after Unicode TR 39, "highly restrictive".
WRITING_SYSTEMS = (
    frozenset({"Latin", "Cjk", "Hiragana", "Katakana"}),
    frozenset({"Latin", "Cjk", "Bopomofo"}),
    frozenset({"Latin", "Cjk", "Hangul"}),
)


@dataclass(frozen=True, kw_only=True)
class Address:
    """`address` keeps the local part as written, the domain in lower case; `canonical` is the key that tells two
    candidates apart; `flag` is empty, or a sentence for the person who looks at the candidate."""

    address: str
    canonical: str
    flag: str = ""


def read_address(text: str) -> Address | Refusal:
    """Exactly one deliverable-looking address, without a display name; nothing is looked up in the network."""
    stripped = text.strip(PADDING)
    refusal = _refuse_early(stripped)
    if refusal is not None:
        return refusal
    try:
        valid = validate_email(stripped, check_deliverability=False)
    except EmailNotValidError as error:
        return Refusal(f"“{stripped}” is not a mail address: {_lower_first(str(error))}.")
    address = f"{valid.local_part}@{valid.domain.lower()}"
    canonical = canonical_address(address)
    if max(len(address), len(canonical)) > LONGEST_STORED:
        return Refusal(f"The address is longer than {LONGEST_STORED} characters.")
    flag = _flag(valid.local_part, valid.domain.lower(), valid.ascii_domain or valid.domain)
    return Address(address=address, canonical=canonical, flag=flag[:LONGEST_FLAG])


@lru_cache(maxsize=4096)
def canonical_address(address: str) -> str:
    """The key by which two spellings are one address. Mail systems may tell upper from lower case before the @-sign;
    none that matters does, and one candidate stored twice is the worse mistake."""
    return unicodedata.normalize("NFKC", address).casefold()


def _refuse_early(text: str) -> Refusal | None:
    if not text:
        return Refusal("The address is empty.")
    if any(unicodedata.category(character) == "Cc" for character in text):
        return Refusal("The address contains a line break or another control character.")
    if len(text) > LONGEST:
        return Refusal(f"The address is longer than {LONGEST} characters.")
    if SEVERAL.search(text):
        return Refusal(f"“{text}” holds more than one address: keep the one that the candidate uses.")
    if "<" in text or ">" in text:
        return Refusal(f"“{text}” holds a name beside the address: keep the address alone.")
    if "=?" in text:
        return Refusal(f"“{text}” holds “=?”, from which mail programs read another address: ask for a plain one.")
    return None


def _flag(local_part: str, domain: str, ascii_domain: str) -> str:
    for label in domain.split("."):
        scripts = scripts_of(label)
        if is_mixed(scripts):
            return (
                f"The domain mixes {_joined(scripts)} letters: check that it is the one the candidate gave. "
                f"To machines it is {ascii_domain}."
            )
    scripts = scripts_of(local_part)
    if is_mixed(scripts):
        return f"What stands before the @-sign mixes {_joined(scripts)} letters: check it with the candidate."
    return ""


def scripts_of(text: str) -> frozenset[str]:
    """The scripts of the letters, by the first word of their Unicode names; digits and hyphens belong to none."""
    return frozenset(
        unicodedata.name(character, "Unknown").split(" ", 1)[0].split("-", 1)[0].capitalize()
        for character in text
        if unicodedata.category(character).startswith("L")
    )


def is_mixed(scripts: frozenset[str]) -> bool:
    return len(scripts) > 1 and not any(scripts <= system for system in WRITING_SYSTEMS)


def _joined(scripts: frozenset[str]) -> str:
    *first, last = sorted(scripts)
    return f"{', '.join(first)} and {last}"


def _lower_first(sentence: str) -> str:
    sentence = sentence.rstrip(".")
    return sentence[:1].lower() + sentence[1:]
