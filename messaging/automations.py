"""Stage changes and time to scheduled messages; each cause leads to at most one message of a kind.

A StageChange without its PlannedChange is work to do, so a change that any path made is followed, once, whoever made it
and whatever stopped in between.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import OperationalError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from messaging import gate, working_days
from messaging.models import Automation, Message, PlannedChange
from messaging.policy.decision import Origin
from pipeline.models import Application, Interview, StageChange

logger = logging.getLogger(__name__)

Event = Automation.Event

# Which events a kind of change is. A change that nobody's automation waits for is looked at once and left alone.
EVENTS: dict[str, tuple[str, ...]] = {
    StageChange.Kind.RECEIVED: (Event.RECEIVED, Event.STAGE_ENTERED),
    StageChange.Kind.ADVANCED: (Event.STAGE_ENTERED,),
    StageChange.Kind.MOVED_BACK: (Event.STAGE_ENTERED,),
    StageChange.Kind.REJECTED: (Event.REJECTED,),
    StageChange.Kind.WITHDRAWN: (Event.WITHDRAWN,),
    StageChange.Kind.HIRED: (Event.HIRED,),
    StageChange.Kind.REOPENED: (),
}


# What a move may overtake: mail that waits for its time, and mail that waits for a person.
WAITING = frozenset({Message.Status.SCHEDULED, Message.Status.HELD, Message.Status.FAILED})


def follow(change: StageChange, *, now: datetime) -> list[Message]:
    """Plans what follows from one change; an empty list when it was followed before, or nothing follows."""
    with transaction.atomic():
        _, is_new = PlannedChange.objects.get_or_create(change=change, defaults={"planned_at": now})
        if not is_new:
            return []
        # What waits already may be overtaken: a rejection that was taken back, a stage that was left, a reach that rose.
        # The reach is the candidate's, so all their applications are asked about; this one in its place among them, so
        # that whoever follows another change of theirs at the same time locks them in the same order.
        waiting = Message.objects.filter(application__candidate=change.application.candidate_id, status__in=WAITING)
        for application_id in sorted({change.application_id, *waiting.values_list("application", flat=True)}):
            gate.resettle(application_id, now=now)
        if change.quiet:
            return []
        planned = [_plan(automation, change, now=now) for automation in _waiting_for(change)]
        return [message for message in planned if message is not None]


def follow_open_changes(*, now: datetime, at_most: int = 500) -> int:
    """What no caller followed: imports, other programs, a process that died. Returns how many changes were followed."""
    followed = _pass_over_quiet_changes(now=now)
    changes = StageChange.objects.filter(planned__isnull=True).order_by("pk")
    for change in changes.select_related("application__job", "to_stage")[:at_most]:
        try:
            follow(change, now=now)
        except OperationalError:
            raise
        except Exception:
            # It stays open and is tried again; the candidates behind it in the queue must not wait for the mending.
            logger.exception("Stage change %s could not be followed.", change.pk)
        else:
            followed += 1
    return followed


def _pass_over_quiet_changes(*, now: datetime, at_most: int = 5000) -> int:
    """A large import leaves hundreds of thousands: where nothing waits for the candidate, there is nothing to settle."""
    waiting = Message.objects.filter(
        application__candidate=OuterRef("application__candidate"),
        status__in=WAITING,
    )
    quiet = StageChange.objects.filter(~Exists(waiting), planned__isnull=True, quiet=True).order_by("pk")
    passed = [PlannedChange(change_id=pk, planned_at=now) for pk in quiet.values_list("pk", flat=True)[:at_most]]
    PlannedChange.objects.bulk_create(passed, ignore_conflicts=True)
    return len(passed)


def plan_no_news(*, now: datetime, at_most: int = 500) -> list[Message]:
    """Candidates who are in a stage for N business days and heard nothing since they entered it."""
    planned: list[Message] = []
    for automation in Automation.objects.in_use().filter(event=Event.NO_NEWS).select_related("template"):
        for_long = [
            change
            for change in _entered_without_news(automation, now=now)[:at_most]
            if working_days.add(change.at, automation.quiet_days or 0) <= now
        ]
        planned += [message for change in for_long if (message := _plan(automation, change, now=now)) is not None]
    return planned


def due_at(automation: Automation, *, event_at: datetime) -> datetime:
    """When a message for an event at this time is due; business days are counted in the organisation's zone."""
    if automation.delay_unit == Automation.DelayUnit.BUSINESS_DAYS:
        return working_days.add(event_at, automation.delay)
    minutes = automation.delay * (60 if automation.delay_unit == Automation.DelayUnit.HOURS else 1)
    return event_at + timedelta(minutes=minutes)


