"""What left on each day and whose it was; and the line that must always read zero."""

import operator
from datetime import date, timedelta
from functools import partial

import pytest

from messaging import handoffs
from messaging.delivery import outbox
from messaging.models import HandOff, Message, RecordedVerdict, Release
from messaging.policy.floor import Reserve, Touchpoint
from messaging.reports import periods, sends
from tests.factories import NOW, OWN_WORDS, make_application, make_hand_off, make_message, make_sender, make_template
from tests.guards_off import force, guards_off

pytestmark = pytest.mark.django_db


def answer(hand_off: HandOff) -> Message:
    sent = handoffs.answer(hand_off, subject="Kim", body=OWN_WORDS, by=make_sender(), now=NOW)
    assert isinstance(sent, Message)
    outbox.drain(clock=lambda: NOW)
    sent.refresh_from_db()
    assert sent.status == Message.Status.SENT
    return sent


def test_sends_are_told_apart_by_who_sent_them_and_whose_words_they_are() -> None:
    template = make_template(touchpoint=Touchpoint.OFFER)
    for prepared in (make_template(), template):
        application = make_application()
        answer(make_hand_off(application=application, job=application.job, template=prepared))
    for moment in (NOW - timedelta(days=1), NOW):
        make_message(now=moment)
        outbox.drain(clock=partial(operator.add, moment, timedelta(hours=1)))
    make_message(delay=9)
    days = sends.per_day(Message.objects.all(), period=periods.last_days(3, now=NOW + timedelta(hours=2)))
    assert days == [
        sends.Day(day=date(2026, 9, 13)),
        sends.Day(day=date(2026, 9, 14), automation=1),
        sends.Day(day=date(2026, 9, 15), automation=1, person=1, by_hand=1),
    ]
    assert [day.number for day in days] == [0, 1, 3]


# --- Zero ---


def machine_sent() -> list[int]:
    return list(sends.reserved_but_sent_by_a_machine().values_list("pk", flat=True))


def let_go(message: Message, *, reserve: int) -> None:
    """As only a fault could: the guards are off."""
    with guards_off():
        RecordedVerdict.objects.create(
            message=message, decided_at=NOW, outcome="send", reserve=reserve, findings=[], facts={}
        )
        Message.objects.filter(pk=message.pk).update(
            status=Message.Status.SENT, status_at=NOW, sent_at=NOW, recipient="kim@example.com"
        )


def test_it_reads_zero_whatever_people_and_automations_send() -> None:
    answer(make_hand_off())
    make_message()
    outbox.drain(clock=lambda: NOW + timedelta(hours=1))
    assert Message.objects.filter(status=Message.Status.SENT).count() == 2
    assert machine_sent() == []


@pytest.mark.parametrize("reserve", [Reserve.PERSON_SENDS, Reserve.PERSON_WRITES])
def test_a_reserved_message_that_a_machine_sent_would_be_counted(reserve: Reserve) -> None:
    held = make_hand_off().message
    let_go(held, reserve=reserve)
    assert machine_sent() == [held.pk]


def test_an_automatic_one_is_not() -> None:
    held = make_hand_off().message
    let_go(held, reserve=Reserve.AUTOMATIC)
    assert machine_sent() == []


def test_a_persons_message_without_their_own_act_is_counted() -> None:
    sent = answer(make_hand_off())
    assert machine_sent() == []
    force(Release.objects.filter(message=sent), released_by=make_sender())
    assert machine_sent() == [sent.pk]
    with guards_off():
        Release.objects.filter(message=sent).delete()
    assert machine_sent() == [sent.pk]
