"""What settles an uncertain message: the provider's own word, or a person's.

Each is one conditional update that names the source status, and one line in the ledger in the same transaction, so that
a repeat that somebody wanted can be told from a fault. Of two who settle it at once, the second learns who was first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from messaging import gate, ledger
from messaging.delivery import doorbell
from messaging.models import Attempt, HandOff, LedgerEntry, Message
from messaging.policy.decision import Finding, Origin, Outcome
from messaging.policy.floor import TELLS_THE_OUTCOME, Reserve
from pipeline import actors, moves
from pipeline.actors import Actor
from pipeline.models import Application, User
from pipeline.outcomes import Refusal

Status = Message.Status

# What a person or a provider settled, as the ledger calls it.
SENT, NOT_SENT, SEND_AGAIN = "sent", "not_sent", "send_again"


def hold(message_id: int) -> Message:
    """The message as it is now, and nobody else changes it until the transaction ends. The application first, as
    everybody takes them."""
    Application.objects.select_for_update(of=("self",)).get(messages=message_id)
    related = "application__candidate", "application__job__recruiter", "application__job__coordinator"
    return Message.objects.select_related(*related).get(pk=message_id)


def note_told(messages: Sequence[Message], *, now: datetime) -> None:
    """What follows from mails that were sent: whoever got one of these knows the outcome, if that is what it says."""
    telling: defaultdict[int | None, list[int]] = defaultdict(list)
    for message in messages:
        if message.touchpoint in TELLS_THE_OUTCOME:
            telling[message.written_by_id].append(message.application_id)
    told: list[int] = []
    for writer, applications in telling.items():
        by = actors.person(writer) if writer else actors.CLOCK
        told += moves.record_told_many(applications, how=Application.ToldHow.MAIL, by=by, now=now)
    # Who wrote to them beside an open hand-off answered that as well.
    for application_id in gate.unsettled(told):
        gate.resettle(application_id, now=now)


# --- By a person -------------------------------------------------------------------------------------------------------


def say_it_was_sent(message: Message, *, by: User, now: datetime) -> Message | Refusal:
    """A person found out that it was sent: from the provider, or from the candidate."""
    with transaction.atomic():
        current = hold(message.pk)
        if current.status != Status.UNCERTAIN:
            return _settled_already(current)
        reason = f"{by} says that it was sent."
        # First, because the database asks for the person's word.
        _write_down(current, SENT, attempt=_last_uncertain(current), by=actors.person(by.pk), now=now)
        _become_sent(current, attempt=_last_uncertain(current), reason=reason, now=now)
        _close_hand_off(current, note=reason, by=by, now=now)
        current.refresh_from_db()
    return current


def send_again(message: Message, *, by: User, now: datetime) -> Message | Refusal:
    """A person accepts that the candidate may get it twice. It is scheduled for now, and the gate is asked as always."""
    with transaction.atomic():
        current = hold(message.pk)
        if current.status != Status.UNCERTAIN:
            return _settled_already(current)
        attempt = _last_uncertain(current)
        reason = f"{by} has it sent again and accepts that it may arrive twice."
        _write_down(current, SEND_AGAIN, attempt=attempt, by=actors.person(by.pk), now=now)
        Message.objects.filter(pk=current.pk, status=Status.UNCERTAIN).update(
            status=Status.SCHEDULED, status_at=now, due_at=now, status_reason=reason, risk_accepted=attempt.number
        )
        _close_hand_off(current, note=reason, by=by, now=now)
        doorbell.ring()
        current.refresh_from_db()
    return current


# --- By the provider ---------------------------------------------------------------------------------------------------


def prove_sent(message: Message, attempt: Attempt, *, provider_message_id: str, now: datetime) -> None:
    """The provider reports a mail as taken whose attempt nobody could prove. Call it inside `hold`'s transaction. One that
    waits to be tried again is not tried again."""
    Message.objects.filter(pk=message.pk, status=Status.SCHEDULED).update(status=Status.UNCERTAIN, status_at=now)
    _finish(attempt, Attempt.Outcome.ACCEPTED, provider_message_id=provider_message_id)
    _become_sent(message, attempt=attempt, reason="The provider reported it.", now=now)
    _write_down(message, SENT, attempt=attempt, by=actors.CLOCK, now=now)
    _close_hand_off(message, note="The provider reported that it was sent.", by=None, now=now)


def prove_not_sent(message: Message, attempt: Attempt, *, detail: str, now: datetime) -> None:
    """The provider reports that it did not send the mail of this attempt. The message has failed when that was the last
    one that could have been accepted, and a person takes over."""
    _finish(attempt, Attempt.Outcome.REJECTED, provider_message_id="")
    _write_down(message, NOT_SENT, attempt=attempt, by=actors.CLOCK, now=now)
    if message.attempts.uncertain().exists():
        return
    finding = Finding(
        code="failed",
        sentence=f"This mail was not sent, as the provider reports. {detail}".strip(),
        outcome=Outcome.HAND_OFF,
    )
    failed = Message.objects.filter(pk=message.pk, status=Status.UNCERTAIN).update(
        status=Status.FAILED, status_at=now, status_reason=finding.sentence[:500]
    )
    if failed:
        _close_hand_off(message, note="The provider reported that it was not sent.", by=None, now=now)
        reserve = Reserve.PERSON_WRITES if message.origin == Origin.PERSON else Reserve.PERSON_SENDS
        gate.hand_off(message, findings=[finding], reserve=reserve, now=now)


# --- What they share ---------------------------------------------------------------------------------------------------


def _last_uncertain(message: Message) -> Attempt:
    return message.attempts.uncertain().order_by("-number")[0]


def _become_sent(message: Message, *, attempt: Attempt, reason: str, now: datetime) -> None:
    Message.objects.filter(pk=message.pk, status=Status.UNCERTAIN).update(
        status=Status.SENT, status_at=now, sent_at=attempt.started_at, status_reason=reason
    )
    note_told([message], now=now)


def _finish(attempt: Attempt, outcome: Attempt.Outcome, *, provider_message_id: str) -> None:
    Attempt.objects.filter(pk=attempt.pk, outcome=Attempt.Outcome.UNCERTAIN).update(
        outcome=outcome, provider_message_id=provider_message_id
    )


def _write_down(message: Message, decision: str, *, attempt: Attempt, by: Actor, now: datetime) -> None:
    data: dict[str, ledger.Plain] = {"decision": decision, "attempt": attempt.number}
    ledger.write(LedgerEntry.Kind.RESOLVED, about=message, by=by, now=now, data=data)


def _close_hand_off(message: Message, *, note: str, by: User | None, now: datetime) -> None:
    """Its question is answered; whoever was to answer it need not."""
    message.hand_offs.open().update(status=HandOff.Status.NOT_NEEDED, closed_at=now, closed_by=by, note=note)


def _settled_already(message: Message) -> Refusal:
    """For who was not the first, and for a message that never was uncertain."""
    entry = LedgerEntry.objects.filter(kind=LedgerEntry.Kind.RESOLVED, subject=f"message:{message.pk}").last()
    status = message.get_status_display().lower()
    if entry is None:
        return Refusal(f"This message is {status}, so there is nothing to settle.")
    person = User.objects.filter(pk=entry.actor_id or 0).first()  # 0: the provider, through a machine
    said = {
        SENT: "said that it was sent",
        NOT_SENT: "said that it was not sent",
        SEND_AGAIN: "had it sent again",
    }[entry.data["decision"]]
    return Refusal(
        f"{person or 'The provider'} already {said}. The message is {status} now; nothing was changed by you."
    )
