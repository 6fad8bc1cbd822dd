"""Whom the clock asks about an overdue hand-off, when, and that it asks each of them once."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from messaging import escalations, handoffs, ledger, tasks, working_days
from messaging.models import Escalation, HandOff, LedgerEntry
from pipeline.models import User
from tests.factories import NOW, make_application, make_hand_off, make_job, make_sender, make_user

pytestmark = pytest.mark.django_db

Step = Escalation.Step
DUE = working_days.due(NOW, HandOff.DAYS)  # Thursday, 17:00
FRIDAY = working_days.add(DUE, 1)


def make_overdue(**job: Any) -> HandOff:
    """With nobody, unless the job says otherwise; due on DUE."""
    hand_off = make_hand_off(application=make_application(job=make_job(**{"recruiter": None} | job)))
    HandOff.objects.filter(pk=hand_off.pk).update(owner=None)
    hand_off.refresh_from_db()
    assert hand_off.due_at == DUE
    return hand_off


def escalate(now: Any) -> int:
    return escalations.escalate(now=now, at_most=100)


def owner_of(hand_off: HandOff) -> User | None:
    return HandOff.objects.get(pk=hand_off.pk).owner


def asked(hand_off: HandOff) -> list[tuple[int, User]]:
    return [(one.step, one.to) for one in hand_off.escalations.order_by("step")]


def test_the_recruiter_is_asked_at_once_and_the_hiring_manager_a_working_day_later() -> None:
    recruiter, manager = make_sender(), make_sender()
    hand_off = make_overdue(recruiter=recruiter, hiring_manager=manager)
    assert escalate(DUE) == 0
    assert owner_of(hand_off) is None

    assert escalate(DUE + timedelta(minutes=1)) == 1
    assert owner_of(hand_off) == recruiter
    first = DUE + timedelta(minutes=1)
    assert escalate(working_days.add(first, 1) - timedelta(minutes=1)) == 0
    assert escalate(working_days.add(first, 1)) == 1
    assert owner_of(hand_off) == manager
    assert asked(hand_off) == [(Step.RECRUITER, recruiter), (Step.HIRING_MANAGER, manager)]


def test_run_twice_it_changes_nothing_more_whatever_people_did_in_between() -> None:
    recruiter, colleague = make_sender(), make_sender()
    hand_off = make_overdue(recruiter=recruiter, hiring_manager=None)
    first = DUE + timedelta(minutes=1)
    assert (escalate(first), escalate(first), escalate(first + timedelta(days=9))) == (1, 0, 0)
    assert LedgerEntry.objects.filter(kind="hand_off_escalated").count() == 1
    handoffs.assign([hand_off], to=colleague)
    assert escalate(first + timedelta(days=9)) == 0
    assert owner_of(hand_off) == colleague


def test_a_weekend_is_no_working_day_for_the_hiring_manager_either() -> None:
    recruiter = make_sender()
    hand_off = make_overdue(recruiter=recruiter, hiring_manager=make_sender())
    HandOff.objects.update(owner=recruiter, due_at=FRIDAY)
    assert escalate(FRIDAY + timedelta(days=2)) == 0
    assert escalate(FRIDAY + timedelta(days=3)) == 1
    assert asked(hand_off)[0][0] == Step.HIRING_MANAGER


def test_the_recruiter_who_has_it_already_is_not_asked() -> None:
    recruiter, manager = make_sender(), make_sender()
    hand_off = make_overdue(recruiter=recruiter, hiring_manager=manager)
    handoffs.assign([hand_off], to=recruiter)
    assert escalate(DUE + timedelta(minutes=1)) == 0
    assert escalate(FRIDAY) == 1
    assert asked(hand_off) == [(Step.HIRING_MANAGER, manager)]


def test_who_may_not_write_to_candidates_is_asked_and_does_not_get_it() -> None:
    recruiter, manager = make_sender(), make_user()
    hand_off = make_overdue(recruiter=recruiter, hiring_manager=manager)
    handoffs.assign([hand_off], to=recruiter)
    assert escalate(FRIDAY) == 1
    assert owner_of(hand_off) == recruiter
    assert asked(hand_off) == [(Step.HIRING_MANAGER, manager)]


@pytest.mark.parametrize("job", [{}, {"recruiter": "gone", "hiring_manager": "gone"}])
def test_where_there_is_nobody_to_ask_the_others_are_asked_all_the_same(job: dict[str, Any]) -> None:
    people = {role: make_sender(is_active=False) for role in job}
    nobodys = make_overdue(**people)
    other = make_overdue(recruiter=make_sender())
    assert escalations.escalate(now=DUE + timedelta(days=30), at_most=1) == 1
    assert asked(nobodys) == []
    assert [step for step, _ in asked(other)] == [Step.RECRUITER]


def test_what_is_closed_or_put_off_is_not_escalated() -> None:
    closed, snoozed, overdue = (make_overdue(recruiter=make_sender()) for _ in range(3))
    by = make_sender()
    handoffs.close_as_not_needed(closed, reason="They called.", by=by, now=NOW)
    later = working_days.add(DUE, 3)
    handoffs.snooze(snoozed, until=later.date(), reason="The panel meets then.", by=by, now=NOW)
    assert escalate(DUE + timedelta(minutes=1)) == 1
    assert [len(asked(one)) for one in (closed, snoozed, overdue)] == [0, 0, 1]
    assert escalate(later + timedelta(minutes=1)) == 1
    assert len(asked(snoozed)) == 1


def test_a_new_due_date_begins_with_the_first_step_again() -> None:
    recruiter, by = make_sender(), make_sender()
    hand_off = make_overdue(recruiter=recruiter)
    escalate(DUE + timedelta(minutes=1))
    handoffs.assign([hand_off], to=by)
    later = working_days.add(DUE, 2)
    handoffs.snooze(hand_off, until=later.date(), reason="The panel meets then.", by=by, now=DUE)
    assert escalate(later + timedelta(minutes=1)) == 1
    assert owner_of(hand_off) == recruiter
    assert len(asked(hand_off)) == 2


def test_the_ledger_says_who_was_asked_and_whose_it_was_without_saying_a_name() -> None:
    recruiter = make_sender(first_name="Rita")
    hand_off = make_overdue(recruiter=recruiter)
    escalate(DUE + timedelta(minutes=1))
    entry = LedgerEntry.objects.get(kind="hand_off_escalated")
    assert (entry.subject, entry.actor_kind, entry.actor_id) == (f"handoff:{hand_off.pk}", "clock", None)
    assert entry.data == {
        "step": 1,
        "due_at": "2026-09-17T16:00:00+00:00",
        "to": recruiter.pk,
        "owner_before": None,
        "owner_after": recruiter.pk,
    }
    ledger.seal(now=DUE)
    assert ledger.verify() is None


def test_the_sweep_of_the_clock_escalates() -> None:
    recruiter = make_sender()
    hand_off = make_overdue(recruiter=recruiter)
    HandOff.objects.update(due_at=timezone.now() + timedelta(minutes=5))
    tasks.sweep()
    assert owner_of(hand_off) is None
    HandOff.objects.update(due_at=timezone.now() - timedelta(minutes=5))
    tasks.sweep()
    tasks.sweep()
    assert owner_of(hand_off) == recruiter
    assert hand_off.escalations.count() == 1
