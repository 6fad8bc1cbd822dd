"""Runs django-q2's cluster and keeps it at work: one that hangs is stopped and started anew."""

import sys
from argparse import ArgumentTypeError
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from messaging import progress
from messaging.processes import PATIENCE, keep_running
from messaging.watchdog import Watchdog

LONGEST = 3600


class Command(BaseCommand):
    help = "Plans and delivers until it is stopped. This is the process to run in production."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--silence",
            type=_seconds,
            default=progress.SILENCE,
            help="Seconds without progress after which the worker counts as hung (%(default)s), more than a slow mail.",
        )

    def handle(self, *args: Any, silence: float, **options: Any) -> None:
        watchdog = Watchdog(silence=silence)
        connections.close_all()
        ended = keep_running(
            {"worker": [sys.executable, str(settings.BASE_DIR / "manage.py"), "qcluster"]},
            patience=PATIENCE,
            hung=lambda: ["worker"] if watchdog.sees_a_hang() else [],
            farewell=min(progress.FAREWELL, silence),
        )
        if ended:
            raise CommandError("The worker ended by itself. Its last lines say why.")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not 1 <= seconds <= LONGEST:
        raise ArgumentTypeError(f"“{text}” is no number of seconds from 1 to {LONGEST}.")
    return seconds
