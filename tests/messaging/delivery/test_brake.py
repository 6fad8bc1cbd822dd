"""An automation that is about to send far more than usual waits for a second person."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from messaging import automations, gate
from messaging.delivery import brake as the_brake
from messaging.gate import Case, Clearance
from messaging.models import Automation, Brake, LedgerEntry, Message
from messaging.policy.floor import Touchpoint
from pipeline.models import User
from pipeline.outcomes import Refusal
from tests.factories import (
    NOW,
    make_application,
    make_automation,
    make_colleague,
    make_job,
    make_message,
    make_template,
    make_user,
    reject,
)
from tests.messaging.delivery.asking import DUE, SENT, Fate, drain, fate_of
from tests.messaging.delivery.doubles import Provider

pytestmark = pytest.mark.django_db

REASON = "The hiring freeze; I know all of them."


@pytest.fixture(autouse=True)
def _small(settings: Settings) -> None:
    settings.BRAKE_A_DAY = 3
    settings.BRAKE_AN_HOUR = 6


@pytest.fixture
def automation() -> Automation:
    return make_automation(name="Braked", job=make_job(), delay=1, delay_unit=Automation.DelayUnit.HOURS)


@pytest.fixture
def second() -> User:
    return make_colleague("Coordinator")


def plan(number: int, *, by: User | None = None, now: datetime = NOW) -> list[Message]:
    """Rejections that the automation answers an hour later."""
    job = Automation.objects.get(name="Braked").job
    applications = [make_application(job=job, now=now) for _ in range(number)]
    return [automations.follow(reject(one, by=by, now=now), now=now)[0] for one in applications]


def statuses(messages: list[Message]) -> set[str]:
    return {fate_of(message).status for message in messages}


# --- Put on -----------------------------------------------------------------------------------------------------------


def test_up_to_the_limit_everything_leaves(provider: Provider, automation: Automation) -> None:
    plan(3)
    assert drain() == {"sent": 3}
    assert not Brake.objects.exists()


def test_above_it_nothing_of_this_automation_leaves_and_everything_else_does(
    provider: Provider, automation: Automation
) -> None:
    braked = plan(4)
    other = make_message()

    drain()
    drain()

    assert statuses(braked) == {"scheduled"}
    assert {message.due_at for message in braked} == {DUE}
    assert fate_of(other) == SENT
    brake = Brake.objects.get()
    assert (brake.automation, brake.count, brake.put_on_at, brake.is_on) == (automation, 4, DUE, True)
    assert brake.why == "4 messages on one day; more than 3 are unusual for this automation."
    assert [entry.data for entry in LedgerEntry.objects.filter(kind="brake")] == [{"event": "put_on", "count": 4}]


def test_what_left_today_counts(provider: Provider, automation: Automation) -> None:
    plan(3)
    drain()
    late = plan(1, now=NOW + timedelta(hours=3))
    drain(DUE + timedelta(hours=3))
    assert statuses(late) == {"scheduled"}
    assert Brake.objects.get().count == 1


def test_tomorrow_is_another_day(provider: Provider, automation: Automation) -> None:
    plan(3)
    drain()
    tomorrow = plan(3, now=NOW + timedelta(days=1))
    drain(DUE + timedelta(days=1))
    assert statuses(tomorrow) == {"sent"}


def test_what_it_sends_on_a_usual_day_is_five_times_exceeded_before_it_stops(
    provider: Provider, automation: Automation, settings: Settings
) -> None:
    settings.BRAKE_A_DAY, settings.BRAKE_AN_HOUR = 1, 100
    plan(1)
    drain()
    for days in (2, 4):
        plan(1, now=NOW + timedelta(days=days))
        drain(DUE + timedelta(days=days))
    usual = plan(5, now=NOW + timedelta(days=6))
    drain(DUE + timedelta(days=6))
    assert statuses(usual) == {"sent"}
    unusual = plan(6, now=NOW + timedelta(days=7))
    drain(DUE + timedelta(days=7))
    assert statuses(unusual) == {"scheduled"}
    assert Brake.objects.get().why == "6 messages on one day; more than 5 are unusual for this automation."


def test_an_hour_has_its_own_limit_that_no_usual_day_raises(
    provider: Provider, automation: Automation, settings: Settings
) -> None:
    settings.BRAKE_A_DAY, settings.BRAKE_AN_HOUR = 100, 2
    # Before midnight and after it, in one hour; in London it is summer.
    before = datetime(2026, 9, 15, 22, 50, tzinfo=NOW.tzinfo)
    plan(2, now=before - timedelta(hours=1))
    drain(before)
    after = plan(1, now=before - timedelta(minutes=30))
    drain(before + timedelta(minutes=30))
    assert statuses(after) == {"scheduled"}
    assert Brake.objects.get().why == "3 messages within an hour; more than 2 wait for a second person."


def test_a_second_process_puts_on_no_second_brake(automation: Automation) -> None:
    plan(4)
    assert len(the_brake.put_on_where_needed(now=DUE)) == 1
    assert the_brake._put_on_one(Brake(automation=automation, why="Again.", count=4), now=DUE) is None
    assert (Brake.objects.count(), LedgerEntry.objects.filter(kind="brake").count()) == (1, 1)


def test_for_many_automations_it_asks_as_much_as_for_one() -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert the_brake.put_on_where_needed(now=DUE) == []
        return len(captured)

    make_message()
    one = asked()
    for _ in range(5):
        make_message()
    assert asked() == one == 2


def test_the_gate_lets_nothing_go_either(automation: Automation, second: User) -> None:
    message, *_ = plan(4)
    [brake] = the_brake.put_on_where_needed(now=DUE)
    case = gate.clear(message.pk, now=DUE)
    assert isinstance(case, Case)
    assert [finding.code for finding in case.verdict.findings] == ["braked"]
    the_brake.release(brake, reason=REASON, by=second, now=DUE)
    assert isinstance(gate.clear(message.pk, now=DUE + timedelta(hours=1)), Clearance)


# --- Released ---------------------------------------------------------------------------------------------------------


def test_a_second_person_releases_it_and_it_is_not_braked_for_the_same_messages_again(
    provider: Provider, automation: Automation, second: User
) -> None:
    held = plan(4)
    drain()
    brake = Brake.objects.get()

    assert the_brake.release(brake, reason=f" {REASON} ", by=second, now=DUE) is brake

    assert (brake.released_by, brake.released_at, brake.released_count, brake.reason) == (second, DUE, 4, REASON)
    assert drain() == {"sent": 4}
    assert statuses(held) == {"sent"}
    entry = LedgerEntry.objects.filter(kind="brake").order_by("pk").last()
    assert entry is not None
    assert (entry.actor_id, entry.data) == (second.pk, {"event": "released", "count": 4})
    # What comes after it counts as ever.
    more = plan(4, now=NOW + timedelta(hours=2))
    drain(DUE + timedelta(hours=2))
    assert statuses(more) == {"scheduled"}
    assert Brake.objects.on().count() == 1


def test_who_set_off_most_of_it_cannot_release_it(automation: Automation, second: User) -> None:
    other = make_colleague("Coordinator")
    plan(3, by=second)
    plan(1, by=other)
    [brake] = the_brake.put_on_where_needed(now=DUE)
    refused = the_brake.release(brake, reason=REASON, by=second, now=DUE)
    assert isinstance(refused, Refusal)
    assert Brake.objects.on().exists()
    assert isinstance(the_brake.release(brake, reason=REASON, by=other, now=DUE), Brake)


def test_who_changed_the_automation_last_cannot_release_it(automation: Automation, second: User) -> None:
    other = make_colleague("Coordinator")
    for person in (other, second):
        LogEntry.objects.log_actions(person.pk, [automation], CHANGE, "Changed the delay.", single_object=True)
    plan(4)
    [brake] = the_brake.put_on_where_needed(now=DUE)
    assert isinstance(the_brake.release(brake, reason=REASON, by=second, now=DUE), Refusal)
    assert isinstance(the_brake.release(brake, reason=REASON, by=other, now=DUE), Brake)


# --- Dropped ----------------------------------------------------------------------------------------------------------


def test_what_is_dropped_never_leaves_and_whoever_waits_for_the_outcome_gets_a_person(
    provider: Provider, automation: Automation, second: User
) -> None:
    held = plan(4)
    later = plan(1, now=NOW + timedelta(hours=5))
    drain()

    assert the_brake.drop(Brake.objects.get(), reason=REASON, by=second, now=DUE) == 5

    assert {fate_of(message) for message in held + later} == {Fate(status="held", hand_offs=("brake_dropped",))}
    assert drain(DUE + timedelta(hours=6)) == {}
    brake = Brake.objects.get()
    assert (brake.is_on, brake.dropped_by, brake.reason) == (False, second, REASON)
    entry = LedgerEntry.objects.filter(kind="brake").order_by("pk").last()
    assert entry is not None
    assert entry.data == {"event": "dropped", "count": 5}


def test_what_tells_no_outcome_is_cancelled(second: User) -> None:
    template = make_template(touchpoint=Touchpoint.ACKNOWLEDGEMENT, body="Dear {{ candidate.first_name }}, it is here.")
    make_automation(event=Automation.Event.RECEIVED, template=template)
    job = make_job()
    messages: list[Message] = []
    for _ in range(4):
        application = make_application(job=job, quiet=False)
        messages += automations.follow(application.stage_changes.get(), now=NOW)
    [brake] = the_brake.put_on_where_needed(now=NOW)
    assert the_brake.drop(brake, reason=REASON, by=second, now=NOW) == 4
    assert {fate_of(message) for message in messages} == {Fate(status="cancelled")}
    assert messages[0].status_reason == f"The brake held it and {second} dropped it."


def test_what_was_cancelled_meanwhile_is_not_dropped(automation: Automation, second: User) -> None:
    message, *_ = plan(4)
    Message.objects.filter(pk=message.pk).update(status="cancelled")
    assert the_brake._drop_one(message.pk, by=second, now=DUE) == 0


@pytest.mark.parametrize("end", [the_brake.release, the_brake.drop])
def test_it_ends_once_and_with_a_reason(end: Any, automation: Automation, second: User) -> None:
    plan(4)
    [brake] = the_brake.put_on_where_needed(now=DUE)
    refused = end(brake, reason=" ", by=second, now=DUE)
    assert isinstance(refused, Refusal)
    assert refused.sentence.startswith("Say why")
    assert Brake.objects.on().exists()
    assert not isinstance(end(brake, reason=REASON, by=second, now=DUE), Refusal)
    for again in (the_brake.release, the_brake.drop):
        answer = again(brake, reason=REASON, by=make_user(), now=DUE)
        assert isinstance(answer, Refusal)
        assert answer.sentence.startswith("Somebody released or dropped it already")


def test_the_page_is_told_how_much_waits(automation: Automation) -> None:
    plan(4)
    plan(2, now=NOW + timedelta(hours=1))
    [brake] = the_brake.put_on_where_needed(now=DUE)
    assert the_brake.held(brake, now=DUE) == {"all": 6, "due": 4}
