"""A row of the queue names one of our functions, or nothing runs; and nothing else of it is believed."""

from __future__ import annotations

import pickle
import pydoc
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core import signing
from django.utils import timezone
from django_q.conf import Conf
from django_q.models import OrmQ, Schedule
from django_q.scheduler import scheduler
from django_q.signing import SignedPackage
from django_q.tasks import async_task
from pytest_django.fixtures import Settings

from messaging import broker, tasks
from messaging.broker import Broker
from messaging.delivery import doorbell
from messaging.models import Incident, LedgerEntry
from messaging.schedule import SWEEP, write_schedule
from tests.factories import make_user
from tests.messaging.broker_rows import Exploit, forge, put

pytestmark = pytest.mark.django_db


def admitted() -> list[dict[str, Any]]:
    """The tasks that a worker would get of all that is in the queue."""
    made = []
    while OrmQ.objects.filter(lock__lt=timezone.now()).exists():
        made += [SignedPackage.loads(payload) for _, payload in Broker(list_key=Conf.CLUSTER_NAME).dequeue()]
    return made


def refused() -> list[str]:
    return list(
        Incident.objects.filter(kind=Incident.Kind.TASK_REFUSED).order_by("pk").values_list("sentence", flat=True)
    )


def test_what_is_allowed_is_there() -> None:
    assert {pydoc.locate(name) for name in tasks.ALLOWED} == {tasks.deliver, tasks.operate, tasks.sweep}


@pytest.mark.parametrize("function", sorted(tasks.ALLOWED))
def test_ours_is_run_and_stays_until_it_is_acknowledged(function: str) -> None:
    async_task(function)
    (task,) = admitted()
    assert (task["func"], task["args"], task["kwargs"]) == (function, (), {})
    assert (task["save"], task["ack_failure"]) == (False, True)
    assert OrmQ.objects.count() == 1
    assert refused() == []


@pytest.mark.parametrize(
    "function",
    [
        "os.system",
        "posix.system",
        "subprocess.Popen",
        "builtins.eval",
        "eval",
        "django.core.management.call_command",
        "django.core.mail.send_mail",
        "messaging.delivery.outbox.drain",
        "messaging.gate.clear",
        "messaging.tasks.summary",
        "messaging.tasks",
        "messaging.tasks.deliver ",
        "messaging.tasks.Deliver",
        "",
    ],
)
def test_another_function_is_not_run_and_is_an_incident(function: str) -> None:
    doorbell.ring()
    forge(function, "an argument that is nobody's business")

    (task,) = admitted()

    assert task["func"] == "messaging.tasks.deliver"
    assert OrmQ.objects.count() == 1  # the forged one is gone
    (sentence,) = refused()
    assert f"run {function}, which" in sentence
    assert "nobody's business" not in sentence
    assert LedgerEntry.objects.filter(kind=LedgerEntry.Kind.INCIDENT).count() == 1


