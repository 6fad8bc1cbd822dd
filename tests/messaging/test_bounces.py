"""A mail that did not arrive is answered once; the gate decides, and no machine repeats what a person wrote."""

from datetime import timedelta

import pytest

from messaging import audit, bounces, drafts, handoffs, ledger, outgoing
from messaging.bounces import How
from messaging.delivery import outbox
from messaging.models import BounceAnswer, HandOff, LedgerEntry, Message
from messaging.policy.floor import Reserve
from pipeline.milestones import Milestone
from pipeline.models import Application, Candidate
from pipeline.outcomes import Refusal
from tests.factories import (
    NOW,
    OWN_WORDS,
    make_application,
    make_candidate,
    make_hand_off,
    make_message,
    make_sender,
    move_to,
)

pytestmark = pytest.mark.django_db

Status = Message.Status
Delivery = Message.Delivery

LATER = NOW + timedelta(hours=3)
NEW = "kim.lee@example.org"


def make_bounced(message: Message | None = None, delivery: int = Delivery.BOUNCED) -> Message:
    """Sent to an address at which nobody is."""
    message = message or make_message()
    outbox.drain(clock=lambda: NOW + timedelta(hours=2))
    Message.objects.filter(pk=message.pk).update(delivery=delivery)
    message.refresh_from_db()
    assert message.status == Status.SENT
    return message


def correct(message: Message) -> None:
    candidate = Candidate.objects.get(pk=message.application.candidate_id)
    assert isinstance(bounces.correct_address(candidate, NEW), Candidate)


def answered(message: Message) -> BounceAnswer:
    answer = bounces.send_again(message, by=make_sender(), now=LATER)
    assert isinstance(answer, BounceAnswer), answer
    return answer


def test_a_corrected_address_is_checked_as_any_other() -> None:
    candidate, other = make_candidate(), make_candidate(email="taken@example.com")
    for text, word in (("kim@", "not a mail address"), ("Taken@Example.com", str(other))):
        refusal = bounces.correct_address(candidate, text)
        assert isinstance(refusal, Refusal)
        assert word in refusal.sentence
    candidate.refresh_from_db()
    assert isinstance(bounces.correct_address(candidate, " Kim.Lee@EXAMPLE.org "), Candidate)
    candidate.refresh_from_db()
    assert (candidate.email, candidate.email_key) == ("Kim.Lee@example.org", NEW)


def test_what_an_automation_sent_is_planned_anew_and_goes_to_the_new_address() -> None:
    message = make_bounced()
    correct(message)
    again = answered(message).again
    assert again is not None
    assert (again.status, again.origin, again.cause) == (Status.SCHEDULED, "automation", f"bounced:{message.pk}")
    assert again.pk in Message.objects.due(LATER).values_list("pk", flat=True)
    outbox.drain(clock=lambda: LATER)
    again.refresh_from_db()
    assert (again.status, again.recipient) == (Status.SENT, NEW)
    assert Application.objects.get(pk=message.application_id).told_at == LATER
    assert LedgerEntry.objects.get(kind="bounce_answered").data == {
        "how": "again",
        "again": again.pk,
        "hand_off": None,
    }


def test_a_repeat_and_a_hold_are_in_order_for_the_audit() -> None:
    message = make_bounced()
    correct(message)
    again = answered(message).again
    assert again is not None
    outgoing.hold(again, reason="Wait.", until=LATER + timedelta(days=1), by=make_sender(), now=LATER)
    outbox.drain(clock=lambda: LATER)
    outbox.drain(clock=lambda: LATER + timedelta(days=1))
    again.refresh_from_db()
    assert again.status == Status.SENT
    ledger.seal(now=LATER + timedelta(days=1))
    assert [one for one in audit.audit() if one.grade is audit.Grade.VIOLATION] == []


