"""Real processes on the real database: killed, stopped, racing. What they send arrives once, or is shown to a person."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from django_q.scheduler import scheduler

from messaging.delivery import doorbell, outbox
from messaging.models import Message
from tests.factories import make_message
from tests.messaging.delivery.asking import SENT, UNCERTAIN, Fate, drain, fate_of
from tests.messaging.delivery.doubles import PATIENCE, Exchange, Provider, accepts

pytestmark = pytest.mark.django_db(transaction=True)

MANAGE = Path(settings.BASE_DIR) / "manage.py"


def make_due() -> Message:
    """Other processes have their own clock: this is due by any."""
    return make_message(now=timezone.now() - timedelta(hours=2))


def wait_until(condition: Callable[[], object], what: str) -> None:
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until, f"waited in vain: {what}"
        time.sleep(0.02)


def database_url() -> str:
    database = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{database['NAME']}"
    password = f":{database['PASSWORD']}" if database["PASSWORD"] else ""
    return f"postgres://{database['USER']}{password}@{database['HOST']}:{database['PORT']}/{database['NAME']}"


class Process(subprocess.Popen[bytes]):
    """`manage.py` with real settings, on the database of the tests, in a process group of its own."""

    def __init__(self, *arguments: str, provider: Provider, folder: Path) -> None:
        self.output = folder / f"{arguments[0]}-{time.monotonic_ns()}.log"
        environment = {
            **os.environ,
            "DATABASE_URL": database_url(),
            "VAR_DIR": str(folder),
            "LOG_LEVEL": "INFO",
            # In live mode the key of the tests would be refused, and with another one their tasks could not be read.
            "MAIL_MODE": "allowlist",
            "MAIL_ALLOWLIST": "@example.com",
            "MAIL_PROVIDER": "postmark",
            "MAIL_FROM": "jobs@acme-careers.com",
            "ANYMAIL_POSTMARK_API_URL": provider.url,
            "ANYMAIL_POSTMARK_SERVER_TOKEN": "token",
        }
        with self.output.open("wb") as output:
            super().__init__(
                [sys.executable, str(MANAGE), *arguments],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def end(self) -> int:
        """Its exit code, once it ended by itself."""
        try:
            return self.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            pytest.fail(f"It still runs:\n{self.output.read_text()}")

    def alive_in_its_group(self) -> list[int]:
        """Whoever still runs of what it started, itself included."""
        alive = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                state, _, group = stat.read_text().rpartition(")")[2].split()[:3]
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(group) == self.pid and state != "Z":
                alive.append(int(stat.parent.name))
        return alive


@pytest.fixture
def start(provider: Provider, tmp_path: Path) -> Iterator[Callable[..., Process]]:
    started: list[Process] = []

    def begin(*arguments: str) -> Process:
        started.append(Process(*arguments, provider=provider, folder=tmp_path))
        return started[-1]

    yield begin
    for process in started:
        for pid in process.alive_in_its_group():
            os.kill(pid, signal.SIGKILL)
        process.wait()


Start = Callable[..., Process]


@contextmanager
def holding(provider: Provider) -> Iterator[None]:
    """The provider accepts and keeps its answer until the block is over."""

    def accepts_and_waits(exchange: Exchange) -> None:
        exchange.server.provider.arrived.set()
        exchange.server.provider.release.wait(PATIENCE)
        accepts(exchange)

    provider.behaviour = accepts_and_waits
    yield
    provider.behaviour = accepts
    provider.release.set()


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
