"""An administrator opens a cell of the map with the keys, sees what a stricter row would have changed, and saves it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from messaging.models import PolicyRow
from messaging.policy.floor import Reserve, Touchpoint
from pipeline.milestones import Milestone
from pipeline.models import User
from tests.factories import make_colleague, make_message, make_template

pytestmark = pytest.mark.django_db(transaction=True)

SignIn = Callable[[User], Page]


def test_what_a_row_would_change_is_seen_before_it_is_saved(sign_in: SignIn) -> None:
    message = make_message(now=timezone.now(), template=make_template(name="Not this time"))
    page = sign_in(make_colleague("Administrator"))
    page.goto("/admin/messaging/policyrow/map/")
    page.get_by_role("link", name="Rejection, reached applied, somebody dealt with them").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    details = page.get_by_role("complementary", name="The open cell")
    expect(details.get_by_role("heading", name="Rejection")).to_be_visible()
    details.get_by_role("radio", name="A person writes").check()
    details.get_by_label("Why").fill("Every no is ours.")
    details.get_by_role("button", name="Check what it changes").click()

    expect(details.get_by_text("Of 1 scheduled message, 1 will go another way.")).to_be_visible()
    details.get_by_text("Show 1").click()
    expect(details.get_by_role("link", name=str(message.application.candidate))).to_be_visible()
    assert not PolicyRow.objects.exists()

    details.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved. Rejection from applied on: written by a person.")).to_be_visible()
    cell = page.get_by_role("link", name="Rejection, reached applied, nobody dealt with them: person writes.")
    expect(cell).to_contain_text("Policy")
    row = PolicyRow.objects.get()
    assert (row.touchpoint, row.from_milestone, row.reserve, row.why) == (
        Touchpoint.REJECTION,
        Milestone.APPLIED,
        Reserve.PERSON_WRITES,
        "Every no is ours.",
    )
