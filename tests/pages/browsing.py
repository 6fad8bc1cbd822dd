"""A signed-in browser on the demo company, which keeps what pages complain about."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from playwright.sync_api import Browser, Page, sync_playwright

from messaging.demo.company import PASSWORD
from tests.conftest import NO_BROWSER, find_chromium
from tests.e2e.conftest import ARGUMENTS

Theme = Literal["light", "dark"]
WIDE, PHONE = (1440, 900), (390, 844)


@contextmanager
def chromium() -> Iterator[Browser]:
    path = find_chromium()
    if path is None:
        raise SystemExit(NO_BROWSER)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def opened(
    browser: Browser, url: str, *, theme: Theme, size: tuple[int, int] = WIDE
) -> Iterator[tuple[Page, list[str]]]:
    """The sign-in page, and the list to which it adds what it logs as an error."""
    complaints: list[str] = []
    context = browser.new_context(
        base_url=url, color_scheme=theme, viewport={"width": size[0], "height": size[1]}, reduced_motion="reduce"
    )
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto("/admin/")
    yield page, complaints
    context.close()


@contextmanager
def signed_in(
    browser: Browser, url: str, *, theme: Theme, size: tuple[int, int] = WIDE, username: str = "administrator"
) -> Iterator[tuple[Page, list[str]]]:
    """The page, and the list to which it adds what it logs as an error."""
    with opened(browser, url, theme=theme, size=size) as (page, complaints):
        sign_in(page, username=username, password=PASSWORD)
        page.wait_for_url(f"{url}/admin/")
        yield page, complaints


def sign_in(page: Page, *, username: str, password: str) -> None:
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill(password)
    page.keyboard.press("Enter")
