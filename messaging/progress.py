"""Shows that somebody is at work on the outbox. That the worker is alive says nothing: one that waits for a lock of a dead
one is alive, and never does anything again. So whoever delivers and plans writes down every few seconds that they do."""

from __future__ import annotations

import logging
import time
from datetime import datetime

from django.db import InterfaceError, OperationalError
from django.utils import timezone

from messaging.models import Progress

EVERY = 5.0  # seconds between two signs of one task

# Seconds of the watchdog: how often it rings, how long nobody has to answer until the worker counts as hung, and how long
# a mail that is leaving after all may take to finish before the worker is killed. Together with a start they stay below 90:
# a sign can be RING old when it is seen, and the silence can be noticed RING late.
RING = 10.0
SILENCE = 40.0
FAREWELL = 10.0

logger = logging.getLogger(__name__)


class Clock:
    """The clock of one task. Who looks at it is at work, and that is shown, at once and then every few seconds."""

    def __init__(self) -> None:
        self._show_again_at = time.monotonic()

    def __call__(self) -> datetime:
        now = timezone.now()
        if time.monotonic() >= self._show_again_at:
            self._show_again_at = time.monotonic() + EVERY
            try:
                show(now=now)
            except (OperationalError, InterfaceError):
                logger.warning("The database does not take a sign of progress.")  # the work itself finds out as well
        return now


def show(*, now: datetime) -> None:
    if not Progress.objects.filter(pk=Progress.ONLY).update(at=now):
        Progress.objects.bulk_create([Progress(pk=Progress.ONLY, at=now)], ignore_conflicts=True)


def shown_at() -> datetime | None:
    """None: nobody ever was at work."""
    return Progress.objects.filter(pk=Progress.ONLY).values_list("at", flat=True).first()
