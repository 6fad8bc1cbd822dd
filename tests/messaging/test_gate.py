"""The one door: what each verdict does to a message when it is planned, when something moved, and when it wants to leave."""

import json
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings as product
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from messaging import facts, gate, handoffs, letterhead
from messaging.gate import Case, Clearance
from messaging.models import Attempt, HandOff, Message, RecordedVerdict, Template
from messaging.policy import record
from messaging.policy.decision import Facts, Finding, Outcome, decide
from messaging.policy.floor import Reserve, Touchpoint
from messaging.wording.fingerprint import fingerprint
from pipeline import actors, moves
from pipeline.milestones import Milestone
from pipeline.models import Application, Candidate, Reason, User
from pipeline.moves import Act
from tests.factories import (
    NOW,
    OWN_WORDS,
    done,
    make_application,
    make_candidate,
    make_interview,
    make_job,
    make_message,
    make_sender,
    make_template,
    make_user,
    move_to,
    reject,
)
from tests.guards_off import force, guards_off

pytestmark = pytest.mark.django_db

Status = Message.Status
DUE = NOW + timedelta(hours=1)  # see make_message


def fresh(message: Message) -> Message:
    return facts.with_context(Message.objects.all()).get(pk=message.pk)


def state_of(message: Message) -> tuple[Any, ...]:
    row = Message.objects.values_list("status", "status_at", "status_reason", "due_at", "recipient", "subject", "body")
    counts = [model.objects.filter(message=message).count() for model in (Attempt, HandOff, RecordedVerdict)]
    return (*row.get(pk=message.pk), *counts)


def cleared(message: Message, *, now: datetime = DUE) -> Clearance:
    clearance = gate.clear(message.pk, now=now)
    assert isinstance(clearance, Clearance), clearance
    return clearance


def refused(message: Message, *, now: datetime = DUE) -> Case:
    case = gate.clear(message.pk, now=now)
    assert isinstance(case, Case), case
    return case


def by_hand(application: Application, *, by: User | None = None, **text: str) -> Message:
    text = {"subject": "About your talk", "body": OWN_WORDS} | text
    message = handoffs.draft(application, touchpoint="rejection", by=by or make_sender(), now=NOW, **text)
    message.save()
    handoffs.release(message, now=NOW)
    return message


# --- Preview ----------------------------------------------------------------------------------------------------------


def test_a_preview_says_what_the_gate_would_say_and_changes_nothing() -> None:
    message = make_message()
    before = state_of(message)
    case = gate.preview(fresh(message), now=DUE)
    assert case.verdict.outcome is Outcome.SEND
    assert case.recipient == message.application.candidate.email
    assert case.subject == f"About {message.application.job.title}"
    assert case.body.startswith("Dear Kim,")
    assert gate.preview(fresh(message), now=NOW).verdict.outcome is Outcome.LATER
    Candidate.objects.update(do_not_contact_at=NOW)
    assert gate.preview(fresh(message), now=DUE).verdict.outcome is Outcome.STOP
    assert state_of(message) == before


def test_a_message_that_is_not_saved_can_be_previewed() -> None:
    application = make_application()
    reject(application)
    draft = handoffs.draft(
        application, touchpoint="rejection", subject="Hello", body=OWN_WORDS, by=make_sender(), now=NOW
    )
    assert gate.preview(draft, now=NOW).verdict.outcome is Outcome.SEND
    assert not Message.objects.filter(application=application).exists()


def test_many_are_previewed_in_their_order() -> None:
    reserved, free = make_message(), make_message()
    make_interview(reserved.application, held_at=NOW)
    cases = gate.preview_many([fresh(free), fresh(reserved)], now=DUE)
    assert [case.message.pk for case in cases] == [free.pk, reserved.pk]
    assert [case.verdict.outcome for case in cases] == [Outcome.SEND, Outcome.HAND_OFF]
    assert gate.preview_many([], now=DUE) == []


# --- Departure --------------------------------------------------------------------------------------------------------


