"""How an incident comes to be known: one row for administrators, one line in the ledger, one line in the log; and how one of
them closes it."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import transaction

from messaging import ledger
from messaging.models import Incident, LedgerEntry
from pipeline import actors
from pipeline.models import User
from pipeline.outcomes import Refusal

logger = logging.getLogger(__name__)


def raise_incident(kind: Incident.Kind, *, sentence: str, now: datetime, message_id: int | None = None) -> Incident:
    """The sentence holds no address and no text of a mail."""
    logger.error("Incident: %s", sentence)
    with transaction.atomic():
        incident = Incident.objects.create(kind=kind, at=now, sentence=sentence[:500], message_id=message_id)
        ledger.write(LedgerEntry.Kind.INCIDENT, about=incident, by=actors.CLOCK, now=now, data={"kind": kind.value})
    return incident


def close(incident: Incident, *, note: str, by: User, now: datetime) -> Incident | Refusal:
    """Once, by the first who found something out."""
    with transaction.atomic():
        closed = Incident.objects.open().filter(pk=incident.pk).update(closed_at=now, closed_by=by, note=note)
        if not closed:
            return Refusal("Somebody closed this incident before you.")
        ledger.write(LedgerEntry.Kind.INCIDENT, about=incident, by=actors.person(by.pk), now=now, data={"closed": True})
    incident.refresh_from_db()
    return incident
