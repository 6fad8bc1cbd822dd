"""While somebody is away their hand-offs go to who is there, and nothing is lost when they leave or come back."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from messaging import absences, gate, working_days
from messaging.models import HandOff
from pipeline.models import Job, LaterAbsence, User
from pipeline.outcomes import Refusal
from pipeline.stand_ins import whoever_is_there
from tests.factories import NOW, make_application, make_hand_off, make_job, make_sender, make_user

pytestmark = pytest.mark.django_db

TODAY = date(2026, 9, 15)
WEEK = timedelta(days=7)


def away(person: User, *, stand_in: User | None = None, first: date = TODAY, last: date = TODAY + WEEK) -> User:
    planned = absences.plan(person, first=first, last=last, stand_in=stand_in, replaces=first.isoformat(), now=NOW)
    assert isinstance(planned, User), planned
    return planned


def hand_off_of(job: Job) -> HandOff:
    return make_hand_off(application=make_application(job=job))


# --- Who is there -----------------------------------------------------------------------------------------------------


def test_who_is_away_has_a_stand_in_from_the_first_to_the_last_day() -> None:
    person, stand_in = make_sender(), make_sender()
    away(person, stand_in=stand_in)
    for day, there in (
        (TODAY - timedelta(days=1), person),
        (TODAY, stand_in),
        (TODAY + WEEK, stand_in),
        (TODAY + WEEK + timedelta(days=1), person),
    ):
        assert whoever_is_there(person, day=day) == there


def test_a_chain_is_followed_to_somebody_who_is_there() -> None:
    first, second, third = make_sender(), make_sender(), make_sender()
    away(first, stand_in=second)
    assert whoever_is_there(first, day=TODAY) == second
    away(second, stand_in=third)
    assert whoever_is_there(first, day=TODAY) == third


def test_a_chain_that_leads_back_or_to_nobody_ends() -> None:
    first, second = make_sender(), make_sender()
    away(first, stand_in=second)
    away(second, stand_in=first)
    assert whoever_is_there(User.objects.get(pk=first.pk), day=TODAY) is None
    away(second, stand_in=None)
    assert whoever_is_there(User.objects.get(pk=first.pk), day=TODAY) is None
    User.objects.filter(pk=second.pk).update(away_until=TODAY - WEEK, is_active=False)
    assert whoever_is_there(User.objects.get(pk=first.pk), day=TODAY) is None
    User.objects.filter(pk=second.pk).update(is_active=True)
    assert whoever_is_there(User.objects.get(pk=first.pk), day=TODAY) == second


def test_a_hand_off_goes_to_the_stand_in_else_to_the_coordinator_else_to_nobody() -> None:
    recruiter, coordinator, stand_in = make_sender(), make_sender(), make_sender()
    job = make_job(recruiter=recruiter, coordinator=coordinator)
    assert hand_off_of(job).owner == recruiter
    away(recruiter, stand_in=stand_in)
    assert hand_off_of(job).owner == stand_in
    away(stand_in, stand_in=recruiter)
    assert hand_off_of(Job.objects.get(pk=job.pk)).owner == coordinator
    away(coordinator)
    assert hand_off_of(Job.objects.get(pk=job.pk)).owner is None
    assert gate.owner_of(Job.objects.get(pk=job.pk), now=NOW + 2 * WEEK) == recruiter


def test_nobody_who_is_there_costs_a_question(django_assert_num_queries: Any) -> None:
    make_job(recruiter=make_sender(), coordinator=make_sender())
    job = Job.objects.select_related("recruiter", "coordinator").get()
    with django_assert_num_queries(0):
        assert gate.owner_of(job, now=NOW) == job.recruiter


# --- Planning ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"last": TODAY - timedelta(days=1)}, "before the first"),
        ({"first": TODAY - WEEK, "last": TODAY - timedelta(days=1)}, "are over"),
        ({"last": TODAY + timedelta(days=400)}, "more than a year"),
        ({"stand_in": "themselves"}, "stand in for yourself"),
        ({"stand_in": "a reader"}, "may not write"),
    ],
)
def test_an_absence_that_makes_no_sense_is_refused(values: dict[str, Any], word: str) -> None:
    person, stand_in = make_sender(), make_sender()
    given: dict[str, Any] = {"first": TODAY, "last": TODAY, "stand_in": stand_in} | values
    given["stand_in"] = {"themselves": person, "a reader": make_user()}.get(given["stand_in"], given["stand_in"])
    refusal = absences.plan(person, **given, now=NOW)
    assert isinstance(refusal, Refusal)
    assert word in refusal.sentence
    assert User.objects.get(pk=person.pk).away_from is None
    away(person, stand_in=stand_in, last=TODAY)
    assert User.objects.get(pk=person.pk).away_from == TODAY


def test_who_comes_back_early_or_does_not_go_gets_their_hand_offs_again() -> None:
    person, stand_in = make_sender(), make_sender()
    for first in (TODAY - WEEK, TODAY, TODAY + WEEK):
        away(person, stand_in=stand_in, first=first, last=TODAY + 2 * WEEK)
        absences.end(person, key=first.isoformat(), now=NOW)
        again = User.objects.get(pk=person.pk)
        assert not any(again.is_away(TODAY + timedelta(days=number)) for number in range(30))
        assert again.stand_in == stand_in


def days_of(person: User, *, now: datetime = NOW) -> list[tuple[int, int]]:
    """As days from TODAY."""
    ahead = absences.planned(User.objects.get(pk=person.pk), now=now)
    return [((one.first - TODAY).days, (one.last - TODAY).days) for one in ahead]


def test_several_are_planned_in_any_order_and_each_has_its_turn() -> None:
    person, one, two = make_sender(), make_sender(), make_sender()
    away(person, stand_in=two, first=TODAY + 10 * WEEK, last=TODAY + 11 * WEEK)
    away(person, stand_in=one, first=TODAY + WEEK, last=TODAY + 2 * WEEK)
    away(person, first=TODAY + 20 * WEEK, last=TODAY + 20 * WEEK)
    assert days_of(person) == [(7, 14), (70, 77), (140, 140)]
    for weeks, stand_in in ((1, one), (10, two)):
        later = NOW + weeks * WEEK
        absences.move_up(now=later)
        for _ in range(2):
            assert absences.move_up(now=later) == 0
        assert whoever_is_there(User.objects.get(pk=person.pk), day=(TODAY + weeks * WEEK)) == stand_in
        assert whoever_is_there(User.objects.get(pk=person.pk), day=(TODAY + (weeks - 1) * WEEK)) == person
    absences.move_up(now=NOW + 30 * WEEK)
    assert (days_of(person, now=NOW + 30 * WEEK), LaterAbsence.objects.count()) == ([], 0)


def test_days_on_which_one_is_away_already_are_not_planned_twice() -> None:
    person = make_sender()
    away(person, first=TODAY + WEEK, last=TODAY + 2 * WEEK)
    away(person, first=TODAY + 9 * WEEK, last=TODAY + 9 * WEEK)
    for first, last in ((1, 1), (0, 1), (2, 3), (0, 30), (9, 9)):
        said = absences.plan(person, first=TODAY + first * WEEK, last=TODAY + last * WEEK, stand_in=None, now=NOW)
        assert isinstance(said, Refusal)
        assert "already" in said.sentence
    assert days_of(person) == [(7, 14), (63, 63)]
    key = (TODAY + 9 * WEEK).isoformat()
    absences.plan(person, first=TODAY, last=TODAY, stand_in=None, replaces=key, now=NOW)
    assert days_of(person) == [(0, 0), (7, 14)]


def test_one_of_several_is_given_up_and_the_others_stay() -> None:
    person = make_sender()
    for week in (1, 3, 5):
        away(person, first=TODAY + week * WEEK, last=TODAY + week * WEEK)
    for week, left in ((3, [(7, 7), (35, 35)]), (1, [(35, 35)]), (2, [(35, 35)]), (5, [])):
        absences.end(person, key=(TODAY + week * WEEK).isoformat(), now=NOW)
        assert days_of(person) == left


def test_who_is_back_is_asked_about_what_is_with_their_stand_in_until_they_leave_again() -> None:
    person, one, two = make_sender(), make_sender(), make_sender()
    away(person, stand_in=one, last=TODAY)
    away(person, stand_in=two, first=TODAY + WEEK, last=TODAY + 2 * WEEK)
    hand_off_of(make_job(recruiter=person))
    back = NOW + timedelta(days=1)
    assert absences.move_up(now=back) == 0
    person.refresh_from_db()
    assert absences.notice(person, now=back).to_take_back == 1
    away(person, first=TODAY + 5 * WEEK, last=TODAY + 5 * WEEK)  # planned meanwhile, it takes nobody's place
    assert absences.notice(person, now=back).to_take_back == 1
    assert absences.move_up(now=NOW + WEEK) == 1
    assert User.objects.get(pk=person.pk).stand_in == two
    assert days_of(person) == [(7, 14), (35, 35)]


# --- What changes hands -----------------------------------------------------------------------------------------------


def test_what_is_theirs_is_handed_over_by_an_act_and_taken_back_by_another() -> None:
    person, stand_in = make_sender(), make_sender()
    job = make_job(recruiter=person)
    before = hand_off_of(job)
    foreign = hand_off_of(make_job(recruiter=stand_in))
    away(person, stand_in=stand_in)
    before.refresh_from_db()
    assert before.owner == person
    assert absences.hand_over(person) == 1
    during = hand_off_of(Job.objects.get(pk=job.pk))
    assert {hand_off.owner for hand_off in HandOff.objects.all()} == {stand_in}
    absences.end(person, key=TODAY.isoformat(), now=NOW)
    assert set(absences.to_take_back(person)) == {before, during}
    assert absences.take_back(person) == 2
    foreign.refresh_from_db()
    assert foreign.owner == stand_in
    assert not absences.to_take_back(person).exists()


def test_handed_over_it_goes_along_the_chain_or_stays() -> None:
    person, second, third = make_sender(), make_sender(), make_sender()
    hand_off = hand_off_of(make_job(recruiter=person))
    away(person, stand_in=second)
    away(second, stand_in=None)
    assert isinstance(absences.hand_over(User.objects.get(pk=person.pk)), Refusal)
    away(second, stand_in=third)
    assert absences.hand_over(User.objects.get(pk=person.pk)) == 1
    hand_off.refresh_from_db()
    assert hand_off.owner == third


def test_what_stays_with_the_stand_in_is_not_asked_about_again() -> None:
    person, stand_in = make_sender(), make_sender()
    away(person, stand_in=stand_in)
    hand_off_of(make_job(recruiter=person))
    absences.end(person, key=TODAY.isoformat(), now=NOW)
    assert absences.to_take_back(person).count() == 1
    absences.leave_there(person)
    assert absences.to_take_back(person).count() == 0
    assert HandOff.objects.get().owner == stand_in


# --- The days on which they work --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "due"),
    [
        (None, date(2026, 9, 17)),  # two working days after a Tuesday
        ("12345", date(2026, 9, 17)),
        ("45", date(2026, 9, 18)),
        ("36", date(2026, 9, 19)),
        ("2", date(2026, 9, 22)),  # not a fortnight: three working days longer at most
    ],
)
def test_a_hand_off_is_due_on_a_day_on_which_its_owner_works(days: str | None, due: date) -> None:
    person = make_sender(working_days=days)
    assert working_days.due(NOW, 2, person=person).date() == due
    assert hand_off_of(make_job(recruiter=person)).due_at == working_days.due(NOW, 2, person=person)


def test_days_away_and_public_holidays_do_not_count() -> None:
    person = make_sender(away_from=date(2026, 9, 16), away_until=date(2026, 9, 17))
    assert working_days.due(NOW, 2, person=person).date() == date(2026, 9, 21)
    before_christmas = NOW.replace(month=12, day=23)
    assert working_days.due(before_christmas, 2, person=make_sender()).date() == date(2026, 12, 29)
