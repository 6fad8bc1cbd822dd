"""Taking back what one sent: for a minute, by its writer alone, and the task is there again."""

from datetime import timedelta

import pytest
from pytest_django.fixtures import Settings

from messaging import drafts, escalations, gate, handoffs, undo, working_days
from messaging.delivery import outbox
from messaging.delivery.outcomes import Result
from messaging.models import Attempt, HandOff, Message
from messaging.timeline import timeline_of
from pipeline.models import User
from pipeline.outcomes import Refusal
from tests.factories import NOW, OWN_WORDS, make_application, make_hand_off, make_job, make_message, make_sender

pytestmark = pytest.mark.django_db

Status = Message.Status
MINUTE = timedelta(seconds=60)


@pytest.fixture
def _undo(settings: Settings) -> None:
    settings.UNDO_SECONDS = 60


@pytest.mark.usefixtures("_undo")
class TestTakingBack:
    def test_what_a_person_sends_is_let_go_now_and_leaves_when_the_minute_is_over(self) -> None:
        answer = send(hand_off := make_hand_off(), by=make_sender())
        assert answer.due_at == NOW + MINUTE
        assert answer.release.released_at == NOW
        assert (again(hand_off).status, answer.status) == ("answered", Status.SCHEDULED)
        outbox.drain(clock=lambda: NOW + MINUTE - timedelta(seconds=1))
        # Nor where somebody asks for this very message; it goes on waiting.
        assert isinstance(gate.clear(answer.pk, now=NOW + MINUTE - timedelta(seconds=1)), gate.Case)
        assert (Message.objects.get(pk=answer.pk).status, answer.attempts.count()) == (Status.SCHEDULED, 0)
        outbox.drain(clock=lambda: NOW + MINUTE)
        assert Message.objects.get(pk=answer.pk).status == Status.SENT

    def test_the_task_is_back_as_it_was_with_the_text_as_the_writers_draft(self) -> None:
        hand_off, by, other = make_hand_off(), make_sender(first_name="Rita", last_name="Okafor"), make_sender()
        handoffs.assign([hand_off], to=other)
        hand_off.refresh_from_db()
        answer = send(hand_off, by=by)
        task = undo.take_back(answer, by=by, now=NOW + MINUTE - timedelta(seconds=1))

        assert isinstance(task, HandOff)
        assert task == HandOff.objects.open().get()
        assert (task.message, task.touchpoint) == (hand_off.message, hand_off.touchpoint)
        assert (task.reserve, task.reasons) == (hand_off.reserve, hand_off.reasons)
        assert (task.owner, task.due_at) == (other, hand_off.due_at)
        answer.refresh_from_db()
        assert (answer.status, answer.status_reason) == (
            Status.CANCELLED,
            "Rita Okafor took it back before it left.",
        )
        draft = drafts.find(task, by=by)
        assert draft is not None
        assert (draft.subject, draft.body) == ("Hello", OWN_WORDS)
        outbox.drain(clock=lambda: NOW + timedelta(hours=2))
        assert Message.objects.get(pk=answer.pk).status == Status.CANCELLED
        assert again(hand_off).status == "answered"  # history stays

    def test_who_was_asked_and_why_it_was_put_off_goes_on_to_count(self) -> None:
        recruiter, by = make_sender(), make_sender()
        hand_off = make_hand_off(application=make_application(job=make_job(recruiter=recruiter)))
        handoffs.assign([hand_off], to=by)
        day = working_days.ahead(NOW, 4)[-1]
        handoffs.snooze(hand_off, until=day, reason="The panel meets then.", by=by, now=NOW)
        late = working_days.end_of(day) + MINUTE
        assert escalations.escalate(now=late, at_most=9) == 1
        handoffs.assign([hand_off], to=by)
        hand_off.refresh_from_db()
        answer = handoffs.answer(hand_off, subject="Hello", body=OWN_WORDS, by=by, now=late)
        assert isinstance(answer, Message)
        task = undo.take_back(answer, by=by, now=late)
        assert isinstance(task, HandOff)
        assert escalations.escalate(now=late, at_most=9) == 0
        assert (again(task).owner, task.due_at) == (by, hand_off.due_at)
        assert [snooze.reason for snooze in task.snoozes.all()] == ["The panel meets then."]
        titles = [entry.title for entry in timeline_of(hand_off.application.candidate, now=late)]
        assert sum(title.startswith("Overdue, so it was escalated") for title in titles) == 1

    def test_what_was_taken_back_can_be_sent_again_and_taken_back_again(self) -> None:
        by = make_sender()
        answer = send(make_hand_off(), by=by)
        for _ in range(2):
            task = undo.take_back(answer, by=by, now=NOW)
            assert isinstance(task, HandOff)
            answer = send(task, by=by)
        outbox.drain(clock=lambda: NOW + MINUTE)
        assert Message.objects.filter(status=Status.SENT, origin="person").count() == 1

    def test_a_message_that_answers_nothing_is_cancelled_and_leaves_no_task(self) -> None:
        by = make_sender()
        draft = handoffs.draft(make_application(), touchpoint="offer", subject="Hi", body=OWN_WORDS, by=by, now=NOW)
        message = handoffs.compose(draft, now=NOW)
        assert isinstance(message, Message)
        assert undo.take_back(message, by=by, now=NOW) == message
        assert (message.status, HandOff.objects.count()) == (Status.CANCELLED, 0)

    def test_it_is_too_late_once_the_minute_is_over(self) -> None:
        by = make_sender()
        answer = send(make_hand_off(), by=by)
        for moment in (NOW + MINUTE, NOW + timedelta(hours=1)):
            refusal = undo.take_back(answer, by=by, now=moment)
            assert isinstance(refusal, Refusal)
            assert "cannot be taken back" in refusal.sentence
        outbox.drain(clock=lambda: NOW + MINUTE)
        assert isinstance(undo.take_back(answer, by=by, now=NOW), Refusal)
        assert not HandOff.objects.open().exists()

    def test_nobody_takes_back_what_somebody_else_sent(self) -> None:
        by = make_sender()
        answer = send(make_hand_off(), by=by)
        assert isinstance(undo.take_back(answer, by=make_sender(), now=NOW), Refusal)
        assert isinstance(undo.take_back(make_message(), by=by, now=NOW), Refusal)
        assert isinstance(undo.take_back(answer, by=by, now=NOW), HandOff)
        assert isinstance(undo.take_back(answer, by=by, now=NOW), Refusal)  # pressed twice
        assert HandOff.objects.open().count() == 1

    def test_what_was_tried_before_and_waits_to_be_tried_again_is_not_taken_back(self) -> None:
        by = make_sender()
        answer = send(make_hand_off(), by=by)
        clearance = gate.clear(answer.pk, now=NOW + MINUTE)
        assert isinstance(clearance, gate.Clearance)
        outbox.record(clearance.attempt, Result(outcome=Attempt.Outcome.REFUSED), clock=lambda: NOW + MINUTE)
        answer.refresh_from_db()
        assert (answer.status, answer.due_at > NOW + MINUTE) == (Status.SCHEDULED, True)
        assert isinstance(undo.take_back(answer, by=by, now=NOW + MINUTE), Refusal)
        assert undo.can_be_taken_back(by=by, now=NOW + MINUTE) == []

    def test_a_page_knows_what_its_person_can_still_take_back(self) -> None:
        by, other = make_sender(), make_sender()
        answer = send(make_hand_off(), by=by)
        make_message()
        assert undo.can_be_taken_back(by=by, now=NOW) == [answer]
        assert undo.can_be_taken_back(by=other, now=NOW) == []
        assert undo.can_be_taken_back(by=by, now=NOW + MINUTE) == []
        undo.take_back(answer, by=by, now=NOW)
        assert undo.can_be_taken_back(by=by, now=NOW) == []


def send(hand_off: HandOff, *, by: User) -> Message:
    answer = handoffs.answer(hand_off, subject="Hello", body=OWN_WORDS, by=by, now=NOW)
    assert isinstance(answer, Message), answer
    return answer


def again(hand_off: HandOff) -> HandOff:
    return HandOff.objects.get(pk=hand_off.pk)
