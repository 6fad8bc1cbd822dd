"""What people do with what waits: never so that a candidate is forgotten, and never past the gate."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from messaging import gate, handoffs, outgoing
from messaging.delivery import outbox
from messaging.gate import Case, Clearance
from messaging.models import HandOff, Hold, LedgerEntry, Message
from messaging.policy.decision import Outcome
from pipeline.milestones import Milestone
from pipeline.outcomes import Refusal
from tests.factories import NOW, OWN_WORDS, make_application, make_hand_off, make_message, make_sender, move_to
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


# --- Holding ----------------------------------------------------------------------------------------------------------

DUE = NOW + timedelta(hours=1)
TOMORROW = NOW + timedelta(days=1)


def held(message: Message, **overrides: Any) -> Hold:
    values: dict[str, Any] = {"reason": "The job may be frozen.", "until": TOMORROW, "by": make_sender(), "now": NOW}
    hold = outgoing.hold(message, **values | overrides)
    assert isinstance(hold, Hold), hold
    return hold


def acts() -> list[str]:
    return [entry.data["act"] for entry in LedgerEntry.objects.filter(kind="rescheduled").order_by("pk")]


def test_what_a_person_holds_is_not_taken_and_keeps_its_time() -> None:
    message, other = make_message(), make_message()
    held(message)
    assert [found.pk for found in Message.objects.due(DUE)] == [other.pk]
    assert [found.pk for found in Message.objects.on_hold(DUE)] == [message.pk]
    outbox.drain(clock=lambda: DUE)
    message.refresh_from_db()
    assert (message.status, message.due_at) == (Status.SCHEDULED, DUE)


def test_the_gate_lets_nothing_go_that_is_held_after_it_was_found_and_leaves_it_its_place() -> None:
    message = make_message()
    held(message)
    case = gate.clear(message.pk, now=DUE)
    assert isinstance(case, Case)
    assert [finding.code for finding in case.verdict.findings] == ["on_hold"]
    message.refresh_from_db()
    assert (message.status, message.due_at) == (Status.SCHEDULED, DUE)


def test_at_its_end_a_hold_is_over_by_itself() -> None:
    message = make_message()
    held(message)
    assert not Message.objects.due(TOMORROW - timedelta(seconds=1)).exists()
    assert Message.objects.due(TOMORROW).get() == message
    assert isinstance(gate.clear(message.pk, now=TOMORROW), Clearance)


def test_a_released_message_goes_on_and_who_released_it_is_known() -> None:
    message, by = make_message(), make_sender()
    hold = held(message)
    outgoing.release(message, by=by, now=NOW)
    hold.refresh_from_db()
    assert (hold.released_at, hold.released_by) == (NOW, by)
    assert isinstance(outgoing.release(message, by=by, now=NOW), Refusal)
    assert isinstance(gate.clear(message.pk, now=DUE), Clearance)
    assert acts() == ["hold", "release"]


def test_a_second_hold_takes_the_place_of_the_first() -> None:
    message, by = make_message(), make_sender()
    first = held(message)
    second = held(message, until=NOW + timedelta(days=2), by=by)
    first.refresh_from_db()
    assert (first.released_at, first.released_by) == (NOW, by)
    assert list(Hold.objects.on(NOW)) == [second]
    third = held(message, until=NOW + timedelta(days=9), now=NOW + timedelta(days=5))
    second.refresh_from_db()
    assert (second.released_at, second.released_by) == (second.until_at, None)
    assert list(Hold.objects.on(NOW + timedelta(days=5))) == [third]


@pytest.mark.parametrize(
    "broken",
    [{"reason": " "}, {"until": NOW}, {"until": NOW + outgoing.LONGEST_HOLD + timedelta(minutes=1)}],
)
def test_a_hold_says_why_and_has_an_end(broken: dict[str, Any]) -> None:
    message = make_message()
    values: dict[str, Any] = {"reason": "Wait.", "until": NOW + outgoing.LONGEST_HOLD, "by": make_sender(), "now": NOW}
    assert isinstance(outgoing.hold(message, **values | broken), Refusal)
    assert not Hold.objects.exists()
    assert isinstance(outgoing.hold(message, **values), Hold)


def test_a_hold_hides_no_task() -> None:
    message = make_message()
    held(message)
    move_to_phone_screen(message)
    gate.resettle(message.application_id, now=NOW)
    message.refresh_from_db()
    assert message.status == Status.HELD
    assert HandOff.objects.open().filter(message=message).exists()
    assert not Message.objects.on_hold(NOW).exists()


def move_to_phone_screen(message: Message) -> None:
    """Another application of theirs gets there, so the reach rises."""
    move_to(make_application(candidate=message.application.candidate), Milestone.PHONE_SCREEN)


# --- Another time -----------------------------------------------------------------------------------------------------


def test_a_postponed_message_is_due_later() -> None:
    message = make_message()
    assert isinstance(outgoing.postpone(message, to=TOMORROW, by=make_sender(), now=NOW), Message)
    assert not Message.objects.due(DUE).exists()
    assert Message.objects.due(TOMORROW).get() == message
    assert acts() == ["postpone"]
    assert LedgerEntry.objects.get(kind="rescheduled").data["from"] == DUE.isoformat()


SOON = NOW + timedelta(minutes=10)


def postponed(by: Any, *, now: datetime = NOW) -> Message:
    message = outgoing.postpone(make_message(), to=TOMORROW, by=by, now=now)
    assert isinstance(message, Message)
    return message


def test_what_somebody_just_postponed_is_put_back_together() -> None:
    by = make_sender()
    earlier, *together = postponed(by, now=NOW - timedelta(minutes=1)), postponed(by), postponed(by)
    assert outgoing.can_be_put_back(by=by, now=SOON) == together
    for message in together:
        assert isinstance(outgoing.put_back(message, by=by, now=SOON), Message)
    assert set(Message.objects.due(DUE)) == set(together)
    assert isinstance(outgoing.put_back(earlier, by=by, now=SOON), Refusal)
    assert acts() == ["postpone"] * 3 + ["put_back"] * 2
    assert outgoing.can_be_put_back(by=by, now=SOON) == []


@pytest.mark.parametrize("why", ["by nobody else", "not after a while", "not what has another time", "not what left"])
def test_a_postponement_is_undone(why: str) -> None:
    by, now = make_sender(), SOON
    message = postponed(by)
    assert outgoing.can_be_put_back(by=by, now=now) == [message]
    who = by
    if why == "by nobody else":
        who = make_sender()
    elif why == "not after a while":
        now = NOW + timedelta(minutes=15)
    elif why == "not what has another time":
        force(Message.objects.all(), due_at=TOMORROW + timedelta(hours=1))
    else:
        outgoing.send_now(message, by=make_sender(), now=NOW)
    assert outgoing.can_be_put_back(by=who, now=now) == []
    assert isinstance(outgoing.put_back(message, by=who, now=now), Refusal)


def test_what_would_have_left_meanwhile_is_due_at_once() -> None:
    by, late = make_sender(), DUE + timedelta(minutes=1)
    message = postponed(by, now=DUE - timedelta(minutes=5))
    assert isinstance(outgoing.put_back(message, by=by, now=late), Message)
    assert Message.objects.due(late).get() == message


@pytest.mark.parametrize("to", [NOW, NOW + outgoing.LONGEST_POSTPONEMENT + timedelta(minutes=1)])
def test_a_time_that_makes_no_sense_is_refused(to: datetime) -> None:
    message, by = make_message(), make_sender()
    assert isinstance(outgoing.postpone(message, to=to, by=by, now=NOW), Refusal)
    assert Message.objects.get().due_at == DUE
    assert isinstance(outgoing.postpone(message, to=NOW + outgoing.LONGEST_POSTPONEMENT, by=by, now=NOW), Message)


# --- Sending now ------------------------------------------------------------------------------------------------------


def test_sent_now_it_leaves_with_the_next_drain_and_its_hold_is_over() -> None:
    message = make_message()
    held(message)
    case = outgoing.send_now(message, by=make_sender(), now=NOW)
    assert isinstance(case, Case)
    assert case.verdict.outcome is Outcome.SEND
    outbox.drain(clock=lambda: NOW)
    message.refresh_from_db()
    assert message.status == Status.SENT
    assert message.origin == "automation"
    assert acts() == ["hold", "send_now"]


def test_what_is_reserved_by_now_becomes_a_task_and_is_never_sent() -> None:
    message = make_message()
    move_to_phone_screen(message)
    case = outgoing.send_now(message, by=make_sender(), now=NOW)
    assert isinstance(case, Case)
    assert case.verdict.outcome is Outcome.HAND_OFF
    message.refresh_from_db()
    assert message.status == Status.HELD
    assert HandOff.objects.open().get().message == message
    outbox.drain(clock=lambda: TOMORROW)
    message.refresh_from_db()
    assert (message.status, message.sent_at, message.recipient) == (Status.HELD, None, "")


def test_what_is_too_old_stays_too_old() -> None:
    message = make_message()
    late = DUE + timedelta(days=15)
    case = outgoing.send_now(message, by=make_sender(), now=late)
    assert isinstance(case, Case)
    assert [finding.code for finding in case.verdict.findings] == ["stale"]
    assert HandOff.objects.open().count() == 1


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.SCHEDULED}))
def test_what_does_not_wait_is_left_alone(status: str) -> None:
    message, by = make_message(), make_sender()
    force(Message.objects.all(), status=status, recipient="kim@example.com")
    answers = [
        outgoing.hold(message, reason="Wait.", until=TOMORROW, by=by, now=NOW),
        outgoing.release(message, by=by, now=NOW),
        outgoing.postpone(message, to=TOMORROW, by=by, now=NOW),
        outgoing.send_now(message, by=by, now=NOW),
    ]
    assert all(isinstance(answer, Refusal) and "nothing was changed" in answer.sentence for answer in answers)
    assert (Message.objects.get().due_at, Hold.objects.count(), acts()) == (DUE, 0, [])
