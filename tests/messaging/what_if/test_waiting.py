"""What is scheduled is asked about as the gate would answer, with the rules as they would be."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from messaging import gate
from messaging.models import Automation, Message, PolicyRow, Template
from messaging.policy.floor import Rule, Touchpoint
from messaging.what_if import changes, waiting
from messaging.what_if.past import Answer, Turn
from messaging.what_if.waiting import Waiting
from tests.factories import NOW, make_hand_off, make_message, make_template

pytestmark = pytest.mark.django_db

NEWS = "Dear {{ candidate.first_name }}, we are still reading. {{ sender.name }}"
STRICT = [Rule(from_milestone=1, reserve=2)]
WAITS = Answer(outcome="later", reserve=0)
WRITTEN = Answer(outcome="hand_off", reserve=2)
TO_A_PERSON = Answer(outcome="hand_off", reserve=0)


def look(change: changes.Change) -> Waiting:
    return waiting.look_ahead(change, now=NOW)


def turn(would_be: Answer) -> Turn:
    return Turn(origin="automation", was=WAITS, would_be=would_be)


def changed(automation: Automation | None, **values: Any) -> Automation:
    assert automation
    other = Automation.objects.get(pk=automation.pk)
    for name, value in values.items():
        setattr(other, name, value)
    return other


def test_a_stricter_policy_will_hand_over_what_waits_and_saving_it_does() -> None:
    message = make_message()
    found = look(changes.of_policy("rejection", STRICT))
    assert (found.looked_at, found.all, found.turns) == (1, 1, {turn(WRITTEN): 1})
    assert [(one.message, one.at) for one in found.shown] == [(message, message.due_at)]
    assert Message.objects.get().status == Message.Status.SCHEDULED
    PolicyRow.objects.create(touchpoint="rejection", from_milestone=1, reserve=2)
    assert gate.preview(message, now=NOW).verdict.outcome == WRITTEN.outcome


def test_what_the_change_does_not_concern_is_not_asked_about() -> None:
    news = make_message(template=make_template(touchpoint=Touchpoint.STATUS_UPDATE, body=NEWS))
    assert look(changes.of_policy("survey", STRICT)).all == 0
    # Whether a text reads like a rejection is known when it is read.
    found = look(changes.of_policy("rejection", STRICT))
    assert (found.looked_at, found.turned) == (1, 0)
    assert news.template
    assert look(changes.of_template(news.template, STRICT)).turns == {turn(WRITTEN): 1}


def test_what_waits_keeps_its_kind_when_the_template_gets_another() -> None:
    message = make_message(template=make_template(touchpoint=Touchpoint.STATUS_UPDATE, body=NEWS))
    assert message.template
    message.template.touchpoint = Touchpoint.OFFER
    assert look(changes.of_template(message.template, [])).turned == 0


def test_a_template_that_is_retired_hands_over_what_waits() -> None:
    message = make_message()
    assert message.template
    template = Template.objects.get(pk=message.template.pk)
    template.is_active = False
    assert look(changes.of_template(template, [])).turns == {turn(TO_A_PERSON): 1}


def test_an_automation_that_is_switched_off_hands_over_what_it_planned() -> None:
    message = make_message()
    make_message()
    assert look(changes.of_automations([changed(message.automation, is_active=False)])).turns == {turn(TO_A_PERSON): 1}
    assert look(changes.of_automations([changed(message.automation)])).turned == 0


def test_another_event_takes_the_cause_from_what_was_planned() -> None:
    message = make_message()
    found = look(changes.of_automations([changed(message.automation, event=Automation.Event.WITHDRAWN)]))
    assert found.turns == {turn(Answer(outcome="stop", reserve=0)): 1}


def test_another_template_leaves_alone_what_was_planned() -> None:
    message = make_message()
    assert look(changes.of_automations([changed(message.automation, template=make_template())])).turned == 0


def test_hand_offs_that_are_open_are_counted() -> None:
    make_hand_off()
    assert look(changes.of_policy("rejection", STRICT)).open_hand_offs == 1
    assert look(changes.of_policy("survey", STRICT)).open_hand_offs == 0


def test_the_first_to_leave_are_looked_at_and_where_there_are_more_that_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    late, early = make_message(now=NOW + timedelta(minutes=5)), make_message()
    monkeypatch.setattr(waiting, "AT_MOST", 1)
    found = look(changes.of_policy("rejection", STRICT))
    assert (found.looked_at, found.all, found.is_cut_off) == (1, 2, True)
    assert [one.message.pk for one in found.shown] == [early.pk]
    monkeypatch.setattr(waiting, "AT_MOST", 9)
    monkeypatch.setattr(waiting, "PAGE", 1)
    found = look(changes.of_policy("rejection", STRICT))
    assert (found.turned, found.is_cut_off) == (2, False)
    assert [one.message.pk for one in found.shown] == [early.pk, late.pk]


def test_it_asks_no_question_per_message() -> None:
    counts = []
    for _ in range(2):
        for _ in range(3):
            make_message()
        change = changes.of_policy("rejection", STRICT)
        with CaptureQueriesContext(connection) as captured:
            look(change)
        counts.append(len(captured))
    assert counts[0] == counts[1]
