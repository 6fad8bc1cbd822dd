"""Server time of every page of the demo company, as the product serves it: `make bench-pages`.

Each page is asked for several times in turn with all others, and medians are printed. Ends with 1 where one is over the
limit.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time

import django

from tests.pages import demo

LIMIT = 150.0  # milliseconds of server time in the median


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--anew", action="store_true", help="load the demo company again")
    options = parser.parse_args()
    demo.load(anew=options.anew)
    os.environ.update(demo.ENVIRONMENT)
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    django.setup()
    found = measure(options.rounds)
    slow = [title for title, (milliseconds, _, _) in found.items() if milliseconds > LIMIT]
    say("| page | ms, median | queries | kB, compressed |", "| --- | ---: | ---: | ---: |")
    for title, (milliseconds, queries, size) in sorted(found.items(), key=lambda item: -item[1][0]):
        say(f"| {title} | {milliseconds:.0f} | {queries} | {size / 1000:.0f} |")
    say("", f"{len(found)} pages; over {LIMIT:.0f} ms: {', '.join(slow) or 'none'}.")
    return bool(slow)


def measure(rounds: int) -> dict[str, tuple[float, int, int]]:
    """By page: milliseconds in the median, queries, compressed bytes."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from pipeline.models import User
    from tests.pages.places import all_places

    client = Client(headers={"host": "localhost", "accept-encoding": "gzip"})
    client.force_login(User.objects.get(username="administrator"))
    places = all_places()
    times: dict[str, list[float]] = {title: [] for title in places}
    counts = {}
    for title, path in places.items():  # the first time compiles templates
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(path)
        if answer.status_code != 200:
            sys.exit(f"{title} ({path}) answers {answer.status_code}.")
        counts[title] = (len(queries), len(answer.content))
    for _ in range(rounds):
        for title, path in places.items():
            begun = time.perf_counter()
            client.get(path)
            times[title].append((time.perf_counter() - begun) * 1000)
    return {title: (statistics.median(times[title]), *counts[title]) for title in places}


def say(*lines: str) -> None:
    print(*lines, sep="\n", flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