def test_it_is_sent_again_once() -> None:
    message = make_bounced()
    assert list(Message.objects.bounced()) == [message]
    correct(message)
    answered(message)
    second = bounces.send_again(message, by=make_sender(), now=LATER)
    assert isinstance(second, Refusal)
    assert "already dealt with it" in second.sentence
    assert Message.objects.filter(cause=f"bounced:{message.pk}").count() == 1
    assert not Message.objects.bounced().exists()


def test_what_is_reserved_by_now_is_not_repeated_but_handed_off() -> None:
    message = make_bounced()
    correct(message)
    move_to(make_application(candidate=message.application.candidate), Milestone.PHONE_SCREEN)
    answer = answered(message)
    assert answer.again is not None
    assert answer.again.status == Status.HELD
    assert answer.hand_off == HandOff.objects.open().get()
    outbox.drain(clock=lambda: LATER)
    assert Message.objects.filter(status=Status.SENT).count() == 1


def test_what_a_person_wrote_becomes_their_task_and_no_machine_repeats_it() -> None:
    writer = make_sender()
    message = handoffs.answer(make_hand_off(), subject="Hello", body=OWN_WORDS, by=writer, now=NOW)
    assert isinstance(message, Message)
    message = make_bounced(message)
    correct(message)
    answer = answered(message)
    assert (answer.how, answer.again) == (How.PERSON, None)
    task = HandOff.objects.open().get()
    assert (task.owner, task.message, task.reserve) == (writer, message, Reserve.PERSON_WRITES)
    assert "did not arrive" in task.sentences[0]
    draft = drafts.find(task, by=writer)
    assert draft is not None
    assert (draft.subject, draft.body) == (message.subject, message.body)
    outbox.drain(clock=lambda: LATER)
    assert Message.objects.filter(status=Status.SENT).count() == 1
    sent_by_hand = handoffs.answer(task, subject="Hello", body=OWN_WORDS, by=writer, now=LATER)
    assert isinstance(sent_by_hand, Message)


def test_to_the_same_address_nothing_is_sent_again() -> None:
    message = make_bounced()
    refusal = bounces.send_again(message, by=make_sender(), now=LATER)
    assert isinstance(refusal, Refusal)
    assert "still the one" in refusal.sentence
    correct(message)
    assert answered(message).how == How.AGAIN


@pytest.mark.parametrize("delivery", [None, Delivery.DELIVERED, Delivery.COMPLAINED])
def test_only_what_did_not_arrive_is_sent_again(delivery: int | None) -> None:
    message = make_bounced()
    correct(message)
    Message.objects.update(delivery=delivery)
    assert isinstance(bounces.send_again(message, by=make_sender(), now=LATER), Refusal)
    Message.objects.update(delivery=Delivery.REJECTED)
    assert answered(message).how == How.AGAIN


def test_a_mail_that_did_not_arrive_told_nobody_and_was_no_news() -> None:
    message = make_bounced()
    application = message.application
    assert Application.objects.get(pk=application.pk).told_at is not None
    correct(message)
    answered(message)
    assert Application.objects.get(pk=application.pk).told_at is None
    Application.objects.update(told_at=NOW, told_how="phone")
    bounces._forget_that_they_were_told(message)
    assert Application.objects.get(pk=application.pk).told_at == NOW


def test_it_can_be_left_as_it_is_for_a_reason() -> None:
    message = make_bounced(delivery=Delivery.COMPLAINED)
    assert isinstance(bounces.leave(message, note=" ", by=make_sender(), now=LATER), Refusal)
    answer = bounces.leave(message, note="They wrote from another address.", by=make_sender(), now=LATER)
    assert isinstance(answer, BounceAnswer)
    assert (answer.how, answer.note) == (How.LEFT, "They wrote from another address.")
    assert not Message.objects.bounced().exists()


def test_what_arrived_has_nothing_to_be_answered() -> None:
    message = make_bounced(delivery=Delivery.DELIVERED)
    assert isinstance(bounces.leave(message, note="Fine.", by=make_sender(), now=LATER), Refusal)
    assert not Message.objects.bounced().exists()
