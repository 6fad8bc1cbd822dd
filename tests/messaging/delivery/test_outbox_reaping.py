"""What a dead process left behind: uncertain where it may have left, waiting again where it never did."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import OperationalError

from messaging import gate
from messaging.delivery import outbox
from messaging.delivery.egress import Egress
from messaging.gate import Clearance
from messaging.models import Attempt, Message
from messaging.policy.floor import Reserve
from tests.factories import NOW, let_out, make_message
from tests.guards_off import force
from tests.messaging.delivery.asking import AGAIN, DUE, UNCERTAIN, Fate, drain, fate_of
from tests.messaging.delivery.database import broken, cursed
from tests.messaging.delivery.doubles import Provider

pytestmark = pytest.mark.django_db

MUCH_LATER = NOW + timedelta(days=3)


def test_what_a_dead_process_left_is_uncertain_and_never_sent_by_itself(provider: Provider) -> None:
    message = make_message()
    cleared = let_out(message, now=DUE)
    lease = cleared.attempt.expires_at

    assert outbox.reap(now=lease) == 0
    assert fate_of(message) == Fate(status="sending", attempts=("",))
    assert outbox.reap(now=lease + timedelta(seconds=1)) == 1
    assert outbox.reap(now=lease + timedelta(seconds=2)) == 0

    assert fate_of(message) == UNCERTAIN
    drain(MUCH_LATER)
    assert provider.requests == []


def test_what_was_cleared_and_never_let_out_waits_again(provider: Provider) -> None:
    """Its process ended before its turn came, so nothing of it has left, and no try was used up."""
    message = make_message()
    drain(DUE - timedelta(hours=1))  # nothing is due yet, and the installation is at home from now on
    gate.clear(message.pk, now=DUE)

    assert outbox.reap(now=MUCH_LATER) == 1

    assert fate_of(message) == AGAIN
    assert message.status_reason == "It was cleared and not handed over. It waits again."
    assert outbox._tries(message.attempts.get()) == 1
    assert drain(MUCH_LATER) == {"sent": 1}
    assert outbox._tries(message.attempts.latest("number")) == 1


def test_one_that_is_let_out_while_it_is_reaped_is_not_taken_for_one_that_never_left(
    caplog: pytest.LogCaptureFixture,
) -> None:
    message = make_message()
    seen_before = gate.clear(message.pk, now=DUE)
    assert isinstance(seen_before, Clearance)
    Attempt.objects.update(used_at=DUE)

    assert outbox.record(seen_before.attempt, outbox.NEVER_USED, clock=lambda: MUCH_LATER) == ""

    assert fate_of(message) == Fate(status="sending", attempts=("",))
    assert caplog.text == ""  # nothing went wrong


def test_an_answer_that_comes_after_that_changes_nothing_and_is_logged(
    provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    message = make_message()
    cleared = gate.clear(message.pk, now=DUE)
    assert isinstance(cleared, Clearance)
    with Egress(clock=lambda: DUE) as egress:
        result = egress.send(cleared)
    outbox.reap(now=MUCH_LATER)

    assert outbox.record(cleared.attempt, result, clock=lambda: MUCH_LATER) == ""

    assert (fate_of(message), len(provider.accepted)) == (UNCERTAIN, 1)
    assert "provider-1" in caplog.text


def test_one_that_cannot_be_reaped_does_not_keep_the_others(caplog: pytest.LogCaptureFixture) -> None:
    first, second = make_message(), make_message()
    for message in (first, second):
        let_out(message, now=DUE)

    with cursed("messaging_handoff", message=first):
        assert outbox.reap(now=MUCH_LATER) == 1

    assert fate_of(second) == UNCERTAIN
    assert fate_of(first) == Fate(status="sending", attempts=("",))
    assert "could not be reaped" in caplog.text


def test_a_hand_off_that_is_open_already_is_enough() -> None:
    message = make_message()
    let_out(message, now=DUE)
    gate.hand_off(message, findings=[], reserve=Reserve.PERSON_WRITES, now=DUE)

    outbox.reap(now=MUCH_LATER)

    assert fate_of(message).status == "uncertain"
    assert message.hand_offs.count() == 1


def test_a_message_that_was_changed_behind_our_back_keeps_its_status(caplog: pytest.LogCaptureFixture) -> None:
    message = make_message()
    let_out(message, now=DUE)
    force(Message.objects.filter(pk=message.pk), status=Message.Status.CANCELLED)

    outbox.reap(now=MUCH_LATER)

    assert fate_of(message) == Fate(status="cancelled", attempts=("uncertain",), hand_offs=("uncertain",))
    assert "was not being sent" in caplog.text


def test_a_database_that_does_not_answer_ends_it_and_the_next_goes_on() -> None:
    message = make_message()
    let_out(message, now=DUE)
    with broken("UPDATE", times=1), pytest.raises(OperationalError):
        outbox.reap(now=MUCH_LATER)
    assert outbox.reap(now=MUCH_LATER) == 1
    assert fate_of(message) == UNCERTAIN
