"""What people do with a hand-off: write to the candidate, tell them by phone, or say why nothing is needed.

A hand-off is closed by one conditional update; of two people who press send at once, the second learns who was first.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from django.conf import settings
from django.db import transaction

from messaging import drafts, gate, ledger, working_days
from messaging.delivery import doorbell
from messaging.gate import Case
from messaging.models import HandOff, LedgerEntry, Message, Release, Snooze
from messaging.policy.decision import Origin, Outcome
from messaging.policy.floor import TELLS_THE_OUTCOME
from messaging.wording.fingerprint import text_fingerprint
from pipeline import moves
from pipeline.actors import person
from pipeline.models import Application, Interview, User
from pipeline.outcomes import Refusal

Status = HandOff.Status

SNOOZE_DAYS = 10  # working days ahead; who needs longer says so to the candidate
REASON_LIMIT = 500  # characters


def draft(application: Application, *, touchpoint: str, subject: str, body: str, by: User, now: datetime) -> Message:
    """An unsaved message of a person, for the gate to look at and for `compose` to send. A signature
    without words above it is no text."""
    return Message(
        application=application,
        touchpoint=touchpoint,
        origin=Origin.PERSON,
        written_by=by,
        subject=subject.strip(),
        body="" if body.strip() == (by.signature or "").strip() else body.strip(),
        created_at=now,
        due_at=now,
        status_at=now,
    )


def draft_answer(hand_off: HandOff, *, subject: str, body: str, by: User, now: datetime) -> Message:
    """The same for a hand-off; the template's stage rules go on to apply."""
    message = draft(hand_off.application, touchpoint=hand_off.touchpoint, subject=subject, body=body, by=by, now=now)
    message.template = hand_off.message.template
    message.stage_change = hand_off.message.stage_change
    return message


def compose(message: Message, *, now: datetime, opened_at: datetime | None = None) -> Message | Case:
    """Schedules a person's own message, for when it cannot be taken back any more. A Case: the gate refused it, its findings
    say why; nothing was saved. It is asked again at departure. `opened_at`: when they opened the page; None: not known."""
    case = gate.preview(message, now=now)
    if case.verdict.outcome is not Outcome.SEND:
        return case
    message.due_at = now + timedelta(seconds=settings.UNDO_SECONDS)
    with transaction.atomic():
        message.save()
        release(message, now=now, opened_at=opened_at)
    doorbell.ring()
    return message


def release(message: Message, *, now: datetime, opened_at: datetime | None = None) -> Release:
    """The writer's act that lets this very text go."""
    by = message.written_by
    if by is None:
        raise ValueError("A message that nobody wrote cannot be let go by its writer.")
    text = text_fingerprint(touchpoint=message.touchpoint, subject=message.subject, body=message.body)
    released = Release.objects.create(
        message=message, released_by=by, released_at=now, fingerprint=text, opened_at=opened_at
    )
    ledger.write(LedgerEntry.Kind.RELEASED, about=message, by=person(by.pk), now=now, data={"fingerprint": text})
    return released


def answer(
    hand_off: HandOff, *, subject: str, body: str, by: User, now: datetime, opened_at: datetime | None = None
) -> Message | Case | Refusal:
    """Answers a hand-off with a message in the person's name, and closes it. `opened_at`: see `compose`."""
    with transaction.atomic():
        refusal = _take(hand_off)
        if refusal is not None:
            return refusal
        composed = compose(
            draft_answer(hand_off, subject=subject, body=body, by=by, now=now), now=now, opened_at=opened_at
        )
        if isinstance(composed, Message):
            _close(hand_off, Status.ANSWERED, by=by, now=now, note="", answer=composed)
    return composed


def tell_by_phone(hand_off: HandOff, *, note: str, by: User, now: datetime) -> HandOff | Refusal:
    """The candidate was called. The call counts as contact, and as having been told where the outcome was the message."""
    if not note.strip():
        return Refusal("Say in a sentence what was said on the phone, so that the next person knows.")
    with transaction.atomic():
        refusal = _take(hand_off)
        if refusal is not None:
            return refusal
        _close(hand_off, Status.TOLD_BY_PHONE, by=by, now=now, note=note.strip())
        moves.log_conversation(
            hand_off.application, kind=Interview.Kind.PHONE, note=note.strip(), by=person(by.pk), now=now
        )
        if hand_off.touchpoint in TELLS_THE_OUTCOME:
            moves.record_told(hand_off.application, how=Application.ToldHow.PHONE, by=person(by.pk), now=now)
    return hand_off


def close_as_not_needed(hand_off: HandOff, *, reason: str, by: User, now: datetime) -> HandOff | Refusal:
    if not reason.strip():
        return Refusal("Say why nothing needs to be sent, so that the next person knows.")
    with transaction.atomic():
        refusal = _take(hand_off)
        if refusal is not None:
            return refusal
        _close(hand_off, Status.NOT_NEEDED, by=by, now=now, note=reason.strip())
    return hand_off


