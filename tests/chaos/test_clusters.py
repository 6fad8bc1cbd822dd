"""The real cluster of the queue, killed while mail flows: its worker, its monitor, or all of it at once. What was accepted
is known, or a person is asked, and what had not left is sent by whoever drains next."""

from __future__ import annotations

import itertools
import os
import random
import signal
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone
from django_q.models import OrmQ

from messaging.delivery import doorbell
from messaging.models import Message
from tests.chaos.conftest import Drain
from tests.chaos.figures import counted, size
from tests.chaos.invariants import accepted_by, violations, what_the_audit_finds
from tests.chaos.letters import make_messages
from tests.config.process_table import running
from tests.messaging.delivery.doubles import PATIENCE, Exchange, Provider, answers_that_it_accepted
from tests.messaging.delivery.processes import Process

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.no_cover]

Status = Message.Status
CLUSTERS = size("CLUSTERS", 2)
MESSAGES = 60
# Long enough that some kills come while mail is under way, and some between two mails or after the last.
ANSWERS_AFTER = 0.02
KILLED_WITHIN = 0.6
WITHOUT_BRAKE = {"BRAKE_AN_HOUR": "100000", "BRAKE_A_DAY": "100000", "WORKERS": "1"}


def children_of(pid: int) -> list[int]:
    return sorted(row.pid for row in running() if row.parent == pid)


def target_of(cluster: Process, name: str) -> int:
    """The sentinel of django-q2 starts its workers first, then the monitor, then the pusher."""
    [sentinel] = children_of(cluster.pid)
    worker, monitor, *_ = children_of(sentinel)
    return {"worker": worker, "monitor": monitor}[name]


def accepts_and_takes_its_time(exchange: Exchange) -> None:
    exchange.accept()
    time.sleep(ANSWERS_AFTER)
    answers_that_it_accepted(exchange)


def test_a_cluster_that_is_killed_while_mail_flows_loses_nothing_and_repeats_nothing(
    postmark: Provider, drain_in_a_fork: Drain, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    postmark.behaviour = accepts_and_takes_its_time
    with counted(record_property, "clusters killed: worker, monitor, all of it") as count:
        for name in itertools.islice(itertools.cycle(["all of it", "worker", "monitor"]), CLUSTERS):
            postmark.accepted.clear()
            postmark.arrived.clear()
            messages = make_messages(MESSAGES, first=timezone.now() - timedelta(hours=2))
            doorbell.ring()
            cluster = Process("qcluster", provider=postmark, folder=tmp_path, settings=WITHOUT_BRAKE)
            try:
                assert postmark.arrived.wait(PATIENCE), cluster.output.read_text()
                time.sleep(random.uniform(0, KILLED_WITHIN))
                if name != "all of it":
                    os.kill(target_of(cluster, name), signal.SIGKILL)
                    time.sleep(random.uniform(0, KILLED_WITHIN))
            finally:
                os.killpg(cluster.pid, signal.SIGKILL)
                cluster.wait()
            count.size += 1
            count.faults += 1 + (name != "all of it")
            OrmQ.objects.all().delete()

            later = timezone.now() + timedelta(seconds=settings.MAIL_LEASE + 1)
            assert drain_in_a_fork(now=later, provider="postmark", reap=True) == [0]
            assert drain_in_a_fork(now=later + timedelta(minutes=3), provider="postmark") == [0]

            wrong = violations(accepted_by(postmark), of=messages) + what_the_audit_finds(now=later)
            ids = [message.pk for message in messages]
            left = Message.objects.filter(pk__in=ids).exclude(status__in=[Status.SENT, Status.UNCERTAIN]).count()
            count.violations += len(wrong) + left
            assert not wrong, (name, wrong)
            assert not left, name
