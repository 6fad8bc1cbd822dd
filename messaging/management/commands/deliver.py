"""Drains the outbox without django-q2."""

import logging
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import close_old_connections

from messaging import tasks
from messaging.delivery.outbox import DATABASE_TROUBLE

PAUSE = 5  # seconds

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Plans, delivers and reaps once; with --loop, until it is stopped."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--loop", action="store_true", help=f"Go on every {PAUSE} seconds.")

    def handle(self, *args: Any, loop: bool, **options: Any) -> None:
        if not loop:
            self.stdout.write(tasks.sweep())
            return
        try:
            while True:
                self._sweep()
                time.sleep(PAUSE)
        except KeyboardInterrupt:
            self.stdout.write("Stopped.")

    def _sweep(self) -> None:
        close_old_connections()  # the database may have been restarted
        try:
            tasks.sweep()
        except DATABASE_TROUBLE:
            logger.exception("The database does not answer; trying again.")
