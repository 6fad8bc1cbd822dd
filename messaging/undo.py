"""Undo: what a person sent leaves a minute later, and until then they can take it back. Nothing else about it differs: it is
let go by its writer when they press send, and the gate is asked again when it leaves."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from messaging import drafts, gate, ledger
from messaging.models import Draft, Escalation, HandOff, LedgerEntry, Message, Snooze
from messaging.policy.decision import Origin
from pipeline import rowwise
from pipeline.actors import person
from pipeline.models import Application, User
from pipeline.outcomes import Refusal

Status = Message.Status


def take_back(message: Message, *, by: User, now: datetime) -> Message | HandOff | Refusal:
    """Undo, by its writer alone and before it leaves. Where it answered a hand-off, the task is back as it was, with the
    text as their draft; that new hand-off is returned."""
    with transaction.atomic():
        # As everybody takes it first; whoever delivers passes over what is held here.
        Application.objects.select_for_update(of=("self",)).get(pk=message.application_id)
        taken = (
            Message.objects.filter(
                pk=message.pk, status=Status.SCHEDULED, origin=Origin.PERSON, written_by=by, due_at__gt=now
            )
            # One that was tried before is scheduled again; it may have left.
            .filter(attempts=None)
            .update(status=Status.CANCELLED, status_at=now, status_reason=f"{by} took it back before it left.")
        )
        message.refresh_from_db(fields=["status", "status_at", "status_reason"])
        if not taken:
            return Refusal(_too_late(message))
        ledger.write(LedgerEntry.Kind.CANCELLED, about=message, by=person(by.pk), now=now, data={"undone": True})
        answered = HandOff.objects.filter(answer=message).order_by("pk").last()
        if answered is None:
            return message
        again = gate.hand_off_again(answered, now=now)
        carry_over({answered.pk: again})
        drafts.save(again, subject=message.subject, body=message.body, note="", by=by, now=now)
    return again


def carry_over(successors: Mapping[int, HandOff]) -> None:
    """From hand-offs that ended to those that take their place: who was asked about a due date is not asked once more, why
    it was put off goes on to be known, and nobody's draft is lost."""
    models: tuple[type[Any], ...] = (Escalation, Snooze, Draft)
    for model in models:
        rowwise.hand_down(model.objects.all(), "hand_off", successors)


def can_be_taken_back(*, by: User, now: datetime) -> list[Message]:
    """What this person sent and can still take back, the newest first."""
    waiting = Message.objects.waiting().filter(origin=Origin.PERSON, written_by=by, due_at__gt=now, attempts=None)
    since = now - timedelta(seconds=settings.UNDO_SECONDS)
    return list(waiting.filter(created_at__gte=since).select_related("application__candidate").order_by("-created_at"))


def _too_late(message: Message) -> str:
    if message.status == Status.SCHEDULED:
        return f"{message} is about to leave, so it cannot be taken back any more."
    return f"{message} is {message.get_status_display().lower()} by now, so it cannot be taken back."
