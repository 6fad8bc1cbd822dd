"""Real processes on the real database: killed, stopped, racing. What they send arrives once, or is shown to a person."""

from __future__ import annotations

import os
import signal
import threading
from datetime import timedelta

import pytest
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone
from django_q.scheduler import scheduler

from config.settings import MAIL_CONNECTIONS  # what the processes have
from messaging import progress
from messaging.delivery import doorbell, outbox
from messaging.models import Attempt
from tests.messaging.delivery.asking import SENT, UNCERTAIN, Fate, drain, fate_of
from tests.messaging.delivery.doubles import PATIENCE, Exchange, Provider, accepts
from tests.messaging.delivery.processes import Start, holding, make_due, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("command", ["deliver", "qcluster"])
def test_killed_in_the_middle_of_a_send_it_is_uncertain_and_never_sent_again(
    provider: Provider, start: Start, command: str
) -> None:
    message = make_due()

    def accepts_and_is_silent(exchange: Exchange) -> None:
        exchange.accept()
        exchange.hang()

    provider.behaviour = accepts_and_is_silent
    doorbell.ring()
    process = start(command)
    assert provider.arrived.wait(PATIENCE), process.output.read_text()
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    provider.behaviour = accepts
    provider.release.set()

    assert fate_of(message) == Fate(status="sending", attempts=("",))
    # Whoever starts next, the lease is not over: nobody knows yet that nobody will answer.
    assert start("deliver").end() == 0
    assert fate_of(message).status == "sending"
    assert outbox.reap(now=timezone.now() + timedelta(seconds=settings.MAIL_LEASE + 1)) == 1

    assert fate_of(message) == UNCERTAIN
    drain(timezone.now() + timedelta(days=1))
    assert (len(provider.accepted), len(provider.requests)) == (1, 1)


def test_killed_as_many_are_in_doubt_as_it_had_connections(provider: Provider, start: Start) -> None:
    messages = [make_due() for _ in range(MAIL_CONNECTIONS + 4)]

    def accepts_the_first_and_is_silent_to_the_others(exchange: Exchange) -> None:
        if len(exchange.server.provider.requests) == 1:
            accepts(exchange)
        else:
            exchange.accept()
            exchange.hang()

    provider.behaviour = accepts_the_first_and_is_silent_to_the_others
    process = start("deliver")
    wait_until(lambda: len(provider.accepted) > MAIL_CONNECTIONS, f"all connections; {process.output}")
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    provider.release.set()

    assert fate_of(messages[0]) == SENT
    # What was cleared in advance and never used has not left, and will wait again.
    used = Attempt.objects.open().filter(used_at__isnull=False).values_list("message", flat=True)
    assert set(used) == {message.pk for message in messages[1 : MAIL_CONNECTIONS + 1]}
    assert {fate_of(message).status for message in messages[MAIL_CONNECTIONS + 1 :]} <= {"scheduled", "sending"}


def test_asked_to_end_it_finishes_the_mail_under_way(provider: Provider, start: Start) -> None:
    first, second = make_due(), make_due()
    with holding(provider):
        process = start("deliver", "--loop")
        assert provider.arrived.wait(PATIENCE), process.output.read_text()
        process.terminate()

    assert process.end() == -signal.SIGTERM
    assert sorted([fate_of(first).status, fate_of(second).status]) == ["scheduled", "sent"]
    assert len(provider.accepted) == 1


def test_the_loop_goes_on_until_somebody_presses_ctrl_c(provider: Provider, start: Start) -> None:
    first = make_due()
    process = start("deliver", "--loop")
    wait_until(lambda: fate_of(first) == SENT, "the first sweep")
    second = make_due()
    wait_until(lambda: fate_of(second) == SENT, "a later sweep")

    process.send_signal(signal.SIGINT)

    assert process.end() == 0
    assert "Traceback" not in process.output.read_text()
    assert progress.shown_at() is not None


def test_a_cluster_hears_the_doorbell_and_the_clock_and_stops_cleanly(provider: Provider, start: Start) -> None:
    call_command("prepare")
    process = start("qcluster")
    rung = make_due()
    doorbell.ring()
    wait_until(lambda: fate_of(rung) == SENT, f"the doorbell; {process.output}")

    swept = make_due()
    scheduler()  # what the cluster itself does every thirty seconds
    wait_until(lambda: fate_of(swept) == SENT, f"the clock; {process.output}")

    assert len(process.alive_in_its_group()) > 1
    process.terminate()
    assert process.end() == 0
    assert process.alive_in_its_group() == []
    assert len(provider.accepted) == 2


def test_two_processes_on_one_outbox_send_each_message_once(provider: Provider, start: Start) -> None:
    messages = [make_due() for _ in range(12)]
    both = threading.Barrier(2, timeout=PATIENCE)

    def meets_the_other(exchange: Exchange) -> None:
        """The first two requests wait for each other: one process alone never gets past the first."""
        if len(exchange.server.provider.requests) <= 2:
            both.wait()
        accepts(exchange)

    provider.behaviour = meets_the_other
    processes = [start("deliver"), start("deliver")]
    assert [process.end() for process in processes] == [0, 0], [process.output.read_text() for process in processes]

    assert {fate_of(message) for message in messages} == {SENT}
    assert sorted(mail["To"] for mail in provider.accepted) == sorted(
        message.application.candidate.email for message in messages
    )