def snooze(hand_off: HandOff, *, until: date, reason: str, by: User, now: datetime) -> HandOff | Refusal:
    """A later due date, for a reason that colleagues can read; the candidate waits longer, so it is written down."""
    if not reason.strip():
        return Refusal("Say why it has to wait, so that the next person knows.")
    if until not in working_days.ahead(now, SNOOZE_DAYS):
        return Refusal(f"Choose one of the next {SNOOZE_DAYS} working days.")
    due_at = working_days.end_of(until)
    with transaction.atomic():
        refusal = _take(hand_off)
        if refusal is not None:
            return refusal
        before = HandOff.objects.get(pk=hand_off.pk).due_at
        if due_at <= before:
            return Refusal("It is due on that day or later already. Choose a later day.")
        _set_due(hand_off, due_at, before=before, reason=reason.strip()[:REASON_LIMIT], by=by, now=now)
    return hand_off


def latest_snooze(hand_off: HandOff) -> Snooze | None:
    """By which it is due when it is due; None where it was not put off, or is due as before again."""
    latest = hand_off.snoozes.select_related("snoozed_by").order_by("pk").last()
    return latest if latest and latest.puts_off and latest.due_after == hand_off.due_at else None


def end_snooze(hand_off: HandOff, *, by: User, now: datetime) -> HandOff | Refusal:
    """Due as before it was put off; both stand in the history."""
    with transaction.atomic():
        refusal = _take(hand_off)
        if refusal is not None:
            return refusal
        snooze = latest_snooze(HandOff.objects.get(pk=hand_off.pk))
        if snooze is None:
            return Refusal("It is not put off any more, so nothing was changed.")
        _set_due(hand_off, snooze.due_before, before=snooze.due_after, reason="", by=by, now=now)
    return hand_off


def _set_due(hand_off: HandOff, due_at: datetime, *, before: datetime, reason: str, by: User, now: datetime) -> None:
    HandOff.objects.filter(pk=hand_off.pk, status=Status.OPEN).update(due_at=due_at)
    Snooze.objects.create(
        hand_off=hand_off, due_before=before, due_after=due_at, reason=reason, snoozed_by=by, snoozed_at=now
    )
    data: dict[str, ledger.Plain] = {
        "due_before": before.astimezone(UTC).isoformat(),
        "due_after": due_at.astimezone(UTC).isoformat(),
    }
    ledger.write(LedgerEntry.Kind.HAND_OFF_SNOOZED, about=hand_off, by=person(by.pk), now=now, data=data)
    hand_off.due_at = due_at


def claim(hand_off: HandOff, *, seen_with: int | None, by: User) -> HandOff | Refusal:
    """Takes it oneself. `seen_with`: whose it was on the page on which that was decided; None for nobody."""
    if not (by.is_active and by.has_perm("messaging.answer_handoff")):
        return Refusal("You may not write to candidates, so a hand-off cannot be yours.")
    taken = HandOff.objects.filter(pk=hand_off.pk, status=Status.OPEN, owner=seen_with).update(owner=by)
    current = HandOff.objects.select_related("owner", "closed_by").get(pk=hand_off.pk)
    if taken or (current.is_open and current.owner_id == by.pk):
        hand_off.owner = by
        return hand_off
    if not current.is_open:
        return closed_already(current)
    return Refusal(f"It went to {current.owner or 'nobody'} a moment ago. Look again before you take it.")


def assign(hand_offs: Sequence[HandOff], *, to: User) -> int | Refusal:
    """Gives hand-offs to a person who can close them. Returns how many changed hands; what is closed stays as it was."""
    if not (to.is_active and to.has_perm("messaging.answer_handoff")):
        return Refusal(f"{to} may not write to candidates, so a hand-off cannot be theirs. Choose somebody else.")
    ids = [hand_off.pk for hand_off in hand_offs]
    others = HandOff.objects.filter(pk__in=ids, status=Status.OPEN).exclude(owner=to)
    return others.update(owner=to)


def closed_already(hand_off: HandOff) -> Refusal:
    """What somebody learns who was not the first to close it."""
    return Refusal(
        f"{hand_off.closed_by or 'The gate'} already closed this hand-off ({hand_off.get_status_display().lower()}). "
        "Nothing was sent or changed by you."
    )


def _take(hand_off: HandOff) -> Refusal | None:
    """Holds the application until the transaction ends, as everybody does first: of two people who press send at once, the
    second waits here and learns who was first."""
    Application.objects.select_for_update(of=("self",)).get(pk=hand_off.application_id)
    current = HandOff.objects.select_related("closed_by").get(pk=hand_off.pk)
    return None if current.is_open else closed_already(current)


def _close(
    hand_off: HandOff, status: HandOff.Status, *, by: User, now: datetime, note: str, answer: Message | None = None
) -> None:
    HandOff.objects.filter(pk=hand_off.pk, status=Status.OPEN).update(
        status=status, closed_at=now, closed_by=by, note=note, answer=answer
    )
    # The message that was stopped has its person now; it never leaves by itself.
    Message.objects.filter(pk=hand_off.message_id, status=Message.Status.HELD).update(
        status=Message.Status.CANCELLED, status_at=now, status_reason=f"{by}: {status.label.lower()}."
    )
    drafts.throw_away(hand_off, by=by)
    hand_off.refresh_from_db()
    data: dict[str, ledger.Plain] = {
        "status": hand_off.status,
        "message": hand_off.message_id,
        "answer": hand_off.answer_id,
    }
    ledger.write(LedgerEntry.Kind.HAND_OFF_CLOSED, about=hand_off, by=person(by.pk), now=now, data=data)