def _waiting_for(change: StageChange) -> Sequence[Automation]:
    job = change.application.job
    automations = Automation.objects.in_use().filter(
        Q(job__isnull=True) | Q(job=job),
        Q(pipeline__isnull=True) | Q(pipeline=job.pipeline_id),
        Q(stage__isnull=True) | Q(stage=change.to_stage_id),
        event__in=EVENTS[change.kind],
    )
    return list(automations.select_related("template").order_by("pk"))


def _entered_without_news(automation: Automation, *, now: datetime) -> QuerySet[StageChange]:
    """The changes by which candidates came to where they are, oldest first, where nothing was said since. None that was
    quiet: an import of people who wait for long writes to nobody."""
    # Business days are never fewer than calendar days, so this only narrows; the caller counts exactly. A day to spare,
    # because a day on which the clocks change has not 24 hours.
    since = now - timedelta(days=(automation.quiet_days or 0) - 1)
    later = StageChange.objects.filter(application=OuterRef("application"), pk__gt=OuterRef("pk"))
    mail = Message.objects.filter(application=OuterRef("application"))
    told = mail.filter(status__in=Message.MAY_HAVE_LEFT, status_at__gte=OuterRef("at"))
    spoken_with = Interview.objects.held().filter(application=OuterRef("application"), held_at__gte=OuterRef("at"))
    asked = mail.filter(
        touchpoint=automation.template.touchpoint, stage_change=OuterRef("pk"), cause__startswith=f"{Event.NO_NEWS}:"
    )
    changes = StageChange.objects.filter(application__status=Application.Status.ACTIVE, at__lte=since, quiet=False)
    if automation.job_id:
        changes = changes.filter(application__job=automation.job_id)
    if automation.pipeline_id:
        changes = changes.filter(application__job__pipeline=automation.pipeline_id)
    if automation.stage_id:
        changes = changes.filter(to_stage=automation.stage_id)
    quiet_since = changes.filter(~Exists(later), ~Exists(told), ~Exists(spoken_with), ~Exists(asked))
    return quiet_since.select_related("application__job").order_by("at", "pk")


def _plan(automation: Automation, change: StageChange, *, now: datetime) -> Message | None:
    """One message, settled at once with the gate. None: the cause led to a message of this kind before."""
    # No wording at all is planned too: the gate hands it to a person, where skipping it would be silence.
    wording = automation.template.wording_to_send()
    is_no_news = automation.event == Event.NO_NEWS
    # message_once_per_cause: the same cause never sends twice.
    message, is_new = Message.objects.get_or_create(
        application_id=change.application_id,
        touchpoint=automation.template.touchpoint,
        cause=f"{automation.event}:{change.pk}",
        origin=Origin.AUTOMATION,
        defaults={
            "automation": automation,
            "template": automation.template,
            "wording": wording,
            "stage_change": change,
            "created_at": now,
            "status_at": now,
            "due_at": now if is_no_news else due_at(automation, event_at=change.at),
        },
    )
    if not is_new:
        return None
    gate.settle(message, now=now)
    message.refresh_from_db()
    return message
