"""What people change while a message waits: stages, wordings, conversations, and a move in the moment in which it leaves."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from messaging import automations, gate, wordings
from messaging.delivery import outbox
from messaging.delivery.egress import Egress
from messaging.gate import Clearance
from messaging.models import Automation, Message, Wording
from pipeline.milestones import Milestone
from pipeline.models import Application, Candidate, Interview, Stage
from tests.factories import (
    NOW,
    make_application,
    make_automation,
    make_interview,
    make_message,
    make_template,
    make_user,
    move_to,
    reject,
    sign,
)

pytestmark = pytest.mark.django_db

DUE = NOW + timedelta(hours=1)
REMINDER = """Dear {{ candidate.first_name }},

we talk on {{ interview.date }} at {{ interview.time }}.

{{ sender.name }}"""


def drain(at: datetime = DUE) -> dict[str, int]:
    return dict(outbox.drain(clock=lambda: at))


def make_reminder(application: Application) -> Message:
    """An hour after somebody came to the interviews."""
    make_automation(
        job=application.job,
        event=Automation.Event.STAGE_ENTERED,
        template=make_template(touchpoint="reminder", body=REMINDER),
        delay=1,
        delay_unit=Automation.DelayUnit.HOURS,
    )
    [message] = automations.follow(move_to(application, Milestone.INTERVIEW), now=NOW)
    return message


class TestStages:
    def test_renamed_reordered_or_of_another_meaning_they_take_nothing_from_what_was_reached(self) -> None:
        application = make_application()
        move_to(application, Milestone.INTERVIEW)
        application.refresh_from_db()
        move_to(application, Milestone.APPLIED)
        stages = Stage.objects.filter(pipeline=application.job.pipeline)
        stages.filter(milestone=Milestone.INTERVIEW).update(name="Reading", milestone=Milestone.REVIEW)
        for place, stage in enumerate(stages.order_by("-position"), start=100):
            Stage.objects.filter(pk=stage.pk).update(position=place)
        message = make_message(application=application)
        assert Candidate.objects.get(pk=application.candidate_id).reach == Milestone.INTERVIEW
        assert drain() == {}
        message.refresh_from_db()
        assert message.status == Message.Status.HELD

    def test_whoever_got_nowhere_is_still_told_by_itself(self) -> None:
        message = make_message()
        stages = Stage.objects.filter(pipeline=message.application.job.pipeline)
        for place, stage in enumerate(stages.order_by("-position"), start=100):
            Stage.objects.filter(pk=stage.pk).update(position=place, name=f"Renamed {place}")
        assert drain() == {"sent": 1}

    def test_one_that_means_more_than_it_did_reserves_what_waits(self) -> None:
        message = make_message()
        Stage.objects.filter(pk=message.application.stage_id).update(milestone=Milestone.INTERVIEW)
        assert drain() == {"hand_off": 1}


class TestWording:
    def test_what_waits_leaves_with_the_wording_it_was_planned_with(self) -> None:
        message = make_message()
        template, planned = message.template, message.wording
        assert template is not None
        assert planned is not None
        newer = wordings.write_wording(
            template, subject=planned.subject, body=f"Good day.\n\n{planned.body}", by=make_user(), now=NOW
        )
        assert isinstance(newer, Wording)
        sign(newer)
        assert drain() == {"sent": 1}
        message.refresh_from_db()
        assert (message.wording, "Good day." in message.body) == (planned, False)
        later = make_application(job=message.application.job)
        [after] = automations.follow(reject(later), now=NOW)
        assert drain() == {"sent": 1}
        after.refresh_from_db()
        assert (after.wording, "Good day." in after.body) == (newer, True)


class TestConversations:
    def test_a_reminder_says_when_it_is_now(self) -> None:
        application = make_application()
        interview = make_interview(application, starts_at=datetime.fromisoformat("2026-09-16T10:00+00:00"))
        message = make_reminder(application)
        Interview.objects.filter(pk=interview.pk).update(starts_at=datetime.fromisoformat("2026-09-17T13:30+00:00"))
        assert drain() == {"sent": 1}
        message.refresh_from_db()
        assert "on Thursday, 17 September 2026 at 14:30" in message.body

    def test_a_reminder_of_one_that_was_called_off_goes_to_a_person(self) -> None:
        application = make_application()
        interview = make_interview(application)
        message = make_reminder(application)
        Interview.objects.filter(pk=interview.pk).update(cancelled_at=NOW)
        assert drain() == {"hand_off": 1}
        assert message.hand_offs.get().sentences != []


class TestTheMomentInWhichItLeaves:
    def test_a_move_after_the_claim_comes_too_late_for_this_message_and_counts_for_the_next(self) -> None:
        message = make_message()
        elsewhere = make_application(candidate=message.application.candidate)
        cleared = gate.clear(message.pk, now=DUE)
        assert isinstance(cleared, Clearance)
        change = move_to(elsewhere, Milestone.INTERVIEW, now=DUE + timedelta(milliseconds=1))
        with Egress(clock=lambda: DUE) as egress:
            result = egress.send(cleared)
        assert outbox.record(cleared.attempt, result, clock=lambda: DUE) == "sent"
        # In the records the order is the one in which it happened.
        assert message.verdicts.get(outcome="send").decided_at < change.at
        make_automation(job=elsewhere.job)
        [following] = automations.follow(reject(Application.objects.get(pk=elsewhere.pk)), now=change.at)
        assert following.hand_offs.exists()

    def test_a_move_before_the_claim_keeps_it(self) -> None:
        message = make_message()
        elsewhere = make_application(candidate=message.application.candidate)
        move_to(elsewhere, Milestone.INTERVIEW)
        assert not isinstance(gate.clear(message.pk, now=DUE), Clearance)
        assert message.hand_offs.exists()
