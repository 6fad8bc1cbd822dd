"""From a stage change, or the lack of one, to at most one message of a kind."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError
from pytest_django import DjangoAssertNumQueries

from messaging import automations
from messaging.models import Automation, HandOff, Message, PlannedChange, Template
from pipeline import actors, moves, moves_of_many
from pipeline.milestones import Milestone
from pipeline.models import Application, StageChange
from pipeline.moves import Act
from tests.factories import (
    NOW,
    OWN_WORDS,
    done,
    make_application,
    make_automation,
    make_interview,
    make_job,
    make_message,
    make_sender,
    make_template,
    make_wording,
    move_to,
    reject,
    stage_of,
)
from tests.guards_off import force

pytestmark = pytest.mark.django_db

Event = Automation.Event
Unit = Automation.DelayUnit
Kind = StageChange.Kind
Status = Message.Status
UPDATE = "Dear {{ candidate.first_name }}, we read your application for {{ job.title }} this week. {{ sender.name }}"
FRIDAY = datetime(2026, 9, 18, 9, 0, tzinfo=NOW.tzinfo)


def act(**overrides: Any) -> Act:
    values: dict[str, Any] = {"by": actors.CLOCK, "now": NOW} | overrides
    return Act(**values)


def make_update(**overrides: Any) -> Automation:
    """Sends a status update an hour after it was received, unless told otherwise."""
    values: dict[str, Any] = {"event": Event.RECEIVED, "delay": 60} | overrides
    if "template" not in values:
        values["template"] = make_template(touchpoint="status_update", body=UPDATE)
    return make_automation(**values)


def make_no_news(**overrides: Any) -> Automation:
    return make_update(**{"event": Event.NO_NEWS, "quiet_days": 3, "delay": 0} | overrides)


def arrive(**overrides: Any) -> Application:
    return make_application(**{"quiet": False} | overrides)


# --- Following a change -----------------------------------------------------------------------------------------------


def test_what_follows_from_a_change_is_planned_with_everything_it_needs() -> None:
    automation = make_update()
    application = arrive()
    change = application.stage_changes.get()
    [message] = automations.follow(change, now=NOW)
    assert (message.application, message.stage_change, message.automation) == (application, change, automation)
    assert (message.template, message.wording) == (automation.template, automation.template.wordings.get())
    assert (message.touchpoint, message.origin, message.status) == ("status_update", "automation", "scheduled")
    assert (message.cause, message.created_at) == (f"received:{change.pk}", NOW)
    assert message.due_at == NOW + timedelta(hours=1)
    assert PlannedChange.objects.get(change=change).planned_at == NOW


def test_a_change_is_followed_once() -> None:
    make_update()
    change = arrive().stage_changes.get()
    assert len(automations.follow(change, now=NOW)) == 1
    make_update(template=make_template(touchpoint="reminder", body=UPDATE))  # came too late for this change
    assert automations.follow(change, now=NOW + timedelta(days=1)) == []
    assert automations.follow_open_changes(now=NOW) == 0
    assert Message.objects.count() == 1


KINDS: dict[str, set[str]] = {
    Kind.RECEIVED: {Event.RECEIVED, Event.STAGE_ENTERED},
    Kind.ADVANCED: {Event.STAGE_ENTERED},
    Kind.MOVED_BACK: {Event.STAGE_ENTERED},
    Kind.REJECTED: {Event.REJECTED},
    Kind.WITHDRAWN: {Event.WITHDRAWN},
    Kind.HIRED: {Event.HIRED},
    Kind.REOPENED: set(),
    Kind.UNDONE: set(),
}


def _make_change(kind: str) -> StageChange:
    application = arrive()
    if kind == Kind.RECEIVED:
        return application.stage_changes.get()
    if kind in {Kind.ADVANCED, Kind.MOVED_BACK}:
        change = move_to(application, Milestone.INTERVIEW)
        return change if kind == Kind.ADVANCED else move_to(application, Milestone.REVIEW)
    if kind == Kind.UNDONE:
        change = move_to(application, Milestone.INTERVIEW)
        return done(moves_of_many.take_back_many([change], act=act())[application.pk])
    if kind == Kind.HIRED:
        return done(moves.hire(application, act=act()))
    if kind == Kind.WITHDRAWN:
        return done(moves.withdraw(application, act=act()))
    change = reject(application)
    return done(moves.reopen(application, act=act())) if kind == Kind.REOPENED else change


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_of_change_wakes_the_automations_of_its_events_and_no_others(kind: StageChange.Kind) -> None:
    by_event: dict[str, Automation] = {event: make_update(event=event) for event in Event if event != Event.NO_NEWS}
    make_no_news()
    change = _make_change(kind)
    planned = automations.follow(change, now=NOW)
    assert {message.automation for message in planned} == {by_event[event] for event in KINDS[kind]}
    assert set(automations.EVENTS) == set(Kind) == set(KINDS)


def test_two_automations_of_one_kind_lead_to_one_message_for_one_cause() -> None:
    first = make_update()
    make_update(delay=600)
    [message] = automations.follow(arrive().stage_changes.get(), now=NOW)
    assert message.automation == first


def test_two_automations_of_different_kinds_lead_to_two() -> None:
    make_update()
    make_update(template=make_template(touchpoint="acknowledgement", body=UPDATE))
    planned = automations.follow(arrive().stage_changes.get(), now=NOW)
    assert {message.touchpoint for message in planned} == {"status_update", "acknowledgement"}


def test_each_candidate_gets_their_own() -> None:
    make_update()
    job = make_job()
    for _ in range(2):
        assert len(automations.follow(arrive(job=job).stage_changes.get(), now=NOW)) == 1


@pytest.mark.parametrize("condition", ["job", "pipeline", "stage"])
def test_an_automation_waits_only_for_what_meets_its_conditions(condition: str) -> None:
    mine, other = arrive(), arrive()
    conditions = {"job": mine.job, "pipeline": mine.job.pipeline, "stage": mine.stage}
    automation = make_update(event=Event.STAGE_ENTERED, **{condition: conditions[condition]})
    [message] = automations.follow(mine.stage_changes.get(), now=NOW)
    assert message.automation == automation
    assert automations.follow(other.stage_changes.get(), now=NOW) == []
    if condition == "stage":
        assert automations.follow(move_to(mine, Milestone.REVIEW), now=NOW) == []


def test_an_automation_that_is_switched_off_plans_nothing() -> None:
    automation = make_update(is_active=False)
    assert automations.follow(arrive().stage_changes.get(), now=NOW) == []
    Automation.objects.filter(pk=automation.pk).update(is_active=True)
    assert len(automations.follow(arrive().stage_changes.get(), now=NOW)) == 1


@pytest.mark.parametrize("kind", ["retired", "unsigned", "without a wording"])
def test_a_template_that_cannot_be_sent_becomes_a_task_and_not_silence(kind: str) -> None:
    template = make_template(touchpoint="status_update", body=UPDATE, signed=kind != "unsigned")
    if kind == "retired":
        Template.objects.update(is_active=False)
    if kind == "without a wording":
        template = Template.objects.create(name="Bare", touchpoint="status_update")
    make_update(template=template)
    [message] = automations.follow(arrive().stage_changes.get(), now=NOW)
    assert message.status == Status.HELD
    expected = {"retired": "template_retired", "unsigned": "unsigned", "without a wording": "text_problem"}[kind]
    assert expected in {reason["code"] for reason in HandOff.objects.get().reasons}


def test_the_newest_signed_wording_is_taken_and_only_where_there_is_none_the_newest() -> None:
    template = make_template(touchpoint="status_update", body=UPDATE)
    make_wording(template, body=UPDATE, signed=False)
    make_update(template=template)
    [message] = automations.follow(arrive().stage_changes.get(), now=NOW)
    assert message.wording == template.wordings.get(number=1)
    make_wording(template, body=UPDATE)
    [message] = automations.follow(arrive().stage_changes.get(), now=NOW)
    assert message.wording == template.wordings.get(number=3)

    unsigned = make_template(touchpoint="reminder", body=UPDATE, signed=False)
    make_wording(unsigned, body=UPDATE, signed=False)
    make_update(template=unsigned)
    planned = automations.follow(arrive().stage_changes.get(), now=NOW)
    assert unsigned.wordings.get(number=2) in {message.wording for message in planned}


def test_a_quiet_change_plans_nothing_and_still_overtakes_what_waits() -> None:
    make_update(event=Event.STAGE_ENTERED)
    application = arrive()
    [waiting] = automations.follow(application.stage_changes.get(), now=NOW)
    quiet = moves.move(application, stage_of(application, Milestone.INTERVIEW), act=act(quiet=True))
    assert automations.follow(done(quiet), now=NOW) == []
    waiting.refresh_from_db()
    assert waiting.status == Status.CANCELLED
    loud = moves.move(application, stage_of(application, Milestone.OFFER), act=act())
    assert len(automations.follow(done(loud), now=NOW)) == 1


def test_a_change_at_another_job_is_asked_about_everywhere() -> None:
    waiting = make_message()
    elsewhere = make_application(candidate=waiting.application.candidate)
    bystander = make_message()
    automations.follow(move_to(elsewhere, Milestone.PHONE_SCREEN), now=NOW)
    waiting.refresh_from_db()
    bystander.refresh_from_db()
    assert (waiting.status, bystander.status) == (Status.HELD, Status.SCHEDULED)


# --- What nobody followed ---------------------------------------------------------------------------------------------


def test_the_sweep_follows_what_no_caller_followed_and_nothing_twice() -> None:
    make_update()
    followed, missed = arrive(), arrive()
    automations.follow(followed.stage_changes.get(), now=NOW)
    assert automations.follow_open_changes(now=NOW) == 1
    assert automations.follow_open_changes(now=NOW) == 0
    assert list(Message.objects.order_by("pk").values_list("application", flat=True)) == [followed.pk, missed.pk]


def test_the_sweep_takes_the_oldest_first_and_a_few_at_a_time() -> None:
    for _ in range(3):
        arrive()
    assert automations.follow_open_changes(now=NOW, at_most=2) == 2
    planned = list(PlannedChange.objects.order_by("change").values_list("change", flat=True))
    assert planned == list(StageChange.objects.order_by("pk").values_list("pk", flat=True)[:2])
    assert automations.follow_open_changes(now=NOW, at_most=2) == 1


def test_quiet_changes_are_passed_over_where_nothing_waits_and_settled_where_something_does() -> None:
    make_update()
    alone = [make_application(quiet=True) for _ in range(3)]
    waiting = make_message()
    elsewhere = make_application(candidate=waiting.application.candidate, quiet=True)
    move = moves.move(elsewhere, stage_of(elsewhere, Milestone.PHONE_SCREEN), act=act(quiet=True))
    while automations.follow_open_changes(now=NOW):
        pass
    assert PlannedChange.objects.filter(change__application__in=alone).count() == 3
    assert PlannedChange.objects.filter(change=done(move)).exists()
    waiting.refresh_from_db()
    assert waiting.status == Status.HELD
    assert list(Message.objects.all()) == [waiting]


def test_a_change_that_cannot_be_followed_stays_open_and_keeps_nobody_waiting(caplog: pytest.LogCaptureFixture) -> None:
    make_update(delay=5, delay_unit=Unit.BUSINESS_DAYS)
    cursed, sound = arrive(), arrive()
    force(cursed.stage_changes.all(), at=datetime(9999, 12, 31, 12, tzinfo=NOW.tzinfo))  # nothing can be due after it
    assert automations.follow_open_changes(now=NOW) == 1
    assert f"Stage change {cursed.stage_changes.get().pk} could not be followed." in caplog.text
    assert Message.objects.get().application == sound
    assert automations.follow_open_changes(now=NOW) == 0
    force(cursed.stage_changes.all(), at=NOW)
    assert automations.follow_open_changes(now=NOW) == 1


def test_a_change_that_was_overtaken_before_anybody_followed_it_sends_nothing() -> None:
    make_update(event=Event.STAGE_ENTERED)
    application = arrive()
    move_to(application, Milestone.REVIEW, now=NOW + timedelta(minutes=1))
    automations.follow_open_changes(now=NOW + timedelta(minutes=2))
    statuses = Message.objects.order_by("stage_change").values_list("status", flat=True)
    assert list(statuses) == [Status.CANCELLED, Status.SCHEDULED]


# --- When -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("delay", "unit", "due"),
    [
        (0, Unit.MINUTES, FRIDAY),
        (90, Unit.MINUTES, FRIDAY + timedelta(minutes=90)),
        (5, Unit.HOURS, FRIDAY + timedelta(hours=5)),
        (0, Unit.BUSINESS_DAYS, FRIDAY),
        (1, Unit.BUSINESS_DAYS, FRIDAY + timedelta(days=3)),
        (6, Unit.BUSINESS_DAYS, FRIDAY + timedelta(days=10)),
    ],
)
def test_a_delay_is_counted_from_the_event(delay: int, unit: str, due: datetime) -> None:
    make_update(delay=delay, delay_unit=unit)
    change = arrive(now=FRIDAY).stage_changes.get()
    [message] = automations.follow(change, now=FRIDAY + timedelta(minutes=10))
    assert message.due_at == due


# --- No news ----------------------------------------------------------------------------------------------------------


def no_news(now: datetime) -> list[Message]:
    return automations.plan_no_news(now=now)


WEDNESDAY_AFTER = FRIDAY + timedelta(days=5)  # three business days after Friday


def test_who_heard_nothing_for_so_many_business_days_is_written_to_once() -> None:
    automation = make_no_news()
    application = arrive(now=FRIDAY)
    assert no_news(WEDNESDAY_AFTER - timedelta(seconds=1)) == []
    [message] = no_news(WEDNESDAY_AFTER)
    assert (message.application, message.automation, message.status) == (application, automation, Status.SCHEDULED)
    assert message.due_at == message.created_at == WEDNESDAY_AFTER
    assert message.stage_change == application.stage_changes.get()
    assert no_news(WEDNESDAY_AFTER) == no_news(WEDNESDAY_AFTER + timedelta(days=30)) == []


def test_a_new_stage_begins_a_new_wait() -> None:
    make_no_news()
    application = arrive(now=FRIDAY)
    assert len(no_news(WEDNESDAY_AFTER)) == 1
    move_to(application, Milestone.REVIEW, now=WEDNESDAY_AFTER)
    assert no_news(WEDNESDAY_AFTER + timedelta(days=1)) == []
    assert len(no_news(WEDNESDAY_AFTER + timedelta(days=7))) == 1


@pytest.mark.parametrize("status", Status)
def test_mail_that_may_have_reached_them_is_news(status: Message.Status) -> None:
    make_no_news()
    application = arrive(now=FRIDAY)
    Message.objects.create(
        application=application, touchpoint="offer", origin="person", written_by=make_sender(), body=OWN_WORDS,
        created_at=FRIDAY, due_at=FRIDAY, status_at=FRIDAY,
    )  # fmt: skip
    force(Message.objects.all(), status=status, recipient="kim@example.com")
    if status in Message.MAY_HAVE_LEFT:
        assert no_news(WEDNESDAY_AFTER) == []
        Message.objects.update(status_at=FRIDAY - timedelta(days=1))
    assert len(no_news(WEDNESDAY_AFTER)) == 1


def test_a_conversation_is_news() -> None:
    make_no_news()
    application = arrive(now=FRIDAY)
    call = make_interview(application, held_at=FRIDAY + timedelta(days=1))
    assert no_news(WEDNESDAY_AFTER) == []
    call.held_at = FRIDAY - timedelta(days=1)
    call.save()
    assert len(no_news(WEDNESDAY_AFTER)) == 1


def test_who_came_quietly_is_not_written_to() -> None:
    make_no_news()
    arrive(now=FRIDAY, quiet=True)
    assert no_news(WEDNESDAY_AFTER) == []
    loud = arrive(now=FRIDAY)
    assert [message.application for message in no_news(WEDNESDAY_AFTER)] == [loud]


def test_who_is_not_in_the_running_any_more_is_not_written_to() -> None:
    make_no_news()
    rejected, withdrawn, hired, active = (arrive(now=FRIDAY) for _ in range(4))
    reject(rejected)
    moves.withdraw(withdrawn, act=act())
    moves.hire(hired, act=act())
    assert [message.application for message in no_news(WEDNESDAY_AFTER)] == [active]


@pytest.mark.parametrize("condition", ["job", "pipeline", "stage"])
def test_no_news_waits_only_for_what_meets_its_conditions(condition: str) -> None:
    mine, _ = arrive(now=FRIDAY), arrive(now=FRIDAY)
    make_no_news(**{condition: {"job": mine.job, "pipeline": mine.job.pipeline, "stage": mine.stage}[condition]})
    assert [message.application for message in no_news(WEDNESDAY_AFTER)] == [mine]


def test_a_reopened_application_waits_from_then_on() -> None:
    make_no_news()
    application = arrive(now=FRIDAY - timedelta(days=10))
    reject(application, now=FRIDAY - timedelta(days=9))
    done(moves.reopen(application, act=act(now=FRIDAY)))
    assert no_news(WEDNESDAY_AFTER - timedelta(minutes=1)) == []
    assert len(no_news(WEDNESDAY_AFTER)) == 1


def test_a_stage_that_was_passed_in_one_moment_is_not_waited_in() -> None:
    make_no_news()
    application = arrive(now=FRIDAY)
    move_to(application, Milestone.OFFER, now=FRIDAY)
    back = move_to(application, Milestone.APPLIED, now=FRIDAY)
    [message] = no_news(WEDNESDAY_AFTER)
    assert message.stage_change == back


def test_those_who_were_asked_do_not_keep_the_others_waiting() -> None:
    make_no_news()
    make_no_news(quiet_days=1)
    everybody = [arrive(now=FRIDAY + timedelta(minutes=minute)) for minute in range(3)]
    asked = [
        message.application
        for _ in range(3)
        for message in automations.plan_no_news(now=WEDNESDAY_AFTER + timedelta(hours=1), at_most=1)
    ]
    assert sorted(asked, key=lambda found: found.pk) == everybody
    assert no_news(WEDNESDAY_AFTER + timedelta(days=1)) == []


def test_what_would_be_reserved_goes_to_a_person() -> None:
    make_no_news(template=make_template(touchpoint="status_update", body=UPDATE, signed=False))
    arrive(now=FRIDAY)
    [message] = no_news(WEDNESDAY_AFTER)
    assert message.status == Status.HELD
    assert HandOff.objects.open().get().message == message


# --- Many changes, and one that cannot be followed --------------------------------------------------------------------


def test_quiet_changes_of_an_import_are_passed_over_in_a_few_statements(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    make_update()
    job = make_job()
    for _ in range(12):
        make_application(job=job)
    with django_assert_max_num_queries(6):
        assert automations.follow_open_changes(now=NOW) == 12
    assert automations.follow_open_changes(now=NOW) == 0
    assert not Message.objects.exists()


def test_a_quiet_change_is_not_passed_over_where_a_message_waits() -> None:
    message = make_message()
    done(moves.reopen(message.application, act=act(quiet=True)))
    automations.follow_open_changes(now=NOW)
    message.refresh_from_db()
    assert message.status == Status.CANCELLED


def test_a_change_that_cannot_be_followed_keeps_nobody_else_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    make_update()
    broken, fine = arrive(), arrive()
    follow = automations.follow

    def follow_or_fail(change: StageChange, *, now: datetime) -> list[Message]:
        if change.application_id == broken.pk:
            raise ZeroDivisionError
        return follow(change, now=now)

    monkeypatch.setattr(automations, "follow", follow_or_fail)
    assert automations.follow_open_changes(now=NOW) == 1
    assert Message.objects.get().application == fine
    monkeypatch.undo()
    assert automations.follow_open_changes(now=NOW) == 1
    assert Message.objects.count() == 2


@pytest.mark.parametrize("values", [{"delay": 10_001}, {"event": Event.NO_NEWS, "quiet_days": 261}])
def test_nobody_waits_for_years(values: dict[str, Any]) -> None:
    make_update(delay=10_000)
    with pytest.raises(IntegrityError, match="automation_waits_a_sane_time"):
        make_update(**values)
