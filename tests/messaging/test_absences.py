"""While somebody is away their hand-offs go to who is there, and nothing is lost when they leave or come back."""

from datetime import date, timedelta
from typing import Any

import pytest

from messaging import absences, gate, working_days
from messaging.models import HandOff
from pipeline.models import Job, User
from pipeline.outcomes import Refusal
from pipeline.stand_ins import whoever_is_there
from tests.factories import NOW, make_application, make_hand_off, make_job, make_sender, make_user

pytestmark = pytest.mark.django_db

TODAY = date(2026, 9, 15)
WEEK = timedelta(days=7)


def away(person: User, *, stand_in: User | None = None, first: date = TODAY, last: date = TODAY + WEEK) -> User:
    planned = absences.plan(person, first=first, last=last, stand_in=stand_in, now=NOW)
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
        absences.end(person, now=NOW)
        again = User.objects.get(pk=person.pk)
        assert not any(again.is_away(TODAY + timedelta(days=number)) for number in range(30))
        assert again.stand_in == stand_in


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
    absences.end(person, now=NOW)
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
    absences.end(person, now=NOW)
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
