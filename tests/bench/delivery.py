"""Measures every way in turn, over and over, against the same sinks, and prints medians: `make bench-delivery`.

Ratios are taken within a round, so that a machine that has other things to do spoils a figure and not the comparison.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tqdm import tqdm

ROOT = Path(__file__).resolve().parents[2]
SINKS = {"SMTP 0 ms": ("smtp", 0), "SMTP 20 ms": ("smtp", 20), "HTTP 0 ms": ("http", 0), "HTTP 50 ms": ("http", 50)}
BEFORE = 100  # messages that have left before anything is measured: no database in use has none
RAW, DJANGO = "raw, prebuilt, 1 connection", "Django send_messages, 1 connection"


class Round:
    """The environment of the contenders for one sink."""

    def __init__(self, kind: str, ports: list[str], options: argparse.Namespace, folder: Path) -> None:
        is_http = kind == "http"
        self.folder = folder
        self.environment = {
            **os.environ,
            "SECRET_KEY": "a key for measuring, which guards nothing at all",
            "ENV_FILE": os.devnull,
            "VAR_DIR": str(folder),
            "LOG_LEVEL": "ERROR",
            "MAIL_MODE": "allowlist",
            "MAIL_ALLOWLIST": "@example.com",
            "MAIL_FROM": "jobs@acme-careers.com",
            "MAIL_PROVIDER": "postmark" if is_http else "smtp",
            **({"MAIL_CONNECTIONS": str(options.connections)} if options.connections else {}),
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": ports[0],
            "ANYMAIL_POSTMARK_API_URL": f"http://127.0.0.1:{ports[1]}/",
            "ANYMAIL_POSTMARK_SERVER_TOKEN": "token",
            "BENCH_BACKEND": "anymail.backends.postmark.EmailBackend"
            if is_http
            else "django.core.mail.backends.smtp.EmailBackend",
        }

    def start(self, way: str, number: int, database: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.contender", way, str(number)],
            cwd=ROOT,
            # A folder for each database: what was sent is written down there, and another database would not know of it.
            env=self.environment | {"DATABASE_URL": database, "VAR_DIR": str(self.folder / database.partition(":")[0])},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            sys.exit(f"{way} did not get ready.")
        return process

    def measure(self, way: str, number: int, *, database: str, processes: int = 1, size: int = 0) -> float:
        """Messages per second from the word go until the last process says that it is through."""
        started = [self.start(way, size or number, database) for _ in range(processes)]
        begun = time.perf_counter()
        for process in started:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        sent = sum(int(process.stdout.readline()) for process in started if process.stdout is not None)
        seconds = time.perf_counter() - begun
        for process in started:
            process.communicate()
        if sent != number:
            sys.exit(f"{way} sent {sent} of {number}.")
        return number / seconds

    def ask(self, way: str, number: int, database: str) -> int:
        return int(self.start(way, number, database).communicate("go\n")[0])

    def fill(self, way: str, number: int, database: str) -> None:
        self.start(way, number, database).communicate("go\n")


def measure_all(
    options: argparse.Namespace, sink: str, databases: dict[str, str], folder: Path
) -> dict[str, list[float]]:
    kind, delay = SINKS[sink]
    found: dict[str, list[float]] = {}
    delays = [str(delay), str(delay)]
    with subprocess.Popen(
        [sys.executable, "-m", "tests.bench.sink", *delays],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        here = Round(kind, server.stdout.readline().split(), options, folder)
        number, serial = options.messages, max(10, options.messages // (10 if delay else 1))
        for url in databases.values():
            here.fill("fill_ours", BEFORE, url)
            here.measure("ours", BEFORE, database=url)
        for _ in tqdm(range(options.rounds), desc=sink, leave=False):
            none = next(iter(databases.values()))
            figures = {
                RAW: here.measure("raw", serial, database=none),
                DJANGO: here.measure("send_messages", serial, database=none),
            }
            for name, url in databases.items():
                if options.post_office:
                    here.fill("fill_post_office", number, url)
                    figures[f"django-post_office, {options.processes} processes, {name}"] = here.measure(
                        "post_office", number, database=url, size=options.processes
                    )
                for workers in sorted({1, options.processes}):
                    here.fill("fill_ours", number, url)
                    label = f"Byhand, {workers} worker{'s' if workers > 1 else ''}, {name}"
                    figures[label] = here.measure("ours", number, database=url, processes=workers)
            for name, figure in figures.items():
                found.setdefault(name, []).append(figure)
        server.communicate("")
    return found


def table_of(found: dict[str, list[float]]) -> list[str]:
    def median_ratio(name: str, other: str) -> str:
        pairs = zip(found[name], found[other], strict=True)
        return f"{statistics.median(mine / theirs for mine, theirs in pairs):.2f}"

    lines = ["| way | messages per second | to Django | to django-post_office |", "| --- | ---: | ---: | ---: |"]
    for name, figures in found.items():
        database = name.rpartition(", ")[2]
        office = next((other for other in found if other.startswith("django-post") and other.endswith(database)), None)
        to_office = median_ratio(name, office) if office and name.startswith("Byhand") else ""
        lines.append(f"| {name} | {statistics.median(figures):.0f} | {median_ratio(name, DJANGO)} | {to_office} |")
    return lines


def prepare(databases: dict[str, str], folder: Path) -> None:
    here = Round("smtp", ["1", "2"], argparse.Namespace(connections=1), folder)
    for url in databases.values():
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity=0", "--settings=tests.bench.settings"],
            cwd=ROOT,
            env=here.environment | {"DATABASE_URL": url},
            check=True,
        )


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=400, help="of each run")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--connections", type=int, help="of each worker; without it, as many as the setting says")
    parser.add_argument("--batch", type=int, default=500, help="whose queries are counted")
    parser.add_argument(
        "--postgres", default="", help="URL of an empty database to measure in; without it, SQLite alone"
    )
    parser.add_argument("--sinks", nargs="*", default=list(SINKS), choices=list(SINKS))
    parser.add_argument("--no-post-office", dest="post_office", action="store_false")
    return parser.parse_args()


def say(*lines: Any) -> None:
    print(*lines, sep="\n", flush=True)  # noqa: T201


def main() -> None:
    options = read_arguments()
    with tempfile.TemporaryDirectory(prefix="byhand-bench-") as folder:
        databases = {"SQLite": f"sqlite:///{folder}/bench.sqlite3"}
        if options.postgres:
            databases["PostgreSQL"] = options.postgres
        prepare(databases, Path(folder))
        here = Round("smtp", ["1", "2"], options, Path(folder))
        for sink in options.sinks:
            say("", f"### {sink} per reply", "", *table_of(measure_all(options, sink, databases, Path(folder))))
        queries = [here.ask("queries_of", number, databases["SQLite"]) for number in (50, options.batch)]
        say(
            "",
            f"One decision takes {here.ask('decide_one', 20_000, databases['SQLite']) / 1000:.1f} µs.",
            f"Deciding 50 messages takes {queries[0]} queries, deciding {options.batch} takes {queries[1]}.",
        )


if __name__ == "__main__":
    main()
