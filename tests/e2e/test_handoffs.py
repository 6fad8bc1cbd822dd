"""A recruiter goes through their hand-offs with keys, comes back to a draft, and takes back what they sent."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.utils import timezone
from playwright.sync_api import Dialog, Page, expect
from pytest_django.fixtures import Settings

from messaging.delivery import outbox
from messaging.models import Draft, HandOff, Message
from pipeline.models import User
from tests.factories import make_application, make_candidate, make_colleague, make_hand_off, make_job

pytestmark = pytest.mark.django_db(transaction=True)

SignIn = Callable[[User], Page]

OWN = """Dear Mira,

I promised to call you about Tuesday, and I kept putting it off because I had hoped for another answer. Your wall was the
straightest of the three, and Bea still talks about the corner. We chose Omar, who has run a crew before; you have not
yet, and the crew was the point of this job.

Rita"""


@pytest.fixture
def recruiter() -> User:
    return make_colleague("Recruiter", username="rita", first_name="Rita", last_name="Okafor")


def hand_off_for(first_name: str, *, recruiter: User | None) -> HandOff:
    candidate = make_candidate(first_name=first_name, last_name="Castellanos")
    job, now = make_job(title=f"Bricklayer for {first_name}", recruiter=recruiter), timezone.now()
    return make_hand_off(now=now, application=make_application(candidate=candidate, job=job, now=now))


def test_the_list_and_the_page_are_worked_with_keys_alone_and_what_was_sent_is_taken_back(
    recruiter: User, sign_in: SignIn, settings: Settings
) -> None:
    settings.UNDO_SECONDS = 60
    hand_off_for("Omar", recruiter=recruiter)
    mira = hand_off_for("Mira", recruiter=None)
    page = sign_in(recruiter)
    keys = page.keyboard
    page.goto("/admin/messaging/handoff/")

    keys.press("?")
    expect(page.get_by_text("Undo what was just sent")).to_be_visible()
    for key in ("j", "j", "k", "j"):
        keys.press(key)
    expect(page.get_by_role("link", name="Mira Castellanos")).to_be_focused()
    keys.press("c")
    expect(page.get_by_text("Rejection for Mira Castellanos is yours now.")).to_be_visible()
    assert HandOff.objects.get(pk=mira.pk).owner == recruiter

    keys.press("j")
    keys.press("j")
    keys.press("Enter")
    page.wait_for_url("**/compose/")
    keys.press("e")
    expect(page.get_by_label("Message", exact=True)).to_be_focused()
    keys.insert_text(OWN)
    keys.press("Shift+Tab")
    keys.insert_text("Your application, j and k")
    expect(page.locator("#check-sentence")).to_have_text("These are your own words. It can leave.")
    keys.press("Escape")
    keys.press("p")
    expect(page.frame_locator("#preview iframe").get_by_text("Bea still talks about the corner")).to_be_visible()
    keys.press("e")
    keys.press("Control+Enter")
    expect(page.get_by_text("Your message to Mira Castellanos leaves at")).to_be_visible()
    outbox.drain(clock=timezone.now)
    assert Message.objects.get(origin="person").status == "scheduled"

    keys.press("u")
    expect(page.get_by_text("Taken back: nothing went to Mira Castellanos.")).to_be_visible()
    expect(page.get_by_label("Message", exact=True)).to_have_value(OWN)
    assert Message.objects.get(origin="person").status == "cancelled"
    assert HandOff.objects.open().filter(application=mira.application).count() == 1


def test_what_was_written_is_there_again_after_a_reload(recruiter: User, sign_in: SignIn) -> None:
    hand_off = hand_off_for("Mira", recruiter=recruiter)
    page = sign_in(recruiter)
    page.goto(f"/admin/messaging/handoff/{hand_off.pk}/compose/")
    page.get_by_label("Message", exact=True).press_sequentially("Dear Mira, ")
    page.get_by_role("button", name="Job Bricklayer for Mira").click()
    expect(page.get_by_label("Message", exact=True)).to_be_focused()
    expect(page.locator("#saved")).to_contain_text("Draft saved at")
    asked: list[str] = []

    def note(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", note)
    page.reload()
    expect(page.get_by_label("Message", exact=True)).to_have_value("Dear Mira, Bricklayer for Mira")
    expect(page.locator("#saved")).to_contain_text("is here again")
    assert asked == []  # nothing would have been lost

    page.keyboard.press("e")
    page.keyboard.type(" for now")
    page.keyboard.press("Control+s")
    expect(page.locator("#saved")).to_contain_text("Draft saved at")
    assert Draft.objects.get().body == "Dear Mira, Bricklayer for Mira for now"
