"""Stage changes and time to scheduled messages; each cause leads to at most one message of a kind.

A StageChange without its PlannedChange is work to do, so a change that any path made is followed, once, whoever made it
and whatever stopped in between.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import OperationalError, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from messaging import gate, working_days
from messaging.models import Automation, Message, Operation, PlannedChange, Template, Wording
from messaging.policy.decision import Origin
from pipeline import moves
from pipeline.models import Application, Interview, StageChange
from pipeline.written_once import WrittenOnce, ids

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
    StageChange.Kind.UNDONE: (),
}

ENDS = frozenset({StageChange.Kind.REJECTED, StageChange.Kind.WITHDRAWN, StageChange.Kind.HIRED})

# What a move may overtake: mail that waits for its time, and mail that waits for a person.
WAITING = frozenset({Message.Status.SCHEDULED, Message.Status.HELD, Message.Status.FAILED})


def follow(change: StageChange, *, now: datetime) -> list[Message]:
    """Plans what follows from one change; an empty list when it was followed before, or nothing follows."""
    return follow_many([change], now=now)


def follow_many(changes: Sequence[StageChange], *, now: datetime, operation: Operation | None = None) -> list[Message]:
    """The same for a batch of changes of different applications, with a number of queries that does not grow with it.
    `operation`: the bulk act of which they are, where a person may have chosen another template and can undo it."""
    candidates = {change.application.candidate_id for change in changes}
    with transaction.atomic():
        # What waits already may be overtaken: a rejection that was taken back, a stage that was left, a reach that rose.
        # The reach is the candidate's, so all their applications are asked about; those that moved in their place among
        # them, so that whoever follows another change of theirs at the same time locks them in the same order.
        touched = {change.application_id for change in changes} | {*_have_mail_waiting(candidates=candidates)}
        gate.hold_applications(touched)
        new = _mark_as_followed(changes, now=now)
        if not new:
            return []
        gate.resettle_held(touched, now=now)
        loud = [change for change in new if not change.quiet]
        if not loud:
            return []
        answers = _answers_to(loud)
        return _plan(answers if operation is None else _on_terms(answers, loud, operation, now=now), now=now)


@WrittenOnce
def _have_mail_waiting() -> QuerySet[Any, int]:
    waiting = Message.objects.filter(application__candidate__in=ids("candidates"), status__in=WAITING)
    return waiting.order_by().values_list("application", flat=True)


def _mark_as_followed(changes: Sequence[StageChange], *, now: datetime) -> list[StageChange]:
    """Those that nobody followed before. Who follows one holds its application, so no two of us meet here."""
    followed = set(PlannedChange.objects.filter(change__in=changes).values_list("change", flat=True))
    new = [change for change in changes if change.pk not in followed]
    PlannedChange.objects.bulk_create(PlannedChange(change=change, planned_at=now) for change in new)
    return new


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
        for change in without_news_for_long(automation, now=now, at_most=at_most):
            with transaction.atomic():
                gate.hold_applications([change.application_id])
                planned += _plan([_answer(automation, change, due_at=now)], now=now)
    return planned


def without_news_for_long(automation: Automation, *, now: datetime, at_most: int) -> list[StageChange]:
    """The changes that an automation of this event would follow right now, of the oldest `at_most`; it need not be saved."""
    return [
        change
        for change in _entered_without_news(automation, now=now)[:at_most]
        if working_days.add(change.at, automation.quiet_days or 0) <= now
    ]


def could_set_off(automation: Automation) -> QuerySet[StageChange]:
    """All changes, whenever they were made, that an automation like this follows; it need not be saved. For silence, the
    changes after which it could begin."""
    kinds = [kind for kind, events in EVENTS.items() if automation.event in events]
    if automation.event == Event.NO_NEWS:
        kinds = [kind for kind in StageChange.Kind.values if kind not in ENDS]
    return _in_scope(StageChange.objects.filter(kind__in=kinds, quiet=False), automation)


def due_at(automation: Automation, *, event_at: datetime) -> datetime:
    """When a message for an event at this time is due; business days are counted in the organisation's zone."""
    if automation.delay_unit == Automation.DelayUnit.BUSINESS_DAYS:
        return working_days.add(event_at, automation.delay)
    minutes = automation.delay * (60 if automation.delay_unit == Automation.DelayUnit.HOURS else 1)
    return event_at + timedelta(minutes=minutes)


@dataclass(frozen=True, kw_only=True)
class _Answer:
    """A message that is to follow from a change."""

    change: StageChange
    due_at: datetime
    template: Template
    automation: Automation | None = None
    operation: Operation | None = None

    @property
    def cause(self) -> str:
        return f"{self.automation.event if self.automation else 'operation'}:{self.change.pk}"


def _answers_to(changes: Sequence[StageChange]) -> list[_Answer]:
    events = {event for change in changes for event in EVENTS[change.kind]}
    automations = list(
        Automation.objects.in_use().filter(event__in=events).select_related("template").order_by("pk") if events else ()
    )
    return [
        _answer(automation, change, due_at=due_at(automation, event_at=change.at))
        for change in changes
        for automation in automations
        if _answers(automation, change)
    ]


def _answer(automation: Automation, change: StageChange, *, due_at: datetime) -> _Answer:
    return _Answer(change=change, automation=automation, template=automation.template, due_at=due_at)


