"""How many messages left on each day, and whose they were; and the line that must always read zero."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db.models import Case, CharField, Count, Exists, F, OuterRef, Q, QuerySet, Value, When

from messaging.models import Message, RecordedVerdict
from messaging.policy.decision import Origin, Outcome
from messaging.policy.floor import Reserve
from messaging.reports.periods import Period, day_of

# By automations; by a person, who may have sent a prepared text; by hand, where the words had to be their own.
AUTOMATION, PERSON, BY_HAND = "automation", "person", "by_hand"


@dataclass(frozen=True, kw_only=True)
class Day:
    day: date
    automation: int = 0
    person: int = 0
    by_hand: int = 0

    @property
    def number(self) -> int:
        return self.automation + self.person + self.by_hand


def per_day(messages: QuerySet[Message], *, period: Period) -> list[Day]:
    """Every day of the period, the empty ones too."""
    own_words = RecordedVerdict.objects.filter(
        message=OuterRef("pk"), outcome=Outcome.SEND, reserve=Reserve.PERSON_WRITES
    )
    rows = (
        messages.order_by()
        .filter(status=Message.Status.SENT, sent_at__gte=period.since, sent_at__lt=period.until)
        .annotate(
            day=day_of("sent_at"),
            whose=Case(
                When(~Q(origin=Origin.PERSON), then=Value(AUTOMATION)),
                When(Exists(own_words), then=Value(BY_HAND)),
                default=Value(PERSON),
                output_field=CharField(),
            ),
        )
        .values("day", "whose")
        .annotate(number=Count("pk"))
    )
    found: dict[date, dict[str, int]] = {}
    for day, whose, number in rows.values_list("day", "whose", "number"):
        found.setdefault(day, {})[whose] = number
    return [Day(day=day, **found.get(day, {})) for day in period.days]


def reserved_but_sent_by_a_machine() -> QuerySet[Message]:
    """What left, or may have, under a recorded verdict that reserved it for a person, without the act of the person who
    wrote it. The promise of the product is that this is empty; it is read from the evidence, like messaging/audit.py does.
    Of all messages there are, whoever asks: a promise that is kept for some is not kept."""
    cleared = RecordedVerdict.objects.filter(outcome=Outcome.SEND, reserve__gt=Reserve.AUTOMATIC)
    released = Q(release__released_by=F("written_by"), origin=Origin.PERSON)
    left = Message.objects.filter(status__in=Message.MAY_HAVE_LEFT, pk__in=cleared.order_by().values("message"))
    return left.exclude(pk__in=left.filter(released).values("pk"))
