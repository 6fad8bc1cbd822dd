"""Verifies the ledger, makes every recorded decision again, and says what does not fit together."""

import dataclasses
import json
from collections import Counter
from datetime import datetime, time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_date
from tqdm import tqdm

from messaging import audit
from messaging.audit import Grade, Observation

# Of the differences; --json has all of them.
SHOWN = 20


class Command(BaseCommand):
    help = (
        "Verifies the ledger, makes every recorded decision again, and lists every reserved message that left. Ends with "
        "an error where something is violated."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--since",
            metavar="DATE",
            default="",
            help="Only from this day on, as 2026-09-15; the chain is always whole.",
        )
        parser.add_argument("--json", action="store_true", dest="as_json", help="One JSON object a line; the sum last.")

    def handle(self, *args: Any, since: str, as_json: bool, **options: Any) -> None:
        start = _read_day(since)
        seen: Counter[str] = Counter()
        rows = audit.count(since=start)
        # disable=None shows the bar on a terminal only.
        with tqdm(total=rows, unit="row", desc="Audit", disable=None) as bar:
            for observation in audit.audit(since=start, progress=bar.update):
                seen[observation.grade] += 1
                if as_json:
                    self._write(json.dumps(dataclasses.asdict(observation), ensure_ascii=False))
                elif observation.grade is not Grade.DIFFERENCE or seen[Grade.DIFFERENCE] <= SHOWN:
                    self._write(_in_a_line(observation))
        if as_json:
            self.stdout.write(json.dumps({"rows": rows, **{grade.value: seen[grade] for grade in Grade}}))
        else:
            self._conclude(seen)
        if seen[Grade.VIOLATION]:
            raise CommandError(f"The audit found {seen[Grade.VIOLATION]:,} violations.")

    def _write(self, line: str) -> None:
        """Above the bar, which stands below again afterwards."""
        with tqdm.external_write_mode():
            self.stdout.write(line)

    def _conclude(self, seen: Counter[str]) -> None:
        hidden = seen[Grade.DIFFERENCE] - SHOWN
        if hidden > 0:
            self.stdout.write(f"And {hidden:,} more differences; --json has all of them.")
        self.stdout.write(
            f"{seen[Grade.VIOLATION]:,} violations. {seen[Grade.RESERVED]:,} reserved messages left by a person’s hand. "
            f"{seen[Grade.DIFFERENCE]:,} decisions would differ today."
        )


def _in_a_line(observation: Observation) -> str:
    return f"{observation.grade.upper()} {observation.subject}: {observation.sentence}"


def _read_day(text: str) -> datetime | None:
    if not text:
        return None
    try:
        day = parse_date(text)
    except ValueError:
        day = None
    if day is None:
        raise CommandError(f"“{text}” is no day; write it as 2026-09-15.")
    return timezone.make_aware(datetime.combine(day, time.min))
