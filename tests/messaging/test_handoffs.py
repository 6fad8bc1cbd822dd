"""What people do with a hand-off, and that each of them is closed by one person once."""

from datetime import date, timedelta

import pytest
from django_q.models import OrmQ

from messaging import gate, handoffs, working_days
from messaging.gate import Case
from messaging.models import Attempt, HandOff, LedgerEntry, Message, Snooze
from messaging.policy.floor import Touchpoint
from pipeline import actors, moves
from pipeline.milestones import Milestone
from pipeline.models import Application, Interview, User
from pipeline.moves import Act
from pipeline.outcomes import Refusal
from tests.factories import (
    NOW,
    OWN_WORDS,
    REJECTION,
    done,
    make_application,
    make_message,
    make_sender,
    make_stage_rule,
    make_template,
    make_tried,
    make_user,
    move_to,
    reject,
)

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(hours=3)
Status = HandOff.Status


def make_hand_off() -> HandOff:
    """A rejection after an interview, held for a person."""
    application = make_application()
    move_to(application, Milestone.INTERVIEW)
    template = make_template(name="After an interview")
    return make_message(application=application, template=template).hand_offs.get()


def answer(hand_off: HandOff, *, by: User, body: str = OWN_WORDS) -> Message | Case | Refusal:
    return handoffs.answer(hand_off, subject="Our talk on Tuesday", body=body, by=by, now=LATER)


def answered(hand_off: HandOff, *, by: User, body: str = OWN_WORDS) -> Message:
    message = answer(hand_off, by=by, body=body)
    assert isinstance(message, Message), message
    return message


def codes(case: object) -> list[str]:
    assert isinstance(case, Case)
    return [finding.code for finding in case.verdict.findings]


# --- Writing ----------------------------------------------------------------------------------------------------------


def test_an_answer_in_own_words_is_scheduled_and_closes_the_hand_off() -> None:
    hand_off, person = make_hand_off(), make_sender()
    message = answered(hand_off, by=person, body=f"\n{OWN_WORDS}  \n")

    assert (message.status, message.origin, message.written_by) == ("scheduled", "person", person)
    assert (message.application, message.touchpoint) == (hand_off.application, "rejection")
    assert (message.subject, message.body) == ("Our talk on Tuesday", OWN_WORDS)
    assert message.due_at == message.created_at == message.status_at == LATER
    assert (message.template, message.stage_change) == (hand_off.message.template, hand_off.message.stage_change)
    assert (hand_off.status, hand_off.closed_at, hand_off.closed_by) == (Status.ANSWERED, LATER, person)
    assert hand_off.answer == message
    held = Message.objects.get(pk=hand_off.message_id)
    assert (held.status, held.status_at, held.status_reason) == ("cancelled", LATER, f"{person}: answered by mail.")
    assert OrmQ.objects.count() == 1


def test_an_answer_that_is_only_the_template_is_refused_with_the_passage_and_nothing_is_kept() -> None:
    hand_off, person = make_hand_off(), make_sender()
    filled_in = (
        REJECTION.replace("{{ candidate.first_name }}", "Kim")
        .replace("{{ job.title }}", hand_off.application.job.title)
        .replace("{{ sender.name }}", str(person))
    )
    case = answer(hand_off, by=person, body=filled_in)

    assert codes(case) == ["too_close"]
    assert isinstance(case, Case)
    [finding] = case.verdict.findings
    assert "the template “After an interview”" in finding.sentence
    assert "we will not be moving forward with it" in finding.sentence
    assert finding.sentence.endswith(f"{person}”. Write it in your own words.")
    hand_off.refresh_from_db()
    assert hand_off.is_open
    assert Message.objects.get(application=hand_off.application).status == "held"
    assert OrmQ.objects.count() == 0
    answered(hand_off, by=person)


def test_a_word_or_two_are_refused() -> None:
    hand_off, person = make_hand_off(), make_sender()
    assert codes(answer(hand_off, by=person, body="Sorry, it is a no.")) == ["too_short"]
    assert codes(answer(hand_off, by=person, body="")) == ["text_problem", "too_short"]


def test_who_may_not_write_to_candidates_does_not() -> None:
    hand_off = make_hand_off()
    assert codes(answer(hand_off, by=make_user())) == ["sender"]
    assert codes(answer(hand_off, by=make_sender(is_active=False))) == ["sender"]
    answered(hand_off, by=make_sender())


def test_where_a_person_only_has_to_send_it_the_words_may_be_the_templates() -> None:
    body = "Dear Kim, your interview on Thursday has three parts. Bring something to write with. See you then."
    template = make_template(touchpoint=Touchpoint.INTERVIEW_PREPARATION, body=body)
    hand_off = make_message(template=template).hand_offs.get()
    answered(hand_off, by=make_sender(), body=body)


