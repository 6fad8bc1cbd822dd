"""What people do about a mail that did not arrive: correct the address and have it sent again, or leave it as it is.

Each such mail is answered once. What an automation sent is planned anew with the bounce as its cause, and the gate decides
about it as about any other; what a person wrote is never repeated by a machine, so it becomes their task.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from django.db import IntegrityError, transaction

from messaging import drafts, gate, ledger
from messaging.delivery import doorbell
from messaging.delivery.resolving import hold as take
from messaging.gate import Case
from messaging.models import BounceAnswer, HandOff, LedgerEntry, Message
from messaging.policy.decision import Finding, Origin, Outcome, decide
from messaging.policy.floor import TELLS_THE_OUTCOME, Reserve
from pipeline import candidates, moves
from pipeline.actors import person
from pipeline.intake.addresses import canonical_address
from pipeline.models import Application, Candidate, User
from pipeline.outcomes import Refusal

How = BounceAnswer.How


def correct_address(candidate: Candidate, text: str) -> Candidate | Refusal:
    """Checked as an import checks it; one address belongs to one candidate."""
    read = candidates.read_own_address(text, candidate_id=candidate.pk)
    if isinstance(read, Refusal):
        return read
    candidates.give_address(candidate, read)
    try:
        with transaction.atomic():
            candidate.save(update_fields=["email", "email_key", "email_flag"])
    except IntegrityError:
        return Refusal("Another candidate was given this address a moment ago. Look for them before you go on.")
    return candidate


def preview_again(message: Message, *, now: datetime) -> Case | None:
    """What the gate would say to it, sent again to another address. None: a person wrote it, so no machine repeats it."""
    if message.origin == Origin.PERSON:
        return None
    case = gate.preview(_repeat_of(message, now=now), now=now)
    supposed = replace(case.facts, told=case.facts.told and not _was_the_only_word(message), address_problem="")
    return replace(case, facts=supposed, verdict=decide(supposed))


def send_again(message: Message, *, by: User, now: datetime) -> BounceAnswer | Refusal:
    """To the candidate's address of now, which must be another one than it was sent to."""
    with transaction.atomic():
        current = take(message.pk)
        refusal = _why_not_again(current) or _why_not(current)
        if refusal is not None:
            return refusal
        _forget_that_they_were_told(current)
        if current.origin == Origin.PERSON:
            return _answer(current, How.PERSON, by=by, now=now, hand_off=_hand_over(current, by=by, now=now))
        again = _plan_again(current, now=now)
        hand_off = again.hand_offs.open().first()
        return _answer(current, How.AGAIN, by=by, now=now, again=again, hand_off=hand_off)


def leave(message: Message, *, note: str, by: User, now: datetime) -> BounceAnswer | Refusal:
    """Nothing is to be done about it, for a reason that the next person can read."""
    if not note.strip():
        return Refusal("Say in a few words why nothing is to be done, so that the next person knows.")
    with transaction.atomic():
        current = take(message.pk)
        return _why_not(current) or _answer(current, How.LEFT, by=by, now=now, note=note.strip())


def _why_not(message: Message) -> Refusal | None:
    if message.delivery is None or message.delivery < Message.Delivery.REJECTED:
        return Refusal(f"Nobody reported that {message} did not arrive.")
    answered = BounceAnswer.objects.filter(message=message).select_related("answered_by").first()
    if answered is not None:
        said = answered.get_how_display().lower()
        return Refusal(f"{answered.answered_by} already dealt with it ({said}). Nothing was changed by you.")
    return None


def _why_not_again(message: Message) -> Refusal | None:
    if message.delivery not in Message.NOT_ARRIVED:
        return Refusal("Only what did not arrive is sent again.")
    if canonical_address(message.application.candidate.email) == canonical_address(message.recipient):
        return Refusal("The address is still the one that this mail was sent to. Correct it first.")
    return None


def _forget_that_they_were_told(message: Message) -> None:
    if _was_the_only_word(message):
        moves.forget_told_by_mail(message.application)


def _was_the_only_word(message: Message) -> bool:
    """A mail that did not arrive told nobody how it ended, unless another one did."""
    if message.touchpoint not in TELLS_THE_OUTCOME or message.application.told_how != Application.ToldHow.MAIL:
        return False
    others = Message.objects.filter(
        application=message.application_id, touchpoint__in=TELLS_THE_OUTCOME, status=Message.Status.SENT
    ).exclude(pk=message.pk)
    return all(delivery in Message.NOT_ARRIVED for delivery in others.values_list("delivery", flat=True))


def _plan_again(bounced: Message, *, now: datetime) -> Message:
    message = _repeat_of(bounced, now=now)
    message.save(force_insert=True)
    gate.settle(message, now=now)
    doorbell.ring()
    message.refresh_from_db()
    return message


def _repeat_of(bounced: Message, *, now: datetime) -> Message:
    """The same message with the bounce as its cause: one bounce leads to one repeat, by the database's own rule."""
    return bounced.repeat(cause=f"bounced:{bounced.pk}", wording=bounced.wording, due_at=now, now=now)


def _hand_over(message: Message, *, by: User, now: datetime) -> HandOff:
    """To who wrote it, where they still may: their words did not arrive."""
    waiting = message.hand_offs.open().first()
    if waiting is not None:
        return waiting
    sentence = f"This mail did not arrive. {by} corrected the address, and it is yours to send again."
    finding = Finding(code="bounced", sentence=sentence, outcome=Outcome.HAND_OFF)
    hand_off = gate.hand_off(message, findings=[finding], reserve=Reserve.PERSON_WRITES, now=now)
    writer = message.written_by
    if writer is not None and writer.is_active and writer.has_perm("messaging.answer_handoff"):
        HandOff.objects.filter(pk=hand_off.pk, status=HandOff.Status.OPEN).update(owner=writer)
        hand_off.refresh_from_db()
        # Theirs to read again and to send; nothing of it leaves by itself.
        drafts.save(hand_off, subject=message.subject, body=message.body, note="", by=writer, now=now)
    return hand_off


def _answer(message: Message, how: BounceAnswer.How, *, by: User, now: datetime, **more: object) -> BounceAnswer:
    answer = BounceAnswer.objects.create(message=message, how=how, answered_by=by, answered_at=now, **more)
    data: dict[str, ledger.Plain] = {"how": how.value, "again": answer.again_id, "hand_off": answer.hand_off_id}
    ledger.write(LedgerEntry.Kind.BOUNCE_ANSWERED, about=message, by=person(by.pk), now=now, data=data)
    return answer
