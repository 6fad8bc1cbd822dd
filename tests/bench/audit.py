"""Measures `manage.py audit` at two sizes, for time and for memory: `make bench-audit`.

A first few hundred decisions are made by the product: planned, decided, sent, one of them by a person's hand. SQL then
copies their rows until there are as many as asked for, with the guards lifted, because no row is born as sent. With the
guards back, the product seals all of it, and the audit runs as anybody runs it, in a process of its own.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SEED = 300  # decisions that the product makes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--decisions", type=int, default=20_000, help="of the larger size; the smaller is a tenth of it"
    )
    parser.add_argument("--postgres", default="", help="URL of an empty database to measure in; without it, SQLite")
    parser.add_argument("--folder", default=None, help="where the database lies while it is measured")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="byhand-bench-", dir=options.folder) as folder:
        os.environ |= {
            "ENV_FILE": os.devnull,
            "SECRET_KEY": "a key for measuring, which guards nothing at all",
            "VAR_DIR": folder,
            "DATABASE_URL": options.postgres or f"sqlite:///{folder}/bench.sqlite3",
            "MAIL_MODE": "simulate",
            "LOG_LEVEL": "ERROR",
            "DJANGO_SETTINGS_MODULE": "tests.bench.settings",
        }
        import django

        django.setup()
        stride = make_seed()
        say("| decisions | rows looked at | seconds | of a processor | decisions per second | peak memory |")
        say("| ---: " * 6 + "|")
        copies = 0
        for size in (options.decisions // 10, options.decisions):
            copies = copy_until(size, stride=stride, already=copies)
            seal_all()
            say(measure())


def make_seed() -> int:
    """Returns a number that is larger than any key of what is copied."""
    from django.core.management import call_command
    from django.db import transaction

    from messaging import handoffs
    from messaging.delivery import outbox
    from messaging.models import Attempt, Message, RecordedVerdict
    from tests import factories as make

    call_command("migrate", verbosity=0)
    now = make.NOW
    with transaction.atomic():
        hand_offs = [make.make_hand_off() for _ in range(SEED // 10)]
        for _ in range(SEED - 1 - len(hand_offs)):
            make.make_message(now=now)
        handoffs.answer(hand_offs[0], subject="Our talk", body=make.OWN_WORDS, by=make.make_sender(), now=now)
    outbox.drain(clock=lambda: now + timedelta(hours=2), seconds=600)
    models = (Message, RecordedVerdict, Attempt)
    return 1 + max(model.objects.order_by("-pk").values_list("pk", flat=True)[0] for model in models)


def copy_until(size: int, *, stride: int, already: int) -> int:
    """Copies messages, decisions, attempts and acts of release, a whole seed at a time. Returns how many copies it is."""
    from django.db import connection, transaction

    from messaging.models import Attempt, Message, RecordedVerdict, Release
    from tests.guards_off import guards_off

    seed = RecordedVerdict.objects.filter(pk__lt=stride).count()
    last = max(already, -(-size // seed) - 1)
    if last == already:
        return already
    key, message = f"s.id + n * {stride}", f"s.message_id + n * {stride}"
    public_id = f"printf('%032x', {key})" if connection.vendor == "sqlite" else f"lpad(to_hex({key}), 32, '0')::uuid"
    with transaction.atomic(), guards_off(), connection.cursor() as cursor:
        for model, changes in {
            Message: {"id": key, "public_id": public_id, "cause": "'copy ' || n || '/' || s.id"},
            RecordedVerdict: {"id": key, "message_id": message, "seal_id": "NULL"},
            Attempt: {
                "id": key,
                "message_id": message,
                "provider_message_id": "CASE s.provider_message_id WHEN '' THEN '' ELSE 'copy ' || n || '/' || s.id END",
            },
            Release: {"message_id": message},
        }.items():
            columns = [str(field.column) for field in model._meta.concrete_fields]
            where = f"{model._meta.pk.column} < {stride}"
            cursor.execute(copying(model._meta.db_table, columns, changes, where=where, copies=(already + 1, last)))
    return last


def copying(
    table: str, columns: Sequence[str], changes: Mapping[str, str], *, where: str, copies: tuple[int, int]
) -> str:
    values = ", ".join(changes.get(column, f"s.{column}") for column in columns)
    return (
        f"WITH RECURSIVE copies(n) AS (SELECT {copies[0]} UNION ALL SELECT n + 1 FROM copies WHERE n < {copies[1]}) "
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM copies CROSS JOIN {table} s WHERE s.{where}"
    )


def seal_all() -> None:
    from django.utils import timezone

    from messaging import ledger

    while ledger.seal(now=timezone.now()):
        pass


def measure() -> str:
    """The audit as a process, and what the system says that it took; an audit that finds a violation ends the measuring."""
    from messaging import audit
    from messaging.models import RecordedVerdict

    decisions, rows = RecordedVerdict.objects.count(), audit.count()
    begun = time.perf_counter()
    process = subprocess.Popen([sys.executable, "manage.py", "audit"], cwd=ROOT, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit("The audit did not find everything in order.")
    memory = usage.ru_maxrss / 1024  # kilobytes, on Linux
    busy = usage.ru_utime + usage.ru_stime
    return f"| {decisions:,} | {rows:,} | {seconds:.1f} | {busy:.1f} | {decisions / seconds:,.0f} | {memory:.0f} MB |"


def say(*lines: str) -> None:
    print(*lines, sep="\n", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
