"""Several messages are chosen and put on hold with the keyboard alone, and none of them leaves."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from messaging.delivery import outbox
from messaging.models import Message
from tests.e2e.conftest import SignIn
from tests.factories import make_colleague, make_message

pytestmark = pytest.mark.django_db(transaction=True)


def test_with_the_keyboard_messages_are_chosen_and_held(sign_in: SignIn, complaints: list[str]) -> None:
    now = timezone.now()
    held, free = [make_message(now=now - timedelta(minutes=30)) for _ in range(2)], make_message(now=now)
    page = sign_in(make_colleague("Coordinator"))

    page.get_by_role("link", name="outbox Outbox").press("Enter")
    bar = page.get_by_role("group", name="What to do with the chosen messages")
    expect(bar.get_by_role("button", name="Hold")).to_be_disabled()
    for message in held:
        page.get_by_label(f"Choose: Rejection to {message.application.candidate}", exact=True).press("Space")
    expect(page.get_by_text("2 chosen")).to_be_visible()
    bar.get_by_role("button", name="Hold").press("Enter")
    page.get_by_label("Why it waits").press_sequentially("The job may be frozen.")
    page.get_by_role("button", name="Hold all 2").press("Enter")
    expect(page.get_by_text("2 messages on hold until")).to_be_visible()

    outbox.drain(clock=lambda: timezone.now() + timedelta(hours=1, minutes=1))
    assert {message.status for message in Message.objects.filter(pk__in=[one.pk for one in held])} == {"scheduled"}
    assert Message.objects.get(pk=free.pk).status == "sent"
    assert complaints == []
