"""Do not contact: what a candidate's wish for silence does to everything that waits for them, and what its end does not."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from messaging import ledger
from messaging.consequences import Consequence, look_again, tell
from messaging.models import LedgerEntry
from pipeline import candidates
from pipeline.actors import person
from pipeline.models import Candidate, SilenceEnd, User
from pipeline.outcomes import Refusal


def begin(candidate: Candidate, *, by: User, now: datetime) -> Consequence | Refusal:
    """From now on nothing leaves for them, whoever sends it; what waits ends at once, and so do its hand-offs."""
    with transaction.atomic():
        if not candidates.ask_for_silence(candidate, now=now):
            return Refusal(f"It is recorded already that {candidate} is not to be contacted.")
        ledger.write(LedgerEntry.Kind.SILENCE, about=candidate, by=person(by.pk), now=now, data={"asked": True})
        touched = look_again(candidate.pk, now=now)
        return tell(Consequence(application_id=0, candidate=str(candidate), job=""), touched, now=now)


def rehearse(candidate: Candidate, *, by: User, now: datetime) -> Consequence | Refusal:
    """The same, taken back."""
    with transaction.atomic():
        consequence = begin(candidate, by=by, now=now)
        transaction.set_rollback(True)
    return consequence


def end(candidate: Candidate, *, reason: str, by: User, now: datetime) -> SilenceEnd | Refusal:
    """They want to hear from us again. What ended with their wish stays ended; automations go on with what comes next. Why
    stands in a row of its own, because the ledger says nothing about a person."""
    with transaction.atomic():
        ended = candidates.end_silence(candidate, reason=reason, by=person(by.pk), now=now)
        if isinstance(ended, SilenceEnd):
            data: dict[str, ledger.Plain] = {"asked": False, "end": ended.pk}
            ledger.write(LedgerEntry.Kind.SILENCE, about=candidate, by=person(by.pk), now=now, data=data)
    return ended
