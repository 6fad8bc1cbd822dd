"""Human moments: what people wrote or said to candidates themselves, by how far the candidate had come, who it was, and how
long it took them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, DurationField, ExpressionWrapper, F, Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from messaging.models import HandOff, Message
from messaging.policy.decision import Origin
from messaging.reports import answers
from messaging.reports.durations import Spread, spread
from messaging.reports.periods import Period
from pipeline.milestones import Milestone
from pipeline.models import StageChange

AT_THE_PAGE = ExpressionWrapper(F("release__released_at") - F("release__opened_at"), output_field=DurationField())


@dataclass(frozen=True, kw_only=True)
class Moments:
    """Of candidates who had come as far as `milestone`. `person`: None for everybody together."""

    milestone: int
    person: int | None
    answered: int  # hand-offs, by mail
    called: int  # hand-offs, by phone
    started: int  # mails that nobody asked for
    waited: Spread | None  # from the hand-off to the answer; None: there was none
    writing: Spread | None  # from opening the page to letting the mail go; None: not known of any

    @property
    def number(self) -> int:
        return self.answered + self.called + self.started


def read(
    messages: QuerySet[Message], hand_offs: QuerySet[HandOff], *, period: Period
) -> tuple[list[Moments], list[Moments]]:
    """By milestone, and by milestone and person; the furthest milestone first."""
    closed = closed_in(hand_offs, period)
    written = written_in(messages, period)
    timed = written.filter(release__opened_at__isnull=False).annotate(took=AT_THE_PAGE)
    counts = _count(closed, written)
    waited = spread(closed.annotate(took=answers.TOOK), by="milestone")
    writing = spread(timed, by="milestone")
    of_each = [
        Moments(milestone=milestone, person=person, **numbers, waited=None, writing=None)
        for (milestone, person), numbers in sorted(counts.items(), key=lambda pair: (-pair[0][0], pair[0][1]))
    ]
    together = [
        Moments(
            milestone=milestone,
            person=None,
            answered=sum(moments.answered for moments in of_each if moments.milestone == milestone),
            called=sum(moments.called for moments in of_each if moments.milestone == milestone),
            started=sum(moments.started for moments in of_each if moments.milestone == milestone),
            waited=waited.get(milestone),
            writing=writing.get(milestone),
        )
        for milestone in sorted({moments.milestone for moments in of_each}, reverse=True)
    ]
    return together, of_each


def closed_in(hand_offs: QuerySet[HandOff], period: Period) -> QuerySet[Any]:
    """Hand-offs that a person answered, with how far the candidate had come by then."""
    answered = answers.closed_in(hand_offs, period).filter(status__in=answers.ANSWERED)
    return answered.annotate(milestone=_milestone_at("closed_at"))


def written_in(messages: QuerySet[Message], period: Period) -> QuerySet[Any]:
    """What people wrote and was sent."""
    sent = messages.order_by().filter(
        origin=Origin.PERSON, status=Message.Status.SENT, sent_at__gte=period.since, sent_at__lt=period.until
    )
    return sent.annotate(milestone=_milestone_at("created_at"))


def _milestone_at(moment: str) -> Coalesce:
    """The furthest one of this application, not the stage it stood in: some teams move people back before they end it."""
    history = StageChange.objects.filter(application=OuterRef("application"), at__lte=OuterRef(moment)).order_by()
    furthest = history.values("application").annotate(furthest=Max("to_milestone")).values("furthest")
    return Coalesce(Subquery(furthest), Milestone.APPLIED.value)


def _count(closed: QuerySet[Any], written: QuerySet[Any]) -> dict[tuple[int, int], dict[str, int]]:
    tasks = closed.values("milestone", "closed_by").annotate(
        answered=Count("pk", filter=Q(status=HandOff.Status.ANSWERED)),
        called=Count("pk", filter=Q(status=HandOff.Status.TOLD_BY_PHONE)),
    )
    started = written.filter(answers__isnull=True).values("milestone", "written_by").annotate(started=Count("pk"))
    found: dict[tuple[int, int], dict[str, int]] = {}
    nothing: dict[str, Any] = {"answered": 0, "called": 0, "started": 0}
    for row in tasks:
        numbers = {"answered": row["answered"], "called": row["called"]}
        found[row["milestone"], row["closed_by"]] = nothing | numbers
    for row in started:
        key = row["milestone"], row["written_by"]
        found[key] = found.get(key, nothing) | {"started": row["started"]}
    return found
