"""The ghosting ledger: candidates who heard nothing for so many working days, who were rejected and never told, and for whom
the law's time runs out. Hearing means a mail that was sent and did not come back, or a conversation that took place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Greatest
from django.db.models.lookups import LessThan

from messaging import facts, working_days
from messaging.models import HandOff, Message
from messaging.reports.hours import DID_NOT_ARRIVE
from messaging.reports.periods import midnight
from pipeline.models import Application, Interview

Status = Application.Status

# Whom the clock of the law can run for: who withdrew or said yes knows how it ended.
WAITING = (Status.ACTIVE, Status.REJECTED)


@dataclass(frozen=True, kw_only=True)
class Next:
    """What is on its way to them: the first open hand-off, the next scheduled mail, the next conversation."""

    hand_off: HandOff | None = None
    message: Message | None = None
    interview: Interview | None = None


@dataclass(frozen=True, kw_only=True)
class Silence:
    """`days`: working days since they heard anything. `left`: calendar days of the legal clock, negative past its end; None
    where none runs."""

    application: Application
    heard_at: datetime
    days: int
    was_rejected: bool
    left: int | None
    next: Next

    @property
    def nothing_comes(self) -> bool:
        return self.next == Next()


# --- Who ---------------------------------------------------------------------------------------------------------------


def silent(applications: QuerySet[Application], *, now: datetime) -> QuerySet[Any]:
    """Still in the running, and without a word for SILENCE_DAYS working days."""
    return _with_times(applications).filter(_is_silent(now))


def untold(applications: QuerySet[Application]) -> QuerySet[Any]:
    """Rejected, and nobody told them."""
    return _with_times(applications).filter(_IS_UNTOLD)


def running_out(applications: QuerySet[Application], *, now: datetime) -> QuerySet[Any]:
    """Two thirds of the legal clock or more are gone, and nobody told them how it ends. Nobody, where no clock is set."""
    return _with_times(applications).filter(_is_running_out(now))


def waiting(applications: QuerySet[Application], *, now: datetime) -> QuerySet[Any]:
    """All of them, each once."""
    either = _is_silent(now) | _IS_UNTOLD | _is_running_out(now)
    return _with_times(applications).filter(either)


def forgotten(applications: QuerySet[Application], *, now: datetime) -> QuerySet[Any]:
    """Of all of them those whom no mail is on its way to, and whom nobody has as a task."""
    return waiting(applications, now=now).filter(_nobody_is_on_it())


def count(applications: QuerySet[Application], *, now: datetime) -> dict[str, int]:
    """How many of all who wait are in each part of the ledger, in one query; `clock`: the law's time runs out."""
    found: dict[str, int] = waiting(applications, now=now).aggregate(
        all=Count("pk"),
        forgotten=Count("pk", filter=_nobody_is_on_it()),
        silent=Count("pk", filter=_is_silent(now)),
        untold=Count("pk", filter=_IS_UNTOLD),
        clock=Count("pk", filter=_is_running_out(now)),
    )
    return found


def _nobody_is_on_it() -> Q:
    return Q(
        ~Exists(_on_their_way().filter(application=OuterRef("pk"))),
        ~Exists(HandOff.objects.open().filter(application=OuterRef("pk"))),
    )


_IS_UNTOLD = Q(status=Status.REJECTED, told_at__isnull=True)


def _is_silent(now: datetime) -> Q:
    cutoff = working_days.back(now, settings.SILENCE_DAYS)
    return Q(
        ~Exists(_mail().filter(sent_at__gt=cutoff)),
        ~Exists(_talks().filter(held_at__gt=cutoff)),
        status=Status.ACTIVE,
        applied_at__lte=cutoff,
    )


