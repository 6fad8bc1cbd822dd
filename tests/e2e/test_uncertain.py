"""An uncertain message is found and settled with the keyboard alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from messaging.delivery import outbox
from messaging.models import Message
from tests.e2e.conftest import SignIn
from tests.factories import let_out, make_colleague, make_message

pytestmark = pytest.mark.django_db(transaction=True)


def test_with_the_keyboard_it_is_sent_again_once_the_risk_is_accepted(sign_in: SignIn, complaints: list[str]) -> None:
    now = timezone.now()
    message = make_message(now=now - timedelta(hours=2))
    let_out(message, now=now - timedelta(minutes=10))
    outbox.reap(now=now)
    page = sign_in(make_colleague("Recruiter"))

    page.locator("a[href='/admin/messaging/message/uncertain/']").first.press("Enter")
    page.get_by_role("link", name=str(message.application.candidate)).press("Enter")
    page.get_by_role("heading", name="It cannot be proven whether this was sent").wait_for()
    again = page.get_by_role("button", name="Send again and accept the risk")
    page.get_by_label("I accept that the candidate may get this mail twice.").press("Space")
    again.press("Enter")
    page.get_by_text("accepts that it may arrive twice").first.wait_for()

    message.refresh_from_db()
    assert message.status == Message.Status.SCHEDULED
    assert complaints == []
