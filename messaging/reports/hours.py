"""Time given back: what automations sent, times the minutes that one such message takes by hand.

    given back = (sent by automations - needed a person all the same - did not arrive) x minutes by hand

What the gate held and a person then wrote, sent or told by phone was not sent by an automation, so it gives nothing back;
neither does a prepared text that a person edited or only let go. An automation's own message that became a person's task
after all (it failed first, or nobody could say whether it left) is taken off, and so is one that the provider could not
deliver. The minutes are estimates of today and count for past weeks too.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from messaging.models import HandOff, Message, Minutes
from messaging.policy.decision import Origin
from messaging.policy.floor import Touchpoint
from messaging.reports.periods import Period, week_of

DID_NOT_ARRIVE = (Message.Delivery.REJECTED, Message.Delivery.BOUNCED)
AT_MOST = 240  # minutes: nobody writes longer at one message of a kind that a machine may send


@dataclass(frozen=True, kw_only=True)
class Estimate:
    minutes: int
    source: str


# The low end of what vendors of such tools and recruiters publish; nobody publishes how it was measured. Kinds that no
# machine ever sends are not here: they can give nothing back.
DEFAULTS: Mapping[str, Estimate] = MappingProxyType(
    {
        Touchpoint.ACKNOWLEDGEMENT: Estimate(minutes=2, source="Low end: name, job and address into a standard text."),
        Touchpoint.STATUS_UPDATE: Estimate(minutes=3, source="Low end: look up where somebody stands, and say so."),
        Touchpoint.SCHEDULING: Estimate(minutes=15, source="Recruiters state 15 to 30 minutes a candidate."),
        Touchpoint.REMINDER: Estimate(minutes=2, source="Low end: find the date, and repeat it."),
        Touchpoint.INFORMATION_REQUEST: Estimate(minutes=3, source="No figure was found; as for a status update."),
        Touchpoint.REJECTION: Estimate(minutes=5, source="Recruiters state 5 to 10 minutes each."),
        Touchpoint.SURVEY: Estimate(minutes=2, source="Low end: a link and a sentence."),
        Touchpoint.TALENT_POOL: Estimate(minutes=2, source="No figure was found; as for a survey."),
    }
)


@dataclass(frozen=True, kw_only=True)
class Line:
    """Messages of one kind, in one week, that one person would have written."""

    week: date
    touchpoint: str
    person: int | None  # NULL: the job has neither recruiter nor coordinator
    sent: int  # by automations
    handled: int  # of these: needed a person all the same
    lost: int  # of these: did not arrive
    held: int  # not of these: the gate handed them to a person instead
    each: int  # minutes

    @property
    def counted(self) -> int:
        return self.sent - self.handled - self.lost

    @property
    def minutes(self) -> int:
        return self.counted * self.each


@dataclass(frozen=True, kw_only=True)
class Total:
    """The sum of some lines. `each`: None where they are of several kinds."""

    key: Hashable
    sent: int
    handled: int
    lost: int
    held: int
    counted: int
    minutes: int
    each: int | None


# --- The minutes -------------------------------------------------------------------------------------------------------


def read_minutes() -> dict[str, int]:
    """For every kind that a machine may send."""
    said = dict(Minutes.objects.filter(touchpoint__in=DEFAULTS).values_list("touchpoint", "minutes"))
    return {str(kind): said.get(kind, estimate.minutes) for kind, estimate in DEFAULTS.items()}


def set_minutes(wanted: Mapping[str, int]) -> list[Minutes]:
    """Returns what changed. Kinds that no machine sends are left out, whatever is wanted for them."""
    with transaction.atomic():
        before = read_minutes()
        changed = {kind: minutes for kind, minutes in wanted.items() if before.get(kind, minutes) != minutes}
        return [
            Minutes.objects.update_or_create(touchpoint=kind, defaults={"minutes": minutes})[0]
            for kind, minutes in changed.items()
        ]


# --- Counting ----------------------------------------------------------------------------------------------------------

# Whose time it was: the person who would have got the task, see messaging/gate.py.
PERSON = Coalesce("application__job__recruiter", "application__job__coordinator")


def read_lines(messages: QuerySet[Message], hand_offs: QuerySet[HandOff], *, period: Period) -> list[Line]:
    """Of the messages that left and the hand-offs that came up in this time."""
    sent = (
        sent_in(messages, period)
        .annotate(week=week_of("sent_at"), person=PERSON)
        .values("week", "touchpoint", "person")
        .annotate(**_COUNTS)
        .values_list("week", "touchpoint", "person", "sent", "handled", "lost")
    )
    held = (
        hand_offs.order_by()
        .filter(message__origin=Origin.AUTOMATION, created_at__gte=period.since, created_at__lt=period.until)
        # What left all the same is among the sent ones already.
        .exclude(message__status=Message.Status.SENT)
        .annotate(week=week_of("created_at"), person=PERSON)
        .values("week", "touchpoint", "person")
        .annotate(held=Count("message", distinct=True))  # an answer that was taken back makes a second task
        .values_list("week", "touchpoint", "person", "held")
    )
    found: dict[tuple[date, str, int | None], dict[str, int]] = {}
    for week, kind, person, of_all, handled, lost in sent:
        found[week.date(), kind, person] = {"sent": of_all, "handled": handled, "lost": lost}
    for week, kind, person, number in held:
        found.setdefault((week.date(), kind, person), {"sent": 0, "handled": 0, "lost": 0})["held"] = number
    each = read_minutes()
    return [
        Line(week=week, touchpoint=kind, person=person, **{"held": 0} | numbers, each=each.get(kind, 0))
        for (week, kind, person), numbers in sorted(found.items(), key=lambda pair: (pair[0][0], pair[0][1]))
    ]


def sum_of(messages: QuerySet[Message], *, period: Period) -> Total:
    """The same without the hand-offs, in two queries, for who wants no more than the sum."""
    each = read_minutes()
    rows: Any = sent_in(messages, period).values("touchpoint").annotate(**_COUNTS)
    week = period.since.date()
    return total(Line(**row, week=week, person=None, held=0, each=each.get(row["touchpoint"], 0)) for row in rows)


def sent_in(messages: QuerySet[Message], period: Period) -> QuerySet[Message]:
    """What automations sent."""
    return (
        messages.order_by()
        .filter(
            origin=Origin.AUTOMATION,
            status=Message.Status.SENT,
            sent_at__gte=period.since,
            sent_at__lt=period.until,
        )
        .annotate(was_handled=Exists(HandOff.objects.filter(message=OuterRef("pk"))))
    )


_COUNTS: dict[str, Any] = {
    "sent": Count("pk"),
    "handled": Count("pk", filter=Q(was_handled=True)),
    "lost": Count("pk", filter=Q(was_handled=False, delivery__in=DID_NOT_ARRIVE)),
}


# --- Adding up ---------------------------------------------------------------------------------------------------------


def total(lines: Iterable[Line], *, key: Hashable = None) -> Total:
    summed = list(lines)
    kinds = {line.each for line in summed}
    return Total(
        key=key,
        sent=sum(line.sent for line in summed),
        handled=sum(line.handled for line in summed),
        lost=sum(line.lost for line in summed),
        held=sum(line.held for line in summed),
        counted=sum(line.counted for line in summed),
        minutes=sum(line.minutes for line in summed),
        each=kinds.pop() if len(kinds) == 1 else None,
    )


def totals(lines: Iterable[Line], *, by: Callable[[Line], Hashable], keys: Iterable[Hashable] = ()) -> list[Total]:
    """One for each key, those of `keys` first and in their order, whether there are lines or not."""
    grouped: dict[Hashable, list[Line]] = {key: [] for key in keys}
    for line in lines:
        grouped.setdefault(by(line), []).append(line)
    return [total(of_one, key=key) for key, of_one in grouped.items()]