def test_a_clearance_commits_the_attempt_and_what_is_going_to_leave() -> None:
    message = make_message()
    clearance = cleared(message)

    row = Message.objects.get(pk=message.pk)
    email = message.application.candidate.email
    assert (row.status, row.status_at, row.status_reason, row.recipient) == (Status.SENDING, DUE, "", email)
    assert (row.subject, row.body) == (clearance.case.subject, clearance.case.body)
    attempt = Attempt.objects.get()
    assert attempt == clearance.attempt
    assert (attempt.message, attempt.number, attempt.outcome) == (message, 1, "")
    assert (attempt.started_at, attempt.expires_at) == (DUE, DUE + timedelta(seconds=product.MAIL_LEASE))
    assert (attempt.recipient, attempt.provider, clearance.recipient) == (email, "simulate", email)
    assert attempt.fingerprint == fingerprint(
        recipient=email,
        subject=row.subject,
        body=row.body,
        sender=letterhead.sender_line(clearance.case.sender),
        reply_to=letterhead.reply_address(clearance.case.sender),
    )
    verdict = RecordedVerdict.objects.get()
    assert (verdict.message, verdict.decided_at, verdict.outcome, verdict.reserve) == (message, DUE, "send", 0)
    assert verdict.findings == []


def test_a_message_is_cleared_once() -> None:
    message = make_message()
    cleared(message)
    before = state_of(message)
    assert gate.clear(message.pk, now=DUE) is None
    assert state_of(message) == before


@pytest.mark.parametrize("status", [status for status in Status if status != Status.SCHEDULED])
def test_only_what_is_scheduled_can_be_cleared(status: Message.Status) -> None:
    message = make_message()
    force(Message.objects.all(), status=status, recipient="kim@example.com")
    before = state_of(message)
    assert gate.clear(message.pk, now=DUE) is None
    Candidate.objects.update(do_not_contact_at=NOW)
    assert gate.clear(message.pk, now=DUE) is None
    assert state_of(message) == before
    Candidate.objects.update(do_not_contact_at=None)
    force(Message.objects.all(), status=Status.SCHEDULED)
    cleared(message)


def test_the_recipient_is_taken_when_it_leaves_and_not_when_it_was_planned() -> None:
    message = make_message()
    Candidate.objects.filter(pk=message.application.candidate_id).update(email=" new@EXAMPLE.org")
    assert cleared(message).recipient == "new@example.org"
    assert Message.objects.get(pk=message.pk).recipient == Attempt.objects.get().recipient == "new@example.org"


def test_each_attempt_has_the_next_number() -> None:
    message = make_message()
    for number in (1, 2, 3):
        attempt = cleared(message).attempt
        assert attempt.number == number
        Attempt.objects.filter(pk=attempt.pk).update(outcome=Attempt.Outcome.REFUSED, finished_at=DUE)
        Message.objects.filter(pk=message.pk).update(status=Status.SCHEDULED)


def test_who_lost_the_race_for_a_message_gets_no_clearance() -> None:
    message = make_message()
    case = gate.preview(fresh(message), now=DUE)
    Message.objects.filter(pk=message.pk).update(status=Status.CANCELLED)
    before = state_of(message)
    with pytest.raises(gate.Overtaken), transaction.atomic():
        gate._let_go([case], now=DUE)
    assert state_of(message) == before


def test_who_lost_the_race_for_a_message_hands_nothing_off() -> None:
    message = make_message(template=make_template(touchpoint=Touchpoint.OFFER))
    case = gate.preview(fresh(message), now=DUE)
    Message.objects.filter(pk=message.pk).update(status=Status.CANCELLED)
    before = state_of(message)
    with pytest.raises(gate.Overtaken), transaction.atomic():
        gate._turn_away(case, now=DUE)
    assert case.verdict.outcome is Outcome.HAND_OFF
    assert state_of(message) == before


def test_who_lost_the_race_for_a_message_does_not_put_it_off() -> None:
    message = make_message()
    case = gate.preview(fresh(message), now=NOW)
    Message.objects.filter(pk=message.pk).update(status=Status.CANCELLED, due_at=NOW)
    before = state_of(message)
    gate._turn_away(case, now=NOW)
    assert case.verdict.outcome is Outcome.LATER
    assert state_of(message) == before


