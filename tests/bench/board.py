"""Measures a board of a thousand cards, on the server and in a real Chromium: `make bench-board`."""

from __future__ import annotations

import argparse
import itertools
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.sync_api import Page, sync_playwright

if TYPE_CHECKING:
    from pipeline.models import Job, User

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "a pass phrase for measuring"
SEED = 20
# How the cards are spread over the stages: most people are at the beginning.
WEIGHTS = (55, 20, 10, 7, 4, 3, 1)

# Notes the time of every frame, and every task of the page that took longer than three frames.
RECORD = """() => {
    window.frames_ = [];
    window.long_ = [];
    new PerformanceObserver((list) => list.getEntries().forEach((task) => window.long_.push(task.duration)))
        .observe({ type: "longtask" });
    const note = (at) => { window.frames_.push(at); requestAnimationFrame(note); };
    requestAnimationFrame(note);
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cards", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--chromium", default=os.environ.get("CHROMIUM"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {
            "ENV_FILE": os.devnull,
            "SECRET_KEY": "a key for measuring, which guards nothing at all",
            "VAR_DIR": folder,
            "DATABASE_URL": f"sqlite:///{folder}/bench.sqlite3",
            "LOG_LEVEL": "ERROR",
            "DJANGO_SETTINGS_MODULE": "tests.bench.settings",
            # Playwright keeps a loop of its own in this thread, which Django takes for code that must not wait.
            "DJANGO_ALLOW_ASYNC_UNSAFE": "yes",
        }
        import django

        django.setup()
        job, person = fill(options.cards)
        line("cards", str(options.cards))
        measure_server(job, person, rounds=options.rounds)
        measure_browser(job, person, options.chromium)


def fill(cards: int) -> tuple[Job, User]:
    from django.core.management import call_command
    from django.db import transaction
    from django.utils import timezone

    from pipeline.models import Application
    from tests import factories as make

    call_command("migrate", verbosity=0)
    dice = random.Random(SEED)
    with transaction.atomic():
        person = make.make_colleague("Coordinator", username="bench")
        person.set_password(PASSWORD)
        person.save(update_fields=["password"])
        job = make.make_job(title="Everybody’s favourite job")
        stages = list(job.pipeline.stages.order_by("position"))
        for _ in range(cards):
            candidate = make.make_candidate(came_from=dice.choice(["Referral", "Job board", "Careers page", ""]))
            since = timezone.now() - timedelta(days=dice.randrange(30), minutes=dice.randrange(600))
            application = make.make_application(job=job, candidate=candidate, now=since)
            [stage] = dice.choices(stages, WEIGHTS[: len(stages)])
            Application.objects.filter(pk=application.pk).update(stage=stage)
    return job, person


def measure_server(job: Job, person: User, *, rounds: int) -> None:
    from django.db import connection
    from django.test import Client

    client = Client(headers={"Accept-Encoding": "gzip", "Host": "localhost"})
    client.force_login(person)
    page = f"/admin/board/{job.pk}/"
    client.get(page)
    asked: list[str] = []

    def note(execute: Any, sql: str, *rest: Any) -> Any:
        asked.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(note):
        response = client.get(page)
    assert response.status_code == 200
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        client.get(page)
        times.append((time.perf_counter() - begun) * 1000)
    line("server time, whole page, median", f"{statistics.median(times):.0f} ms")
    line("server time, whole page, slowest", f"{max(times):.0f} ms")
    line("queries", str(len(asked)))
    line("page, compressed", f"{len(response.content) / 1024:.0f} KiB")


def measure_browser(job: Job, person: User, chromium: str | None) -> None:
    port = free_port()
    command = ["-m", "gunicorn", "config.wsgi", "--bind", f"127.0.0.1:{port}", "--log-level", "error"]
    with (
        subprocess.Popen([sys.executable, *command], cwd=ROOT) as server,
        sync_playwright() as playwright,
    ):
        try:
            wait_for(port)
            browser = playwright.chromium.launch(
                executable_path=chromium or find_chromium(), args=["--no-sandbox", "--disable-gpu"]
            )
            page = browser.new_context(
                base_url=f"http://127.0.0.1:{port}", viewport={"width": 1440, "height": 900}
            ).new_page()
            page.goto("/admin/")
            page.get_by_label("Username").fill(person.username)
            page.get_by_label("Password").fill(PASSWORD)
            page.keyboard.press("Enter")
            page.wait_for_url(f"http://127.0.0.1:{port}/admin/")
            look(page, f"/admin/board/{job.pk}/")
            browser.close()
        finally:
            server.terminate()


def look(page: Page, board: str) -> None:
    page.goto(board, wait_until="load")
    page.wait_for_timeout(500)
    loaded = page.evaluate(
        "() => { const it = performance.getEntriesByType('navigation')[0];"
        " return [it.domContentLoadedEventEnd, it.loadEventEnd, it.decodedBodySize,"
        " document.querySelectorAll('*').length]; }"
    )
    line("until the page can be used", f"{loaded[0]:.0f} ms")
    line("until everything is loaded", f"{loaded[1]:.0f} ms")
    line("page, uncompressed", f"{loaded[2] / 1024:.0f} KiB")
    line("elements in the page", f"{loaded[3]:.0f}")
    page.evaluate(RECORD)
    frames(page, "nothing done", lambda: page.wait_for_timeout(1500))
    frames(page, "scrolling the longest column", lambda: scroll(page))
    frames(page, "dragging over all columns", lambda: drag(page))
    begun = time.perf_counter()
    page.mouse.up()
    page.wait_for_function("() => document.querySelector('#board-toast:popover-open')")
    line("from the drop until it is moved", f"{(time.perf_counter() - begun) * 1000:.0f} ms")
    frames(page, "filtering by name", lambda: narrow(page))


def scroll(page: Page) -> None:
    column = page.locator(".board-cards").first.bounding_box()
    assert column is not None
    page.mouse.move(column["x"] + 50, column["y"] + 200)
    for _ in range(120):
        page.mouse.wheel(0, 120)
        page.wait_for_timeout(16)


def drag(page: Page) -> None:
    card = page.locator(".board-cards").nth(1).locator(".board-card").first.bounding_box()
    last = page.locator(".board-column").nth(4).bounding_box()
    assert card is not None
    assert last is not None
    page.mouse.move(card["x"] + 40, card["y"] + 20)
    page.mouse.down()
    for _ in range(3):
        page.mouse.move(last["x"] + 60, card["y"] + 300, steps=40)
        page.mouse.move(card["x"] - 100, card["y"] + 100, steps=40)
    page.mouse.move(last["x"] + 60, card["y"] + 200, steps=20)


def narrow(page: Page) -> None:
    page.get_by_role("searchbox", name="Name or address").fill("Lee10")
    page.wait_for_timeout(1500)


def frames(page: Page, label: str, act: Any) -> None:
    page.evaluate("() => { window.frames_.length = 0; window.long_.length = 0; }")
    act()
    marks, long = page.evaluate("() => [window.frames_, window.long_]")
    gaps = sorted(after - before for before, after in itertools.pairwise(marks))
    line(
        f"{label}: frame times",
        f"median {statistics.median(gaps):.1f} ms, 95 of 100 under {gaps[int(len(gaps) * 0.95)]:.1f} ms, "
        f"longest {gaps[-1]:.0f} ms, {len(long)} tasks over 50 ms",
    )


def line(label: str, value: str) -> None:
    print(f"  {label:<48} {value}")  # noqa: T201


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def wait_for(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    sys.exit("The server did not start.")


def find_chromium() -> str | None:
    from tests.conftest import find_chromium

    return find_chromium()


if __name__ == "__main__":
    main()
