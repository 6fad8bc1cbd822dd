"""Response times, and the human moments behind them."""

from datetime import date, timedelta

import pytest
from pytest_django import Settings

from messaging import handoffs, undo
from messaging.delivery import outbox
from messaging.models import HandOff, Message, Release
from messaging.policy.floor import Touchpoint
from messaging.reports import answers, hours, moments, periods
from messaging.reports.durations import Spread
from pipeline.milestones import Milestone
from pipeline.models import User
from tests.factories import NOW, OWN_WORDS, make_application, make_hand_off, make_sender, move_to
from tests.guards_off import force

pytestmark = pytest.mark.django_db

OTHER_WORDS = (
    "Hello again, Noor told me about the afternoon you spent with her on the brake cables. I am sorry that we could not go "
    "on with you; the workshop needs somebody from Monday on, and you were honest about your notice. Write to me in spring."
)
PERIOD = periods.last_weeks(2, now=NOW + timedelta(days=5))


@pytest.fixture
def person() -> User:
    return make_sender()


def call(hand_off: HandOff, *, after: float, by: User) -> HandOff:
    called = handoffs.tell_by_phone(hand_off, note="Called.", by=by, now=hand_off.created_at + timedelta(hours=after))
    assert isinstance(called, HandOff)
    return called


def write(hand_off: HandOff, *, after: float, by: User) -> Message:
    now = hand_off.created_at + timedelta(hours=after)
    answer = handoffs.answer(hand_off, subject="Kim", body=OWN_WORDS, by=by, now=now)
    assert isinstance(answer, Message)
    outbox.drain(clock=lambda: now)
    return answer


def read(by: str) -> list[answers.Answers]:
    return answers.read(HandOff.objects.all(), by=by, period=PERIOD)


def test_median_and_ninetieth_are_times_that_occurred(person: User) -> None:
    for after in (1, 10, 2, 3):
        call(make_hand_off(), after=after, by=person)
    [everything] = read("all")
    assert everything.spread == Spread(number=4, median=timedelta(hours=2), ninetieth=timedelta(hours=10))
    call(make_hand_off(), after=4, by=person)
    assert answers.read_all(HandOff.objects.all(), period=PERIOD).spread == Spread(
        number=5, median=timedelta(hours=3), ninetieth=timedelta(hours=10)
    )


def test_answers_are_counted_by_how_and_what_was_in_time(person: User) -> None:
    write(make_hand_off(), after=1, by=person)
    call(make_hand_off(), after=24 * 3, by=person)  # due the day before
    handoffs.close_as_not_needed(make_hand_off(), reason="They called.", by=person, now=NOW + timedelta(hours=9))
    [everything] = read("all")
    assert (everything.by_mail, everything.by_phone, everything.answered) == (1, 1, 2)
    assert (everything.not_needed, everything.in_time) == (1, 1)
    # What was not needed is no answer.
    assert everything.spread is not None
    assert everything.spread.number == 2


def test_what_nobody_answered_yet_and_what_the_gate_took_back_count_nowhere() -> None:
    make_hand_off()
    force(HandOff.objects.filter(pk=make_hand_off().pk), status="not_needed", closed_at=NOW)
    everything = answers.read_all(HandOff.objects.all(), period=PERIOD)
    assert (everything.answered, everything.not_needed, everything.spread) == (0, 0, None)


def test_an_answer_that_was_taken_back_is_none_until_it_is_given_again(person: User, settings: Settings) -> None:
    settings.UNDO_SECONDS = 60
    hand_off = make_hand_off()
    answer = handoffs.answer(hand_off, subject="Kim", body=OWN_WORDS, by=person, now=NOW)
    assert isinstance(answer, Message)
    again = undo.take_back(answer, by=person, now=NOW)
    assert isinstance(again, HandOff)
    assert answers.read_all(HandOff.objects.all(), period=PERIOD).answered == 0
    lines = hours.read_lines(Message.objects.all(), HandOff.objects.all(), period=PERIOD)
    assert [line.held for line in lines] == [1]
    call(again, after=3, by=person)
    assert answers.read_all(HandOff.objects.all(), period=PERIOD).answered == 1


