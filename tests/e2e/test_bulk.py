"""A recruiter rejects fifty mixed candidates at once in a real browser, the gate splits them, and she undoes it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from messaging.delivery import outbox
from messaging.models import Automation, HandOff, Message
from pipeline import actors, moves
from pipeline.milestones import Milestone
from pipeline.models import Application, Job, User
from tests.factories import make_application, make_automation, make_colleague, make_job, make_reason, move_to

pytestmark = pytest.mark.django_db(transaction=True)

SignIn = Callable[[User], Page]

EARLY, MOVED_BACK, ELSEWHERE, CALLED = 28, 12, 6, 4
TO_A_PERSON = MOVED_BACK + ELSEWHERE + CALLED


@pytest.fixture
def recruiter() -> User:
    return make_colleague("Recruiter", username="rita", first_name="Rita", last_name="Okafor")


@pytest.fixture
def fifty(recruiter: User) -> Job:
    """All in the first stage of one job; what sets them apart is behind them."""
    now = timezone.now()
    job, other = make_job(title="Bricklayer", recruiter=recruiter), make_job(title="Roofer", recruiter=recruiter)
    applications = [make_application(job=job, now=now) for _ in range(EARLY + TO_A_PERSON)]
    for application in applications[:MOVED_BACK]:
        move_to(application, Milestone.PHONE_SCREEN, by=recruiter, now=now)
        move_to(application, Milestone.APPLIED, by=recruiter, now=now)
    for application in applications[MOVED_BACK : MOVED_BACK + ELSEWHERE]:
        move_to(make_application(candidate=application.candidate, job=other, now=now), Milestone.FINAL_ROUND, now=now)
    for application in applications[MOVED_BACK + ELSEWHERE : TO_A_PERSON]:
        moves.log_conversation(
            application, kind="phone", note="About the notice period.", by=actors.person(recruiter.pk), now=now
        )
    make_automation(delay=0, event=Automation.Event.REJECTED)
    make_reason(internal="Not enough experience", shareable="We looked for more experience.")
    return job


def test_fifty_mixed_candidates_split_exactly_without_whom_she_leaves_out_and_can_be_undone(
    fifty: Job, recruiter: User, sign_in: SignIn
) -> None:
    page = sign_in(recruiter)
    page.goto(f"/admin/pipeline/application/?job__id__exact={fifty.pk}")
    page.locator("#action-toggle").check()
    page.locator("select[name=action]").select_option(label="Reject…")
    page.get_by_role("button", name="Run", exact=False).first.click()

    expect(page.get_by_text("50 applications selected.")).to_be_visible()
    page.get_by_text("Not enough experience").click()
    page.get_by_role("button", name="See what will follow").click()

    split = page.get_by_role("listitem")
    expect(split.filter(has_text="will be rejected")).to_contain_text("50")
    expect(split.filter(has_text="messages will be scheduled")).to_contain_text(str(EARLY))
    expect(split.filter(has_text="hand-offs will be opened")).to_contain_text(str(TO_A_PERSON))
    expect(page.get_by_text(f"{TO_A_PERSON} people handed to Rita Okafor")).to_be_visible()
    # Asked only: nobody was moved, nothing was planned.
    assert not Application.objects.filter(status=Application.Status.REJECTED).exists()
    assert not Message.objects.exists()

    left_out = fifty.applications.exclude(candidate__reach__gte=Milestone.PHONE_SCREEN).latest("pk")
    page.get_by_label(f"Include {left_out.candidate}", exact=True).press("Space")
    expect(page.get_by_text("1 left out, 49 to go.")).to_be_visible()
    expect(split.filter(has_text="messages will be scheduled")).to_contain_text(str(EARLY - 1))
    page.get_by_role("button", name="Reject 49").click()

    expect(page.get_by_text("49 of 49 had their turn")).to_be_visible()
    rejected = Application.objects.filter(job=fifty, status=Application.Status.REJECTED)
    assert rejected.count() == 49
    assert HandOff.objects.open().filter(owner=recruiter).count() == TO_A_PERSON

    undo_is_over = timezone.now() + timedelta(minutes=15)
    outbox.drain(clock=timezone.now)
    assert not Message.objects.filter(status=Message.Status.SENT).exists()
    outbox.drain(clock=lambda: undo_is_over)
    sent = Message.objects.filter(status=Message.Status.SENT)
    assert sent.count() == EARLY - 1
    assert not sent.filter(application__candidate__reach__gte=Milestone.PHONE_SCREEN).exists()
    assert Message.objects.filter(status=Message.Status.HELD).count() == TO_A_PERSON

    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("49 people are back where they were").first).to_be_visible()
    expect(page.get_by_text("had left, and cannot be called back").first).to_be_visible()
    assert not rejected.exists()
    assert not HandOff.objects.open().exists()
