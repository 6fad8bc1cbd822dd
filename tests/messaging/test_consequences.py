"""One act and what follows from it: rehearsed, done, and refused."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection, transaction

from messaging import automations, consequences
from messaging.consequences import Step
from messaging.models import Automation, HandOff, Message
from pipeline import actors, moves
from pipeline.milestones import Milestone
from pipeline.models import Application, Candidate, StageChange
from pipeline.moves import Act
from pipeline.outcomes import Refusal
from tests import factories as make
from tests.factories import NOW

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(hours=1)


def rejection() -> Step:
    reason, act = make.make_reason(), Act(by=actors.person(make.make_user().pk), now=LATER)
    return lambda application: moves.reject(application, reason=reason, act=act)


def test_a_rehearsal_leaves_the_rows_and_the_application_in_hand_as_they_were() -> None:
    make.make_automation()
    application = make.make_application()
    make.move_to(application, Milestone.PHONE_SCREEN)
    application = Application.objects.get(pk=application.pk)
    step, changes = rejection(), StageChange.objects.count()

    rehearsed = consequences.rehearse(application, step, now=LATER)
    assert [task.owner for task in rehearsed.hand_offs] == [application.job.recruiter]
    assert application.status == Application.Status.ACTIVE
    assert (Message.objects.count(), HandOff.objects.count(), StageChange.objects.count()) == (0, 0, changes)

    assert consequences.carry_out(application, step, now=LATER) == rehearsed
    assert HandOff.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_rehearsal_leaves_the_transaction_around_it_usable() -> None:
    application = make.make_application()
    with transaction.atomic():
        consequences.rehearse(application, rejection(), now=LATER)
        assert not connection.needs_rollback
        make.make_candidate(first_name="Zoe")
    assert Candidate.objects.filter(first_name="Zoe").exists()
    assert Application.objects.get().status == Application.Status.ACTIVE


def test_a_refused_act_brings_its_sentence_and_nothing_else() -> None:
    make.make_automation()
    application = make.make_application()
    make.reject(application)
    consequence = consequences.carry_out(application, rejection(), now=LATER)
    assert "is rejected by now" in consequence.refusal
    assert (consequence.messages, consequence.hand_offs, consequence.nothing_follows) == ((), (), False)


def test_a_conversation_counts_for_what_waits_at_another_job_too() -> None:
    make.make_automation(delay=1, delay_unit=Automation.DelayUnit.HOURS)
    waiting = make.make_application()
    [message] = automations.follow(make.reject(waiting), now=NOW)
    elsewhere = make.make_application(candidate=waiting.candidate)
    by = actors.person(make.make_user().pk)

    def call(application: Application) -> Refusal | None:
        moves.log_conversation(application, kind="phone", note="", by=by, now=LATER)
        return None

    [task] = consequences.carry_out(elsewhere, call, now=LATER).hand_offs
    assert task.owner == waiting.job.recruiter
    message.refresh_from_db()
    assert message.status == Message.Status.HELD


def test_a_move_says_what_becomes_of_what_waits_at_another_job() -> None:
    make.make_automation(delay=1, delay_unit=Automation.DelayUnit.HOURS)
    waiting = make.make_application()
    automations.follow(make.reject(waiting), now=NOW)
    elsewhere = make.make_application(candidate=waiting.candidate)
    to, act = make.stage_of(elsewhere, Milestone.PHONE_SCREEN), Act(by=actors.CLOCK, now=LATER)

    rehearsed = consequences.rehearse(elsewhere, lambda one: moves.advance(one, to, act=act), now=LATER)

    assert [task.kind for task in rehearsed.hand_offs] == ["Rejection"]
    assert not consequences.rehearse(elsewhere, lambda _: None, now=LATER).hand_offs


def test_a_second_application_for_one_job_is_refused_and_followed_by_nothing() -> None:
    thanks = make.make_template(touchpoint="acknowledgement", body="Dear {{ candidate.first_name }}, thank you.")
    make.make_automation(event=Automation.Event.RECEIVED, template=thanks)
    candidate, job = make.make_candidate(), make.make_job()
    act = Act(by=actors.person(make.make_user().pk), now=LATER)
    first = consequences.receive(candidate, job, act=act)
    assert (first.refusal, len(first.messages)) == ("", 1)
    assert "already applied" in consequences.receive(candidate, job, act=act).refusal
    assert Message.objects.count() == 1
