"""One number for what a candidate will read, so that what was cleared and what leaves can be compared."""

import hashlib
import json


def fingerprint(*, recipient: str, subject: str, body: str, sender: str, reply_to: str) -> str:
    """SHA-256 in hexadecimal over the five, unambiguously joined. `sender` and `reply_to` as they stand in the head. The
    HTML part follows from the text, and there is no attachment."""
    return _hash(recipient, subject, body, sender, reply_to)


def text_fingerprint(*, touchpoint: str, subject: str, body: str) -> str:
    """The same over kind and words alone: what a person let go or signed. To whom a message goes never changes."""
    return _hash(touchpoint, subject, body)


def _hash(*texts: str) -> str:
    return hashlib.sha256(json.dumps(texts, ensure_ascii=False).encode()).hexdigest()
