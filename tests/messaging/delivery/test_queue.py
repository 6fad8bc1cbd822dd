"""The real cluster hangs, its tables are emptied, repeated and forged, the key changes: every message leaves, and once."""

from __future__ import annotations

import os
import random
import signal
import time
from functools import partial
from pathlib import Path

import pytest
from django.core.management import call_command
from django.utils import timezone
from django_q.conf import Conf
from django_q.models import OrmQ, Schedule, Task

from messaging import progress
from messaging.delivery import doorbell
from messaging.models import Incident, Message
from messaging.schedule import SWEEP
from tests.config.process_table import family_of, left_of, running
from tests.messaging.broker_rows import Exploit, forge, forge_result
from tests.messaging.delivery.asking import SENT, fate_of
from tests.messaging.delivery.doubles import PATIENCE, Provider
from tests.messaging.delivery.processes import Process, Start, holding, make_due, wait_until

pytestmark = pytest.mark.django_db(transaction=True)

SILENCE = 5  # seconds; in production 40
TRIES = 5


def wait_until_at_work(process: Process) -> None:
    before = progress.shown_at()
    wait_until(lambda: progress.shown_at() != before, f"progress; {process.output}")


def children_of(pid: int) -> list[int]:
    return sorted(row.pid for row in running() if row.parent == pid)


def sentinel_of(process: Process) -> int:
    (head,) = children_of(process.pid)
    (sentinel,) = children_of(head)
    return sentinel


def hangs() -> int:
    return Incident.objects.filter(kind=Incident.Kind.WORKER_HUNG).count()


class TestAWorkerThatHangs:
    @pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
    def test_it_is_started_anew_and_what_is_due_leaves(self, provider: Provider, start: Start, how: int) -> None:
        process = start("work", "--silence", str(SILENCE), WORKERS="1")
        wait_until_at_work(process)
        wait_until_at_work(process)
        before, sentinel = hangs(), sentinel_of(process)
        worker, *_ = children_of(sentinel)
        tries = 0
        while hangs() == before and tries < TRIES:
            tries += 1
            # Idle again it waits for the queue, whose lock it holds. Killed, it never gives it back; unless it was killed
            # between two waits: then its sentinel starts another worker, which is the next to be killed.
            time.sleep(0.2)
            os.kill(worker, how)
            message = make_due()
            doorbell.ring()
            wait_until(lambda message=message: fate_of(message) == SENT, f"the delivery; {process.output}")  # type: ignore[misc]
            if hangs() == before:
                worker = children_of(sentinel)[-1]

        assert hangs() > before
        assert sentinel_of(process) != sentinel
        assert left_of({sentinel, worker}) == set()
        family = family_of(process.pid)
        process.terminate()
        assert process.end() == 0
        assert left_of(family) == set()
        assert len(provider.accepted) == tries

    def test_the_mail_under_way_is_finished_before(self, provider: Provider, start: Start) -> None:
        message = make_due()
        with holding(provider):
            process = start("work", "--silence", str(SILENCE), WORKERS="1")
            assert provider.arrived.wait(PATIENCE), process.output.read_text()
            before, sentinel = hangs(), sentinel_of(process)
            wait_until(lambda: hangs() > before, f"the hang; {process.output}")
        wait_until(lambda: fate_of(message) == SENT, f"the end of the mail; {process.output}")
        assert left_of({sentinel}) == set()
        wait_until_at_work(process)

        assert len(provider.accepted) == 1

    def test_one_that_dies_is_named(self, provider: Provider, start: Start) -> None:
        process = start("work")
        wait_until_at_work(process)
        family = family_of(process.pid) - {process.pid}
        os.kill(children_of(process.pid)[0], signal.SIGKILL)
        assert process.end() == 1
        assert "The worker ended by itself." in process.output.read_text()
        assert left_of(family) == set()


class TestTheTables:
    def is_sent(self, message: Message) -> bool:
        return fate_of(message) == SENT

    def test_emptied_again_and_again_they_keep_nothing_from_leaving(self, provider: Provider, start: Start) -> None:
        call_command("prepare")
        process = start("work", "--silence", "12")
        for _ in range(3):
            OrmQ.objects.all().delete()
            Schedule.objects.all().delete()
            message = make_due()
            wait_until(partial(self.is_sent, message), f"the delivery; {process.output}")
        wait_until(lambda: Schedule.objects.filter(func=SWEEP).count() == 1, "the schedule")
        assert len(provider.accepted) == 3

    def test_repeated_and_in_any_order_they_send_nothing_twice(self, provider: Provider, start: Start) -> None:
        messages = []
        for _ in range(5):
            messages.append(make_due())
            doorbell.ring()
        rows = list(OrmQ.objects.values_list("payload", flat=True)) * 10
        random.Random(7).shuffle(rows)
        OrmQ.objects.all().delete()
        OrmQ.objects.bulk_create(OrmQ(key=Conf.CLUSTER_NAME, payload=row, lock=timezone.now()) for row in rows)

        process = start("qcluster")
        wait_until(lambda: not OrmQ.objects.exists(), f"the end of the queue; {process.output}")

        assert {fate_of(message) for message in messages} == {SENT}
        assert len(provider.accepted) == len(provider.requests) == 5

    def test_forged_they_run_nothing_and_are_an_incident(
        self, provider: Provider, start: Start, tmp_path: Path
    ) -> None:
        proof = tmp_path / "it ran"
        command = f"touch '{proof}'"
        forge("os.system", command)
        forge("subprocess.check_output", ["touch", str(proof)])
        forge("messaging.gate.clear", 1)
        forge("messaging.tasks.deliver", hook="os.system")
        forge(Exploit(command))
        forge_result(Exploit(command))
        Schedule.objects.create(func="os.system", args=f'("{command}",)', next_run=timezone.now())
        message = make_due()
        doorbell.ring()

        process = start("work")
        wait_until(lambda: fate_of(message) == SENT, f"the delivery; {process.output}")
        wait_until(lambda: not OrmQ.objects.exists(), f"the end of the queue; {process.output}")

        assert not proof.exists()
        named = " ".join(Incident.objects.filter(kind=Incident.Kind.TASK_REFUSED).values_list("sentence", flat=True))
        assert Incident.objects.filter(kind=Incident.Kind.TASK_REFUSED).count() == 4
        assert all(name in named for name in ("os.system", "subprocess.check_output", "messaging.gate.clear"))
        assert str(proof) not in named
        assert Schedule.objects.values_list("func", flat=True).get() == SWEEP
        assert len(provider.accepted) == 1
        assert Task.objects.count() == 1
        assert not proof.exists()
        Task.objects.first()  # as the monitor would, if it saved tasks
        assert proof.exists()


def test_a_new_key_loses_nothing(provider: Provider, start: Start) -> None:
    call_command("prepare")
    schedule = Schedule.objects.get()
    messages = [make_due(), make_due()]
    doorbell.ring()
    doorbell.ring()

    process = start("work", SECRET_KEY="the old one was seen by somebody, so this is another one")

    wait_until(lambda: {fate_of(message) for message in messages} == {SENT}, f"the delivery; {process.output}")
    wait_until(lambda: not OrmQ.objects.exists(), f"the end of the queue; {process.output}")
    assert "not signed with our key" in process.output.read_text()
    assert Schedule.objects.get().pk == schedule.pk
    assert Incident.objects.count() == 0
    assert len(provider.accepted) == 2
