"""Where a template is used and how its mails did, in numbers that add up."""

from __future__ import annotations

import pytest

from messaging.models import Message
from messaging.usage import Result, usage_of
from tests.factories import NOW, make_automation, make_hand_off, make_message, make_template, make_wording
from tests.guards_off import force

pytestmark = pytest.mark.django_db

Delivery = Message.Delivery


def sent(message: Message, **values: object) -> None:
    force(
        Message.objects.filter(pk=message.pk),
        **{"status": "sent", "sent_at": NOW, "recipient": "kim@example.com"} | values,
    )


def test_a_template_that_nobody_uses_has_no_numbers() -> None:
    usage = usage_of(make_template())
    assert (usage.automations, usage.scheduled, usage.waiting_for_a_person, usage.results) == ((), 0, 0, ())
    assert usage.total == Result(number=None)


def test_automations_in_use_come_first_and_others_templates_do_not_count() -> None:
    template = make_template()
    retired = make_automation(template=template, name="A", is_active=False)
    used = make_automation(template=template, name="B")
    make_automation()
    assert usage_of(template).automations == (used, retired)


def test_what_was_sent_is_counted_by_wording_and_by_who_sent_it_and_how_far_it_came() -> None:
    template = make_template()
    for delivery in (None, Delivery.DELIVERED, Delivery.BOUNCED, Delivery.COMPLAINED):
        sent(make_message(template=template), delivery=delivery)
    newer = make_wording(template)
    sent(make_message(template=template), wording=newer)
    by_hand = make_message(template=template)
    sent(by_hand, origin="person", automation=None, written_by=newer.written_by, wording=None)
    usage = usage_of(template)
    assert usage.results == (
        Result(number=2, by_machine=1),
        Result(number=1, by_machine=4, delivered=2, bounced=1, complained=1),
        Result(number=None, by_person=1),
    )
    assert usage.total == Result(number=None, by_machine=5, by_person=1, delivered=2, bounced=1, complained=1)
    assert usage.total.sent == 6


def test_what_waits_is_counted_apart() -> None:
    hand_off = make_hand_off()
    template = hand_off.message.template
    assert template is not None
    make_message(template=template)
    usage = usage_of(template)
    assert (usage.scheduled, usage.waiting_for_a_person, usage.results) == (1, 1, ())
