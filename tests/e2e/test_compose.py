"""A recruiter closes hand-offs in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from messaging.delivery import outbox, reading
from messaging.models import HandOff, Message
from pipeline.models import User
from tests.factories import make_application, make_candidate, make_colleague, make_hand_off, make_job

pytestmark = pytest.mark.django_db(transaction=True)

Status = HandOff.Status
SignIn = Callable[[User], Page]

PASTED = """Dear Mira,

Thank you for applying for Bricklayer. We have read your application and we will not be moving forward with it.

Rita Okafor"""

OWN = """Dear Mira,

I promised to call you about Tuesday, and I kept putting it off because I had hoped for another answer. Your wall was the
straightest of the three, and Bea still talks about the corner. We chose Omar, who has run a crew before; you have not
yet, and the crew was the point of this job.

Rita"""


@pytest.fixture
def recruiter() -> User:
    return make_colleague("Recruiter", username="rita", first_name="Rita", last_name="Okafor")


@pytest.fixture
def hand_off(recruiter: User) -> HandOff:
    candidate = make_candidate(first_name="Mira", last_name="Castellanos", email="mira@example.com")
    job = make_job(title="Bricklayer", recruiter=recruiter)
    now = timezone.now()
    return make_hand_off(now=now, application=make_application(candidate=candidate, job=job, now=now))


def open_from_today(page: Page) -> None:
    page.get_by_role("region", name="My hand-offs").get_by_role("link", name="Mira Castellanos").click()
    expect(page.get_by_role("heading", name="Rejection to Mira Castellanos")).to_be_visible()


def again(hand_off: HandOff) -> HandOff:
    return HandOff.objects.get(pk=hand_off.pk)


def test_the_template_is_refused_and_own_words_leave(recruiter: User, hand_off: HandOff, sign_in: SignIn) -> None:
    page = sign_in(recruiter)
    open_from_today(page)
    text, said = page.get_by_label("Message", exact=True), page.get_by_role("status")
    page.get_by_label("Subject").fill("Your application")

    text.fill(PASTED)
    expect(said).to_contain_text("Too close to the template")
    expect(page.locator("#check mark")).to_contain_text("We have read your application")

    page.get_by_role("button", name="Send as me").click()
    expect(page.get_by_role("status")).to_contain_text("Too close to the template")
    expect(page.locator("#check mark")).to_contain_text("We have read your application")
    expect(text).to_have_value(PASTED)
    assert again(hand_off).is_open

    text.fill(OWN)
    expect(said).to_have_text("These are your own words. It can leave.")
    expect(page.locator("#check mark")).to_have_count(0)
    page.get_by_role("button", name="Send as me").click()
    expect(page.get_by_text("Your message to Mira Castellanos is on its way.")).to_be_visible()

    answer = again(hand_off).answer
    assert answer is not None
    assert (again(hand_off).status, answer.body) == (Status.ANSWERED, OWN)
    outbox.drain(clock=timezone.now)
    letter = reading.read_file(answer)
    assert letter is not None
    assert (letter.recipient, letter.subject) == ("mira@example.com", "Your application")

    page.goto(f"/admin/messaging/message/{answer.pk}/read/")
    frame = page.frame_locator("iframe")
    expect(frame.get_by_text("Bea still talks about the corner")).to_be_visible()


def test_a_call_closes_the_hand_off(recruiter: User, hand_off: HandOff, sign_in: SignIn) -> None:
    page = sign_in(recruiter)
    open_from_today(page)
    page.get_by_label("Message", exact=True).fill(PASTED)
    page.get_by_role("button", name="I called them").click()
    expect(page.get_by_text("Say in a sentence what was said on the phone")).to_be_visible()
    expect(page.get_by_label("Message", exact=True)).to_have_value(PASTED)
    expect(page.get_by_role("status")).to_contain_text("Too close to the template")
    page.get_by_label("What was said on the phone").fill("Called at noon. She had guessed, and thanked us for calling.")
    page.get_by_role("button", name="I called them").click()
    expect(page.get_by_text("Noted: you told Mira Castellanos by phone.")).to_be_visible()
    assert again(hand_off).status == Status.TOLD_BY_PHONE
    assert not Message.objects.filter(origin="person").exists()


def test_of_two_who_press_send_at_once_the_second_keeps_their_words(
    recruiter: User, hand_off: HandOff, sign_in: SignIn
) -> None:
    colleague = make_colleague("Recruiter", username="tom", first_name="Tom", last_name="Adeyemi")
    pages = [sign_in(recruiter), sign_in(colleague)]
    for page in pages:
        page.goto(f"/admin/messaging/handoff/{hand_off.pk}/compose/")
        page.get_by_label("Subject").fill("Your application")
        page.get_by_label("Message", exact=True).fill(OWN)
    for page in pages:
        page.evaluate("setTimeout(() => document.querySelector('[name=_send]').click(), 100)")
    outcome = re.compile("is on its way|already closed this hand-off")
    for page in pages:
        expect(page.get_by_text(outcome)).to_be_visible()

    second = next(page for page in pages if page.get_by_text("already closed this hand-off").is_visible())
    first = next(person for person in (recruiter, colleague) if person == again(hand_off).closed_by)
    expect(second.get_by_text(f"{first} already closed this hand-off (answered by mail)")).to_be_visible()
    expect(second.get_by_role("region", name="What you had written")).to_contain_text(
        "Bea still talks about the corner"
    )
    assert Message.objects.filter(origin="person").count() == 1


def test_the_whole_way_can_be_gone_with_the_keyboard_alone(recruiter: User, hand_off: HandOff, sign_in: SignIn) -> None:
    page = sign_in(recruiter)
    keys = page.keyboard

    def tab_to(wanted: str) -> None:
        for _ in range(80):
            keys.press("Tab")
            focused = page.evaluate(
                "(document.activeElement.labels?.[0] ?? document.activeElement).textContent.replace(/\\s+/g, ' ').trim()"
            )
            if focused.startswith(wanted):
                assert page.evaluate("document.activeElement.matches(':focus-visible')")
                return
        pytest.fail(f"{wanted} is not reached with the Tab key")

    tab_to("Mira Castellanos")
    keys.press("Enter")
    page.wait_for_url("**/compose/")
    tab_to("Subject")
    keys.type("Your application")
    keys.press("Tab")
    keys.insert_text(PASTED)
    expect(page.get_by_role("status")).to_contain_text("Too close to the template")
    assert again(hand_off).is_open
    keys.press("ControlOrMeta+a")
    keys.insert_text(OWN)
    expect(page.get_by_role("status")).to_contain_text("These are your own words")
    keys.press("Shift+Tab")
    keys.press("Enter")  # in a field of one line, Enter presses the first button of a form
    page.wait_for_timeout(500)
    assert again(hand_off).is_open
    keys.press("Control+Enter")
    expect(page.get_by_text("Your message to Mira Castellanos is on its way.")).to_be_visible()
    assert again(hand_off).status == Status.ANSWERED


def test_the_preview_shows_the_mail_and_lets_nothing_out(recruiter: User, hand_off: HandOff, sign_in: SignIn) -> None:
    page = sign_in(recruiter)
    open_from_today(page)
    preview = page.locator("#preview")
    expect(preview).to_be_hidden()
    page.get_by_label("Subject").fill("Your application")
    page.get_by_label("Message", exact=True).fill(OWN + "\n\n<script>parent.document.title = 'out'</script>")
    page.get_by_role("button", name="Preview").click()
    frame = preview.frame_locator("iframe")
    expect(frame.get_by_text("Bea still talks about the corner")).to_be_visible()
    expect(frame.get_by_text("parent.document.title")).to_be_visible()
    expect(preview.get_by_text("Your application")).to_be_visible()
    assert "out" not in page.title()
    assert again(hand_off).is_open


def test_nobody_walks_away_from_an_unsent_text_by_accident(recruiter: User, hand_off: HandOff, sign_in: SignIn) -> None:
    page = sign_in(recruiter)
    open_from_today(page)
    asked = []

    def stay(dialog: object) -> None:
        asked.append(dialog.type)  # type: ignore[attr-defined]
        dialog.dismiss()  # type: ignore[attr-defined]

    page.get_by_label("Message", exact=True).press_sequentially("Dear Mira")
    page.on("dialog", stay)
    page.get_by_role("link", name="Mira Castellanos").first.click(no_wait_after=True)
    expect(page.get_by_label("Message", exact=True)).to_have_value("Dear Mira")
    page.wait_for_timeout(300)
    assert asked == ["beforeunload"]
    page.remove_listener("dialog", stay)
    page.on("dialog", lambda dialog: dialog.accept())
