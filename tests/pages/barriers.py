"""What keeps people out of a page, as axe-core finds it, and what pages log as errors: `make barriers`.

Every page of the demo company, light and dark, wide and narrow, with the sign-in page and what a bulk act shows before it
is confirmed; with `--rare` every other page that an address of the product leads to, with rows that are made for it. Ends
with 1 where there is a serious or critical finding, an error in the console, or a page that has to be scrolled sideways on a
phone.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from typing import Literal

import django
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page
from tqdm import tqdm

from tests.pages import demo

Form = tuple[Literal["light", "dark"], tuple[int, int]]
FORMS: dict[str, Form] = {
    "light-wide": ("light", (1440, 900)),
    "light-narrow": ("light", (390, 844)),
    "dark-wide": ("dark", (1440, 900)),
    "dark-narrow": ("dark", (390, 844)),
}
Way = Callable[[Page], None]
GRAVE = frozenset({"serious", "critical"})
LIST = "/admin/pipeline/application/?status__exact=active"
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--anew", action="store_true", help="load the demo company again")
    parser.add_argument("--only", default="", help="pages whose title holds this")
    parser.add_argument("--forms", nargs="+", default=list(FORMS), choices=list(FORMS), help="without it, all of them")
    parser.add_argument("--rare", action="store_true", help="the other pages")
    options = parser.parse_args()
    environment = demo.load_nothing() if options.rare else demo.load(anew=options.anew)
    os.environ.update(environment)
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    django.setup()
    from tests.pages.places import all_places, rare_places

    everything = rare_places() if options.rare else all_places()
    ways: dict[str, Way] = {title: _by_address(path) for title, path in everything.items()}
    if not options.rare:
        ways |= {"bulk rejection": choose_several, "bulk rejection, looked at": look_ahead}
    ways = {title: way for title, way in ways.items() if options.only in title}
    began = time.monotonic()
    found = look_at(ways, environment, forms=[FORMS[name] for name in options.forms])
    say(*(f"{title}: {finding}" for title, finding in found))
    took = time.monotonic() - began
    say("", f"{len(ways)} pages, {', '.join(options.forms)}, in {took:.0f} s: {len(found)} grave findings.")
    return bool(found)


def look_at(ways: dict[str, Way], environment: dict[str, str], *, forms: list[Form]) -> list[tuple[str, str]]:
    from tests.pages.browsing import chromium, opened, signed_in

    found: list[tuple[str, str]] = []
    with demo.served(environment) as url, chromium() as browser:
        for theme, size in forms:
            how = f"{theme}, {size[0]} pixels"
            with opened(browser, url, theme=theme, size=size) as (page, complaints):
                found += [(f"sign-in, {how}", finding) for finding in findings_of(page, complaints)]
                fail_to_sign_in(page)
                found += [(f"failed sign-in, {how}", finding) for finding in findings_of(page, complaints)]
            with signed_in(browser, url, theme=theme, size=size) as (page, complaints):
                for title, go in tqdm(ways.items(), desc=how, leave=False):
                    complaints.clear()
                    go(page)
                    found += [(f"{title}, {how}", finding) for finding in findings_of(page, complaints)]
    return found


# --- Ways to a page ---------------------------------------------------------------------------------------------------


def _by_address(path: str) -> Way:
    def go(page: Page) -> None:
        page.goto(path)

    return go


def fail_to_sign_in(page: Page) -> None:
    from tests.pages.browsing import sign_in

    sign_in(page, username="nobody", password="nothing")
    page.get_by_text("do not go together").wait_for()


def choose_several(page: Page) -> None:
    page.goto(LIST)
    rows = page.locator("input.action-select")
    for number in range(min(rows.count(), 9)):
        rows.nth(number).check()
    page.locator("select[name=action]").select_option(label="Reject…")
    page.get_by_role("button", name="Run", exact=False).first.click()
    page.get_by_role("button", name="See what will follow").wait_for()


def look_ahead(page: Page) -> None:
    choose_several(page)
    page.locator("input[name=reason]").first.check(force=True)
    page.get_by_role("button", name="See what will follow").click()
    page.get_by_role("button", name="Look again").wait_for()


# --- What is found ----------------------------------------------------------------------------------------------------


def findings_of(page: Page, complaints: list[str]) -> list[str]:
    page.wait_for_load_state("networkidle")
    found = grave_findings(page) + [f"the console says: {text[:300]}" for text in complaints]
    if (pixels := page.evaluate(SIDEWAYS)) > 0:
        found.append(f"has to be scrolled sideways by {pixels} pixels")
    return found


def grave_findings(page: Page) -> list[str]:
    violations = Axe().run(page).response["violations"]
    return [
        f"{violation['id']} ({violation['impact']}): {node['target'][0]} — {node['html'][:160]}"
        for violation in violations
        if violation["impact"] in GRAVE
        for node in violation["nodes"][:3]
    ]


def say(*lines: str) -> None:
    print(*lines, sep="\n", flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