def _is_running_out(now: datetime) -> Q:
    allowed = settings.LEGAL_CLOCK_DAYS
    if not allowed:
        return Q(pk__in=[])
    today = working_days.today(now)
    # The clock counts days, so whoever was interviewed on the first of them counts with the whole day.
    warned = midnight(today - timedelta(days=allowed * 2 // 3 - 1))
    return Q(LessThan(_clock_from(), warned), status__in=WAITING, told_at__isnull=True)


def _with_times(applications: QuerySet[Application]) -> QuerySet[Any]:
    last_mail, last_talk = _latest(_mail(), "sent_at"), _latest(_talks(), "held_at")
    return applications.annotate(
        heard_at=Greatest("applied_at", Coalesce(last_mail, "applied_at"), Coalesce(last_talk, "applied_at")),
        clock_from=_clock_from(),
    )


def _clock_from() -> Coalesce:
    """A phone screen comes before what the law calls an interview, so it starts the clock only where nothing else did."""
    formal = _latest(_talks().exclude(kind=Interview.Kind.PHONE), "held_at")
    return Coalesce(formal, _latest(_talks(), "held_at"))


def _on_their_way() -> QuerySet[Message]:
    """What would be a word from us. A survey or a note of another job waits until they know how it ended, so it ends no
    silence."""
    return Message.objects.waiting().exclude(touchpoint__in=facts.AFTER_THE_END)


def _mail() -> QuerySet[Message]:
    arrived = Q(delivery__isnull=True) | ~Q(delivery__in=DID_NOT_ARRIVE)
    return Message.objects.filter(arrived, application=OuterRef("pk"), status=Message.Status.SENT).order_by()


def _talks() -> QuerySet[Interview]:
    return Interview.objects.held().filter(application=OuterRef("pk")).order_by()


def _latest(rows: QuerySet[Any], field: str) -> Subquery:
    return Subquery(rows.values("application").annotate(latest=Max(field)).values("latest"))


# --- What is known of them ---------------------------------------------------------------------------------------------


def longest_first(rows: QuerySet[Any]) -> QuerySet[Any]:
    """With what `describe` needs of each."""
    return rows.select_related("candidate", "job", "stage").order_by("heard_at", "pk")


def shortest_time_first(rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.select_related("candidate", "job", "stage").order_by("clock_from", "pk")


def describe(rows: Sequence[Any], *, now: datetime) -> list[Silence]:
    """Of rows that the functions above found; three queries, however many they are."""
    coming = _read_next(rows, now=now)
    return [
        Silence(
            application=application,
            heard_at=application.heard_at,
            days=working_days.between(application.heard_at, now),
            was_rejected=application.status == Status.REJECTED,
            left=_days_left(application, now=now),
            next=coming.get(application.pk, Next()),
        )
        for application in rows
    ]


def _days_left(application: Any, *, now: datetime) -> int | None:
    allowed = settings.LEGAL_CLOCK_DAYS
    if not allowed or application.clock_from is None:
        return None
    if application.told_at is not None or application.status not in WAITING:
        return None
    last_day: date = working_days.today(application.clock_from) + timedelta(days=allowed)
    return (last_day - working_days.today(now)).days


def _read_next(rows: Iterable[Application], *, now: datetime) -> dict[int, Next]:
    pks = [application.pk for application in rows]
    hand_offs = HandOff.objects.open().filter(application__in=pks).select_related("owner").order_by("-due_at", "-pk")
    messages = _on_their_way().filter(application__in=pks).order_by("-due_at", "-pk")
    interviews = Interview.objects.upcoming(now).filter(application__in=pks).order_by("-starts_at", "-pk")
    # The last of a candidate in these orders is the first to come.
    by_task = {hand_off.application_id: hand_off for hand_off in hand_offs}
    by_mail = {message.application_id: message for message in messages.defer("subject", "body")}
    by_talk = {interview.application_id: interview for interview in interviews}
    return {
        pk: Next(hand_off=by_task.get(pk), message=by_mail.get(pk), interview=by_talk.get(pk))
        for pk in by_task.keys() | by_mail.keys() | by_talk.keys()
    }
