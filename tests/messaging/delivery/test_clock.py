"""A clock that jumps while mail leaves: a mail may leave early or late, and none is lost or repeated."""

from __future__ import annotations

from datetime import timedelta

import pytest

from messaging.delivery import outbox
from messaging.delivery.outcomes import Outcome, Result
from messaging.models import Message
from tests.factories import let_out, make_message
from tests.messaging.delivery.asking import DUE, SENT, UNCERTAIN, fate_of
from tests.messaging.delivery.doubles import Exchange, Provider, accepts

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.mark.parametrize("jump", [-DAY, DAY, -timedelta(minutes=10), timedelta(minutes=10)], ids=str)
def test_a_jump_while_mail_leaves_loses_and_repeats_nothing(provider: Provider, jump: timedelta) -> None:
    moments = [DUE]
    messages = [make_message() for _ in range(4)]

    def jumps(exchange: Exchange) -> None:
        if len(provider.accepted) == 1:
            moments.append(DUE + jump)
        accepts(exchange)

    provider.behaviour = jumps
    outbox.drain(clock=lambda: moments[-1])
    outbox.reap(now=moments[-1])
    # The clock is set right, and on it goes.
    moments.append(DUE + timedelta(minutes=1))
    outbox.drain(clock=lambda: moments[-1])
    fates = [fate_of(message) for message in messages]
    # What was cleared and had not left when the clock jumped was given back first.
    assert [(fate.status, fate.attempts[-1], fate.hand_offs) for fate in fates] == [("sent", "accepted", ())] * 4
    assert len({mail["To"] for mail in provider.accepted}) == len(provider.accepted) == 4


def test_an_answer_that_comes_after_a_reaper_with_another_clock_is_not_asked_for_again(provider: Provider) -> None:
    message = make_message()
    attempt = let_out(message, now=DUE).attempt
    assert outbox.reap(now=DUE - DAY) == 0
    assert outbox.reap(now=DUE + DAY) == 1
    assert outbox.record(attempt, Result(outcome=Outcome.ACCEPTED), clock=lambda: DUE) == ""
    for moment in (DUE - DAY, DUE, DUE + 3 * DAY):
        outbox.drain(clock=lambda: moment)  # noqa: B023  (called at once)
    assert (fate_of(message), provider.accepted) == (UNCERTAIN, [])


def test_behind_its_time_nothing_leaves_and_ahead_of_it_everything_once(provider: Provider) -> None:
    message = make_message()
    outbox.drain(clock=lambda: DUE - DAY)
    assert fate_of(message).status == Message.Status.SCHEDULED
    outbox.drain(clock=lambda: DUE + DAY)
    outbox.drain(clock=lambda: DUE - DAY)
    assert (fate_of(message), len(provider.accepted)) == (SENT, 1)
