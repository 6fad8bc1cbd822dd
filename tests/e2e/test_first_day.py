"""Somebody's first minutes: from the first sign-in to the first hand-off answered."""

from __future__ import annotations

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from messaging.models import HandOff
from tests.e2e.conftest import SignIn
from tests.e2e.test_compose import OWN
from tests.factories import make_application, make_candidate, make_colleague, make_hand_off, make_job

pytestmark = pytest.mark.django_db(transaction=True)


def test_from_the_first_sign_in_to_the_first_hand_off_answered(sign_in: SignIn) -> None:
    newcomer = make_colleague("Coordinator", username="ada", first_name="Ada", last_name="Lund")
    now = timezone.now()
    candidate = make_candidate(first_name="Mira", last_name="Castellanos", email="mira@example.com")
    application = make_application(
        candidate=candidate, job=make_job(title="Bricklayer", coordinator=newcomer, recruiter=None), now=now
    )
    hand_off = make_hand_off(now=now, application=application)
    assert newcomer.last_login is None

    page = sign_in(newcomer)
    expect(page.get_by_text("Set up Byhand")).to_be_visible()
    expect(page.get_by_text("Reserved messages sent by a machine")).to_be_visible()
    page.get_by_role("region", name="My hand-offs").get_by_role("link", name="Mira Castellanos").click()
    expect(page.get_by_role("heading", name="Why a person")).to_be_visible()
    page.get_by_label("Subject").fill("Your application")
    page.get_by_label("Message", exact=True).fill(OWN.replace("Rita", "Ada"))
    expect(page.get_by_role("status")).to_have_text("These are your own words. It can leave.")
    page.get_by_role("button", name="Send as me").click()
    expect(page.get_by_text("Your message to Mira Castellanos is on its way.")).to_be_visible()

    page.goto("/admin/")
    expect(page.get_by_role("region", name="My hand-offs").get_by_role("link", name="Mira Castellanos")).to_have_count(
        0
    )
    hand_off.refresh_from_db()
    assert (hand_off.status, hand_off.closed_by) == (HandOff.Status.ANSWERED, newcomer)