def test_a_stage_rule_of_the_template_asks_the_same_of_a_person() -> None:
    body = "Dear Kim, your interview on Thursday has three parts. Bring something to write with. See you then."
    template = make_template(touchpoint=Touchpoint.INTERVIEW_PREPARATION, body=body)
    make_stage_rule(template, from_milestone=1, reserve=2)
    hand_off = make_message(template=template).hand_offs.get()
    assert codes(answer(hand_off, by=make_sender(), body=body)) == ["too_close"]


def test_of_two_people_who_answer_the_second_learns_who_was_first_and_sends_nothing() -> None:
    hand_off, first, second = make_hand_off(), make_sender(), make_sender()
    other_screen = HandOff.objects.get(pk=hand_off.pk)
    message = answered(hand_off, by=first)

    for body in (OWN_WORDS, "Sorry."):
        refusal = answer(other_screen, by=second, body=body)
        assert refusal == Refusal(
            f"{first} already closed this hand-off (answered by mail). Nothing was sent or changed by you."
        )
    assert list(Message.objects.filter(origin="person")) == [message]
    assert HandOff.objects.get().closed_by == first
    assert OrmQ.objects.count() == 1


def test_what_the_gate_closed_cannot_be_answered() -> None:
    hand_off = make_hand_off()
    done(moves.reopen(hand_off.application, act=Act(by=actors.CLOCK, now=NOW)))
    gate.resettle(hand_off.application_id, now=NOW)
    refusal = answer(hand_off, by=make_sender())
    assert refusal == Refusal("The gate already closed this hand-off (not needed). Nothing was sent or changed by you.")
    assert not Message.objects.filter(origin="person").exists()


def test_a_message_that_a_person_starts_is_scheduled_or_refused_with_everything_that_speaks_against_it() -> None:
    application, person = make_application(), make_sender()

    def draft(touchpoint: str) -> Message:
        return handoffs.draft(
            application, touchpoint=touchpoint, subject=" A thought ", body=OWN_WORDS, by=person, now=NOW
        )

    assert codes(handoffs.compose(draft("rejection"), now=NOW)) == ["not_rejected"]
    assert codes(handoffs.compose(draft("talent_pool"), now=NOW)) == ["no_consent"]
    assert (Message.objects.count(), OrmQ.objects.count()) == (0, 0)

    message = handoffs.compose(draft("offer"), now=NOW)
    assert isinstance(message, Message)
    assert (message.subject, message.status, message.cause) == ("A thought", "scheduled", "")
    assert OrmQ.objects.count() == 1
    reject(application)
    assert isinstance(handoffs.compose(draft("rejection"), now=NOW), Message)


# --- Telling by phone -------------------------------------------------------------------------------------------------


def test_a_call_closes_the_hand_off_and_counts_as_contact_and_as_told() -> None:
    hand_off, person = make_hand_off(), make_sender()
    assert handoffs.tell_by_phone(hand_off, note="  She took it well. ", by=person, now=LATER) == hand_off

    assert (hand_off.status, hand_off.closed_at, hand_off.closed_by) == (Status.TOLD_BY_PHONE, LATER, person)
    assert (hand_off.note, hand_off.answer) == ("She took it well.", None)
    application = Application.objects.get(pk=hand_off.application_id)
    assert (application.told_at, application.told_how, application.told_by) == (LATER, "phone", person)
    call = Interview.objects.get()
    assert (call.application, call.kind, call.held_at, call.logged_by) == (application, "phone", LATER, person)
    assert call.note == "She took it well."
    held = Message.objects.get()
    assert (held.status, held.status_reason) == ("cancelled", f"{person}: told by phone.")


def test_a_call_about_something_else_tells_no_outcome() -> None:
    template = make_template(touchpoint=Touchpoint.FEEDBACK, body="A word on the task: {{ sender.name }}")
    hand_off = make_message(template=template).hand_offs.get()
    handoffs.tell_by_phone(hand_off, note="We went through the task.", by=make_sender(), now=LATER)
    assert Application.objects.get(pk=hand_off.application_id).told_at is None
    assert Interview.objects.held().count() == 1


@pytest.mark.parametrize("note", ["", "  \n"])
def test_a_call_needs_a_note(note: str) -> None:
    hand_off = make_hand_off()
    refusal = handoffs.tell_by_phone(hand_off, note=note, by=make_sender(), now=LATER)
    assert refusal == Refusal("Say in a sentence what was said on the phone, so that the next person knows.")
    hand_off.refresh_from_db()
    assert hand_off.is_open
    assert not Interview.objects.exists()


