"""`prepare` and `deliver`."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.utils import timezone
from django_q.models import OrmQ, Schedule
from django_q.scheduler import scheduler
from django_q.signing import SignedPackage
from pytest_django.fixtures import Settings

from messaging.management.commands.deliver import Command as Deliver
from messaging.schedule import SWEEP
from tests.factories import let_out, make_message, make_user
from tests.messaging.delivery.asking import SENT, Fate, fate_of
from tests.messaging.delivery.database import locked

pytestmark = pytest.mark.django_db

FIXED = ("func", "schedule_type", "minutes", "repeats", "args", "kwargs", "hook", "cluster")


def run(*command: str) -> str:
    output = StringIO()
    call_command(*command, stdout=output)
    return output.getvalue()


def rows() -> list[dict[str, Any]]:
    groups = [
        {"group": group.name, "permissions": group.permissions.count()} for group in Group.objects.order_by("name")
    ]
    return [*Schedule.objects.order_by("pk").values(), *groups]


class TestPrepare:
    def test_it_writes_the_roles_and_one_schedule_that_is_due_at_once(self) -> None:
        before = timezone.now()
        assert run("prepare") == "Roles and schedule are in place.\n"

        schedule = Schedule.objects.get()
        assert (schedule.func, schedule.schedule_type, schedule.minutes, schedule.repeats) == (
            "messaging.tasks.sweep",
            Schedule.MINUTES,
            1,
            -1,
        )
        assert schedule.next_run is not None
        assert before <= schedule.next_run <= timezone.now()
        assert {"Coordinator", "Recruiter"} <= set(Group.objects.values_list("name", flat=True))

    def test_a_second_run_changes_nothing(self) -> None:
        run("prepare")
        # As the cluster leaves it after a run: the next one is a minute ahead, and it names its last task.
        Schedule.objects.update(next_run=timezone.now() + timedelta(seconds=59), task="last")
        before = rows()
        run("prepare")
        assert rows() == before

    def test_an_overdue_schedule_is_left_to_the_cluster(self) -> None:
        run("prepare")
        Schedule.objects.update(next_run=timezone.now() - timedelta(days=1))
        before = rows()
        run("prepare")
        assert rows() == before

    @pytest.mark.parametrize(
        "changes",
        [
            {"repeats": 0},
            {"minutes": 60},
            {"schedule_type": Schedule.DAILY},
            {"args": "1"},
            {"kwargs": "broker_name='other'"},
            {"hook": "os.abort"},
            {"cluster": "other"},
            {"next_run": None},
        ],
        ids=lambda changes: next(iter(changes)),
    )
    def test_a_clock_that_somebody_changed_goes_right_again(self, changes: dict[str, Any]) -> None:
        run("prepare")
        right = Schedule.objects.values(*FIXED).get()
        Schedule.objects.update(**changes)

        run("prepare")

        assert Schedule.objects.values(*FIXED).get() == right
        assert Schedule.objects.get().next_run is not None

    def test_a_clock_that_was_set_while_the_machine_was_in_the_future_goes_again(self) -> None:
        run("prepare")
        Schedule.objects.update(next_run=timezone.now() + timedelta(days=400))
        run("prepare")
        assert Schedule.objects.filter(next_run__lte=timezone.now()).count() == 1

    def test_there_is_one_schedule_and_none_that_nobody_here_wrote(self) -> None:
        Schedule.objects.create(func=SWEEP)
        Schedule.objects.create(func=SWEEP)
        Schedule.objects.create(func="os.abort")
        run("prepare")
        assert [schedule.func for schedule in Schedule.objects.all()] == [SWEEP]

    @pytest.mark.django_db(transaction=True)  # it closes connections
    def test_the_clusters_own_scheduler_turns_it_into_a_task_and_sets_the_next_minute(self) -> None:
        run("prepare")
        # After three days without a cluster there is one sweep, and no three days of them.
        Schedule.objects.update(next_run=timezone.now() - timedelta(days=3))

        scheduler()
        scheduler()

        assert SignedPackage.loads(OrmQ.objects.get().payload)["func"] == SWEEP
        next_run = Schedule.objects.get().next_run
        assert next_run is not None
        assert timedelta(0) < next_run - timezone.now() <= timedelta(minutes=1)

    def test_the_demo_company_is_not_made_ready_for_real_mail(self, settings: Settings) -> None:
        make_user(is_demo=True)
        run("prepare")
        settings.MAIL_MODE = "live"
        with pytest.raises(SystemCheckError, match=r"messaging\.E007"):
            run("prepare")


class TestDeliver:
    def test_it_sends_what_is_due_and_says_so(self) -> None:
        message = make_message(now=timezone.now() - timedelta(hours=2))
        assert run("deliver") == "1 sent\n"
        assert fate_of(message) == SENT
        assert run("deliver") == "nothing was due\n"

    @pytest.mark.django_db(transaction=True)
    def test_the_loop_outlives_a_database_that_does_not_answer(self, caplog: pytest.LogCaptureFixture) -> None:
        message = make_message(now=timezone.now() - timedelta(hours=2))
        let_out(message, now=timezone.now() - timedelta(minutes=10))
        loop = Deliver()
        with locked(message):
            loop._sweep()
        assert "The database does not answer" in caplog.text
        assert fate_of(message) == Fate(status="sending", attempts=("",))

        loop._sweep()

        assert fate_of(message).status == "uncertain"
