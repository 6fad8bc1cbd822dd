"""What became of the rows of one import: how many were taken, and for each that was not, why."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Why(StrEnum):
    """The kinds of reason a row is not taken for: few, so that counting them takes the same memory for every file."""

    COLUMNS = "The number of columns is wrong"
    TEXT = "A text is too long or holds characters that it must not"
    NAME = "There is no name"
    ADDRESS = "The address cannot be used"
    DATE = "A date cannot be read"
    STATUS = "The status is not known"
    JOB = "The job is not known"
    STAGE = "The stage is not known"
    IDENTITY = "Id and address point to different people"
    RUNNING = "The file ends an application that people here moved"


class Taken(StrEnum):
    """What a row that was taken brought."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, kw_only=True)
class Rejection:
    """Nothing of the row was taken; the sentence says what, where and what to do."""

    why: Why
    sentence: str


@dataclass(kw_only=True)
class ImportReport:
    """`rows` is always the sum of the four that follow it."""

    rows: int = 0
    created: int = 0  # rows that brought an application that was not here
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    new_candidates: int = 0
    flagged: int = 0  # rows that were taken with an odd address
    reasons: Counter[str] = field(default_factory=Counter)  # of the rejected rows, by the value of Why

    @property
    def taken(self) -> int:
        return self.created + self.updated + self.unchanged

    def as_values(self) -> dict[str, Any]:
        """What can be kept as JSON; the most frequent reason first."""
        return vars(self) | {"reasons": dict(self.reasons.most_common())}

    def count(self, verdict: Taken | Rejection, *, is_flagged: bool) -> None:
        self.rows += 1
        if isinstance(verdict, Rejection):
            self.rejected += 1
            self.reasons[verdict.why.value] += 1
            return
        self.flagged += is_flagged
        match verdict:
            case Taken.CREATED:
                self.created += 1
            case Taken.UPDATED:
                self.updated += 1
            case Taken.UNCHANGED:
                self.unchanged += 1
