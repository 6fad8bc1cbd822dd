"""Cancelling what waits: once, and never so that a candidate is forgotten."""

from datetime import timedelta

import pytest

from messaging import gate, handoffs, outgoing
from messaging.models import HandOff, Message
from pipeline.outcomes import Refusal
from tests.factories import NOW, OWN_WORDS, make_hand_off, make_message, make_sender
from tests.guards_off import force

pytestmark = pytest.mark.django_db

Status = Message.Status


def test_a_scheduled_message_is_cancelled_and_says_by_whom() -> None:
    message, by = make_message(), make_sender(first_name="Rita", last_name="Okafor")
    cancelled = outgoing.cancel(message, by=by, now=NOW)
    assert isinstance(cancelled, Message)
    assert (cancelled.status, cancelled.status_reason) == (Status.CANCELLED, "Rita Okafor cancelled it before it left.")
    assert gate.clear(message.pk, now=NOW + timedelta(days=1)) is None


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.SCHEDULED}))
def test_what_does_not_wait_is_not_cancelled(status: str) -> None:
    message, by = make_message(), make_sender()
    force(Message.objects.all(), status=status, status_reason="As it was.", recipient="kim@example.com")
    answer = outgoing.cancel(message, by=by, now=NOW)
    assert isinstance(answer, Refusal)
    assert "cannot be cancelled" in answer.sentence
    assert Message.objects.get().status_reason == "As it was."
    force(Message.objects.all(), status=Status.SCHEDULED)
    assert isinstance(outgoing.cancel(message, by=by, now=NOW), Message)


def test_an_answer_that_is_cancelled_gives_the_task_back() -> None:
    hand_off, by = make_hand_off(), make_sender(first_name="Rita", last_name="Okafor")
    answer = handoffs.answer(hand_off, subject="Hello", body=OWN_WORDS, by=by, now=NOW)
    assert isinstance(answer, Message)
    outgoing.cancel(answer, by=by, now=NOW)
    task = HandOff.objects.open().get()
    assert (task.application_id, task.touchpoint, task.reserve) == (
        hand_off.application_id,
        hand_off.touchpoint,
        hand_off.reserve,
    )
    assert task.sentences == [
        "Rita Okafor cancelled the answer to this hand-off before it left, so the candidate still waits for one."
    ]
    answered = handoffs.answer(task, subject="Hello", body=OWN_WORDS, by=by, now=NOW)
    assert isinstance(answered, Message)


def test_a_message_that_answers_nothing_leaves_no_task_behind() -> None:
    outgoing.cancel(make_message(), by=make_sender(), now=NOW)
    assert not HandOff.objects.exists()