def test_they_are_split_by_week_person_and_kind(person: User) -> None:
    other = make_sender()
    call(make_hand_off(now=NOW - timedelta(days=7)), after=1, by=person)
    call(make_hand_off(), after=2, by=other)
    call(make_hand_off(), after=4, by=other)
    weeks = {week.key: week for week in read("week")}
    assert {key: week.answered for key, week in weeks.items()} == {date(2026, 9, 7): 1, date(2026, 9, 14): 2}
    monday = weeks[date(2026, 9, 14)].spread
    assert monday is not None
    assert (monday.median, monday.ninetieth) == (timedelta(hours=2), timedelta(hours=4))
    assert {one.key: one.answered for one in read("person")} == {person.pk: 1, other.pk: 2}
    assert {one.key: one.answered for one in read("touchpoint")} == {Touchpoint.REJECTION: 3}


def test_what_was_answered_before_is_not_in_the_time() -> None:
    call(make_hand_off(now=NOW - timedelta(days=30)), after=1, by=make_sender())
    assert [everything.answered for everything in read("all")] == [0]
    assert read("person") == []


def test_a_week_without_answers_is_a_row_too(person: User) -> None:
    call(make_hand_off(), after=1, by=person)
    rows = answers.read(HandOff.objects.all(), by="week", period=PERIOD, keys=PERIOD.mondays)
    assert [(row.key, row.answered) for row in rows] == [(date(2026, 9, 7), 0), (date(2026, 9, 14), 1)]


# --- Human moments ---


def read_moments() -> tuple[list[moments.Moments], list[moments.Moments]]:
    return moments.read(Message.objects.all(), HandOff.objects.all(), period=PERIOD)


def test_moments_are_told_apart_by_how_far_the_candidate_had_come_and_who_it_was(person: User) -> None:
    other = make_sender()
    write(make_hand_off(), after=1, by=person)
    call(make_hand_off(reach=Milestone.FINAL_ROUND), after=2, by=person)
    call(make_hand_off(reach=Milestone.FINAL_ROUND), after=6, by=other)
    together, of_each = read_moments()
    assert [(one.milestone, one.answered, one.called, one.number) for one in together] == [
        (Milestone.FINAL_ROUND, 0, 2, 2),
        (Milestone.PHONE_SCREEN, 1, 0, 1),
    ]
    assert together[0].waited == Spread(number=2, median=timedelta(hours=2), ninetieth=timedelta(hours=6))
    assert [(one.milestone, one.person) for one in of_each] == [
        (Milestone.FINAL_ROUND, person.pk),
        (Milestone.FINAL_ROUND, other.pk),
        (Milestone.PHONE_SCREEN, person.pk),
    ]


def test_who_was_moved_back_before_the_end_counts_with_how_far_they_came(person: User) -> None:
    application = make_application()
    move_to(application, Milestone.FINAL_ROUND)
    move_to(application, Milestone.APPLIED)
    call(make_hand_off(application=application, reach=Milestone.REVIEW), after=1, by=person)
    [one], _ = read_moments()
    assert one.milestone == Milestone.FINAL_ROUND


def test_a_mail_that_a_person_started_is_a_moment_and_an_answer_is_counted_once(person: User) -> None:
    write(make_hand_off(), after=1, by=person)
    application = make_application()
    draft = handoffs.draft(
        application, touchpoint=Touchpoint.STATUS_UPDATE, subject="Kim", body=OWN_WORDS, by=person, now=NOW
    )
    started = handoffs.compose(draft, now=NOW)
    assert isinstance(started, Message)
    outbox.drain(clock=lambda: NOW)
    assert Message.objects.get(pk=started.pk).status == Message.Status.SENT
    together, _ = read_moments()
    assert {one.milestone: (one.answered, one.started) for one in together} == {
        Milestone.PHONE_SCREEN: (1, 0),
        Milestone.APPLIED: (0, 1),
    }


def test_the_time_at_the_page_is_known_where_its_opening_is(person: User) -> None:
    first = make_hand_off()
    write(first, after=1, by=person)
    [one], _ = read_moments()
    assert one.writing is None
    now, opened_at = NOW + timedelta(hours=1), NOW + timedelta(minutes=48)
    timed = handoffs.answer(make_hand_off(), subject="Kim", body=OTHER_WORDS, by=person, now=now, opened_at=opened_at)
    assert isinstance(timed, Message)
    assert Release.objects.get(message=timed).opened_at == opened_at
    outbox.drain(clock=lambda: now + timedelta(minutes=5))
    [one], _ = read_moments()
    assert one.writing == Spread(number=1, median=timedelta(minutes=12), ninetieth=timedelta(minutes=12))
