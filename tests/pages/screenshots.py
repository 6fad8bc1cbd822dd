"""The pictures of the README and of docs, taken of the demo company as it is now: `make screenshots`."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import django
from playwright.sync_api import Page

from tests.pages import demo

IMAGES = demo.ROOT / "docs" / "images"
# The file, and of which page it is taken; see places.
PICTURES = {
    "today": "Today",
    "compose": "compose",
    "board": "board",
    "candidate": "busiest candidate",
    "policy": "policy map",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--anew", action="store_true", help="load the demo company again")
    demo.load(anew=parser.parse_args().anew)
    os.environ.update(demo.ENVIRONMENT)
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    django.setup()
    from tests.pages.browsing import chromium, signed_in
    from tests.pages.places import all_places

    places = all_places()
    with (
        demo.served() as url,
        chromium() as browser,
        signed_in(browser, url, theme="light", username="recruiter") as (page, _),
    ):
        for name, title in PICTURES.items():
            take(page, places[title], IMAGES / f"{name}.png")


def take(page: Page, path: str, image: Path) -> None:
    page.goto(path)
    page.wait_for_load_state("networkidle")
    page.screenshot(path=image)
    print(image.relative_to(demo.ROOT), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
