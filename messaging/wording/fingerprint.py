"""One number for what a candidate will read, so that what was cleared and what leaves can be compared."""

import hashlib
import json


def fingerprint(*, recipient: str, subject: str, body: str) -> str:
    """SHA-256 in hexadecimal over the three, unambiguously joined."""
    return _hash(recipient, subject, body)


def release_fingerprint(*, touchpoint: str, subject: str, body: str) -> str:
    """The same over what a person let go; to whom it goes is the message's own and never changes."""
    return _hash(touchpoint, subject, body)


def _hash(*texts: str) -> str:
    return hashlib.sha256(json.dumps(texts, ensure_ascii=False).encode()).hexdigest()
