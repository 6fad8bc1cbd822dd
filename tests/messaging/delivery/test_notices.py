"""Who is asked about an overdue hand-off gets one mail of the system, which names no candidate."""

from __future__ import annotations

import smtplib
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.core.mail import EmailMessage
from pytest_django.fixtures import Settings

from messaging import escalations, handoffs, tasks, undo, working_days
from messaging.delivery import notices, safe_mode
from messaging.models import Escalation, HandOff, Incident, Message
from pipeline.models import User
from tests.factories import NOW, OWN_WORDS, make_application, make_candidate, make_hand_off, make_job, make_sender

pytestmark = pytest.mark.django_db

SOON = working_days.due(NOW, HandOff.DAYS) + timedelta(minutes=1)
Outbox = list[EmailMessage]


def escalated(*, to: User | None = None) -> Escalation:
    """To a recruiter, a minute after it was due."""
    job = make_job(title="Bricklayer", recruiter=to or make_sender(is_staff=True))
    hand_off = make_hand_off(application=make_application(job=job))
    HandOff.objects.filter(pk=hand_off.pk).update(owner=None)
    escalations.escalate(now=SOON, at_most=9)
    return Escalation.objects.get(hand_off=hand_off)


def tell() -> int:
    return notices.tell_escalations(now=SOON, at_most=9)


def test_who_is_asked_gets_one_mail_that_leads_to_the_page(mailoutbox: Outbox) -> None:
    escalation = escalated()
    assert (tell(), tell()) == (1, 0)
    [mail] = mailoutbox
    assert mail.recipients() == [escalation.to.email]
    assert mail.subject == "Overdue hand-off: rejection, Bricklayer"
    assert f"/admin/messaging/handoff/{escalation.hand_off_id}/compose/" in mail.body
    assert "It is yours now." in mail.body
    candidate = escalation.hand_off.application.candidate
    for told in (candidate.first_name, candidate.last_name, candidate.email):
        assert told not in mail.subject + mail.body


def test_of_two_clocks_that_saw_it_at_once_one_tells_it(monkeypatch: pytest.MonkeyPatch, mailoutbox: Outbox) -> None:
    escalated()
    seen = list(notices._untold(now=SOON))
    monkeypatch.setattr(notices, "_untold", lambda **_: seen)
    assert (tell(), tell(), len(mailoutbox)) == (1, 0, 1)


def test_what_was_answered_or_put_off_meanwhile_is_not_told(mailoutbox: Outbox) -> None:
    answered, put_off, waiting = escalated(), escalated(), escalated()
    handoffs.close_as_not_needed(answered.hand_off, reason="They called.", by=answered.to, now=SOON)
    day = working_days.ahead(SOON, 2)[1]
    put_off_now = handoffs.snooze(put_off.hand_off, until=day, reason="Panel.", by=put_off.to, now=SOON)
    assert isinstance(put_off_now, HandOff)
    assert tell() == 1
    assert mailoutbox[0].recipients() == [waiting.to.email]


def test_old_escalations_are_no_news(mailoutbox: Outbox) -> None:
    escalated()
    assert notices.tell_escalations(now=SOON + timedelta(days=2), at_most=9) == 0
    assert (tell(), len(mailoutbox)) == (1, 1)


def test_what_was_answered_and_is_open_again_is_not_told_once_more(settings: Settings, mailoutbox: Outbox) -> None:
    settings.UNDO_SECONDS = 60
    escalation = escalated()
    assert tell() == 1
    hand_off, by = escalation.hand_off, escalation.to
    sent = handoffs.answer(hand_off, subject="Our answer", body=OWN_WORDS, by=by, now=SOON)
    assert isinstance(sent, Message), sent
    again = undo.take_back(sent, by=by, now=SOON)
    assert isinstance(again, HandOff)
    assert (again.escalations.count(), tell(), len(mailoutbox)) == (1, 0, 1)


@pytest.mark.parametrize("values", [{"email": "cy@example.com"}, {"email": ""}, {"is_staff": False}])
def test_nobody_is_told_who_could_not_get_mail_of_the_system(values: dict[str, object], mailoutbox: Outbox) -> None:
    make_candidate(email="cy@example.com")
    escalated(to=make_sender(**{"is_staff": True} | values))
    known = escalated()
    assert tell() == 1
    assert mailoutbox[0].recipients() == [known.to.email]
    assert not Incident.objects.exists()


def test_what_the_provider_does_not_take_is_not_tried_again(
    monkeypatch: pytest.MonkeyPatch, mailoutbox: Outbox
) -> None:
    first, second = escalated(), escalated()

    def refuse(self: EmailMessage) -> int:
        raise smtplib.SMTPServerDisconnected

    with monkeypatch.context() as patched:
        patched.setattr(EmailMessage, "send", refuse)
        assert tell() == 0
    assert tell() == 1
    assert mailoutbox[0].recipients() == [second.to.email]
    assert first.to.email != second.to.email


def test_a_database_that_is_not_at_home_tells_nobody(monkeypatch: pytest.MonkeyPatch, mailoutbox: Outbox) -> None:
    escalated()
    with monkeypatch.context() as patched:
        patched.setattr(safe_mode, "keeps_everything", lambda **_: True)
        assert tell() == 0
    assert (tell(), len(mailoutbox)) == (1, 1)


def test_the_clock_tells_and_the_guard_lets_it_out(settings: Settings, mailoutbox: Outbox) -> None:
    settings.EMAIL_BACKEND = "messaging.delivery.egress.GuardedMail"
    escalation = escalated()
    with time_machine.travel(SOON, tick=False):
        tasks.sweep()
    [file] = (Path(settings.VAR_DIR) / "mail").glob("system-*.eml")
    assert f"To: {escalation.to.email}".encode() in file.read_bytes()
