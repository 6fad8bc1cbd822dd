"""What a function answers when it did not do what was asked, and why."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Refusal:
    """Nothing was changed; the sentence says what, where and what to do."""

    sentence: str