def test_nothing_is_imported_to_find_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    proof = tmp_path / "it ran"
    (tmp_path / "crooked.py").write_text(f"open({str(proof)!r}, 'w').close()\ndef run(): pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    forge("crooked.run")

    assert admitted() == []

    assert not proof.exists()
    assert "crooked" not in sys.modules
    assert len(refused()) == 1
    assert pydoc.locate("crooked.run")  # as a worker of django-q2 looks for it
    assert proof.exists()


@pytest.mark.parametrize("where", ["payload", "function", "argument"])
def test_nothing_runs_while_a_row_is_read(tmp_path: Path, where: str) -> None:
    proof = tmp_path / "it ran"
    exploit = Exploit(f"touch '{proof}'")
    if where == "payload":
        row = put(SignedPackage.dumps(exploit))
    elif where == "function":
        row = forge(exploit)
    else:
        row = forge("messaging.tasks.deliver", exploit)

    assert admitted() == []

    assert not proof.exists()
    assert len(refused()) == 1
    SignedPackage.loads(row.payload)  # as django-q2 reads it
    assert proof.exists()


@pytest.mark.parametrize(
    "data", [b"", b"no pickle", pickle.dumps(7), pickle.dumps({}), pickle.dumps({"func": ["a", "list"]}), b"\x80\x05."]
)
def test_what_is_no_task_is_an_incident(data: bytes) -> None:
    signed = signing.TimestampSigner(key=Conf.SECRET_KEY, salt=Conf.PREFIX).sign(signing.b64_encode(data).decode())
    put(signed)
    assert admitted() == []
    assert OrmQ.objects.count() == 0
    assert [broker.UNREADABLE in sentence for sentence in refused()] == [True]


def test_what_else_a_row_asks_for_never_reaches_a_worker() -> None:
    forge(
        "messaging.tasks.deliver",
        *(1, 2),
        kwargs={"now": "later"},
        hook="os.system",
        chain=[("os.system", ("true",))],
        sync=True,
        timeout=-1,
        cached=True,
        save=True,
        group="g",
    )
    (task,) = admitted()
    task.pop("started")
    assert len(task.pop("id")) == 32
    assert task == {
        "name": "deliver",
        "func": "messaging.tasks.deliver",
        "args": (),
        "kwargs": {},
        "save": False,
        "ack_failure": True,
    }


class TestTheKey:
    def test_a_row_that_another_key_signed_is_a_lost_ring(self, caplog: pytest.LogCaptureFixture) -> None:
        put(signing.dumps({"func": "os.system"}, key="another", salt=Conf.PREFIX))
        assert admitted() == []
        assert OrmQ.objects.count() == 0
        assert refused() == []
        assert "not signed with our key" in caplog.text

    def test_a_former_key_is_as_good(self, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
        doorbell.ring()
        settings.SECRET_KEY_FALLBACKS = [Conf.SECRET_KEY]
        monkeypatch.setattr(Conf, "SECRET_KEY", "a new one")
        (task,) = admitted()
        assert task["func"] == "messaging.tasks.deliver"


class TestWhoFloods:
    def test_the_same_is_said_once_until_somebody_looked(self) -> None:
        for _ in range(3):
            forge("os.system", "true")
        assert admitted() == []
        assert len(refused()) == 1

        Incident.objects.update(closed_at=timezone.now(), closed_by=make_user())
        forge("os.system", "true")
        assert admitted() == []
        assert len(refused()) == 2

    def test_a_name_is_printable_and_short(self) -> None:
        forge("x\n\x00\u202e" + "y" * 10_000)
        assert admitted() == []
        (sentence,) = refused()
        assert "x???yyy" in sentence
        assert len(sentence) < 200


@pytest.mark.django_db(transaction=True)  # the scheduler closes connections
class TestASchedule:
    def forge(self, **fields: Any) -> Schedule:
        made: Schedule = Schedule.objects.create(next_run=timezone.now(), repeats=-1, **fields)
        return made

    def test_that_names_another_function_runs_nothing(self, tmp_path: Path) -> None:
        write_schedule(now=timezone.now())
        proof = tmp_path / "it ran"
        self.forge(func="os.system", args=f"(\"touch '{proof}'\",)")

        scheduler()

        assert [task["func"] for task in admitted()] == [SWEEP]
        assert not proof.exists()
        assert len(refused()) == 1

    def test_that_asks_to_run_at_once_goes_through_the_queue(self, tmp_path: Path) -> None:
        proof = tmp_path / "it ran"
        self.forge(func="os.system", args=f"(\"touch '{proof}'\",)", kwargs="{'q_options': {'sync': True}}")

        scheduler()

        assert not proof.exists()
        assert OrmQ.objects.count() == 1
        assert admitted() == []
        assert not proof.exists()
        assert len(refused()) == 1

    def test_that_nobody_here_wrote_does_not_stay(self) -> None:
        write_schedule(now=timezone.now())
        sweep = Schedule.objects.get()
        self.forge(func="os.system", args="this is no Python, and would stop all schedules")
        self.forge(func=SWEEP, args="1")

        write_schedule(now=timezone.now())

        assert Schedule.objects.get().pk == sweep.pk
        assert ["os.system" in sentence for sentence in refused()] == [True]
