"""Time given back: what automations sent, and nothing that needed a person."""

import operator
from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest

from messaging import handoffs
from messaging.delivery import outbox, resolving
from messaging.models import Attempt, HandOff, Message, Minutes
from messaging.policy.floor import FLOOR, Reserve, Touchpoint
from messaging.reports import hours, periods
from messaging.reports.hours import Line
from messaging.reports.periods import Period
from tests.factories import (
    NOW,
    OWN_WORDS,
    make_application,
    make_hand_off,
    make_job,
    make_message,
    make_sender,
    make_template,
    make_tried,
    make_user,
)

pytestmark = pytest.mark.django_db

WEEK = Period(since=periods.start_of_week(NOW), until=NOW + timedelta(days=6))


def read(period: Period = WEEK) -> list[Line]:
    return hours.read_lines(Message.objects.all(), HandOff.objects.all(), period=period)


def summed() -> tuple[int, int, int]:
    found = hours.sum_of(Message.objects.all(), period=WEEK)
    return found.minutes, found.counted, found.sent


def sent_at(moment: datetime, **values: object) -> Message:
    message = make_message(now=moment, **values)
    outbox.drain(clock=partial(operator.add, moment, timedelta(hours=1)))
    message.refresh_from_db()
    assert message.status == Message.Status.SENT
    return message


def test_what_an_automation_sent_gives_back_the_minutes_of_its_kind() -> None:
    sent_at(NOW)
    received = make_template(touchpoint=Touchpoint.STATUS_UPDATE, body="Hello {{ candidate.first_name }}, we read it.")
    sent_at(NOW, template=received)
    rejection, update = sorted(read(), key=lambda line: line.touchpoint)
    assert (rejection.sent, rejection.counted, rejection.minutes) == (1, 1, 5)
    assert (update.sent, update.counted, update.minutes) == (1, 1, 3)
    assert summed() == (8, 2, 2)


def test_what_waits_gives_nothing_back() -> None:
    make_message(delay=9)
    assert read() == []


def test_what_was_held_and_then_written_by_a_person_gives_nothing_back() -> None:
    hand_off, person = make_hand_off(), make_sender()
    [held] = read()
    answer = handoffs.answer(hand_off, subject="Kim", body=OWN_WORDS, by=person, now=NOW + timedelta(hours=2))
    assert isinstance(answer, Message)
    outbox.drain(clock=lambda: NOW + timedelta(hours=3))
    assert Message.objects.get(pk=answer.pk).status == Message.Status.SENT
    for line in (held, *read()):
        assert (line.sent, line.held, line.minutes) == (0, 1, 0)
    assert summed() == (0, 0, 0)


def test_what_left_after_it_had_become_a_task_is_taken_off() -> None:
    message = make_tried(Attempt.Outcome.UNCERTAIN)
    resolving.say_it_was_sent(message, by=make_user(), now=NOW + timedelta(hours=2))
    [line] = read()
    assert (line.sent, line.handled, line.counted, line.minutes, line.held) == (1, 1, 0, 0, 0)
    assert summed() == (0, 0, 1)


@pytest.mark.parametrize(
    ("delivery", "counted"),
    [
        (None, 1),
        (Message.Delivery.DELIVERED, 1),
        (Message.Delivery.COMPLAINED, 1),
        (Message.Delivery.REJECTED, 0),
        (Message.Delivery.BOUNCED, 0),
    ],
)
def test_what_did_not_arrive_is_taken_off(delivery: int | None, counted: int) -> None:
    message = sent_at(NOW)
    Message.objects.filter(pk=message.pk).update(delivery=delivery)
    [line] = read()
    assert (line.sent, line.lost, line.counted) == (1, 1 - counted, counted)


def test_a_week_begins_on_monday_where_the_organisation_is() -> None:
    for moment in (datetime(2026, 9, 13, 21, 30, tzinfo=UTC), datetime(2026, 9, 13, 22, 30, tzinfo=UTC)):
        sent_at(moment)  # they leave an hour later: Sunday 23:30 and Monday 00:30 in London
    found = read(periods.last_weeks(2, now=NOW))
    assert [(line.week, line.sent) for line in found] == [(date(2026, 9, 7), 1), (date(2026, 9, 14), 1)]
    assert [line.week for line in read()] == [date(2026, 9, 14)]


def test_the_time_is_that_of_the_recruiter_else_of_the_coordinator() -> None:
    recruiter, coordinator = make_sender(), make_sender()
    for people in (
        {"recruiter": recruiter, "coordinator": coordinator},
        {"recruiter": None, "coordinator": coordinator},
        {"recruiter": None},
    ):
        sent_at(NOW, application=make_application(job=make_job(**people)))
    assert {line.person: line.sent for line in read()} == {recruiter.pk: 1, coordinator.pk: 1, None: 1}


def test_lines_add_up_and_a_week_without_any_is_a_row_too() -> None:
    kinds = {"person": None, "touchpoint": "survey", "sent": 5, "handled": 1, "lost": 1, "held": 2, "each": 2}
    lines = [Line(week=date(2026, 9, 14), **kinds), Line(week=date(2026, 9, 14), **kinds | {"each": 5})]  # type: ignore[arg-type]
    empty, full = hours.totals(lines, by=lambda line: line.week, keys=[date(2026, 9, 7)])
    assert (empty.key, empty.sent, empty.minutes) == (date(2026, 9, 7), 0, 0)
    assert (full.sent, full.handled, full.lost, full.held, full.counted) == (10, 2, 2, 4, 6)
    assert (full.minutes, full.each) == (3 * 2 + 3 * 5, None)
    assert hours.total(lines[:1]).each == 2


# --- The minutes ---


def test_every_kind_that_a_machine_may_send_has_its_minutes_and_no_other() -> None:
    assert set(hours.DEFAULTS) == {kind for kind, asked in FLOOR.items() if Reserve.AUTOMATIC in asked}


def test_minutes_that_were_changed_count_and_the_others_stay_the_defaults() -> None:
    sent_at(NOW)
    wanted = hours.read_minutes() | {"rejection": 11}
    assert [(row.touchpoint, row.minutes) for row in hours.set_minutes(wanted)] == [("rejection", 11)]
    assert hours.read_minutes() == wanted
    assert read()[0].minutes == 11
    assert hours.set_minutes(wanted) == []
    hours.set_minutes({"rejection": 5})
    assert (Minutes.objects.count(), hours.read_minutes()["rejection"]) == (1, 5)


def test_no_minutes_are_kept_for_what_no_machine_sends() -> None:
    assert hours.set_minutes({Touchpoint.OFFER: 60}) == []
    assert not Minutes.objects.exists()
