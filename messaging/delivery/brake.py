"""The brake: an automation that would send far more than usual stops until a second person releases or drops it.

Counted for each automation when a drain begins: what left lately and what is due now. More than BRAKE_AN_HOUR in an hour,
or on one day more than five times its usual day (at least BRAKE_A_DAY), puts the brake on. What a person released does not
count again.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection
from datetime import datetime, timedelta
from statistics import median

from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Count, Q, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from messaging import gate, ledger, working_days
from messaging.models import Automation, Brake, LedgerEntry, Message
from messaging.policy.decision import Finding, Outcome
from messaging.policy.floor import TELLS_THE_OUTCOME, Reserve
from pipeline import actors
from pipeline.actors import ActorKind
from pipeline.models import Application, User
from pipeline.outcomes import Refusal

logger = logging.getLogger(__name__)

Status = Message.Status

HOUR = timedelta(hours=1)
DAYS = timedelta(days=30)
TIMES_ITS_USUAL_DAY = 5
# What stands on the page about a message that was dropped.
DROPPED = "The brake held it and {by} dropped it."


def put_on_where_needed(*, now: datetime) -> list[Brake]:
    """Two queries where nothing runs away, and a constant number for all automations that might."""
    due = _count_due(now)
    sent = _count_sent(due, since=min(_midnight(now), now - HOUR))
    suspects = {pk for pk, number in due.items() if number + sent.get(pk, 0) > _least()}
    return _put_on(suspects, due, now=now) if suspects else []


def _put_on(suspects: Collection[int], due: dict[int, int], *, now: datetime) -> list[Brake]:
    usual = _usual_days(suspects, now=now)
    an_hour = _count_beyond_release(suspects, since=now - HOUR)
    a_day = _count_beyond_release(suspects, since=_midnight(now))
    brakes = []
    for automation in Automation.objects.filter(pk__in=suspects):
        pk = automation.pk
        why = _why_unusual(an_hour=an_hour[pk] + due[pk], a_day=a_day[pk] + due[pk], usual=usual.get(pk, 0))
        if why and (brake := _put_on_one(automation, why, count=due[pk], now=now)):
            brakes.append(brake)
    return brakes


def _why_unusual(*, an_hour: int, a_day: int, usual: float) -> str:
    """Empty where it is not."""
    if an_hour > settings.BRAKE_AN_HOUR:
        return f"{an_hour} messages within an hour; more than {settings.BRAKE_AN_HOUR} wait for a second person."
    limit = max(settings.BRAKE_A_DAY, int(TIMES_ITS_USUAL_DAY * usual))
    if a_day > limit:
        return f"{a_day} messages on one day; more than {limit} are unusual for this automation."
    return ""


def _put_on_one(automation: Automation, why: str, *, count: int, now: datetime) -> Brake | None:
    """None where another process was first."""
    with transaction.atomic():
        brake, is_new = Brake.objects.get_or_create(
            automation=automation,
            released_at=None,
            dropped_at=None,
            defaults={"put_on_at": now, "why": why, "count": count},
        )
        if not is_new:
            return None
        data: dict[str, str | float | bool | None] = {"event": "put_on", "count": count}
        ledger.write(LedgerEntry.Kind.BRAKE, about=brake, by=actors.CLOCK, now=now, data=data)
    logger.warning("The brake is on for automation %s: %s", automation.pk, why)
    return brake


# --- Counting -----------------------------------------------------------------------------------------------------------


def _least() -> int:
    """Below this nothing is ever braked."""
    return int(min(settings.BRAKE_A_DAY, settings.BRAKE_AN_HOUR))


def _count_due(now: datetime) -> dict[int, int]:
    rows = Message.objects.due(now).filter(automation__isnull=False).order_by().values_list("automation")
    return dict(rows.annotate(number=Count("pk")))


def _count_sent(automations: Collection[int], *, since: datetime) -> dict[int, int]:
    rows = Message.objects.filter(automation__in=automations, sent_at__gte=since).order_by().values_list("automation")
    return dict(rows.annotate(number=Count("pk")))


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
        Message.objects.filter(automation__in=automations, sent_at__gte=midnight - DAYS, sent_at__lt=midnight)
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
    """Who cannot release it: who set off most of what waits, and who changed the automation last, as far as the pages
    recorded it."""
    waiting = Message.objects.waiting().filter(automation=brake.automation_id)
    moved = waiting.filter(stage_change__actor_kind=ActorKind.PERSON, stage_change__moved_by__isnull=False)
    most = moved.order_by().values_list("stage_change__moved_by").annotate(number=Count("pk")).order_by("-number")[:1]
    changes = LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(Automation), object_id=str(brake.automation_id)
    )
    changed = changes.order_by("-action_time", "-pk").values_list("user", flat=True)[:1]
    return frozenset({*(person for person, _ in most), *changed})


def release(brake: Brake, *, reason: str, by: User, now: datetime) -> Brake | Refusal:
    """What waits goes its way, each at its time and through the gate."""
    if not reason.strip():
        return Refusal("Say why this many messages are right, so that others know.")
    if by.pk in first_persons(brake):
        return Refusal(
            "You set this off, or changed this automation last. A second person looks at it; you can drop it."
        )
    with transaction.atomic():
        due = Message.objects.waiting().filter(automation=brake.automation_id, due_at__lte=now).count()
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
        waiting = Message.objects.waiting().filter(automation=brake.automation_id).order_by("pk")
        dropped = sum(_drop_one(pk, by=by, now=now) for pk in list(waiting.values_list("pk", flat=True)))
        _log(brake, by=by, now=now, event="dropped", count=dropped)
    brake.refresh_from_db()
    return dropped


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
    waiting = Message.objects.waiting().filter(automation=brake.automation_id)
    return waiting.aggregate(all=Count("pk"), due=Count("pk", filter=Q(due_at__lte=now)))
