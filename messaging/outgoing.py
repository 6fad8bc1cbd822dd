"""What people do with a message that waits: hold it, let it go on, give it another time, send it now, or cancel it.
None of it passes the gate by: a message of an automation stays one, and what is reserved becomes a hand-off, whoever is in
a hurry. And nothing gets lost by it: a hold has an end."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Least

from messaging import gate, ledger
from messaging.delivery import doorbell
from messaging.delivery.resolving import hold as take
from messaging.gate import Case
from messaging.models import Attempt, HandOff, Hold, LedgerEntry, Message
from messaging.models.message import MessageQuerySet
from messaging.policy.decision import Finding, Origin, Outcome
from messaging.policy.floor import Reserve
from pipeline.actors import person
from pipeline.models import User
from pipeline.outcomes import Refusal

Status = Message.Status

# A candidate who waits longer than this for a word waits for a decision; what is older than that when it is due goes to a
# person, see STALE_AFTER in the policy.
LONGEST_HOLD = timedelta(days=14)
LONGEST_POSTPONEMENT = timedelta(days=60)


def cancel(message: Message, *, by: User, now: datetime) -> Message | Refusal:
    """Stops a scheduled message. Where it was the answer to a hand-off, the candidate still waits for a person, so the
    task comes back as a new hand-off. One that was tried before and may have left is uncertain then, not cancelled."""
    with transaction.atomic():
        if message.attempts.uncertain().exists():
            findings = [_called_off(by), gate.cannot_be_proven("")]
            if gate.leave_in_doubt(message, findings=findings, reserve=Reserve.PERSON_SENDS, now=now):
                message.refresh_from_db()
                return message
        cancelled = Message.objects.filter(pk=message.pk, status=Status.SCHEDULED).update(
            status=Status.CANCELLED, status_at=now, status_reason=_cancelled_by(by)
        )
        message.refresh_from_db(fields=["status", "status_at", "status_reason"])
        if not cancelled:
            return Refusal(f"{message} is {message.get_status_display().lower()} by now, so it cannot be cancelled.")
        ledger.write(LedgerEntry.Kind.CANCELLED, about=message, by=person(by.pk), now=now)
        answered = HandOff.objects.filter(answer=message).order_by("pk").last()
        if answered is not None:
            gate.hand_off(message, findings=[_taken_back(by)], reserve=answered.reserve, now=now)
    return message


def cancel_many(messages: MessageQuerySet, *, by: User, now: datetime) -> None:
    """`cancel` for what automations planned and waits, with a number of queries that does not grow with it. The caller holds
    the applications."""
    waiting = messages.waiting().filter(origin=Origin.AUTOMATION).order_by("pk")
    for tried in waiting.filter(attempts__outcome=Attempt.Outcome.UNCERTAIN).distinct():
        cancel(tried, by=by, now=now)
    cancelled = list(waiting)
    Message.objects.filter(pk__in=[message.pk for message in cancelled], status=Status.SCHEDULED).update(
        status=Status.CANCELLED, status_at=now, status_reason=_cancelled_by(by)
    )
    ledger.write_many(LedgerEntry.Kind.CANCELLED, about=cancelled, by=person(by.pk), now=now)


def hold(message: Message, *, reason: str, until: datetime, by: User, now: datetime) -> Hold | Refusal:
    """Keeps a scheduled message until then; at the end it goes on by itself, through the gate. A second hold takes the place
    of the first."""
    if not reason.strip():
        return Refusal("Say in a few words why it waits, so that the next person knows.")
    if not now < until <= now + LONGEST_HOLD:
        return Refusal(
            f"A message is held for at most {LONGEST_HOLD.days} days, and not into the past. Postpone it, or cancel it."
        )
    with transaction.atomic():
        current = take(message.pk)
        if current.status != Status.SCHEDULED:
            return _gone(current)
        _end_hold(current, by=by, now=now)
        held = Hold.objects.create(message=current, reason=reason.strip(), held_by=by, held_at=now, until_at=until)
        _write_down(current, "hold", by=by, now=now, data={"until": until.isoformat()})
    return held


def release(message: Message, *, by: User, now: datetime) -> Message | Refusal:
    """Ends a hold early. The message has kept its time, so it may leave at once."""
    with transaction.atomic():
        current = take(message.pk)
        if current.status != Status.SCHEDULED:
            return _gone(current)
        if not Hold.objects.on(now).filter(message=current).exists():
            return Refusal(f"{current} is not on hold any more.")
        _end_hold(current, by=by, now=now)
        _write_down(current, "release", by=by, now=now)
        if current.due_at <= now:
            doorbell.ring()
    return current


def postpone(message: Message, *, to: datetime, by: User, now: datetime) -> Message | Refusal:
    """Gives a scheduled message another time."""
    if not now < to <= now + LONGEST_POSTPONEMENT:
        return Refusal(f"Choose a time in the future, at most {LONGEST_POSTPONEMENT.days} days from now.")
    with transaction.atomic():
        current = take(message.pk)
        if not Message.objects.filter(pk=current.pk, status=Status.SCHEDULED).update(due_at=to):
            return _gone(current)
        data = {"from": current.due_at.isoformat(), "to": to.isoformat()}
        _write_down(current, "postpone", by=by, now=now, data=data)
        current.refresh_from_db(fields=["due_at"])
    return current


def put_back(message: Message, *, by: User, now: datetime) -> Message | Refusal:
    """Undoes a postponement: the message has its earlier time again, and leaves at once where that is over by now."""
    with transaction.atomic():
        current = take(message.pk)
        earlier = _postponed(by=by, now=now).get(current.pk)
        if earlier is None or current.status != Status.SCHEDULED or not _has_kept(current, earlier):
            return Refusal(f"{current} cannot be put back any more. Give it another time.")
        due_at = datetime.fromisoformat(earlier["from"])
        Message.objects.filter(pk=current.pk, status=Status.SCHEDULED).update(due_at=due_at)
        data = {"from": earlier["to"], "to": earlier["from"]}
        _write_down(current, "put_back", by=by, now=now, data=data)
        current.refresh_from_db(fields=["due_at"])
        if due_at <= now:
            doorbell.ring()
    return current


def can_be_put_back(*, by: User, now: datetime) -> list[Message]:
    """What this person postponed last, at once, as far as it still has the time that they gave it."""
    acts = _postponed(by=by, now=now)
    waiting = Message.objects.waiting().filter(pk__in=acts).select_related("application__candidate").order_by("pk")
    return [message for message in waiting if _has_kept(message, acts[message.pk])]


def _has_kept(message: Message, act: dict[str, str]) -> bool:
    return message.due_at == datetime.fromisoformat(act["to"])


def _postponed(*, by: User, now: datetime) -> dict[int, dict[str, str]]:
    """What the ledger says of each message that this person postponed last, at once; empty where that is too long ago."""
    since = now - timedelta(minutes=settings.UNDO_MINUTES)
    mine = LedgerEntry.objects.filter(
        kind=LedgerEntry.Kind.RESCHEDULED, actor_id=by.pk, at__gt=since, at__lte=now, data__act="postpone"
    ).order_by("-at", "-pk")
    last = mine.first()
    if last is None:
        return {}
    return {int(entry.subject.partition(":")[2]): entry.data for entry in mine.filter(at=last.at)}


def send_now(message: Message, *, by: User, now: datetime) -> Case | Refusal:
    """Makes a scheduled message due, and ends its hold. It is still what it was: the gate is asked at once, so that what is
    reserved becomes somebody's task, and again when it leaves."""
    with transaction.atomic():
        current = take(message.pk)
        if current.written_by is not None and current.written_by != by:
            return Refusal(f"{current.written_by} wrote this and may still take it back. It leaves by itself.")
        # Never later than it was: what is too old to be sent stays too old.
        due = Message.objects.filter(pk=current.pk, status=Status.SCHEDULED).update(due_at=Least("due_at", now))
        if not due:
            return _gone(current)
        _end_hold(current, by=by, now=now)
        _write_down(current, "send_now", by=by, now=now, data={"from": current.due_at.isoformat()})
        case = gate.settle(current, now=now)
        doorbell.ring()
    return case


