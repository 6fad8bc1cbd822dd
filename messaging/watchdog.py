"""Notices a worker that hangs by what it does not do: it rings, and somebody has to show progress. Also keeps the schedule
as it should be, so that neither an emptied nor a forged table stops the clock."""

from __future__ import annotations

import logging
import time

from django.db import close_old_connections
from django.utils import timezone

from messaging import progress
from messaging.delivery import doorbell
from messaging.delivery.outbox import DATABASE_TROUBLE
from messaging.incidents import raise_incident
from messaging.models import Incident
from messaging.schedule import write_schedule

logger = logging.getLogger(__name__)


class Watchdog:
    """Ask `sees_a_hang` as often as you like."""

    def __init__(self, *, silence: float = progress.SILENCE) -> None:
        self._silence = silence
        self._ring_every = min(progress.RING, silence / 4)
        self._look_again_at = time.monotonic()
        self._shown = progress.shown_at()
        self._rang_in_vain_since: float | None = None

    def sees_a_hang(self) -> bool:
        """True once for each hang; the worker that is started anew gets as long again. Measured by a clock that nobody
        sets, so the time of day may jump."""
        at = time.monotonic()
        if at < self._look_again_at:
            return False
        self._look_again_at = at + self._ring_every
        try:
            return self._look(at)
        except DATABASE_TROUBLE:
            # The worker cannot show anything either, so its silence says nothing.
            logger.exception("The watchdog cannot reach the database; it looks again.")
            self._rang_in_vain_since = None
            return False

    def _look(self, at: float) -> bool:
        close_old_connections()  # the database may have been restarted
        shown = progress.shown_at()
        if shown != self._shown:
            self._shown, self._rang_in_vain_since = shown, None
        if self._rang_in_vain_since is not None and at - self._rang_in_vain_since >= self._silence:
            self._rang_in_vain_since = None
            sentence = f"The worker did nothing for {self._silence:.0f} seconds, and was stopped and started anew."
            raise_incident(Incident.Kind.WORKER_HUNG, sentence=sentence, now=timezone.now())
            return True
        write_schedule(now=timezone.now())
        doorbell.ring()
        if self._rang_in_vain_since is None:
            self._rang_in_vain_since = at
        return False