def test_a_hand_off_is_closed_once_whatever_the_second_person_wants() -> None:
    hand_off, first, second = make_hand_off(), make_sender(), make_sender()
    handoffs.tell_by_phone(hand_off, note="We spoke.", by=first, now=LATER)
    expected = Refusal(f"{first} already closed this hand-off (told by phone). Nothing was sent or changed by you.")
    assert handoffs.tell_by_phone(hand_off, note="We spoke too.", by=second, now=LATER) == expected
    assert handoffs.close_as_not_needed(hand_off, reason="Told.", by=second, now=LATER) == expected
    assert answer(hand_off, by=second) == expected
    assert Interview.objects.count() == 1
    assert HandOff.objects.get().note == "We spoke."


# --- Not needed -------------------------------------------------------------------------------------------------------


def test_a_hand_off_is_not_needed_for_a_reason() -> None:
    hand_off, person = make_hand_off(), make_sender()
    for reason in ("", " "):
        refusal = handoffs.close_as_not_needed(hand_off, reason=reason, by=person, now=LATER)
        assert refusal == Refusal("Say why nothing needs to be sent, so that the next person knows.")
    assert HandOff.objects.get().is_open

    assert handoffs.close_as_not_needed(hand_off, reason=" They wrote to us first. ", by=person, now=LATER) == hand_off
    assert (hand_off.status, hand_off.note) == (Status.NOT_NEEDED, "They wrote to us first.")
    assert (hand_off.closed_by, hand_off.closed_at) == (person, LATER)
    held = Message.objects.get()
    assert (held.status, held.status_reason) == ("cancelled", f"{person}: not needed.")
    assert Application.objects.get(pk=hand_off.application_id).told_at is None


@pytest.mark.parametrize(
    ("outcome", "status"), [(Attempt.Outcome.REJECTED, "failed"), (Attempt.Outcome.UNCERTAIN, "uncertain")]
)
def test_closing_the_task_of_a_message_that_was_tried_leaves_what_became_of_it(
    *, outcome: Attempt.Outcome, status: str
) -> None:
    message = make_tried(outcome)
    assert message.status == status
    hand_off = message.hand_offs.get()
    handoffs.close_as_not_needed(hand_off, reason="It arrived.", by=make_sender(), now=LATER)
    assert Message.objects.get().status == status


# --- Owners -----------------------------------------------------------------------------------------------------------


def test_hand_offs_are_given_to_somebody_who_can_close_them() -> None:
    mine, closed, other = make_hand_off_list(3)
    person = make_sender()
    handoffs.close_as_not_needed(closed, reason="Done.", by=make_sender(), now=NOW)
    HandOff.objects.filter(pk=other.pk).update(owner=person)

    for unfit in (make_user(), make_sender(is_active=False)):
        assert isinstance(handoffs.assign([mine], to=unfit), Refusal)
    assert handoffs.assign([mine, closed, other], to=person) == 1
    assert list(HandOff.objects.filter(owner=person).order_by("pk")) == sorted(
        [mine, other], key=lambda found: found.pk
    )


def make_hand_off_list(count: int) -> list[HandOff]:
    template = make_template(signed=False)
    return [make_message(template=template).hand_offs.get() for _ in range(count)]


def test_open_and_overdue_are_what_they_say() -> None:
    early, late = make_hand_off_list(2)
    HandOff.objects.filter(pk=late.pk).update(due_at=NOW - timedelta(minutes=1))
    assert set(HandOff.objects.open()) == {early, late}
    assert list(HandOff.objects.overdue(NOW)) == [late]
    handoffs.close_as_not_needed(late, reason="Done.", by=make_sender(), now=NOW)
    assert list(HandOff.objects.overdue(NOW)) == []
    assert early.must_be_own_words is False
    assert make_hand_off().must_be_own_words is True


# --- Claiming and putting off -----------------------------------------------------------------------------------------


def test_a_hand_off_is_claimed_by_who_saw_it_as_it_is() -> None:
    [hand_off] = make_hand_off_list(1)
    HandOff.objects.update(owner=None)
    first, second = make_sender(), make_sender()
    assert isinstance(handoffs.claim(hand_off, seen_with=None, by=first), HandOff)
    refusal = handoffs.claim(hand_off, seen_with=None, by=second)
    assert refusal == Refusal(f"It went to {first} a moment ago. Look again before you take it.")
    assert HandOff.objects.get().owner == first
    assert isinstance(handoffs.claim(hand_off, seen_with=None, by=first), HandOff)  # pressed twice
    assert isinstance(handoffs.claim(hand_off, seen_with=first.pk, by=second), HandOff)
    assert HandOff.objects.get().owner == second