def _end_hold(message: Message, *, by: User, now: datetime) -> None:
    """Also one that is over: it ended when it was to end, and nobody ended it."""
    open_holds = Hold.objects.filter(message=message, released_at__isnull=True)
    open_holds.filter(until_at__gt=now).update(released_at=now, released_by=by)
    open_holds.update(released_at=F("until_at"))


def _write_down(message: Message, act: str, *, by: User, now: datetime, data: dict[str, str] | None = None) -> None:
    acted: dict[str, ledger.Plain] = {"act": act, **(data or {})}
    ledger.write(LedgerEntry.Kind.RESCHEDULED, about=message, by=person(by.pk), now=now, data=acted)


def _gone(message: Message) -> Refusal:
    return Refusal(f"{message} is {message.get_status_display().lower()} by now, so nothing was changed.")


def _cancelled_by(by: User) -> str:
    return f"{by} cancelled it before it left."


def _called_off(by: User) -> Finding:
    return Finding(
        code="repeat_cancelled", sentence=f"{by} cancelled that it is tried again.", outcome=Outcome.HAND_OFF
    )


def _taken_back(by: User) -> Finding:
    sentence = f"{by} cancelled the answer to this hand-off before it left, so the candidate still waits for one."
    return Finding(code="answer_cancelled", sentence=sentence, outcome=Outcome.HAND_OFF)
