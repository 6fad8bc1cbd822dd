"""The ghosting ledger: who heard nothing, who was never told, and for whom the law's time runs out."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from messaging import handoffs, working_days
from messaging.delivery import outbox
from messaging.models import Message
from messaging.policy.floor import Touchpoint
from messaging.reports import silence
from pipeline import actors, moves
from pipeline.models import Application, Interview
from pipeline.moves import Act
from tests.factories import (
    NOW,
    OWN_WORDS,
    make_application,
    make_automation,
    make_hand_off,
    make_interview,
    make_message,
    make_sender,
    make_template,
    reject,
)

pytestmark = pytest.mark.django_db

# NOW is a Tuesday morning; five working days before it is the Tuesday before.
SURVEY = "Hello {{ candidate.first_name }}, how was it for you? Three questions, two minutes."
LONG_AGO, TOO_LATE = NOW - timedelta(days=7), NOW - timedelta(days=7) + timedelta(minutes=1)


def silent() -> list[int]:
    return [application.pk for application in silence.silent(Application.objects.all(), now=NOW)]


def untold() -> list[int]:
    return [application.pk for application in silence.untold(Application.objects.all())]


def forgotten() -> list[int]:
    return [application.pk for application in silence.forgotten(Application.objects.all(), now=NOW)]


def write_to(application: Application, *, at: datetime) -> Message:
    person = make_sender()
    draft = handoffs.draft(
        application, touchpoint=Touchpoint.STATUS_UPDATE, subject="Kim", body=OWN_WORDS, by=person, now=at
    )
    message = handoffs.compose(draft, now=at)
    assert isinstance(message, Message)
    outbox.drain(clock=lambda: at)
    message.refresh_from_db()
    assert message.status == Message.Status.SENT
    return message


def hold(application: Application, *, at: datetime, **values: Any) -> Interview:
    return make_interview(application, starts_at=at, held_at=at, **values)


# --- Heard nothing ---


def test_somebody_who_heard_nothing_for_five_working_days_is_in_it() -> None:
    application = make_application(now=LONG_AGO)
    make_application(now=TOO_LATE)
    assert silent() == [application.pk]


def test_the_number_of_days_is_a_setting(settings: Settings) -> None:
    make_application(now=LONG_AGO)
    assert len(silent()) == 1
    settings.SILENCE_DAYS = 6
    assert silent() == []


@pytest.mark.parametrize(("at", "is_in_it"), [(LONG_AGO, True), (TOO_LATE, False)])
def test_mail_ends_the_silence_until_it_is_long_enough_again(*, at: datetime, is_in_it: bool) -> None:
    application = make_application(now=NOW - timedelta(days=30))
    write_to(application, at=at)
    assert (silent() == [application.pk]) is is_in_it


@pytest.mark.parametrize(("at", "is_in_it"), [(LONG_AGO, True), (TOO_LATE, False)])
def test_so_does_a_conversation(*, at: datetime, is_in_it: bool) -> None:
    application = make_application(now=NOW - timedelta(days=30))
    hold(application, at=at)
    assert (silent() == [application.pk]) is is_in_it


@pytest.mark.parametrize(
    ("delivery", "heard"),
    [
        (None, True),
        (Message.Delivery.DELIVERED, True),
        (Message.Delivery.BOUNCED, False),
        (Message.Delivery.REJECTED, False),
    ],
)
def test_mail_that_came_back_is_no_word(*, delivery: int | None, heard: bool) -> None:
    application = make_application(now=NOW - timedelta(days=30))
    message = write_to(application, at=NOW - timedelta(days=1))
    Message.objects.filter(pk=message.pk).update(delivery=delivery)
    assert (silent() == []) is heard


def test_neither_what_is_planned_nor_another_application_is_a_word() -> None:
    application = make_application(now=LONG_AGO)
    make_interview(application)
    write_to(make_application(candidate=application.candidate, now=LONG_AGO), at=NOW - timedelta(days=1))
    assert silent() == [application.pk]


def test_who_withdrew_waits_for_nothing() -> None:
    application = make_application(now=LONG_AGO)
    assert silent() == [application.pk]
    moves.withdraw(application, act=Act(by=actors.CLOCK, now=NOW))
    assert silent() == []


# --- Rejected, never told ---


def test_who_was_rejected_is_in_it_until_somebody_told_them() -> None:
    application = make_application(now=LONG_AGO)
    reject(application)
    assert (silent(), untold()) == ([], [application.pk])
    moves.record_told(application, how=Application.ToldHow.PHONE, by=actors.CLOCK, now=NOW)
    assert untold() == []


def test_who_was_hired_said_yes_and_knows() -> None:
    application = make_application(now=LONG_AGO)
    moves.hire(application, act=Act(by=actors.CLOCK, now=NOW))
    assert untold() == []


# --- The legal clock ---


@pytest.fixture
def clock(settings: Settings) -> None:
    settings.LEGAL_CLOCK_DAYS = 45


def running_out() -> list[int]:
    found = silence.running_out(Application.objects.all(), now=NOW)
    return [application.pk for application in silence.shortest_time_first(found)]


def days_left(application: Application) -> int | None:
    [one] = silence.describe([silence.waiting(Application.objects.all(), now=NOW).get(pk=application.pk)], now=NOW)
    return one.left


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize(("days", "left"), [(29, None), (30, 15), (45, 0), (46, -1)])
def test_the_clock_runs_from_the_last_interview_and_warns_when_two_thirds_are_gone(days: int, left: int | None) -> None:
    application = make_application(now=NOW - timedelta(days=60))
    hold(application, at=NOW - timedelta(days=days), kind=Interview.Kind.VIDEO)
    hold(application, at=NOW - timedelta(days=days + 9), kind=Interview.Kind.ON_SITE)
    assert running_out() == ([] if left is None else [application.pk])
    if left is not None:
        assert days_left(application) == left


@pytest.mark.usefixtures("clock")
def test_a_call_after_the_interview_does_not_set_the_clock_back() -> None:
    application = make_application(now=NOW - timedelta(days=60))
    hold(application, at=NOW - timedelta(days=40), kind=Interview.Kind.VIDEO)
    hold(application, at=NOW - timedelta(days=10), kind=Interview.Kind.PHONE)
    assert (running_out(), days_left(application)) == ([application.pk], 5)


@pytest.mark.usefixtures("clock")
def test_where_there_were_only_calls_the_clock_runs_from_the_last() -> None:
    application = make_application(now=NOW - timedelta(days=60))
    hold(application, at=NOW - timedelta(days=40), kind=Interview.Kind.PHONE)
    assert (running_out(), days_left(application)) == ([application.pk], 5)


@pytest.mark.usefixtures("clock")
def test_the_clock_stops_when_they_are_told() -> None:
    application = make_application(now=NOW - timedelta(days=60))
    hold(application, at=NOW - timedelta(days=40), kind=Interview.Kind.VIDEO)
    reject(application)
    assert running_out() == [application.pk]
    moves.record_told(application, how=Application.ToldHow.MAIL, by=actors.CLOCK, now=NOW)
    assert running_out() == []


def test_no_clock_runs_unless_one_is_set() -> None:
    application = make_application(now=NOW - timedelta(days=60))
    hold(application, at=NOW - timedelta(days=50), kind=Interview.Kind.VIDEO)
    assert (running_out(), days_left(application)) == ([], None)


# --- All of it ---


def test_the_longest_silence_comes_first_and_each_candidate_once(settings: Settings) -> None:
    settings.LEGAL_CLOCK_DAYS = 45
    both = make_application(now=NOW - timedelta(days=60))
    hold(both, at=NOW - timedelta(days=40))  # silent, and their clock runs out
    rejected = make_application(now=NOW - timedelta(days=50))
    reject(rejected)
    make_application()
    rows = silence.longest_first(silence.waiting(Application.objects.all(), now=NOW))
    assert [application.pk for application in rows] == [rejected.pk, both.pk]
    first, second = silence.describe(list(rows), now=NOW)
    assert (first.was_rejected, first.left) == (True, None)
    assert (second.was_rejected, second.left, second.days) == (False, 5, working_days.between(second.heard_at, NOW))


def test_what_is_on_its_way_stands_beside_it() -> None:
    nothing = make_application(now=NOW - timedelta(days=40))
    mail = make_message(application=make_application(now=NOW - timedelta(days=30)))
    task = make_hand_off(application=make_application(now=NOW - timedelta(days=20)))
    talk = make_interview(make_application(now=NOW - timedelta(days=10)))
    rows = silence.longest_first(silence.waiting(Application.objects.all(), now=NOW))
    found = {one.application.pk: one for one in silence.describe(list(rows), now=NOW)}
    assert found[nothing.pk].nothing_comes
    assert found[mail.application_id].next == silence.Next(message=mail)
    assert found[task.application_id].next == silence.Next(hand_off=task)
    assert found[talk.application_id].next == silence.Next(interview=talk)


def test_a_survey_is_no_word_to_somebody_who_was_never_told() -> None:
    application = make_application(now=NOW - timedelta(days=30))
    make_message(application=application, template=make_template(touchpoint=Touchpoint.SURVEY, body=SURVEY), delay=90)
    assert Message.objects.waiting().filter(application=application).exists()
    assert forgotten() == [application.pk]
    [one] = silence.describe(list(silence.forgotten(Application.objects.all(), now=NOW)), now=NOW)
    assert one.nothing_comes


def test_whom_mail_is_on_its_way_to_or_somebody_has_as_a_task_is_not_forgotten() -> None:
    application = make_application(now=NOW - timedelta(days=30))
    make_message(application=make_application(now=NOW - timedelta(days=30)))
    make_hand_off(application=make_application(now=NOW - timedelta(days=30)))
    assert silence.waiting(Application.objects.all(), now=NOW).count() == 3
    assert forgotten() == [application.pk]


@pytest.mark.parametrize("days", [0, 45])
def test_each_part_is_counted_as_it_is_listed(settings: Settings, days: int) -> None:
    settings.LEGAL_CLOCK_DAYS = days
    make_message(application=make_application(now=NOW - timedelta(days=30)))
    make_hand_off(application=make_application(now=NOW - timedelta(days=30)))
    for kind in (Interview.Kind.PHONE, Interview.Kind.ON_SITE):
        make_interview(make_application(now=LONG_AGO), kind=kind, held_at=NOW - timedelta(days=40))
    make_application()
    everybody = Application.objects.all()
    assert silence.count(everybody, now=NOW) == {
        "all": silence.waiting(everybody, now=NOW).count(),
        "forgotten": silence.forgotten(everybody, now=NOW).count(),
        "silent": silence.silent(everybody, now=NOW).count(),
        "untold": silence.untold(everybody).count(),
        "clock": silence.running_out(everybody, now=NOW).count(),
    }
    assert silence.count(everybody, now=NOW)["all"] == 4
    assert bool(silence.running_out(everybody, now=NOW)) == bool(days)


def test_it_asks_no_question_per_row() -> None:
    make_automation(delay=9)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            rows = silence.longest_first(silence.waiting(Application.objects.all(), now=NOW))
            [str(one.application.candidate) for one in silence.describe(list(rows), now=NOW)]
        return len(captured)

    make_message(application=make_application(now=LONG_AGO))
    few = queries()
    for _ in range(3):
        make_message(application=make_application(now=LONG_AGO))
        make_application(now=LONG_AGO)
    assert queries() == few == 4


# --- Counting working days backwards ---


@pytest.mark.parametrize("hours", range(0, 24 * 8, 23))
@pytest.mark.parametrize("days", [1, 5])
def test_the_moment_before_is_the_latest_from_which_as_many_working_days_have_passed(hours: int, days: int) -> None:
    now = NOW + timedelta(hours=hours)
    before = working_days.back(now, days)
    assert working_days.add(before, days) <= now
    assert working_days.add(before + timedelta(minutes=1), days) > now or working_days.add(before, days) == before
    assert working_days.between(before, now) == days


def test_working_days_between_do_not_count_the_first() -> None:
    friday, monday = NOW - timedelta(days=4), NOW - timedelta(days=1)
    assert working_days.between(friday, monday) == 1
    assert working_days.between(monday, monday) == working_days.between(monday, friday) == 0
