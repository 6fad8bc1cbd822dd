"""Somebody finds a candidate and a page from anywhere, with the keyboard alone."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Request, Route, expect

from pipeline.models import User
from tests import factories as make

pytestmark = pytest.mark.django_db(transaction=True)

SignIn = Callable[[User], Page]


def test_the_palette_is_used_with_the_keyboard_alone(sign_in: SignIn) -> None:
    person = make.make_colleague("Recruiter", username="rita", first_name="Rita", last_name="Okafor")
    make.make_candidate(first_name="Zora", last_name="Adams")
    wanted = make.make_candidate(first_name="Zoe", last_name="Dubois")
    page = sign_in(person)

    page.keyboard.press("Control+k")
    field = page.get_by_role("combobox", name="Find candidates")
    expect(field).to_be_focused()
    page.keyboard.type("zo")
    expect(page.locator("#palette-live")).to_have_text("2 found.")
    expect(page.get_by_role("option", name="Zoe Dubois")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("option", name="Zora Adams")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/admin/pipeline/candidate/{wanted.pk}/change/")

    # Enter means what is typed, also before the answer is there, and though an older answer comes meanwhile; Escape closes,
    # also when something is typed.
    held: list[Route] = []
    page.route(re.compile(r"\?s=$"), lambda route: held.append(route))  # noqa: PLW0108  (it is written to)
    with page.expect_request(re.compile(r"\?s=$")):
        page.keyboard.press("Control+k")
    page.keyboard.type("templates")
    ended: list[Request] = []  # it may be called off by then, if typing took long
    page.on("requestfinished", lambda request: ended.append(request))  # noqa: PLW0108
    page.on("requestfailed", lambda request: ended.append(request))  # noqa: PLW0108
    held[0].continue_()
    for _ in range(1000):
        if held[0].request in ended:
            break
        page.wait_for_timeout(10)
    assert held[0].request in ended
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/messaging/template/")
    page.keyboard.press("Control+k")
    page.keyboard.type("zo")
    page.keyboard.press("Escape")
    expect(field).to_be_hidden()
