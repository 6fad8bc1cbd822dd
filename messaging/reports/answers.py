"""Response times: how long candidates waited for a person, from the moment a hand-off came up to the moment somebody
answered it. Plain time, nights and weekends included, because that is what the candidate waits; the due date beside it
counts working days."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, ExpressionWrapper, F, Q, QuerySet, Value
from django.db.models import DurationField as Duration

from messaging.models import HandOff, Message
from messaging.reports.durations import Spread, spread
from messaging.reports.periods import Period, week_of

Status = HandOff.Status

ANSWERED = (Status.ANSWERED, Status.TOLD_BY_PHONE)
# What the gate closed was nobody's answer, and of an answer that was called off before it left the candidate heard nothing.
BY_A_PERSON = Q(closed_by__isnull=False) & ~Q(answer__status=Message.Status.CANCELLED)
TOOK = ExpressionWrapper(F("closed_at") - F("created_at"), output_field=Duration())
# What a report can be split by, and where the database finds it. `all`: not at all.
WAYS: dict[str, Any] = {
    "all": Value(0),
    "week": week_of("closed_at"),
    "person": F("closed_by"),
    "touchpoint": F("touchpoint"),
}


@dataclass(frozen=True, kw_only=True)
class Answers:
    """Of one week, person or kind. `spread`: None where nothing was answered."""

    key: Hashable
    by_mail: int = 0
    by_phone: int = 0
    not_needed: int = 0
    in_time: int = 0  # of the answered ones
    spread: Spread | None = None

    @property
    def answered(self) -> int:
        return self.by_mail + self.by_phone


def closed_in(hand_offs: QuerySet[HandOff], period: Period) -> QuerySet[HandOff]:
    """By a person, and not taken back."""
    return hand_offs.order_by().filter(BY_A_PERSON, closed_at__gte=period.since, closed_at__lt=period.until)


def read(hand_offs: QuerySet[HandOff], *, by: str, period: Period, keys: Iterable[Hashable] = ()) -> list[Answers]:
    """`by`: one of WAYS. Those of `keys` first and in their order, whether there are answers or not."""
    rows = closed_in(hand_offs, period).annotate(key=WAYS[by])
    spreads = spread(rows.filter(status__in=ANSWERED).annotate(took=TOOK), by="key")
    counts: Any = rows.values("key").annotate(
        by_mail=Count("pk", filter=Q(status=Status.ANSWERED)),
        by_phone=Count("pk", filter=Q(status=Status.TOLD_BY_PHONE)),
        not_needed=Count("pk", filter=Q(status=Status.NOT_NEEDED)),
        in_time=Count("pk", filter=Q(status__in=ANSWERED, closed_at__lte=F("due_at"))),
    )
    found = {
        _plain(row["key"]): Answers(**{**row, "key": _plain(row["key"])}, spread=spreads.get(row["key"]))
        for row in counts
    }
    missing = {key: Answers(key=key) for key in keys}
    return list((missing | found).values())


def read_all(hand_offs: QuerySet[HandOff], *, period: Period) -> Answers:
    [answers] = read(hand_offs, by="all", period=period, keys=[0])
    return answers


def _plain(key: Any) -> Hashable:
    """A week is its Monday."""
    return key.date() if isinstance(key, datetime) else key
