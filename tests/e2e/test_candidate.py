"""A coordinator finds that two records are one person, merges them, and takes them apart again."""

from __future__ import annotations

import pytest
from django.utils import timezone

from messaging.models import Message
from pipeline.milestones import Milestone
from pipeline.models import Merge
from tests.e2e.conftest import SignIn
from tests.factories import make_application, make_candidate, make_colleague, make_message, move_to

pytestmark = pytest.mark.django_db(transaction=True)


def test_two_records_are_compared_merged_and_taken_apart(sign_in: SignIn) -> None:
    now = timezone.now()
    kim = make_candidate(phone="+44 20 7946 0123", email="kim@example.com")
    twin = make_candidate(phone="020 7946 0123", email="kim.lee@example.org", last_name=kim.last_name)
    waits = make_message(application=make_application(candidate=kim, now=now), now=now)
    move_to(make_application(candidate=twin, now=now), Milestone.INTERVIEW, now=now)
    page = sign_in(make_colleague("Coordinator"))

    page.goto(f"/admin/pipeline/candidate/{kim.pk}/change/")
    next_up = page.get_by_role("region", name="What comes next")
    next_up.get_by_text("May leave").wait_for()
    page.get_by_role("region", name="Who may send what").get_by_text("By a machine").wait_for()
    page.get_by_role("link", name="Compare with").press("Enter")

    page.get_by_text("Same phone number, Same name").wait_for()
    page.get_by_text("becomes a hand-off").wait_for()
    page.get_by_role("button", name="Merge them").press("Enter")

    page.get_by_text("1 message became a person’s task.").wait_for()
    next_up.get_by_text("Rejection waits for").wait_for()
    assert page.locator(".person-run").count() == 2
    assert Message.objects.get(pk=waits.pk).status == Message.Status.HELD

    page.get_by_role("link", name="Un-merge").press("Enter")
    page.get_by_role("heading", name="What cannot be taken apart").wait_for()
    page.get_by_role("button", name="Take them apart").press("Enter")
    page.get_by_text("are two records again").wait_for()
    assert page.locator(".person-run").count() == 1
    assert not Merge.objects.open().exists()