def test_what_is_closed_is_not_claimed_and_neither_by_who_may_not_answer() -> None:
    [hand_off] = make_hand_off_list(1)
    HandOff.objects.update(owner=None)
    for unfit in (make_user(), make_sender(is_active=False)):
        assert isinstance(handoffs.claim(hand_off, seen_with=None, by=unfit), Refusal)
    person = make_sender()
    handoffs.close_as_not_needed(hand_off, reason="Done.", by=person, now=NOW)
    assert handoffs.claim(hand_off, seen_with=None, by=person) == handoffs.closed_already(hand_off)
    assert HandOff.objects.get().owner is None


def test_a_hand_off_is_put_off_to_the_end_of_a_working_day_with_its_reason() -> None:
    hand_off, person = make_hand_off(), make_sender()
    before, day = hand_off.due_at, working_days.ahead(NOW, handoffs.SNOOZE_DAYS)[-1]
    put_off = handoffs.snooze(hand_off, until=day, reason=" The panel meets then. ", by=person, now=NOW)
    assert isinstance(put_off, HandOff)
    again = HandOff.objects.get()
    assert again.due_at == working_days.end_of(day) > before
    snooze = again.snoozes.get()
    assert (snooze.due_before, snooze.due_after, snooze.reason) == (before, again.due_at, "The panel meets then.")
    assert (snooze.snoozed_by, snooze.snoozed_at) == (person, NOW)
    entry = LedgerEntry.objects.get(kind="hand_off_snoozed")
    assert entry.data == {"due_before": "2026-09-17T16:00:00+00:00", "due_after": "2026-09-29T16:00:00+00:00"}


def test_a_hand_off_is_not_put_off_without_a_reason_or_to_any_day() -> None:
    hand_off, person = make_hand_off(), make_sender()
    days = working_days.ahead(NOW, handoffs.SNOOZE_DAYS + 1)
    saturday = date(2026, 9, 19)
    for until, reason in (
        (days[5], " "),
        (days[-1], "Later."),  # too far
        (NOW.date(), "Today."),
        (saturday, "On a weekend."),
        (hand_off.due_at.date(), "It is due then anyway."),
    ):
        assert isinstance(handoffs.snooze(hand_off, until=until, reason=reason, by=person, now=NOW), Refusal)
    assert (HandOff.objects.get().due_at, Snooze.objects.count()) == (hand_off.due_at, 0)
    assert isinstance(handoffs.snooze(hand_off, until=days[-2], reason="Later.", by=person, now=NOW), HandOff)


def test_what_was_put_off_is_due_as_before_again_once() -> None:
    hand_off, person = make_hand_off(), make_sender()
    before = hand_off.due_at
    day, later = working_days.ahead(NOW, 6)[4:]
    assert isinstance(handoffs.end_snooze(hand_off, by=person, now=NOW), Refusal)
    handoffs.snooze(hand_off, until=day, reason="The panel meets then.", by=person, now=NOW)
    assert handoffs.latest_snooze(hand_off) == Snooze.objects.get()
    assert isinstance(handoffs.end_snooze(hand_off, by=person, now=NOW), HandOff)
    assert HandOff.objects.get().due_at == hand_off.due_at == before
    assert handoffs.latest_snooze(hand_off) is None
    assert isinstance(handoffs.end_snooze(hand_off, by=person, now=NOW), Refusal)
    assert [str(one) for one in Snooze.objects.all()] == [
        "put off until 22 September 2026",
        "due again on 17 September 2026",
    ]
    assert LedgerEntry.objects.filter(kind="hand_off_snoozed").count() == 2
    handoffs.snooze(hand_off, until=later, reason="They are ill.", by=person, now=NOW)
    handoffs.close_as_not_needed(hand_off, reason="Done.", by=person, now=NOW)
    assert isinstance(handoffs.end_snooze(hand_off, by=person, now=NOW), Refusal)


def test_what_is_closed_is_not_put_off() -> None:
    hand_off, person = make_hand_off(), make_sender()
    handoffs.close_as_not_needed(hand_off, reason="Done.", by=person, now=NOW)
    day = working_days.ahead(NOW, handoffs.SNOOZE_DAYS)[-1]
    refusal = handoffs.snooze(hand_off, until=day, reason="Later.", by=person, now=NOW)
    assert refusal == handoffs.closed_already(hand_off)
    assert not Snooze.objects.exists()
