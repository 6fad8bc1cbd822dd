"""What people do with a message that waits for its time: they can stop it before it leaves, and nothing gets lost by it."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from messaging import gate, ledger
from messaging.models import HandOff, LedgerEntry, Message
from messaging.policy.decision import Finding, Outcome
from messaging.policy.floor import Reserve
from pipeline.actors import person
from pipeline.models import User
from pipeline.outcomes import Refusal

Status = Message.Status


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
            status=Status.CANCELLED, status_at=now, status_reason=f"{by} cancelled it before it left."
        )
        message.refresh_from_db(fields=["status", "status_at", "status_reason"])
        if not cancelled:
            return Refusal(f"{message} is {message.get_status_display().lower()} by now, so it cannot be cancelled.")
        ledger.write(LedgerEntry.Kind.CANCELLED, about=message, by=person(by.pk), now=now)
        answered = HandOff.objects.filter(answer=message).order_by("pk").last()
        if answered is not None:
            gate.hand_off(message, findings=[_taken_back(by)], reserve=answered.reserve, now=now)
    return message


def _called_off(by: User) -> Finding:
    return Finding(
        code="repeat_cancelled", sentence=f"{by} cancelled that it is tried again.", outcome=Outcome.HAND_OFF
    )


def _taken_back(by: User) -> Finding:
    sentence = f"{by} cancelled the answer to this hand-off before it left, so the candidate still waits for one."
    return Finding(code="answer_cancelled", sentence=sentence, outcome=Outcome.HAND_OFF)
