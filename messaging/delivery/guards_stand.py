"""Nothing leaves while the database's guards are not what they should be."""

from __future__ import annotations

from datetime import datetime

from messaging.guards import ALL
from messaging.incidents import raise_incident
from messaging.models import Incident
from pipeline.guards import find_differences


def guards_stand(*, now: datetime) -> bool:
    """False, and an incident the first time, where somebody dropped, changed or switched off one of them."""
    differing = find_differences(ALL)
    if differing and not Incident.objects.open().filter(kind=Incident.Kind.GUARDS_DIFFER).exists():
        raise_incident(
            Incident.Kind.GUARDS_DIFFER,
            sentence=f"Nothing is sent, because guards of the database differ: {', '.join(differing)}",
            now=now,
        )
    return not differing
