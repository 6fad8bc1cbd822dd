"""What an administrator puts right in the record: a separate act, with a reason, that stands in the ledger."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from messaging import ledger
from messaging.models import LedgerEntry
from pipeline import moves
from pipeline.actors import person
from pipeline.milestones import Milestone
from pipeline.models import Candidate, ReachCorrection, User
from pipeline.outcomes import Refusal


def correct_reach(
    candidate: Candidate, *, to: Milestone, reason: str, by: User, now: datetime
) -> ReachCorrection | Refusal:
    """The reason stays with the correction; the ledger knows its number, and nothing about the candidate."""
    with transaction.atomic():
        corrected = moves.correct_reach(candidate, to=to, reason=reason, by=person(by.pk), now=now)
        if isinstance(corrected, ReachCorrection):
            ledger.write(
                LedgerEntry.Kind.REACH_CORRECTED,
                about=candidate,
                by=person(by.pk),
                now=now,
                data={"correction": corrected.pk, "from": corrected.from_reach, "to": corrected.to_reach},
            )
    return corrected
