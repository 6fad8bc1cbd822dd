"""A coordinator changes a template in a real browser: hears how it sounds, reads it as a candidate, and signs it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from messaging.models import Message, RejectionPhrase, Template
from messaging.policy.floor import Touchpoint
from pipeline.models import User
from tests.factories import make_application, make_candidate, make_colleague, make_job, make_template

pytestmark = pytest.mark.django_db(transaction=True)

SignIn = Callable[[User], Page]

STIFF = "Dear you,\n\nThank you for your interest in {{ job.title }}. We regret to inform you that it takes longer."
OWN = """Dear {{ candidate.first_name | default: "you" }},

I have read what you sent for {{ job.title }}, and the team in {{ job.location }} reads it on Thursday. You hear from me on
Friday, whatever the answer is.

"""


@pytest.fixture
def template() -> Template:
    RejectionPhrase.objects.get_or_create(text="regret to inform")
    make_application(
        candidate=make_candidate(first_name="Mira", last_name="Castellanos"),
        job=make_job(title="Bricklayer", location=""),
    )
    return make_template(name="Reading", touchpoint=Touchpoint.STATUS_UPDATE, body=STIFF, signed=False)


def test_a_template_is_heard_read_and_signed(template: Template, sign_in: SignIn) -> None:
    page = sign_in(make_colleague("Coordinator", username="priya", first_name="Priya", last_name="Raman"))
    page.goto(f"/admin/messaging/template/{template.pk}/change/")
    said, text = page.get_by_role("region", name="What there is to say to this text"), page.get_by_label("Body")

    # What was saved is heard, its passage found, and the phrase that makes it read like a rejection.
    said.get_by_role("button", name="Thank you for your interest", exact=True).click()
    assert page.evaluate("document.getSelection().toString()") == "Thank you for your interest"
    expect(said).to_contain_text("It reads like a rejection")
    expect(said.get_by_role("button", name="“regret to inform”")).to_be_visible()

    # While it is written anew.
    text.fill(OWN)
    expect(said.get_by_role("status")).to_have_text("Nothing to remark on the voice.")
    expect(said.get_by_role("button")).to_have_count(0)
    text.press("Control+End")
    page.keyboard.press("Alt+p")
    page.keyboard.type("full name sender")
    expect(page.get_by_text("1 placeholder", exact=True)).to_be_visible()
    page.keyboard.press("Enter")
    expect(text).to_be_focused()
    expect(text).to_have_value(f"{OWN}{{{{ sender.name }}}}")

    # As a candidate reads it, and in the worst case.
    live = page.get_by_role("region", name="Preview")
    page.get_by_role("combobox", name="Read it as").click()
    page.keyboard.type("Castell")
    page.get_by_role("option", name="Mira Castellanos").click()
    expect(page.frame_locator("[data-frame=chosen] iframe:not([data-coming])").get_by_text("Dear Mira")).to_be_visible()
    worst = page.frame_locator("[data-frame=worst] iframe:not([data-coming])")
    expect(worst.get_by_text("Dear you")).to_be_visible()
    expect(worst.get_by_text("[missing: job.location]")).to_be_visible()
    expect(live).to_contain_text("Missing: job.location.")
    expect(live.get_by_role("heading", name="As Mira Castellanos reads it")).to_be_visible()

    # Nobody leaves it by accident.
    asked: list[str] = []

    def stay(dialog: object) -> None:
        asked.append(dialog.type)  # type: ignore[attr-defined]
        dialog.dismiss()  # type: ignore[attr-defined]

    page.on("dialog", stay)
    page.get_by_role("link", name="See the whole policy").click(no_wait_after=True)
    page.wait_for_timeout(200)
    assert asked == ["beforeunload"]
    page.remove_listener("dialog", stay)

    # Who leaves all the same finds it again in this tab.
    page.once("dialog", lambda dialog: dialog.accept())
    page.reload()
    expect(text).to_have_value(STIFF)
    page.get_by_role("button", name="Put it back").click()
    expect(text).to_have_value(f"{OWN}{{{{ sender.name }}}}")
    page.get_by_role("button", name="Save and continue editing").click()
    page.get_by_role("link", name="sign it", exact=True).click()
    expect(page.get_by_text("Nothing to remark. It sounds like somebody.")).to_be_visible()
    page.get_by_role("button", name="I put my name under this text").click()
    expect(page.get_by_text("Your name stands under Reading, wording 2 now.")).to_be_visible()
    newest = template.wordings.get(number=2)
    assert newest.signatures.get().name == "Priya Raman"
    assert newest.body.endswith("{{ sender.name }}")
    assert not Message.objects.exists()