def _on_terms(
    answers: Sequence[_Answer], changes: Sequence[StageChange], operation: Operation, *, now: datetime
) -> list[_Answer]:
    """As the person chose: their template takes the place, and the time, of what automations would send of its kind. And
    nothing leaves while it can be undone."""
    earliest = now + timedelta(minutes=settings.UNDO_MINUTES)
    chosen = operation.template
    kind = chosen and chosen.touchpoint
    replaced = [answer for answer in answers if answer.template.touchpoint == kind]
    terms = [replace(answer, operation=operation) for answer in answers if answer.template.touchpoint != kind]
    if chosen is not None:
        due = {answer.change: answer.due_at for answer in sorted(replaced, key=lambda one: one.due_at, reverse=True)}
        terms += [
            _Answer(change=change, template=chosen, operation=operation, due_at=due.get(change, earliest))
            for change in changes
        ]
    return [replace(answer, due_at=max(answer.due_at, earliest)) for answer in terms]


def _answers(automation: Automation, change: StageChange) -> bool:
    """An automation that names no job, pipeline or stage is for all of them."""
    job = change.application.job
    return (
        automation.event in EVENTS[change.kind]
        and automation.job_id in (None, job.pk)
        and automation.pipeline_id in (None, job.pipeline_id)
        and automation.stage_id in (None, change.to_stage_id)
    )


def _entered_without_news(automation: Automation, *, now: datetime) -> QuerySet[StageChange]:
    """The changes by which candidates came to where they are, oldest first, where nothing was said since. None that was
    quiet: an import of people who wait for long writes to nobody. What was done and undone since changed nothing."""
    # Business days are never fewer than calendar days, so this only narrows; the caller counts exactly. A day to spare,
    # because a day on which the clocks change has not 24 hours.
    since = now - timedelta(days=(automation.quiet_days or 0) - 1)
    entered = Q(kind__in=moves.STARTS_A_WAIT, at=F("application__stage_entered_at"), to_stage=F("application__stage"))
    later = StageChange.objects.filter(entered, application=OuterRef("application"), pk__gt=OuterRef("pk"))
    mail = Message.objects.filter(application=OuterRef("application"))
    told = mail.filter(status__in=Message.MAY_HAVE_LEFT, status_at__gte=OuterRef("at"))
    spoken_with = Interview.objects.held().filter(application=OuterRef("application"), held_at__gte=OuterRef("at"))
    asked = mail.filter(
        touchpoint=automation.template.touchpoint, stage_change=OuterRef("pk"), cause__startswith=f"{Event.NO_NEWS}:"
    )
    changes = StageChange.objects.filter(
        entered, application__status=Application.Status.ACTIVE, at__lte=since, quiet=False
    )
    quiet_since = _in_scope(changes, automation).filter(
        ~Exists(later), ~Exists(told), ~Exists(spoken_with), ~Exists(asked)
    )
    return quiet_since.select_related("application__job").order_by("at", "pk")


def _in_scope(changes: QuerySet[StageChange], automation: Automation) -> QuerySet[StageChange]:
    """As `_answers` says it of one."""
    if automation.job_id:
        changes = changes.filter(application__job=automation.job_id)
    if automation.pipeline_id:
        changes = changes.filter(application__job__pipeline=automation.pipeline_id)
    if automation.stage_id:
        changes = changes.filter(to_stage=automation.stage_id)
    return changes


def _plan(answers: Sequence[_Answer], *, now: datetime) -> list[Message]:
    """A message for each, settled at once with the gate; none where the cause led to a message of this kind before. The
    caller holds the applications."""
    # No wording at all is planned too: the gate hands it to a person, where skipping it would be silence.
    wordings = {template: template.wording_to_send() for template in {answer.template for answer in answers}}
    planned = set(_planned_for(changes=[answer.change.pk for answer in answers]))
    new = []
    for answer in answers:
        key = (answer.change.application_id, answer.template.touchpoint, answer.cause)
        if key not in planned:  # message_once_per_cause: the same cause never sends twice
            planned.add(key)
            new.append(_message(answer, wordings[answer.template], now=now))
    Message.objects.bulk_create(new)
    settle_in_turn(new, now=now)
    return list(Message.objects.filter(pk__in=[message.pk for message in new]).order_by("pk"))


@WrittenOnce
def _planned_for() -> QuerySet[Any, tuple[int, str, str]]:
    planned = Message.objects.filter(stage_change__in=ids("changes"), origin=Origin.AUTOMATION)
    return planned.order_by().values_list("application_id", "touchpoint", "cause")


def _message(answer: _Answer, wording: Wording | None, *, now: datetime) -> Message:
    return Message(
        application=answer.change.application,
        touchpoint=answer.template.touchpoint,
        cause=answer.cause,
        origin=Origin.AUTOMATION,
        automation=answer.automation,
        operation=answer.operation,
        template=answer.template,
        wording=wording,
        stage_change=answer.change,
        created_at=now,
        status_at=now,
        due_at=answer.due_at,
    )


def settle_in_turn(messages: Sequence[Message], *, now: datetime) -> None:
    """To one candidate one after the other: what becomes of a message is a fact for the next."""
    rest = list(messages)
    while rest:
        first_of = {message.application.candidate_id: message for message in reversed(rest)}
        gate.settle_many([message.pk for message in first_of.values()], now=now)
        settled = set(first_of.values())
        rest = [message for message in rest if message not in settled]
