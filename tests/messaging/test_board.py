"""What the columns of a board hold, for whom, and how old it says that they are."""

from __future__ import annotations

from datetime import timedelta

import pytest

from messaging import board
from messaging.board import Filters
from messaging.models import HandOff
from pipeline import actors, moves
from pipeline.milestones import Milestone
from pipeline.models import Application, Candidate, Job
from pipeline.moves import Act
from tests import factories as make
from tests.factories import NOW

pytestmark = pytest.mark.django_db


def card(job: Job, name: str, *, days: int = 0, **candidate: str) -> Application:
    """Somebody in the first stage since so many days."""
    person = make.make_candidate(first_name=name, last_name="", **candidate)
    return make.make_application(job=job, candidate=person, now=NOW - timedelta(days=days))


def read(job: Job, **filters: str | int | bool) -> tuple[board.Column, ...]:
    return board.read_columns(job, Application.objects.all(), filters=Filters(**filters), now=NOW)  # type: ignore[arg-type]


def names(job: Job, **filters: str | int | bool) -> list[str]:
    return [card.name for column in read(job, **filters) for card in column.cards]


def test_a_column_for_each_stage_in_its_order_and_who_waits_longest_stands_first() -> None:
    job = make.make_job()
    card(job, "Ada", days=1)
    card(job, "Bo", days=9)
    make.move_to(card(job, "Cy"), Milestone.REVIEW)
    card(make.make_job(), "Elsewhere")
    columns = read(job)
    assert [str(column.stage) for column in columns] == [name for name, _ in make.STAGES]
    assert [[card.name for card in column.cards] for column in columns[:3]] == [["Bo", "Ada"], ["Cy"], []]


@pytest.mark.parametrize(
    ("days", "age", "tone"),
    [(0, "today", ""), (1, "1 day", ""), (6, "6 days", ""), (7, "7 days", "long"), (14, "14 days", "very-long")],
)
def test_a_card_says_for_how_long_somebody_waits(days: int, age: str, tone: str) -> None:
    job = make.make_job()
    card(job, "Ada", days=days)
    [shown] = read(job)[0].cards
    assert (shown.age, shown.tone) == (age, tone)


def test_who_is_not_in_the_race_any_more_has_no_card_and_who_was_hired_is_counted() -> None:
    job = make.make_job()
    make.reject(card(job, "Ada"))
    make.done(moves.hire(card(job, "Bo"), act=Act(by=actors.CLOCK, now=NOW)))
    *others, last = read(job)
    assert names(job) == []
    assert (last.ends_as_hired, last.hired, last.total) == (True, 1, 0)
    assert not any(column.hired or column.ends_as_hired for column in others)


def test_filters_narrow_the_cards_and_the_totals_stay() -> None:
    job = make.make_job()
    card(job, "Ada", days=8, came_from="Referral")
    card(job, "Bo", days=1, email="bo@halden.example.com")
    assert names(job) == ["Ada", "Bo"]
    assert names(job, search="AD") == ["Ada"]
    assert names(job, search="bo halden") == ["Bo"]
    assert names(job, search="ada halden") == []
    assert names(job, source="Referral") == ["Ada"]
    assert names(job, days=8) == ["Ada"]
    assert names(job, days=9) == []
    assert read(job, days=9)[0].total == 2


def test_an_open_hand_off_is_marked_and_can_be_asked_for() -> None:
    job = make.make_job()
    card(job, "Ada")
    waiting = make.make_hand_off(application=card(job, "Bo"))
    moves.reopen(waiting.application, act=Act(by=actors.CLOCK, now=NOW))
    assert names(job, has_hand_off=True) == ["Bo"]
    assert [(one.name, one.has_hand_off) for column in read(job) for one in column.cards] == [
        ("Ada", False),
        ("Bo", True),
    ]
    HandOff.objects.filter(pk=waiting.pk).update(status=HandOff.Status.NOT_NEEDED, closed_at=NOW)
    assert names(job, has_hand_off=True) == []


def test_the_sources_are_those_of_the_cards() -> None:
    job = make.make_job()
    for source in ("Referral", "Job board", "Referral", ""):
        card(job, "Ada", came_from=source)
    make.reject(card(job, "Bo", came_from="Stand"))
    assert board.read_sources(job, Application.objects.all()) == ["Job board", "Referral"]


def test_only_what_the_person_may_see_is_on_the_board() -> None:
    job = make.make_job()
    mine = card(job, "Ada")
    card(job, "Bo")
    visible = Application.objects.filter(pk=mine.pk)
    first, *_ = board.read_columns(job, visible, filters=Filters(), now=NOW)
    assert (len(first.cards), first.total) == (1, 1)
    [standing] = board.read_standings([job], visible, now=NOW)
    assert standing.active == 1


def test_all_jobs_say_how_many_are_where_and_for_long() -> None:
    job, empty = make.make_job(), make.make_job()
    card(job, "Ada", days=8)
    make.move_to(card(job, "Bo"), Milestone.OFFER)
    busy, idle = board.read_standings([job, empty], Application.objects.all(), now=NOW)
    assert {str(stage): number for stage, number in busy.stages if number} == {"Applied": 1, "Offer": 1}
    assert (busy.active, busy.long, busy.in_words) == (2, 1, "1 in Applied, 1 in Offer")
    assert (idle.active, idle.long, len(idle.stages)) == (0, 0, len(make.STAGES))


def test_a_card_can_be_read_alone() -> None:
    application = card(make.make_job(), "Ada", days=3)
    assert board.read_card(application.pk, now=NOW) == read(application.job)[0].cards[0]
    assert Candidate.objects.count() == 1
