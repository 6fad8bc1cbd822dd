"""What django-q2 runs, and that it is set up so that it can neither lose nor repeat a mail."""

from __future__ import annotations

import inspect
import pydoc
import re
from datetime import timedelta

import pytest
from django.conf import settings as product
from django.db import transaction
from django.utils import timezone
from django_q import conf
from django_q.conf import Conf
from django_q.models import OrmQ
from django_q.signing import SignedPackage
from pytest_django.fixtures import Settings

from messaging import ledger, tasks
from messaging.delivery import doorbell, outbox
from messaging.models import Automation, Message
from pipeline.models import StageChange
from tests.factories import let_out, make_application, make_automation, make_message, make_template, reject
from tests.messaging.delivery.asking import SENT, UNCERTAIN, fate_of
from tests.messaging.delivery.database import cursed

pytestmark = pytest.mark.django_db


def make_due(**automation: object) -> Message:
    """Tasks have the real clock."""
    return make_message(now=timezone.now() - timedelta(hours=2), **automation)


class TestTheDoorbell:
    def test_it_delivers_what_is_due_and_says_so(self) -> None:
        message = make_due()
        assert tasks.deliver() == "1 sent"
        assert fate_of(message) == SENT
        assert tasks.deliver() == "nothing was due"

    def test_it_rings_again_when_its_time_was_over(self, monkeypatch: pytest.MonkeyPatch) -> None:
        tasks.deliver()
        assert OrmQ.objects.count() == 0
        monkeypatch.setattr(outbox, "SECONDS", 0.0)
        tasks.deliver()
        assert OrmQ.objects.count() == 1

    def test_a_ring_says_nothing_but_that_it_rang(self) -> None:
        doorbell.ring()
        task = SignedPackage.loads(OrmQ.objects.get().payload)
        assert (task["func"], task["args"], task["kwargs"]) == ("messaging.tasks.deliver", (), {})
        assert (task["save"], task["ack_failure"]) == (False, True)
        assert pydoc.locate(task["func"]) is tasks.deliver

    def test_a_ring_is_part_of_what_it_rings_for(self) -> None:
        with transaction.atomic():
            doorbell.ring()
            transaction.set_rollback(True)
        assert OrmQ.objects.count() == 0

    def test_lost_repeated_and_foreign_rings_change_nothing(self) -> None:
        message = make_due()
        for _ in range(3):
            doorbell.ring()
        OrmQ.objects.all().delete()
        tasks.deliver()
        tasks.deliver()
        assert fate_of(message) == SENT
        assert message.attempts.count() == 1


class TestTheClock:
    def test_it_delivers_reaps_and_plans(self, settings: Settings) -> None:
        due = make_due()
        left_behind = make_due()
        let_out(left_behind, now=timezone.now() - timedelta(minutes=10))
        receipt = make_template(
            touchpoint="acknowledgement", body="Dear {{ candidate.first_name }}, we have your letter."
        )
        make_automation(event=Automation.Event.RECEIVED, template=receipt)
        application = make_application(now=timezone.now(), quiet=False)

        assert tasks.sweep() == "2 sent"

        assert (fate_of(due), fate_of(left_behind)) == (SENT, UNCERTAIN)
        # Planned and due at once, it left in the same sweep.
        assert fate_of(Message.objects.get(application=application)) == SENT
        assert tasks.sweep() == "nothing was due"

    def test_it_writes_to_who_heard_nothing(self) -> None:
        application = make_application(now=timezone.now() - timedelta(days=20), quiet=False)
        template = make_template(
            touchpoint="status_update", body="Dear {{ candidate.first_name }}, we are still reading."
        )
        make_automation(event=Automation.Event.NO_NEWS, quiet_days=5, template=template)

        assert tasks.sweep() == "1 sent"

        assert Message.objects.get(application=application).touchpoint == "status_update"

    def test_what_planning_meets_keeps_nothing_that_is_due(self, caplog: pytest.LogCaptureFixture) -> None:
        due, left_behind = make_due(), make_due()
        let_out(left_behind, now=timezone.now() - timedelta(minutes=10))

        with cursed("messaging_plannedchange", change=reject(make_application())):
            assert tasks.sweep() == "1 sent"

        assert (fate_of(due), fate_of(left_behind)) == (SENT, UNCERTAIN)
        assert "could not be followed" in caplog.text

    def test_it_ends_in_time_and_goes_on_the_next_minute(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for _ in range(3):
            reject(make_application())
        monkeypatch.setattr(tasks, "CHANGES", 2)
        monkeypatch.setattr(outbox, "SECONDS", 0.0)
        to_follow = StageChange.objects.filter(planned__isnull=True, quiet=False)

        tasks.sweep()
        assert to_follow.count() == 1
        tasks.sweep()
        assert to_follow.count() == 0

    def test_its_parts_fit_into_the_time_of_a_task(self) -> None:
        slowest = product.MAIL_CONNECT_TIMEOUT + product.MAIL_READ_TIMEOUT
        assert tasks.FIRST < outbox.SECONDS
        assert outbox.SECONDS + slowest + ledger.SECONDS < product.Q_CLUSTER["timeout"]


class TestTheCluster:
    def test_django_q_knows_every_setting_that_we_give_it(self) -> None:
        known = set(re.findall(r'conf\.get\("(\w+)"', inspect.getsource(conf)))
        assert product.Q_CLUSTER.keys() <= known

    def test_it_took_them_as_they_are_meant(self) -> None:
        assert (Conf.ORM, Conf.SYNC, Conf.CACHED) == ("default", False, False)
        assert (Conf.TIMEOUT, Conf.RETRY) == (60, 300)
        # A task that failed or was killed is not started again by the queue: the outbox knows what is left to do.
        assert (Conf.MAX_ATTEMPTS, Conf.ACK_FAILURES) == (1, True)
        # After a pause there is one sweep, and not one for every minute of it.
        assert Conf.CATCH_UP is False
        assert (Conf.BULK, Conf.POLL, Conf.WORKERS) == (1, 1, 2)
