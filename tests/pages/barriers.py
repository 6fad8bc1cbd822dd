"""What keeps people out of a page, as axe-core finds it, and what pages log as errors: `make barriers`.

Every page of the demo company, light and wide, dark and narrow; with `--rare` every other page that an address of the
product leads to, with rows that the demo company lacks (an uncertain mail, a bounce, an operation). Ends with 1 where there
is a serious or critical finding, an error in the console, or a page that has to be scrolled sideways on a phone.
"""

from __future__ import annotations

import argparse
import os
import sys

import django
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page
from tqdm import tqdm

from tests.pages import demo

GRAVE = frozenset({"serious", "critical"})
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--anew", action="store_true", help="load the demo company again")
    parser.add_argument("--only", default="", help="pages whose title holds this")
    parser.add_argument("--rare", action="store_true", help="the other pages")
    options = parser.parse_args()
    environment = demo.load_nothing() if options.rare else demo.load(anew=options.anew)
    os.environ.update(environment)
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    django.setup()
    from tests.pages.places import all_places, rare_places

    everything = rare_places() if options.rare else all_places()
    places = {title: path for title, path in everything.items() if options.only in title}
    found = look_at(places, environment)
    say(*(f"{title}: {finding}" for title, finding in found))
    say("", f"{len(places)} pages, light and dark, wide and narrow: {len(found)} grave findings.")
    return bool(found)


def look_at(places: dict[str, str], environment: dict[str, str]) -> list[tuple[str, str]]:
    from tests.pages.browsing import PHONE, WIDE, Theme, chromium, signed_in

    found: list[tuple[str, str]] = []
    themes: tuple[tuple[Theme, tuple[int, int]], ...] = (("light", WIDE), ("dark", PHONE))
    with demo.served(environment) as url, chromium() as browser:
        for theme, size in themes:
            with signed_in(browser, url, theme=theme, size=size) as (page, complaints):
                for title, path in tqdm(places.items(), desc=theme, leave=False):
                    complaints.clear()
                    page.goto(path)
                    page.wait_for_load_state("networkidle")
                    where = f"{title}, {theme}"
                    found += [(where, finding) for finding in grave_findings(page)]
                    found += [(where, f"the console says: {text[:300]}") for text in complaints]
                    if size == PHONE and (pixels := page.evaluate(SIDEWAYS)) > 0:
                        found.append((where, f"has to be scrolled sideways by {pixels} pixels"))
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
