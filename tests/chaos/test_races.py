"""Eight processes on one outbox: each message is accepted once, whichever database DATABASE_URL names."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection

from messaging.delivery.outbox import FAULT_SENTENCE
from messaging.models import Message
from tests.chaos.conftest import Drain
from tests.chaos.figures import counted, size
from tests.chaos.invariants import accepted_by, violations, what_the_audit_finds
from tests.chaos.letters import make_messages
from tests.messaging.delivery.asking import DUE
from tests.messaging.delivery.doubles import Provider

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.no_cover]

RACES = size("RACES", 1)
PROCESSES = 8
MESSAGES = 300
AT_MOST = 10  # drains until the outbox is empty: each has its time, and a machine may be slow
LONGEST_WAIT = timedelta(hours=6)  # a busy machine may not reach its provider at once, and that mail is tried again


def test_eight_processes_on_one_outbox_send_each_message_once(
    drain_in_a_fork: Drain, postmark: Provider, record_property: Callable[[str, object], None]
) -> None:
    with counted(record_property, f"{PROCESSES} processes, {MESSAGES} messages, {connection.vendor}") as count:
        for _ in range(RACES):
            postmark.accepted.clear()
            messages = make_messages(MESSAGES)
            for turn in range(AT_MOST):
                codes = drain_in_a_fork(now=DUE + turn * LONGEST_WAIT, provider="postmark", processes=PROCESSES)
                assert codes == [0] * PROCESSES
                assert not Message.objects.filter(status_reason=FAULT_SENTENCE).exists()
                if not Message.objects.filter(status=Message.Status.SCHEDULED).exists():
                    break
            count.size += 1
            accepted = accepted_by(postmark)
            wrong = violations(accepted, of=messages)
            count.violations += len(wrong)
            assert not wrong
            assert accepted == {str(message.public_id): 1 for message in messages}
            assert not what_the_audit_finds(now=DUE + AT_MOST * LONGEST_WAIT)
