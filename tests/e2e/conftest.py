"""A real browser that signs in like a person, and that complains where a page logs an error."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright
from pytest_django.live_server_helper import LiveServer

from pipeline.models import User

PASSWORD = "a pass phrase for tests only"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]

SignIn = Callable[[User], Page]


@pytest.fixture(scope="package")
def browser(chromium: str) -> Iterator[Browser]:
    """One for all of them: starting it takes a second, and everybody gets a context of their own in it."""
    with pytest.MonkeyPatch.context() as patch:
        # Playwright keeps a loop of its own in this thread, which Django takes for code that must not wait.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "yes")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
            yield browser
            browser.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the pages of a test logged as errors; empty at its end, unless the test empties it itself."""
    return []


@pytest.fixture
def sign_in(browser: Browser, live_server: LiveServer, complaints: list[str]) -> Iterator[SignIn]:
    """A page of its own for each person, signed in through the form and on Today."""
    contexts = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error":
            complaints.append(f"{message.text} ({message.location})")

    def sign_in(person: User) -> Page:
        person.set_password(PASSWORD)
        person.save(update_fields=["password"])
        context = browser.new_context(base_url=live_server.url)
        contexts.append(context)
        page = context.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.set_default_timeout(15_000)
        page.goto("/admin/")
        page.get_by_label("Username").fill(person.username)
        page.get_by_label("Password").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(f"{live_server.url}/admin/")
        return page

    yield sign_in
    for context in contexts:
        context.close()
    assert complaints == []
