"""What is read from the rows for a decision, one fact after the other, and at what price."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext

from messaging import automations, facts, handoffs, kin
from messaging.models import (
    Automation,
    Brake,
    HandOff,
    Hold,
    Installation,
    Message,
    PolicyRow,
    RejectionPhrase,
    Template,
    Wording,
)
from messaging.policy.decision import Facts, decide
from messaging.policy.floor import Touchpoint
from pipeline import actors, moves
from pipeline.milestones import Milestone
from pipeline.models import Application, Candidate, Source, User
from pipeline.moves import Act
from tests.factories import (
    NOW,
    OWN_WORDS,
    done,
    make_application,
    make_automation,
    make_candidate,
    make_interview,
    make_job,
    make_message,
    make_reason,
    make_sender,
    make_source,
    make_stage_rule,
    make_template,
    make_user,
    make_wording,
    move_to,
    reject,
    sign,
    stage_of,
)
from tests.guards_off import force, guards_off

DAY = timedelta(days=1)

pytestmark = pytest.mark.django_db

Event = Automation.Event
Status = Message.Status
UPDATE = "Dear {{ candidate.first_name }}, we read your application for {{ job.title }} this week. {{ sender.name }}"


def load(*messages: Message) -> list[Message]:
    ids = [message.pk for message in messages]
    return list(facts.with_context(Message.objects.filter(pk__in=ids)).order_by("pk"))


def facts_of(message: Message) -> Facts:
    [gathered] = facts.gather(load(message), now=NOW)
    return gathered.facts


def write(
    application: Application, *, by: User | None = None, body: str = OWN_WORDS, save: bool = True, **values: Any
) -> Message:
    """A message of a person."""
    message = handoffs.draft(
        application, touchpoint="rejection", subject="Your application", body=body, by=by or make_sender(), now=NOW
    )
    for name, value in values.items():
        setattr(message, name, value)
    if save:
        message.save()
        handoffs.release(message, now=NOW)
    return message


def set_status(message: Message, status: str) -> None:
    force(Message.objects.filter(pk=message.pk), status=status, recipient="kim@example.com")


# --- A batch ----------------------------------------------------------------------------------------------------------


def _full_message() -> Message:
    """With everything that could cost a query of its own."""
    candidate = make_candidate()
    application = make_application(candidate=candidate, job=make_job(coordinator=make_user()))
    elsewhere = make_application(candidate=candidate)
    move_to(elsewhere, Milestone.REVIEW)
    make_interview(application)
    set_status(write(elsewhere), Status.CANCELLED)
    template = make_template()
    sign(template.wordings.get())
    make_stage_rule(template, from_milestone=1, reserve=0)
    return make_message(application=application, template=template)


def _queries_for(messages: list[Message]) -> int:
    loaded = load(*messages)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert len(facts.gather(loaded, now=NOW)) == len(messages)
    return len(queries)


def test_a_batch_of_twenty_costs_as_many_queries_as_one_of_two() -> None:
    messages = [_full_message() for _ in range(20)]
    assert _queries_for(messages) == _queries_for(messages[:2])


def test_messages_by_people_cost_no_more_for_being_many() -> None:
    messages = [write(make_application()) for _ in range(20)]
    assert _queries_for(messages) == _queries_for(messages[:2])


def test_an_empty_batch_asks_nothing() -> None:
    assert _queries_for([]) == 0


def test_unsaved_messages_are_gathered_like_saved_ones() -> None:
    application = make_application()
    [gathered] = facts.gather([write(application, save=False)], now=NOW)
    assert gathered.facts.reach == Milestone.APPLIED
    assert gathered.message.pk is None


# --- Reach ------------------------------------------------------------------------------------------------------------


def test_the_reach_is_read_over_all_applications_and_stays_after_a_move_back() -> None:
    candidate = make_candidate()
    application, elsewhere = make_application(candidate=candidate), make_application(candidate=candidate)
    message = make_message(application=application)
    assert facts_of(message).reach == Milestone.APPLIED
    move_to(elsewhere, Milestone.FINAL_ROUND)
    assert facts_of(message).reach == Milestone.FINAL_ROUND
    move_to(elsewhere, Milestone.APPLIED)
    assert facts_of(message).reach == Milestone.FINAL_ROUND


def test_of_column_history_and_the_stages_of_today_the_furthest_counts() -> None:
    message = make_message()
    application = message.application
    Candidate.objects.filter(pk=application.candidate_id).update(reach=4)
    assert facts_of(message).reach == 4

    force(Candidate.objects.filter(pk=application.candidate_id), reach=0)
    force(application.stage_changes.filter(kind="received"), to_milestone=Milestone.INTERVIEW)
    assert facts_of(message).reach == Milestone.INTERVIEW

    Application.objects.filter(pk=application.pk).update(stage=stage_of(application, Milestone.OFFER))
    assert facts_of(message).reach == Milestone.OFFER


def test_nobody_elses_reach_is_taken_for_theirs() -> None:
    job = make_job()
    message = make_message(application=make_application(job=job))
    move_to(make_application(job=job), Milestone.OFFER)
    assert facts_of(message).reach == Milestone.APPLIED


# --- Contact ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("interview", "contact"),
    [
        ({}, False),  # still ahead
        ({"held_at": NOW - timedelta(days=1)}, True),
        ({"held_at": NOW}, True),
        # It should be over, and nobody wrote down whether it took place.
        ({"starts_at": NOW - timedelta(hours=1)}, None),
        ({"starts_at": NOW}, None),
        ({"starts_at": NOW - timedelta(hours=1), "cancelled_at": NOW - timedelta(days=1)}, False),
        ({"starts_at": NOW - timedelta(hours=1), "held_at": NOW, "cancelled_at": NOW}, True),
    ],
)
@pytest.mark.parametrize("is_elsewhere", [False, True])
def test_an_interview_is_contact_once_it_may_have_taken_place(
    *, interview: dict[str, Any], contact: bool | None, is_elsewhere: bool
) -> None:
    message = make_message()
    assert facts_of(message).contact is False
    theirs = message.application
    make_interview(make_application(candidate=theirs.candidate) if is_elsewhere else theirs, **interview)
    assert facts_of(message).contact is contact


@pytest.mark.parametrize("status", Status)
def test_a_message_by_hand_is_contact_once_it_may_have_left(status: Message.Status) -> None:
    message = make_message()
    by_hand = write(make_application(candidate=message.application.candidate))
    set_status(by_hand, status)
    assert facts_of(message).contact is (status in {"sending", "sent", "uncertain"})


@pytest.mark.parametrize("status", ["sending", "sent", "uncertain"])
def test_what_an_automation_sent_is_no_contact(status: str) -> None:
    message, other = make_message(), make_message()
    force(Message.objects.filter(pk=other.pk), application=message.application)
    set_status(other, status)
    assert facts_of(message).contact is False


def test_a_message_is_no_contact_before_itself_but_before_every_other_of_its_batch() -> None:
    message = make_message()
    by_hand = write(message.application)
    set_status(by_hand, Status.SENT)
    of_machine, of_person = facts.gather(load(message, by_hand), now=NOW)
    assert of_machine.message.pk == message.pk
    assert of_machine.facts.contact is True
    assert of_person.facts.contact is False


def test_having_told_them_by_phone_is_contact_even_if_the_call_is_deleted() -> None:
    message = make_message()
    held = make_message(application=make_application(candidate=message.application.candidate), template=_unsigned())
    hand_off = held.hand_offs.get()
    handoffs.tell_by_phone(hand_off, note="We spoke.", by=make_user(), now=NOW)
    with guards_off():
        hand_off.application.interviews.all().delete()
    assert HandOff.objects.get(pk=hand_off.pk).status == HandOff.Status.TOLD_BY_PHONE
    assert facts_of(message).contact is True


def _unsigned(**overrides: Any) -> Template:
    return make_template(signed=False, **overrides)


# --- The decision -----------------------------------------------------------------------------------------------------


def _ended_by(by: actors.Actor) -> Message:
    application = make_application()
    make_automation(job=application.job, delay=60)
    change = done(moves.reject(application, reason=make_reason(), act=Act(by=by, now=NOW)))
    [message] = automations.follow(change, now=NOW)
    return message


def test_only_a_signed_in_person_or_a_source_that_relays_decided() -> None:
    relays = make_source(relays_decisions=True, kind=Source.Kind.TOKEN)
    does_not = make_source()
    starter = make_user().pk
    by_whom = {
        actors.person(starter): True,
        actors.imported(does_not.pk): False,
        actors.imported(does_not.pk, started_by=starter): False,
        actors.imported(relays.pk): True,
        actors.Actor(kind=actors.ActorKind.TOKEN, source_id=does_not.pk): False,
        actors.Actor(kind=actors.ActorKind.TOKEN, source_id=relays.pk): True,
        actors.Actor(kind=actors.ActorKind.TOKEN): False,
        actors.Actor(kind=actors.ActorKind.PERSON): False,
        actors.CLOCK: False,
    }
    for by, decided in by_whom.items():
        assert facts_of(_ended_by(by)).decided_by_a_person is decided, by


def test_without_a_rejection_nobody_decided() -> None:
    application = make_application(quiet=False)
    make_automation(event=Event.RECEIVED, template=_unsigned(touchpoint="acknowledgement", body=UPDATE))
    [message] = automations.follow(application.stage_changes.get(), now=NOW)
    gathered = facts_of(message)
    assert gathered.decided_by_a_person is None
    assert gathered.application_status == "active"


def test_the_rejection_that_was_written_last_counts_whatever_date_it_carries() -> None:
    message = make_message()
    assert facts_of(message).decided_by_a_person is True
    application = message.application
    done(moves.reopen(application, act=Act(by=actors.CLOCK, now=NOW)))
    source = make_source()
    done(
        moves.reject(
            application,
            reason=make_reason(),
            act=Act(by=actors.imported(source.pk), now=NOW - timedelta(days=30)),
        )
    )
    assert facts_of(message).decided_by_a_person is False


# --- The cause --------------------------------------------------------------------------------------------------------


def _planned(event: str, **overrides: Any) -> Message:
    """What an automation for this event planned, due in an hour."""
    touchpoint = overrides.pop("touchpoint", Touchpoint.STATUS_UPDATE)
    template = make_template(touchpoint=touchpoint, body=UPDATE)
    quiet_days = {"quiet_days": 1} if event == Event.NO_NEWS else {"delay": 60}
    automation = make_automation(event=event, template=template, **quiet_days)
    application = make_application(quiet=False)
    act = Act(by=actors.person(make_user().pk), now=NOW)
    change = application.stage_changes.get()
    if event == Event.REJECTED:
        change = done(moves.reject(application, reason=make_reason(), act=act))
    elif event == Event.WITHDRAWN:
        change = done(moves.withdraw(application, act=act))
    elif event == Event.HIRED:
        change = done(moves.hire(application, act=act))
    elif event == Event.STAGE_ENTERED:
        change = move_to(application, Milestone.REVIEW)
    return Message.objects.create(
        application=application,
        touchpoint=touchpoint,
        origin="automation",
        automation=automation,
        template=template,
        wording=template.wordings.get(),
        stage_change=change,
        cause=f"{event}:{change.pk}",
        created_at=NOW,
        status_at=NOW,
        due_at=NOW,
    )


@pytest.mark.parametrize("event", Event)
def test_a_cause_stands_while_the_application_is_where_it_was_found(event: Automation.Event) -> None:
    message = _planned(event)
    assert facts_of(message).cause_stands is True


@pytest.mark.parametrize("event", Event)
def test_without_automation_or_change_nothing_says_what_a_message_follows_from(event: Automation.Event) -> None:
    message = _planned(event)
    force(Message.objects.filter(pk=message.pk), stage_change=None)
    assert facts_of(message).cause_stands is None
    force(Message.objects.filter(pk=message.pk), stage_change=message.stage_change, automation=None)
    assert facts_of(message).cause_stands is None


def test_an_event_that_nobody_knows_is_no_cause() -> None:
    message = _planned(Event.RECEIVED)
    Automation.objects.update(event="full_moon")
    assert facts_of(message).cause_stands is None


@pytest.mark.parametrize("event", [Event.REJECTED, Event.WITHDRAWN, Event.HIRED])
def test_an_end_that_was_taken_back_is_no_cause_and_a_second_end_is_another(event: Automation.Event) -> None:
    message = _planned(event)
    application = message.application
    done(moves.reopen(application, act=Act(by=actors.CLOCK, now=NOW)))
    assert facts_of(message).cause_stands is False
    later = Act(by=actors.CLOCK, now=NOW + timedelta(minutes=5))
    done(
        {
            Event.REJECTED: lambda: moves.reject(application, reason=make_reason(), act=later),
            Event.WITHDRAWN: lambda: moves.withdraw(application, act=later),
            Event.HIRED: lambda: moves.hire(application, act=later),
        }[event]()
    )
    assert facts_of(message).cause_stands is False


@pytest.mark.parametrize("event", [Event.STAGE_ENTERED, Event.NO_NEWS])
def test_a_stage_that_was_left_or_an_application_that_ended_is_no_cause(event: Automation.Event) -> None:
    message = _planned(event)
    application = message.application
    move_to(application, Milestone.OFFER, now=NOW + timedelta(minutes=5))
    assert facts_of(message).cause_stands is False

    ended = _planned(event)
    reject(ended.application)
    assert facts_of(ended).cause_stands is False


def test_coming_back_to_a_stage_is_another_cause() -> None:
    message = _planned(Event.STAGE_ENTERED)
    move_to(message.application, Milestone.OFFER, now=NOW + timedelta(minutes=5))
    move_to(message.application, Milestone.REVIEW, now=NOW + timedelta(minutes=6))
    assert facts_of(message).cause_stands is False


def test_a_stage_that_was_entered_and_left_in_one_moment_is_no_cause() -> None:
    message = _planned(Event.STAGE_ENTERED)
    move_to(message.application, Milestone.OFFER, now=NOW)
    assert message.application.stage_entered_at == NOW
    assert facts_of(message).cause_stands is False


def test_having_applied_stands_until_they_withdraw_or_know_how_it_ended() -> None:
    message = _planned(Event.RECEIVED, touchpoint=Touchpoint.ACKNOWLEDGEMENT)
    application = message.application
    move_to(application, Milestone.OFFER)
    assert facts_of(message).cause_stands is True
    reject(application)
    assert facts_of(message).cause_stands is True
    moves.record_told(application, how="mail", by=actors.CLOCK, now=NOW)
    assert facts_of(message).cause_stands is False

    withdrawn = _planned(Event.RECEIVED, touchpoint=Touchpoint.ACKNOWLEDGEMENT)
    done(moves.withdraw(withdrawn.application, act=Act(by=actors.CLOCK, now=NOW)))
    assert facts_of(withdrawn).cause_stands is False


def test_a_survey_after_applying_stands_when_they_know_how_it_ended() -> None:
    message = _planned(Event.RECEIVED, touchpoint=Touchpoint.SURVEY)
    reject(message.application)
    moves.record_told(message.application, how="mail", by=actors.CLOCK, now=NOW)
    assert facts_of(message).cause_stands is True


@pytest.mark.parametrize("status", Status)
def test_news_since_they_entered_the_stage_ends_the_lack_of_news(status: Message.Status) -> None:
    message = _planned(Event.NO_NEWS)
    news = write(message.application)
    set_status(news, status)
    assert facts_of(message).cause_stands is (status not in Message.MAY_HAVE_LEFT)
    Message.objects.filter(pk=news.pk).update(status_at=NOW - timedelta(minutes=1))
    assert facts_of(message).cause_stands is True


def test_what_did_not_arrive_was_no_news() -> None:
    message = _planned(Event.NO_NEWS)
    news = write(message.application)
    set_status(news, Status.SENT)
    assert facts_of(message).cause_stands is False
    for delivery in Message.NOT_ARRIVED:
        Message.objects.filter(pk=news.pk).update(delivery=delivery)
        assert facts_of(message).cause_stands is True


# --- Told, repeated, hand-offs ----------------------------------------------------------------------------------------


def test_who_withdrew_or_was_hired_knows_how_it_ended_and_who_was_rejected_has_to_be_told() -> None:
    rejected = _planned(Event.REJECTED)
    assert facts_of(rejected).told is False
    moves.record_told(rejected.application, how="phone", by=actors.CLOCK, now=NOW)
    assert facts_of(rejected).told is True
    assert facts_of(_planned(Event.WITHDRAWN)).told is True
    assert facts_of(_planned(Event.HIRED)).told is True
    assert facts_of(_planned(Event.RECEIVED)).told is False


@pytest.mark.parametrize("status", Status)
def test_the_same_cause_was_sent_where_another_message_for_it_may_have_left(status: Message.Status) -> None:
    message = _planned(Event.RECEIVED)
    other = _planned(Event.RECEIVED)
    same = {"application": message.application, "cause": message.cause}
    force(Message.objects.filter(pk=other.pk), origin="person", written_by=make_user(), **same)
    set_status(other, status)
    assert facts_of(message).same_cause_sent is (status in Message.MAY_HAVE_LEFT)
    force(Message.objects.filter(pk=other.pk), touchpoint="reminder")
    assert facts_of(message).same_cause_sent is False


def test_a_message_that_left_is_not_its_own_repetition_and_no_cause_is_nobodys() -> None:
    message = _planned(Event.RECEIVED)
    set_status(message, Status.SENT)
    assert facts_of(message).same_cause_sent is False
    one, two = write(message.application), write(message.application)
    set_status(one, Status.SENT)
    assert facts_of(two).same_cause_sent is False


def test_other_open_hand_offs_of_the_candidate_are_counted_and_its_own_is_not() -> None:
    message = make_message(template=_unsigned())
    assert message.hand_offs.open().count() == 1
    assert facts_of(message).other_hand_offs_open == 0
    other = make_message(application=make_application(candidate=message.application.candidate), template=_unsigned())
    assert facts_of(message).other_hand_offs_open == 1
    handoffs.close_as_not_needed(other.hand_offs.get(), reason="Done.", by=make_user(), now=NOW)
    assert facts_of(message).other_hand_offs_open == 0


# --- Policy, rules, signatures ----------------------------------------------------------------------------------------


def test_rows_of_policy_and_template_count_from_their_milestone_on() -> None:
    message = _planned(Event.RECEIVED)
    PolicyRow.objects.create(touchpoint="status_update", from_milestone=2, reserve=1)
    PolicyRow.objects.create(touchpoint="reminder", from_milestone=1, reserve=2)
    assert message.template is not None
    make_stage_rule(message.template, from_milestone=3, reserve=2)
    make_stage_rule(make_template(), from_milestone=1, reserve=2)
    for milestone, policy, rule in [(1, 0, 0), (2, 1, 0), (3, 1, 2)]:
        Candidate.objects.update(reach=milestone)
        gathered = facts_of(message)
        assert (gathered.policy_reserve, gathered.stage_rule_reserve) == (policy, rule)


def test_contact_raises_the_standing_at_which_rows_count() -> None:
    message = _planned(Event.RECEIVED)
    PolicyRow.objects.create(touchpoint="status_update", from_milestone=3, reserve=1)
    assert facts_of(message).policy_reserve == 0
    make_interview(message.application, held_at=NOW)
    assert facts_of(message).policy_reserve == 1


def test_what_the_policy_asks_of_rejections_it_asks_of_texts_that_read_like_one() -> None:
    message = _planned(Event.RECEIVED)
    PolicyRow.objects.create(touchpoint="rejection", from_milestone=1, reserve=2)
    assert facts_of(message).policy_reserve == 0
    assert message.wording is not None
    force(Wording.objects.filter(pk=message.wording.pk), body="We will not be moving forward, {{ sender.name }}.")
    gathered = facts_of(message)
    assert gathered.reads_like_rejection is True
    assert gathered.policy_reserve == 2


def test_the_phrase_list_is_the_one_that_people_edit() -> None:
    message = _planned(Event.RECEIVED)
    assert facts_of(message).reads_like_rejection is False
    RejectionPhrase.objects.create(text="your application for")
    assert facts_of(message).reads_like_rejection is True


def test_a_rejection_in_the_subject_alone_is_seen() -> None:
    message = _planned(Event.RECEIVED)
    assert message.wording is not None
    force(Wording.objects.filter(pk=message.wording.pk), subject="You have not been selected")
    assert facts_of(message).reads_like_rejection is True


def test_people_who_signed_are_counted_and_the_first_active_one_is_the_sender() -> None:
    message = _planned(Event.RECEIVED)
    assert message.wording is not None
    first = message.wording.signatures.get().signed_by
    second = make_user()
    sign(message.wording, by=second)
    [gathered] = facts.gather(load(message), now=NOW)
    assert (gathered.facts.signatures, gathered.sender) == (2, first)

    User.objects.filter(pk=first.pk).update(is_active=False)
    [gathered] = facts.gather(load(message), now=NOW)
    assert (gathered.facts.signatures, gathered.sender) == (2, second)
    assert str(second) in gathered.body

    User.objects.update(is_active=False)
    [gathered] = facts.gather(load(message), now=NOW)
    assert gathered.sender == first


def test_an_unsigned_wording_has_no_sender() -> None:
    message = make_message(template=_unsigned())
    [gathered] = facts.gather(load(message), now=NOW)
    assert (gathered.facts.signatures, gathered.sender) == (0, None)
    assert gathered.facts.missing == ("sender.name",)


def test_template_and_automation_are_in_use_until_they_are_retired() -> None:
    message = make_message()
    gathered = facts_of(message)
    assert (gathered.template_in_use, gathered.automation_in_use) == (True, True)
    Template.objects.update(is_active=False)
    Automation.objects.update(is_active=False)
    gathered = facts_of(message)
    assert (gathered.template_in_use, gathered.automation_in_use) == (False, False)
    force(Message.objects.all(), template=None, automation=None)
    gathered = facts_of(message)
    assert (gathered.template_in_use, gathered.automation_in_use) == (False, False)


# --- Text -------------------------------------------------------------------------------------------------------------


def test_an_automations_text_is_its_wording_filled_in_with_the_next_interview() -> None:
    body = (
        "Dear {{ candidate.first_name }}, see you in {{ interview.place }} on {{ interview.date }}. {{ sender.name }}"
    )
    template = make_template(touchpoint="scheduling", body=body)
    message = make_message(template=template)
    assert facts_of(message).missing == ("interview.place", "interview.date")

    application = message.application
    make_interview(application, place="Room 9", starts_at=NOW + timedelta(days=9))
    make_interview(application, place="Room 4")
    make_interview(application, place="Room 1", starts_at=NOW - timedelta(days=1), held_at=NOW)
    make_interview(application, place="Room 2", starts_at=NOW + timedelta(hours=1), cancelled_at=NOW)
    [gathered] = facts.gather(load(message), now=NOW)
    assert "see you in Room 4 on Wednesday, 16 September 2026." in gathered.body
    assert gathered.subject == f"About {application.job.title}"
    assert (gathered.facts.missing, gathered.facts.text_problem) == ((), "")


def test_a_message_without_a_wording_and_a_wording_that_cannot_be_read_are_problems() -> None:
    message = make_message()
    assert facts_of(message).text_problem == ""
    assert message.wording is not None
    force(Wording.objects.filter(pk=message.wording.pk), body="Dear {{ candidate.first_name")
    assert "is never closed" in facts_of(message).text_problem
    force(Message.objects.all(), wording=None)
    gathered = facts_of(message)
    assert gathered.text_problem == "This message has no wording."
    assert gathered.signatures == 0


@pytest.mark.parametrize(
    "rest", ["{{ candidate.first_name }}", "{% if x %}", "[missing: interview.date]", "[your name]"]
)
def test_what_a_person_forgot_to_fill_in_is_a_problem(rest: str) -> None:
    application = make_application()
    assert facts_of(write(application)).text_problem == ""
    assert facts_of(write(application, body=f"{OWN_WORDS} {rest}")).text_problem
    assert facts_of(write(application, subject=f"About {rest}")).text_problem


@pytest.mark.parametrize(("subject", "body"), [("", OWN_WORDS), ("Hello", ""), ("Two\nlines", OWN_WORDS)])
def test_a_person_cannot_send_an_empty_text_or_a_subject_of_two_lines(subject: str, body: str) -> None:
    assert facts_of(write(make_application(), subject=subject, body=body)).text_problem


def test_a_persons_words_leave_as_they_were_written() -> None:
    body = f"{OWN_WORDS}\n50 % of {{it}} is | done"
    [gathered] = facts.gather(load(write(make_application(), body=body.replace("{it}", "it"))), now=NOW)
    assert gathered.body == body.replace("{it}", "it")
    assert gathered.facts.text_problem == ""


# --- Address ----------------------------------------------------------------------------------------------------------


def test_the_recipient_is_the_one_address_as_it_was_read() -> None:
    message = make_message()
    Candidate.objects.update(email="\u00a0Kim.Lee@EXAMPLE.com ")
    [gathered] = facts.gather(load(message), now=NOW)
    assert gathered.recipient == "Kim.Lee@example.com"
    assert gathered.facts.address_problem == ""


@pytest.mark.parametrize(
    "address",
    [
        "=?utf-8?q?kim?=@example.com",
        "",
        "kim",
        "kim@",
        "a@example.com, b@example.com",
        "kim@example.com\nBcc: eve@example.org",
        "kim@[127.0.0.1]",
    ],
)
def test_an_address_that_cannot_be_written_to_is_a_problem_and_no_recipient(address: str) -> None:
    message = make_message()
    Candidate.objects.update(email=address)
    [gathered] = facts.gather(load(message), now=NOW)
    assert gathered.recipient == ""
    assert gathered.facts.address_problem.endswith("Correct the address on the candidate’s page.")
    assert ".." not in gathered.facts.address_problem


def test_letters_that_mail_does_not_carry_before_the_at_sign_are_a_problem() -> None:
    message = make_message()
    for address, fits in (("jurgen@bücher.example", True), ("jürgen@example.com", False)):
        Candidate.objects.update(email=address)
        [gathered] = facts.gather(load(message), now=NOW)
        assert (gathered.recipient == address) == fits
        assert ("another address" in gathered.facts.address_problem) != fits


def test_an_address_of_ours_is_a_problem() -> None:
    message = make_message()
    colleague = make_user(email="Ana@Byhand.example.com")
    for address in ["ana@byhand.EXAMPLE.com", settings.MAIL_FROM]:
        Candidate.objects.update(email=address)
        [gathered] = facts.gather(load(message), now=NOW)
        assert gathered.recipient == ""
        assert "an address of ours" in gathered.facts.address_problem
    User.objects.filter(pk=colleague.pk).update(is_active=False)
    Candidate.objects.update(email="ana@byhand.example.com")
    assert facts_of(message).address_problem == ""


def test_wishes_of_the_candidate_are_read() -> None:
    message = make_message()
    gathered = facts_of(message)
    assert (gathered.do_not_contact, gathered.talent_pool_consent) == (False, False)
    Candidate.objects.update(do_not_contact_at=NOW, talent_pool_consent_at=NOW)
    gathered = facts_of(message)
    assert (gathered.do_not_contact, gathered.talent_pool_consent) == (True, True)


def test_safe_mode_keeps_everything_and_a_brake_its_automation() -> None:
    message, other = make_message(), make_message()
    assert message.automation is not None
    assert (facts_of(message).at_home, facts_of(message).brake_on) == (True, False)
    brake = Brake.objects.create(automation=message.automation, put_on_at=NOW, why="Far more than usual.", count=1)
    assert (facts_of(message).brake_on, facts_of(other).brake_on) == (True, False)
    Brake.objects.filter(pk=brake.pk).update(released_at=NOW, released_by=make_user())
    assert not facts_of(message).brake_on
    installation = Installation.objects.create(instance="here")
    assert facts_of(message).at_home
    Installation.objects.filter(pk=installation.pk).update(safe_since=NOW)
    assert not facts_of(message).at_home


def test_a_hold_keeps_its_message_and_no_other_until_it_ends() -> None:
    message, other = make_message(), make_message()
    hold = Hold.objects.create(
        message=message, reason="Wait.", held_by=make_user(), held_at=NOW - DAY, until_at=NOW + DAY
    )
    assert (facts_of(message).on_hold, facts_of(other).on_hold) == (True, False)
    force(Hold.objects.filter(pk=hold.pk), until_at=NOW)
    assert not facts_of(message).on_hold
    force(Hold.objects.filter(pk=hold.pk), until_at=NOW + DAY)
    assert facts_of(message).on_hold
    Hold.objects.filter(pk=hold.pk).update(released_at=NOW, released_by=make_user())
    assert not facts_of(message).on_hold


# --- The person -------------------------------------------------------------------------------------------------------


def test_who_may_send() -> None:
    application = make_application()
    in_a_group = make_user()
    group = Group.objects.create(name="Writers")
    group.permissions.add(Permission.objects.get(codename="answer_handoff"))
    in_a_group.groups.add(group)
    people = {
        make_sender(): True,
        in_a_group: True,
        make_user(is_superuser=True): True,
        make_user(): False,
        make_sender(is_active=False): False,
        make_user(is_superuser=True, is_active=False): False,
    }
    for person, may_send in people.items():
        assert facts_of(write(application, by=person)).sender_may_send is may_send
    assert facts_of(make_message()).sender_may_send is False


def test_a_person_writes_alone_unless_an_automation_is_behind_it() -> None:
    message = make_message()
    by_hand = write(message.application)
    assert facts_of(by_hand).written_alone is True
    force(Message.objects.filter(pk=by_hand.pk), automation=message.automation)
    assert facts_of(by_hand).written_alone is False


# --- Kinship ----------------------------------------------------------------------------------------------------------


def test_an_automations_text_is_not_compared() -> None:
    gathered = facts_of(make_message())
    assert (gathered.too_close_to, gathered.too_short) == (None, False)


def test_own_words_are_close_to_nothing_and_a_wording_is_close_to_itself() -> None:
    application = make_application()
    template = make_template(name="Early no", signed=False)
    assert facts_of(write(application)).too_close_to == ""

    filled_in = (
        f"Dear Kim,\n\nThank you for applying for {application.job.title}. We have read your application and we will not "
        "be moving forward with it.\n\nBest,\nSomebody"
    )
    template.is_active = False
    template.save()
    gathered = facts_of(write(application, body=filled_in))
    assert gathered.too_close_to == "the template “Early no”"
    assert "we will not be moving forward with it" in gathered.too_close_passage
    [verdict_sentence] = [f.sentence for f in decide(gathered).findings if f.code == "too_close"] or [""]
    assert ".”." not in verdict_sentence


def test_an_older_wording_of_a_template_is_still_known() -> None:
    template = make_template(name="Early no")
    make_wording(template, body="Hello {{ candidate.first_name }}, this is another text by now. {{ sender.name }}")
    wording = template.wordings.get(number=1)
    assert facts_of(write(make_application(), body=wording.body.split("\n\n")[1])).too_close_to


def test_what_was_written_to_another_candidate_is_known_and_what_was_written_to_this_one_is_not() -> None:
    application = make_application()
    earlier = write(application)
    assert facts_of(write(application)).too_close_to == ""
    assert facts_of(write(make_application(candidate=application.candidate))).too_close_to == ""
    to_another = write(make_application())
    assert facts_of(to_another).too_close_to == "a message to another candidate"
    theirs = Message.objects.filter(application__candidate=application.candidate)
    theirs.exclude(pk=earlier.pk).update(status=Status.CANCELLED)

    set_status(earlier, Status.CANCELLED)
    assert facts_of(to_another).too_close_to == ""
    set_status(earlier, Status.HELD)
    assert facts_of(to_another).too_close_to
    force(Message.objects.filter(pk=earlier.pk), created_at=NOW - kin.KIN_FOR - timedelta(days=1))
    assert facts_of(to_another).too_close_to == ""


def test_a_few_words_are_too_short_to_be_anybodys() -> None:
    application = make_application()
    assert facts_of(write(application)).too_short is False
    assert facts_of(write(application, body="Sorry, it is a no.")).too_short is True


def test_while_somebody_types_the_closest_text_is_known_however_far_it_is() -> None:
    application = make_application()
    make_template(name="Early no")
    draft = write(
        application, save=False, body=f"{OWN_WORDS}\n\nWe have read your application and we will not be moving on."
    )
    closest = kin.closest_kin(draft, now=NOW)
    assert closest is not None
    assert closest.label == "the template “Early no”"
    assert closest.score < 50
    [gathered] = facts.gather([draft], now=NOW)
    assert gathered.facts.too_close_to == ""


def test_the_time_in_a_verdict_is_the_organisations() -> None:
    gathered = facts_of(make_message())
    assert gathered.due_at.strftime("%H:%M %Z") == "11:00 BST"
    assert gathered.now == NOW


def test_what_was_sent_to_others_is_not_read_for_one_message() -> None:
    """SQLite counts no rows, and would take the index of the status."""
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL counts rows.")
    [message] = load(make_message())
    with CaptureQueriesContext(connection) as queries:
        facts.gather([message], now=NOW)
    of_mail = [query["sql"] for query in queries if 'FROM "messaging_message"' in query["sql"]]
    assert len(of_mail) == 2  # what may have left, and what people sent
    with connection.cursor() as cursor:
        for sql in of_mail:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
            assert "message_by_status" not in str(cursor.fetchall())
