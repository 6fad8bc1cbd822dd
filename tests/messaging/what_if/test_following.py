"""Which stage changes an automation would have followed is what it did follow, and who would have sent is what was said."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from messaging import automations
from messaging.delivery import outbox
from messaging.models import Automation, HandOff, Message, PolicyRow
from messaging.policy.decision import Outcome
from messaging.policy.floor import Touchpoint
from messaging.what_if import following
from messaging.what_if.following import Following
from pipeline import actors, moves
from pipeline.milestones import Milestone
from pipeline.models import Application, StageChange
from pipeline.moves import Act
from tests.factories import (
    NOW,
    done,
    make_application,
    make_automation,
    make_interview,
    make_job,
    make_message,
    make_reason,
    make_source,
    make_stage_rule,
    make_template,
    make_user,
    move_to,
    reject,
)

pytestmark = pytest.mark.django_db

Event = Automation.Event
NEWS = "Dear {{ candidate.first_name }}, we are still reading. {{ sender.name }}"
DAY = timedelta(days=1)
NEXT_WEEK = NOW + 7 * DAY


def new(**values: Any) -> Automation:
    """Not saved; on rejection, at once, unless told otherwise."""
    template = values.pop("template", None) or make_template()
    return Automation(**{"name": "New", "event": Event.REJECTED, "template": template} | values)


def look(automation: Automation, *, stored: Automation | None = None, now: datetime = NEXT_WEEK) -> Following:
    return following.look_back(automation, stored=stored, now=now)


def outcomes(automation: Automation, **options: Any) -> dict[str, int]:
    return {outcome.value: number for outcome, number in look(automation, **options).outcomes.items()}


def apply(**options: Any) -> Application:
    return make_application(**{"quiet": False} | options)


def reject_late(application: Application, at: datetime = NOW) -> StageChange:
    return reject(application, now=at)


# --- What it follows --------------------------------------------------------------------------------------------------


def test_it_follows_what_the_automations_follow() -> None:
    """Every event, every scope, and every change, held against the one that plans."""
    job, other = make_job(), make_job()
    stage = job.pipeline.stages.get(milestone=Milestone.INTERVIEW)
    template = make_template(touchpoint=Touchpoint.STATUS_UPDATE, body=NEWS)
    for of in (job, other):
        reject(move_on(apply(job=of), Milestone.INTERVIEW))
        hired = move_on(apply(job=of), Milestone.OFFER)
        move_to(hired, Milestone.HIRED)
        left = apply(job=of)
        done(moves.withdraw(left, act=Act(by=actors.CLOCK, now=NOW)))
        reject(make_application(job=of), quiet=True)
    scopes: list[dict[str, Any]] = [{}, {"job": job}, {"pipeline": other.pipeline}]
    cases = [{"event": event, **scope} for event in Event if event != Event.NO_NEWS for scope in scopes]
    cases += [{"event": Event.STAGE_ENTERED, "stage": stage}]
    for case in cases:
        automation = make_automation(template=template, **case)
        followed = [
            change for change in StageChange.objects.filter(quiet=False) if automations._answers(automation, change)
        ]
        assert look(automation).followed == len(followed), case
        automation.delete()


def move_on(application: Application, milestone: int, now: datetime = NOW) -> Application:
    move_to(application, milestone, now=now)
    return application


def test_it_counts_ninety_days_by_the_week_and_says_what_the_stored_one_follows() -> None:
    job = make_job()
    make_application(now=NOW - 200 * DAY)  # there is a history
    for days in (100, 80, 10):
        reject_late(apply(job=job, now=NOW - days * DAY), NOW - days * DAY)
    reject_late(apply(now=NOW - DAY), NOW - DAY)
    stored = make_automation(job=job)
    wider = Automation.objects.get(pk=stored.pk)
    wider.job = None
    found = look(wider, stored=stored, now=NOW)
    assert (found.followed, found.as_it_is) == (3, 2)
    assert found.a_week == pytest.approx(3 / (90 / 7))
    assert look(wider, now=NOW).as_it_is is None
    stored.is_active = False
    assert look(wider, stored=stored, now=NOW).as_it_is is None


def test_a_company_that_began_last_week_has_a_week_to_look_back_on() -> None:
    reject(apply())
    found = look(new())
    assert (found.since, found.weeks) == (NOW, 1.0)
    assert look(new(), now=NOW + timedelta(hours=1)).weeks == 1.0


def test_one_that_is_off_follows_nothing() -> None:
    reject(apply())
    found = look(new(is_active=False), stored=make_automation())
    assert (found.followed, found.outcomes, found.as_it_is) == (0, {}, 1)


# --- Silence ----------------------------------------------------------------------------------------------------------

QUIET: dict[str, Any] = {"event": Event.NO_NEWS, "quiet_days": 3}


def hear(application: Application, at: datetime) -> None:
    make_interview(application, starts_at=at, held_at=at, logged_by=make_user())


def move_after_a_day(application: Application) -> None:
    move_on(application, Milestone.REVIEW, NOW + DAY)


@pytest.mark.parametrize(
    ("then", "followed"),
    [
        (lambda _: None, 1),
        (lambda application: hear(application, NOW + DAY), 0),
        (lambda application: hear(application, NOW + 4 * DAY), 1),
        (move_after_a_day, 1),  # from review on they wait again
        (lambda application: reject_late(application, NOW + DAY), 0),
    ],
    ids=["silence", "a call in time", "a call too late", "a move", "the end"],
)
def test_a_silence_that_was_long_enough_is_followed(then: Callable[[Application], Any], followed: int) -> None:
    then(apply())
    automation = new(template=make_template(touchpoint=Touchpoint.STATUS_UPDATE, body=NEWS), **QUIET)
    assert look(automation).followed == followed


def test_a_mail_is_news() -> None:
    application = apply()
    automation = new(template=make_template(touchpoint=Touchpoint.STATUS_UPDATE, body=NEWS), **QUIET)
    assert look(automation).followed == 1
    make_automation(event=Event.RECEIVED, template=make_template(touchpoint=Touchpoint.REMINDER, body=NEWS))
    automations.follow(application.stage_changes.get(), now=NOW)
    outbox.drain(clock=lambda: NOW + timedelta(hours=1))
    assert Message.objects.get().status == Message.Status.SENT
    assert look(automation).followed == 0


def test_a_silence_that_is_not_long_enough_yet_is_not_followed() -> None:
    apply()
    automation = new(template=make_template(touchpoint=Touchpoint.STATUS_UPDATE, body=NEWS), **QUIET)
    assert look(automation, now=NOW + 3 * DAY - timedelta(minutes=1)).followed == 0
    assert look(automation, now=NOW + 3 * DAY).followed == 1


def test_who_waits_that_long_already_is_written_to_at_once_and_that_is_said() -> None:
    apply()
    automation = new(template=make_template(touchpoint=Touchpoint.STATUS_UPDATE, body=NEWS), **QUIET)
    assert look(automation).at_once == 1
    automation.save()
    assert len(automations.plan_no_news(now=NEXT_WEEK)) == 1
    assert look(automation).at_once == 0
    assert look(new(**QUIET, is_active=False)).at_once == 0


# --- What would have become of it -------------------------------------------------------------------------------------


def test_who_would_have_sent_it_is_what_the_gate_said() -> None:
    """The same changes, followed then and looked back on now."""
    known = reject_late(move_on(apply(), Milestone.PHONE_SCREEN))
    early = reject_late(apply())
    automation = make_automation()
    for change in (known, early):
        automations.follow(change, now=NOW)
    assert HandOff.objects.count() == 1
    found = look(automation)
    assert found.outcomes == {Outcome.HAND_OFF: 1, Outcome.SEND: 1}
    assert found.reasons == {"floor": 1}
    assert [one.change for one in found.shown] == [known]


@pytest.mark.parametrize(
    ("prepare", "code"),
    [
        (lambda application: move_on(application, Milestone.INTERVIEW), "floor"),
        (lambda application: hear(application, NOW), "floor"),
        (lambda application: make_interview(application, starts_at=NOW - DAY), "floor"),
        (lambda application: move_on(make_application(candidate=application.candidate), Milestone.OFFER), "floor"),
        (lambda _: PolicyRow.objects.create(touchpoint="rejection", from_milestone=1, reserve=1), "policy"),
    ],
    ids=["reach", "contact", "perhaps contact", "reach at another job", "policy"],
)
def test_what_reserved_it_then_is_found_in_history(prepare: Callable[[Application], Any], code: str) -> None:
    application = apply()
    automation = new()
    prepare(application)
    reject(application)
    found = look(automation)
    assert (found.outcomes, found.reasons) == ({Outcome.HAND_OFF: 1}, {code: 1})


def test_what_came_after_it_was_due_reserves_nothing() -> None:
    application = apply()
    reject(application)
    later = make_application(candidate=application.candidate, now=NOW + DAY)
    move_to(later, Milestone.INTERVIEW, now=NOW + DAY)
    hear(later, NOW + DAY)
    assert outcomes(new()) == {"send": 1}
    assert outcomes(new(delay=2, delay_unit="business_days")) == {"hand_off": 1}


def test_rules_wordings_and_decisions_are_asked_about() -> None:
    reject(apply())
    source = make_source(relays_decisions=False)
    imported = Act(by=actors.imported(source.pk), now=NOW)
    application = apply()
    done(moves.reject(application, reason=make_reason(), act=imported))
    assert look(new()).reasons == {"no_persons_decision": 1}
    ruled = make_template()
    make_stage_rule(ruled, from_milestone=1, reserve=1)
    assert look(new(template=ruled)).reasons == {"stage_rule": 2}
    assert look(new(template=make_template(signed=False))).reasons == {"unsigned": 1, "no_persons_decision": 1}
    assert look(new(template=make_template(is_active=False))).reasons == {
        "template_retired": 1,
        "no_persons_decision": 1,
    }
    named = make_template(touchpoint=Touchpoint.STATUS_UPDATE)
    assert look(new(template=named)).reasons == {"reads_like_rejection": 2}


def test_what_moved_on_before_its_time_is_overtaken() -> None:
    application = apply()
    change = move_to(application, Milestone.REVIEW)
    news = make_template(touchpoint=Touchpoint.STATUS_UPDATE, body=NEWS)
    entered = new(event=Event.STAGE_ENTERED, template=news, stage=change.to_stage, delay=2, delay_unit="hours")
    assert outcomes(entered) == {"send": 1}
    move_to(application, Milestone.INTERVIEW, now=NOW + timedelta(hours=1))
    assert outcomes(entered) == {"stop": 1}
    receipt = new(event=Event.RECEIVED, template=news, delay=2, delay_unit="hours")
    assert outcomes(receipt) == {"send": 1}
    done(moves.withdraw(application, act=Act(by=actors.CLOCK, now=NOW + timedelta(hours=1))))
    assert outcomes(receipt) == {"stop": 1}


def test_consent_and_silence_count_from_when_they_were_said() -> None:
    application = apply()
    reject(application)
    pool = new(template=make_template(touchpoint=Touchpoint.TALENT_POOL, body=NEWS))
    assert outcomes(pool) == {"stop": 1}
    type(application.candidate).objects.update(talent_pool_consent_at=NOW)
    assert outcomes(pool) == {"send": 1}
    type(application.candidate).objects.update(do_not_contact_at=NOW + DAY)
    assert outcomes(pool) == {"send": 1}
    assert outcomes(new(delay=2, delay_unit="business_days", template=pool.template)) == {"stop": 1}


def test_what_another_automation_answered_is_not_answered_twice() -> None:
    message = make_message()
    found = look(new(template=message.template))
    assert (found.followed, found.answered, found.outcomes) == (1, 1, {})
    assert message.automation
    assert look(message.automation).answered == 0


def test_the_newest_are_looked_at_and_where_there_are_too_many_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    changes = [reject_late(move_on(apply(), Milestone.PHONE_SCREEN)) for _ in range(3)]
    monkeypatch.setattr(following, "PAGE", 2)
    found = look(new())
    assert (found.followed, found.is_cut_off) == (3, False)
    assert [one.change for one in found.shown] == changes[::-1]
    monkeypatch.setattr(following, "AT_MOST", 2)
    assert (look(new()).followed, look(new()).is_cut_off) == (2, True)


def test_it_asks_no_question_per_stage_change() -> None:
    automation = new()
    counts = []
    for _ in range(2):
        for _ in range(3):
            reject(apply())
        with CaptureQueriesContext(connection) as captured:
            look(automation)
        counts.append(len(captured))
    assert counts[0] == counts[1]