def test_many_are_cleared_as_one_is(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    messages = [make_message() for _ in range(9)]
    refused_once = cleared(messages[0]).attempt
    Attempt.objects.filter(pk=refused_once.pk).update(outcome=Attempt.Outcome.REFUSED, finished_at=DUE)
    Message.objects.filter(pk=messages[0].pk).update(status=Status.SCHEDULED)
    with CaptureQueriesContext(connection) as of_two:
        few = gate.clear_many([message.pk for message in messages], at_most=2, now=DUE)
    with django_assert_num_queries(len(of_two)):
        many = gate.clear_many([message.pk for message in messages], at_most=6, now=DUE)

    answers = [answer for answer in few + many if isinstance(answer, Clearance)]
    assert [answer.attempt.message_id for answer in answers] == [message.pk for message in messages[:8]]
    assert [answer.attempt.number for answer in answers] == [2, *[1] * 7]
    assert [state_of(message)[0] for message in messages] == [*["sending"] * 8, "scheduled"]
    for message, answer in zip(messages, answers, strict=False):
        row = Message.objects.get(pk=message.pk)
        assert (row.recipient, row.subject, row.body) == (answer.recipient, answer.case.subject, answer.case.body)
        assert Attempt.objects.get(message=message, outcome="") == answer.attempt
        assert RecordedVerdict.objects.filter(message=message, decided_at=DUE, outcome="send").exists()


def test_of_many_each_gets_its_own_answer() -> None:
    stopped, later, held, free, gone = [make_message() for _ in range(5)]
    Application.objects.filter(pk=stopped.application_id).update(told_at=NOW, told_how="phone")
    make_interview(held.application, held_at=NOW)
    Message.objects.filter(pk=later.pk).update(due_at=DUE + timedelta(minutes=1))
    Message.objects.filter(pk=gone.pk).update(status=Status.CANCELLED)

    ids = [message.pk for message in (gone, free, held, later, stopped)]
    answers = gate.clear_many(ids, at_most=5, now=DUE)

    assert [answer.verdict.outcome for answer in answers if isinstance(answer, Case)] == ["stop", "hand_off", "later"]
    assert [answer.attempt.message_id for answer in answers if isinstance(answer, Clearance)] == [free.pk]
    statuses = [state_of(message)[0] for message in (stopped, later, held, free, gone)]
    assert statuses == ["cancelled", "scheduled", "held", "sending", "cancelled"]
    assert gate.clear_many(ids[1:3], at_most=5, now=DUE) == []


def test_what_is_not_due_waits_for_its_time() -> None:
    message, other = make_message(), make_message()
    Message.objects.filter(pk=other.pk).update(due_at=DUE + timedelta(days=1))
    before = state_of(other)
    case = refused(message, now=NOW)
    assert state_of(other) == before
    assert case.verdict.outcome is Outcome.LATER
    row = Message.objects.get(pk=message.pk)
    assert (row.status, row.due_at, row.status_reason) == (
        Status.SCHEDULED,
        DUE,
        "It is due on 15 September 2026, 11:00 BST.",
    )
    assert not RecordedVerdict.objects.exists()
    cleared(message)


def test_a_survey_asks_again_the_next_day() -> None:
    message = make_message(template=make_template(touchpoint=Touchpoint.SURVEY, body="How was it? {{ sender.name }}"))
    assert refused(message).verdict.outcome is Outcome.LATER
    assert Message.objects.get(pk=message.pk).due_at == DUE + timedelta(days=1)
    moves.record_told(message.application, how="mail", by=actors.CLOCK, now=NOW)
    cleared(message, now=DUE + timedelta(days=1))


def test_what_is_reserved_is_held_and_becomes_somebodys_task() -> None:
    message = make_message()
    make_interview(message.application, held_at=NOW)
    case = refused(message)
    assert case.verdict.outcome is Outcome.HAND_OFF

    row = Message.objects.get(pk=message.pk)
    [finding] = case.verdict.findings
    assert (row.status, row.status_at, row.status_reason) == (Status.HELD, DUE, finding.sentence)
    assert (row.recipient, row.subject, row.body) == ("", "", "")
    hand_off = HandOff.objects.get()
    assert (hand_off.message, hand_off.application, hand_off.status) == (message, message.application, "open")
    assert (hand_off.touchpoint, hand_off.reserve) == ("rejection", Reserve.PERSON_WRITES)
    assert hand_off.reasons == [{"code": "floor", "sentence": finding.sentence}]
    assert (hand_off.created_at, hand_off.owner) == (DUE, message.application.job.recruiter)
    assert not Attempt.objects.exists()
    verdict = RecordedVerdict.objects.get()
    assert (verdict.outcome, verdict.reserve) == ("hand_off", 2)
    assert verdict.findings == [{"code": "floor", "sentence": finding.sentence}]


def test_only_the_findings_that_need_a_person_are_given_to_them() -> None:
    message = make_message()
    make_interview(message.application, held_at=NOW)
    Template.objects.update(is_active=False)
    gate.clear(message.pk, now=NOW)
    assert [reason["code"] for reason in HandOff.objects.get().reasons] == ["floor", "template_retired"]
    assert [found["code"] for found in RecordedVerdict.objects.get().findings] == [
        "floor",
        "template_retired",
        "not_due",
    ]


def test_what_must_not_leave_at_all_is_cancelled_and_nobodys_task() -> None:
    message = make_message()
    make_interview(message.application, held_at=NOW)
    Candidate.objects.update(do_not_contact_at=NOW)
    assert refused(message).verdict.outcome is Outcome.STOP
    row = Message.objects.get(pk=message.pk)
    assert (row.status, row.status_at) == (Status.CANCELLED, DUE)
    assert row.status_reason == "The candidate asked not to be contacted."
    assert not HandOff.objects.exists()
    assert RecordedVerdict.objects.get().outcome == "stop"


def test_a_reason_that_is_too_long_for_its_column_is_cut_and_the_hand_off_has_it_whole() -> None:
    address = "kim@" + "x" * 180 + ".com"
    message = make_message()
    make_interview(message.application, held_at=NOW)
    Candidate.objects.update(email=f"{address},{address}"[:254])
    refused(message)
    assert len(Message.objects.get(pk=message.pk).status_reason) == 500
    assert len(" ".join(HandOff.objects.get().sentences)) > 500


def test_a_wait_without_a_time_is_asked_about_in_an_hour() -> None:
    message = make_message()
    case = refused(message, now=NOW)
    nobody_said_when = replace(case, verdict=replace(case.verdict, findings=()))
    gate._turn_away(nobody_said_when, now=NOW)
    row = Message.objects.get(pk=message.pk)
    assert (row.status, row.due_at, row.status_reason) == (Status.SCHEDULED, NOW + timedelta(hours=1), "")


ACTS: dict[str, Callable[[Message], object]] = {
    "clear": lambda message: gate.clear(message.pk, now=DUE),
    "clear many": lambda message: gate.clear_many([message.pk], at_most=1, now=DUE),
    "settle": lambda message: gate.settle(message, now=DUE),
    "resettle": lambda message: gate.resettle(message.application_id, now=DUE),
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_a_fault_in_the_middle_leaves_everything_as_it_was(
    act: Callable[[Message], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    message = make_message()
    make_interview(message.application, held_at=NOW)
    before = state_of(message)

    def fail(*args: object, **kwargs: object) -> None:
        assert state_of(message) != before
        raise RuntimeError("A bug.")

    with monkeypatch.context() as broken:
        broken.setattr(gate, "_hand_off_of", fail)
        with pytest.raises(RuntimeError, match="bug"):
            act(message)
    assert state_of(message) == before
    act(message)
    assert state_of(message) != before


def test_what_is_left_in_doubt_says_why_and_whose_words_it_needs() -> None:
    application = make_application()
    reject(application)
    written, planned, other = by_hand(application), make_message(), make_message()
    findings = [gate.cannot_be_proven("x" * 300), gate.cannot_be_proven("y" * 300)]
    force(Message.objects.all(), recipient="kim@example.com")

    def leave(message: Message, reserve: Reserve) -> bool:
        with guards_off():  # which let this happen only after an attempt
            return gate.leave_in_doubt(message, findings=findings, reserve=reserve, now=DUE)

    for message, reserve in ((written, Reserve.PERSON_WRITES), (planned, Reserve.PERSON_SENDS)):
        assert leave(message, Reserve.AUTOMATIC)
        row = Message.objects.get(pk=message.pk)
        assert (row.status, row.status_at) == (Status.UNCERTAIN, DUE)
        assert row.status_reason == f"{findings[0].sentence} {findings[1].sentence}"[:500]
        assert len(row.status_reason) == 500
        assert message.hand_offs.get().reserve == reserve
        assert not leave(message, Reserve.AUTOMATIC)
    assert Message.objects.get(pk=other.pk).status == Status.SCHEDULED
    assert leave(other, Reserve.PERSON_WRITES)
    assert other.hand_offs.get().reserve == Reserve.PERSON_WRITES


def test_what_cannot_be_proven_is_said_in_whole_sentences() -> None:
    finding = gate.cannot_be_proven("")
    assert finding.sentence.endswith("before you write.")
    assert (finding.code, finding.outcome) == ("uncertain", Outcome.HAND_OFF)


# --- Right after planning ---------------------------------------------------------------------------------------------


def test_settling_leaves_alone_what_may_leave_and_what_waits_for_its_time() -> None:
    message = make_message()
    Message.objects.update(status_reason="Tried before.")
    before = state_of(message)
    assert gate.settle(message, now=NOW).verdict.outcome is Outcome.LATER
    assert gate.settle(message, now=DUE).verdict.outcome is Outcome.SEND
    assert state_of(message) == before


def test_settling_hands_off_at_once_what_would_be_reserved_when_it_is_due() -> None:
    message = make_message()
    make_interview(message.application, held_at=NOW)
    assert gate.settle(message, now=NOW).verdict.outcome is Outcome.HAND_OFF
    assert Message.objects.get(pk=message.pk).status == Status.HELD
    assert HandOff.objects.get().created_at == NOW


@pytest.mark.parametrize("status", [Status.SENDING, Status.SENT, Status.CANCELLED, Status.HELD])
def test_settling_what_somebody_else_took_changes_nothing(status: Message.Status) -> None:
    message = make_message()
    make_interview(message.application, held_at=NOW)
    force(Message.objects.all(), status=status, recipient="kim@example.com")
    before = state_of(message)
    gate.settle(message, now=NOW)
    assert state_of(message) == before


# --- After a move -----------------------------------------------------------------------------------------------------


def resettle(message: Message, *, now: datetime = NOW) -> None:
    gate.resettle(message.application_id, now=now)


def test_what_waits_and_is_reserved_by_now_becomes_a_task_at_once() -> None:
    message, other = make_message(), make_message()
    before = state_of(message), state_of(other)
    resettle(message)
    assert (state_of(message), state_of(other)) == before

    make_interview(message.application, held_at=NOW)
    resettle(message)
    assert Message.objects.get(pk=message.pk).status == Status.HELD
    assert HandOff.objects.open().get().message == message
    assert state_of(other) == before[1]


def test_what_was_overtaken_ends_and_its_hand_off_with_it() -> None:
    message = make_message(template=make_template(signed=False))
    hand_off = message.hand_offs.get()
    assert (message.status, hand_off.status) == (Status.HELD, "open")
    resettle(message)
    hand_off.refresh_from_db()
    assert hand_off.is_open

    done(moves.reopen(message.application, act=Act(by=actors.CLOCK, now=NOW)))
    resettle(message, now=DUE)

    hand_off.refresh_from_db()
    row = Message.objects.get(pk=message.pk)
    sentence = "What this message follows from was taken back or has moved on."
    assert (row.status, row.status_at, row.status_reason) == (Status.CANCELLED, DUE, sentence)
    assert (hand_off.status, hand_off.closed_at, hand_off.closed_by, hand_off.note) == (
        "not_needed",
        DUE,
        None,
        sentence,
    )
    assert list(message.verdicts.order_by("pk").values_list("outcome", flat=True)) == ["hand_off", "stop"]


def test_what_waits_for_its_time_and_was_overtaken_ends() -> None:
    message = make_message()
    done(moves.reopen(message.application, act=Act(by=actors.CLOCK, now=NOW)))
    resettle(message)
    assert Message.objects.get(pk=message.pk).status == Status.CANCELLED
    assert not HandOff.objects.exists()
    assert RecordedVerdict.objects.get().outcome == "stop"


@pytest.mark.parametrize(("status", "is_closed"), [(Status.FAILED, True), (Status.UNCERTAIN, False)])
def test_the_task_of_a_failed_message_ends_with_its_cause_and_the_doubt_about_an_uncertain_one_stays(
    *, status: Message.Status, is_closed: bool
) -> None:
    message = make_message()
    force(Message.objects.all(), status=status, recipient="kim@example.com")
    finding = Finding(code="failed", sentence="The provider did not take this mail.", outcome=Outcome.HAND_OFF)
    hand_off = gate.hand_off(fresh(message), findings=[finding], reserve=1, now=NOW)
    resettle(message)
    assert HandOff.objects.get().is_open

    done(moves.reopen(message.application, act=Act(by=actors.CLOCK, now=NOW)))
    resettle(message)
    hand_off.refresh_from_db()
    assert hand_off.is_open is not is_closed
    assert Message.objects.get(pk=message.pk).status == status
    assert list(message.verdicts.values_list("outcome", flat=True)) == ["stop"] * is_closed


def test_a_persons_rejection_that_waits_when_the_application_is_reopened_goes_back_to_a_person() -> None:
    application = make_application()
    reject(application)
    message = by_hand(application)
    resettle(message)
    assert Message.objects.get(pk=message.pk).status == Status.SCHEDULED

    done(moves.reopen(application, act=Act(by=actors.CLOCK, now=NOW)))
    resettle(message)
    assert Message.objects.get(pk=message.pk).status == Status.HELD
    assert [reason["code"] for reason in HandOff.objects.get().reasons] == ["not_rejected"]


def test_only_applications_with_something_that_waits_are_asked_about_again() -> None:
    held = make_message(template=make_template(signed=False))
    scheduled, gone = make_message(), make_message()
    by_hand(scheduled.application)
    force(Message.objects.filter(pk=gone.pk), status=Status.CANCELLED)
    ids = [message.application_id for message in (gone, scheduled, held)]
    assert gate.unsettled(ids) == [held.application_id, scheduled.application_id]
    assert gate.unsettled(ids[:1]) == []


def test_of_nobody_nothing_is_asked(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        assert gate.unsettled([]) == []


# --- People -----------------------------------------------------------------------------------------------------------


def test_a_persons_message_is_cleared_with_their_words() -> None:
    application = make_application()
    move_to(application, Milestone.FINAL_ROUND)
    reject(application)
    clearance = cleared(by_hand(application))
    assert (clearance.case.subject, clearance.case.body) == ("About your talk", OWN_WORDS)
    assert clearance.case.verdict.reserve is Reserve.PERSON_WRITES


def test_a_person_who_may_not_send_any_more_does_not() -> None:
    application, person = make_application(), make_sender()
    reject(application)
    message = by_hand(application, by=person)
    person.user_permissions.clear()
    assert [finding.code for finding in refused(message).verdict.findings] == ["sender"]
    assert Message.objects.get(pk=message.pk).status == Status.HELD
    assert HandOff.objects.get().message == message


# --- Hand-offs --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("recruiter", "coordinator", "owner"),
    [
        ("active", "active", "recruiter"),
        ("inactive", "active", "coordinator"),
        (None, "active", "coordinator"),
        ("active", None, "recruiter"),
        ("inactive", "inactive", None),
        (None, None, None),
    ],
)
def test_the_owner_is_the_recruiter_else_the_coordinator_and_nobody_inactive(
    recruiter: str | None, coordinator: str | None, owner: str | None
) -> None:
    people = {
        role: make_user(is_active=kind == "active") if kind else None
        for role, kind in (("recruiter", recruiter), ("coordinator", coordinator))
    }
    job = make_job(**people)
    assert gate.owner_of(job, now=NOW) == (people[owner] if owner else None)
    message = make_message(application=make_application(job=job), template=make_template(signed=False))
    assert message.hand_offs.get().owner == gate.owner_of(job, now=NOW)


@pytest.mark.parametrize("touchpoint", [touchpoint for touchpoint in Touchpoint if touchpoint != "unknown"])
def test_a_hand_off_is_due_in_two_working_days_and_where_they_wait_hardest_in_one(touchpoint: Touchpoint) -> None:
    message = make_message()
    message.touchpoint = touchpoint
    finding = Finding(code="floor", sentence="A person writes it.", outcome=Outcome.HAND_OFF)
    hand_off = gate.hand_off(message, findings=[finding], reserve=2, now=NOW)
    days = 1 if touchpoint in {"offer", "feedback"} else 2
    assert hand_off.due_at == datetime(2026, 9, 15 + days, 17, 0, tzinfo=ZoneInfo("Europe/London"))


# --- What is recorded -------------------------------------------------------------------------------------------------

CANARY = "zqcanary"


def _everything_recorded() -> str:
    rows = RecordedVerdict.objects.values_list("findings", "facts")
    return json.dumps(list(rows), ensure_ascii=False).casefold()


def test_a_recorded_verdict_has_every_fact_and_no_personal_data() -> None:
    candidate = make_candidate(
        first_name=f"{CANARY}-first", last_name=CANARY, email=f"{CANARY}@example.com", phone=CANARY
    )
    application = make_application(candidate=candidate)
    reason = Reason.objects.create(internal=f"{CANARY} inside", shareable=f"{CANARY} outside")
    make_interview(application, held_at=NOW, note=CANARY, place=CANARY)
    by_machine = make_message(template=make_template(signed=False))
    with guards_off():
        Message.objects.filter(pk=by_machine.pk).update(status=Status.SCHEDULED, application=application)
        HandOff.objects.all().delete()
    done(moves.reject(application, reason=reason, act=Act(by=actors.CLOCK, now=NOW, note=CANARY)))
    refused(by_machine)

    copied = by_hand(application, body=f"{OWN_WORDS}\n\n{{{{ {CANARY} }}}}", subject=CANARY)
    by_hand(make_application())
    Candidate.objects.filter(pk=candidate.pk).update(email=f"{CANARY} at example.com")
    found = [finding.code for finding in refused(copied).verdict.findings]
    assert found == ["text_problem", "address", "too_close"]
    hand_off = HandOff.objects.get(message=copied)
    assert CANARY in " ".join(hand_off.sentences)
    assert "billing migration" in " ".join(hand_off.sentences)

    recorded = _everything_recorded()
    assert CANARY not in recorded
    assert "billing migration" not in recorded
    for verdict in RecordedVerdict.objects.filter(message__in=[by_machine, copied]):
        assert set(verdict.facts) == {field.name for field in fields(Facts)}
        assert decide(record.facts_of(verdict.facts)).outcome == verdict.outcome
        assert verdict.versions == {
            "code": record.CODE,
            "rules": record.version_of_rules({}, []),
            "wording": verdict.message.wording_id,
        }
    last = RecordedVerdict.objects.get(message=copied)
    assert [finding["sentence"] for finding in last.findings] == [
        "The text cannot be sent as it is.",
        "The address cannot be written to.",
        "The text is too close to a known one.",
    ]
    assert (last.facts["address_problem"], last.facts["text_problem"], last.facts["too_close_passage"]) == (
        True,
        True,
        True,
    )
