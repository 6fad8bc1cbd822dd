"""The brake: an automation or operation that would send far more than usual stops until a second person releases or drops
it.

Counted for each automation when a drain begins: what left lately and what is due now. For an operation before it does
anything: what its person confirmed lately in operations of this kind, and now. More than BRAKE_AN_HOUR in an hour, or on
one day more than five times the usual day (at least BRAKE_A_DAY), puts the brake on. What a person released does not count
again.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any

from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from messaging import gate, ledger, working_days
from messaging.models import Automation, Brake, LedgerEntry, Message, Operation, OperationItem
from messaging.policy.decision import Finding, Outcome
from messaging.policy.floor import TELLS_THE_OUTCOME, Reserve
from pipeline import actors
from pipeline.actors import ActorKind
from pipeline.models import Application, User
from pipeline.outcomes import Refusal
from pipeline.written_once import WrittenOnce, ids, moment

logger = logging.getLogger(__name__)

Status = Message.Status

HOUR = timedelta(hours=1)
DAYS = timedelta(days=30)
TIMES_ITS_USUAL_DAY = 5
# What stands on the page about a message that was dropped.
DROPPED = "The brake held it and {by} dropped it."


def put_on_where_needed(*, now: datetime) -> list[Brake]:
    """Two queries where nothing runs away, and a constant number for all automations that might."""
    due, operations = _count_due(now)
    too_many = _put_on_grown(operations, now=now) if operations else []
    sent = _count_sent(due, since=min(_midnight(now), now - HOUR))
    suspects = {pk for pk, number in due.items() if number + sent.get(pk, 0) > _least()}
    return too_many + (_put_on(suspects, due, now=now) if suspects else [])


def put_on_operation_where_needed(operation: Operation, *, now: datetime) -> Brake | None:
    """Before it does anything, in the transaction in which it begins."""
    if not operation.message_count:
        return None
    midnight = _midnight(now)
    # What was dropped or undone sent nothing, and what was released does not count again.
    lately = Operation.objects.filter(
        by=operation.by_id, kind=operation.kind, begun_at__gte=midnight - DAYS, undone_at__isnull=True
    ).exclude(pk=operation.pk)
    lately = lately.exclude(brakes__dropped_at__isnull=False)
    unreleased = lately.exclude(brakes__released_at__isnull=False).aggregate(
        hour=Sum("message_count", filter=Q(begun_at__gte=now - HOUR)),
        day=Sum("message_count", filter=Q(begun_at__gte=midnight)),
    )
    days: defaultdict[date, int] = defaultdict(int)
    for begun_at, number in lately.filter(begun_at__lt=midnight).order_by().values_list("begun_at", "message_count"):
        days[timezone.localtime(begun_at, timezone.get_default_timezone()).date()] += number
    why = _why_unusual(
        an_hour=(unreleased["hour"] or 0) + operation.message_count,
        a_day=(unreleased["day"] or 0) + operation.message_count,
        usual=median(days.values()) if days else 0,
        what="for bulk acts of this kind by this person",
    )
    return _put_on_one(Brake(operation=operation, why=why, count=operation.message_count), now=now) if why else None


def _put_on_grown(operations: Collection[int], *, now: datetime) -> list[Brake]:
    """Operations that have more messages than their person saw when they confirmed them, and that nobody released."""
    # What a person has to write, and what ended, does not leave; a bounce is answered by a person.
    leaves = ~Q(messages__status__in=[Status.HELD, Status.CANCELLED]) & ~Q(messages__cause__startswith="bounced:")
    grown = (
        Operation.objects.filter(pk__in=operations)
        .exclude(brakes__released_at__isnull=False)
        .annotate(planned=Count("messages", filter=leaves))
        .filter(planned__gt=F("message_count"))
    )
    brakes = []
    for operation, planned, confirmed in grown.values_list("pk", "planned", "message_count"):
        why = f"{planned} messages follow from it, and {confirmed} were confirmed; they wait for a second person."
        brakes.append(Brake(operation_id=operation, why=why, count=planned))
    return [put_on for brake in brakes if (put_on := _put_on_one(brake, now=now))]


def _put_on(suspects: Collection[int], due: dict[int, int], *, now: datetime) -> list[Brake]:
    usual = _usual_days(suspects, now=now)
    an_hour = _count_beyond_release(suspects, since=now - HOUR)
    a_day = _count_beyond_release(suspects, since=_midnight(now))
    brakes = []
    for automation in Automation.objects.filter(pk__in=suspects):
        pk = automation.pk
        why = _why_unusual(an_hour=an_hour[pk] + due[pk], a_day=a_day[pk] + due[pk], usual=usual.get(pk, 0))
        brake = Brake(automation=automation, why=why, count=due[pk])
        if why and (put_on := _put_on_one(brake, now=now)):
            brakes.append(put_on)
    return brakes


def _why_unusual(*, an_hour: int, a_day: int, usual: float, what: str = "for this automation") -> str:
    """Empty where it is not."""
    if an_hour > settings.BRAKE_AN_HOUR:
        return f"{an_hour} messages within an hour; more than {settings.BRAKE_AN_HOUR} wait for a second person."
    limit = max(settings.BRAKE_A_DAY, int(TIMES_ITS_USUAL_DAY * usual))
    if a_day > limit:
        return f"{a_day} messages on one day; more than {limit} are unusual {what}."
    return ""


def _put_on_one(wanted: Brake, *, now: datetime) -> Brake | None:
    """None where another process was first."""
    with transaction.atomic():
        brake, is_new = Brake.objects.get_or_create(
            automation=wanted.automation,
            operation=wanted.operation,
            released_at=None,
            dropped_at=None,
            defaults={"put_on_at": now, "why": wanted.why, "count": wanted.count},
        )
        if not is_new:
            return None
        data: dict[str, str | float | bool | None] = {"event": "put_on", "count": brake.count}
        ledger.write(LedgerEntry.Kind.BRAKE, about=brake, by=actors.CLOCK, now=now, data=data)
    logger.warning("%s: %s", brake, brake.why)
    return brake


# --- Counting -----------------------------------------------------------------------------------------------------------


def _least() -> int:
    """Below this nothing is ever braked."""
    return int(min(settings.BRAKE_A_DAY, settings.BRAKE_AN_HOUR))


def _count_due(now: datetime) -> tuple[dict[int, int], set[int]]:
    """How many of each automation; and the operations of which something is due, which were counted when they began."""
    counted = _due_of_each(now=now)
    automations = {automation: number for automation, operation, number in counted if operation is None}
    return automations, {operation for _, operation, _ in counted if operation is not None}


@WrittenOnce
def _due_of_each() -> QuerySet[Any, tuple[Any, ...]]:
    rows = Message.objects.due(moment("now")).filter(Q(automation__isnull=False) | Q(operation__isnull=False))
    return rows.order_by().values_list("automation", "operation").annotate(number=Count("pk"))


def _count_sent(automations: Collection[int], *, since: datetime) -> dict[int, int]:
    return dict(_sent_of_each(automations=automations, since=since)) if automations else {}


@WrittenOnce
def _sent_of_each() -> QuerySet[Any, tuple[int, int]]:
    sent = Message.objects.filter(automation__in=ids("automations"), operation__isnull=True)
    sent = sent.filter(sent_at__gte=moment("since"))
    return sent.order_by().values_list("automation").annotate(number=Count("pk"))


def _count_beyond_release(automations: Collection[int], *, since: datetime) -> defaultdict[int, int]:
    """Less what a person let go in that time, sent or not yet; so it can be less than nothing."""
    released = Brake.objects.filter(automation__in=automations, released_at__gte=since).order_by()
    counts = defaultdict(int, _count_sent(automations, since=since))
    for pk, number in released.values_list("automation").annotate(number=Sum("released_count")):
        counts[pk] -= number
    return counts


def _usual_days(automations: Collection[int], *, now: datetime) -> dict[int, float]:
    """The median of the days in the last thirty on which it sent anything; today does not count."""
    midnight = _midnight(now)
    rows = (
        Message.objects.filter(automation__in=automations, operation__isnull=True)
        .filter(sent_at__gte=midnight - DAYS, sent_at__lt=midnight)
        .order_by()
        .values_list("automation", TruncDate("sent_at", tzinfo=timezone.get_default_timezone()))
        .annotate(number=Count("pk"))
    )
    days: defaultdict[int, list[int]] = defaultdict(list)
    for automation, _, number in rows:
        days[automation].append(number)
    return {automation: median(numbers) for automation, numbers in days.items()}


def _midnight(now: datetime) -> datetime:
    return working_days.midnight(working_days.today(now))


# --- What a second person does ------------------------------------------------------------------------------------------


def first_persons(brake: Brake) -> frozenset[int]:
    """Who cannot release it: who began the operation; or who set off most of what waits, and who changed the automation
    last, as far as the pages recorded it."""
    if brake.operation is not None:
        return frozenset({brake.operation.by_id})
    moved = waiting_of(brake).filter(stage_change__actor_kind=ActorKind.PERSON, stage_change__moved_by__isnull=False)
    most = moved.order_by().values_list("stage_change__moved_by").annotate(number=Count("pk")).order_by("-number")[:1]
    changes = LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(Automation), object_id=str(brake.automation_id)
    )
    changed = changes.order_by("-action_time", "-pk").values_list("user", flat=True)[:1]
    return frozenset({*(person for person, _ in most), *changed})


def waiting_of(brake: Brake) -> QuerySet[Message]:
    """What it holds."""
    waiting = Message.objects.waiting()
    if brake.operation_id is not None:
        return waiting.filter(operation=brake.operation_id)
    return waiting.filter(automation=brake.automation_id)


def release(brake: Brake, *, reason: str, by: User, now: datetime) -> Brake | Refusal:
    """What waits goes its way, each at its time and through the gate."""
    if not reason.strip():
        return Refusal("Say why this many messages are right, so that others know.")
    if by.pk in first_persons(brake):
        return Refusal(
            "You set this off, or changed the automation last. A second person looks at it; you can drop it."
        )
    with transaction.atomic():
        due = waiting_of(brake).filter(due_at__lte=now).count()
        ended = Brake.objects.on().filter(pk=brake.pk)
        if not ended.update(released_at=now, released_by=by, released_count=due, reason=reason.strip()):
            return _ended_already()
        _log(brake, by=by, now=now, event="released", count=due)
    brake.refresh_from_db()
    return brake


def drop(brake: Brake, *, reason: str, by: User, now: datetime) -> int | Refusal:
    """Nothing of what waits leaves. Whoever would otherwise never hear how it ended is handed to a person. Returns how many
    messages it was."""
    if not reason.strip():
        return Refusal("Say why these messages are not sent, so that others know.")
    with transaction.atomic():
        ended = Brake.objects.on().filter(pk=brake.pk)
        if not ended.update(dropped_at=now, dropped_by=by, reason=reason.strip()):
            return _ended_already()
        waiting = waiting_of(brake).order_by("pk")
        dropped = sum(_drop_one(pk, by=by, now=now) for pk in list(waiting.values_list("pk", flat=True)))
        if brake.operation_id is not None:
            _end_operation(brake.operation_id, by=by, now=now)
        _log(brake, by=by, now=now, event="dropped", count=dropped)
    brake.refresh_from_db()
    return dropped


def end_with_undo(operation: Operation, *, by: User, now: datetime) -> None:
    """Undone, an operation sends nothing, so nobody has to look at it any more."""
    on = Brake.objects.on().filter(operation=operation)
    ended = [
        brake for brake in on if on.filter(pk=brake.pk).update(dropped_at=now, dropped_by=by, reason="It was undone.")
    ]
    for brake in ended:
        _log(brake, by=by, now=now, event="dropped", count=0)


def _end_operation(operation_id: int, *, by: User, now: datetime) -> None:
    """Whoever has not had their turn stays as they are."""
    to_do = OperationItem.objects.filter(operation=operation_id, state=OperationItem.State.TO_DO)
    to_do.update(state=OperationItem.State.DROPPED, sentence=DROPPED.format(by=by), done_at=now)
    Operation.objects.filter(pk=operation_id, finished_at__isnull=True).update(finished_at=now)


def _drop_one(message_id: int, *, by: User, now: datetime) -> int:
    # Application first, as everybody takes them.
    Application.objects.select_for_update(of=("self",)).get(messages=message_id)
    message = Message.objects.select_related("application__job__recruiter", "application__job__coordinator").get(
        pk=message_id
    )
    sentence = DROPPED.format(by=by)
    tells = message.touchpoint in TELLS_THE_OUTCOME
    status = Status.HELD if tells else Status.CANCELLED
    waiting = Message.objects.filter(pk=message_id, status=Status.SCHEDULED)
    if not waiting.update(status=status, status_at=now, status_reason=sentence):
        return 0
    if tells:
        finding = Finding(
            code="brake_dropped",
            sentence=f"{sentence} The candidate still waits to hear how it ended.",
            outcome=Outcome.HAND_OFF,
        )
        gate.hand_off(message, findings=[finding], reserve=Reserve.PERSON_SENDS, now=now)
    return 1


def _ended_already() -> Refusal:
    return Refusal("Somebody released or dropped it already. Nothing was changed by you.")


def _log(brake: Brake, *, by: User, now: datetime, event: str, count: int) -> None:
    data: dict[str, str | float | bool | None] = {"event": event, "count": count}
    ledger.write(LedgerEntry.Kind.BRAKE, about=brake, by=actors.person(by.pk), now=now, data=data)


def held(brake: Brake, *, now: datetime) -> dict[str, int]:
    """For the page: how much waits, and how much of it would leave at once."""
    return waiting_of(brake).aggregate(all=Count("pk"), due=Count("pk", filter=Q(due_at__lte=now)))
