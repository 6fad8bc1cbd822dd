"""One number for what a candidate will read, so that what was cleared and what leaves can be compared."""

import hashlib
import json


def fingerprint(*, recipient: str, subject: str, body: str) -> str:
    """SHA-256 in hexadecimal over the three, unambiguously joined."""
    return hashlib.sha256(json.dumps([recipient, subject, body], ensure_ascii=False).encode()).hexdigest()
