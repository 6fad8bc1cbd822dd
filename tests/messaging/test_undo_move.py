"""Undo of a person's move: what it takes back, and each reason for which it is refused."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from messaging import automations, gate, handoffs, undo_move
from messaging.models import Automation, HandOff, Message
from messaging.policy.floor import Touchpoint
from pipeline import actors, moves
from pipeline.milestones import Milestone
from pipeline.models import Application, StageChange, User
from pipeline.moves import Act
from pipeline.outcomes import Refusal
from tests import factories as make
from tests.factories import NOW

pytestmark = pytest.mark.django_db

SOON = NOW + timedelta(minutes=2)


@pytest.fixture
def person() -> User:
    return make.make_sender()


def automate(touchpoint: Touchpoint) -> None:
    """A message an hour after every stage that is entered."""
    template = make.make_template(touchpoint=touchpoint, body="Dear {{ candidate.first_name }}, we go on with you.")
    hour = {"delay": 1, "delay_unit": Automation.DelayUnit.HOURS}
    make.make_automation(event=Automation.Event.STAGE_ENTERED, template=template, **hour)


def move(person: User, *, application: Application | None = None, to: int = Milestone.REVIEW) -> StageChange:
    """As the board does it, and followed."""
    application = application or make.make_application(now=NOW - timedelta(days=4))
    change = make.move_to(application, to, by=person)
    automations.follow(change, now=NOW)
    return StageChange.objects.select_related("application__candidate", "from_stage").get(pk=change.pk)


def undo(change: StageChange, *, by: User, now: datetime = SOON) -> str:
    """The reason against it; empty when it was undone."""
    answer = undo_move.undo(change, by=by, now=now)
    return answer.sentence if isinstance(answer, Refusal) else ""


def stage_of(change: StageChange) -> int:
    return Application.objects.get(pk=change.application_id).stage.milestone


def assert_nothing_happened(change: StageChange) -> None:
    assert stage_of(change) == change.to_milestone
    assert StageChange.objects.filter(application=change.application_id).latest("pk") == change


def test_the_candidate_is_back_since_before_and_the_message_does_not_leave(person: User) -> None:
    automate(Touchpoint.STATUS_UPDATE)
    change = move(person)
    assert change.messages.get().status == Message.Status.SCHEDULED
    assert undo_move.why_not(change, by=person, now=SOON) is None
    assert undo(change, by=person) == ""
    application = Application.objects.get(pk=change.application_id)
    assert (application.stage.milestone, application.stage_entered_at) == (Milestone.APPLIED, NOW - timedelta(days=4))
    assert change.messages.get().status == Message.Status.CANCELLED
    # Back in its stage, and nobody hears of it, although an automation follows every stage that is entered.
    assert Message.objects.count() == 1


def test_a_hand_off_that_followed_needs_nobody_any_more(person: User) -> None:
    automate(Touchpoint.FEEDBACK)
    change = move(person, to=Milestone.FINAL_ROUND)
    assert HandOff.objects.get().is_open
    assert undo(change, by=person) == ""
    assert HandOff.objects.get().status == HandOff.Status.NOT_NEEDED
    assert change.messages.get().status == Message.Status.CANCELLED


def test_the_reach_stays(person: User) -> None:
    change = move(person, to=Milestone.PHONE_SCREEN)
    assert undo(change, by=person) == ""
    change.application.candidate.refresh_from_db()
    assert change.application.candidate.reach == Milestone.PHONE_SCREEN


def test_nobody_undoes_what_somebody_else_did(person: User) -> None:
    change = move(make.make_sender())
    assert "Somebody else" in undo(change, by=person)
    assert_nothing_happened(change)


def test_a_move_that_a_machine_made_for_somebody_is_not_theirs_to_undo(person: User) -> None:
    application = make.make_application()
    source = actors.imported(make.make_source().pk, started_by=person.pk)
    to = make.stage_of(application, Milestone.REVIEW)
    change = make.done(moves.move(application, to, act=Act(by=source, now=NOW)))
    assert "Somebody else" in undo(change, by=person)
    assert_nothing_happened(change)


def test_after_a_quarter_of_an_hour_it_is_another_decision(person: User) -> None:
    change = move(person)
    assert "older than 15 minutes" in undo(change, by=person, now=NOW + undo_move.WITHIN + timedelta(seconds=1))
    assert_nothing_happened(change)
    assert undo(change, by=person, now=NOW + undo_move.WITHIN) == ""


def test_what_may_have_left_cannot_be_undone(person: User) -> None:
    automate(Touchpoint.STATUS_UPDATE)
    change = move(person)
    later = NOW + timedelta(hours=1)
    assert isinstance(gate.clear(change.messages.get().pk, now=later), gate.Clearance)
    change.at = later - timedelta(minutes=1)  # within the time for an undo
    assert "is sending by now" in undo(change, by=person, now=later)
    assert_nothing_happened(change)


def test_what_a_person_dealt_with_is_not_undone(person: User) -> None:
    automate(Touchpoint.FEEDBACK)
    change = move(person, to=Milestone.FINAL_ROUND)
    handoffs.close_as_not_needed(HandOff.objects.get(), reason="I told them.", by=person, now=NOW)
    assert "cannot be undone" in undo(change, by=person)
    assert_nothing_happened(change)


def test_a_message_that_the_move_stopped_comes_back(person: User) -> None:
    automate(Touchpoint.STATUS_UPDATE)
    application = make.make_application()
    automations.follow(make.move_to(application, Milestone.REVIEW, by=person), now=NOW - timedelta(minutes=1))
    change = move(person, application=application, to=Milestone.OFFER)
    assert Message.objects.filter(status=Message.Status.CANCELLED).count() == 1
    assert undo(change, by=person) == ""
    old, of_the_move, new = Message.objects.order_by("pk")
    assert (old.status, of_the_move.status, new.status) == ("cancelled", "cancelled", "scheduled")
    assert (new.template, new.stage_change, new.due_at) == (old.template, old.stage_change, old.due_at)


def test_a_second_move_is_undone_first(person: User) -> None:
    first = move(person)
    second = move(person, application=first.application, to=Milestone.OFFER)
    assert "moved them on since" in undo(first, by=person)
    assert undo(second, by=person) == ""
    assert stage_of(first) == Milestone.REVIEW


def test_an_application_that_ended_meanwhile_is_left_alone(person: User) -> None:
    change = move(person)
    make.reject(Application.objects.get(pk=change.application_id), by=person)
    assert "moved them on since" in undo(change, by=person)
    assert stage_of(change) == Milestone.REVIEW


def test_an_undo_is_done_once(person: User) -> None:
    change = move(person)
    assert undo(change, by=person) == ""
    assert "moved them on since" in undo(change, by=person)
    assert StageChange.objects.filter(application=change.application_id).count() == 3


def test_a_decision_is_no_slip_of_the_hand(person: User) -> None:
    change = make.reject(make.make_application(), by=person)
    assert "Only a move" in undo(change, by=person)
    assert Application.objects.get().status == Application.Status.REJECTED
