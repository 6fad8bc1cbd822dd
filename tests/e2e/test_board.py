"""A recruiter moves cards with the pointer and with the keyboard, and is asked before anybody is written to."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from messaging.models import Automation, Message
from messaging.policy.floor import Touchpoint
from pipeline.milestones import Milestone
from pipeline.models import Application, Job, User
from tests import factories as make

pytestmark = pytest.mark.django_db(transaction=True)

SignIn = Callable[[User], Page]


@pytest.fixture
def recruiter() -> User:
    return make.make_colleague("Recruiter", username="rita", first_name="Rita", last_name="Okafor")


@pytest.fixture
def job(recruiter: User) -> Job:
    """Ada, Bo and Cy in the first stage; who enters the second one gets a message."""
    job = make.make_job(title="Bricklayer", recruiter=recruiter)
    for name in ("Ada", "Bo", "Cy"):
        make.make_application(job=job, candidate=make.make_candidate(first_name=name, last_name=""), now=timezone.now())
    template = make.make_template(
        name="We read it", touchpoint=Touchpoint.STATUS_UPDATE, body="Dear {{ candidate.first_name }}, soon."
    )
    review = job.pipeline.stages.get(milestone=Milestone.REVIEW)
    make.make_automation(event=Automation.Event.STAGE_ENTERED, stage=review, template=template, delay=60)
    return job


def stage_of(name: str) -> str:
    return Application.objects.get(candidate__first_name=name).stage.name


def column(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name, exact=True)


def drag(page: Page, name: str, *, to: str) -> None:
    card, target = page.locator(".board-card", has_text=name).bounding_box(), column(page, to).bounding_box()
    assert card is not None
    assert target is not None
    page.mouse.move(card["x"] + 30, card["y"] + 15)
    page.mouse.down()
    page.mouse.move(target["x"] + 40, target["y"] + 120, steps=5)
    page.mouse.up()


def test_cards_are_moved_with_the_pointer_and_with_the_keyboard(job: Job, recruiter: User, sign_in: SignIn) -> None:
    page = sign_in(recruiter)
    page.goto(f"/admin/board/{job.pk}/")
    said = page.locator("#board-live")

    # With the pointer, confirmed, and undone.
    drag(page, "Ada", to="Review")
    dialog = page.get_by_role("dialog", name="Move Ada to “Review”?")
    expect(dialog).to_contain_text("This will send “We read it” on")
    assert (stage_of("Ada"), Message.objects.count()) == ("Applied", 0)
    dialog.get_by_role("button", name="Move", exact=True).click()
    expect(page.locator("#board-toast")).to_contain_text("“We read it” leaves on")
    expect(column(page, "Review")).to_contain_text("Ada")
    assert (stage_of("Ada"), Message.objects.get().status) == ("Review", Message.Status.SCHEDULED)
    page.get_by_role("button", name="Undo").click()
    expect(column(page, "Applied")).to_contain_text("Ada")
    assert (stage_of("Ada"), Message.objects.get().status) == ("Applied", Message.Status.CANCELLED)

    # With the keyboard: down to the second card, pick it up, the next column, drop it, and move it without sending.
    page.locator(".board-card", has_text="Ada").get_by_role("link").first.focus()
    for key in ("ArrowDown", "Space", "ArrowRight"):
        page.keyboard.press(key)
    expect(said).to_contain_text("Review, 2 of 7, 0 cards.")
    page.keyboard.press("Space")
    expect(page.get_by_role("dialog", name="Move Bo to “Review”?")).to_be_visible()
    page.keyboard.press("Escape")
    expect(said).to_contain_text("Bo was not moved.")
    for key in ("Space", "ArrowRight", "Space"):
        page.keyboard.press(key)
    expect(page.get_by_role("dialog", name="Move Bo to “Review”?")).to_be_visible()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(said).to_contain_text("Bo is in “Review”.")
    assert (stage_of("Bo"), Message.objects.count()) == ("Review", 1)
    expect(page.locator(".board-card", has_text="Bo").get_by_role("link").first).to_be_focused()

    # Somebody else was quicker: one sentence, and the board as it is now.
    make.move_to(Application.objects.get(candidate__first_name="Cy"), Milestone.OFFER)
    drag(page, "Cy", to="Interview")
    expect(page.locator("#board-toast")).to_contain_text("Cy is in “Offer” by now.")
    expect(column(page, "Offer")).to_contain_text("Cy")
    assert stage_of("Cy") == "Offer"
