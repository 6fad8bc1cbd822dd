"""Killed at every place of the way out, over SMTP and over HTTP: what was accepted is known, or a person is asked."""

from __future__ import annotations

import itertools
import signal
import time
from collections import deque
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import settings

from messaging.models import Message
from tests.chaos.child import FAILPOINTS
from tests.chaos.conftest import Drain
from tests.chaos.figures import counted, size
from tests.chaos.invariants import accepted_by, violations, what_the_audit_finds
from tests.chaos.letters import make_messages
from tests.messaging.delivery.asking import SENT, UNCERTAIN, Fate, fate_of
from tests.messaging.delivery.doubles import Provider, Sink

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.no_cover]

KILLS = size("KILLS", 100)
BATCH = 50  # messages that are made at once
# Past the lease of the attempt that the kill left open; then the next message is due.
LATER = timedelta(seconds=settings.MAIL_LEASE + 1)
SENT_AFTER_WAITING = Fate(status="sent", attempts=("refused", "accepted"))

# What must have become of the message once a second process reaped and drained, and how often it can have been accepted.
# A kill after the last byte and before the answer leaves open whether the server took it.
EXPECTED: dict[str, tuple[Fate, set[int]]] = {
    "before_claim": (SENT, {1}),
    "in_claim": (SENT, {1}),
    # What was cleared and not let out waits again; what was let out may have left, for all that anybody can say.
    "after_claim": (SENT_AFTER_WAITING, {1}),
    "in_building": (SENT_AFTER_WAITING, {1}),
    "before_call": (UNCERTAIN, {0}),
    "after_request": (UNCERTAIN, {0, 1}),
    "after_acceptance": (UNCERTAIN, {1}),
    "in_result": (UNCERTAIN, {1}),
    "after_result": (SENT, {1}),
}


def times_accepted(message: Message, *doubles: Provider | Sink) -> int:
    return accepted_by(*doubles)[str(message.public_id)]


def settled(double: Provider | Sink, *, within: float = 0.05) -> None:
    """What a dead process had sent off may still be on its way to the double."""
    until = time.monotonic() + within
    before = len(double.accepted)
    while time.monotonic() < until and len(double.accepted) == before:
        time.sleep(0.005)


def test_every_place_is_expected_to_leave_something() -> None:
    assert set(EXPECTED) == set(FAILPOINTS)


def test_a_process_killed_anywhere_loses_nothing_and_repeats_nothing(
    drain_in_a_fork: Drain,
    postmark: Provider,
    smtp: Sink,
    record_property: Callable[[str, object], None],
) -> None:
    doubles: dict[str, Provider | Sink] = {"smtp": smtp, "postmark": postmark}
    places = itertools.islice(itertools.cycle(itertools.product(EXPECTED, doubles)), KILLS)
    messages: deque[Message] = deque()
    with counted(record_property, "killed at every place, SMTP and HTTP") as count:
        for place, provider in places:
            fate, times = EXPECTED[place]
            double = doubles[provider]
            double.accepted.clear()
            if not messages:
                messages.extend(make_messages(min(BATCH, KILLS - count.size), every=2 * LATER))
            message = messages.popleft()
            due = message.due_at

            assert drain_in_a_fork(now=due, provider=provider, failpoint=place) == [-signal.SIGKILL]
            count.size += 1
            count.faults += 1
            if place == "after_request":
                settled(double)
            assert drain_in_a_fork(now=due + LATER, provider=provider, reap=True) == [0]

            wrong = violations(accepted_by(*doubles.values()), of=[message])
            count.violations += len(wrong)
            assert not wrong, (place, provider)
            assert fate_of(message) == fate, (place, provider)
            assert times_accepted(message, double) in times, (place, provider)
        assert not what_the_audit_finds(now=due + LATER)
